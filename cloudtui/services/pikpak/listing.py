"""Listings of PikPak, page by page, and how a row becomes an `Entry`.

Owns paging, filters and names in both directions; keeps nothing. Lists run behind changes on
PikPak, so nothing here may be used to confirm a change of ours.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from cloudtui.services.models import Entry, Flag, Kind
from cloudtui.services.naming import cut_name, decode_name, encode_name, stand_in
from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.client import FILES, Api
from cloudtui.services.pikpak.paging import paged
from cloudtui.services.pikpak.profile import Profile

PAGE: Final = 500
"""Entries per page; rclone's figure, larger ones are not known to work."""

ANYWHERE: Final = "*"
"""Stands for any parent in a listing."""

STAR: Final = "STAR"
"""The tag that is a star."""

Filters = dict[str, dict[str, str | bool]]

_PART: Final = re.compile(r"\..*\.[0-9a-f]{8}\.cloudtui-part", re.DOTALL)

_GCID: Final = re.compile(r"[0-9A-Fa-f]{40}")


def live_filters(profile: Profile, kind: str = "") -> Filters:
    """What a folder shows: whole files, nothing from the trash. With `trashed_only` the trash is
    not left out here, as folders must show for their trashed contents to be reached."""
    filters: Filters = {"phase": {"eq": wire.COMPLETE}}
    if not profile.trashed_only:
        filters["trashed"] = {"eq": False}
    if kind:
        filters["kind"] = {"eq": kind}
    return filters


async def pages(api: Api, parent: str, filters: Filters) -> AsyncIterator[list[wire.File]]:
    """The raw rows of a folder by id (empty: root; `ANYWHERE`: all), page by page as they come.

    A folder that is unknown or deleted looks empty to PikPak. Raises BadReply when the service
    hands out the same page again and again.
    """
    text = msgspec.json.encode(filters).decode()

    async def page_at(token: str) -> wire.FileList:
        return await api.call(
            wire.FileList,
            "GET",
            FILES,
            query=(
                ("parent_id", parent),
                ("page_token", token),
                ("limit", str(PAGE)),
                ("thumbnail_size", "SIZE_SMALL"),
                ("with_audit", "true"),
                ("filters", text),
            ),
        )

    async for page in paged(page_at):
        if page.files:
            yield page.files


async def detail(api: Api, file_id: str, *, where: str = "") -> wire.File:
    """One file or folder by id. Raises NotFound when it is gone or lies in the trash."""
    row = await api.call(wire.File, "GET", f"{FILES}/{file_id}", where=where)
    row.id = row.id or file_id
    return row


def is_shown(profile: Profile, file: wire.File, *, buried: bool = False) -> bool:
    """Whether a row belongs into a listing, should the service not have filtered it. `buried`: its
    folder lies in the trash, and so does it, though it may not say so itself."""
    if not file.id or not file.is_complete or _PART.fullmatch(file.name):
        return False
    if profile.trashed_only:
        return file.is_folder or file.trashed or buried
    return not file.trashed


def part_name(name: str, job: str) -> str:
    """The temporary name of a file that is to replace another; listings leave it out."""
    mark = (job.replace("-", "") + "00000000")[:8].lower()
    mark = mark if re.fullmatch(r"[0-9a-f]{8}", mark) else "00000000"
    return f".{cut_name(name, 200)}.{mark}.cloudtui-part"


def local(profile: Profile, file: wire.File) -> str:
    """The local name of a row."""
    return decode_name(file.name, profile.rules) or stand_in(file.id)


def entry_of(profile: Profile, file: wire.File) -> Entry:
    """The row of a listing as everybody else knows it. A folder has no size and no digest."""
    flags = Flag(0)
    if file.tags and any(tag.name == STAR for tag in file.tags):
        flags |= Flag.STARRED
    if not file.is_complete:
        flags |= Flag.PENDING
    if is_blocked(file):
        flags |= Flag.BLOCKED
    name = local(profile, file)
    mtime = wire.time_ns(file.modified_time)
    made = mtime if file.created_time == file.modified_time else wire.time_ns(file.created_time)
    mtime = mtime or made
    if file.is_folder:
        return Entry(name, file.id, Kind.FOLDER, None, mtime, b"", flags, made)
    return Entry(name, file.id, Kind.FILE, file.size, mtime, gcid_bytes(file.hash), flags, made)


def row_of(profile: Profile, entry: Entry, parent: str) -> wire.File:
    """The row an entry of the folder `parent` was made of, as far as the entry tells."""
    return wire.File(
        id=entry.id,
        kind=wire.FOLDER if entry.is_folder else wire.FILE,
        parent_id=parent,
        name=encode_name(entry.name, profile.rules),
        size=entry.size,
        hash=entry.hash.hex().upper(),
    )


def gcid_bytes(text: str) -> bytes:
    """A GCID as bytes; empty when the service holds none."""
    return bytes.fromhex(text) if _GCID.fullmatch(text) else b""


def is_blocked(file: wire.File) -> bool:
    """Whether the service keeps the content from its owner. Anything but `STATUS_OK` does."""
    return file.audit is not None and file.audit.status not in ("", "STATUS_OK")
