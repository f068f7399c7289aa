"""What callers ask of the engine and what it shows back: orders, states, views, conflicts.

Pure values, shared by screens, commands and engine.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from cloudtui.services.models import Entry, Location


class Verb(StrEnum):
    """What a job does."""

    COPY = "copy"
    MOVE = "move"


class OnConflict(StrEnum):
    """What to do with a target that is already there and differs."""

    ASK = "ask"
    SKIP = "skip"
    OVERWRITE = "overwrite"
    KEEP_BOTH = "keep-both"
    NEWER = "newer"
    LARGER = "larger"


class Verify(StrEnum):
    """How much is compared after a transfer; size always is."""

    SIZE = "size"
    HASH = "hash"
    STRICT = "strict"


class ServerSide(StrEnum):
    """Whether a service may copy by itself."""

    AUTO = "auto"
    NEVER = "never"
    ONLY = "only"


class Follow(StrEnum):
    """Which links of the disk are followed by copies; moves follow none."""

    NEVER = "never"
    FILES = "files"
    ALL = "all"


class Source(Struct, frozen=True):
    """One thing to transfer. `contents` means what the folder holds, not the folder itself;
    otherwise it arrives as `name` (None: under its own name)."""

    at: Location
    contents: bool = False
    name: str | None = None


class Order(Struct, frozen=True):
    """A whole job as asked for. `target` is a folder; missing parents are made."""

    verb: Verb
    sources: tuple[Source, ...]
    target: Location
    on_conflict: OnConflict = OnConflict.ASK
    verify: Verify = Verify.HASH
    server_side: ServerSide = ServerSide.AUTO
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    bandwidth: int | None = None
    """Bytes per second for this job, None for no limit."""
    paused: bool = False
    follow: Follow = Follow.NEVER


class JobState(StrEnum):
    """States of jobs and of their items, as the words people see."""

    WAITING = "waiting"
    COUNTING = "counting"
    RUNNING = "running"
    PAUSED = "paused"
    ASKS = "asks"
    SLOWED = "slowed"
    RETRYING = "retrying"
    CHECKING = "checking"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self in (JobState.DONE, JobState.SKIPPED, JobState.FAILED, JobState.CANCELLED)


class Direction(StrEnum):
    """The word in front of a job's name."""

    UP = "up"
    DOWN = "down"
    HERE = "here"
    ACROSS = "across"


class JobView(Struct, frozen=True):
    """A picture of one job, cheap to take ten times a second.

    Sizes in bytes, `speed` in bytes per second averaged over 5 s (None: not known yet), `left` in
    seconds (None: not known). `counted` is False while the plan still grows. `percent` is capped
    at 99 until everything is committed and checked.
    """

    id: str
    verb: Verb
    direction: Direction
    title: str
    sources: tuple[str, ...]
    target: str
    state: JobState
    files_done: int = 0
    files_total: int = 0
    files_failed: int = 0
    files_skipped: int = 0
    files_asking: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    counted: bool = False
    current: str = ""
    speed: float | None = None
    left: float | None = None
    stalled: int = 0
    """Seconds without a byte, 0 while that is nothing to speak of."""
    message: str = ""
    error_codes: tuple[str, ...] = ()
    orphan: bool = False
    """Its runner died; it stands paused until somebody takes it up."""
    mine: bool = False
    """Run by this process."""

    @property
    def percent(self) -> int | None:
        """0 to 100 by bytes (by files when there are no bytes), None while counting."""
        if self.state is JobState.DONE:
            return 100
        if not self.counted:
            return None
        if self.bytes_total > 0:
            return min(99, self.bytes_done * 100 // self.bytes_total)
        if self.files_total > 0:
            return min(99, self.files_done * 100 // self.files_total)
        return 0

    @property
    def stands(self) -> bool:
        """Whether it moves nothing until somebody says so: paused, at its end with something left,
        or without a living program."""
        return self.orphan or self.state in _STANDING


_STANDING = frozenset({JobState.PAUSED, JobState.FAILED, JobState.CANCELLED})


class ItemView(Struct, frozen=True):
    """One file or folder of a job, for the details list."""

    id: int
    path: str
    state: JobState
    size: int | None
    done: int
    message: str = ""


class PartView(Struct, frozen=True):
    """What lies on this disk of one file whose job stands. `name` is what the file will be called,
    as the disk has it; `done` counts the bytes that are there for good, `size` is None where nobody
    told it. `state` is how the job stands: paused, failed or cancelled."""

    item: int
    job: str
    name: str
    state: JobState
    done: int
    size: int | None

    @property
    def percent(self) -> int | None:
        """0 to 99, None for a file of unknown size: what is whole is no part."""
        return min(99, self.done * 100 // self.size) if self.size else None


class Conflict(Struct, frozen=True):
    """A target that is already there: both sides' facts."""

    job: str
    item: int
    source: Entry
    target: Entry
    where: str
    """The target folder, safe to display."""
    overwrite_is_final: bool
    """Overwriting cannot be taken back: the place has neither trash nor revisions."""


class Answer(StrEnum):
    """Answers to a conflict."""

    SKIP = "skip"
    OVERWRITE = "overwrite"
    KEEP_BOTH = "keep-both"
    RENAME = "rename"
    NEWER = "newer"
    LARGER = "larger"


class Resolution(Struct, frozen=True):
    """An answer, for one item or for every conflict of the job. `name` goes with RENAME."""

    answer: Answer
    for_all: bool = False
    name: str = ""
