"""What of a share stands in a folder of one's own: known by where the service says it comes from,
else by its name, its size and its digest. Asks for nothing; changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.listing import gcid_bytes, local
from cloudtui.services.pikpak.profile import Profile
from cloudtui.services.shares import SharedItem, ShareLink


def origin(row: wire.File) -> str:
    """The id that something saved had in its share; empty when that is not told."""
    return row.params.original_file_id if row.params is not None else ""


def origin_share(row: wire.File) -> str:
    """The share that something was saved from; empty when that is not told."""
    return row.params.original_share_id if row.params is not None else ""


def newest(
    profile: Profile,
    link: ShareLink,
    item: SharedItem,
    rows: Iterable[wire.File],
    since_ns: int,
) -> wire.File | None:
    """The last one among the rows of a folder that is `item`, saved from its share at `since_ns`
    or later."""
    fits = [
        row
        for row in rows
        if (wire.time_ns(row.created_time) or 0) >= since_ns and _fits(profile, link, item, row)
    ]
    return max(fits, key=lambda row: wire.time_ns(row.created_time) or 0, default=None)


def twin(profile: Profile, item: SharedItem, rows: Iterable[wire.File]) -> wire.File | None:
    """The same file under the same name, whoever put it there: size and digest agree."""
    if not item.entry.hash:
        return None
    for row in rows:
        same = row.is_complete and local(profile, row) == item.entry.name and _alike(item, row)
        if same and gcid_bytes(row.hash):
            return row
    return None


def _fits(profile: Profile, link: ShareLink, item: SharedItem, row: wire.File) -> bool:
    if origin_share(row) not in ("", link.share):
        return False
    if origin(row):
        return origin_share(row) == link.share and origin(row) == item.entry.id
    if item.entry.name == item.entry.id:  # what a link led to without telling its name
        return origin_share(row) == link.share
    return row.is_complete and _named(item.entry.name, local(profile, row)) and _alike(item, row)


def _named(name: str, here: str) -> bool:
    """Whether something is called so here, or so with the number the service gives to twins."""
    if name == here:
        return True
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        stem, dot, suffix = name, "", ""
    plain = re.escape(name) + r" ?\(\d+\)"
    inner = re.escape(stem) + r" ?\(\d+\)" + re.escape(dot + suffix)
    return re.fullmatch(f"{plain}|{inner}", here) is not None


def _alike(item: SharedItem, row: wire.File) -> bool:
    """Whether the kinds, and of files the sizes and the digests, agree as far as they are told."""
    entry = item.entry
    if entry.is_folder or row.is_folder:
        return entry.is_folder and row.is_folder
    known = gcid_bytes(row.hash)
    sizes = None in (entry.size, row.size) or entry.size == row.size
    return sizes and (not known or not entry.hash or known == entry.hash)
