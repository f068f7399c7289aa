"""Entries as lines and as JSON, the shapes every listing command shares."""

from __future__ import annotations

import time
from collections.abc import Mapping

from cloudtui.cli_output import Output, human_size, rfc3339
from cloudtui.services.models import Capabilities, Entry, Found, HashType, Kind, Location


def entry_json(
    at: Location, entry: Entry, caps: Capabilities, hashes: Mapping[HashType, str] | None = None
) -> dict[str, object]:
    """`name, path, id, type, size, modified, hashes` of one entry; one with a star is also
    `starred`."""
    known: dict[str, str] = {}
    if hashes is not None:
        known = {str(kind): digest for kind, digest in hashes.items()}
    elif entry.hash and caps.entry_hash not in (None, HashType.CHANGE):
        digest = entry.hash.hex()
        known = {
            str(caps.entry_hash): digest.upper() if caps.entry_hash == HashType.GCID else digest
        }
    return {
        "name": entry.name,
        "path": at.path,
        "id": entry.id,
        "type": "folder" if entry.is_folder else str(entry.kind),
        "size": None if entry.is_folder else entry.size,
        "modified": rfc3339(entry.mtime_ns),
        "hashes": known,
        **({"starred": True} if entry.is_starred else {}),
    }


def entry_line(
    found: Found, output: Output, *, shown: str, long: bool = False, ids: bool = False
) -> str:
    """One text line: the name, folders with a slash; `long` adds size and time in front."""
    entry = found.entry
    name = output.name(shown) + ("/" if entry.is_folder else "")
    columns: list[str] = []
    if long:
        size = "-" if entry.is_folder else human_size(entry.size)
        columns += [f"{size:>9}", moment(entry.mtime_ns)]
    if ids:
        columns.append(entry.id)
    columns.append(name)
    return "  ".join(columns)


def moment(mtime_ns: int | None) -> str:
    """Local date and time to the minute, sixteen columns wide."""
    if mtime_ns is None:
        return " " * 15 + "?"
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(mtime_ns // 1_000_000_000))
    except (OverflowError, ValueError, OSError):
        return " " * 15 + "?"


def is_copyable(entry: Entry) -> bool:
    """Whether the entry is a file or folder."""
    return entry.kind in (Kind.FILE, Kind.FOLDER)
