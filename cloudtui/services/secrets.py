"""Where sign-ins are kept: one store per process, chosen once.

Owns the choice (keyring, vault, memory, none) and the rule that stores block and are therefore
asked on a daemon thread with a limit. Values are opaque short texts here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final, Protocol, TypeVar

from cloudtui.services.errors import LoginNeeded
from cloudtui.services.models import Secret
from cloudtui.services.paths import Paths

KEYRING_LIMIT: Final = 5.0
"""Seconds the operating system's keyring may take; it can wait for a dialog nobody sees."""

VAULT_LIMIT: Final = 60.0
"""Seconds for the vault: scrypt on a slow machine, another process holding the file."""

T = TypeVar("T")
AskPassphrase = Callable[[bool], Awaitable[Secret | None]]
"""Asks for the vault's passphrase; the argument tells that a new vault is made. None: declined."""


class StoreTrouble(LoginNeeded):
    """The place where sign-ins are kept cannot be used now."""


class SecretStore(Protocol):
    """Short texts by item name. Every method blocks and may raise StoreTrouble."""

    kind: str
    """`keyring`, `vault` or `memory`."""
    title: str
    """What people call it."""
    lasting: bool
    """Whether it survives the process."""
    limit: float
    """Seconds a call may take."""

    def read(self, item: str) -> str | None:
        """The text, None when there is none."""
        ...

    def write(self, item: str, value: str) -> None:
        """Store or replace."""
        ...

    def delete(self, item: str) -> None:
        """Forget. Fine when there was none."""
        ...


class MemoryStore:
    """Keeps secrets until the process ends. Safe from several threads."""

    kind = "memory"
    title = "memory"
    lasting = False
    limit = KEYRING_LIMIT

    def __init__(self) -> None:
        self._items: dict[str, str] = {}

    def read(self, item: str) -> str | None:
        """The text, None when there is none."""
        return self._items.get(item)

    def write(self, item: str, value: str) -> None:
        """Store or replace."""
        self._items[item] = value

    def delete(self, item: str) -> None:
        """Forget."""
        self._items.pop(item, None)


class Secrets:
    """The one store of this process, opened on first use and asked off the loop."""

    def __init__(
        self,
        paths: Paths,
        *,
        choice: str = "auto",
        environ: Mapping[str, str],
        store: SecretStore | None = None,
        ask_passphrase: AskPassphrase | None = None,
    ) -> None:
        """`choice` is the general option `secrets`; a given `store` overrides it."""
        self._paths = paths
        self._choice = choice
        self._environ = environ
        self._store = store
        self._ask = ask_passphrase
        self._opened = store is not None
        self._opening = asyncio.Lock()
        self._locked = False
        self.reason = ""
        """Why there is no store, as a sentence; empty while there is one or nobody asked."""

    async def store(self) -> SecretStore | None:
        """The store, or None when this machine has none (then `reason` says why).

        Raises StoreTrouble when there is one that cannot be used now.
        """
        async with self._opening:
            if not self._opened:
                self._store = await self._choose()
                self._opened = True
            return self._store

    async def read(self, item: str) -> str | None:
        """The text, None without one or without a store. Raises StoreTrouble, also while the
        vault is locked: the text may well be inside."""
        store = await self.store()
        if store is None and self._locked:
            raise StoreTrouble(
                f"The sign-in cannot be read: {self.reason}",
                hint="CLOUDTUI_VAULT_PASSPHRASE_FILE names a file with the passphrase.",
            )
        return None if store is None else await self._call(store, lambda: store.read(item))

    async def write(self, item: str, value: str) -> None:
        """Store or replace. Raises LoginNeeded with the reason when there is no store."""
        store = await self.store()
        if store is None:
            raise LoginNeeded(
                f"The sign-in cannot be kept: {self.reason}",
                hint='Unlock a keyring, or set secrets = "vault" or "memory" in the settings.',
            )
        await self._call(store, lambda: store.write(item, value))

    async def delete(self, item: str) -> None:
        """Forget. Fine when there was nothing."""
        store = await self.store()
        if store is not None:
            await self._call(store, lambda: store.delete(item))

    async def use_memory(self) -> None:
        """The user's answer: keep sign-ins until the program ends."""
        async with self._opening:
            self._store, self._opened, self.reason = MemoryStore(), True, ""
            self._locked = False

    async def use_vault(self, passphrase: Secret) -> None:
        """The user's answer: keep sign-ins in a file under this passphrase.

        Makes the vault when there is none. Raises WrongPassword.
        """
        async with self._opening:
            self._store = await self._open_vault(passphrase)
            self._opened, self._locked, self.reason = True, False, ""

    async def _choose(self) -> SecretStore | None:
        if self._choice == "memory":
            return MemoryStore()
        passphrase_file = self._environ.get("CLOUDTUI_VAULT_PASSPHRASE_FILE", "")
        has_vault = bool(passphrase_file) or self._paths.vault_file.exists()
        if self._choice == "vault" or (self._choice == "auto" and has_vault):
            passphrase = await self._passphrase(passphrase_file)
            return None if passphrase is None else await self._open_vault(passphrase)
        from cloudtui.services.keyring_store import open_keyring

        store, self.reason = await on_daemon_thread(
            lambda: open_keyring(self._environ, self._paths.accounts_dir),
            KEYRING_LIMIT,
            "The system's keyring did not answer within 5 seconds.",
        )
        return store

    async def _passphrase(self, file: str) -> Secret | None:
        if file:
            from cloudtui.services.vault import read_passphrase

            return await on_daemon_thread(lambda: read_passphrase(file), KEYRING_LIMIT, _SLOW_FILE)
        if self._ask is not None:
            answer = await self._ask(not self._paths.vault_file.exists())
            if answer:
                return answer
        self.reason = "the vault is locked, and nobody gave its passphrase."
        self._locked = self._paths.vault_file.exists()
        return None

    async def _open_vault(self, passphrase: Secret) -> SecretStore:
        from cloudtui.services.vault import VaultStore

        return await on_daemon_thread(
            lambda: VaultStore.open(self._paths.vault_file, passphrase), VAULT_LIMIT, _SLOW_FILE
        )

    async def _call(self, store: SecretStore, call: Callable[[], T]) -> T:
        return await on_daemon_thread(
            call,
            store.limit,
            f"The {store.title} did not answer within {store.limit:.0f} seconds.",
        )


_SLOW_FILE = "The file with the secrets could not be read in time."


async def on_daemon_thread(call: Callable[[], T], limit: float, sentence: str) -> T:
    """Run a blocking call that may hang for ever, without holding up the loop or the exit.

    Raises what the call raises, or StoreTrouble(`sentence`) after `limit` seconds; the thread is
    then left behind.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = call()
        except BaseException as error:
            outcome: T | BaseException = error
        else:
            outcome = result
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, outcome)

    def settle(outcome: T | BaseException) -> None:
        if answer.done():
            return
        if isinstance(outcome, BaseException):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)

    threading.Thread(target=run, daemon=True, name="cloudtui-secrets").start()
    try:
        async with asyncio.timeout(limit):
            return await answer
    except TimeoutError:
        raise StoreTrouble(sentence, hint="Unlock it, or choose another store.") from None
