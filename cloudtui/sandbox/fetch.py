"""Downloads a cloud makes on a user's order (PikPak's offline tasks, pCloud's remote upload).

Owns the guard: only the sandbox's own listeners (also under their real names) and hosts that were
allowed on the command line are reached. Nothing else on this machine or beyond is.
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urljoin, urlsplit

from cloudtui.sandbox.names import listener_for
from cloudtui.sandbox.world import World

PIECE = 256 * 1024
REDIRECTS = 5
TIMEOUT = 30


class FetchRefused(Exception):
    """The URL points where the sandbox must not go."""


class FetchFailed(Exception):
    """The other side did not give the file."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect and what to ask for."""

    scheme: str
    address: str  # host:port to connect to
    host: str  # Host header
    path: str
    own: bool


def target_of(world: World, url: str) -> Target:
    """Resolve a URL against the guard.

    Raises:
        FetchRefused: not http(s), or a host that was not allowed.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise FetchRefused(url) from exc
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host:
        raise FetchRefused(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    for name, base in world.urls.items():
        if name != "admin" and urlsplit(base).netloc == parts.netloc:
            return Target(urlsplit(base).scheme, parts.netloc, parts.netloc, path, own=True)
    listener = listener_for(host)
    if listener is not None and listener in world.urls:
        own = urlsplit(world.urls[listener])
        return Target(own.scheme, own.netloc, parts.netloc, path, own=True)
    if host in world.allow_fetch or parts.netloc in world.allow_fetch:
        number = port or (443 if parts.scheme == "https" else 80)
        return Target(parts.scheme, f"{host}:{number}", parts.netloc, path, own=False)
    raise FetchRefused(url)


class Download:
    """One open answer. `length` is -1 when the server does not say; `name` is the file's."""

    def __init__(
        self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse, url: str
    ) -> None:
        self._connection = connection
        self._answer = answer
        length = answer.headers.get("Content-Length")
        self.length = int(length) if length is not None and length.isdigit() else -1
        self.content_type = answer.headers.get_content_type()
        self.name = answer.headers.get_filename() or _name_of(url)

    def pieces(self) -> Iterator[bytes]:
        """The body; FetchFailed when it ends early."""
        try:
            while piece := self._answer.read(PIECE):
                yield piece
        except (OSError, http.client.HTTPException) as exc:
            raise FetchFailed(str(exc)) from exc

    def close(self) -> None:
        self._connection.close()


@contextlib.contextmanager
def download(world: World, url: str) -> Iterator[Download]:
    """Open a URL, following redirects that pass the guard too.

    Raises:
        FetchRefused: the URL or a redirect leaves the allowed hosts.
        FetchFailed: no connection, or a status other than 200.
    """
    for _ in range(REDIRECTS + 1):
        target = target_of(world, url)
        connection = _connect(target)
        try:
            try:
                connection.request("GET", target.path, headers={"Host": target.host})
                answer = connection.getresponse()
            except (OSError, http.client.HTTPException) as exc:
                raise FetchFailed(str(exc)) from exc
            if answer.status in (301, 302, 303, 307, 308):
                url = urljoin(url, answer.headers.get("Location", ""))
                continue
            if answer.status != 200:
                raise FetchFailed(f"status {answer.status}")
            yield Download(connection, answer, url)
            return
        finally:
            connection.close()
    raise FetchFailed("too many redirects")


def _connect(target: Target) -> http.client.HTTPConnection:
    if target.scheme == "http":
        return http.client.HTTPConnection(target.address, timeout=TIMEOUT)
    context = ssl.create_default_context()
    if target.own:
        # Our own listener behind a throw-away certificate, reached by address: nothing to verify.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(target.address, timeout=TIMEOUT, context=context)


def _name_of(url: str) -> str:
    last = urlsplit(url).path.rstrip("/").rpartition("/")[2]
    return unquote(last) or "download"
