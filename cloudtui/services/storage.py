"""The Storage protocol: what panes, trash, search and the engine know of a place.

A provider describes requests; the engine moves bytes. Everything here is a shape: no I/O. All
methods raise members of `cloudtui.services.errors`. Locations passed in may carry `node`; where it
is missing the provider resolves the path itself.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from cloudtui.services.fetches import FetchWrite
from cloudtui.services.models import (
    Allowance,
    Capabilities,
    Entry,
    Found,
    HashType,
    Kind,
    Location,
    OfflineTask,
    Plan,
    Quota,
    Revision,
    Secret,
    Share,
    TrashItem,
)
from cloudtui.services.times import noted_time
from cloudtui.services.way import Way

# --- reading ---------------------------------------------------------------------------------


class ReadTicket(Struct, frozen=True):
    """How to fetch a file's bytes over HTTP.

    `urls` are equivalent, best first; they are signed, so never log or show them. `expires_at` is
    seconds since the epoch (None: not known). `ranges` tells whether byte ranges work,
    `connections` how many may read at once, `account_connections` how many over all files of the
    account (None: no such limit). `hashes` are hex digests the service claims for the
    whole file (only of types it really gave). `version` changes when the content does. `account`
    keys the connection pool: connections are never shared by two accounts. `way` is the one the
    link was asked for by, where it is good for that one only.
    """

    account: str
    urls: tuple[str, ...]
    size: int
    version: str
    headers: tuple[tuple[str, str], ...] = ()
    expires_at: float | None = None
    ranges: bool = True
    connections: int = 4
    account_connections: int | None = None
    hashes: Mapping[HashType, str] = {}
    way: Way | None = None

    def __repr__(self) -> str:
        return f"ReadTicket({self.account!r}, size={self.size!r}, version={self.version!r})"


class LocalFile(Struct, frozen=True):
    """A regular file on this disk, as it was when opened: `path` for `os.open`, identity and
    change marks to re-check by `fstat` before and after reading. `sparse`: it has holes."""

    path: bytes
    size: int
    mtime_ns: int
    device: int
    inode: int
    sparse: bool = False

    @classmethod
    def of(cls, path: bytes, info: os.stat_result) -> LocalFile:
        """The file at `path` of which the disk says `info`."""
        sparse = getattr(info, "st_blocks", info.st_size) * 512 < info.st_size
        mtime_ns = noted_time(info.st_mtime_ns)
        return cls(path, info.st_size, mtime_ns, info.st_dev, info.st_ino, sparse)

    @property
    def version(self) -> str:
        """Changes when the content does, as far as the disk tells."""
        return f"{self.device}:{self.inode}:{self.size}:{self.mtime_ns}"


ReadSource = ReadTicket | LocalFile


# --- writing ---------------------------------------------------------------------------------


class SourceFacts(Struct, frozen=True):
    """What is known of the bytes before they are sent. `size` in bytes; `mtime_ns` UTC or None;
    `hashes` are hex digests of the whole source (upper case for GCID, lower case otherwise);
    `sparse`: less than `size` will be written."""

    size: int
    mtime_ns: int | None = None
    hashes: Mapping[HashType, str] = {}
    sparse: bool = False


class PartRequest(Struct, frozen=True):
    """One HTTP request whose body is `length` source bytes from `offset`, framed by `head` and
    `tail` (multipart forms). Content-Length is set by whoever sends it. `account` keys the pool."""

    account: str
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    offset: int
    length: int
    head: bytes = b""
    tail: bytes = b""

    def __repr__(self) -> str:
        place = f"offset={self.offset!r}, length={self.length!r}"
        return f"PartRequest({self.account!r}, {self.method!r}, {place})"


class PartReply(Struct, frozen=True):
    """The whole answer to a `PartRequest`: bodies are small. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Receipt(Struct, frozen=True):
    """Proof that bytes `offset` to `offset + length` are stored; `tag` is the service's word for
    them (an ETag; empty where there is none)."""

    number: int
    offset: int
    length: int
    tag: str = ""


class RemoteWrite(Protocol):
    """An upload in progress that can be written down and taken up by another process.

    `part_size` 0 means one part however large. `parts_at_once` 1 means strictly one after the
    other in order. `instant` means that nothing needs to be sent. Parts are numbered from 0.
    `verify_hash` is the digest of the whole file that the service itself reports after the bytes
    arrived: the engine puts it into the `facts` of `finish` (None: the service confirms none).
    `part_hash` is the digest that the `tag` of every receipt holds, in hex (None: tags are no
    digests).
    """

    part_size: int
    parts_at_once: int
    instant: bool
    resumable: bool
    verify_hash: HashType | None
    part_hash: HashType | None

    def state(self) -> bytes:
        """All that `Storage.reopen_write` needs. May contain secrets: sealed before storing."""
        ...

    async def part_request(self, number: int, offset: int, length: int) -> PartRequest:
        """The request for one part, freshly signed."""
        ...

    def receipt(self, request: PartRequest, number: int, reply: PartReply) -> Receipt:
        """Check the answer to a part. Raises the mapped error when it is not a success."""
        ...

    async def probe(self) -> list[Receipt]:
        """What the service holds already; a single-shot upload whose answer was lost but which took
        effect gives one receipt over the whole length. Raises Gone when it forgot the upload."""
        ...

    async def finish(self, receipts: Sequence[Receipt], facts: SourceFacts) -> Entry:
        """Commit, after comparing the digests in `facts` with what the service reports.

        Safe to call again after a lost answer: looks first whether it already took effect.
        Raises Mismatch (nothing committed), Exists (the name was taken meanwhile), Gone.
        """
        ...

    async def abort(self) -> None:
        """Remove everything this upload left behind. Safe to repeat."""
        ...


@runtime_checkable
class LeavesWhole(Protocol):
    """An upload that can tell what is unfinished of it from the file that came of it."""

    async def drop_unfinished(self) -> None:
        """As `abort`, but what is a whole file by now stays. Safe to repeat."""
        ...


class DiskWrite(Protocol):
    """A file being written on this disk under a part name beside its target.

    The engine writes at offsets into `fd()` (from worker threads) and calls the rest from them
    too: all methods block.
    """

    part_name: bytes

    def state(self) -> bytes:
        """All that `Storage.reopen_write` needs."""
        ...

    def fd(self) -> int:
        """An open descriptor of the part, created on first use with space reserved for `size`."""
        ...

    def sync(self) -> None:
        """Make what was written so far durable."""
        ...

    def finish(self, facts: SourceFacts) -> Entry:
        """Make it durable, set its time, give it its real name. Raises Exists when taken."""
        ...

    def keep_bad(self) -> str:
        """Rename the part to `name.bad` (first free number) and return that name."""
        ...

    def abort(self) -> None:
        """Remove the part. Safe to repeat."""
        ...

    def close(self) -> None:
        """Close the descriptor, keep the part."""
        ...


WriteHandle = RemoteWrite | DiskWrite


# --- the protocol ----------------------------------------------------------------------------


class Storage(Protocol):
    """The whole required surface of a place."""

    account: str
    kind: str
    """`disk`, `pikpak` or `pcloud`."""
    title: str
    """What people call it in sentences: `disk`, `PikPak`, `pCloud`."""

    @property
    def caps(self) -> Capabilities:
        """What the place can do, as known now."""
        ...

    async def stat(self, at: Location, *, want: Kind | None = None) -> Found:
        """Resolve a path or id to its entry.

        Raises NotFound; Ambiguous when a path fits several entries (`want` narrows: a trailing
        slash means FOLDER).
        """
        ...

    def scan(self, folder: Location) -> AsyncIterator[Sequence[Entry]]:
        """The entries of a folder, page by page, in the service's order. Hidden of ours (parts,
        our trash folder, pending uploads) are left out."""
        ...

    async def mkdir(self, parent: Location, name: str) -> Entry:
        """Make one folder. Raises Exists when there is a *file or folder* of that name that
        blocks it; NotFound when the parent is missing."""
        ...

    async def rename(self, item: Found, name: str) -> Entry:
        """Give an entry another name in its folder. Never replaces: Exists."""
        ...

    async def remove(self, items: Sequence[Found]) -> None:
        """Delete for ever, folders with all they hold."""
        ...

    async def open_read(self, item: Found) -> ReadSource:
        """A fresh way to the bytes. Raises Refused when the content is blocked."""
        ...

    async def open_write(
        self, parent: Location, name: str, facts: SourceFacts, *, replace: Found | None, job: str
    ) -> WriteHandle:
        """Begin a file. Without `replace` the name must be free (Exists otherwise, now or at
        `finish`). `job` is the job's id, used in part names."""
        ...

    async def reopen_write(self, state: bytes) -> WriteHandle | FetchWrite:
        """Take up a write from `state()`. Raises Gone when it cannot be continued."""
        ...

    async def hashes(self, item: Found) -> Mapping[HashType, str]:
        """The digests the service holds for a file (hex), empty ones left out. The disk computes
        none here."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@runtime_checkable
class ServerCopy(Protocol):
    """Copies inside one account without moving bytes through this machine."""

    async def copy(self, item: Found, parent: Location, name: str) -> Entry:
        """Copy a file or whole folder to `parent` as `name`. Never replaces: Exists."""
        ...


@runtime_checkable
class ServerMove(Protocol):
    """Moves inside one account (on disk: inside one file system)."""

    async def move(self, item: Found, parent: Location, name: str) -> Entry:
        """Move to `parent` as `name`. Never replaces: Exists."""
        ...


@runtime_checkable
class FollowsLinks(Protocol):
    """Knows where its links lead."""

    async def follow(self, link: Found, avoid: Sequence[Location]) -> Entry | None:
        """What a link leads to, under the link's name and with `Flag.FOLLOWED`.

        None when it leads nowhere, to nothing that may be read, or to a folder that is one of
        `avoid`: those that it lies in, which would make a loop.
        """
        ...


class Restored(Struct, frozen=True):
    """What became of one item: where it is now, and a sentence when that is not its old place."""

    item: TrashItem
    at: Location
    note: str = ""


@runtime_checkable
class HasTrash(Protocol):
    """Deletes that can be taken back."""

    async def trash(self, items: Sequence[Found]) -> list[TrashItem]:
        """Move entries to the trash; the answer is what `restore` takes."""
        ...

    def scan_trash(self) -> AsyncIterator[Sequence[TrashItem]]:
        """All that lies in the trash, page by page."""
        ...

    async def restore(
        self, items: Sequence[TrashItem], to: Location | None = None
    ) -> list[Restored]:
        """Put items back into the folder they came from (or `to`), made again when missing."""
        ...

    async def delete_forever(self, items: Sequence[TrashItem]) -> None:
        """Remove items from the trash for good."""
        ...

    async def empty_trash(self, on_progress: Callable[[int], None] | None = None) -> None:
        """Remove everything from the trash for good. `on_progress` is told per cent."""
        ...


@runtime_checkable
class HasQuota(Protocol):
    """Tells how much room there is."""

    async def quota(self) -> Quota:
        """Bytes of the account (of the disk: of the file system of the working folder)."""
        ...


@runtime_checkable
class HasAllowances(Protocol):
    """Tells how much may still be moved."""

    async def allowances(self) -> Sequence[Allowance]:
        """What the plan lets through and what of it is used; empty where it sets no bounds."""
        ...


@runtime_checkable
class HasPlan(Protocol):
    """Tells what the account pays for."""

    async def plan(self) -> Plan:
        """The plan of now."""
        ...


@runtime_checkable
class OfflineTasks(Protocol):
    """Fetches URLs by itself."""

    @property
    def caps(self) -> Capabilities:
        """See `Storage.caps`: which links it takes and what it tells of them."""
        ...

    async def add_offline(self, url: str, parent: Location) -> OfflineTask:
        """Hand over one URL or magnet. Raises UsageError when it is neither."""
        ...

    def scan_offline(self) -> AsyncIterator[Sequence[OfflineTask]]:
        """All tasks the service remembers, newest first, page by page."""
        ...

    async def retry_offline(self, task_id: str) -> OfflineTask:
        """Try a failed task again."""
        ...

    async def remove_offline(self, task_ids: Sequence[str], *, files: bool) -> None:
        """Forget tasks; with `files` their results go too."""
        ...


@runtime_checkable
class MakesLinks(Protocol):
    """Makes direct links to content."""

    async def direct_link(self, item: Found) -> str:
        """A signed link; shown once on request, never logged."""
        ...


@runtime_checkable
class HasShares(Protocol):
    """Makes public links."""

    async def share(
        self,
        item: Found,
        *,
        days: int | None = None,
        password: Secret | None = None,
        most_downloads: int | None = None,
    ) -> Share:
        """A public link to a file or folder.

        Where the service keeps one link per entry this is the one there is, with the limits given
        here put on it: None leaves a limit as it is (a new link has none), 0 or an empty secret
        takes it off. Raises NotSupported for a limit that `caps.share_limits` does not name.
        """
        ...

    def scan_shares(self) -> AsyncIterator[Sequence[Share]]:
        """All public links of the account, newest first, page by page."""
        ...

    async def unshare(self, ids: Sequence[str]) -> None:
        """Take public links back. One that is gone already is fine. Raises NotFound for what
        shows that it cannot be an id."""
        ...


@runtime_checkable
class TrashRevokesLinks(Protocol):
    """Takes public links back when what they lead to is deleted."""

    async def public_links_on(self, items: Sequence[Found]) -> Sequence[str] | None:
        """The public links on these entries and on anything in them; None when the service does
        not show its links to programs."""
        ...


@runtime_checkable
class Revisions(Protocol):
    """Keeps earlier versions of files."""

    def scan_revisions(self, item: Found) -> AsyncIterator[Sequence[Revision]]:
        """The versions of a file, newest first, page by page, the current one included."""
        ...

    async def restore_revision(self, item: Found, revision: str) -> Entry:
        """Make an earlier version the file's content; what it held becomes a version itself.
        Raises NotFound when there is no such version (any more)."""
        ...

    async def open_revision(self, item: Found, revision: str) -> ReadSource:
        """A fresh way to the bytes of one version."""
        ...

    def as_file(self, item: Found, revision: Revision) -> Found:
        """A version as a file that can be read and copied (not changed), under an id of its own."""
        ...
