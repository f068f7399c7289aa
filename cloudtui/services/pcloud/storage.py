"""pCloud as a `Storage`: the one object the rest of the program knows of an account.

Puts the parts together and holds what is known of the account's abilities. The work is done in the
modules beside it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace as with_changes

from cloudtui.services.accounts import Account, Keys
from cloudtui.services.errors import Exists, UsageError
from cloudtui.services.living import Living
from cloudtui.services.media import Quality
from cloudtui.services.models import (
    ArchiveEntry,
    Capabilities,
    Entry,
    Extracted,
    Found,
    HashType,
    Kind,
    Location,
    News,
    OfflineTask,
    Quota,
    Revision,
    Secret,
    Share,
    TrashItem,
    TrashKind,
)
from cloudtui.services.naming import display_name
from cloudtui.services.network import Network
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.archives import Unpacking, no_listing
from cloudtui.services.pcloud.below import folders_of, whole_tree
from cloudtui.services.pcloud.changes import Changes
from cloudtui.services.pcloud.client import Client
from cloudtui.services.pcloud.entries import (
    FORBIDDEN,
    MAX_NAME_BYTES,
    ROOT,
    Names,
    change_mark,
    folded,
    is_trash_folder,
    number,
    split_version,
)
from cloudtui.services.pcloud.feed import Feed
from cloudtui.services.pcloud.fetching import Fetches, LinkWrite, is_fetch
from cloudtui.services.pcloud.links import Links
from cloudtui.services.pcloud.listing import children, pages
from cloudtui.services.pcloud.media import Media
from cloudtui.services.pcloud.offline import Offline
from cloudtui.services.pcloud.parallel import each
from cloudtui.services.pcloud.put import SmallWrite
from cloudtui.services.pcloud.revisions import Versions
from cloudtui.services.pcloud.shares import Shares
from cloudtui.services.pcloud.standing import Standing
from cloudtui.services.pcloud.tokens import Tokens
from cloudtui.services.pcloud.trash import Trash
from cloudtui.services.pcloud.tree import Tree
from cloudtui.services.pcloud.upload import Service, Upload, part_size
from cloudtui.services.pcloud.write import SessionWrite, begin, reopen
from cloudtui.services.retry import Retries
from cloudtui.services.storage import ReadTicket, Restored, SourceFacts, WriteHandle
from cloudtui.services.unpackers import takes_all

_BILLION: Final = 1_000_000_000
_KNOWN: Final = 10_000
"""Files of a folder whose names are kept for the uploads that may follow."""

_CAPS: Final = Capabilities(
    server_copy=True,
    server_move=True,
    trash=TrashKind.FOLDER,
    trash_page="https://my.pcloud.com/#page=trash",
    ranged_read=True,
    resume_upload=True,
    offline_tasks=True,
    links=True,
    qualities=True,
    thumbnails=True,
    fetches_links=True,
    shares=True,
    share_limits=frozenset({"days", "password", "downloads"}),
    share_changes=frozenset({"days", "password", "downloads"}),
    revisions=True,
    archives=True,
    change_feed=True,
    duplicate_names=False,
    file_and_folder_share_name=True,
    case_sensitive=True,
    sets_mtime=True,
    entry_hash=HashType.CHANGE,
    verify_hash=HashType.SHA1,
    forbidden=FORBIDDEN,
    max_name_bytes=MAX_NAME_BYTES,
    uploads_at_once=32,
)


class PCloudStorage:
    """One pCloud account. Connects on the first call, with what the account's secrets hold."""

    kind = "pcloud"
    title = "pCloud"

    def __init__(self, account: Account, keys: Keys, network: Network, retries: Retries) -> None:
        self.account = account.name
        timeout = account.number("timeout") or None
        self.client = Client(account, keys, network, retries, name=account.name, timeout=timeout)
        self.names = Names(account.text("encoding"))
        root = account.text("root_folder_id") or ROOT
        self.tree = Tree(
            self.account, self.client, self.names, root if root.startswith("d") else f"d{root}"
        )
        self.edits = Changes(self.client, self.names, self.tree)
        self.links = Links(self.account, self.client, self.tree)
        self.media = Media(self.client, self.links)
        self.shares = Shares(self.account, self.client, self.names, self.tree, self.links)
        self.versions = Versions(self.client, self.names, self.tree, self.links)
        self.unpacking = Unpacking(self.client, self.tree)
        self.tokens = Tokens(self.client)
        # waits for a minute at a time, so with connections and a pace of its own
        self.feed = Feed(
            Client(account, keys, network, retries, name=f"{self.account}.feed", timeout=timeout),
            self.names,
            number(self.tree.root),
        )
        self.trash_can = Trash(account, self.client, self.names, self.tree, self.edits, self.links)
        self.offline = Offline(
            account, keys, self.client, self.names, self.tree, self.edits, self.links
        )
        self._fetches = Fetches(self.client, self.names, self.tree, self.edits)
        self._service = Service(self.client, self.names, self.edits, Living(keys))
        self._standing = Standing()
        self._cutoff = account.whole("upload_cutoff")
        self._part_size = account.whole("chunk_size")
        self._caps = self._able = with_changes(_CAPS, forbidden=self.names.forbidden)
        self._caps_for: tuple[TrashKind, frozenset[str]] = (_CAPS.trash, frozenset())

    @property
    def caps(self) -> Capabilities:
        """What the account can do, without what its service is known to refuse."""
        seen = (self.trash_can.kind, self.client.refusals.methods)
        if seen != self._caps_for:
            caps = with_changes(self._able, trash=seen[0])
            for capability, methods in _CLOSED.items():
                if methods & seen[1]:
                    caps = caps.refuse(capability, "pCloud does not allow this to apps.")
            self._caps, self._caps_for = caps, seen
        return self._caps

    # --- looking --------------------------------------------------------------------------

    async def stat(self, at: Location, *, want: Kind | None = None) -> Found:
        """The entry at a path or id."""
        return await self.tree.find(at, want)

    async def scan(self, folder: Location) -> AsyncIterator[Sequence[Entry]]:
        """A folder's entries page by page; our trash folder is left out of the top."""
        folderid = await self.tree.folder_id(folder)
        top = folderid == number(self.tree.root)
        entry = self.names.entry
        files: set[str] = set()
        async for page in pages(self.client, folderid):
            if len(files) < _KNOWN:
                files.update(folded(item.name) for item in page if not item.isfolder)
            yield [entry(item) for item in page if not (top and is_trash_folder(item, folderid))]
        if len(files) < _KNOWN:
            self._standing.learn(folderid, files)

    async def list_tree(
        self, folder: Location, *, most: int | None = None
    ) -> Sequence[tuple[Location, Sequence[Entry]]] | None:
        """A folder with all below it; None for the top, and for what is too deep or too large."""
        folderid = await self.tree.folder_id(folder)
        tree = await whole_tree(self.client, folderid, most=most)
        if tree is None:
            return None
        places = {folderid: folder}
        found: list[tuple[Location, Sequence[Entry]]] = []
        count = 0
        for here, items in folders_of(tree, number(self.tree.root)):
            count += len(items)
            if most is not None and count > most:
                return None
            number_here = here.folderid or folderid
            at = places[number_here]
            if folder.parts:  # one named by its id alone tells no paths
                self.tree.learn(at.parts, number_here)
            entries = [self.names.entry(item) for item in items]
            self._standing.learn(number_here, [folded(it.name) for it in items if not it.isfolder])
            for item, entry in zip(items, entries, strict=True):
                if item.folderid is not None:
                    places[item.folderid] = at.child(entry.name, entry.id)
            found.append((at, entries))
        return found

    async def hashes(self, item: Found) -> Mapping[HashType, str]:
        """SHA-1, and MD5 (US) or SHA-256 (EU)."""
        return await self.links.hashes(item.at.node or item.entry.id)

    async def quota(self) -> Quota:
        """Bytes of the account."""
        info = await self.client.call("userinfo", {}, wire.UserInfo)
        free = None
        if info.quota is not None and info.usedquota is not None:
            free = max(0, info.quota - info.usedquota)
        return Quota(total=info.quota, used=info.usedquota, free=free)

    # --- changing -------------------------------------------------------------------------

    async def mkdir(self, parent: Location, name: str) -> Entry:
        """Make a folder."""
        made = await self.edits.mkdir(parent, name)
        self._standing.learn(number(made.id), ())
        return made

    async def rename(self, item: Found, name: str) -> Entry:
        """Rename in place."""
        return await self.edits.rename(item, name)

    async def move(self, item: Found, parent: Location, name: str) -> Entry:
        """Move inside the account."""
        return await self.edits.move(item, parent, name)

    async def copy(self, item: Found, parent: Location, name: str) -> Entry:
        """Copy inside the account."""
        return await self.edits.copy(item, parent, name)

    async def remove(self, items: Sequence[Found]) -> None:
        """Delete directly; pCloud itself keeps what was deleted in the trash of its web page for
        a while."""

        async def one(item: Found) -> None:
            await self.edits.delete(await self.edits.node_of(item))

        await each(items, one)

    # --- bytes ----------------------------------------------------------------------------

    async def open_read(self, item: Found) -> ReadTicket:
        """A fresh signed link, also to a version."""
        _, revision = split_version(item.at.node or item.entry.id)
        if revision:
            return await self.versions.ticket(item, revision)
        return await self.links.ticket(item)

    async def open_write(
        self, parent: Location, name: str, facts: SourceFacts, *, replace: Found | None, job: str
    ) -> WriteHandle:
        """Begin a file. Small new ones are a single PUT, all others an upload session."""
        stored = self.names.stored(name)
        folderid = await self.tree.folder_id(parent)
        mark = None
        if replace is not None:
            mark = change_mark(replace.entry)
            if mark is None:
                raise UsageError(f"What {display_name(name)} held is not known; list it again.")
        upload = Upload(
            account=self.account,
            folderid=folderid,
            name=stored,
            size=facts.size,
            mtime=None if facts.mtime_ns is None else facts.mtime_ns // _BILLION,
            part_size=part_size(self._part_size, facts.size),
            mark=mark,
            replaces=replace.entry.id if replace is not None else "",
            job=job,
        )
        small = facts.size == 0 or (replace is None and facts.size < self._cutoff)
        if not small and replace is None:
            # a clash shows at the end in any case; here it saves sending the bytes
            known = self._standing.names(folderid)
            wanted = folded(stored)
            if known is None or wanted in known:
                items = await children(self.client, folderid)
                known = {folded(item.name) for item in items if not item.isfolder}
                self._standing.learn(folderid, known)
            if wanted in known:
                raise Exists(f"{display_name(name)} is already there; nothing was sent.")
            self._standing.add(folderid, wanted)
        return await begin(self._service, upload, small=small)

    async def reopen_write(self, state: bytes) -> SmallWrite | SessionWrite | LinkWrite:
        """Take up an upload, or a fetch."""
        if is_fetch(state):
            return self._fetches.reopen(state)
        return reopen(self._service, state)

    async def open_fetch(self, parent: Location, name: str, facts: SourceFacts) -> LinkWrite:
        """A file that pCloud fetches itself."""
        return await self._fetches.open(parent, name, facts)

    async def direct_link(self, item: Found) -> str:
        """A signed link, good for this address and a few hours."""
        return (await self.links.ticket(item)).urls[0]

    async def qualities(self, item: Found) -> Sequence[Quality]:
        """The forms in which pCloud plays a file."""
        return await self.media.qualities(item)

    async def quality_link(self, item: Found, name: str) -> str:
        """A signed link to one of them."""
        return await self.media.quality_link(item, name) or await self.direct_link(item)

    async def thumbnail(self, item: Found, side: int) -> bytes:
        """A small picture of a file."""
        return await self.media.thumbnail(item, side)

    async def public_links_on(self, items: Sequence[Found]) -> list[str] | None:
        """The public links that a delete of these entries would revoke; None when pCloud does not
        show them to apps."""
        nodes = [item.at.node or item.entry.id for item in items]
        links = await self.links.links_on(nodes, remembered=True)
        return None if links is None else [link.link for on in links.values() for link in on]

    # --- public links ---------------------------------------------------------------------

    async def share(
        self,
        item: Found,
        *,
        days: int | None = None,
        password: Secret | None = None,
        most_downloads: int | None = None,
    ) -> Share:
        """A public link; the one there is with other limits."""
        return await self.shares.make(item, days, password, most_downloads)

    def scan_shares(self) -> AsyncIterator[Sequence[Share]]:
        """All public links of the account."""
        return self.shares.scan()

    async def change_share(
        self,
        share: Share,
        *,
        days: int | None = None,
        password: Secret | None = None,
        most_downloads: int | None = None,
    ) -> Share:
        """See `ChangesShares.change_share`."""
        return await self.shares.change(share, days, password, most_downloads)

    async def unshare(self, ids: Sequence[str]) -> None:
        """Take public links back."""
        await self.shares.revoke(ids)

    # --- versions -------------------------------------------------------------------------

    def scan_revisions(self, item: Found) -> AsyncIterator[Sequence[Revision]]:
        """The versions of a file."""
        return self.versions.scan(item)

    async def restore_revision(self, item: Found, revision: str) -> Entry:
        """Bring a version back."""
        return await self.versions.restore(item, revision)

    async def open_revision(self, item: Found, revision: str) -> ReadTicket:
        """A fresh signed link to a version."""
        return await self.versions.ticket(item, revision)

    def as_file(self, item: Found, revision: Revision) -> Found:
        """A version to read and to copy."""
        return self.versions.as_file(item, revision)

    # --- archives -------------------------------------------------------------------------

    async def list_archive(
        self, item: Found, password: Secret | None = None, *, inside: str = ""
    ) -> Sequence[ArchiveEntry]:
        """Always NotSupported."""
        raise no_listing()

    async def extract(
        self,
        item: Found,
        into: Location | None = None,
        password: Secret | None = None,
        *,
        only: Sequence[ArchiveEntry] = (),
        delete_source: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> Extracted:
        """Unpack an archive, all of it."""
        if only:
            raise takes_all(self.title)
        done = await self.unpacking.extract(item, into, password, on_progress)
        if delete_source:
            await self.trash([item])
            done = with_changes(done, source_deleted=1)
        return done

    # --- news -----------------------------------------------------------------------------

    def changes(self) -> AsyncIterator[News]:
        """What others change, as it happens."""
        return self.feed.changes()

    async def id_of(self, folder: Location) -> str:
        """The id of a folder."""
        return f"d{await self.tree.folder_id(folder)}"

    # --- trash ----------------------------------------------------------------------------

    async def trash(self, items: Sequence[Found]) -> list[TrashItem]:
        """Delete so that it can be taken back."""
        return await self.trash_can.put(items)

    def scan_trash(self) -> AsyncIterator[Sequence[TrashItem]]:
        """What can be taken back."""
        return self.trash_can.scan()

    async def restore(
        self, items: Sequence[TrashItem], to: Location | None = None
    ) -> list[Restored]:
        """Take back."""
        return await self.trash_can.restore(items, to)

    async def delete_forever(self, items: Sequence[TrashItem]) -> None:
        """Remove from the trash."""
        await self.trash_can.delete(items)

    async def empty_trash(self, on_progress: Callable[[int], None] | None = None) -> None:
        """Remove everything from the trash."""
        tell = on_progress or (lambda _percent: None)
        await self.trash_can.empty(lambda done, total: tell(done * 100 // total))
        tell(100)

    async def empty_counted(self, on_progress: Callable[[int, int], None]) -> None:
        """The same, told how many of how many are gone."""
        await self.trash_can.empty(on_progress)

    # --- downloads by the service ---------------------------------------------------------

    async def add_offline(self, url: str, parent: Location, *, name: str = "") -> OfflineTask:
        """Let pCloud fetch a URL into a folder, as `name` when given."""
        return await self.offline.add(url, parent, name=name)

    def scan_offline(self) -> AsyncIterator[Sequence[OfflineTask]]:
        """The downloads this program asked for; pCloud keeps no list."""
        return self.offline.scan()

    async def retry_offline(self, task_id: str) -> OfflineTask:
        """Ask again for a download that failed."""
        return await self.offline.retry(task_id)

    async def remove_offline(self, task_ids: Sequence[str], *, files: bool) -> None:
        """Forget downloads."""
        await self.offline.remove(task_ids, files=files)

    async def close(self) -> None:
        """Close the connections."""
        await self.feed.close()
        await self.client.close()


_CLOSED: Final[Mapping[str, frozenset[str]]] = {
    "offline_tasks": frozenset({"downloadfileasync", "uploadprogress", "currentserver"}),
    "fetches_links": frozenset({"downloadfileasync", "uploadprogress"}),
    "shares": frozenset({"getfilepublink", "getfolderpublink"}),
    "links": frozenset({"getfilelink"}),
    "qualities": frozenset({"getvideolinks"}),
    "thumbnails": frozenset({"getthumblink"}),
    "revisions": frozenset({"listrevisions"}),
    "archives": frozenset({"extractarchive"}),
    "change_feed": frozenset({"diff"}),
    "server_copy": frozenset({"copyfile"}),
}
"""Which refused methods take a whole ability away."""
