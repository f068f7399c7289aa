"""An in-process sandbox and a bare client of its pCloud side, for the sandbox's own tests."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from cloudtui.sandbox.server import Sandbox


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def request(
    url: str,
    method: str = "GET",
    body: bytes | str | None = None,
    headers: dict[str, str] | None = None,
    source: str = "127.0.0.1",
) -> Answer:
    """One request on a connection of its own, no redirects followed. Header names come back lower-
    case.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20, source_address=(source, 0))
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, names, answer.read())
    finally:
        connection.close()


@dataclass(slots=True)
class Api:
    """pCloud's JSON API of one region with one token."""

    url: str
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, method: str, **params: object) -> Any:
        """GET with parameters in the query; the answer's JSON."""
        return self.send("GET", method, None, **params).json()

    def put(self, method: str, content: bytes, **params: object) -> Any:
        return self.send("PUT", method, content, **params).json()

    def send(self, verb: str, method: str, body: bytes | None, **params: object) -> Answer:
        headers = dict(self.headers)
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        query = urlencode({name: str(value) for name, value in params.items()})
        return request(f"{self.url}/{method}?{query}", verb, body, headers)

    def upload(self, name: str, content: bytes, **params: object) -> Any:
        """A simple upload; the file's metadata."""
        answer = self.put("uploadfile", content, filename=name, nopartial=1, **params)
        assert answer["result"] == 0, answer
        return answer["metadata"][0]

    def folder(self, name: str, parent: int = 0) -> int:
        answer = self("createfolder", folderid=parent, name=name)
        assert answer["result"] == 0, answer
        number: int = answer["metadata"]["folderid"]
        return number

    def names(self, folder: int = 0, **params: object) -> list[str]:
        contents = self("listfolder", folderid=folder, **params)["metadata"]["contents"]
        return sorted(entry["name"] for entry in contents)

    def download(self, file: int, **headers: str) -> Answer:
        link = self("getfilelink", fileid=file)
        assert link["result"] == 0, link
        return request(f"http://{link['hosts'][0]}{link['path']}", headers=headers)


class Rig:
    """The sandbox, and a client for each region's default account."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.world = sandbox.world
        pcloud = {name: str(value) for name, value in sandbox.endpoints["pcloud"].items()}
        self.us = Api(pcloud["us_url"], pcloud["us_token"])
        self.eu = Api(pcloud["eu_url"], pcloud["eu_token"])
        self.authorize = pcloud["authorize_url"]
        self.client = {"client_id": pcloud["client_id"], "client_secret": pcloud["client_secret"]}

    def api(self, region: str = "us", **options: object) -> Api:
        """A client with another token of the region's account."""
        made = self.sandbox.pcloud.admin("add_tokens", {"region": region, **options})
        assert isinstance(made, dict)
        return Api(str(self.us.url if region == "us" else self.eu.url), str(made["token"]))

    def session(self, region: str = "us") -> Api:
        """A client with a session token, as a password sign-in gives."""
        return self.api(region, kind="session")

    def switch(self, name: str, value: object) -> None:
        self.world.switches[name] = value

    def fault(self, **spec: object) -> None:
        self.world.faults.add(spec)


def connected(url: str) -> socket.socket:
    """A raw connection to a listener."""
    parts = urlsplit(url)
    sock = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def until(sock: socket.socket, mark: bytes) -> bytes:
    """Everything up to and including the mark."""
    found = b""
    while mark not in found:
        piece = sock.recv(65536)
        assert piece, found
        found += piece
    return found


def received(sock: socket.socket) -> bytes:
    """Everything until the other side closes; a reset counts as an end."""
    found = b""
    with contextlib.suppress(ConnectionResetError):  # tests of resets look at what came before
        while piece := sock.recv(65536):
            found += piece
    return found
