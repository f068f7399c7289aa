"""One HTTP exchange with PikPak: paced, timed, never followed elsewhere.

Owns the connection pool and the pace of one account; knows nothing of tokens. Answers come back
whole and undecoded; only transport failures are raised here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from cloudtui.services.errors import BadName, CloudError
from cloudtui.services.naming import display_name
from cloudtui.services.network import Network, map_transport
from cloudtui.services.pace import Pace
from cloudtui.services.pikpak.errors import SERVICE, Fault, fault_of

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

RATE: Final = 20.0
"""Calls per second to begin with; rclone keeps 100 ms between its calls."""
CEILING: Final = 80.0
"""The service's limit is unknown; this is as far as anybody is known to have gone."""
CONCURRENCY: Final = 16

Query = Sequence[tuple[str, str]]


class Reply(msgspec.Struct, frozen=True, dict=True):
    """A whole answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Reply({self.status!r}, {len(self.body)} bytes)"

    @cached_property
    def fault(self) -> Fault | None:
        """The refusal in it, or None for a success."""
        return fault_of(self.status, self.headers, self.body)


class Channel:
    """The way to PikPak's hosts for one account."""

    def __init__(self, network: Network, account: str = "") -> None:
        self._network = network
        self._client: httpx.AsyncClient | None = None
        self._usual: dict[str, str] = {}
        """Headers of every request."""
        self._pace: Pace = network.paces.of(
            account, rate=RATE, ceiling=CEILING, concurrency=CONCURRENCY
        )

    async def send(
        self,
        method: str,
        url: str,
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Reply:
        """Send one request and read the whole answer. `url` has no query of its own.

        Raises Offline when there was no answer: with SOON when nothing can have been executed, with
        RECONCILE when it may have been. BadName when `json` holds what is no text.
        """
        import httpx

        if self._client is None:
            self._client = self._network.client(connections=CONCURRENCY)
            self._usual = dict(self._client.headers)
        sent = {**self._usual, **{name.lower(): each for name, each in (headers or {}).items()}}
        body = content
        if json is not None:
            body = _written(json)
            sent.setdefault("content-type", "application/json")
        try:
            # made here and not by the client, which would put together what is together already
            request = httpx.Request(
                method,
                httpx.URL(url, params=list(query)) if query else url,
                headers=sent,
                content=body,
                data=form,
                extensions={"timeout": self._client.timeout.as_dict()},
            )
            async with self._pace.slot():
                response = await self._client.send(request)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise CloudError("An address of PikPak in the settings is no address.") from error
        except (httpx.HTTPError, OSError) as error:
            raise map_transport(error, SERVICE) from error
        reply = Reply(response.status_code, _lowered(response.headers), response.content)
        # the query stays out: it may hold what somebody searched for, or a pass code
        log.debug("%s %s -> %s", method, urlsplit(url).path, reply.status)
        if reply.status == 429 or (reply.fault is not None and reply.fault.too_frequent):
            self._pace.rejected(reply.fault.after if reply.fault else None)
        return reply

    async def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def _written(value: object) -> bytes:
    """JSON. Raises BadName: bytes of this disk's names that are no text have no form in it."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError as error:
        raise BadName(
            "PikPak takes text only, and a part of this is none: "
            f"{display_name(str(error.object))}.",
            hint="Rename it, or set the account's `encoding` to rclone.",
        ) from error


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in headers.items()}
