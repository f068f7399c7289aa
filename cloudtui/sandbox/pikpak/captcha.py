"""Captcha tokens: handing them out, the puzzle a human solves, and what a token is good for.

A token remembers what it was made for. One made with a signed meta does not sign anybody in, and
one that came beside a puzzle's address is in review until the puzzle is solved.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from cloudtui.sandbox.http import Response
from cloudtui.sandbox.pikpak.call import Answer, Call, Route, mapping, text
from cloudtui.sandbox.pikpak.cloud import Cloud
from cloudtui.sandbox.pikpak.errors import (
    Refusal,
    captcha_missing,
    captcha_refused,
    refusal,
    too_frequent,
)
from cloudtui.sandbox.pikpak.identities import known_client, signer

PUZZLE = "/captcha/v2/spritePuzzle.html"
SOLVED = "/captcha/v2/solved"
# rclone asks for the path alone, pikpakapi for the whole address; both sign in daily.
SIGN_IN_ACTIONS = ("POST:/v1/auth/signin", "POST:https://user.mypikpak.com/v1/auth/signin")
WHO_KEYS = ("username", "email", "phone_number")


@dataclass(slots=True)
class Token:
    """A captcha token and what it was made for."""

    value: str
    client_id: str
    device_id: str
    action: str
    meta: dict[str, str]
    expires: float
    good: bool

    @property
    def for_sign_in(self) -> bool:
        """Whether it was made with a name rather than a sign."""
        return any(key in self.meta for key in WHO_KEYS)


def is_sign_in(action: str) -> bool:
    """Whether an action is the sign-in, in any of its spellings."""
    return action in SIGN_IN_ACTIONS or action.endswith("/v1/auth/signin")


class Captchas:
    """All tokens of the service."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._tokens: dict[str, Token] = {}

    def routes(self) -> list[Route]:
        """Endpoints on the user host."""
        return [
            Route("POST", "/v1/shield/captcha/init", self.init, checked=False),
            Route("GET", PUZZLE, self.puzzle, checked=False),
            Route("POST", SOLVED, self.solved, checked=False),
        ]

    # ---- endpoints

    def init(self, call: Call) -> Answer:
        """A fresh token, with the puzzle's address when a human is wanted."""
        action = text(call.body, "action")
        client_id = text(call.body, "client_id")
        device_id = text(call.body, "device_id")
        if not action or not device_id or not known_client(client_id):
            raise refusal("invalid_argument", "action, client_id and device_id are required")
        self.check_client(client_id)
        if self._cloud.switches.word("too_frequent") == "init":
            raise too_frequent()
        meta = {key: str(value) for key, value in mapping(call.body, "meta").items() if value}
        sign_in = is_sign_in(action)
        if "captcha_sign" in meta:
            self._check_sign(client_id, device_id, meta)
        elif not (sign_in and any(key in meta for key in WHO_KEYS)):
            raise Refusal("captcha_invalid", 4002, "meta is neither a name nor a sign")
        puzzle = self._cloud.switches.word("captcha_puzzle")
        asks = sign_in and puzzle in ("demand", "ignorable")
        token = self._new(
            client_id, device_id, action, meta, call.now, good=not asks or puzzle == "ignorable"
        )
        seconds = int(self._cloud.switches.number("captcha_seconds"))
        answer: dict[str, object] = {"captcha_token": token.value, "expires_in": seconds}
        if asks:
            query = {
                "action": action,
                "appName": "NONE",
                "appid": "appid",
                "captcha_token": token.value,
                "clientVersion": "NONE",
                "client_id": client_id,
                "device_id": device_id,
                "event": "shield-captcha-init",
                "redirect_uri": text(call.body, "redirect_uri"),
            }
            answer["url"] = f"{call.addresses.user}{PUZZLE}?{urlencode(query)}"
        return answer

    def puzzle(self, call: Call) -> Answer:
        """The page with the puzzle: one button stands for the slider."""
        token = self._tokens.get(call.param("captcha_token"))
        if token is None:
            return Response.html(_page("Unknown puzzle", "<p>This puzzle is not known.</p>"), 404)
        fields = "".join(
            f'<input type="hidden" name="{name}" value="{escape(call.param(name), quote=True)}">'
            for name in ("captcha_token", "redirect_uri")
        )
        return Response.html(
            _page(
                "Safety verification",
                "<p>Slide the piece into its place to go on signing in.</p>"
                f'<form method="post" action="{SOLVED}">{fields}'
                '<button type="submit" id="solve">Slide</button></form>',
            )
        )

    def solved(self, call: Call) -> Answer:
        """The puzzle is solved: its token is good, and a token is handed back."""
        token = self._tokens.get(text(call.body, "captcha_token"))
        if token is None or token.expires <= call.now:
            return Response.html(_page("Too late", "<p>This puzzle has expired.</p>"), 400)
        token.good = True
        way = self._cloud.switches.word("puzzle_handback")
        if way == "nowhere":
            return Response.html(_page("Verified", "<p>You can close this page.</p>"))
        given = token
        if way == "new":
            given = self._new(
                token.client_id, token.device_id, token.action, token.meta, call.now, good=True
            )
        target = urlsplit(text(call.body, "redirect_uri"))
        query = [*parse_qsl(target.query), ("captcha_token", given.value)]
        address = urlunsplit(target._replace(query=urlencode(query)))
        if target.scheme in ("http", "https"):
            return Response.empty(302, [("Location", address)])
        shown = address if target.scheme else f"{call.addresses.user}{SOLVED}{address}"
        return Response.html(
            _page(
                "Verified",
                "<p>Go back to your program with this address:</p>"
                f'<p><code id="address">{escape(shown)}</code></p>',
            )
        )

    # ---- checks

    def check_client(self, client_id: str) -> None:
        """Raise the refusal of a client that was let in once: how a login of old was retired."""
        if not known_client(client_id, self._cloud.switches.value("clients_refused")):
            raise refusal("invalid_argument", "currently not supported")

    def check_sign_in(self, call: Call, value: str, client_id: str, username: str) -> None:
        """Raise the refusal a sign-in gets for this token; return when it is good."""
        if not value:
            raise captcha_missing()
        if self._cloud.switches.word("too_frequent") == "signin":
            raise captcha_refused("Your operation is too frequent, please try again later")
        token = self._tokens.get(value)
        if token is None or token.expires <= call.now:
            raise captcha_refused("Code(4002) - captcha_token expired")
        if token.client_id != client_id:
            raise captcha_refused("client_id not match, please check captcha init params")
        given = next((token.meta[key] for key in WHO_KEYS if key in token.meta), "")
        if given != username:
            inner = " ".join(f"{key}:{value}" for key, value in sorted(token.meta.items()))
            raise captcha_refused(
                f"meta.username expect {username}, but got map[{inner}], "
                "please check captcha init params"
            )
        if not token.good:
            raise captcha_refused(f"client_id:{client_id} result:review")

    def check_call(self, call: Call, action: str) -> None:
        """Check the token of a drive call; clients that send none pass unless a switch says no."""
        value = call.header("x-captcha-token")
        switches = self._cloud.switches
        if call.request.fault("expire_captcha") is not None:
            self._tokens.pop(value, None)
            raise refusal("captcha_invalid")
        if not value:
            if switches.on("captcha_required") and call.header("x-client-id"):
                raise Refusal("captcha_required", 9, "Verification code is required")
            return
        token = self._tokens.get(value)
        scope = switches.word("captcha_scope")
        device = call.header("x-device-id")
        if (
            token is None
            or token.expires <= call.now
            or (device and device != token.device_id)
            or (scope == "split" and token.for_sign_in)
            or (scope == "action" and _path_only(token.action) != action)
        ):
            raise refusal("captcha_invalid")

    # ---- inside

    def _check_sign(self, client_id: str, device_id: str, meta: dict[str, str]) -> None:
        if not self._cloud.switches.on("strict_sign"):
            return
        identity = signer(
            client_id,
            meta.get("client_version", ""),
            meta.get("package_name", ""),
            device_id,
            meta.get("timestamp", ""),
            meta.get("captcha_sign", ""),
        )
        retired = self._cloud.switches.value("signs_refused")
        if identity is None or (isinstance(retired, list) and identity.name in retired):
            self._cloud.count("bad_signs")
            raise Refusal("captcha_invalid", 4002, "captcha_sign does not fit the client")
        self._cloud.count(f"signs_{identity.name}")

    def _new(
        self,
        client_id: str,
        device_id: str,
        action: str,
        meta: dict[str, str],
        now: float,
        *,
        good: bool,
    ) -> Token:
        value = self._cloud.world.new_secret("ck0.", 36)
        expires = now + self._cloud.switches.number("captcha_seconds")
        token = Token(value, client_id, device_id, action, dict(meta), expires, good)
        self._tokens[value] = token
        return token


def _path_only(action: str) -> str:
    """`GET:https://host/path` as `GET:/path`: both spellings name the same action."""
    method, _, rest = action.partition(":")
    if rest.startswith("https://"):
        rest = "/" + rest.removeprefix("https://").partition("/")[2]
    return f"{method}:{rest}"


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title></head><body><h1>{escape(title)}</h1>{body}</body></html>"
    )
