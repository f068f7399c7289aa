"""Sign-in with a password, single-use refresh tokens, access tokens, and the profile.

Several access tokens of one account are good at the same time: with one only, a second client
would break rclone, which never renews a token before its own note of the expiry.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass

from cloudtui.sandbox.pikpak.account import Account
from cloudtui.sandbox.pikpak.call import Answer, Call, Route, text
from cloudtui.sandbox.pikpak.captcha import Captchas
from cloudtui.sandbox.pikpak.cloud import Cloud
from cloudtui.sandbox.pikpak.errors import invalid_grant, refusal, wrong_password
from cloudtui.sandbox.pikpak.identities import IDENTITIES, known_client, secret_fits
from cloudtui.sandbox.pikpak.stamps import stamp

SPENT = "invalid refresh token for it may be has been refreshed by other process"
SPENT_SPOKEN = "The refresh token is incorrect or expired"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token stands for."""

    user_id: str
    client_id: str
    expires: float


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Auth:
    """All tokens of the service."""

    def __init__(self, cloud: Cloud, captchas: Captchas) -> None:
        self._cloud = cloud
        self._captchas = captchas
        self._key = secrets.token_bytes(32)
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}

    def routes(self) -> list[Route]:
        """Endpoints on the user host."""
        return [
            Route("POST", "/v1/auth/signin", self.sign_in, checked=False),
            Route("POST", "/v1/auth/token", self.refresh, checked=False),
            Route("POST", "/v1/auth/revoke", self.revoke, checked=False),
            Route("GET", "/v1/user/me", self.me),
        ]

    # ---- endpoints

    def sign_in(self, call: Call) -> Answer:
        """Name and password for a pair of tokens; the captcha token comes in header or body."""
        username = text(call.body, "username")
        password = text(call.body, "password")
        client_id = text(call.body, "client_id")
        if not username or not known_client(client_id):
            raise refusal("invalid_argument", "username and client_id are required")
        if not secret_fits(client_id, text(call.body, "client_secret")):
            raise refusal("invalid_argument", "client_secret does not fit the client")
        self._captchas.check_client(client_id)
        captcha = call.header("x-captcha-token") or text(call.body, "captcha_token")
        self._captchas.check_sign_in(call, captcha, client_id, username)
        if self._cloud.switches.on("signin_prohibited"):
            raise invalid_grant("AccessProhibited")
        account = self._cloud.accounts.get(username)
        given = password.encode("utf-8", "surrogatepass")
        if account is None or not hmac.compare_digest(account.password.encode(), given):
            raise wrong_password()
        return self._issue(account, client_id, call.now)

    def refresh(self, call: Call) -> Answer:
        """A new pair for a refresh token, which dies at once. JSON and form are both in use."""
        value = text(call.body, "refresh_token")
        client_id = text(call.body, "client_id")
        self._captchas.check_client(client_id)
        grant = self._refresh.get(value)
        if grant is None or self._cloud.switches.on("refresh_dead"):
            raise invalid_grant(SPENT, SPENT_SPOKEN)
        if grant.client_id != client_id:
            raise invalid_grant("the refresh token belongs to another client", SPENT_SPOKEN)
        del self._refresh[value]
        account = self._cloud.by_user(grant.user_id)
        if account is None:
            raise invalid_grant(SPENT, SPENT_SPOKEN)
        self._cloud.count("refreshes")
        return self._issue(account, client_id, call.now)

    def revoke(self, call: Call) -> Answer:
        """Forget an access or refresh token."""
        value = text(call.body, "token")
        self._access.pop(value, None)
        self._refresh.pop(value, None)
        return {}

    def me(self, call: Call) -> Answer:
        """The profile."""
        account = call.account
        name, at, domain = account.username.partition("@")
        hidden = f"{name[:1]}***{name[-1:]}@{domain}" if at else ""
        made = stamp(account.created)
        return {
            "sub": account.user_id,
            "name": name,
            "picture": "",
            "email": hidden,
            "phone_number": "",
            "providers": [],
            "password": "SET",
            "status": "ACTIVE",
            "created_at": made,
            "password_updated_at": made,
        }

    # ---- checks

    def bearer(self, call: Call) -> Account | None:
        """The account behind the Authorization header, None without one.

        Raises:
            Refusal: `unauthenticated` for a token that is unknown or too old.
        """
        scheme, _, value = call.header("authorization").partition(" ")
        if not value:
            return None
        if call.request.fault("expire_token") is not None:
            self._access.pop(value, None)
        grant = self._access.get(value)
        if scheme.lower() != "bearer" or grant is None or grant.expires <= call.now:
            raise refusal("unauthenticated")
        return self._cloud.by_user(grant.user_id)

    # ---- for tests

    def grant(self, account: Account, now: float) -> dict[str, object]:
        """A pair of tokens without signing in, for the first known client."""
        return self._issue(account, IDENTITIES[0].client_id, now)

    def forget(self, account: Account) -> int:
        """Drop every token of the account; returns how many there were."""
        dropped = 0
        for store in (self._access, self._refresh):
            for token in [key for key, item in store.items() if item.user_id == account.user_id]:
                del store[token]
                dropped += 1
        return dropped

    # ---- inside

    def _issue(self, account: Account, client_id: str, now: float) -> dict[str, object]:
        life = int(self._cloud.switches.number("access_seconds"))
        access = self._jwt(account.user_id, client_id, now, life)
        renewal = self._cloud.world.new_secret("os.", 36)
        self._access[access] = Grant(account.user_id, client_id, now + life)
        self._refresh[renewal] = Grant(account.user_id, client_id, 0.0)
        return {
            "token_type": "Bearer",
            "access_token": access,
            "refresh_token": renewal,
            "expires_in": life,
            "sub": account.user_id,
        }

    def _jwt(self, user_id: str, client_id: str, now: float, life: int) -> str:
        head = {"alg": "RS256", "kid": "sandbox"}
        claims = {
            "iss": "https://user.mypikpak.com",
            "sub": user_id,
            "aud": client_id,
            "iat": int(now),
            "exp": int(now) + life,
            "at_hash": f"r.{secrets.token_urlsafe(16)}",
        }
        signed = ".".join(_b64(json.dumps(part).encode()) for part in (head, claims))
        signature = hmac.new(self._key, signed.encode(), hashlib.sha256).digest()
        return self._cloud.world.issue(f"{signed}.{_b64(signature)}")
