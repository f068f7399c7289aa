"""Methods on the trash; closed to OAuth tokens, which get 1000 though their token is good."""

from __future__ import annotations

from cloudtui.sandbox.pcloud.call import Access, Call, method
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.metadata import contents, describe
from cloudtui.sandbox.pcloud.nodes import File, Folder, Node, is_live


def trashed(call: Call) -> Node:
    """The deleted node named by `fileid` or `folderid`; Refusals 1053, 2005, 2009."""
    params, tree = call.params, call.account.tree
    if params.text("fileid") is not None:
        file = tree.files.get(params.number("fileid") or 0)
        if file is None or file not in tree.trash:
            raise Refusal(2009)
        return file
    if params.text("folderid") is None:
        raise Refusal(1053)
    folder = tree.folders.get(params.number("folderid") or 0)
    if folder is None or folder not in tree.trash:
        raise Refusal(2005)
    return folder


def way_back(call: Call, node: Node) -> Folder:
    """Where a restore puts it: the folder it was deleted from, else the nearest live one above."""
    parent = node.parent
    while parent is not None and not is_live(parent):
        parent = parent.parent
    return parent or call.account.tree.root


def describe_trashed(call: Call, node: Node) -> dict[str, object]:
    """Metadata of a top-level entry of the trash: its parent is the trash's root."""
    found = describe(node, call.style)
    found["parentfolderid"] = 0
    found["origparentfolderid"] = node.parent.id if node.parent is not None else 0
    found["isdeleted"] = True
    return found


@method("trash_list", access=Access.SESSION)
def trash_list(call: Call) -> dict[str, object]:
    """The trash's root, or a deleted folder in it."""
    params, tree = call.params, call.account.tree
    number = params.number("folderid") or 0
    recursive, files = params.flag("recursive"), not params.flag("nofiles")
    if number:
        folder = tree.folders.get(number)
        if folder is None or is_live(folder):
            raise Refusal(2005)
        metadata = describe(folder, call.style)
        metadata["contents"] = _marked(contents(folder, call.style, recursive=True, files=files))
        return {"metadata": metadata}
    metadata = describe(tree.root, call.style)
    metadata["isdeleted"] = True
    found: list[dict[str, object]] = []
    for node in tree.trash:
        if isinstance(node, File) and not files:
            continue
        entry = describe_trashed(call, node)
        if isinstance(node, Folder):
            below = contents(node, call.style, recursive=True, files=files) if recursive else []
            entry["contents"] = _marked(below)
        found.append(entry)
    metadata["contents"] = found
    return {"metadata": metadata}


def _marked(found: list[dict[str, object]]) -> list[dict[str, object]]:
    for entry in found:
        entry["isdeleted"] = True
        below = entry.get("contents")
        if isinstance(below, list):
            _marked(below)
    return found


@method("trash_restorepath", access=Access.SESSION)
def trash_restorepath(call: Call) -> dict[str, object]:
    """Where a restore would put it; changes nothing."""
    node = trashed(call)
    destination = way_back(call, node)
    return {
        "metadata": {**describe_trashed(call, node), "parentfolderid": destination.id},
        "destination": describe(destination, call.style),
    }


@method("trash_restore", access=Access.SESSION, writes=True)
def trash_restore(call: Call) -> dict[str, object]:
    """Restore one node, or everything with `folderid=0`. `restoreto` names another live folder."""
    params, tree = call.params, call.account.tree
    into: Folder | None = None
    if params.text("restoreto") is not None:
        number = params.number("restoreto")
        if number is None:
            raise Refusal(1054)
        into = tree.folder(number)
    if params.text("fileid") is None and params.number("folderid") == 0:
        restored = []
        for node in list(tree.trash):
            call.account.room_for(0)
            tree.restore(node, into or way_back(call, node))
            restored.append(describe(node, call.style))
        return {"restored": restored}
    node = trashed(call)
    tree.restore(node, into or way_back(call, node))
    metadata = describe(node, call.style)
    metadata["isdeleted"] = False
    if isinstance(node, Folder):
        metadata["contents"] = contents(node, call.style)
    return {"metadata": metadata}


@method("trash_clear", access=Access.SESSION, writes=True)
def trash_clear(call: Call) -> dict[str, object]:
    """Delete one node for ever, or everything with `folderid=0`."""
    tree = call.account.tree
    if call.params.text("fileid") is None and call.params.number("folderid") == 0:
        for node in list(tree.trash):
            tree.purge(node)
        return {}
    tree.purge(trashed(call))
    return {}
