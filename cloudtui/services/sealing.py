"""Short texts sealed under one random key that lives in the secret store.

Owns the key and the box format. Used for the secret fields of the journal and for tokens that
change too often for a keyring.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Final

from cloudtui.services.errors import Gone
from cloudtui.services.locks import FileLock
from cloudtui.services.secrets import Secrets, StoreTrouble

KEY_ITEM: Final = "-/sealing-key"
"""No account can be called `-`."""

_VERSION = b"\x01"
_CONTEXT = b"cloudtui sealed"


class Sealer:
    """Seals and opens. `await prepare()` once before; without a store the key dies with us."""

    def __init__(self, secrets: Secrets, lock_file: Path) -> None:
        self._secrets = secrets
        self._lock_file = lock_file
        self._key = b""
        self.lasting = False
        """Whether another process will be able to open what is sealed now."""

    async def prepare(self) -> bool:
        """Load the key or make it; the answer is `lasting`. Cheap when already done."""
        if self._key:
            return self.lasting
        try:
            store = await self._secrets.store()
            if store is not None:
                await self._load()
                self.lasting = store.lasting
        except StoreTrouble:
            # a locked keyring must not stop a job that can do without a restart
            self._key = b""
        if not self._key:
            self._key, self.lasting = os.urandom(32), False
        return self.lasting

    async def _load(self) -> None:
        async with FileLock(self._lock_file):
            text = await self._secrets.read(KEY_ITEM)
            key = base64.b64decode(text) if text else b""
            if len(key) != 32:
                key = os.urandom(32)
                await self._secrets.write(KEY_ITEM, base64.b64encode(key).decode())
            self._key = key

    def seal(self, data: bytes) -> bytes:
        """A box that only this key opens. `prepare` must have been awaited."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        assert self._key, "prepare() comes first"
        nonce = os.urandom(12)
        return _VERSION + nonce + AESGCM(self._key).encrypt(nonce, data, _CONTEXT)

    def open(self, box: bytes) -> bytes:
        """What was sealed. Raises Gone when another key sealed it or it is damaged."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        assert self._key, "prepare() comes first"
        try:
            if box[:1] != _VERSION:
                raise ValueError
            return AESGCM(self._key).decrypt(box[1:13], box[13:], _CONTEXT)
        except (InvalidTag, ValueError):
            raise Gone(
                "What was sealed for this step cannot be opened any more: its key is gone from the"
                " keyring.",
                hint="The step starts anew.",
            ) from None
