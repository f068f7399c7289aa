"""Secrets in the operating system's keyring.

Owns which back ends are good enough, and what to do with values that one refuses for their
length. Every call blocks, possibly on a dialog: only `secrets` calls it, on daemon threads.
"""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cloudtui.services.paths import replacing
from cloudtui.services.secrets import KEYRING_LIMIT, StoreTrouble

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE: Final = "cloudtui"
LONGEST: Final = 1200 if sys.platform == "win32" else None
"""Characters a back end takes: Windows refuses more than 1,280."""

_NEVER = ("keyring.backends.fail", "keyring.backends.null")
_ONLY_ON_DEMAND = ("keyrings.alt", "keyrings.cryptfile")
"""Plaintext files, or files whose passphrase would be asked for in the middle of our screen."""


class KeyringStore:
    """Items of the service `cloudtui` in one back end."""

    kind = "keyring"
    lasting = True
    limit = KEYRING_LIMIT

    def __init__(
        self, backend: KeyringBackend, long_dir: Path, *, longest: int | None = LONGEST
    ) -> None:
        """`long_dir` takes sealed files for values beyond `longest` characters."""
        self._backend = backend
        self._long_dir = long_dir
        self._longest = longest
        self.title = "system keyring"

    def read(self, item: str) -> str | None:
        """The text, None when there is none. Raises StoreTrouble."""
        value = self._get(item)
        if value is None or not value.startswith(_LONG):
            return value
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            data = self._long_file(item).read_bytes()
            key = base64.b64decode(value[len(_LONG) :])
            return AESGCM(key).decrypt(data[:12], data[12:], item.encode()).decode()
        except (OSError, InvalidTag, ValueError):
            # the half in the file is gone: the same as no sign-in
            return None

    def write(self, item: str, value: str) -> None:
        """Store or replace. Raises StoreTrouble."""
        if self._longest is None or len(value) <= self._longest:
            self._set(item, value)
            return
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key, nonce = AESGCM.generate_key(256), os.urandom(12)
        with replacing(self._long_file(item)) as file:
            file.write(nonce + AESGCM(key).encrypt(nonce, value.encode(), item.encode()))
        self._set(item, _LONG + base64.b64encode(key).decode())

    def delete(self, item: str) -> None:
        """Forget. Fine when there was none. Raises StoreTrouble."""
        import keyring.errors

        self._long_file(item).unlink(missing_ok=True)
        if self._get(item) is None:
            return
        try:
            self._backend.delete_password(SERVICE, item)
        except keyring.errors.PasswordDeleteError:
            return  # somebody else was faster
        except Exception as error:  # boundary: back ends are foreign plug-ins
            raise _trouble(error) from error

    def _get(self, item: str) -> str | None:
        try:
            return self._backend.get_password(SERVICE, item)
        except Exception as error:  # boundary: back ends are foreign plug-ins
            raise _trouble(error) from error

    def _set(self, item: str, value: str) -> None:
        try:
            self._backend.set_password(SERVICE, item, value)
        except Exception as error:  # boundary: back ends are foreign plug-ins
            raise _trouble(error) from error

    def _long_file(self, item: str) -> Path:
        return self._long_dir / f"{item.replace('/', '.')}.long"


_LONG: Final = "sealed:"


def _trouble(error: Exception) -> StoreTrouble:
    # the error's own text may quote the item: its type is enough to search for
    return StoreTrouble(
        f"The system keyring refused to answer ({type(error).__name__}).",
        hint='Unlock it, or set secrets = "vault" in the settings.',
    )


def open_keyring(environ: Mapping[str, str], long_dir: Path) -> tuple[KeyringStore | None, str]:
    """The usable keyring of this machine, or None and the reason. Blocks; raises StoreTrouble."""
    try:
        import keyring
        import keyring.backends.chainer

        chosen = keyring.get_keyring()
    except Exception as error:  # boundary: looking for back ends loads foreign plug-ins
        raise _trouble(error) from error
    named = bool(environ.get("PYTHON_KEYRING_BACKEND"))
    candidates: list[KeyringBackend] = [chosen]
    if isinstance(chosen, keyring.backends.chainer.ChainerBackend):
        candidates = list(chosen.backends)
    for backend in candidates:
        if _is_acceptable(backend, named=named):
            return KeyringStore(backend, long_dir), ""
    return None, "this machine has no keyring that protects what it keeps."


def _is_acceptable(backend: KeyringBackend, *, named: bool) -> bool:
    module = type(backend).__module__
    if module.startswith(_NEVER):
        return False
    if named:
        return True
    return not module.startswith(_ONLY_ON_DEMAND) and "plain" not in type(backend).__name__.lower()
