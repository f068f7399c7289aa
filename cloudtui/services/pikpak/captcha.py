"""Captcha tokens: their signature, and the one that is good right now.

PikPak wants a short-lived token beside most calls. It is fetched for some action, then reused for
all until it ends (300 s) or a call refuses it; then one is fetched for that very action. Fetching
is serialised: the service is touchy about it. Must know nothing of tokens for signing in.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final

import msgspec

from cloudtui.services.accounts import Keys
from cloudtui.services.errors import BadReply, CaptchaNeeded, Retry
from cloudtui.services.models import Secret
from cloudtui.services.network import Network
from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.channel import Channel
from cloudtui.services.pikpak.errors import (
    client_refused,
    error_for,
    no_more_tries,
    refuses_client,
)
from cloudtui.services.pikpak.identities import Identity
from cloudtui.services.pikpak.profile import Profile

INIT_PATH: Final = "/v1/shield/captcha/init"
SIGNIN_ACTION: Final = "POST:/v1/auth/signin"
"""rclone's spelling; others put the whole address in, and both are in daily use."""

SOLVED_URL: Final = "https://mypikpak.com/loading"
"""A page that was seen to work as the end of a puzzle in a browser."""

_MARGIN: Final = 10.0
"""Seconds before its end from which a token is no longer used; rclone's figure."""


def captcha_sign(identity: Identity, device_id: str, timestamp_ms: str) -> str:
    """The signature of an initialisation: MD5 over the identity, once more per salt."""
    text = identity.client_id + identity.version + identity.package + device_id + timestamp_ms
    for salt in identity.salts:
        text = hashlib.md5((text + salt).encode(), usedforsecurity=False).hexdigest()
    return f"1.{text}"


class _Kept(msgspec.Struct):
    """The sealed form of a token, shared by all processes."""

    token: str
    expires_at: float


class Minted(msgspec.Struct, frozen=True):
    """A fresh token; `puzzle` is where a human may be asked to make it good."""

    token: Secret
    expires_at: float
    puzzle: str = ""


class Captcha:
    """The captcha token of one account."""

    def __init__(self, profile: Profile, keys: Keys, network: Network, channel: Channel) -> None:
        self._profile = profile
        self._keys = keys
        self._network = network
        self._channel = channel
        self._lock = asyncio.Lock()
        self._now: Minted | None = None
        self._looked = False
        self.puzzle = ""
        """The puzzle that came with the token in use, empty when there was none."""

    def _time(self) -> float:
        return self._network.clock.now(self._profile.user_host)

    def _good(self, minted: Minted | None) -> bool:
        return minted is not None and self._time() < minted.expires_at - _MARGIN

    async def token(self, action: str, user_id: str) -> Secret:
        """A token for a call, fetched for `action` (`METHOD:/path`, no query) when none is left.

        Raises CaptchaNeeded when the service gives none without a human.
        """
        held = self._now
        if held is not None and self._good(held):
            return held.token
        async with self._lock:
            if not self._looked:
                self._looked = True
                await self._take_kept(bad=None)
            if self._now is not None and self._good(self._now):
                return self._now.token
            return await self._mint_for(action, user_id)

    async def renew(self, action: str, user_id: str, bad: Secret) -> Secret:
        """Another token after `bad` was refused; one fetched meanwhile, here or by another
        process, is taken first. Raises CaptchaNeeded like `token`."""
        async with self._lock:
            if self._now is not None and self._now.token == bad:
                self._now = None
            if not self._good(self._now):
                await self._take_kept(bad=bad)
            if self._now is not None and self._good(self._now):
                return self._now.token
            return await self._mint_for(action, user_id)

    async def give(self, token: Secret, lifetime: float = 300.0) -> None:
        """Use `token`, which a human got by solving a puzzle; other processes find it too."""
        self.puzzle = ""
        await self._keep(Minted(token, self._time() + lifetime))

    async def drop(self) -> None:
        """Forget the token: it was made for signing in, or as another client."""
        self._now, self._looked = None, True
        await self._keys.delete_sealed("captcha")

    async def _take_kept(self, bad: Secret | None) -> None:
        sealed = await self._keys.read_sealed("captcha", self._profile.origin)
        if sealed is None:
            return
        try:
            kept = msgspec.json.decode(sealed.reveal(), type=_Kept)
        except msgspec.DecodeError:
            return
        minted = Minted(Secret(kept.token), kept.expires_at)
        if minted.token != bad and self._good(minted):
            self._now = minted

    async def _keep(self, minted: Minted) -> None:
        self._now = minted
        kept = msgspec.json.encode(_Kept(minted.token.reveal(), minted.expires_at)).decode()
        await self._keys.write_sealed("captcha", self._profile.origin, Secret(kept))

    async def _mint_for(self, action: str, user_id: str) -> Secret:
        minted = await self.mint(action, self.signed_meta(user_id))
        self.puzzle = minted.puzzle
        await self._keep(minted)
        return minted.token

    def signed_meta(self, user_id: str) -> dict[str, str]:
        """What accompanies an initialisation for anything but signing in."""
        stamp = str(int(self._time() * 1000))
        identity = self._profile.identity
        meta = {
            "captcha_sign": captcha_sign(identity, self._profile.device_id, stamp),
            "client_version": identity.version,
            "package_name": identity.package,
            "timestamp": stamp,
        }
        if user_id:
            meta["user_id"] = user_id
        return meta

    async def mint(self, action: str, meta: dict[str, str]) -> Minted:
        """Ask the service for one token. The caller decides what a puzzle beside it means.

        Raises CaptchaNeeded when there is a puzzle and no token, IdentityRefused when the service
        does not want this client, TooMany.
        """
        reply = await self._channel.send(
            "POST",
            self._profile.user_url + INIT_PATH,
            headers=self._profile.headers(),
            json={
                "action": action,
                "client_id": self._profile.identity.client_id,
                "device_id": self._profile.device_id,
                "meta": meta,
                # where a solved puzzle sends the browser, with the token in the address
                "redirect_uri": f"{SOLVED_URL}?state=getcaptcha{int(self._time() * 1000)}",
            },
        )
        fault = reply.fault
        if fault is not None:
            if refuses_client(fault, opening=True):
                raise client_refused(fault, self._profile.identity.name)
            if "username" in meta and fault.too_frequent and fault.status != 429:
                raise no_more_tries(fault)  # 429 is a matter of seconds, this one of minutes
            raise error_for(fault)
        answer = wire.decode(wire.CaptchaReply, reply.body)
        if not answer.captcha_token or answer.expires_in <= 0:
            if answer.url:
                raise puzzle_error(answer.url)
            raise BadReply(
                "PikPak gave no captcha token.", hint="Try again in a while.", retry=Retry.SOON
            )
        return Minted(
            Secret(answer.captcha_token), self._time() + answer.expires_in, puzzle=answer.url
        )


def puzzle_error(url: str) -> CaptchaNeeded:
    """The demand for a human, with the whole address of the puzzle."""
    return CaptchaNeeded(
        "PikPak wants a puzzle solved by a human first.",
        url=url,
        hint="Signing in shows the link: open it, slide the puzzle, then paste the address it ends"
        " at. The answer is good for minutes only.",
    )
