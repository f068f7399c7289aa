"""Secrets in one file under a passphrase, for machines without a keyring.

Owns the file's format: JSON with scrypt's parameters and one AES-GCM box over all items. The
passphrase is never stored. Every call blocks.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Final, Self

from cloudtui.services.errors import UsageError, WrongPassword
from cloudtui.services.locks import FileLock
from cloudtui.services.models import Secret
from cloudtui.services.paths import replacing
from cloudtui.services.secrets import VAULT_LIMIT, StoreTrouble

FORMAT: Final = 1
_COST = 1 << 16
"""scrypt's N: 64 MiB and about a fifth of a second at r = 8."""

_DEAREST = 1 << 20
"""A file that asks for more is broken or hostile: it would take gigabytes."""


class VaultStore:
    """The items of one vault file. The file is read again for every call: several processes."""

    kind = "vault"
    title = "vault"
    lasting = True
    limit = VAULT_LIMIT

    def __init__(self, file: Path, passphrase: Secret) -> None:
        self._file = file
        self._lock_file = file.with_name(file.name + ".lock")
        self._passphrase = passphrase
        self._keys: dict[tuple[bytes, int], bytes] = {}

    @classmethod
    def open(cls, file: Path, passphrase: Secret) -> Self:
        """Open the vault, or make it. Raises WrongPassword, StoreTrouble, UsageError (empty)."""
        if not passphrase:
            raise UsageError("A vault needs a passphrase.")
        vault = cls(file, passphrase)
        with FileLock(vault._lock_file):
            if file.exists():
                vault._load()
            else:
                vault._store(os.urandom(16), _COST, {})
        return vault

    def read(self, item: str) -> str | None:
        """The text, None when there is none."""
        return self._load()[2].get(item)

    def write(self, item: str, value: str) -> None:
        """Store or replace."""
        with FileLock(self._lock_file):
            salt, cost, items = self._load()
            items[item] = value
            self._store(salt, cost, items)

    def delete(self, item: str) -> None:
        """Forget. Fine when there was none."""
        with FileLock(self._lock_file):
            salt, cost, items = self._load()
            if items.pop(item, None) is not None:
                self._store(salt, cost, items)

    def _load(self) -> tuple[bytes, int, dict[str, str]]:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            head = json.loads(self._file.read_bytes())
            found = int(head["format"])
            salt, cost = base64.b64decode(head["salt"]), int(head["n"])
            nonce, box = base64.b64decode(head["nonce"]), base64.b64decode(head["box"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreTrouble(f"The vault {self._file} cannot be read.") from error
        if found > FORMAT or not 2 <= cost <= _DEAREST:
            raise StoreTrouble(f"The vault {self._file} was made by a newer cloudtui.")
        try:
            plain = AESGCM(self._key(salt, cost)).decrypt(nonce, box, _context(salt, cost))
        except InvalidTag:
            raise WrongPassword(
                "The passphrase does not open the vault.",
                hint="It was left as it is; try again.",
            ) from None
        items: dict[str, str] = json.loads(plain)
        return salt, cost, items

    def _store(self, salt: bytes, cost: int, items: dict[str, str]) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(12)
        box = AESGCM(self._key(salt, cost)).encrypt(
            nonce, json.dumps(items).encode(), _context(salt, cost)
        )
        head = {
            "format": FORMAT,
            "n": cost,
            "salt": base64.b64encode(salt).decode(),
            "nonce": base64.b64encode(nonce).decode(),
            "box": base64.b64encode(box).decode(),
        }
        with replacing(self._file) as file:
            file.write(json.dumps(head).encode())

    def _key(self, salt: bytes, cost: int) -> bytes:
        if (salt, cost) not in self._keys:
            from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

            derive = Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive
            self._keys[salt, cost] = derive(self._passphrase.reveal().encode())
        return self._keys[salt, cost]


def _context(salt: bytes, cost: int) -> bytes:
    """Binds the box to its parameters."""
    return b"cloudtui vault %d %d " % (FORMAT, cost) + salt


def read_passphrase(file: str) -> Secret:
    """The first line of the passphrase file. Raises StoreTrouble."""
    try:
        with Path(file).open(encoding="utf-8") as lines:
            text = lines.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreTrouble(f"The passphrase file {file} cannot be read.") from error
    if not text:
        raise StoreTrouble(f"The passphrase file {file} is empty.")
    return Secret(text)
