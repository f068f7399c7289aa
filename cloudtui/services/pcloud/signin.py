"""Signing in to pCloud: what the screens and commands call, without any of their looks.

Three ways end in the same token: approving a link on any device while we ask for the answer
(poll), a redirect to this machine, or a code that the page shows. Passwords are no longer taken by
pCloud from programs. The app's id and secret are the user's own. Tokens do not expire.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlencode

from msgspec import Struct

from cloudtui.services.errors import CloudError, LoginNeeded, Offline, Retry, UsageError
from cloudtui.services.models import Secret
from cloudtui.services.network import Network, map_transport
from cloudtui.services.pcloud import errors, wire
from cloudtui.services.pcloud.regions import AUTHORIZE, Options, Regions, regions

if TYPE_CHECKING:
    import httpx

_REQUEST_ID_LENGTH: Final = 40
_LONGEST_OPENING: Final = 5.0
_AT_ONCE: Final = 3.0
"""Seconds within which an answer came without waiting for the page."""

Trace = Callable[[str, object], Awaitable[None]]


class SignedIn(Struct, frozen=True):
    """A token that answered. `region` is `us` or `eu` (empty for other servers), `api_url` the
    origin it belongs to."""

    token: Secret
    region: str
    api_url: str
    email: str
    uid: int | None


class Store(Protocol):
    """Where a sign-in is kept."""

    async def write(self, item: str, origin: str, secret: Secret) -> None:
        """Keep a secret for an origin. Raises LoginNeeded when there is no place for it."""
        ...


def approve_minutes(account: Options) -> float:
    """How long to wait for the page; what pCloud itself allows is not documented."""
    return account.number("approve_minutes")


def redirect_port(account: Options) -> int:
    """The port of this machine that the app's redirect names. By default the one of rclone's
    documents, so that one registration serves both."""
    return int(account.number("redirect_port"))


def new_state() -> str:
    """A fresh `state` for a redirect."""
    from authlib.common.security import generate_token

    return str(generate_token(32))


def new_request_id() -> str:
    """A fresh word that ties a poll to the page the user approves."""
    from authlib.common.security import generate_token

    return str(generate_token(_REQUEST_ID_LENGTH))


def client_id(account: Options) -> str:
    """The user's app id. Raises LoginNeeded with what to do when there is none."""
    known = account.text("client_id")
    if not known:
        raise LoginNeeded(
            "pCloud lets programs in only as an app of yours, and its id is not set.",
            hint="Make one at docs.pcloud.com/my_apps and set client_id of the account.",
        )
    return known


def authorize_url(
    account: Options,
    *,
    response_type: str,
    state: str = "",
    request_id: str = "",
    redirect_uri: str | None = None,
    force: bool = False,
) -> str:
    """The page where the user allows the program in.

    Args:
        response_type: `poll_token` (with `request_id`), or `code` (with `redirect_uri`, or
            without: the page then shows the code).
        state: echoed to the redirect.
        force: ask again even if the app was allowed before.
    """
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri

    extra: dict[str, str] = {}
    if request_id:
        extra["request_id"] = request_id
    if force:
        extra["force_reapprove"] = "1"
    permissions = account.text("permissions")
    if permissions:
        extra["permissions"] = permissions
    origin = account.origin("authorize_url", AUTHORIZE)
    return str(
        prepare_grant_uri(
            f"{origin}/oauth2/authorize",
            client_id(account),
            response_type,
            redirect_uri=redirect_uri,
            state=state or None,
            **extra,
        )
    )


# --- asking for a token ----------------------------------------------------------------------


async def poll_token(
    account: Options,
    network: Network,
    request_id: str,
    *,
    on_open: Callable[[], None] | None = None,
    minutes: float | None = None,
) -> SignedIn:
    """Wait until the user has approved the link made with the same `request_id`, for `minutes`
    (None: as the account's options say).

    Both regions are asked at once, because only the account's own knows of the approval. `on_open`
    is called once both questions are on their way: only then the link should be shown. Raises
    LoginNeeded when it was denied or nobody approved in time.
    """
    known = regions(account)
    minutes = approve_minutes(account) if minutes is None else minutes
    sent = {origin: asyncio.Event() for origin in known.candidates}
    waiting = {
        asyncio.create_task(_poll_one(account, network, origin, request_id, event)): origin
        for origin, event in sent.items()
    }
    announcing = asyncio.create_task(_announce(list(sent.values()), on_open))
    failure: CloudError | None = None
    try:
        async with asyncio.timeout(minutes * 60):
            while waiting:
                done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    origin = waiting.pop(task)
                    try:
                        token, location = task.result()
                    except _Denied:
                        raise
                    except CloudError as error:
                        failure = error
                        continue
                    learned = known.of_location(location)
                    first = learned if learned in known.candidates else origin
                    return await _check(network, known, token, first or origin)
    except TimeoutError:
        raise LoginNeeded(
            f"Nobody approved the link within {minutes:g} minutes.", hint="Sign in again."
        ) from None
    finally:
        announcing.cancel()
        for task in waiting:
            task.cancel()
        await asyncio.gather(announcing, *waiting, return_exceptions=True)
    assert failure is not None
    raise failure


async def _announce(sent: list[asyncio.Event], on_open: Callable[[], None] | None) -> None:
    """Call `on_open` when every question is on its way; a region that cannot be reached holds
    nobody up for long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LONGEST_OPENING):
            for event in sent:
                await event.wait()
    if on_open is not None:
        on_open()


async def _poll_one(
    account: Options, network: Network, origin: str, request_id: str, sent: asyncio.Event
) -> tuple[Secret, int | None]:
    """Ask one region, as pCloud's own programs do; a connection that breaks off is opened again."""

    async def trace(event: str, _info: object) -> None:
        if event == "http11.send_request_body.complete":
            sent.set()

    params = {"client_id": client_id(account), "request_id": request_id}
    pause = 0.5
    waited = False
    async with network.client() as http:
        while True:
            began = time.monotonic()
            try:
                return await _token(
                    http, network, origin, params, timeout=None, trace=trace, verb="GET"
                )
            except Offline as error:
                sent.set()
                if error.retry is Retry.NEVER:
                    raise
                await asyncio.sleep(pause)
                pause = min(10.0, pause * 2)
            except LoginNeeded as error:
                sent.set()
                # how pCloud tells "denied" from "not yet" is not documented. A refusal after a
                # long wait may be either: asked again, only a denial comes at once.
                if time.monotonic() - began < _AT_ONCE:
                    kind = _Denied if waited else LoginNeeded
                    raise kind(
                        "pCloud did not let this program in: it was denied on the page, or the "
                        "app's id is wrong.",
                        hint="Check client_id, then sign in again.",
                        detail=error.detail,
                    ) from error
                waited = True


class _Denied(LoginNeeded):
    """The page was answered with no: the other region has nothing to add."""


async def exchange_code(
    account: Options,
    network: Network,
    client_secret: Secret,
    code: str,
    *,
    hostname: str = "",
    locationid: int | None = None,
) -> SignedIn:
    """A code from the page or the redirect, for a token. `hostname` and `locationid` are what the
    redirect said; without them both regions are tried, for the one that does not know a code
    cannot use it up.

    Raises LoginNeeded when no region takes the code.
    """
    known = regions(account)
    told = known.of_hostname(hostname) if hostname else known.of_location(locationid)
    order = list(known.candidates)
    if told is not None:
        order = [told, *(each for each in order if each != told)] if told in order else [told]
    params = {
        "client_id": client_id(account),
        "client_secret": client_secret.reveal(),
        "code": code.strip(),
    }
    failure: CloudError | None = None
    async with network.client() as http:
        for origin in order:
            try:
                token, location = await _token(http, network, origin, params, timeout=60.0)
            except CloudError as error:
                # a region that cannot be reached must not hide what the other one said
                if failure is None or isinstance(error, LoginNeeded):
                    failure = error
                continue
            learned = known.of_location(location)
            first = learned if learned in order else origin
            return await _check(network, known, token, first or origin)
    assert failure is not None
    raise failure


async def _token(
    http: httpx.AsyncClient,
    network: Network,
    origin: str,
    params: dict[str, str],
    *,
    timeout: float | None,
    trace: Trace | None = None,
    verb: str = "POST",
) -> tuple[Secret, int | None]:
    """`oauth2_token` at one origin: the token and the `locationid`, if it was told."""
    answer = await _ask(
        http,
        network,
        origin,
        "oauth2_token",
        wire.TokenAnswer,
        params=params,
        timeout=timeout,
        trace=trace,
        verb=verb,
    )
    if answer.result != 0:
        assert answer.result is not None
        error = errors.from_result(answer.result, answer.error, method="oauth2_token")
        if isinstance(error, Offline | LoginNeeded):
            raise error
        raise LoginNeeded(
            "pCloud did not let this program in: it was denied, or the app's id or secret is "
            "wrong.",
            hint="Check client_id and the secret, then sign in again.",
            detail=error.detail,
        )
    if not answer.access_token:
        raise errors.bad_reply("oauth2_token", "no token")
    return Secret(answer.access_token), answer.locationid


async def _ask(
    http: httpx.AsyncClient,
    network: Network,
    origin: str,
    method: str,
    into: type[wire.A],
    *,
    params: dict[str, str] | None = None,
    token: Secret | None = None,
    timeout: float | None,
    trace: Trace | None = None,
    verb: str = "POST",
) -> wire.A:
    """One call outside an account. By POST the parameters go in a form, out of request lines; by
    GET, for what holds no secret, in the query."""
    import httpx

    url = f"{origin}/{method}"
    network.require_safe(url, origin)
    headers = {"Connection": "keep-alive"}
    form = verb == "POST"
    if form:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    if token is not None:
        headers["Authorization"] = f"Bearer {token.reveal()}"
    encoded = urlencode(params or {})
    try:
        reply = await http.request(
            verb,
            url if form else f"{url}?{encoded}",
            content=encoded.encode() if form else None,
            headers=headers,
            timeout=httpx.Timeout(timeout, connect=10.0),
            extensions={"trace": trace} if trace is not None else None,
        )
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as exc:
        raise map_transport(exc, errors.SERVICE) from exc
    if reply.status_code != 200:
        raise errors.from_status(reply.status_code, method=method)
    try:
        return wire.decode(reply.content, into)
    except ValueError as exc:
        raise errors.bad_reply(method, "cannot be read") from exc


# --- checking and keeping --------------------------------------------------------------------


async def check_token(account: Options, network: Network, token: Secret) -> SignedIn:
    """Whose token it is and where the account lives: each region is asked until one knows it.

    Raises LoginNeeded when none does.
    """
    return await _check(network, regions(account), token, None)


async def _check(network: Network, known: Regions, token: Secret, first: str | None) -> SignedIn:
    order = list(dict.fromkeys([*([first] if first else []), *known.candidates]))
    failure: CloudError | None = None
    async with network.client() as http:
        for origin in order:
            try:
                info = await _ask(
                    http, network, origin, "userinfo", wire.UserInfo, token=token, timeout=60.0
                )
            except CloudError as error:
                failure = failure or error
                continue
            if info.result == 0:
                return SignedIn(token, known.name_of(origin), origin, info.email, info.userid)
            assert info.result is not None
            refusal = errors.from_result(info.result, info.error, method="userinfo")
            if failure is None or isinstance(refusal, LoginNeeded):
                failure = refusal
    assert failure is not None
    raise failure


def parse_token(text: str) -> Secret:
    """A bare token, or the JSON in which rclone keeps one. Raises UsageError for neither."""
    text = text.strip()
    if text.startswith("{"):
        try:
            value = json.loads(text).get("access_token", "")
        except (ValueError, AttributeError):
            value = ""
        text = value if isinstance(value, str) else ""
    if not text or any(ord(char) < 0x21 or ord(char) > 0x7E for char in text):
        raise UsageError(
            "That is no token of pCloud.",
            hint='A token is one word; rclone\'s form is {"access_token":"…"}.',
        )
    return Secret(text)


async def store(keys: Store, signed_in: SignedIn) -> None:
    """Keep a checked token for the region it belongs to. Raises LoginNeeded when there is no place
    for it."""
    await keys.write("token", signed_in.api_url, signed_in.token)
