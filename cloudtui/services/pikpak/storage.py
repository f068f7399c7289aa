"""PikPak as a `Storage`: the whole surface, put together from the modules beside it.

Owns nothing but the wiring and the capabilities. Connects on the first call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence

from cloudtui.services.accounts import Account, Keys
from cloudtui.services.errors import NotFound, Refused
from cloudtui.services.history import Deed, Happened
from cloudtui.services.media import Quality
from cloudtui.services.models import (
    Allowance,
    ArchiveEntry,
    Capabilities,
    Entry,
    Extracted,
    Found,
    HashType,
    Kind,
    Location,
    OfflineTask,
    Plan,
    Quota,
    Secret,
    Share,
    TrashItem,
    TrashKind,
)
from cloudtui.services.naming import display_name
from cloudtui.services.network import Network
from cloudtui.services.pikpak import tasks, wire
from cloudtui.services.pikpak.archives import Archives
from cloudtui.services.pikpak.auth import SPEAKING
from cloudtui.services.pikpak.begun import Begun
from cloudtui.services.pikpak.changes import MAX_NAME_BYTES, Changes
from cloudtui.services.pikpak.client import Api
from cloudtui.services.pikpak.copies import Copies
from cloudtui.services.pikpak.folders import Folders
from cloudtui.services.pikpak.history import History
from cloudtui.services.pikpak.lately import Lately
from cloudtui.services.pikpak.links import Links
from cloudtui.services.pikpak.listing import detail, entry_of, is_shown
from cloudtui.services.pikpak.offline import Offline
from cloudtui.services.pikpak.opened import Opened, share_link
from cloudtui.services.pikpak.packing import Packing
from cloudtui.services.pikpak.profile import profile_of
from cloudtui.services.pikpak.qualities import Qualities
from cloudtui.services.pikpak.received import Received
from cloudtui.services.pikpak.resources import Behind
from cloudtui.services.pikpak.shares import LIMITS, Shares
from cloudtui.services.pikpak.stars import Stars
from cloudtui.services.pikpak.thumbnails import Thumbnails
from cloudtui.services.pikpak.tickets import Tickets
from cloudtui.services.pikpak.trash import Trash
from cloudtui.services.previews import Preview, TaskFile
from cloudtui.services.retry import Retries
from cloudtui.services.shares import SharedItem, ShareLink
from cloudtui.services.storage import ReadSource, Restored, SourceFacts, WriteHandle
from cloudtui.services.unpackers import rest_is_lost


class PikPakStorage:
    """One PikPak account."""

    kind = "pikpak"
    title = "PikPak"

    def __init__(self, account: Account, keys: Keys, network: Network, retries: Retries) -> None:
        profile = profile_of(account, keys.recall(SPEAKING).decode(errors="replace"))
        self.account = account.name
        self._api = Api(profile, keys, network, retries)
        self._lately = Lately(self._api, keys)
        self._folders = Folders(self._api, self._lately)
        self._changes = Changes(self._api, self._folders)
        self._copies = Copies(self._api, self._folders, self._changes)
        self._links = Links(self._api)
        self._qualities = Qualities(self._api)
        self._thumbnails = Thumbnails(self._api)
        self._tickets = Tickets(self._api, self._folders, self._changes)
        self._trash = Trash(self._api, self._folders, self._changes, keys)
        begun = Begun(keys)
        self._offline = Offline(self._api, self._folders, begun)
        self._shares = Shares(self._api, begun)
        self._stars = Stars(self._api, self._folders)
        self._history = History(self._api)
        self._opened = Opened(self._api)
        self._behind = Behind(self._api, self._opened)
        self._received = Received(self._api, self._folders, self._changes, self._opened, begun)
        self._archives = Archives(self._api, self._folders, self._changes, begun)
        self._packing = Packing(self._api, self._folders)
        self._caps = Capabilities(
            server_copy=True,
            server_move=True,
            trash=TrashKind.SERVICE if profile.use_trash else TrashKind.NONE,
            ranged_read=True,
            resume_upload=True,
            instant_upload=True,
            offline_tasks=True,
            magnets=True,
            previews=True,
            task_files=True,
            links=True,
            links_anywhere=True,
            qualities=True,
            thumbnails=True,
            shares=True,
            share_limits=LIMITS,
            share_changes=LIMITS,
            opens_shares=True,
            archives=True,
            archive_parts=True,
            packs=True,
            stars=True,
            history=True,
            duplicate_names=True,
            file_and_folder_share_name=True,
            sets_mtime=False,
            entry_hash=HashType.GCID,
            verify_hash=HashType.GCID,
            upload_hash=HashType.GCID,
            holds_in_memory=profile.hash_memory,
            tells_hashes=(HashType.GCID, HashType.MD5),
            forbidden="\0" if profile.rules else "/\0",
            max_name_bytes=MAX_NAME_BYTES,
            uploads_at_once=4,
            batch=tasks.BATCH,
        )

    @property
    def caps(self) -> Capabilities:
        """What PikPak can do."""
        return self._caps

    @property
    def api(self) -> Api:
        """The calls underneath, for what is particular to PikPak."""
        return self._api

    # --- looking -------------------------------------------------------------------------

    async def stat(self, at: Location, *, want: Kind | None = None) -> Found:
        """See `Storage.stat`."""
        return await self._folders.stat(at, want)

    async def scan(self, folder: Location) -> AsyncIterator[Sequence[Entry]]:
        """See `Storage.scan`. Pages come as they arrive."""
        profile = self._api.profile
        folder_id = await self._folders.folder_id(folder)
        seen = False
        buried = profile.trashed_only and await self._folders.is_buried(folder_id)
        async for rows in self._folders.rows(folder_id):
            seen = True
            shown = (row for row in rows if is_shown(profile, row, buried=buried))
            yield [entry_of(profile, row) for row in shown]
        if not seen and folder_id != "" and not buried:
            # a folder that is gone looks empty to the service
            row = await detail(self._api, folder_id, where=display_name(str(folder)))
            if row.trashed and not profile.trashed_only:
                raise NotFound(f"{display_name(str(folder))} lies in PikPak's trash.")
            if not row.is_folder:
                raise NotFound(f"{display_name(str(folder))} is a file.")

    async def hashes(self, item: Found) -> Mapping[HashType, str]:
        """See `Storage.hashes`."""
        return await self._links.hashes(item)

    async def quota(self) -> Quota:
        """Bytes of the account; what lies in the trash is the service's own unreliable figure."""
        about = await self._api.call(wire.About, "GET", "/drive/v1/about")
        numbers = about.quota or wire.QuotaNumbers()
        free = None
        if numbers.limit is not None and numbers.usage is not None and not numbers.is_unlimited:
            free = max(0, numbers.limit - numbers.usage)
        total = None if numbers.is_unlimited else numbers.limit
        return Quota(total, numbers.usage, numbers.usage_in_trash, free)

    async def allowances(self) -> list[Allowance]:
        """See `HasAllowances.allowances`: of this month, and of this day for `download today`. A
        total of 0 is no allowance of that kind."""
        answer = await self._api.call(
            wire.Transfers,
            "GET",
            "/vip/v1/quantity/list",
            query=(("type", "transfer"), ("limit", "200")),
        )
        base = answer.base or wire.TransferKinds()
        kinds = {
            "download": base.download,
            "download today": base.download_daily,
            "upload": base.upload,
            "offline": base.offline,
        }
        return [
            Allowance(name, numbers.total_assets, numbers.assets)
            for name, numbers in kinds.items()
            if numbers is not None and numbers.total_assets > 0
        ]

    async def plan(self) -> Plan:
        """See `HasPlan.plan`. One that has ended counts as none."""
        reply = await self._api.call(wire.PlanReply, "GET", "/drive/v1/privilege/vip")
        facts = reply.data or wire.PlanFacts()
        if facts.status.lower() != "ok" or facts.type.lower() in ("", "novip"):
            return Plan("free")
        return Plan(facts.type, wire.time_ns(facts.expire))

    # --- changing ------------------------------------------------------------------------

    async def mkdir(self, parent: Location, name: str) -> Entry:
        """See `Storage.mkdir`."""
        return await self._changes.mkdir(parent, name)

    async def rename(self, item: Found, name: str) -> Entry:
        """See `Storage.rename`."""
        return await self._changes.rename(item, name)

    async def remove(self, items: Sequence[Found]) -> None:
        """See `Storage.remove`."""
        await self._changes.remove(items)

    async def copy(self, item: Found, parent: Location, name: str) -> Entry:
        """See `ServerCopy.copy`."""
        return await self._copies.copy(item, parent, name)

    async def move(self, item: Found, parent: Location, name: str) -> Entry:
        """See `ServerMove.move`."""
        return await self._changes.move(item, parent, name)

    # --- bytes ---------------------------------------------------------------------------

    async def open_read(self, item: Found) -> ReadSource:
        """See `Storage.open_read`."""
        return await self._links.ticket(item)

    async def open_write(
        self, parent: Location, name: str, facts: SourceFacts, *, replace: Found | None, job: str
    ) -> WriteHandle:
        """See `Storage.open_write`. `facts` must hold the GCID."""
        return await self._tickets.begin(parent, name, facts, replace, job)

    async def reopen_write(self, state: bytes) -> WriteHandle:
        """See `Storage.reopen_write`."""
        return await self._tickets.reopen(state)

    async def direct_link(self, item: Found) -> str:
        """A signed link to a file's bytes; good for about a day."""
        ticket = await self._links.ticket(item)
        if not ticket.urls:
            raise Refused("PikPak makes no link to an empty file.")
        return ticket.urls[0]

    async def qualities(self, item: Found) -> Sequence[Quality]:
        """See `PlaysQualities.qualities`."""
        return await self._qualities.all(item)

    async def quality_link(self, item: Found, name: str) -> str:
        """See `PlaysQualities.quality_link`."""
        return await self._qualities.link(item, name) or await self.direct_link(item)

    async def thumbnail(self, item: Found, side: int) -> bytes:
        """See `HasThumbnails.thumbnail`."""
        return await self._thumbnails.read(item, side)

    async def share(
        self,
        item: Found,
        *,
        days: int | None = None,
        password: Secret | None = None,
        most_downloads: int | None = None,
    ) -> Share:
        """See `HasShares.share`: a new link each time, with an end and a pass code if wished."""
        return await self._shares.make(
            item, days=days, password=password, most_downloads=most_downloads
        )

    def scan_shares(self) -> AsyncIterator[Sequence[Share]]:
        """See `HasShares.scan_shares`."""
        return self._shares.scan()

    async def unshare(self, ids: Sequence[str]) -> None:
        """See `HasShares.unshare`."""
        await self._shares.take_back(ids)

    async def change_share(
        self,
        share: Share,
        *,
        days: int | None = None,
        password: Secret | None = None,
        most_downloads: int | None = None,
    ) -> Share:
        """See `ChangesShares.change_share`."""
        return await self._shares.change(
            share, days=days, password=password, most_downloads=most_downloads
        )

    # --- shares of others ----------------------------------------------------------------

    def share_link(self, text: str) -> ShareLink | None:
        """See `OpensShares.share_link`."""
        return share_link(text, self._api.profile)

    async def led_to(self, link: ShareLink) -> SharedItem | None:
        """See `OpensShares.led_to`."""
        return await self._opened.led_to(link)

    def scan_share(
        self, link: ShareLink, folder: SharedItem | None = None
    ) -> AsyncIterator[Sequence[SharedItem]]:
        """See `OpensShares.scan_share`."""
        return self._opened.scan(link, folder)

    async def save_share(
        self, link: ShareLink, parent: Location, items: Sequence[SharedItem] | None = None
    ) -> OfflineTask:
        """See `OpensShares.save_share`."""
        return await self._received.save(link, parent, items)

    async def shared_content(self, link: ShareLink, item: SharedItem) -> str:
        """See `OpensShares.shared_content`."""
        return await self._opened.content(link, item)

    # --- archives ------------------------------------------------------------------------

    async def list_archive(
        self, item: Found, password: Secret | None = None, *, inside: str = ""
    ) -> Sequence[ArchiveEntry]:
        """See `Archives.list_archive`."""
        return await self._archives.look(item, password, inside)

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
        """See `Archives.extract`."""
        if only and delete_source:
            raise rest_is_lost(item)
        task = await self._archives.begin(item, into, password, only)
        return await self._archives.end(
            item, task, delete_source=delete_source, on_progress=on_progress
        )

    async def begin_extract(
        self, item: Found, into: Location | None, password: Secret | None
    ) -> str:
        """See `LastingArchives.begin_extract`."""
        return await self._archives.begin(item, into, password)

    async def end_extract(
        self,
        item: Found,
        task: str,
        *,
        delete_source: bool,
        on_progress: Callable[[int], None] | None = None,
    ) -> Extracted:
        """See `LastingArchives.end_extract`."""
        return await self._archives.end(
            item, task, delete_source=delete_source, on_progress=on_progress
        )

    async def pack_folder(
        self, item: Found, on_progress: Callable[[int], None] | None = None
    ) -> Entry:
        """See `PacksFolders.pack_folder`."""
        return await self._packing.pack(item, on_progress)

    async def unpack_folder(self, item: Found) -> Entry:
        """See `PacksFolders.unpack_folder`."""
        return await self._packing.unpack(item)

    # --- trash ---------------------------------------------------------------------------

    async def trash(self, items: Sequence[Found]) -> list[TrashItem]:
        """See `HasTrash.trash`."""
        return await self._trash.put(items)

    def scan_trash(self) -> AsyncIterator[Sequence[TrashItem]]:
        """See `HasTrash.scan_trash`."""
        return self._trash.scan()

    async def restore(
        self, items: Sequence[TrashItem], to: Location | None = None
    ) -> list[Restored]:
        """See `HasTrash.restore`."""
        return await self._trash.restore(items, to)

    async def delete_forever(self, items: Sequence[TrashItem]) -> None:
        """See `HasTrash.delete_forever`."""
        await self._trash.delete_forever(items)

    async def empty_trash(self, on_progress: Callable[[int], None] | None = None) -> None:
        """See `HasTrash.empty_trash`."""
        await self._trash.empty(on_progress)

    # --- downloads by the service --------------------------------------------------------

    async def add_offline(self, url: str, parent: Location) -> OfflineTask:
        """See `OfflineTasks.add_offline`. A link to somebody's share is saved from there."""
        link = self.share_link(url)
        if link is not None:
            return await self.save_share(link, parent)
        return await self._offline.add(url, parent)

    def scan_offline(self) -> AsyncIterator[Sequence[OfflineTask]]:
        """See `OfflineTasks.scan_offline`."""
        return self._offline.scan()

    async def retry_offline(self, task_id: str) -> OfflineTask:
        """See `OfflineTasks.retry_offline`."""
        return await self._offline.retry(task_id)

    async def remove_offline(self, task_ids: Sequence[str], *, files: bool) -> None:
        """See `OfflineTasks.remove_offline`."""
        await self._offline.remove(task_ids, files=files)

    async def preview_link(self, url: str) -> Preview:
        """See `PreviewsLinks.preview_link`."""
        return await self._behind.look(url)

    async def task_files(self, task_id: str) -> list[TaskFile] | None:
        """See `TellsTaskFiles.task_files`."""
        return await self._offline.files(task_id)

    # --- stars and history ---------------------------------------------------------------

    async def star(self, items: Sequence[Found], *, on: bool) -> None:
        """See `KeepsStars.star`."""
        await self._stars.put(items, on=on)

    def scan_starred(self) -> AsyncIterator[Sequence[Found]]:
        """See `KeepsStars.scan_starred`."""
        return self._stars.scan()

    def scan_history(self, deeds: Collection[Deed] = ()) -> AsyncIterator[Sequence[Happened]]:
        """See `KeepsHistory.scan_history`."""
        return self._history.scan(deeds)

    async def forget_history(self, ids: Sequence[str]) -> None:
        """See `KeepsHistory.forget_history`."""
        await self._history.forget(ids)

    async def clear_history(self) -> None:
        """See `KeepsHistory.clear_history`."""
        await self._history.clear()

    async def invite_code(self) -> str:
        """See `HasInvites.invite_code`."""
        return await self._history.invite_code()

    # --- the rest ------------------------------------------------------------------------

    async def give_captcha(self, token: Secret) -> None:
        """Use a captcha token that a human got from a puzzle, from now on."""
        await self._api.captcha.give(token)

    async def close(self) -> None:
        """See `Storage.close`."""
        await self._lately.close()
        await self._thumbnails.close()
        await self._api.close()
