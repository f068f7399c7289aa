"""The tools that everything of the engine works with, and the picture of one item in work.

Values and tools handed around; no decisions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from cloudtui.services.awake import Awake
from cloudtui.services.errors import CloudError, Full, LoginNeeded, Offline
from cloudtui.services.models import DISK, Entry, Found, Location
from cloudtui.services.paths import Paths
from cloudtui.services.retry import Retries
from cloudtui.services.storage import Storage
from cloudtui.services.transfers.digests import Digests
from cloudtui.services.transfers.journal import Journal
from cloudtui.services.transfers.meter import Meter
from cloudtui.services.transfers.orders import JobState, OnConflict, Order
from cloudtui.services.transfers.pump import Pump
from cloudtui.services.transfers.routes import Routes
from cloudtui.services.transfers.rows import FolderRow, Hold, ItemRow
from cloudtui.services.transfers.seals import Envelope
from cloudtui.services.transfers.shelves import NewFolder
from cloudtui.services.transfers.slots import Slots
from cloudtui.services.transfers.stop import Stop
from cloudtui.services.transfers.waiting import Waiting

if TYPE_CHECKING:
    from cloudtui.services.settings import Settings

Storages = Callable[[str], Awaitable[Storage]]

_UNFOLDED: Final = 1_000_000_000


class Limits(Struct, frozen=True):
    """How much at once: jobs, larger files of a job, and files so small that only the way there
    and back counts. `bandwidth` in bytes per second over all jobs, 0 for no limit; `connections`:
    so many at most read one large file.
    """

    jobs: int = 2
    files: int = 8
    small: int = 32
    bandwidth: int = 0
    connections: int = 8

    @classmethod
    def of(cls, settings: Settings | None) -> Limits:
        """What the settings say."""
        if settings is None:
            return cls()
        return cls(
            jobs=settings.whole("jobs_at_once"),
            files=settings.whole("files_at_once"),
            small=settings.whole("small_files_at_once"),
            bandwidth=settings.whole("bandwidth"),
            connections=settings.whole("connections"),
        )


class Desk(Struct, frozen=True):
    """The tools of one process."""

    journal: Journal
    storages: Storages
    pump: Pump
    slots: Slots
    envelope: Envelope
    digests: Digests
    retries: Retries
    limits: Limits
    routes: Routes
    spool: Path
    awake: Awake
    apart: set[int] = set()
    """Folder pairs on two disks: nothing of theirs can be moved without being copied."""

    @classmethod
    def set_up(
        cls,
        journal: Journal,
        storages: Storages,
        paths: Paths,
        pump: Pump,
        envelope: Envelope,
        retries: Retries,
        limits: Limits,
        awake: Awake,
    ) -> Desk:
        """The tools that lie beside the journal, with the user's limits."""
        pump.bandwidth.share(paths.state_dir / "bandwidth")
        pump.rooms.share(paths.state_dir / "rooms")
        pump.bandwidth.set_rate(limits.bandwidth or None)
        return cls(
            journal=journal,
            storages=storages,
            pump=pump,
            slots=Slots(paths.state_dir / "slots"),
            envelope=envelope,
            digests=Digests(journal),
            retries=retries,
            limits=limits,
            routes=Routes(paths.state_dir / "routes.json"),
            spool=paths.spool_dir,
            awake=awake,
        )


class Told(Struct, frozen=True):
    """Whom a job tells."""

    changed: Callable[[], None]
    folder: Callable[[Location], None]


class Errand(Struct):
    """One item in the hands of a worker. Written by that worker, read by whoever paints."""

    job: str
    order: Order
    policy: OnConflict
    item: ItemRow
    folder: FolderRow
    meter: Meter
    stop: Stop
    doubtful: bool = False
    """A call for it was begun before and its end is not known."""
    state: JobState = JobState.RUNNING
    message: str = ""
    halves: bool = False
    """Its bytes cross this machine twice: each time counts half."""
    second: Meter | None = None
    """The bytes of the second time."""
    waiting: Waiting = field(default_factory=Waiting)
    changed: list[Location] = []
    """Folders in which something appeared or vanished."""
    planned_size: int = 0
    """What the job's totals count for it until it ends."""

    def __post_init__(self) -> None:
        self.planned_size = self.item.entry.size or 0

    @property
    def source(self) -> Found:
        """The source as it was planned."""
        entry = self.item.entry
        at = self.folder.source
        return Found(at.child(entry.name, entry.id if at.account != DISK else None), entry)

    @property
    def target(self) -> Location:
        """Where it goes, by path."""
        return self.folder.target.child(self.item.target_name)

    def is_source(self, there: Entry) -> bool:
        """Whether what stands at the target is the source itself, moved there already by a call
        whose end nobody noted. It must never be taken for a copy: ids stay when things move."""
        account = self.folder.source.account
        inside = account != DISK and account == self.folder.target.account
        return inside and there.id == self.item.entry.id

    def as_folder(self) -> NewFolder:
        """The folder pair in place of an item that is to be walked."""
        folder, item = self.folder, self.item
        return NewFolder(
            # single sources have no number of their own that a folder could carry on
            folder.root if folder.walk else _UNFOLDED + item.id,
            walk=True,
            made=False,
            fresh=True,
            keep=False,
            source=self.source.at,
            target=self.target,
            inner=(*folder.inner, item.entry.name) if folder.walk else (),
        )

    def wait(self, error: CloudError, seconds: float) -> None:
        """Show that it tries again after `seconds`."""
        self.waiting.tell(error, seconds)

    @property
    def says(self) -> str:
        """What is worth knowing of it while it runs; both steps of one that goes in two."""
        if self.message or not self.halves or not self.item.entry.size:
            return self.message
        down, up = self.meter.done, 0 if self.second is None else self.second.done
        size = self.item.entry.size
        return f"down {min(100, down * 100 // size)} %, up {min(100, up * 100 // size)} %"

    @property
    def done(self) -> int:
        """Bytes of it that count now."""
        done = self.meter.done + (0 if self.second is None else self.second.done)
        return done // 2 if self.halves else done


class Outcome(Struct, frozen=True):
    """How an errand ended. `state` DONE, SKIPPED, FAILED or ASKS; `message` None keeps what the
    plan noted. With `leave` the copy is there and the source is to be removed; with `unfold` the
    folder is to be walked after all."""

    state: JobState
    message: str | None = None
    code: str = ""
    leave: bool = False
    unfold: bool = False


DONE = Outcome(JobState.DONE)


def accident() -> CloudError:
    """What to say of a job that ended by a mistake of the program's own."""
    return CloudError(
        "The job stopped in an unexpected way; nothing that was copied is lost.",
        hint="The log tells more: cloudtui paths shows where it is.",
    )


def hold_of(error: CloudError) -> Hold:
    """Why a whole job stands after this; NONE for what ends it."""
    if isinstance(error, LoginNeeded):
        return Hold.LOGIN
    if isinstance(error, Full):
        return Hold.FULL
    return Hold.OFFLINE if isinstance(error, Offline) else Hold.NONE
