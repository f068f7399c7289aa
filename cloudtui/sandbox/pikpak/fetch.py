"""Remote downloads of the service itself: real bytes over HTTP, from allowed places only.

Allowed are the sandbox's own listeners (also under the real host names they stand for) and what
the sandbox was started with. Each fetch runs on its own thread and is watched through `Fetch`.
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
import threading
from dataclasses import dataclass
from email.message import Message
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from cloudtui.sandbox.blobs import Blob
from cloudtui.sandbox.pikpak.addresses import root_of
from cloudtui.sandbox.world import World

TIMEOUT = 30
PIECE = 256 * 1024
MOST_REDIRECTS = 5


class FetchRefused(Exception):
    """The address may not be fetched, or its server did not give the file."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect for an address."""

    host: str
    port: int
    tls: bool


def own_listener(hostname: str) -> str:
    """The listener that stands for a real host name; empty when none does."""
    root = root_of(hostname)
    if root:
        label = hostname.removesuffix(root).rstrip(".")
        if label.startswith("dl-"):
            return "pikpak.content"
        names = {"": "pikpak.drive", "api-drive": "pikpak.drive", "user": "pikpak.user"}
        return names.get(label, "pikpak.upload")
    if hostname == "pcloud.com" or hostname.endswith(".pcloud.com"):
        names = {"api": "pcloud.us", "eapi": "pcloud.eu", "my": "pcloud.authorize"}
        return names.get(hostname.partition(".")[0], "pcloud.content")
    return ""


def place_of(world: World, address: SplitResult) -> Place:
    """Where the bytes of an address come from.

    Raises:
        FetchRefused: the scheme or the host is not allowed.
    """
    if address.scheme not in ("http", "https") or not address.hostname:
        raise FetchRefused("this kind of address cannot be fetched")
    listener = own_listener(address.hostname)
    own = [urlsplit(url) for name, url in world.urls.items() if name != "admin"]
    if listener and listener in world.urls:
        base = urlsplit(world.urls[listener])
        return Place(base.hostname or "", base.port or 0, base.scheme == "https")
    port = address.port or (443 if address.scheme == "https" else 80)
    if any((base.hostname, base.port) == (address.hostname, port) for base in own):
        return Place(address.hostname, port, address.scheme == "https")
    if {address.hostname, f"{address.hostname}:{port}"} & world.allow_fetch:
        return Place(address.hostname, port, address.scheme == "https")
    raise FetchRefused(f"{address.hostname} may not be fetched from")


def name_of(address: SplitResult, headers: Message | None = None) -> str:
    """What a fetched file is called: by its Content-Disposition, else the address's last part."""
    if headers is not None:
        given = headers.get_filename()
        if given:
            return given.replace("/", "_")
    last = unquote(address.path.rstrip("/").rpartition("/")[2])
    return (last or address.hostname or "download").replace("/", "_")


class Fetch:
    """One running download; `name`, `total` and `received` become known on the way."""

    def __init__(self, world: World, url: str) -> None:
        self._world = world
        self.url = url
        self.name = ""
        self.total = 0
        self.received = 0
        self.blob: Blob | None = None
        self.failed = ""
        self.ended = threading.Event()

    def start(self) -> Fetch:
        """Begin on a thread of its own."""
        threading.Thread(target=self._run, name="pikpak-fetch", daemon=True).start()
        return self

    def _run(self) -> None:
        try:
            self._follow(self.url)
        except (FetchRefused, OSError, http.client.HTTPException, ValueError) as exc:
            self.failed = str(exc) or type(exc).__name__
        finally:
            self.ended.set()
            with self._world.changed:
                self._world.changed.notify_all()

    def _follow(self, url: str) -> None:
        for _ in range(MOST_REDIRECTS + 1):
            address = urlsplit(url)
            place = place_of(self._world, address)
            with contextlib.closing(_connect(place)) as connection:
                target = (address.path or "/") + (f"?{address.query}" if address.query else "")
                headers = {"Host": address.netloc.rpartition("@")[2], "Accept": "*/*"}
                connection.request("GET", target, headers=headers)
                answer = connection.getresponse()
                if answer.status in (301, 302, 303, 307, 308):
                    url = urljoin(url, answer.getheader("Location") or "")
                    continue
                if answer.status != 200:
                    raise FetchRefused(f"the server answered {answer.status}")
                self._receive(answer, address)
                return
        raise FetchRefused("too many redirects")

    def _receive(self, answer: http.client.HTTPResponse, address: SplitResult) -> None:
        self.total = int(answer.getheader("Content-Length") or 0)
        self.name = name_of(address, answer.headers)
        writer = self._world.blobs.new((), self.total or None)
        with contextlib.ExitStack() as broken:
            broken.callback(writer.discard)
            while piece := answer.read(PIECE):
                writer.write(piece)
                self.received += len(piece)
            if self.total and self.received != self.total:
                raise FetchRefused("the connection ended early")
            broken.pop_all()
        self.blob = writer.close()


def _connect(place: Place) -> http.client.HTTPConnection:
    if not place.tls:
        return http.client.HTTPConnection(place.host, place.port, timeout=TIMEOUT)
    # Own listeners carry throw-away certificates, and no secret of anybody is sent.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(place.host, place.port, timeout=TIMEOUT, context=context)
