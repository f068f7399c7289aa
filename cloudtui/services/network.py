"""The one TLS context, the one proxy decision, and the HTTP clients for API calls.

File bytes never go through these clients; the byte pump asks the same object for context and
proxy so that both planes always agree. httpx and ssl are imported on first use: they cost a
quarter of a second at start-up.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import sys
import threading
import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, cast
from urllib.parse import urlsplit
from weakref import WeakSet

from cloudtui.services.errors import CloudError, Offline, Refused, Retry
from cloudtui.services.pace_book import PaceBook

if TYPE_CHECKING:
    import ssl

    import httpx

USER_AGENT: Final = "cloudtui"

# httpx imports its own command line where it can, and with it rich, pygments and click's whole
# world: a fifth of the start of a command. None makes that import fail, which httpx expects.
sys.modules.setdefault("httpx._main", cast("Any", None))


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _spared(netloc: str, names: str) -> bool:
    """Whether a variable like NO_PROXY names the host."""
    import urllib.request  # with the HTTP client behind it a tenth of a local command's start

    host = netloc.rpartition("@")[2]
    bypass = urllib.request.proxy_bypass_environment(host, {"no": names})  # type: ignore[attr-defined]
    return bool(bypass)


class ServerClock:
    """What time the servers think it is: an offset per host, learned from `Date` headers."""

    def __init__(self) -> None:
        self._offsets: dict[str, float] = {}

    def note(self, host: str, date: str | None) -> None:
        """Learn from a `Date` header; anything unreadable is ignored."""
        if not date:
            return
        import email.utils

        try:
            told = email.utils.parsedate_to_datetime(date).timestamp()
        except (TypeError, ValueError):
            return
        self._offsets[host] = told - time.time()

    def now(self, host: str) -> float:
        """Seconds since the epoch by that host's clock; ours when it never answered.

        Offsets under two seconds are rounding in the header and count as none.
        """
        offset = self._offsets.get(host, 0.0)
        return time.time() + (offset if abs(offset) >= 2 else 0.0)


class _Wakeable(Protocol):
    """The connections of one client."""

    def wake(self) -> None:
        """Give up all of them."""
        ...


class Network:
    """Everything about reaching servers that is decided once per process."""

    def __init__(
        self,
        *,
        timeout: float = 30.0,
        ca_file: str = "",
        user_agent: str = USER_AGENT,
        environ: Mapping[str, str] = os.environ,
        paces: PaceBook | None = None,
    ) -> None:
        self.timeout = timeout
        self.user_agent = user_agent
        self.clock = ServerClock()
        self.paces = paces or PaceBook()
        self._ca_file = ca_file or environ.get("CLOUDTUI_CA_FILE", "")
        self._environ = environ
        self._stays_here = environ.get("CLOUDTUI_LOOPBACK_ONLY") == "1"
        self._context: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._routes: WeakSet[_Wakeable] = WeakSet()

    def prepare(self) -> None:
        """Begin to build the context on a thread, for whoever is about to connect: reading the
        system's certificates takes 20 ms, beside imports that take as long."""
        if self._context is None:
            threading.Thread(target=self._prepare, name="certificates", daemon=True).start()

    def _prepare(self) -> None:
        with contextlib.suppress(Refused, OSError):  # told to whoever connects
            _ = self.ssl_context

    @property
    def ssl_context(self) -> ssl.SSLContext:
        """The one context: the system's store (SSL_CERT_FILE and SSL_CERT_DIR replace it) plus
        CLOUDTUI_CA_FILE. Building it takes about 30 ms. Raises Refused for an unreadable file."""
        with self._lock:
            if self._context is None:
                import ssl

                context = ssl.create_default_context()
                if self._ca_file:
                    try:
                        context.load_verify_locations(self._ca_file)
                    except (OSError, ssl.SSLError) as exc:
                        raise Refused(
                            "The file named by CLOUDTUI_CA_FILE holds no readable certificates.",
                            hint="Correct or unset it.",
                        ) from exc
                context.set_alpn_protocols(["http/1.1"])
                self._context = context
            return self._context

    def proxy_for(self, url: str) -> str | None:
        """The proxy's URL for a target, or None. Loopback is never proxied; HTTPS_PROXY (HTTP_PROXY
        for plain http), then ALL_PROXY, minus what NO_PROXY names."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if is_loopback(host):
            return None
        proxies = {
            key.lower(): value
            for key, value in self._environ.items()
            if key.lower().endswith("_proxy") and value
        }
        if (spared := proxies.get("no_proxy", "")) and _spared(parts.netloc, spared):
            return None
        proxy = proxies.get(f"{parts.scheme}_proxy") or proxies.get("all_proxy")
        if proxy and "://" not in proxy:
            proxy = f"http://{proxy}"
        return proxy

    def require_safe(self, url: str, base: str) -> None:
        """Refuse plain http unless both the target and the API base are this machine."""
        target, origin = urlsplit(url), urlsplit(base)
        self.require_reachable(target.hostname or "")
        if target.scheme == "https":
            return
        if (
            target.scheme == "http"
            and is_loopback(target.hostname or "")
            and is_loopback(origin.hostname or "")
        ):
            return
        raise Refused(
            "The service named an address without encryption; nothing was sent there.",
            hint="Plain http is spoken with this machine only.",
        )

    def require_reachable(self, host: str) -> None:
        """Refuse every other machine where the demonstration runs: its accounts are embedded, and
        a sign-in typed there must not reach the real services."""
        if self._stays_here and not is_loopback(host):
            raise Refused(
                "The demonstration talks to this machine only; nothing was sent.",
                hint="Started without `demo`, cloudtui adds accounts of the real services.",
            )

    def wake(self) -> None:
        """The machine slept: connections of API calls are dead without having said so. Calls under
        way end at once, as calls whose answer was lost."""
        for routes in list(self._routes):
            routes.wake()

    def client(
        self, *, headers: Mapping[str, str] | None = None, connections: int = 8
    ) -> httpx.AsyncClient:
        """A client for API calls: HTTP/1.1, keep-alive, no redirects, no cookies, proxies as
        `proxy_for` says, at most `connections` calls at once."""
        import httpx

        class NoCookies(httpx.Cookies):
            """Keeps none: no service here wants any, and looking for them in every answer was a
            tenth of a call's processor time."""

            def extract_cookies(self, response: httpx.Response) -> None:
                pass

        class Caller(httpx.AsyncClient):
            """A client whose cookies stay nothing."""

            cookies = NoCookies()  # type: ignore[override]

        return Caller(
            headers={"User-Agent": self.user_agent, **(headers or {})},
            transport=_routes(self, connections),
            timeout=httpx.Timeout(self.timeout, connect=min(10.0, self.timeout)),
            follow_redirects=False,
            trust_env=False,
        )


def _routes(network: Network, connections: int) -> httpx.AsyncBaseTransport:
    import httpx

    from cloudtui.services.http_lane import Lane

    class Lanes:
        """Connections to one host; the one used last comes first, so that few calls keep few."""

        def __init__(self, url: httpx.URL) -> None:
            self._url = url
            self._idle: list[Lane] = []
            self._all: list[Lane] = []
            self._room = asyncio.Semaphore(connections)

        async def take(self) -> Lane:
            """A lane of one's own; waits when all are taken."""
            await self._room.acquire()
            if self._idle:
                return self._idle.pop()
            lane = Lane(network, self._url)
            self._all.append(lane)
            return lane

        def give(self, lane: Lane) -> None:
            """The answer was read, or never came."""
            self._idle.append(lane)
            self._room.release()

        def wake(self) -> None:
            """Give up every connection."""
            for lane in self._all:
                lane.drop()

        async def aclose(self) -> None:
            self.wake()
            await asyncio.sleep(0)  # lets the connections say goodbye

    class Routes(httpx.AsyncBaseTransport):
        """Sends each request directly or through the proxy its target asks for."""

        def __init__(self) -> None:
            self._by_host: dict[tuple[str, str], Lanes] = {}

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            network.require_reachable(request.url.host)
            origin = (request.url.scheme, request.url.netloc.decode("ascii"))
            lanes = self._by_host.get(origin)
            if lanes is None:
                lanes = self._by_host[origin] = Lanes(request.url)
            lane = await lanes.take()
            free = partial(lanes.give, lane)
            try:
                response = await lane.send(request, free)
            except BaseException:
                free()
                raise
            network.clock.note(request.url.host, response.headers.get("date"))
            return response

        def wake(self) -> None:
            """Give up every connection."""
            for lanes in self._by_host.values():
                lanes.wake()

        async def aclose(self) -> None:
            for lanes in self._by_host.values():
                await lanes.aclose()

    routes = Routes()
    network._routes.add(routes)
    return routes


def map_transport(exc: Exception, service: str) -> CloudError:
    """The error for a call that got no answer. `service` is what people call it.

    Retry.SOON when the request cannot have been executed (never connected); Retry.RECONCILE when
    it may have been (the answer was lost).
    """
    import ssl

    import httpx

    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Offline(
                f"The certificate of {service} is not trusted here; nothing was sent.",
                hint="Check the clock and the network; CLOUDTUI_CA_FILE names extra authorities.",
                retry=Retry.NEVER,
            )
        cause = cause.__cause__ or cause.__context__
    never_sent = isinstance(
        exc,
        httpx.ConnectError
        | httpx.ConnectTimeout
        | httpx.PoolTimeout
        | httpx.ProxyError
        | ConnectionRefusedError,
    )
    if isinstance(exc, httpx.TimeoutException | TimeoutError) and not never_sent:
        text = f"{service} did not answer in time."
    elif never_sent:
        text = f"No connection to {service}."
    else:
        text = f"The connection to {service} broke."
    return Offline(
        text,
        hint="Nothing was lost; try again when the network is back.",
        retry=Retry.SOON if never_sent else Retry.RECONCILE,
    )
