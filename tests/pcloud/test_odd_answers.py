"""Every field of every answer missing or of another kind: an error of ours or a result, no crash.

What is asserted of results is little: that they are made of what can be shown and addressed. That
nothing is left out of lists is asserted elsewhere.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import pytest

from cloudtui.services.errors import CloudError
from cloudtui.services.models import Entry, Found, Kind, Location, TrashItem
from cloudtui.services.pcloud.storage import PCloudStorage
from cloudtui.services.retry import Retries
from cloudtui.services.storage import PartReply, SourceFacts
from tests.pcloud.rig import Script, facts, place, remote

API = "https://api.pcloud.com"
ROOT = Location("pc")
DATA = b"hello"
SHA1 = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"
SOON = "Tue, 03 Mar 2099 09:15:00 +0000"

Json = dict[str, object]


def file_item(number: int, name: str, parent: int, **more: object) -> Json:
    """Metadata with the fields that are read."""
    return {
        "name": name,
        "isfolder": False,
        "id": f"f{number}",
        "fileid": number,
        "size": 5,
        "parentfolderid": parent,
        "modified": SOON,
        "hash": 9,
        "ismine": True,
        **more,
    }


def folder_item(number: int, name: str, parent: int | None, contents: list[Json]) -> Json:
    """The same of a folder."""
    return {
        "name": name,
        "isfolder": True,
        "id": f"d{number}",
        "folderid": number,
        "parentfolderid": parent,
        "contents": contents,
    }


FILE = file_item(7, "a.txt", 0)
SUB = folder_item(5, "sub", 0, [])
ONE: Json = {"metadata": {**FILE, "deletedfileid": 3}}
FOLDER: Json = {"metadata": SUB, "created": True}
ANSWERS: Mapping[str, Json] = {
    "userinfo": {"userid": 1, "email": "a@b", "quota": 9, "usedquota": 5},
    "listfolder": {"metadata": folder_item(0, "/", None, [FILE, SUB])},
    "stat": ONE,
    "checksumfile": {"sha1": SHA1, "md5": "0" * 32, "metadata": FILE},
    "getfilelink": {
        "hosts": ["c1.pcloud.com"],
        "path": "/x/a.txt",
        "expires": SOON,
        "size": 5,
        "hash": 9,
    },
    "createfolder": FOLDER,
    "createfolderifnotexists": FOLDER,
    "renamefile": ONE,
    "renamefolder": FOLDER,
    "copyfile": ONE,
    "copyfolder": FOLDER,
    "deletefile": ONE,
    "upload_create": {"uploadid": 77},
    "upload_info": {"size": 5, "sha1": SHA1, "md5": "0" * 32},
    "upload_save": {"metadata": FILE},
    "uploadfile": {"fileids": [7], "metadata": [FILE], "checksums": [{"sha1": SHA1}]},
    "listpublinks": {
        "publinks": [
            {
                "linkid": 4,
                "code": "c",
                "link": "https://u.pcloud.link/c",
                "created": SOON,
                "expires": SOON,
                "downloads": 1,
                "maxdownloads": 2,
                "traffic": 3,
                "haspassword": True,
                "metadata": FILE,
            }
        ]
    },
    "getfilepublink": {"linkid": 4, "code": "c", "link": "https://u.pcloud.link/c"},
    "listrevisions": {
        "revisions": [{"revisionid": 3, "size": 5, "hash": 2, "created": SOON}],
        "metadata": FILE,
    },
    "revertrevision": ONE,
    "currentserver": {"hostname": "api7.pcloud.com", "ip": "192.0.2.1"},
    "downloadfileasync": {},
    "uploadprogress": {
        "finished": True,
        "files": [
            {"url": "u", "status": "ready", "size": 5, "downloaded": 5, "metadata": FILE},
        ],
    },
    "extractarchive": {"finished": True, "progresshash": "p", "hostname": "h", "lines": 1},
    "extractarchiveprogress": {"finished": True, "lines": 2, "output": ["a"]},
    "diff": {"diffid": 9, "entries": [{"event": "createfile", "time": SOON, "metadata": FILE}]},
    "trash_list": {
        "metadata": folder_item(
            0, "/", None, [file_item(7, "a.txt", 0, isdeleted=True, origparentfolderid=0)]
        )
    },
    "trash_restorepath": {"metadata": FILE, "destination": SUB},
    "trash_restore": {"metadata": FILE},
    "listtokens": {
        "tokens": [{"tokenid": 3, "device": "d", "created": SOON, "expires": SOON}],
    },
}

ODD: tuple[object, ...] = (None, -7, 2**70, "wat\x1b[31m", [None])
GONE = object()


def variants(answer: Json) -> Iterator[Json]:
    """The answer with one value at a time taken out or replaced, at any depth."""
    for path in _paths(answer):
        for odd in (GONE, *ODD):
            varied = copy.deepcopy(answer)
            holder: object = varied
            for step in path[:-1]:
                holder = holder[step]  # type: ignore[index]
            if odd is GONE:
                del holder[path[-1]]  # type: ignore[attr-defined]
            else:
                holder[path[-1]] = odd  # type: ignore[index]
            yield varied


def _paths(value: object, here: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if here:
        yield here
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*here, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _paths(inner, (*here, index))


class Service:
    """Answers as documented, but for one method."""

    def __init__(self) -> None:
        self.method = ""
        self.answer: Json = {}
        self.script = Script(self._respond)

    def _respond(self, method: str, _params: Mapping[str, str]) -> Mapping[str, object]:
        # what a session has that apps have not answers, too
        return {"result": 0, **(self.answer if method == self.method else ANSWERS.get(method, {}))}


async def _listed(storage: PCloudStorage) -> list[Entry]:
    return [entry async for page in storage.scan(ROOT) for entry in page]


def _file() -> Found:
    return Found(ROOT.child("a.txt", "f7"), Entry("a.txt", "f7", Kind.FILE, 5, None, b"\0" * 8))


async def _write(storage: PCloudStorage, replace: Found | None) -> object:
    told = facts(DATA)
    handle = remote(await storage.open_write(ROOT, "new.txt", told, replace=replace, job="j"))
    request = await handle.part_request(0, 0, len(DATA))
    http = storage.client._client()
    reply = await http.request(request.method, request.url, headers=list(request.headers))
    receipt = handle.receipt(
        request, 0, PartReply(reply.status_code, dict(reply.headers), reply.content)
    )
    return await handle.finish([receipt], told)


async def _fetch(storage: PCloudStorage) -> object:
    write = await storage.open_fetch(ROOT, "a.txt", SourceFacts(5))
    await write.order(["https://example.org/a"])
    await write.progress()
    return await write.finish(SourceFacts(5))


async def _order(storage: PCloudStorage) -> object:
    await storage.add_offline("https://example.org/a", ROOT)
    return [task async for page in storage.scan_offline() for task in page]


async def _trashed(storage: PCloudStorage) -> list[TrashItem]:
    return [item async for page in storage.scan_trash() for item in page]


async def _restored(storage: PCloudStorage) -> object:
    return await storage.restore([TrashItem("f7", _file().entry, None)])


async def _shares(storage: PCloudStorage) -> object:
    return [share async for page in storage.scan_shares() for share in page]


async def _revisions(storage: PCloudStorage) -> object:
    return [row async for page in storage.scan_revisions(_file()) for row in page]


async def _changes(storage: PCloudStorage) -> object:
    return await anext(storage.changes())


DOES: Mapping[str, tuple[Callable[[PCloudStorage], Awaitable[object]], tuple[str, ...]]] = {
    "list": (_listed, ("listfolder",)),
    "tree": (lambda pc: pc.list_tree(Location("pc", ("sub",), "d5")), ("listfolder",)),
    "find": (lambda pc: pc.stat(ROOT.child("a.txt")), ("listfolder",)),
    "quota": (lambda pc: pc.quota(), ("userinfo",)),
    "hashes": (lambda pc: pc.hashes(_file()), ("checksumfile",)),
    "read": (lambda pc: pc.open_read(_file()), ("getfilelink", "stat")),
    "mkdir": (lambda pc: pc.mkdir(ROOT, "new"), ("createfolder",)),
    "rename": (lambda pc: pc.rename(_file(), "b"), ("stat", "renamefile")),
    "copy": (lambda pc: pc.copy(_file(), ROOT, "b"), ("copyfile",)),
    "trash": (lambda pc: pc.trash([_file()]), ("listpublinks",)),
    "trashed": (_trashed, ("trash_list",)),
    "restore": (_restored, ("trash_restore",)),
    "put": (lambda pc: _write(pc, None), ("uploadfile",)),
    "replace": (
        lambda pc: _write(pc, _file()),
        ("upload_create", "upload_info", "upload_save"),
    ),
    "share": (lambda pc: pc.share(_file()), ("listpublinks", "getfilepublink")),
    "shares": (_shares, ("listpublinks",)),
    "revisions": (_revisions, ("listrevisions",)),
    "fetch": (_fetch, ("uploadprogress",)),
    "order": (_order, ("currentserver",)),
    "extract": (lambda pc: pc.extract(_file(), ROOT), ("extractarchive", "extractarchiveprogress")),
    "tokens": (lambda pc: pc.tokens.listed(), ("listtokens",)),
}


async def _at_once(_seconds: float) -> None:
    pass


@pytest.mark.parametrize(("does", "method"), [(do, m) for do, (_, ms) in DOES.items() for m in ms])
async def test_odd_answers_end_in_a_result_or_an_error(
    tmp_path: Path, does: str, method: str
) -> None:
    service = Service()
    service.method = method
    work, _ = DOES[does]
    tried = 0
    said: list[str] = []
    storage = await place(tmp_path, API, network=service.script)
    storage.client.retries = Retries(attempts=1)
    storage.unpacking._sleep = _at_once
    for answer in variants({"result": 0, **ANSWERS.get(method, {})}):
        service.answer = answer
        storage.tree.forget()
        storage.edits.forget_names()
        storage.client.refusals.forget()
        storage.trash_can._service._answers = None
        try:
            found = await work(storage)
        except CloudError as error:
            said.append(str(error))
        else:
            rows = found if isinstance(found, list) else [found]
            ids = [row.id for row in rows if isinstance(row, Entry)]
            assert all(node[:1] in "df" and node[1:].isdigit() for node in ids), answer
        tried += 1
    assert tried > len(ODD)
    assert all(each.strip() and "\x1b" not in each for each in said)
    await storage.close()
