"""What the PikPak tests stand on: a signed-in storage against the sandbox, and one against canned
answers. A part is sent here as the engine sends it: exactly the request that was described."""

from __future__ import annotations

import hashlib
import html
import http.client
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from cloudtui.services.accounts import Account, Keys
from cloudtui.services.hashes import Gcid
from cloudtui.services.models import Entry, Found, HashType, Location, Secret
from cloudtui.services.network import Network
from cloudtui.services.paths import Paths
from cloudtui.services.pikpak.signin import sign_in
from cloudtui.services.pikpak.storage import PikPakStorage
from cloudtui.services.retry import Retries
from cloudtui.services.sealing import Sealer
from cloudtui.services.secrets import MemoryStore, Secrets
from cloudtui.services.storage import PartReply, PartRequest, ReadTicket, Receipt, SourceFacts
from tests.sandbox_process import SandboxProcess

FAST = Retries(attempts=8, first_wait=0.01, longest=0.05)
ROOT = Location("pk")


def keys_in(
    home: Path, environ: Mapping[str, str] | None = None, store: MemoryStore | None = None
) -> Keys:
    """The keys of an account `pk` with a store in memory."""
    environ = {"CLOUDTUI_HOME": str(home), **(environ or {})}
    paths = Paths.find(environ)
    secrets = Secrets(paths, environ=environ, store=store or MemoryStore())
    sealer = Sealer(secrets, paths.state_dir / "sealing.lock")
    return Keys("pk", paths=paths, secrets=secrets, sealer=sealer, environ=environ)


class Canned(Network):
    """A network on which one function answers every call."""

    def __init__(self, handler: Callable[[httpx.Request], httpx.Response]) -> None:
        super().__init__(environ={})
        self._handler = handler

    def client(
        self, *, headers: Mapping[str, str] | None = None, connections: int = 8
    ) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._handler))


Bend = Callable[[httpx.Request, Any], Any]
"""Changes the JSON of an answer; what it returns is delivered."""


class Bent(Network):
    """A network on which answers come as another service might word them."""

    def __init__(self, bend: Bend) -> None:
        super().__init__(environ={})
        self._bend = bend

    def client(
        self, *, headers: Mapping[str, str] | None = None, connections: int = 8
    ) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=_Bending(self._bend))


class _Bending(httpx.AsyncBaseTransport):
    def __init__(self, bend: Bend) -> None:
        self._bend = bend
        self._wire = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._wire.handle_async_request(request)
        body = await answer.aread()
        await answer.aclose()
        if answer.headers.get("content-type", "").startswith("application/json"):
            body = json.dumps(self._bend(request, answer.json())).encode()
        kept = {
            name: value
            for name, value in answer.headers.items()
            if name not in ("content-length", "content-encoding", "transfer-encoding")
        }
        return httpx.Response(answer.status_code, headers=kept, content=body)

    async def aclose(self) -> None:
        await self._wire.aclose()


def facts_of(data: bytes) -> SourceFacts:
    gcid = Gcid(len(data))
    gcid.update(data)
    return SourceFacts(len(data), hashes={HashType.GCID: gcid.hexdigest()})


def send(request: PartRequest, data: bytes) -> PartReply:
    """Send one described part of `data`."""
    parts = urlsplit(request.url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        body = data[request.offset : request.offset + request.length]
        connection.request(
            request.method, f"{parts.path}?{parts.query}", body, dict(request.headers)
        )
        response = connection.getresponse()
        headers = {key.lower(): value for key, value in response.getheaders()}
        return PartReply(response.status, headers, response.read())
    finally:
        connection.close()


def fetch(ticket: ReadTicket) -> bytes:
    """All bytes of a ticket, over its first link."""
    if ticket.size == 0:
        return b""
    response = httpx.get(ticket.urls[0], headers=dict(ticket.headers), trust_env=False)
    assert response.status_code == 200, response.text
    return response.content


@dataclass
class Stage:
    """A storage that is signed in, and the sandbox behind it."""

    storage: PikPakStorage
    sandbox: SandboxProcess
    username: str
    account: Account
    keys: Keys
    network: Network

    @property
    def admin(self) -> Any:
        return self.sandbox.admin

    def switch(self, **switches: object) -> None:
        switch(self.sandbox, **switches)

    async def put(
        self, data: bytes, name: str, parent: Location = ROOT, replace: Found | None = None
    ) -> Entry:
        """Upload the way the engine does: open, every part, finish."""
        facts = facts_of(data)
        handle: Any = await self.storage.open_write(
            parent, name, facts, replace=replace, job="0a1b2c3d"
        )
        receipts: list[Receipt] = []
        if not handle.instant:
            size = handle.part_size or max(len(data), 1)
            for number, offset in enumerate(range(0, max(len(data), 1), size)):
                length = min(size, len(data) - offset)
                request = await handle.part_request(number, offset, length)
                receipts.append(handle.receipt(request, number, send(request, data)))
        entry: Entry = await handle.finish(receipts, facts)
        return entry

    async def next_program(self, bend: Bend | None = None) -> None:
        """Go on with a storage that knows only what the one before left on the disk, and that gets
        its answers bent."""
        await self.storage.close()
        network = self.network if bend is None else Bent(bend)
        self.storage = PikPakStorage(self.account, self.keys, network, FAST)

    async def read(self, at: Location) -> bytes:
        ticket = await self.storage.open_read(await self.storage.stat(at))
        assert isinstance(ticket, ReadTicket)
        return fetch(ticket)

    async def names(self, folder: Location = ROOT) -> list[str]:
        return sorted([entry.name async for page in self.storage.scan(folder) for entry in page])

    async def entries(self, folder: Location = ROOT) -> list[Entry]:
        return [entry async for page in self.storage.scan(folder) for entry in page]


def switch(sandbox: SandboxProcess, **switches: object) -> None:
    """Set scenario switches of the sandbox's PikPak side."""
    for name, value in switches.items():
        sandbox.admin.switch(f"pikpak.{name}", value)


def solve(sandbox: SandboxProcess, puzzle: str) -> str:
    """What a human does with a puzzle's address: the address where it ends."""
    page = httpx.get(puzzle, trust_env=False).text
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
    solved = httpx.post(
        sandbox.endpoints["pikpak"]["user_url"] + "/captcha/v2/solved",
        data={name: html.unescape(value) for name, value in fields.items()},
        trust_env=False,
    )
    return solved.headers["location"]


def options_of(sandbox: SandboxProcess, username: str, **more: object) -> dict[str, object]:
    endpoints = sandbox.endpoints["pikpak"]
    return {
        "user_url": endpoints["user_url"],
        "drive_url": endpoints["drive_url"],
        "username": username,
        **more,
    }


@asynccontextmanager
async def staged(
    sandbox: SandboxProcess, home: Path, username: str, **options: object
) -> AsyncIterator[Stage]:
    """A fresh account of the sandbox, signed in by password."""
    password = "pw-" + hashlib.sha1(username.encode()).hexdigest()[:12]
    sandbox.admin.account("pikpak", username=username, password=password)
    account = Account("pk", "pikpak", options_of(sandbox, username, **options))
    keys = keys_in(home)
    network = Network(environ={})
    await sign_in(account, keys, network, FAST, username, Secret(password))
    storage = PikPakStorage(account, keys, network, FAST)
    stage = Stage(storage, sandbox, username, account, keys, network)
    try:
        yield stage
    finally:
        await stage.storage.close()
