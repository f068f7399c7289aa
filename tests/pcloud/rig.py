"""What tests of the pCloud client share: an account's secrets, a scripted service, a sender."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

from cloudtui.services.accounts import Account, Keys
from cloudtui.services.models import Entry, Found, HashType, Kind, Location, Secret
from cloudtui.services.network import Network
from cloudtui.services.paths import Paths
from cloudtui.services.pcloud.put import SmallWrite
from cloudtui.services.pcloud.storage import PCloudStorage
from cloudtui.services.pcloud.write import SessionWrite
from cloudtui.services.retry import Retries
from cloudtui.services.sealing import Sealer
from cloudtui.services.secrets import MemoryStore, Secrets
from cloudtui.services.storage import (
    PartReply,
    PartRequest,
    Receipt,
    RemoteWrite,
    SourceFacts,
)
from tests.sandbox_process import SandboxProcess

FAST = Retries(attempts=4, first_wait=0.001, longest=0.01)
TOKEN = Secret("token-of-the-test")


def keys(home: Path, name: str = "pc", environ: Mapping[str, str] | None = None) -> Keys:
    """Secrets in memory, sealed state below `home`."""
    paths = Paths.find({"CLOUDTUI_HOME": str(home)})
    secrets = Secrets(paths, environ={}, store=MemoryStore())
    sealer = Sealer(secrets, paths.state_dir / "sealing.lock")
    return Keys(name, paths=paths, secrets=secrets, sealer=sealer, environ=environ or {})


async def place(
    home: Path,
    url: str,
    *,
    token: Secret = TOKEN,
    network: Network | None = None,
    options: Mapping[str, object] | None = None,
) -> PCloudStorage:
    """A storage for an account whose API answers at `url`."""
    held = keys(home)
    await held.write("token", url, token)
    account = Account("pc", "pcloud", {"api_url": url, **(options or {})})
    storage = PCloudStorage(account, held, network or Network(environ={}), FAST)
    storage.client.pace.rate = 1000.0
    return storage


Answer = Mapping[str, object] | httpx.Response | Exception
Responder = Callable[[str, dict[str, str]], Answer]


class Script(Network):
    """A network whose every request is answered by a function; requests are kept."""

    def __init__(self, respond: Responder) -> None:
        super().__init__(environ={})
        self._respond = respond
        self.requests: list[httpx.Request] = []

    @property
    def methods(self) -> list[str]:
        """The API methods asked for, in order."""
        return [request.url.path.lstrip("/") for request in self.requests]

    def client(
        self, *, headers: Mapping[str, str] | None = None, connections: int = 8
    ) -> httpx.AsyncClient:
        def handle(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            answer = self._respond(request.url.path.lstrip("/"), fields(request))
            if isinstance(answer, Exception):
                raise answer
            if isinstance(answer, httpx.Response):
                return answer
            return httpx.Response(200, json=dict(answer))

        return httpx.AsyncClient(transport=httpx.MockTransport(handle), headers=dict(headers or {}))


def fields(request: httpx.Request) -> dict[str, str]:
    """Parameters from the query and the form."""
    found = dict(request.url.params)
    if request.headers.get("content-type") == "application/x-www-form-urlencoded":
        found.update(parse_qsl(request.content.decode(), keep_blank_values=True))
    return found


def file_item(number: int, name: str, parent: int, **more: object) -> dict[str, object]:
    """Metadata of a file in the documented shape."""
    item: dict[str, object] = {
        "name": name,
        "created": "Tue, 03 Mar 2026 09:15:00 +0000",
        "modified": "Thu, 20 Aug 2026 17:42:11 +0000",
        "ismine": True,
        "thumb": False,
        "isshared": False,
        "comments": 0,
        "isfolder": False,
        "icon": "file",
        "category": 0,
        "id": f"f{number}",
        "fileid": number,
        "parentfolderid": parent,
        "size": 5,
        "contenttype": "application/octet-stream",
        "hash": 15241578750190521001,
    }
    item.update(more)
    return item


def folder_item(
    number: int, name: str, parent: int | None, contents: list[dict[str, object]] | None = None
) -> dict[str, object]:
    """Metadata of a folder in the documented shape."""
    item: dict[str, object] = {
        "name": name,
        "created": "Tue, 03 Mar 2026 09:15:00 +0000",
        "modified": "Thu, 20 Aug 2026 17:42:11 +0000",
        "ismine": True,
        "isshared": False,
        "isfolder": True,
        "icon": "folder",
        "id": f"d{number}",
        "folderid": number,
    }
    if parent is not None:
        item["parentfolderid"] = parent
    if contents is not None:
        item["contents"] = contents
    return item


def body(value: object) -> bytes:
    """JSON as the service would send it."""
    return json.dumps(value).encode()


# --- moving bytes, as simply as possible -----------------------------------------------------


def facts(data: bytes, mtime: int | None = 1_700_000_000) -> SourceFacts:
    """What is known of a source of these bytes."""
    return SourceFacts(
        len(data),
        None if mtime is None else mtime * 1_000_000_000,
        {HashType.SHA1: hashlib.sha1(data).hexdigest()},
    )


PLAIN = Network(environ={})


async def send(request: PartRequest, data: bytes, network: Network = PLAIN) -> PartReply:
    """Send one part over a real connection."""
    part = data[request.offset : request.offset + request.length]
    async with network.client() as http:
        reply = await http.request(
            request.method,
            request.url,
            headers=list(request.headers),
            content=request.head + part + request.tail,
        )
    return PartReply(reply.status_code, dict(reply.headers), reply.content)


def remote(handle: object) -> RemoteWrite:
    """The handle, known to be a remote one."""
    assert isinstance(handle, SmallWrite | SessionWrite)
    return handle


async def send_parts(
    handle: RemoteWrite, data: bytes, done: list[Receipt], network: Network = PLAIN
) -> list[Receipt]:
    """Send what is missing, in order."""
    receipts = list(done)
    step = handle.part_size or max(1, len(data))
    offset = sum(receipt.length for receipt in receipts)
    while offset < len(data):
        length = min(step, len(data) - offset)
        request = await handle.part_request(len(receipts), offset, length)
        reply = await send(request, data, network)
        receipts.append(handle.receipt(request, len(receipts), reply))
        offset += length
    return receipts


async def upload(
    storage: PCloudStorage,
    parent: Location,
    name: str,
    data: bytes,
    *,
    replace: Found | None = None,
    mtime: int | None = 1_700_000_000,
) -> Entry:
    """A whole upload."""
    told = facts(data, mtime)
    handle = remote(await storage.open_write(parent, name, told, replace=replace, job="job"))
    receipts = [] if handle.instant else await send_parts(handle, data, [], storage.client.network)
    return await handle.finish(receipts, told)


async def download(storage: PCloudStorage, item: Found) -> bytes:
    """A whole download, without any header of ours."""
    ticket = await storage.open_read(item)
    async with storage.client.network.client() as http:
        reply = await http.get(ticket.urls[0], headers=dict(ticket.headers))
    assert reply.status_code == 200
    return reply.content


def mark(sandbox: SandboxProcess) -> int:
    """Where the request log ends now."""
    log = sandbox.admin.log()
    return int(log[-1]["seq"]) if log else 0


def asked(sandbox: SandboxProcess, since: int) -> list[str]:
    """The requests after a mark, as `/method?query`."""
    return [f"{entry['path']}?{entry['query']}" for entry in sandbox.admin.log(since)]


async def names(storage: PCloudStorage, at: Location) -> list[str]:
    """Names in a folder, sorted; folders end in a slash."""
    found = [
        entry.name + "/" * (entry.kind is Kind.FOLDER)
        async for page in storage.scan(at)
        for entry in page
    ]
    return sorted(found)


async def tree(storage: PCloudStorage, at: Location) -> dict[str, Any]:
    """Everything below a folder: names to bytes or to further trees."""
    found: dict[str, Any] = {}
    async for page in storage.scan(at):
        for entry in page:
            there = Found.of(at, entry)
            if entry.is_folder:
                found[entry.name + "/"] = await tree(storage, there.at)
            else:
                found[entry.name] = await download(storage, there)
    return found
