"""Signed in and staying so: password sign-in, refresh, and the access token of the moment.

Owns the life of tokens across processes. A refresh token is good for one use, so it is spent only
under the account's lock, after the store was read again. Must not decide how a puzzle or a password
is asked for.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import msgspec

from cloudtui.services.accounts import Keys
from cloudtui.services.errors import BadReply, CaptchaNeeded, CloudError, LoginNeeded, Retry
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Secret
from cloudtui.services.network import Network
from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.captcha import SIGNIN_ACTION, Captcha, puzzle_error
from cloudtui.services.pikpak.channel import Channel, Reply
from cloudtui.services.pikpak.errors import (
    Fault,
    IdentityRefused,
    client_refused,
    error_for,
    no_more_tries,
    refuses_client,
)
from cloudtui.services.pikpak.identities import IDENTITIES, others_than
from cloudtui.services.pikpak.profile import Profile
from cloudtui.services.retry import Retries, retrying

log = logging.getLogger(__name__)

SIGNIN_PATH: Final = "/v1/auth/signin"
REFRESH_PATH: Final = "/v1/auth/token"

TOKEN: Final = "token"  # noqa: S105 - the name of an item
"""Store item of the refresh token in force."""
ACCESS: Final = "access"
"""Sealed item of the access token."""
SPEAKING: Final = "identity"
"""What was learned: the client that the stored refresh token belongs to, by name."""
TRYING: Final = "trying"
"""The client that a sign-in stopped at, for the puzzle it was asked to solve."""

FIRST_ACTION: Final = "GET:/drive/v1/about"

_MARGIN: Final = 60.0
"""Seconds before its end from which an access token is renewed."""


class Access(msgspec.Struct, frozen=True):
    """An access token, whose it is, and when it ends (seconds since the epoch)."""

    token: Secret
    user_id: str
    expires_at: float


class _Kept(msgspec.Struct):
    token: str
    user_id: str
    expires_at: float


class Auth:
    """The sign-in of one account."""

    def __init__(
        self,
        profile: Profile,
        keys: Keys,
        network: Network,
        channel: Channel,
        captcha: Captcha,
        retries: Retries,
    ) -> None:
        self._profile = profile
        self._keys = keys
        self._network = network
        self._channel = channel
        self._captcha = captcha
        self._retries = retries
        self._lock = asyncio.Lock()
        self._now: Access | None = None
        self._looked = False
        self._unstored: Secret | None = None
        """A refresh token that no store took; lost with this process."""

    def _time(self) -> float:
        return self._network.clock.now(self._profile.user_host)

    # --- the token of the moment ---------------------------------------------------------

    async def access(self) -> Access:
        """An access token that still holds, renewed in time. Raises LoginNeeded."""
        held = self._now
        if held is not None and self._time() < held.expires_at - _MARGIN:
            return held
        async with self._lock:
            if not self._looked:
                self._looked = True
                self._now = await self._kept()
            held = self._now
            if held is not None and self._time() < held.expires_at - _MARGIN:
                return held
            try:
                return await self._renew(bad=None)
            except CloudError as error:
                if held is None or self._time() >= held.expires_at:
                    raise
                # renewing can wait: this one lives for some seconds more
                log.warning("the sign-in could not be renewed: %s", error.text)
                return held

    async def renew(self, bad: Secret) -> Access:
        """Another access token after the service refused `bad`. Raises LoginNeeded."""
        async with self._lock:
            held = self._now
            if held is not None and held.token != bad and self._time() < held.expires_at:
                return held
            return await self._renew(bad=bad)

    async def _renew(self, bad: Secret | None) -> Access:
        async with self._keys.lock():
            kept = await self._kept()
            if kept is not None and kept.token != bad and self._fresh(kept):
                self._now = kept
                return kept
            return await self._obtain()

    def _fresh(self, access: Access) -> bool:
        return self._time() < access.expires_at - _MARGIN

    async def _kept(self) -> Access | None:
        """What this or another process sealed last, however old."""
        sealed = await self._keys.read_sealed(ACCESS, self._profile.origin)
        if sealed is None:
            return None
        try:
            kept = msgspec.json.decode(sealed.reveal(), type=_Kept)
        except msgspec.DecodeError:
            return None
        return Access(Secret(kept.token), kept.user_id, kept.expires_at)

    async def _obtain(self) -> Access:
        """Spend the refresh token, or sign in with a password that is known. Lock held."""
        refresh = await self._refresh_token()
        spent: LoginNeeded | None = None
        if refresh is not None and self._is_of_another():
            spent = LoginNeeded(
                f"{self._profile.account} was signed in as another program than"
                f" `{self._profile.identity.name}`, and its token is good for that one only.",
                hint="Sign in again, or set `identity` as it was.",
            )
        elif refresh is not None:
            try:
                return await self.spend(refresh)
            except LoginNeeded as error:
                spent = error
        password = await self._keys.read("password", self._profile.origin)
        if password is not None and self._profile.username:
            given = self._keys.from_env("captcha_token")
            return await self.sign_in(self._profile.username, password, given, insist=False)
        raise spent or LoginNeeded(
            f"{self._profile.account} is not signed in.",
            hint=f"cloudtui login {self._profile.account} --kind pikpak signs in.",
        )

    async def _refresh_token(self) -> Secret | None:
        """The refresh token in force. One from the environment is only the first of its line, and
        is stored before it is spent: its successor must have a place."""
        if self._unstored is not None:
            return self._unstored
        token = await self._keys.read(TOKEN, self._profile.origin, seed=True)
        if token is None:
            return None
        bare = bare_token(token)
        if token == self._keys.from_env(TOKEN):
            await self._keys.write(TOKEN, self._profile.origin, bare)
        return bare

    def _is_of_another(self) -> bool:
        """Whether the stored token was got as another client: spending it would be in vain."""
        signed = IDENTITIES.get(self._keys.recall(SPEAKING).decode(errors="replace"))
        given = self._unstored is not None or self._keys.from_env(TOKEN) is not None
        same = signed is None or signed.client_id == self._profile.identity.client_id
        return not given and not same

    async def speak_anew(self, refused: LoginNeeded) -> None:
        """Sign in as another client, where that needs nobody: with a password that is known.
        Raises `refused` otherwise."""
        async with self._lock, self._keys.lock():
            password = await self._keys.read("password", self._profile.origin)
            username = self._profile.username
            if password is None or not username:
                raise refused
            way_in = partial(self._sign_in, username, password, None, insist=False)
            await self._as_another(refused, way_in)
            log.warning("%s Signed in as `%s`.", refused.text, self._profile.identity.name)

    # --- the two ways in -----------------------------------------------------------------

    async def spend(self, refresh: Secret, *, insist: bool = False) -> Access:
        """Exchange a refresh token, which is dead afterwards. Raises LoginNeeded when it already
        was. The caller holds the account's lock; `insist` as in `sign_in`."""
        identity = self._profile.identity
        fields = {
            "client_id": identity.client_id,
            "grant_type": "refresh_token",
            "refresh_token": refresh.reveal(),
        }
        url = self._profile.user_url + REFRESH_PATH
        headers = {"User-Agent": self._profile.user_agent}

        async def call() -> wire.TokenReply:
            if identity.secret:
                body = {**fields, "client_secret": identity.secret}
                reply = await self._channel.send("POST", url, headers=headers, json=body)
            else:
                # the web client: form-encoded, no secret, no device, as rclone sends it
                reply = await self._channel.send("POST", url, headers=headers, form=fields)
            if reply.fault is not None and refuses_client(reply.fault):
                raise client_refused(reply.fault, identity.name)
            if reply.fault is not None:
                raise error_for(reply.fault)
            return _tokens(reply)

        answer = await retrying(call, retries=self._retries)
        failpoint("pikpak.refresh.answered")
        return await self._keep(answer, insist=insist)

    async def spend_as_any(self, refresh: Secret) -> Access:
        """`spend` a token from somewhere else: it does not tell which client it belongs to, and a
        wrong one is refused like a spent one. Raises LoginNeeded when none is taken with it."""
        try:
            return await self.spend(refresh, insist=True)
        except LoginNeeded as refused:

            async def way_in() -> Access:
                try:
                    return await self.spend(refresh, insist=True)
                except LoginNeeded as error:
                    raise IdentityRefused(error.text, detail=error.detail) from error

            return await self._as_another(refused, way_in)

    async def sign_in(
        self, username: str, password: Secret, captcha_token: Secret | None, *, insist: bool
    ) -> Access:
        """Sign in with a password; `captcha_token` is what a human got from a puzzle.

        Raises WrongPassword, CaptchaNeeded with the puzzle's address, TooMany, LoginNeeded. With
        `insist` a store that takes no refresh token is an error, else it lasts as long as we do.
        A client that the service takes no longer is left for the next, unless the settings name it.
        """
        try:
            return await self._sign_in(username, password, captcha_token, insist=insist)
        except IdentityRefused as refused:
            return await self._as_another(
                refused, partial(self._sign_in, username, password, None, insist=insist)
            )

    async def _as_another(
        self, refused: LoginNeeded, way_in: Callable[[], Awaitable[Access]]
    ) -> Access:
        """Try the way in as each other client in turn; `refused` when none is taken."""
        if self._profile.own_identity:
            raise refused
        before = self._profile.identity
        for identity in others_than(before):
            self._profile.speak_as(identity)
            await self._captcha.drop()
            try:
                return await way_in()
            except IdentityRefused:
                continue
            except CaptchaNeeded:
                # the puzzle is solved for this client alone: the next sign-in begins with it
                self._keys.remember(TRYING, identity.name.encode())
                raise
            except BaseException:
                self._profile.speak_as(before)  # what was signed in before is so still
                raise
        self._profile.speak_as(before)
        await self._captcha.drop()
        raise refused

    async def _sign_in(
        self, username: str, password: Secret, captcha_token: Secret | None, *, insist: bool
    ) -> Access:
        token = captcha_token or await self._signin_captcha(username)
        reply = await self._post_signin(username, password, token)
        if reply.fault is not None and _worth_another(reply.fault):
            # made for another action, or too old: once more with one made for signing in
            token = await self._signin_captcha(username)
            reply = await self._post_signin(username, password, token)
        if reply.fault is not None:
            raise _signin_error(reply.fault, self._profile.identity.name)
        await self._captcha.drop()
        failpoint("pikpak.signin.answered")
        access = await self._keep(_tokens(reply), insist=insist)
        try:
            # needed by the next call anyway, and the first one that proves who we say we are
            await self._captcha.token(FIRST_ACTION, access.user_id)
        except IdentityRefused:
            raise
        except CloudError as error:
            log.debug("no captcha token yet: %s", error.code)
        return access

    async def _signin_captcha(self, username: str) -> Secret:
        async def call() -> Secret:
            minted = await self._captcha.mint(SIGNIN_ACTION, {"username": username})
            if minted.puzzle:
                raise puzzle_error(minted.puzzle)
            return minted.token

        return await retrying(call, retries=self._retries)

    async def _post_signin(self, username: str, password: Secret, captcha: Secret) -> Reply:
        identity = self._profile.identity
        body = {
            "client_id": identity.client_id,
            "username": username,
            "password": password.reveal(),
        }
        if identity.secret:
            body |= {"client_secret": identity.secret, "captcha_token": captcha.reveal()}
        headers = {**self._profile.headers(), "X-Captcha-Token": captcha.reveal()}

        async def call() -> Reply:
            reply = await self._channel.send(
                "POST", self._profile.user_url + SIGNIN_PATH, headers=headers, json=body
            )
            if reply.fault is not None and reply.status >= 500:
                raise error_for(reply.fault)
            return reply

        return await retrying(call, retries=self._retries)

    async def _keep(self, answer: wire.TokenReply, *, insist: bool) -> Access:
        """Store first what cannot be had again, then share what is short-lived."""
        origin = self._profile.origin
        if answer.refresh_token:
            refresh = Secret(answer.refresh_token)
            self._unstored = None
            try:
                await self._keys.write(TOKEN, origin, refresh)
                self._keys.remember(SPEAKING, self._profile.identity.name.encode())
                self._keys.remember(TRYING, b"")
            except LoginNeeded:
                if insist:
                    raise
                self._unstored = refresh  # the old one is dead: this one must not be lost
        failpoint("pikpak.refresh.stored")
        user_id = _subject(answer.access_token) or answer.sub
        lifetime = answer.expires_in if answer.expires_in > 0 else 7200
        access = Access(Secret(answer.access_token), user_id, self._time() + lifetime)
        self._now, self._looked = access, True
        kept = msgspec.json.encode(_Kept(answer.access_token, user_id, access.expires_at))
        await self._keys.write_sealed(ACCESS, origin, Secret(kept.decode()))
        return access

    async def forget(self) -> None:
        """Sign out here: drop every secret of the account."""
        self._now, self._unstored = None, None
        with contextlib.suppress(LoginNeeded):  # no store, nothing to forget in it
            await self._keys.forget()


def _tokens(reply: Reply) -> wire.TokenReply:
    answer = wire.decode(wire.TokenReply, reply.body)
    if not answer.access_token:
        raise BadReply(
            "PikPak's answer to the sign-in holds no token.",
            hint="Try again in a while.",
            retry=Retry.NEVER,
        )
    return answer


def _worth_another(fault: Fault) -> bool:
    return fault.wants_captcha and not fault.too_frequent


def _signin_error(fault: Fault, identity: str) -> CloudError:
    """What a refused sign-in means; codes that mean something else here than elsewhere."""
    if fault.spent:
        return LoginNeeded(
            "PikPak takes no password from this network.",
            hint="Sign in with a refresh token from another program instead, or from elsewhere.",
            detail=fault.detail,
        )
    if fault.too_frequent and not fault.wants_captcha:
        return no_more_tries(fault)
    if refuses_client(fault):
        return IdentityRefused(
            f"PikPak takes no password from programs that sign in as `{identity}`.",
            hint="Set a password in PikPak first, or try another `identity` in the settings.",
            detail=fault.detail,
        )
    return error_for(fault)


def _subject(token: str) -> str:
    """The user id inside an access token; empty when it is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return ""
    padded = parts[1].rstrip("=") + "=" * (-len(parts[1].rstrip("=")) % 4)
    try:
        claims: object = msgspec.json.decode(base64.urlsafe_b64decode(padded))
    except (ValueError, msgspec.DecodeError):
        return ""
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) else ""


def bare_token(given: Secret) -> Secret:
    """The refresh token in what a person has: the token itself, or rclone's token JSON."""
    text = given.reveal().strip()
    if text.startswith("{"):
        try:
            raw: object = msgspec.json.decode(text)
        except msgspec.DecodeError:
            raw = {}
        inner = raw.get("refresh_token") if isinstance(raw, dict) else None
        if not isinstance(inner, str) or not inner:
            raise LoginNeeded(
                "The given token holds no refresh token.",
                hint="It is a line starting with `os.`, or rclone's `token` value as it stands.",
            )
        return Secret(inner)
    return Secret(text)
