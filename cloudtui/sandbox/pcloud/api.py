"""The JSON API of one region: credentials, dispatch and the answer's envelope.

Owns nothing the methods own. Errors are HTTP 200 with a result number; the number is also in
X-Error.
"""

from __future__ import annotations

import gzip
from contextlib import nullcontext

from cloudtui.sandbox.faults import FaultKind
from cloudtui.sandbox.http import Request, Response
from cloudtui.sandbox.pcloud import (
    accounts,
    archives,
    feed,
    fetching,
    files,
    folders,
    links,
    members,
    oauth,
    packing,
    playlists,
    publinks,
    revisions,
    sharing,
    thumbs,
    trash,
    uploads,
)
from cloudtui.sandbox.pcloud.call import METHODS, Access, Call, Entry
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.estate import Account, Estate, Region, Token, TokenKind
from cloudtui.sandbox.pcloud.metadata import Style
from cloudtui.sandbox.pcloud.params import Params, read_params

# Importing a module registers its methods.
MODULES = (
    accounts,
    archives,
    feed,
    fetching,
    files,
    folders,
    links,
    members,
    oauth,
    packing,
    playlists,
    publinks,
    revisions,
    sharing,
    thumbs,
    trash,
    uploads,
)
SERVER = ("Server", "CloudHTTPd-API v1.1")
GZIP_FROM = 1400


class Api:
    """Handler of one region's API listener.

    Switches: `pcloud.open` and `pcloud.closed` (lists of methods opened to or closed for OAuth
    tokens), `pcloud.rate` (calls per second and account, else 4006), `pcloud.gzip`.
    """

    def __init__(self, estate: Estate, region: Region) -> None:
        self._estate = estate
        self._region = region

    def __call__(self, request: Request) -> Response:
        name = request.decoded_path.strip("/")
        entry = METHODS.get(name)
        if entry is None or request.method not in ("GET", "POST", "PUT", "HEAD"):
            # The service drops the connection on what it does not know.
            answer = Response.text("Not found.", 404, [SERVER])
            answer.close = True
            return answer
        params, multipart = read_params(request)
        call = Call(self._estate, self._region, request, params, _style(params), multipart)
        try:
            found = self._run(call, name, entry)
        except Refusal as refusal:
            found = refusal.body()
        if isinstance(found, Response):
            found.headers.append(SERVER)
            return found
        body: dict[str, object] = {"result": 0, **found}
        echo = params.text("id")
        if echo is not None:
            body["id"] = int(echo) if echo.isascii() and echo.isdigit() else echo
        headers = [SERVER]
        if body["result"] != 0:
            headers.append(("X-Error", str(body["result"])))
        return self._packed(request, Response.json(body, headers=headers))

    def _run(self, call: Call, name: str, entry: Entry) -> dict[str, object] | Response:
        world = self._estate.world
        fault = call.request.fault(FaultKind.API_CODE)
        if fault is not None:
            raise Refusal(fault.number(), fault.body or None)
        with world.lock:
            if entry.access is not Access.ANYONE:
                call.token = self._authenticate(call)
                self._permit(call, call.token, name, entry)
                self._pace(call.token.account)
            elif name != "oauth2_token":
                call.token = self._optional(call)
        with world.lock if entry.locked else nullcontext():
            return entry.run(call)

    def _authenticate(self, call: Call) -> Token:
        """The token of the call, from Bearer header or parameters; Refusals 1000, 2000,
        2094, 2095.
        """
        if call.request.fault(FaultKind.EXPIRE_TOKEN) is not None:
            raise Refusal(2094)
        bearer = call.request.headers.get("authorization") or ""
        session = call.params.text("auth")
        given = call.params.text("access_token") or session
        if bearer.lower().startswith("bearer "):
            given = given or bearer[7:].strip()
        bound = call.request.connection.get("token")
        if self._estate.world.enabled("pcloud.sticky_auth") and isinstance(bound, Token):
            return bound
        if not given:
            return self._password(call)
        token = self._estate.tokens.get(given)
        if token is None or token.account.region is not self._region:
            raise Refusal(2000 if session == given else 2094)
        if token.revoked:
            raise Refusal(2095 if token.kind is TokenKind.OAUTH else 2000)
        call.request.connection["token"] = token
        return token

    def _password(self, call: Call) -> Token:
        """Sign-in with user name and digest or password, which gives a session token."""
        account = accounts.signed_in(call)
        if account is None:
            raise Refusal(1000)
        return self._estate.add_token(account, TokenKind.SESSION, device="password")

    def _optional(self, call: Call) -> Token | None:
        try:
            return self._authenticate(call)
        except Refusal:
            return None

    def _permit(self, call: Call, token: Token, name: str, entry: Entry) -> None:
        world = self._estate.world
        closed, opened = world.switch("pcloud.closed", []), world.switch("pcloud.open", [])
        fault = call.request.fault(FaultKind.REFUSE)
        if fault is not None:
            raise Refusal(fault.number() or 1000)
        if entry.access is Access.NOBODY:
            raise Refusal(2003)
        if token.kind is TokenKind.OAUTH:
            if isinstance(closed, list) and name in closed:
                raise Refusal(1000)
            is_open = isinstance(opened, list) and name in opened
            if entry.access is Access.SESSION and not is_open:
                raise Refusal(1000)
        if entry.writes and not token.write:
            raise Refusal(2003)

    def _pace(self, account: Account) -> None:
        """Switch `pcloud.rate`: no more calls than that in any second."""
        rate = self._estate.world.switch("pcloud.rate")
        if not isinstance(rate, int | float) or not rate:
            return
        now = self._estate.world.clock()
        account.calls[:] = [moment for moment in account.calls if moment > now - 1]
        if len(account.calls) >= rate:
            raise Refusal(4006)
        account.calls.append(now)

    def _packed(self, request: Request, response: Response) -> Response:
        """Compressed when the caller takes it and the switch `pcloud.gzip` is on (it costs
        speed).
        """
        accepted = "gzip" in (request.headers.get("accept-encoding") or "")
        body = response.body
        if not self._estate.world.enabled("pcloud.gzip") or not accepted:
            return response
        if isinstance(body, bytes) and len(body) >= GZIP_FROM:
            response.body = gzip.compress(body, 1)
            response.headers += [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
        return response


def _style(params: Params) -> Style:
    return Style(
        stamps=params.text("timeformat") == "timestamp",
        icon_ids=params.text("iconformat") == "id",
        all_fields=params.names("filtermeta"),
        file_fields=params.names("filterfilemeta"),
        folder_fields=params.names("filterfoldermeta"),
    )
