"""Methods on collections (playlists); closed to OAuth tokens."""

from __future__ import annotations

from cloudtui.sandbox.pcloud.call import Access, Call, method
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.estate import Collection
from cloudtui.sandbox.pcloud.metadata import describe
from cloudtui.sandbox.pcloud.nodes import is_live

PLAYLIST = 1


def _describe(call: Call, found: Collection, *, items: bool) -> dict[str, object]:
    tree = call.account.tree
    entries: list[dict[str, object]] = []
    for position, (number, added) in enumerate(found.items, 1):
        file = tree.files.get(number)
        if items and file is not None and is_live(file):
            extra = {"position": position, "added": call.style.moment(added)}
            entries.append({**describe(file, call.style), **extra})
    return {
        "id": found.id,
        "name": found.name,
        "type": "audio",
        "system": found.system,
        "ismine": True,
        "items": len(found.items),
        "created": call.style.moment(found.created),
        "modified": call.style.moment(found.modified),
        "contents": entries,
    }


def _wanted(call: Call, *, change: bool = True) -> Collection:
    number = call.params.number("collectionid")
    if number is None:
        raise Refusal(1057)
    found = call.account.collections.get(number)
    if found is None or (change and found.system):
        raise Refusal(2065)
    return found


def _name(call: Call) -> str:
    name = call.params.text("name")
    if not name:
        raise Refusal(1039)
    if any(known.name == name for known in call.account.collections.values()):
        raise Refusal(2073)
    return name


def _link(call: Call, found: Collection) -> list[dict[str, object]]:
    results: list[dict[str, object]] = []
    for number in call.params.numbers("fileids"):
        file = call.account.tree.files.get(number)
        if file is None or not is_live(file):
            results.append({"fileid": number, "result": 2009, "message": "File not found."})
            continue
        found.items.append((number, call.now))
        extra = {"position": len(found.items), "added": call.style.moment(call.now)}
        metadata = {**describe(file, call.style), **extra}
        results.append({"fileid": number, "result": 0, "metadata": metadata})
    found.modified = call.now
    return results


@method("collection_list", access=Access.SESSION)
def collection_list(call: Call) -> dict[str, object]:
    kind = call.params.number("type")
    if kind not in (None, PLAYLIST):
        return {"collections": []}
    items = call.params.flag("showfiles")
    known = call.account.collections.values()
    return {"collections": [_describe(call, found, items=items) for found in known]}


@method("collection_details", access=Access.SESSION)
def collection_details(call: Call) -> dict[str, object]:
    found = _describe(call, _wanted(call, change=False), items=True)
    page, size = call.params.number("page"), call.params.number("pagesize")
    entries = found["contents"]
    if page and size and isinstance(entries, list):
        found["contents"] = entries[(page - 1) * size : page * size]
    return {"collection": found}


@method("collection_create", access=Access.SESSION, writes=True)
def collection_create(call: Call) -> dict[str, object]:
    if call.params.number("type") not in (None, PLAYLIST):
        raise Refusal(1058)
    found = Collection(call.estate.number(), _name(call), call.now, call.now)
    call.account.collections[found.id] = found
    results = _link(call, found)
    return {"collection": _describe(call, found, items=False), "linkresult": results}


@method("collection_rename", access=Access.SESSION, writes=True)
def collection_rename(call: Call) -> dict[str, object]:
    found = _wanted(call)
    found.name = _name(call)
    found.modified = call.now
    return {"collection": _describe(call, found, items=False)}


@method("collection_delete", access=Access.SESSION, writes=True)
def collection_delete(call: Call) -> dict[str, object]:
    del call.account.collections[_wanted(call).id]
    return {}


@method("collection_linkfiles", access=Access.SESSION, writes=True)
def collection_linkfiles(call: Call) -> dict[str, object]:
    found = _wanted(call)
    results = _link(call, found)
    return {"collection": _describe(call, found, items=False), "linkresult": results}


@method("collection_unlinkfiles", access=Access.SESSION, writes=True)
def collection_unlinkfiles(call: Call) -> dict[str, object]:
    """By `positions` (from 1), else `all`, else every entry of `fileids`."""
    found = _wanted(call)
    positions = set(call.params.numbers("positions"))
    numbers = set(call.params.numbers("fileids"))
    if positions:
        kept = [item for at, item in enumerate(found.items, 1) if at not in positions]
    elif call.params.flag("all"):
        kept = []
    else:
        kept = [item for item in found.items if item[0] not in numbers]
    found.items = kept
    found.modified = call.now
    return {"collection": _describe(call, found, items=False)}


@method("collection_move", access=Access.SESSION, writes=True)
def collection_move(call: Call) -> dict[str, object]:
    """Move the entry at `item` to `position`, both from 1."""
    found = _wanted(call)
    item, position = call.params.number("item"), call.params.number("position")
    if not item or not position or item > len(found.items):
        raise Refusal(2065)
    found.items.insert(position - 1, found.items.pop(item - 1))
    found.modified = call.now
    return {"collection": _describe(call, found, items=True)}
