"""The values every layer speaks in: locations, entries, capabilities, quotas, secrets.

A leaf: the standard library and `Struct` only, no I/O. Nothing here knows a provider or a screen.
"""

from __future__ import annotations

from enum import Enum, IntFlag, StrEnum
from operator import attrgetter
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

DISK: Final = ""
"""The account name of the local disk inside a `Location`."""


class Kind(StrEnum):
    """What an entry is. LINK is a link not followed, SPECIAL a device, socket or FIFO."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    SPECIAL = "special"


class HashType(StrEnum):
    """Digests the services publish. CHANGE is a change mark: good for equality, not a digest."""

    SHA1 = "sha1"
    MD5 = "md5"
    SHA256 = "sha256"
    GCID = "gcid"
    CHANGE = "change"


class Flag(IntFlag):
    """Facts about an entry beyond its kind."""

    SHARED = 1
    STARRED = 2
    PENDING = 4
    ENCRYPTED = 8
    READ_ONLY = 16
    BLOCKED = 32
    EXECUTABLE = 64
    FOLLOWED = 128
    """Stands where a link of the disk does that leads to it."""


NO_FLAGS: Final = Flag(0)


class Location(Struct, frozen=True):
    """Where something is: account, raw path parts, and the provider's id once it is known.

    `account` is `DISK` or a configured name. `parts` are raw names, root is `()`; they are no path
    object because clouds allow `..`, `.` and odd separators. Local names that are not valid text
    carry surrogates (`os.fsdecode`). `node` is the provider's id (identity where names may
    repeat), None while unresolved; disk locations never have one.
    """

    account: str
    parts: tuple[str, ...] = ()
    node: str | None = None

    @property
    def name(self) -> str:
        """The last part, empty for the root."""
        return self.parts[-1] if self.parts else ""

    @property
    def parent(self) -> Location:
        """The containing folder, its id unknown. The root is its own parent."""
        return Location(self.account, self.parts[:-1])

    @property
    def path(self) -> str:
        """The path alone, starting with a slash."""
        return "/" + "/".join(self.parts)

    def child(self, name: str, node: str | None = None) -> Location:
        """The location of `name` in this folder."""
        return Location(self.account, (*self.parts, name), node)

    def is_inside(self, folder: Location) -> bool:
        """Whether this is `folder` itself or lies anywhere below it, by path."""
        return self.account == folder.account and self.parts[: len(folder.parts)] == folder.parts

    def __str__(self) -> str:
        return f"{self.account}:{self.path}" if self.account else self.path


class Entry(Struct, frozen=True):
    """One row of a listing; the listing holds the parent once.

    `id` is the provider's id; on disk it is the name itself. `size` is in bytes and times are in
    nanoseconds UTC; None means unknown, never zero. `hash` is of the type the provider's
    capabilities name as `entry_hash`. When it was made is for looking at alone: most places that
    keep rows leave it out, and two rows that differ in nothing else are the same.
    """

    name: str
    id: str
    kind: Kind
    size: int | None = None
    mtime_ns: int | None = None
    hash: bytes = b""
    flags: Flag = NO_FLAGS
    created_ns: int | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it can be entered."""
        return self.kind is Kind.FOLDER

    @property
    def is_starred(self) -> bool:
        """Whether it carries a star."""
        return bool(self.flags) and Flag.STARRED in self.flags

    def __eq__(self, other: object) -> bool:
        return type(other) is Entry and _compared(self) == _compared(other)

    def __hash__(self) -> int:
        return hash(_compared(self))


_compared: Final = attrgetter(*(name for name in Entry.__struct_fields__ if name != "created_ns"))


class Found(Struct, frozen=True):
    """An entry together with where it is; `at.node` is always set for clouds."""

    at: Location
    entry: Entry

    @classmethod
    def of(cls, folder: Location, entry: Entry) -> Found:
        """The entry of a listing whose parent is `folder`."""
        node = entry.id if folder.account else None
        return cls(folder.child(entry.name, node), entry)


class TrashKind(StrEnum):
    """Where deleted things go: nowhere, the place's own trash, or a folder we keep ourselves."""

    NONE = "none"
    SERVICE = "service"
    FOLDER = "folder"


class Capabilities(Struct, frozen=True):
    """Facts about a place. What the service only tells by refusing is learned at run time:
    `refused` maps a capability's name to the sentence shown with the greyed action."""

    server_copy: bool = False
    server_move: bool = False
    trash: TrashKind = TrashKind.NONE
    trash_page: str = ""
    """Where people see a trash of the service that programs do not."""
    ranged_read: bool = True
    resume_upload: bool = False
    instant_upload: bool = False
    offline_tasks: bool = False
    magnets: bool = False
    previews: bool = False
    """Tells what lies behind a link before it is fetched."""
    task_files: bool = False
    """Tells how far each file of such a download is."""
    links: bool = False
    links_anywhere: bool = False
    """Links to content work for whoever holds them, from any address."""
    qualities: bool = False
    """Films are played in other forms than their own bytes, where there are any."""
    thumbnails: bool = False
    """Small pictures of files are handed out."""
    fetches_links: bool = False
    """The service can fetch a file by such a link itself."""
    shares: bool = False
    share_limits: frozenset[str] = frozenset()
    """What a public link may be limited by here: `days`, `password`, `downloads`."""
    share_changes: frozenset[str] = frozenset()
    """Which of these can be changed on a link that is there."""
    opens_shares: bool = False
    """Looks into the public links of others, and saves out of them."""
    revisions: bool = False
    archives: bool = False
    archive_parts: bool = False
    """Shows what an archive holds, and unpacks only some of it."""
    packs: bool = False
    """Makes one file of a folder in place, and the folder of that file again."""
    change_feed: bool = False
    stars: bool = False
    history: bool = False
    duplicate_names: bool = False
    file_and_folder_share_name: bool = False
    case_sensitive: bool = True
    sets_mtime: bool = False
    entry_hash: HashType | None = None
    verify_hash: HashType | None = None
    """The digest an independent party confirms after a transfer to or from this place."""
    upload_hash: HashType | None = None
    """The digest of the whole source that must be known before an upload may start."""
    holds_in_memory: int = 0
    """Bytes up to which another cloud's file may be held in memory for that, and not on disk."""
    tells_hashes: tuple[HashType, ...] = ()
    """The digests a file may have here; one that is missing is shown as such."""
    forbidden: str = "/\0"
    max_name_bytes: int = 255
    max_file: int | None = None
    uploads_at_once: int = 4
    batch: int = 100
    refused: dict[str, str] = {}

    def refuse(self, capability: str, sentence: str) -> Capabilities:
        """A copy that remembers a refusal, with the sentence to show beside the greyed action."""
        return replace(self, refused={**self.refused, capability: sentence})

    def allows(self, capability: str) -> bool:
        """Whether the boolean `capability` is there and was not refused."""
        return bool(getattr(self, capability)) and capability not in self.refused


class Quota(Struct, frozen=True):
    """Bytes of an account; None where the service does not tell."""

    total: int | None
    used: int | None
    trashed: int | None = None
    free: int | None = None


class Allowance(Struct, frozen=True):
    """What a plan lets through in a while, in bytes: `name` is `download`, `upload`, `offline` or
    another word of the service."""

    name: str
    total: int
    used: int


class Plan(Struct, frozen=True):
    """What an account pays for: the service's word, `free` for nothing, and until when."""

    name: str
    until_ns: int | None = None


class TrashItem(Struct, frozen=True):
    """Something in a trash. `origin` is where it was (None: not known), `trashed_ns` when, and
    `key` what `HasTrash.restore` and `delete_forever` take. `note` is a sentence on what else the
    delete did, where that is told. `ends_ns` is when the service deletes it for good."""

    key: str
    entry: Entry
    origin: Location | None
    trashed_ns: int | None = None
    note: str = ""
    ends_ns: int | None = None


class TaskPhase(StrEnum):
    """The phases of a download made by the service itself, in plain words."""

    WAITING = "waiting"
    FETCHING = "fetching"
    DONE = "done"
    FAILED = "failed"


class OfflineTask(Struct, frozen=True):
    """A URL or magnet that the service fetches by itself. `percent` is 0 to 100; `target` is the
    result's location once it is known; `there` counts what stood there from an earlier try."""

    id: str
    name: str
    url: str
    phase: TaskPhase
    percent: int
    message: str = ""
    size: int | None = None
    target: Location | None = None
    there: int = 0


class Share(Struct, frozen=True):
    """A public link.

    `id` is what `HasShares.unshare` takes. `name` is what it shows, `at` where that is (None: not
    known), `node` its id where the service tells only that. `password` is set where the service
    tells it, `protected` whenever one is asked for. Times are nanoseconds UTC, None where there is
    no end or it is not known; counts are None where the service does not tell, `most_downloads`
    also where there is no limit. `views` is how often its page was looked at, `files` how many
    things it shows, `size` their bytes. `note` is a sentence for people: why it does not work any
    more, or what it shows besides.
    """

    id: str
    url: str
    name: str = ""
    kind: Kind = Kind.FILE
    at: Location | None = None
    password: Secret | None = None
    protected: bool = False
    created_ns: int | None = None
    expires_ns: int | None = None
    downloads: int | None = None
    most_downloads: int | None = None
    note: str = ""
    views: int | None = None
    files: int | None = None
    size: int | None = None
    node: str = ""


class Revision(Struct, frozen=True):
    """One version of a file. `mtime_ns` is when it was stored, `hash` of the type the provider
    names as `entry_hash`, `is_current` whether it is what the file holds now."""

    id: str
    size: int | None = None
    mtime_ns: int | None = None
    hash: bytes = b""
    is_current: bool = False


class ArchiveEntry(Struct, frozen=True):
    """Something inside an archive. `path` has slashes and no leading one."""

    path: str
    kind: Kind
    size: int | None = None


class Extracted(Struct, frozen=True):
    """What came of unpacking: archives unpacked to the end, sources deleted afterwards, failures,
    and a sentence for each of those. `into` is the folder that holds the content, once known."""

    decompressed: int = 0
    source_deleted: int = 0
    errors: int = 0
    messages: tuple[str, ...] = ()
    into: Location | None = None

    def __add__(self, other: Extracted) -> Extracted:
        return Extracted(
            self.decompressed + other.decompressed,
            self.source_deleted + other.source_deleted,
            self.errors + other.errors,
            self.messages + other.messages,
            other.into or self.into,
        )


class Everything(Enum):
    """Says that anything may have changed: forget what is known and list anew."""

    EVERYTHING = "everything"


EVERYTHING: Final = Everything.EVERYTHING


class Change(Struct, frozen=True):
    """What became of one entry of a place.

    `entry` is as it is now, in the folder whose id is `folder`; None when it is gone, and `folder`
    is then where it was (empty when not known). `when_ns` is the time of the change, UTC.
    """

    id: str
    folder: str = ""
    entry: Entry | None = None
    when_ns: int | None = None


News = tuple[Change, ...] | Everything
"""What happened, oldest first; or the news that it might be anything."""


class Secret:
    """Text that never shows itself: `repr`, `str` and format give dots.

    `reveal()` is the one door; call it where the value goes on the wire or into the keyring.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)
