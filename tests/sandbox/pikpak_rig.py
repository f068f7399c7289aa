"""The PikPak side of the sandbox on real sockets inside the test process, and a plain client."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from cloudtui.sandbox.listener import Server
from cloudtui.sandbox.pikpak.service import PASSWORD, USERNAME, PikPak
from cloudtui.sandbox.world import World
from tests.sandbox.rig import connected, until

DEVICE = "0123456789abcdef0123456789abcdef"
WEB = "YUMx5nI8ZU8Ap8pm"


class Answer:
    """A whole HTTP answer."""

    def __init__(self, status: int, headers: http.client.HTTPMessage, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        """The body as JSON; AssertionError unless it says so itself."""
        assert self.headers.get_content_type() == "application/json", self.body[:200]
        return json.loads(self.body)


class Rig:
    """Start and stop by `with`. `call` speaks to the drive as a signed-in web client."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.service = PikPak(self.world)
        self.servers = {
            name: Server(name, handler, self.world)
            for name, handler in self.service.handlers.items()
        }
        self.token = ""

    def __enter__(self) -> Self:
        for server in self.servers.values():
            server.start()
        self.world.urls.update({name: server.url for name, server in self.servers.items()})
        return self

    def __exit__(self, *_: object) -> None:
        self.world.stopping.set()
        for server in self.servers.values():
            server.stop()
        self.fetched()

    def fetched(self) -> None:
        """Wait until no offline task of this process fetches any more."""
        for thread in threading.enumerate():
            if thread.name == "pikpak-fetch":
                thread.join(20)
                assert not thread.is_alive()

    def switch(self, **values: object) -> None:
        """Set switches of the PikPak side."""
        self.world.switches.update({f"pikpak.{name}": value for name, value in values.items()})

    def send(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request to a full address."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        try:
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request(method, target, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    @contextlib.contextmanager
    def held(self, url: str) -> Iterator[None]:
        """A download that has begun and gets no further while the rig runs."""
        self.world.faults.add({"kind": "stall", "listener": "pikpak.content", "seconds": 600})
        with connected(url) as sock:
            target = url.split("/", 3)[3]
            sock.sendall(f"GET /{target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            until(sock, b"\r\n\r\n")
            yield

    def user(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request to the user host."""
        raw = None if body is None else json.dumps(body).encode()
        return self.send(
            method,
            self.world.urls["pikpak.user"] + path,
            raw,
            {"Content-Type": "application/json", **(headers or {})},
        )

    def captcha(self, **fields: object) -> Any:
        """An init for the sign-in, as rclone asks for it."""
        body = {
            "action": "POST:/v1/auth/signin",
            "client_id": WEB,
            "device_id": DEVICE,
            "meta": {"username": USERNAME},
            **fields,
        }
        return self.user("POST", "/v1/shield/captcha/init", body).json()

    def sign_in(self, captcha: str | None = None, password: str = PASSWORD) -> Answer:
        """Sign in as the demo account."""
        token = captcha if captcha is not None else self.captcha()["captcha_token"]
        body = {"client_id": WEB, "username": USERNAME, "password": password}
        return self.user("POST", "/v1/auth/signin", body, {"X-Captcha-Token": token})

    def drive(
        self,
        method: str,
        path: str,
        body: object = None,
        query: dict[str, str] | list[tuple[str, str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request to the drive with a token of the demo account."""
        if not self.token:
            self.token = str(self.sign_in().json()["access_token"])
        raw = None if body is None else json.dumps(body).encode()
        url = self.world.urls["pikpak.drive"] + path
        if query:
            url += f"?{urlencode(query)}"
        fields = {"Authorization": f"Bearer {self.token}", "X-Device-Id": DEVICE}
        return self.send(method, url, raw, {**fields, **(headers or {})})

    def good(
        self,
        method: str,
        path: str,
        body: object = None,
        query: dict[str, str] | list[tuple[str, str]] | None = None,
    ) -> Any:
        """Like `drive`, for calls that must succeed."""
        answer = self.drive(method, path, body, query)
        assert answer.status == 200, (method, path, answer.status, answer.body[:300])
        return answer.json()

    def refused(self, method: str, path: str, body: object = None, **query: str) -> tuple[int, str]:
        """Code and name of a refusal."""
        answer = self.drive(method, path, body, query or None)
        assert answer.status >= 400, (method, path, answer.body[:300])
        told = answer.json()
        return told["error_code"], told["error"]

    def mkdir(self, name: str, parent: str = "") -> str:
        """A folder; its id."""
        made = self.good(
            "POST", "/drive/v1/files", {"kind": "drive#folder", "name": name, "parent_id": parent}
        )
        return str(made["file"]["id"])

    def put(self, path: str, content: bytes | str) -> str:
        """A file that is simply there; its id."""
        raw = content.encode() if isinstance(content, str) else content
        made = self.service.admin("put", {"path": path, "base64": b64encode(raw).decode()})
        assert isinstance(made, dict)
        return str(made["id"])

    def link(self, node: str) -> str:
        """A file's download link."""
        return str(self.good("GET", f"/drive/v1/files/{node}")["web_content_link"])

    def names(self, parent: str = "", **filters: object) -> list[str]:
        """Names of a listing, in its order."""
        query = {"parent_id": parent, "filters": json.dumps(filters or {"trashed": {"eq": False}})}
        return [item["name"] for item in self.good("GET", "/drive/v1/files", None, query)["files"]]
