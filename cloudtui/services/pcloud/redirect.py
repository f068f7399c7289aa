"""The one answer a browser brings back to this machine.

Listens on the loopback addresses only, for one request, for some minutes. Anything that is
not that request gets 404 and changes nothing. Must not talk to pCloud.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import socket
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

from cloudtui.services.errors import LoginNeeded, UsageError
from cloudtui.services.naming import display_name

_MOST_HEAD: Final = 16 << 10
_HEAD_SECONDS: Final = 10.0

_PAGE: Final = (
    '<!doctype html><meta charset="utf-8"><title>cloudtui</title>'
    '<body style="font-family:sans-serif;margin:4em auto;max-width:30em"><p>{text}</p>'
)


class RedirectAnswer(Struct, frozen=True):
    """What the redirect said. `state_seen` False: it carried no state, so whoever asked must show
    the account's e-mail address and ask before keeping the sign-in."""

    code: str
    hostname: str
    locationid: int | None
    state_seen: bool


class LoopbackReceiver:
    """Waits for the redirect of one sign-in. Use as an async context manager, then `wait`.

    `port` 0 takes a free one (`uri` tells which). The port is taken on 127.0.0.1 and on ::1, both
    or none, so that nobody else can stand behind the name `localhost`.
    """

    def __init__(self, *, state: str, port: int, path: str = "/", minutes: float = 10) -> None:
        self._state = state
        self._port = port
        self._path = path
        self._minutes = minutes
        self._servers: list[asyncio.Server] = []
        self._answer: asyncio.Future[RedirectAnswer] | None = None

    @property
    def uri(self) -> str:
        """The redirect URI to register and to name in the link."""
        return f"http://localhost:{self._port}{self._path}"

    async def __aenter__(self) -> Self:
        self._answer = asyncio.get_running_loop().create_future()
        sockets = _bind(self._port)
        self._port = sockets[0].getsockname()[1]
        for bound in sockets:
            self._servers.append(await asyncio.start_server(self._serve, sock=bound))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in self._servers:
            server.close()
        for server in self._servers:
            await server.wait_closed()
        if self._answer is not None and not self._answer.done():
            self._answer.cancel()

    async def wait(self) -> RedirectAnswer:
        """The answer. Raises LoginNeeded for a denial, a wrong state, or when none came in time."""
        assert self._answer is not None
        try:
            async with asyncio.timeout(self._minutes * 60):
                return await asyncio.shield(self._answer)
        except TimeoutError:
            raise LoginNeeded(
                f"No answer came from the browser within {self._minutes:g} minutes.",
                hint="Sign in again, or paste the code that the page shows.",
            ) from None

    # --- one connection -------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            status, text = self._take(head[:_MOST_HEAD].decode("latin-1"))
            body = _PAGE.format(text=text).encode()
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n"
                f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\n"
                "Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n".encode()
                + body
            )
            await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            # a browser's idle connection or a stranger: not the answer
            pass
        finally:
            writer.close()

    def _take(self, head: str) -> tuple[str, str]:
        nothing = ("404 Not Found", "There is nothing here.")
        request, _, rest = head.partition("\r\n")
        words = request.split(" ")
        if len(words) != 3 or words[0] != "GET":
            return nothing
        hosts = [
            line.partition(":")[2].strip().lower()
            for line in rest.split("\r\n")
            if line.lower().startswith("host:")
        ]
        port = self._port
        allowed = {f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}"}
        target = urlsplit(words[1])
        if len(hosts) != 1 or hosts[0] not in allowed or target.path != self._path:
            return nothing
        assert self._answer is not None
        if self._answer.done():
            return ("404 Not Found", "This sign-in is over.")
        query = {key: values[-1] for key, values in parse_qs(target.query).items()}
        return self._settle(query)

    def _settle(self, query: dict[str, str]) -> tuple[str, str]:
        assert self._answer is not None
        state = query.get("state")
        if state is not None and not hmac.compare_digest(state.encode(), self._state.encode()):
            self._answer.set_exception(
                LoginNeeded(
                    "The answer from the browser belongs to another sign-in; nothing was kept.",
                    hint="Close old sign-in pages and start again.",
                )
            )
            return ("400 Bad Request", "This answer belongs to another sign-in. Start again.")
        code = query.get("code", "")
        if not code:
            said = display_name(query.get("error", ""))
            self._answer.set_exception(
                LoginNeeded(
                    "The sign-in was not approved in the browser; nothing was kept.",
                    hint="Sign in again when you want to.",
                    detail=said,
                )
            )
            return ("200 OK", "cloudtui was not allowed in. You can close this page.")
        location = query.get("locationid", "")
        self._answer.set_result(
            RedirectAnswer(
                code=code,
                hostname=query.get("hostname", ""),
                locationid=int(location) if location.isdecimal() else None,
                state_seen=state is not None,
            )
        )
        return ("200 OK", "cloudtui has the answer. You can close this page.")


def _bind(port: int) -> list[socket.socket]:
    """One socket on each loopback address of this machine, on one port; all or none."""
    bound: list[socket.socket] = []
    try:
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            try:
                each = socket.socket(family, socket.SOCK_STREAM)
            except OSError:
                if family is socket.AF_INET6:
                    continue  # no IPv6 on this machine: nobody can listen there either
                raise
            bound.append(each)
            if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                each.bind((host, port))
            except OSError as exc:
                if family is socket.AF_INET6 and exc.errno == errno.EADDRNOTAVAIL:
                    bound.remove(each)
                    each.close()
                    continue
                raise
            each.listen(8)
            port = each.getsockname()[1]
    except OSError as exc:
        for each in bound:
            each.close()
        raise UsageError(
            f"Port {port} on this machine is taken, so the browser's answer cannot be received.",
            hint="Close the other program, or sign in by link or code.",
        ) from exc
    return bound
