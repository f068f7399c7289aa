"""Calls to PikPak's drive: signed in, with a captcha token, tried again as their errors say.

The one place that answers "token ended" and "captcha token refused" by renewing and repeating.
Knows no endpoint; the modules beside it do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from cloudtui.services.accounts import Keys
from cloudtui.services.errors import CloudError
from cloudtui.services.network import Network
from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.auth import Auth
from cloudtui.services.pikpak.captcha import Captcha, puzzle_error
from cloudtui.services.pikpak.channel import Channel, Query
from cloudtui.services.pikpak.errors import IdentityRefused, error_for
from cloudtui.services.pikpak.profile import Profile
from cloudtui.services.retry import Retries, retrying

T = TypeVar("T")

FILES: Final = "/drive/v1/files"

_RENEWALS: Final = 3
"""How often one call gets a new access token, and how often a new captcha token: three refusals
in a row are trouble that passes, a fourth is the service's last word."""


class Api:
    """PikPak for one account; connects on the first call."""

    def __init__(self, profile: Profile, keys: Keys, network: Network, retries: Retries) -> None:
        self.profile = profile
        self.network = network
        self.retries = retries
        self.channel = Channel(network, profile.account)
        self.captcha = Captcha(profile, keys, network, self.channel)
        self.auth = Auth(profile, keys, network, self.channel, self.captcha, retries)
        self.on_wait: Callable[[CloudError, float], None] | None = None
        """Told the error and the seconds before a call is tried again."""

    def now(self) -> float:
        """Seconds since the epoch by the user host's clock."""
        return self.network.clock.now(self.profile.user_host)

    async def call(
        self,
        kind: type[T],
        method: str,
        path: str,
        *,
        query: Query = (),
        body: object = None,
        where: str = "",
        safe: bool | None = None,
        reconcile: Callable[[], Awaitable[T | None]] | None = None,
        host: str = "",
    ) -> T:
        """Call an endpoint of the drive (or of the origin `host`) and read its answer as `kind`.

        `where` names what it is about in errors, safe to display. `safe` calls (default: every GET,
        PATCH and DELETE) are repeated after a lost answer; for others `reconcile` looks first
        whether the lost call took effect. Raises what `errors.error_for` maps to.
        """
        if safe is None:
            safe = method != "POST"

        async def attempt() -> T:
            return await self.attempt(kind, method, path, query, body, where, host)

        return await retrying(
            attempt,
            retries=self.retries,
            reconcile=reconcile,
            on_wait=self.on_wait,
            safe=safe,
        )

    async def attempt(
        self,
        kind: type[T],
        method: str,
        path: str,
        query: Query = (),
        body: object = None,
        where: str = "",
        host: str = "",
    ) -> T:
        """One try of `call`: tokens are renewed where the answer asks for it, nothing else."""
        action = f"{method}:{path}"
        refused = 0
        renewed = 0
        changed = False
        while True:
            access = await self.auth.access()
            try:
                captcha = await self.captcha.token(action, access.user_id)
            except IdentityRefused as error:
                if changed:
                    raise
                changed = True
                await self.auth.speak_anew(error)
                continue
            reply = await self.channel.send(
                method,
                (host or self.profile.drive_url) + path,
                query=query,
                headers={
                    **self.profile.headers(),
                    "Authorization": f"Bearer {access.token.reveal()}",
                    "X-Captcha-Token": captcha.reveal(),
                },
                json=body,
            )
            fault = reply.fault
            if fault is None:
                return wire.decode(kind, reply.body)
            if fault.wants_captcha and not fault.too_frequent:
                refused += 1
                # a token that came with a puzzle is tried once, as rclone does: often it is good
                if refused > 1 and self.captcha.puzzle:
                    raise puzzle_error(self.captcha.puzzle)
                if refused <= _RENEWALS:
                    try:
                        await self.captcha.renew(action, access.user_id, captcha)
                    except IdentityRefused as error:
                        if changed:
                            raise
                        changed = True
                        await self.auth.speak_anew(error)
                    continue
            elif fault.signed_out and renewed < _RENEWALS:
                renewed += 1
                await self.auth.renew(access.token)
                continue
            raise error_for(fault, where=where)

    async def close(self) -> None:
        """Close the connections."""
        await self.channel.close()
