"""Looking for secrets in whatever a run left: as they are, URL-encoded, in base64."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

_SHORTEST = 8


def shapes(secret: str) -> set[bytes]:
    """Every way a secret may hide inside other bytes."""
    raw = secret.encode()
    found = {raw, quote(secret, safe="").encode()}
    for before in range(3):
        # the whole groups of three bytes are the same whatever stands around the secret
        skipped = -before % 3
        whole = raw[skipped : skipped + (len(raw) - skipped) // 3 * 3]
        if len(whole) >= _SHORTEST:
            found |= {base64.b64encode(whole), base64.urlsafe_b64encode(whole)}
    return found


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file with its content, its own name included."""
    for path in folder.rglob("*"):
        yield f"the name of {path}", str(path).encode()
        if path.is_file() and not path.is_symlink():
            yield str(path), path.read_bytes()


def leaks(secrets: Iterable[str], places: Iterable[tuple[str, bytes]]) -> Mapping[str, list[str]]:
    """Place → secrets found there."""
    wanted = {each: shapes(each) for each in secrets if len(each) >= _SHORTEST}
    found: dict[str, list[str]] = {}
    for place, content in places:
        for secret, ways in wanted.items():
            if any(way in content for way in ways):
                found.setdefault(place, []).append(secret)
    return found
