"""Calls to pCloud's API: the token, the region, the pace, retries, answers into structs.

Owns the account's HTTP client and what is known of its sign-in. The token goes into the
Authorization header of requests to the API and nowhere else: not into URLs, not to content
servers. Must not know files, trash or transfers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from urllib.parse import urlsplit

from cloudtui.services.errors import (
    CloudError,
    LoginNeeded,
    Offline,
    Refused,
    ServerTrouble,
    TooMany,
)
from cloudtui.services.models import Secret
from cloudtui.services.network import Network, map_transport
from cloudtui.services.pace import Pace
from cloudtui.services.pcloud import errors, wire
from cloudtui.services.pcloud.form import Form
from cloudtui.services.pcloud.refusals import Refusals
from cloudtui.services.pcloud.regions import Options, Regions, is_trusted, regions
from cloudtui.services.retry import Retries, retrying

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

A = TypeVar("A", bound=wire.Answer)
T = TypeVar("T")

Params = Mapping[str, str | int]

SLOW: Final = 180.0
"""Seconds for calls that work through whole trees; the desktop client waits as long."""

_USUAL: Final = 30.0
"""Seconds other calls wait when nobody says otherwise."""

_IN_FORM: Final = frozenset({"url", "password", "linkpassword"})
"""Parameters that say more than a request line should hold."""
_LONGEST_QUERY: Final = 6000
"""Characters; servers take request lines of 8,000."""

_DISPENSABLE: Final = frozenset({"listpublinks", "trash_list", "currentserver"})
"""Methods asked on the way to something else, which works without them."""

_ENOUGH: Final = 5
"""Lost answers to one of those after which others are tried: a weak line loses fewer in a row, and
all the tries there are take most of a minute."""

_RATE: Final = 40.0
"""Calls per second to begin with; a plan that allows less says so within a dozen calls."""
_CEILING: Final = 1000.0
_AT_ONCE: Final = 32


class TokenStore(Protocol):
    """What the client needs of the account's secrets."""

    async def read(self, item: str, origin: str) -> Secret | None:
        """The secret that belongs to `origin`."""
        ...

    async def write(self, item: str, origin: str, secret: Secret) -> None:
        """Keep a secret for `origin`."""
        ...

    def from_env(self, item: str) -> Secret | None:
        """The secret the environment names."""
        ...

    def recall(self, item: str) -> bytes:
        """A fact that was learned and is no secret."""
        ...

    def remember(self, item: str, learned: bytes) -> None:
        """Keep such a fact."""
        ...


class Client:
    """One account's connection to the API. Connects on the first call.

    `name` is the account's, under which its pace is kept. `refusals` are the methods that the
    service closes to this sign-in.
    """

    def __init__(
        self,
        account: Options,
        keys: TokenStore,
        network: Network,
        retries: Retries,
        *,
        name: str = "",
        timeout: float | None = None,
    ) -> None:
        self.network = network
        self.retries = retries
        self.regions: Regions = regions(account)
        self.base: str = self.regions.first
        self.refusals = Refusals(keys)
        self.pace: Pace = network.paces.of(name, rate=_RATE, ceiling=_CEILING, concurrency=_AT_ONCE)
        self._keys = keys
        self._timeout = timeout
        self._token: Secret | None = None
        self._refused_token: Secret | None = None
        self._retired: list[httpx.AsyncClient] = []
        self._region_proven = False
        self._reads_forms = True
        """Until the service misses an address that stood in one."""
        self._http: httpx.AsyncClient | None = None
        self._usual: dict[str, str] = {}
        """Headers of every request."""
        self._signing = asyncio.Lock()

    # --- sign-in --------------------------------------------------------------------------

    async def token(self) -> Secret:
        """The token, read from the account's secrets on first use.

        A token stored for the other region's address teaches the region. Raises LoginNeeded when
        there is none.
        """
        if self._token is None:
            async with self._signing:
                if self._token is None:
                    await self._read_token()
        assert self._token is not None
        return self._token

    async def _read_token(self) -> None:
        for origin in self.regions.candidates:
            secret = await self._keys.read("token", origin)
            if secret:
                if self._refused_token not in (None, secret) and self._http is not None:
                    # a connection stays with the sign-in it began with
                    self._retired.append(self._http)
                    self._http = None
                self.base = origin
                self._token = secret
                self.refusals.begin(secret, origin)
                return
        raise LoginNeeded("There is no sign-in for this pCloud account.", hint="Sign in first.")

    async def authorization(self) -> tuple[str, str]:
        """The header that carries the token, for requests to `base` only."""
        return ("Authorization", f"Bearer {(await self.token()).reveal()}")

    async def other_region(self, base: str) -> bool:
        """Whether the token turned out to belong to the other region; then `base` changed.

        Also asked of a token that worked: accounts are moved between regions.
        """
        async with self._signing:
            if self.base != base:
                return True
            other = self.regions.other(base)
            if other is None or self._token is None:
                return False
            try:
                info = await self._exchange("userinfo", {}, wire.UserInfo, base=other)
            except CloudError:
                return False
            if info.result != 0:
                return False
            self.base = other
            self._region_proven = True
            self.refusals.begin(self._token, other)
            if self._keys.from_env("token") is None:
                await self._keys.write("token", other, self._token)
            return True

    async def prove_region(self) -> None:
        """Make sure that `base` is the region that knows the token, before something is sent by
        other means than these calls."""
        if not self._region_proven and len(self.regions.candidates) > 1:
            await self.call("userinfo", {}, wire.UserInfo)

    async def _is_closed(self, method: str) -> bool:
        """Whether the token works elsewhere, so that a demand to log in means a closed method."""
        if method in ("userinfo", "listfolder"):
            return False
        info = await self._exchange("userinfo", {}, wire.UserInfo, base=self.base)
        return info.result == 0

    async def _is_missing(self, error: Offline) -> bool:
        """Whether a call that failed every time does so while another one works: pCloud closes
        the connection on methods that it does not have."""
        if isinstance(error, TooMany | ServerTrouble):
            return False  # the service spoke: it has the method
        try:
            info = await self._exchange("userinfo", {}, wire.UserInfo, base=self.base)
        except CloudError:
            return False
        return info.result == 0

    # --- calls ----------------------------------------------------------------------------

    async def call(
        self,
        method: str,
        params: Params,
        into: type[A],
        *,
        change: bool = False,
        safe: bool = True,
        reconcile: Callable[[], Awaitable[A | None]] | None = None,
        timeout: float | None = None,
        base: str | None = None,
    ) -> A:
        """Call `method` and return its successful answer.

        Args:
            params: name to value; never the token.
            change: send by POST, as rclone does: what may be seen in the query, because some
                servers read nothing else, and the rest (`_IN_FORM`) in a form.
            safe: may be repeated blindly after a lost answer; else `reconcile` looks first.
            timeout: seconds without a byte, instead of the account's.
            base: another server of the account's region (progress is known to one server only).

        Raises the mapped error; NotSupported for a method that pCloud closes to apps.
        """

        lost = 0
        enough = min(_ENOUGH, self.retries.attempts) if method in _DISPENSABLE else 0

        async def once() -> A:
            nonlocal lost
            try:
                return await self._once(
                    method, params, into, change=change, timeout=timeout, base=base
                )
            except Offline as error:
                lost += 1
                if enough and lost >= enough and await self._is_missing(error):
                    self.refusals.add(method)
                    raise errors.closed(method) from error
                raise

        return await retrying(once, retries=self.retries, reconcile=reconcile, safe=safe)

    async def retry(
        self,
        attempt: Callable[[], Awaitable[T]],
        *,
        safe: bool = True,
        reconcile: Callable[[], Awaitable[T | None]] | None = None,
    ) -> T:
        """Run something made of `stream` or `send` with this account's patience."""
        return await retrying(attempt, retries=self.retries, safe=safe, reconcile=reconcile)

    async def _once(
        self,
        method: str,
        params: Params,
        into: type[A],
        *,
        change: bool,
        timeout: float | None,
        base: str | None,
    ) -> A:
        await self.token()
        if method in self.refusals:
            raise errors.closed(method)
        used = base or self.base
        answer = await self._exchange(
            method, params, into, base=used, change=change, timeout=timeout
        )
        if base is None and answer.result in errors.ELSEWHERE and await self.other_region(used):
            used = self.base
            answer = await self._exchange(
                method, params, into, base=used, change=change, timeout=timeout
            )
        if answer.result == errors.NO_URL and change and self._reads_forms:
            self._reads_forms = False
            answer = await self._exchange(
                method, params, into, base=used, change=change, timeout=timeout
            )
        await self.require_success(answer, method)
        return answer

    async def require_success(self, answer: wire.Answer, method: str) -> None:
        """Raise the mapped error unless `result` is 0; tells a closed method from a lost sign-in
        by asking for something every token may do."""
        if answer.result == 0:
            self._region_proven = True
            return
        assert answer.result is not None
        if answer.result == errors.LOG_IN_REQUIRED and await self._is_closed(method):
            self.refusals.add(method)
            raise errors.closed(method)
        error = errors.from_result(answer.result, answer.error, method=method)
        if isinstance(error, LoginNeeded):
            # the next call reads the store again: somebody may have signed in meanwhile
            self._refused_token, self._token = self._token, None
            self._region_proven = False
        if isinstance(error, TooMany):
            self.pace.rejected(error.after)
        raise error

    async def _exchange(
        self,
        method: str,
        params: Params,
        into: type[A],
        *,
        base: str,
        change: bool = False,
        timeout: float | None = None,
    ) -> A:
        """One request, one decoded answer, whatever its `result`."""
        async with self.pace.slot(), self._request(method, params, base, change, timeout) as reply:
            return await self._decode(reply, method, into, change=change)

    async def _decode(
        self, reply: httpx.Response, method: str, into: type[A], *, change: bool
    ) -> A:
        try:
            body = await reply.aread()
        except self._transport_errors() as exc:
            raise map_transport(exc, errors.SERVICE) from exc
        try:
            return wire.decode(body, into)
        except ValueError as exc:
            why = _why(body, exc)
            raise errors.bad_reply(method, why, retry=errors.again_after(exc, change)) from exc

    @asynccontextmanager
    async def stream(
        self, method: str, params: Params, *, timeout: float | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """One GET whose body is read piece by piece; decode and check it with `require_success`."""
        await self.token()
        if method in self.refusals:
            raise errors.closed(method)
        async with (
            self.pace.slot(),
            self._request(method, params, self.base, change=False, timeout=timeout) as reply,
        ):
            yield self._pieces(reply)

    async def _pieces(self, reply: httpx.Response) -> AsyncIterator[bytes]:
        try:
            async for piece in reply.aiter_bytes(1 << 18):
                yield piece
        except self._transport_errors() as exc:
            raise map_transport(exc, errors.SERVICE) from exc

    async def post_form(self, method: str, form: Form, content: bytes, into: type[A]) -> A:
        """One small file by multipart form, once; wrap it in `retry`."""
        await self.token()
        body = form.head + content + form.tail
        url = f"{self.base}/{method}"
        async with (
            self.pace.slot(),
            self._send("POST", url, method, body, form.content_type, None) as reply,
        ):
            answer = await self._decode(reply, method, into, change=True)
        await self.require_success(answer, method)
        return answer

    async def fetch(self, url: str, *, most: int, head: bool = False) -> bytes:
        """The bytes behind a signed content link, without the token; at most `most` of them.

        With `head` these are the first bytes of a file that may be larger. For small things of our
        own, never for users' files. Raises Gone for a dead link.
        """
        self.network.require_safe(url, self.base)
        body = bytearray()
        headers = {"Range": f"bytes=0-{most - 1}"} if head else {}
        try:
            async with self._client().stream("GET", url, headers=headers) as reply:
                if reply.status_code not in ((200, 206) if head else (200,)):
                    raise errors.from_status(reply.status_code, method="content")
                async for piece in reply.aiter_bytes():
                    body += piece
                    if len(body) > most:
                        if head:
                            return bytes(body[:most])
                        raise Refused("The file is larger than it can be.")
        except self._transport_errors() as exc:
            raise map_transport(exc, errors.SERVICE) from exc
        return bytes(body)

    @asynccontextmanager
    async def _request(
        self, method: str, params: Params, base: str, change: bool, timeout: float | None
    ) -> AsyncIterator[httpx.Response]:
        from urllib.parse import urlencode

        fields = {"timeformat": "timestamp", **{key: str(value) for key, value in params.items()}}
        private = _IN_FORM if self._reads_forms else _IN_FORM - {"url"}
        hidden = {key: fields.pop(key) for key in private & fields.keys()} if change else {}
        query = urlencode(fields)
        if change and len(query) > _LONGEST_QUERY:
            query, hidden = "", {**fields, **hidden}
        url = f"{base}/{method}?{query}" if query else f"{base}/{method}"
        form = urlencode(hidden).encode()
        kind = "application/x-www-form-urlencoded" if form else ""
        verb = "POST" if change else "GET"
        async with self._send(verb, url, method, form, kind, timeout) as reply:
            yield reply

    @asynccontextmanager
    async def _send(
        self, verb: str, url: str, method: str, body: bytes, kind: str, timeout: float | None
    ) -> AsyncIterator[httpx.Response]:
        """Send one request to the API with the token; the answer has status 200."""
        import httpx

        self.network.require_safe(url, self.base)
        if not is_trusted(url, self.base):
            raise Refused("The service named a server that is not its own; nothing was sent.")
        _, token = await self.authorization()
        http = self._client()
        # without `connection` the server closes the connection after each answer
        headers = {**self._usual, "connection": "keep-alive", "authorization": token}
        if kind:
            headers["content-type"] = kind
        wait = self._timeout or self.network.timeout
        if timeout is not None:  # who has less patience than usual has less for these, too
            wait = timeout * min(1.0, wait / _USUAL) if timeout == SLOW else timeout
        limits = httpx.Timeout(wait, connect=min(10.0, wait)).as_dict()
        try:
            # made here and not by the client, which would put together what is together already
            request = httpx.Request(
                verb, url, content=body or None, headers=headers, extensions={"timeout": limits}
            )
            reply = await http.send(request, stream=True)
            async with contextlib.aclosing(reply):
                log.debug("%s -> %s", method, reply.status_code)
                if reply.status_code != 200:
                    error = errors.from_status(
                        reply.status_code, method=method, after=_after(reply)
                    )
                    if isinstance(error, TooMany):
                        self.pace.rejected(error.after)
                    raise error
                yield reply
        except self._transport_errors() as exc:
            raise map_transport(exc, errors.SERVICE) from exc

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            self._http = self.network.client(connections=_AT_ONCE)
            self._usual = dict(self._http.headers)
        return self._http

    @staticmethod
    def _transport_errors() -> tuple[type[Exception], ...]:
        import httpx

        return (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError)

    @property
    def host(self) -> str:
        """The API's host name, as the clock knows it."""
        return urlsplit(self.base).hostname or ""

    def now(self) -> float:
        """Seconds since the epoch by the service's clock."""
        return self.network.clock.now(self.host)

    async def close(self) -> None:
        """Close the connections."""
        clients, self._retired = self._retired, []
        if self._http is not None:
            clients.append(self._http)
            self._http = None
        for http in clients:
            await http.aclose()


def _after(reply: httpx.Response) -> float | None:
    value = reply.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else None


def _why(body: bytes, exc: ValueError) -> str:
    """What was wrong with a body, without quoting it: it may hold a signed link or a token."""
    start = body[:64].lstrip()
    if start.startswith(b"<"):
        return "HTML instead of JSON"
    return f"{len(body)} bytes that cannot be read ({type(exc).__name__})"
