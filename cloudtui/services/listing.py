"""Filtering, sorting and picking rows: pure functions over entries.

A leaf: knows models and naming only, keeps nothing.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from enum import StrEnum

from msgspec.structs import replace

from cloudtui.services.models import Change, Entry
from cloudtui.services.naming import fold, sort_key, split_extension


class SortBy(StrEnum):
    """Columns a pane can be sorted by."""

    NAME = "name"
    SIZE = "size"
    MODIFIED = "modified"
    CREATED = "created"
    EXTENSION = "extension"


def order(
    entries: Sequence[Entry],
    by: SortBy = SortBy.NAME,
    *,
    reverse: bool = False,
    folders_first: bool = True,
    keys: Sequence[str] | None = None,
) -> list[int]:
    """Indices of `entries` in display order.

    Ties go by natural name, then id, so rows never dance. Unknown sizes and times sort last in
    both directions. `keys` are cached `sort_key`s parallel to `entries`.
    """
    names = keys if keys is not None else [sort_key(entry.name) for entry in entries]
    indices = list(range(len(entries)))
    indices.sort(key=lambda index: entries[index].id)
    match by:
        case SortBy.NAME:
            indices.sort(key=names.__getitem__, reverse=reverse)
        case SortBy.SIZE:
            indices.sort(key=names.__getitem__)
            indices = _by_number(indices, [entry.size for entry in entries], reverse)
        case SortBy.MODIFIED:
            indices.sort(key=names.__getitem__)
            indices = _by_number(indices, [entry.mtime_ns for entry in entries], reverse)
        case SortBy.CREATED:
            indices.sort(key=names.__getitem__)
            indices = _by_number(indices, [entry.created_ns for entry in entries], reverse)
        case SortBy.EXTENSION:
            indices.sort(key=names.__getitem__)
            extensions = [split_extension(entry.name)[1].casefold() for entry in entries]
            indices.sort(key=extensions.__getitem__, reverse=reverse)
    if folders_first:
        indices.sort(key=lambda index: not entries[index].is_folder)
    return indices


def _by_number(indices: list[int], values: list[int | None], reverse: bool) -> list[int]:
    known = [index for index in indices if values[index] is not None]
    unknown = [index for index in indices if values[index] is None]
    known.sort(key=lambda index: values[index] or 0, reverse=reverse)
    return known + unknown


def matches(pattern: str) -> Callable[[str], bool]:
    """The test a filter text stands for.

    Plain text means contains, blind to case, accents and width unless an upper-case letter is
    typed; `*` or `?` make it a glob over the whole name; `re:` a regular expression (one that does
    not compile matches nothing).
    """
    if pattern.startswith("re:"):
        try:
            expression = re.compile(pattern[3:])
        except re.error:
            return lambda _name: False
        return lambda name: expression.search(name) is not None
    if "*" in pattern or "?" in pattern:
        glob = re.compile(fnmatch.translate(fold(pattern)))
        return lambda name: glob.match(fold(name)) is not None
    if any(char.isupper() for char in pattern):
        return lambda name: pattern in name
    wanted = fold(pattern)
    return lambda name: wanted in fold(name)


def duplicate_numbers(entries: Sequence[Entry]) -> dict[str, int]:
    """Names that occur more than once: entry id → 2, 3, … in list order, the first left out."""
    seen: dict[str, int] = {}
    numbers: dict[str, int] = {}
    for entry in entries:
        count = seen.get(entry.name, 0) + 1
        seen[entry.name] = count
        if count > 1:
            numbers[entry.id] = count
    return numbers


def amended(
    entries: Sequence[Entry], changes: Sequence[Change], folder: str
) -> tuple[list[Entry] | None, list[Entry]]:
    """What `changes` make of the rows of the folder whose id is `folder`: the rows that stay, in
    their order, and those that come.

    None in place of the first when all stay as they are. A shown folder in which something
    happened carries the time of that.
    """
    latest = {change.id: change for change in changes}
    here = {id_: change.entry for id_, change in latest.items() if change.folder == folder}
    times: dict[str, int] = {}
    for change in changes:
        times[change.folder] = max(times.get(change.folder, 0), change.when_ns or 0)
    # folders are large and changes few: most rows are not looked at
    concerned = latest.keys() | times.keys()
    concerned &= {entry.id for entry in entries}
    now: dict[int, Entry | None] = {}
    for index, entry in enumerate(entries) if concerned else ():
        if entry.id not in concerned:
            continue
        if entry.id in latest:
            now[index] = here.pop(entry.id, None)
        elif times[entry.id] > (entry.mtime_ns or 0):
            now[index] = replace(entry, mtime_ns=times[entry.id])
    come = [entry for entry in here.values() if entry is not None]
    if all(entries[index] == entry for index, entry in now.items()):
        return None, come
    rows: list[Entry | None] = list(entries)
    for index, changed in now.items():
        rows[index] = changed
    return [entry for entry in rows if entry is not None], come
