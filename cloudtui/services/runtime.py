"""Opens, wires and closes everything a command or a screen needs.

Owns lifetimes: settings, logging, network, accounts, places, the engine. Everything costly is
made on first use, so that opening costs milliseconds.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from cloudtui.services.accounts import Account, Keys, check_name, find_accounts
from cloudtui.services.addresses import Address, parse_address
from cloudtui.services.bookmarks import Bookmarks
from cloudtui.services.division import Division
from cloudtui.services.errors import UsageError
from cloudtui.services.logs import start_logging, stop_logging
from cloudtui.services.models import DISK, Found, Location
from cloudtui.services.network import Network
from cloudtui.services.options import ACCOUNT
from cloudtui.services.pace_book import PaceBook
from cloudtui.services.paths import Paths
from cloudtui.services.retry import Retries
from cloudtui.services.sealing import Sealer
from cloudtui.services.secrets import AskPassphrase, Secrets, SecretStore
from cloudtui.services.settings import Problem, Settings
from cloudtui.services.storage import Storage
from cloudtui.services.watching import Change, watch
from cloudtui.services.wishes import Wishes

if TYPE_CHECKING:
    from cloudtui.services.known import Known
    from cloudtui.services.transfers.engine import Transfers
    from cloudtui.services.transfers.orders import PartView
    from cloudtui.services.unpacking import Unpackings

log = logging.getLogger(__name__)


class Overrides(Struct, frozen=True):
    """What one run decides by itself: the general options of the command line, and the hooks of
    the demo and of tests.

    `config` replaces the settings file, `timeout` is in seconds, `assignments` are `--set` texts.
    `secret_store` is used instead of choosing one; `ask_passphrase` asks for the vault's.
    """

    config: Path | None = None
    timeout: float | None = None
    assignments: tuple[str, ...] = ()
    verbose: bool | int = False
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    secret_store: SecretStore | None = None
    ask_passphrase: AskPassphrase | None = None


class Runtime:
    """One process's view of the world. Made by `open_runtime` only."""

    def __init__(self, overrides: Overrides, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.environ = overrides.environ
        self.paths = Paths.find(self.environ, settings_file=overrides.config)
        assignments = overrides.assignments
        if overrides.timeout is not None:
            assignments = (*assignments, f"timeout={overrides.timeout}")
        self.settings = Settings(self.paths, environ=self.environ, assignments=assignments)
        self.network = Network(
            timeout=self.settings.number("timeout"),
            ca_file=self.settings.text("ca_file"),
            environ=self.environ,
            paces=PaceBook(self.paths.state_dir / "pace"),
        )
        self.retries = Retries(
            attempts=self.settings.whole("retries"), first_wait=self.settings.number("retry_wait")
        )
        self.secrets = Secrets(
            self.paths,
            choice=self.settings.text("secrets"),
            environ=self.environ,
            store=overrides.secret_store,
            ask_passphrase=overrides.ask_passphrase,
        )
        self.sealer = Sealer(self.secrets, self.paths.state_dir / "sealing.lock")
        self._keys: dict[str, Keys] = {}
        self._storages: dict[str, Storage] = {}
        self._making = asyncio.Lock()
        self._transfers: Transfers | None = None

    # --- accounts ----------------------------------------------------------------------------

    def accounts(self) -> dict[str, Account]:
        """The configured accounts by name, in the order of the settings."""
        return find_accounts(self.settings)[0]

    @property
    def problems(self) -> list[Problem]:
        """What is wrong in settings and environment and did not stop the program."""
        return [*self.settings.problems, *find_accounts(self.settings)[1]]

    def account(self, name: str) -> Account:
        """A configured account. Raises UsageError when there is none of that name."""
        accounts = self.accounts()
        if name not in accounts:
            known = ", ".join(accounts)
            raise UsageError(
                f"There is no account called {name}.",
                hint=f"There are: {known}." if known else "`cloudtui login` adds one.",
            )
        return accounts[name]

    def account_to_sign_in(self, name: str, kind: str) -> Account:
        """An account that may not be configured yet, with all that is already said about it.

        Raises UsageError for a name or kind that cannot be.
        """
        check_name(name)
        if kind not in ACCOUNT:
            raise UsageError(f"{kind!r} is no kind of account.", hint="Use pikpak or pcloud.")
        return find_accounts(self.settings, {name: kind})[0][name]

    def keys(self, name: str) -> Keys:
        """The secrets of an account, configured or about to be."""
        if name not in self._keys:
            self._keys[name] = Keys(
                name,
                paths=self.paths,
                secrets=self.secrets,
                sealer=self.sealer,
                environ=self.environ,
            )
        return self._keys[name]

    def parse(self, text: str) -> Address:
        """What a typed address means. Raises UsageError."""
        return parse_address(text, self.accounts())

    @cached_property
    def bookmarks(self) -> Bookmarks:
        """Folders to come back to."""
        return Bookmarks(self.paths)

    @cached_property
    def division(self) -> Division:
        """How the panes divide the room from run to run."""
        division = Division(self.paths)
        self._stack.push_async_callback(division.close)
        return division

    @cached_property
    def wishes(self) -> Wishes:
        """What is to come to this disk once a service has fetched it."""
        return Wishes(self.paths)

    @cached_property
    def unpackings(self) -> Unpackings:
        """Extractions by services that are to be seen through."""
        from cloudtui.services.unpacking import Unpackings

        unpackings = Unpackings(self.paths)
        self._stack.callback(unpackings.close)
        return unpackings

    # --- places ------------------------------------------------------------------------------

    async def storage(self, name: str) -> Storage:
        """The place an account stands for (`DISK`: this disk). Connects on its first call.

        Raises UsageError for an unknown account.
        """
        async with self._making:
            if name not in self._storages:
                storage = self._make(name)
                watch(storage, self._changed)
                self._storages[name] = storage
            return self._storages[name]

    def _changed(self, changes: Iterable[Change]) -> None:
        self.known.changed(changes)

    async def drop_storage(self, name: str) -> None:
        """Close an account's place, so that the next use sees new settings and keys."""
        async with self._making:
            storage = self._storages.pop(name, None)
        if storage is not None:
            await storage.close()

    def _make(self, name: str) -> Storage:
        if name == DISK:
            from cloudtui.services.local.storage import LocalStorage

            return LocalStorage(environ=self.environ)
        account = self.account(name)
        if not any(str(value).startswith("http:") for value in account.options.values()):
            self.network.prepare()
        if account.kind == "pikpak":
            from cloudtui.services.pikpak.storage import PikPakStorage

            return PikPakStorage(account, self.keys(name), self.network, self.retries)
        from cloudtui.services.pcloud.storage import PCloudStorage

        return PCloudStorage(account, self.keys(name), self.network, self.retries)

    @property
    def drafts_dir(self) -> Path:
        """Where texts of clouds lie while they are edited."""
        return self.paths.state_dir / "drafts"

    @cached_property
    def known(self) -> Known:
        """The index of known listings."""
        from cloudtui.services.known import Known

        known = Known(self.paths.cache_dir / "catalogue.sqlite")
        self._stack.push_async_callback(known.close)
        return known

    async def first_bytes(self, item: Found, count: int) -> bytes:
        """At most `count` bytes from the start of a file, for looking at it."""
        from cloudtui.services.transfers.peek import first_bytes

        storage = await self.storage(item.at.account)
        return await first_bytes(storage, item, count, self.network, self.retries)

    async def picture_bytes(self, item: Found, side: int) -> bytes:
        """A small picture of a file, for looking at it; `side` is about its longer side's pixels.
        No file of a cloud is read for it."""
        from cloudtui.services.pictures import picture_bytes

        storage = await self.storage(item.at.account)
        return await picture_bytes(storage, item, side, self.network, self.retries)

    # --- transfers ---------------------------------------------------------------------------

    @property
    def transfers(self) -> Transfers:
        """The engine, made on first use."""
        if self._transfers is None:
            from cloudtui.services.transfers.engine import Transfers

            _ = self.known  # closed after the engine, which changes things up to its end

            self._transfers = Transfers(
                paths=self.paths,
                storages=self.storage,
                network=self.network,
                sealer=self.sealer,
                retries=self.retries,
                settings=self.settings,
            )
            self._stack.push_async_callback(self._transfers.aclose)
        return self._transfers

    async def parts(self, folder: Location) -> list[PartView]:
        """Unfinished files in a folder of this disk that nobody works on."""
        from cloudtui.services.transfers.parts import parts_in

        return await parts_in(self.transfers, await self.storage(DISK), folder)

    async def close_storages(self) -> None:
        """Close every place that was opened, the others even when one fails."""
        async with AsyncExitStack() as stack:
            for storage in self._storages.values():
                stack.push_async_callback(storage.close)
            self._storages = {}


@asynccontextmanager
async def open_runtime(overrides: Overrides | None = None) -> AsyncIterator[Runtime]:
    """Everything, until the block ends. Raises UsageError for a wrong `--set`.

    On the way out running jobs are paused and flushed first, then places are closed.
    """
    async with AsyncExitStack() as stack:
        runtime = Runtime(overrides or Overrides(), stack)
        try:
            handler = start_logging(runtime.paths, verbose=bool((overrides or Overrides()).verbose))
        except OSError as error:
            text = f"nothing is logged ({error.strerror})"
            runtime.settings.problems.append(Problem(str(runtime.paths.log_dir), "log", text))
        else:
            stack.callback(stop_logging, handler)
        stack.push_async_callback(runtime.close_storages)
        yield runtime
