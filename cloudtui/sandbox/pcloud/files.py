"""Methods on files that move no bytes."""

from __future__ import annotations

from cloudtui.sandbox.pcloud.call import Access, Call, method, split_path
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.metadata import describe
from cloudtui.sandbox.pcloud.nodes import Content, File, Node
from cloudtui.sandbox.pcloud.tree import Clash


def version_of(call: Call, file: File) -> Content:
    """The version named by `revisionid`, else the current one. Refusal 2029."""
    wanted = call.params.number("revisionid")
    if wanted is None:
        return file.content
    for content in (*file.old, file.content):
        if content.revision == wanted:
            return content
    raise Refusal(2029)


@method("stat")
def stat(call: Call) -> dict[str, object]:
    """A file, or a folder by path (also with a final slash). What is not there is 2055."""
    params = call.params
    tree = call.account.tree
    if params.text("fileid") is not None:
        number = params.number("fileid")
        try:
            return {"metadata": describe(tree.file(number or 0), call.style)}
        except Refusal as exc:
            raise Refusal(2055) from exc
    if params.text("folderid") is not None:
        return {"metadata": describe(call.folder(), call.style)}
    path = params.text("path")
    if path is None:
        raise Refusal(1004)
    as_folder = path.endswith("/")
    parts = split_path(path.rstrip("/") or "/")
    if not parts:
        return {"metadata": describe(tree.root, call.style)}
    parent = tree.walk(parts[:-1], 2055)
    node = None if as_folder else parent.files.get(parts[-1])
    found = node or parent.folders.get(parts[-1])
    if found is None:
        raise Refusal(2055)
    return {"metadata": describe(found, call.style, path=path)}


@method("copyfile", writes=True)
def copyfile(call: Call) -> dict[str, object]:
    """A server-side copy that keeps the change mark. Onto itself with `mtime` it sets the time.
    `noover` → 2004; `hash` must still be the source's; `ctime` needs `mtime`."""
    params = call.params
    tree = call.account.tree
    file = call.file()
    content = version_of(call, file)
    expected = params.number("hash")
    if expected is not None and expected != content.hash:
        raise Refusal(2009)
    parent, name = call.destination(file, 1016)
    mtime = params.number("mtime")
    ctime = params.number("ctime") if mtime is not None else None
    if parent.files.get(name) is file and content is file.content:
        if params.flag("noover"):
            raise Refusal(2004)
        file.modified = tree.now() if mtime is None else mtime
        if ctime is not None:
            file.created = ctime
        tree.event("modifyfile", file)
        return {"metadata": describe(file, call.style)}
    call.account.room_for(content.blob.size)
    copy = tree.place(
        parent,
        name,
        content.blob,
        clash=Clash.REFUSE if params.flag("noover") else Clash.OVERWRITE,
        modified=mtime,
        created=ctime,
        content=tree.copied(content),
    )
    return {"metadata": describe(copy, call.style)}


@method("renamefile", writes=True)
def renamefile(call: Call) -> dict[str, object]:
    """Rename or move; a file in the way is replaced and named by `deletedfileid`."""
    file = call.file()
    parent, name = call.destination(file, 1037)
    replaced = call.account.tree.move_file(file, parent, name)
    metadata = describe(file, call.style)
    if replaced is not None:
        metadata["deletedfileid"] = replaced
    return {"metadata": metadata}


@method("deletefile", writes=True)
def deletefile(call: Call) -> dict[str, object]:
    file = call.file()
    call.account.tree.remove(file)
    return {"metadata": describe(file, call.style)}


@method("checksumfile", locked=False)
def checksumfile(call: Call) -> dict[str, object]:
    """SHA-1 everywhere, MD5 in the US region, SHA-256 in the EU region."""
    with call.estate.world.lock:
        file = call.file()
        blob = version_of(call, file).blob
        metadata = describe(file, call.style)
    sums = {name: blob.digest(name) for name in call.region.digests}
    return {**sums, "metadata": metadata}


@method("getfilesbychecksum", locked=False)
def getfilesbychecksum(call: Call) -> dict[str, object]:
    """The account's own files with these bytes."""
    size, sha1 = call.params.number("size"), (call.params.text("sha1") or "").lower()
    with call.estate.world.lock:
        candidates = [
            file
            for file in call.account.tree.files.values()
            if file.content.blob.size == size and not file.deleted
        ]
    equal = [file for file in candidates if file.content.blob.sha1() == sha1]
    return {"metadata": [describe(file, call.style) for file in equal]}


@method("search")
def search(call: Call) -> dict[str, object]:
    """Files and folders whose name contains all words of `query`."""
    words = (call.params.text("query") or "").casefold().split()
    start = call.params.number("offset") or 0
    limit = call.params.number("limit") or 100
    tree = call.account.tree
    items: list[dict[str, object]] = []
    stack = [tree.root]
    while stack:
        folder = stack.pop()
        nodes: list[Node] = [*folder.folders.values(), *folder.files.values()]
        for node in nodes:
            if all(word in node.name.casefold() for word in words):
                items.append(describe(node, call.style))
        stack.extend(folder.folders.values())
    return {"items": items[start : start + limit], "total": len(items)}


@method("file_open", "file_read", "file_write", "file_pread", "file_pwrite", access=Access.NOBODY)
@method("file_checksum", "file_size", "file_close", access=Access.NOBODY)
def closed_to_all(_: Call) -> dict[str, object]:
    """Descriptors answer 2003 to every token on the real service."""
    raise Refusal(2003)
