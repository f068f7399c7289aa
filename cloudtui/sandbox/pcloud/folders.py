"""Methods on folders."""

from __future__ import annotations

from cloudtui.sandbox.pcloud.call import Call, method, split_path
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.metadata import TooDeep, contents, describe
from cloudtui.sandbox.pcloud.nodes import File, Folder, Node, inside
from cloudtui.sandbox.pcloud.sharing import refuse_shared
from cloudtui.sandbox.pcloud.tree import Clash

RECURSIVE_ENTRIES = 1_000_000


def buried_by_folder(call: Call) -> dict[int, list[Node]]:
    """Deleted nodes by the folder they were deleted from."""
    found: dict[int, list[Node]] = {}
    for node in call.account.tree.trash:
        if node.parent is not None:
            found.setdefault(node.parent.id, []).append(node)
    return found


def count_below(folder: Folder, limit: int) -> int:
    """Entries in a subtree; stops counting above the limit."""
    total = 0
    stack = [folder]
    while stack and total <= limit:
        current = stack.pop()
        total += len(current.files) + len(current.folders)
        stack.extend(current.folders.values())
    return total


@method("listfolder")
def listfolder(call: Call) -> dict[str, object]:
    """A folder with its contents in one answer. Recursion from the root is refused with 1101
    (switch
    `pcloud.root_recursive` allows it), too deep or too large a subtree with 5000."""
    folder = call.folder()
    params = call.params
    recursive = params.flag("recursive")
    if recursive:
        if folder.parent is None and not call.estate.world.enabled("pcloud.root_recursive"):
            raise Refusal(1101)
        limit = call.estate.world.switch("pcloud.recursive_entries", RECURSIVE_ENTRIES)
        if isinstance(limit, int) and count_below(folder, limit) > limit:
            raise Refusal(5000)
    metadata = describe(folder, call.style, path=params.text("path"))
    try:
        metadata["contents"] = contents(
            folder,
            call.style,
            recursive=recursive,
            files=not params.flag("nofiles"),
            buried=buried_by_folder(call) if params.flag("showdeleted") else None,
        )
    except TooDeep as exc:
        raise Refusal(5000) from exc
    return {"metadata": metadata}


@method("createfolder", writes=True)
def createfolder(call: Call) -> dict[str, object]:
    parent, name = call.new_place()
    return {"metadata": describe(call.account.tree.add_folder(parent, name), call.style)}


@method("createfolderifnotexists", writes=True)
def createfolderifnotexists(call: Call) -> dict[str, object]:
    parent, name = call.new_place()
    name = call.account.tree.called(name)
    existing = parent.folders.get(name)
    folder = existing or call.account.tree.add_folder(parent, name)
    return {"created": existing is None, "metadata": describe(folder, call.style)}


@method("deletefolder", writes=True)
def deletefolder(call: Call) -> dict[str, object]:
    """Refusals 2006 not empty, 2007 root, 2028 shared."""
    folder = call.folder()
    if folder.parent is not None and (folder.files or folder.folders):
        raise Refusal(2006)
    refuse_shared(call, folder)
    call.account.tree.remove(folder)
    return {"metadata": describe(folder, call.style)}


@method("deletefolderrecursive", writes=True)
def deletefolderrecursive(call: Call) -> dict[str, object]:
    folder = call.folder()
    refuse_shared(call, folder)
    files, folders = call.account.tree.remove(folder)
    return {"deletedfiles": files, "deletedfolders": folders}


@method("renamefolder", writes=True)
def renamefolder(call: Call) -> dict[str, object]:
    """Rename or move; a folder in the way is 2004."""
    folder = call.folder()
    if folder.parent is None:
        raise Refusal(2042)
    parent, name = call.destination(folder, 1037)
    call.account.tree.move_folder(folder, parent, name)
    return {"metadata": describe(folder, call.style)}


@method("copyfolder", writes=True)
def copyfolder(call: Call) -> dict[str, object]:
    """Copy a folder into another (or only its contents). `noover` refuses clashes with 2004,
    otherwise
    existing files are overwritten, or left alone with `skipexisting`."""
    tree = call.account.tree
    source = call.folder()
    params = call.params
    if params.text("tofolderid") is not None:
        target = call.folder("tofolderid", "topath", 1016)
    else:
        given = params.text("topath")
        if given is None:
            raise Refusal(1016)
        target = tree.walk(split_path(given.rstrip("/") or "/"), 2005)
    if inside(target, source):
        raise Refusal(2043)
    clash = Clash.REFUSE if params.flag("noover") else Clash.OVERWRITE
    skip = params.flag("skipexisting")
    call.account.room_for(sum_of(source))
    if not params.flag("copycontentonly"):
        there = target.folders.get(source.name)
        if there is not None and clash is Clash.REFUSE:
            raise Refusal(2004)
        target = there or tree.add_folder(target, source.name)
    tree.copy_folder(source, target, clash, skip=skip)
    return {"metadata": describe(target, call.style)}


def sum_of(folder: Folder) -> int:
    """Bytes below a folder."""
    files: list[File] = []
    stack = [folder]
    while stack:
        current = stack.pop()
        files += current.files.values()
        stack.extend(current.folders.values())
    return sum(file.content.blob.size for file in files)
