"""OAuth: the consent page a browser opens, and the exchange of codes and polls for tokens.

Switches for the page: `pcloud.auto_approve` (redirect at once), `pcloud.redirect_state`,
`pcloud.redirect_hostname`, `pcloud.redirect_locationid` (all on; off leaves that parameter out),
`pcloud.denial` ("error" or "empty": what a denial redirects with), `pcloud.poll_seconds`.
"""

from __future__ import annotations

import hmac
import time
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit

from cloudtui.sandbox.http import Request, Response
from cloudtui.sandbox.pcloud.call import Access, Call, method
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.estate import Account, Code, Estate, Token, TokenKind

CODE_LIFE = 600
POLL_SECONDS = 55.0
LOOPBACK = {"localhost", "127.0.0.1", "[::1]", "::1"}
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>pCloud sandbox: {title}</title>
<meta name="viewport" content="width=device-width"></head>
<body><main><h1>{title}</h1>
{body}
</main></body></html>
"""
FORM = """<p>{app} wants to use your files.</p>
<form method="post" action="/oauth2/authorize">
{hidden}
<p><label>Account <select name="account" id="account">{options}</select></label></p>
<p><button type="submit" name="answer" value="approve" id="approve">Approve</button>
<button type="submit" name="answer" value="deny" id="deny">Deny</button></p>
</form>"""


@method("oauth2_token", access=Access.ANYONE, locked=False)
def oauth2_token(call: Call) -> dict[str, object]:
    """A token for a `code`, or for a `request_id` once the consent page is answered (blocks).

    rclone first posts with HTTP Basic and no `client_id` in the form; that attempt fails and must
    not spend the code. A code of the other region's account is unknown here.
    """
    estate, params = call.estate, call.params
    client = params.text("client_id")
    if not client:
        raise Refusal(1070, "Please provide 'client_id'.")
    if client != estate.app.id:
        raise Refusal(1071, "Invalid 'client_id'.")
    request_id = params.text("request_id")
    if request_id:
        return _granted(_polled(call, request_id))
    secret = params.text("client_secret") or ""
    if not hmac.compare_digest(secret.encode(), estate.app.secret.encode()):
        raise Refusal(2000)
    with estate.world.lock:
        code = estate.codes.get(params.text("code") or "")
        if code is None or code.account.region is not call.region or code.expires < call.now:
            raise Refusal(2012)
        del estate.codes[code.value]
        token = estate.add_token(
            code.account, TokenKind.OAUTH, device=estate.app.name, permissions=code.permissions
        )
    return _granted(token)


def _granted(token: Token) -> dict[str, object]:
    return {
        "access_token": token.value,
        "token_type": "bearer",
        "uid": token.account.id,
        "userid": token.account.id,
        "locationid": token.account.region.location,
    }


def _polled(call: Call, request_id: str) -> Token:
    """Wait for the page's answer. Refusals 2012 (denied) and 2013 (nobody answered in time).

    Only the region of the approving user answers; the other one goes on waiting.
    """
    world = call.estate.world
    seconds = world.switch("pcloud.poll_seconds", POLL_SECONDS)
    end = time.monotonic() + (float(seconds) if isinstance(seconds, int | float) else POLL_SECONDS)
    with world.changed:
        while not world.stopping.is_set():
            if request_id in call.estate.polls:
                token = call.estate.polls[request_id]
                if token is None:
                    raise Refusal(2012, "The request was denied.")
                if token.account.region is call.region:
                    return token
            left = end - time.monotonic()
            if left <= 0:
                break
            world.changed.wait(left)
    raise Refusal(2013, "The request was not answered in time.")


class ConsentPage:
    """Handler of the authorize listener: a plain form that any browser can send."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def __call__(self, request: Request) -> Response:
        if request.path == "/publink/show" and request.method == "GET":
            return _page("Public link", "<p>This would show the shared files.</p>")
        if request.path != "/oauth2/authorize" or request.method not in ("GET", "POST"):
            return _page("Not found", "<p>There is nothing here.</p>", 404)
        asked = dict(request.query)
        if request.method == "POST":
            form = request.body.read(65536).decode("utf-8", "replace")
            asked.update(parse_qsl(form, keep_blank_values=True))
        problem = self._problem(asked)
        if problem:
            return _page("Cannot connect the app", f"<p>{escape(problem)}</p>", 400)
        if request.method == "POST":
            return self._answered(request, asked)
        if self._estate.world.enabled("pcloud.auto_approve"):
            account = next(iter(self._estate.accounts.values()))
            approval = {"answer": "approve", "account": str(account.id)}
            return self._answered(request, {**asked, **approval})
        return self._form(asked)

    def _problem(self, asked: dict[str, str]) -> str:
        if asked.get("client_id") != self._estate.app.id:
            return "Invalid 'client_id'."
        kind = asked.get("response_type", "")
        if kind not in ("code", "token", "poll_token"):
            return "Invalid 'response_type'."
        redirect = asked.get("redirect_uri", "")
        if kind == "token" and not redirect:
            return "Please provide 'redirect_uri'."
        if kind == "poll_token" and not asked.get("request_id"):
            return "Please provide 'request_id'."
        if redirect:
            parts = urlsplit(redirect)
            if parts.scheme != "http" or (parts.hostname or "") not in LOOPBACK:
                return "Invalid 'redirect_uri'."
        return ""

    def _form(self, asked: dict[str, str]) -> Response:
        hidden = "\n".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
            for name, value in asked.items()
        )
        options = "\n".join(
            f'<option value="{account.id}">{escape(account.email)} ({account.region.name})</option>'
            for account in self._estate.accounts.values()
        )
        app = escape(self._estate.app.name)
        return _page(f"Connect {app}", FORM.format(app=app, hidden=hidden, options=options))

    def _answered(self, request: Request, asked: dict[str, str]) -> Response:
        account = self._estate.accounts.get(int(asked.get("account", "0") or 0))
        approved = asked.get("answer") == "approve" and account is not None
        if asked["response_type"] == "poll_token":
            return self._poll_answered(asked, account if approved else None)
        redirect = asked.get("redirect_uri", "")
        if not approved or account is None:
            return self._denied(redirect, asked)
        if asked["response_type"] == "token":
            token = self._estate.add_token(account, TokenKind.OAUTH, device=self._estate.app.name)
            found = {"access_token": token.value, "token_type": "bearer", "uid": str(account.id)}
            return _redirect(redirect, "#", {**found, **self._told(request, asked, account)})
        world = self._estate.world
        code = Code(
            world.new_secret(size=20),
            asked["client_id"],
            account,
            world.clock() + CODE_LIFE,
            asked.get("permissions", ""),
        )
        with world.lock:
            self._estate.codes[code.value] = code
        if not redirect:
            return _page(
                "Copy this code",
                f'<p>Enter this code in the app:</p>\n<p><code id="code">{code.value}</code></p>',
            )
        return _redirect(redirect, "?", {"code": code.value, **self._told(request, asked, account)})

    def _poll_answered(self, asked: dict[str, str], account: Account | None) -> Response:
        world = self._estate.world
        with world.changed:
            token = None
            if account is not None:
                token = self._estate.add_token(
                    account, TokenKind.OAUTH, device=self._estate.app.name
                )
            self._estate.polls[asked["request_id"]] = token
            world.changed.notify_all()
        return _page("Done", "<p>You can close this page and go back to the app.</p>")

    def _told(self, request: Request, asked: dict[str, str], account: Account) -> dict[str, str]:
        """What a redirect carries besides the credential."""
        world = self._estate.world
        found: dict[str, str] = {}
        if "state" in asked and world.enabled("pcloud.redirect_state", default=True):
            found["state"] = asked["state"]
        if world.enabled("pcloud.redirect_locationid", default=True):
            found["locationid"] = str(account.region.location)
        if world.enabled("pcloud.redirect_hostname", default=True):
            found["hostname"] = self._estate.api_hostname(account.region, request)
        return found

    def _denied(self, redirect: str, asked: dict[str, str]) -> Response:
        if not redirect:
            return _page("Not connected", "<p>The app was not connected.</p>")
        if self._estate.world.switch("pcloud.denial", "error") == "empty":
            return _redirect(redirect, "?", {})
        found = {"error": "access_denied"}
        if "state" in asked and self._estate.world.enabled("pcloud.redirect_state", default=True):
            found["state"] = asked["state"]
        return _redirect(redirect, "?", found)


def _page(title: str, body: str, status: int = 200) -> Response:
    return Response.html(PAGE.format(title=escape(title), body=body), status)


def _redirect(target: str, sign: str, found: dict[str, str]) -> Response:
    if not found:
        return Response.empty(302, [("Location", target)])
    if sign == "?" and urlsplit(target).query:
        sign = "&"
    return Response.empty(302, [("Location", f"{target}{sign}{urlencode(found)}")])
