"""Which files an order means: include and exclude patterns.

Pure. A pattern without a slash fits names anywhere; with one it fits the whole path below the
source. `*` and `?` stop at slashes, `**` does not. A pattern that ends in a slash fits folders.
Exclusion wins; an excluded folder is not entered. Inclusion speaks of files only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence


class Filters:
    """The patterns of one order."""

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        self._include = [_Pattern(each) for each in include]
        self._exclude = [_Pattern(each) for each in exclude]

    @property
    def any(self) -> bool:
        """Whether there are patterns at all."""
        return bool(self._include or self._exclude)

    def takes(self, inner: Sequence[str], *, folder: bool) -> bool:
        """Whether the thing at `inner`, its path below the source, belongs to the order."""
        if any(each.fits(inner, folder=folder) for each in self._exclude):
            return False
        if folder or not self._include:
            return True
        return any(each.fits(inner, folder=False) for each in self._include)


class _Pattern:
    def __init__(self, text: str) -> None:
        self._folders_only = text.endswith("/")
        body = text.rstrip("/")
        self._whole = "/" in body
        self._rule = re.compile(_regex(body.lstrip("/")), re.DOTALL)

    def fits(self, inner: Sequence[str], *, folder: bool) -> bool:
        if self._folders_only and not folder:
            # a file below such a folder: `build/` leaves out all it holds
            return any(self.fits(inner[:depth], folder=True) for depth in range(1, len(inner)))
        text = "/".join(inner) if self._whole else inner[-1] if inner else ""
        return self._rule.fullmatch(text) is not None


def _regex(pattern: str) -> str:
    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**/", at):
            out.append("(?:.*/)?")
            at += 3
            continue
        if pattern.startswith("**", at):
            out.append(".*")
            at += 2
            continue
        end = pattern.find("]", at + 2) if char == "[" else -1
        if char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif end > 0:
            inside = pattern[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            out.append(f"[^{inside[1:]}]" if inside[0] in "!^" else f"[{inside}]")
            at = end
        else:
            out.append(re.escape(char))
        at += 1
    return "".join(out)
