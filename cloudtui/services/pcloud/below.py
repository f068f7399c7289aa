"""Everything below a folder, in as few calls as the service allows.

One call gives a whole subtree, but not of the account's top (refused since spring 2026), nor of
trees that are too deep or too large for it: those are listed level by level.
"""

from __future__ import annotations

from cloudtui.services.errors import NotFound, NotSupported, ServerTrouble
from cloudtui.services.pcloud import errors, wire
from cloudtui.services.pcloud.client import SLOW, Client
from cloudtui.services.pcloud.entries import ROOT, number
from cloudtui.services.pcloud.listing import children
from cloudtui.services.pcloud.parallel import each

_AT_ONCE = 8


async def everything_below(client: Client, folderid: int) -> list[wire.Item]:
    """All entries below a folder, folders before what they hold; each has `parentfolderid`."""
    if folderid == number(ROOT):
        found = list(await children(client, folderid))
        subtrees = await each(
            [item.folderid for item in found if item.folderid is not None and item.isfolder],
            lambda below: _subtree(client, below),
            at_once=_AT_ONCE,
        )
        return [*found, *(item for subtree in subtrees for item in subtree)]
    return await _subtree(client, folderid)


async def _subtree(client: Client, folderid: int) -> list[wire.Item]:
    try:
        return _flat(await _recursive(client, folderid))
    except (NotSupported, ServerTrouble):
        return await _levels(client, folderid)


async def _recursive(client: Client, folderid: int) -> wire.Tree:
    """One call, tried once: a server that breaks off a large tree does so every time."""
    params: dict[str, str | int] = {"folderid": folderid, "recursive": 1}
    async with client.stream("listfolder", params, timeout=SLOW) as body:
        pieces = [piece async for piece in body]
    try:
        answer = wire.decode(b"".join(pieces), wire.TreeListing)
    except ValueError as exc:
        raise errors.bad_reply("listfolder", "cut short") from exc
    await client.require_success(answer, "listfolder")
    if answer.metadata is None:
        raise errors.bad_reply("listfolder", "no metadata")
    return answer.metadata


def _flat(tree: wire.Tree) -> list[wire.Item]:
    found: list[wire.Item] = []
    pending = [tree]
    while pending:
        here = pending.pop()
        for item in here.contents or ():
            if item.parentfolderid is None:
                item.parentfolderid = here.folderid
            found.append(item)
            if item.isfolder:
                pending.append(item)
    return found


async def _levels(client: Client, folderid: int) -> list[wire.Item]:
    found: list[wire.Item] = []
    level = [folderid]
    while level:
        listed = await each(level, lambda below: _listed(client, below), at_once=_AT_ONCE)
        items = [item for page in listed for item in page]
        found += items
        level = [item.folderid for item in items if item.isfolder and item.folderid is not None]
    return found


async def _listed(client: Client, folderid: int) -> list[wire.Item]:
    try:
        return await children(client, folderid)
    except NotFound:
        return []  # deleted while the others were listed
