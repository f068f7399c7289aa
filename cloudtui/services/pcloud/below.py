"""Everything below a folder, in as few calls as the service allows.

One call gives a whole subtree, but not of the account's top (refused since spring 2026), nor of
trees that are too deep or too large for it: those are taken apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cloudtui.services.errors import BadReply, NotFound, NotSupported, ServerTrouble
from cloudtui.services.pcloud import errors, wire
from cloudtui.services.pcloud.client import SLOW, Client
from cloudtui.services.pcloud.entries import ROOT, is_trash_folder, number
from cloudtui.services.pcloud.listing import children, readable
from cloudtui.services.walking import Hope, spread

_MOST: Final = 64 << 20
"""Bytes of one answer, some 200,000 entries; more is read in parts."""
_ENTRY: Final = 600
"""Bytes of an entry with a long name."""


async def whole_tree(
    client: Client, folderid: int, *, no_files: bool = False, most: int | None = None
) -> wire.Tree | None:
    """A folder with everything (or all folders) below it by one call; None where the service
    refuses that or breaks off, or where the answer is longer than `most` entries can be. Tried
    once: what is too large once is too large every time. Raises NotFound."""
    if folderid == number(ROOT):
        return None
    params: dict[str, str | int] = {"folderid": folderid, "recursive": 1}
    if no_files:
        params["nofiles"] = 1
    limit = _MOST if most is None else min(_MOST, most * _ENTRY)
    body = bytearray()
    try:
        async with client.stream("listfolder", params, timeout=SLOW) as pieces:
            async for piece in pieces:
                body += piece
                if len(body) > limit:
                    return None
        answer = wire.decode(bytes(body), wire.TreeListing)
        await client.require_success(answer, "listfolder")
    except (NotSupported, ServerTrouble, BadReply, ValueError):
        return None
    if answer.metadata is None:
        raise errors.bad_reply("listfolder", "no metadata")
    # it is the one that was asked for, whatever it says of itself
    answer.metadata.isfolder, answer.metadata.folderid = True, folderid
    folders = [item for item in answer.metadata.contents or () if item.isfolder]
    if folders and all(folder.contents is None for folder in folders):
        # they may be empty, or the service listed one level although asked for all
        return None
    return answer.metadata


def folders_of(tree: wire.Tree, root: int) -> Iterator[tuple[wire.Tree, list[wire.Tree]]]:
    """Each folder of a tree with what it holds, after the one it lies in. Our trash folder is left
    out; `root` is the number of the folder that is the account's top."""
    pending = [tree]
    while pending:
        here = pending.pop()
        items = []
        for item in readable(here.contents or []):
            if item.parentfolderid is None:
                item.parentfolderid = here.folderid
            if not is_trash_folder(item, root):
                items.append(item)
        yield here, items
        pending.extend(item for item in reversed(items) if item.isfolder)


async def everything_below(client: Client, folderid: int, root: int) -> list[wire.Item]:
    """All entries below a folder, folders before what they hold; each has `parentfolderid`. Our
    trash folder in `root` is left out."""

    async def one(key: tuple[int, Hope]) -> tuple[list[wire.Item], list[tuple[int, Hope]]]:
        here, hope = key
        try:
            tree = await whole_tree(client, here) if not hope.levels else None
            if tree is not None:
                return [item for _, items in folders_of(tree, root) for item in items], []
            items = await children(client, here)
        except NotFound:
            if here == folderid:
                raise
            return [], []  # deleted while the others were listed
        kept = [item for item in items if not is_trash_folder(item, root)]
        return kept, [(item.folderid or 0, hope.below()) for item in kept if item.isfolder]

    return [item async for item in spread([(folderid, Hope())], one)]
