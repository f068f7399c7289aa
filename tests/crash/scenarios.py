"""What is done while the process is killed, and what must be true once it was done again: the words
that every scenario is told in.

A scenario prepares a stage and answers with the command and the check of the end.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.cloud_stage import Stage, Tree

Files = dict[str, bytes]

VOID = ("void",)

OPTIONS = {
    "pk": {"upload_cutoff": 200_000, "chunk_size": 102_400},
    "pc": {"upload_cutoff": 200_000, "chunk_size": 65_536},
}
"""Files of 300 KB go in parts."""

DONE = frozenset({0})
OVER_ALREADY = frozenset({0, 3})
"""Where the work can be over although the process died: then its source is not found any more."""


@dataclass(frozen=True)
class Case:
    """One prepared scenario. `codes` are exit codes with which the second run may end; `again` is
    what is run then, the same words when it is empty."""

    words: tuple[str, ...]
    check: Callable[[], None]
    codes: frozenset[int] = DONE
    again: tuple[str, ...] = ()


Scenario = Callable[[Stage], Case]
RESUME = ("jobs", "resume")


def files_of(stage: Stage, salt: str = "") -> Files:
    """A small tree that no other stage ever had: PikPak takes known content without its bytes."""
    rng = random.Random(f"{stage.username}/{salt}")
    return {
        "a.txt": rng.randbytes(1_000),
        "big.bin": rng.randbytes(300_000),
        "sub/b.bin": rng.randbytes(70_000),
        "sub/empty": b"",
    }


def same(stage: Stage, place: str, top: str, wanted: Tree) -> None:
    """The tree is what it should be, and nothing unfinished lies around."""
    assert stage.tree(place, top) == wanted
    assert stage.litter() == []


def within(top: str, tree: Tree) -> Tree:
    """The tree as the only thing in a folder, called `top`."""
    return {top: None, **under(top, tree)}


def under(top: str, tree: Tree) -> Tree:
    """The tree with `top/` before every path."""
    return {f"{top}/{path}": sha1 for path, sha1 in tree.items()}
