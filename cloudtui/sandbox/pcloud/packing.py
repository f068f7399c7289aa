"""Methods that pack a selection of files, or what a public link shows, into a zip.

`getzip` is closed to OAuth tokens; a link to a zip is not known to be.
"""

from __future__ import annotations

import io
import zipfile
from urllib.parse import quote

from cloudtui.sandbox.http import Response
from cloudtui.sandbox.pcloud.call import Access, Call, method
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.estate import Link
from cloudtui.sandbox.pcloud.links import check_referer, life_of
from cloudtui.sandbox.pcloud.nodes import Content, File, Folder
from cloudtui.sandbox.pcloud.publinks import public_node

Packed = list[tuple[str, File]]
"""Files with their names inside the archive."""


def selected(call: Call) -> Packed:
    """Files of a tree selection: `folderid` (its contents), `folderids`, `fileids`, without what
    `excludefolderids` and `excludefileids` name."""
    tree, params = call.account.tree, call.params
    files = [tree.file(number) for number in params.numbers("fileids")]
    found: Packed = [(file.name, file) for file in files]
    left_out = frozenset(params.numbers("excludefolderids"))
    for number in params.numbers("folderids"):
        folder = tree.folder(number)
        _below(folder, folder.name + "/", found, left_out)
    if params.text("folderid") is not None:
        _below(call.folder(), "", found, left_out)
    skipped = frozenset(params.numbers("excludefileids"))
    return [(name, file) for name, file in found if file.id not in skipped]


def _below(folder: Folder, prefix: str, found: Packed, left_out: frozenset[int]) -> None:
    if folder.id in left_out:
        return
    found += [(prefix + file.name, file) for file in folder.files.values()]
    for below in folder.folders.values():
        _below(below, prefix + below.name + "/", found, left_out)


def _shown(call: Call) -> Packed:
    """What a public link shows, which counts as a download."""
    publink, node = public_node(call)
    found: Packed = [(node.name, node)] if isinstance(node, File) else []
    if isinstance(node, Folder):
        _below(node, node.name + "/", found, frozenset())
    publink.downloads += 1
    publink.traffic += sum(file.content.blob.size for _, file in found)
    return found


def _zipped(files: Packed) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as made:
        for name, file in files:
            made.writestr(zipfile.ZipInfo(name), file.content.blob.read())
    return target.getvalue()


def _name(call: Call) -> str:
    return call.params.text("filename") or "archive.zip"


def _answer(call: Call, files: Packed) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(_name(call), safe='')}"
    headers = [("Content-Type", "application/zip"), ("Content-Disposition", disposition)]
    return Response(200, _zipped(files), headers)


def _linked(call: Call, files: Packed) -> dict[str, object]:
    check_referer(call.request)
    blob = call.estate.world.blobs.put_bytes(_zipped(files))
    code = call.estate.world.new_secret("c", 24)
    expires = call.now + life_of(call)
    with call.estate.world.lock:
        any_account = next(iter(call.estate.accounts.values()))
        account = call.token.account if call.token is not None else any_account
        call.estate.links[code] = Link(
            account=account,
            file_id=0,
            content=Content(blob, 0, call.now, 0),
            name=_name(call),
            parent_id=0,
            ip=call.request.client_ip,
            expires=expires,
            content_type="application/zip",
            attachment=call.params.flag("forcedownload"),
        )
        hosts = call.estate.content_hosts(call.region, call.request)
    path = f"/{code}/{quote(_name(call), safe='')}"
    return {"path": path, "expires": call.style.moment(expires), "hosts": hosts}


@method("getzip", access=Access.SESSION, locked=False)
def getzip(call: Call) -> Response:
    """A zip of a selection; closed to OAuth tokens."""
    with call.estate.world.lock:
        files = selected(call)
    return _answer(call, files)


@method("getziplink", locked=False)
def getziplink(call: Call) -> dict[str, object]:
    """A link to such a zip. Refusals 2005, 2009."""
    with call.estate.world.lock:
        files = selected(call)
    return _linked(call, files)


@method("getpubzip", access=Access.ANYONE, locked=False)
def getpubzip(call: Call) -> Response:
    """A zip of what a public link shows."""
    with call.estate.world.lock:
        files = _shown(call)
    return _answer(call, files)


@method("getpubziplink", access=Access.ANYONE, locked=False)
def getpubziplink(call: Call) -> dict[str, object]:
    """A link to such a zip, for the stranger's address."""
    with call.estate.world.lock:
        files = _shown(call)
    return _linked(call, files)


@method("savezip", access=Access.NOBODY)
def savezip(_: Call) -> dict[str, object]:
    """Answers 2003 to every token on the real service."""
    raise Refusal(2003)


@method("savezipprogress")
def savezipprogress(_: Call) -> dict[str, object]:
    """No zip is ever saved here."""
    raise Refusal(1901)
