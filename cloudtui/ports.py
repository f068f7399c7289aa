"""What the screens need of the services behind them, as shapes.

The real ones are `services.runtime` and `services.transfers.engine`; they are imported after the
first frame, so screens are typed against these. A `Door` opens the runtime once, on request, and
closes it in the task that opened it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cloudtui.services.addresses import Address
    from cloudtui.services.catalogue import Hit
    from cloudtui.services.models import Entry, Found, Location
    from cloudtui.services.storage import Storage
    from cloudtui.services.transfers.orders import (
        Conflict,
        ItemView,
        JobState,
        JobView,
        Order,
        PartView,
        Resolution,
    )
    from cloudtui.services.unpacking import Unpackings
    from cloudtui.services.wishes import Wish


class AccountPort(Protocol):
    """A configured account."""

    @property
    def name(self) -> str:
        """What addresses call it."""
        ...

    @property
    def kind(self) -> str:
        """`pikpak` or `pcloud`."""
        ...

    def text(self, key: str, default: str = "") -> str:
        """An option as text."""
        ...


class TransfersPort(Protocol):
    """The engine, as far as the screens use it."""

    async def submit(self, order: Order, /) -> str:
        """Start a job; its id."""
        ...

    def views(self) -> list[JobView]:
        """A picture of all jobs."""
        ...

    def items(
        self, job: str, offset: int = 0, limit: int = 200, states: Sequence[JobState] = (), /
    ) -> list[ItemView]:
        """A page of a job's items."""
        ...

    async def pause(self, job: str, /) -> None:
        """Stop moving bytes, keep all that is there."""
        ...

    async def resume(self, job: str, /) -> None:
        """Go on; adopts an orphan."""
        ...

    async def cancel(self, job: str, /, *, keep_parts: bool) -> None:
        """End a job."""
        ...

    async def retry(self, job: str, /) -> None:
        """Try what failed again."""
        ...

    async def reorder(self, job: str, step: int, /) -> bool:
        """Let a job change places with the unfinished one before (-1) or after it (1)."""
        ...

    @property
    def jobs_at_once(self) -> int:
        """Jobs of this process that run at the same time."""
        ...

    async def run_at_once(self, count: int, /) -> None:
        """Another number from now on, for a queue that runs too."""
        ...

    @property
    def speed_limit(self) -> int:
        """Bytes in a second over all jobs of this process; 0 for no limit."""
        ...

    def limit_speed(self, rate: int, /) -> None:
        """Another limit from now on; 0 takes it off."""
        ...

    async def wait(self, job: str, /) -> JobView:
        """Wait until a job ended or stands and cannot go on by itself."""
        ...

    async def clear(self) -> int:
        """Forget finished jobs; how many."""
        ...

    def conflicts(self) -> list[Conflict]:
        """Questions that wait for an answer."""
        ...

    async def answer(self, job: str, item: int, resolution: Resolution, /) -> None:
        """Answer one question, or all of its job."""
        ...

    def subscribe(self, listener: Callable[[object], None], /) -> Callable[[], None]:
        """Have events told; the result ends it."""
        ...


class BookmarksPort(Protocol):
    """Folders to come back to."""

    def all(self) -> list[str]:
        """Addresses, oldest first."""
        ...

    def add(self, address: str, /) -> bool:
        """Keep one; False when it was there."""
        ...

    def remove(self, address: str, /) -> bool:
        """Forget one; False when there was none."""
        ...


class DivisionPort(Protocol):
    """How the panes divide the room from run to run."""

    def read(self) -> int | None:
        """Hundredths of the room that were the left pane's; None when nobody changed them."""
        ...

    def note(self, left: int, /) -> None:
        """Keep this share for later runs, soon."""
        ...


class LockPort(Protocol):
    """A lock between processes."""

    def try_acquire(self) -> bool:
        """Take it if it is free."""
        ...

    def release(self) -> None:
        """Give it back."""
        ...


class WishesPort(Protocol):
    """Downloads by services that are to come to this disk."""

    def all(self) -> list[Wish]:
        """Oldest first."""
        ...

    def carrying(self) -> LockPort:
        """To be held by whoever turns wishes into jobs."""
        ...

    def add(self, wish: Wish, /) -> None:
        """Wish."""
        ...

    def remove(self, account: str, /, *tasks: str) -> None:
        """Take wishes back."""
        ...


class KnownPort(Protocol):
    """The index of known listings."""

    def note(self, folder: Location, entries: Sequence[Entry], /) -> None:
        """Remember a complete listing, soon."""
        ...

    async def keep(self, folder: Location, entries: Sequence[Entry], /) -> None:
        """Remember a complete listing now."""
        ...

    async def search(
        self,
        words: Sequence[str],
        /,
        *,
        account: str | None = None,
        below: Location | None = None,
        most: int = 500,
    ) -> list[Hit]:
        """Entries whose names hold every word."""
        ...


class SettingsPort(Protocol):
    """General options."""

    def text(self, name: str, /) -> str:
        """An option that is a word."""
        ...

    def flag(self, name: str, /) -> bool:
        """An option that is yes or no."""
        ...

    def number(self, name: str, /) -> float:
        """An option that is a number."""
        ...

    @property
    def keymap(self) -> Mapping[str, str]:
        """The user's keys by action id, as written."""
        ...

    def set(self, name: str, value: str, /) -> None:
        """Keep an option for this run and later ones; writes a file."""
        ...


class RuntimePort(Protocol):
    """The runtime, as far as the screens use it."""

    @property
    def settings(self) -> SettingsPort:
        """What was configured."""
        ...

    @property
    def bookmarks(self) -> BookmarksPort:
        """Folders to come back to."""
        ...

    @property
    def division(self) -> DivisionPort:
        """How the panes divide the room from run to run."""
        ...

    @property
    def wishes(self) -> WishesPort:
        """What is to come to this disk once a service has fetched it."""
        ...

    @property
    def unpackings(self) -> Unpackings:
        """Extractions by services that are to be seen through."""
        ...

    @property
    def known(self) -> KnownPort:
        """The index of known listings."""
        ...

    @property
    def drafts_dir(self) -> Path:
        """Where texts of clouds lie while they are edited."""
        ...

    @property
    def problems(self) -> Sequence[object]:
        """What is wrong in settings and did not stop the program; each is a sentence as text."""
        ...

    @property
    def transfers(self) -> TransfersPort:
        """The engine."""
        ...

    def accounts(self) -> Mapping[str, AccountPort]:
        """Configured accounts by name."""
        ...

    async def storage(self, name: str) -> Storage:
        """The place an account stands for; empty: this disk."""
        ...

    async def drop_storage(self, name: str) -> None:
        """Close a place, so that its next use sees a new sign-in."""
        ...

    async def first_bytes(self, item: Found, count: int, /) -> bytes:
        """At most so many bytes from the start of a file."""
        ...

    async def picture_bytes(self, item: Found, side: int, /) -> bytes:
        """A small picture of a file; `side` is about the pixels of its longer side."""
        ...

    async def parts(self, folder: Location, /) -> list[PartView]:
        """Unfinished files in a folder of this disk that nobody works on."""
        ...

    def parse(self, text: str) -> Address:
        """What a typed address means."""
        ...


RuntimeFactory = Callable[[], AbstractAsyncContextManager["RuntimePort"]]


class Door:
    """Opens the runtime on the first request and keeps it until `close`."""

    def __init__(self, factory: RuntimeFactory) -> None:
        self._factory = factory
        self._task: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[RuntimePort] | None = None
        self._closing = asyncio.Event()
        self.current: RuntimePort | None = None

    async def open(self) -> RuntimePort:
        """The runtime, opened when it is not yet. Raises what opening raised."""
        if self.current is not None:
            return self.current
        if self._ready is None:
            self._ready = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._keep(self._ready), name="runtime")
        return await asyncio.shield(self._ready)

    async def _keep(self, ready: asyncio.Future[RuntimePort]) -> None:
        try:
            async with self._factory() as runtime:
                self.current = runtime
                ready.set_result(runtime)
                await self._closing.wait()
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)
            if not isinstance(error, Exception):
                raise
        finally:
            self.current = None

    async def close(self) -> None:
        """Close the runtime: running jobs are paused and everything is flushed."""
        self._closing.set()
        if self._task is not None:
            await self._task
