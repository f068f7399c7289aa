"""Restores that were begun: where each thing belongs, kept until it is there.

Once a thing is out of its trash PikPak no longer tells where it came from, and on some accounts it
lies in the top folder then. So its place is written down before, sealed beside the account's
tokens, and a restore that was cut off in between can be finished by whoever comes next.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from cloudtui.services.accounts import Keys
from cloudtui.services.models import Secret

_ITEM: Final = "restoring"
_OLD: Final = 86_400.0
"""Seconds after which a thing is where somebody wants it."""


class Home(msgspec.Struct, frozen=True):
    """The folder (by id) and the local path something belongs to; no path when it is not known."""

    parent: str
    path: tuple[str, ...] | None
    began: float


class Homing:
    """The unfinished restores of one account, over all processes."""

    def __init__(self, keys: Keys, origin: str) -> None:
        self._keys = keys
        self._origin = origin

    async def all(self) -> dict[str, Home]:
        """By id of the thing."""
        sealed = await self._keys.read_sealed(_ITEM, self._origin)
        if sealed is None:
            return {}
        try:
            kept = msgspec.json.decode(sealed.reveal(), type=dict[str, Home])
        except msgspec.DecodeError:
            return {}
        return {id_: home for id_, home in kept.items() if time.time() - home.began < _OLD}

    async def begin(self, homes: Mapping[str, Home]) -> None:
        """Before anything leaves the trash."""
        async with self._keys.lock():
            await self._write({**await self.all(), **homes})

    async def done(self, ids: Collection[str]) -> None:
        """They are where they belong, or gone."""
        async with self._keys.lock():
            left = {id_: home for id_, home in (await self.all()).items() if id_ not in ids}
            await self._write(left)

    async def _write(self, homes: Mapping[str, Home]) -> None:
        text = msgspec.json.encode(homes).decode()
        await self._keys.write_sealed(_ITEM, self._origin, Secret(text))
