"""One side of the main screen: which folder it shows, how it got there, and how lists arrive.

Owns location, history, loading and reloading of a pane. Draws nothing: it feeds a `FileList`. All
calls to storages run in workers named after the pane, so the newest request wins and the screen
never waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual.worker import Worker, WorkerCancelled, WorkerFailed

from cloudtui import present
from cloudtui.ports import RuntimePort
from cloudtui.screens.overlay import Overlay
from cloudtui.screens.pane_words import empty_words, shown_path, what_next
from cloudtui.services.addresses import local_path
from cloudtui.services.errors import CloudError
from cloudtui.services.listing import SortBy, amended
from cloudtui.services.models import DISK, Change, Entry, Found, Location
from cloudtui.services.naming import display_name
from cloudtui.widgets.file_list import FileList
from cloudtui.widgets.folder_view import FolderView

if TYPE_CHECKING:
    from cloudtui.services.storage import Storage
    from cloudtui.services.transfers.orders import PartView

_SETTLE_EVERY: Final = 0.25
"""Seconds between two merges of arriving pages: sorting costs, watching rows come does not."""
_REMEMBERED: Final = 16
_FRESH: Final = 2.0
"""Seconds for which a list seen before is not drawn as an older picture while it is read anew."""


@dataclass(slots=True)
class _Remembered:
    view: FolderView
    taken_at: float


@dataclass(slots=True)
class Order:
    """How the rows of one source are ordered; kept per source."""

    by: SortBy = SortBy.NAME
    reverse: bool = False


class Browser:
    """The controller of one pane."""

    def __init__(
        self,
        pane: FileList,
        side: str,
        runtime: Callable[[], Awaitable[RuntimePort]],
        changed: Callable[[Browser], None],
    ) -> None:
        """`changed` is told whenever title, foot or facts may read differently."""
        self.pane = pane
        self.side = side
        self.at: Location | None = None
        self.storage: Storage | None = None
        self.loading = False
        self._relisting = False
        self._again = False
        self._unasked = False
        self.loading_since = 0.0
        self.stopped = False
        self.seen_at: float | None = None
        """When the shown rows were listed, while they are older than the visit."""
        self.error: BaseException | None = None
        self.show_hidden = False
        self.folders_first = True
        self._runtime = runtime
        self._changed = changed
        self._back: list[tuple[Location, str]] = []
        self._forward: list[tuple[Location, str]] = []
        self._above: dict[tuple[str, tuple[str, ...]], Location] = {}
        self._lists: dict[Location, _Remembered] = {}
        self._orders: dict[str, Order] = {}
        self._worker: Worker[None] | None = None
        self._overlay = Overlay()

    # --- what it shows -----------------------------------------------------------------------

    @property
    def view(self) -> FolderView:
        """The rows."""
        return self.pane.view

    @property
    def place(self) -> str:
        """`disk ~/Videos`, `PikPak /Media`: safe to display."""
        if self.at is None:
            return "no source"
        return f"{self.place_name} {self.path}"

    @property
    def place_name(self) -> str:
        """The source alone."""
        if self.at is None:
            return "no source"
        if self.at.account == DISK:
            return "disk"
        title = self.storage.title if self.storage is not None else self.at.account
        if self.storage is not None and self.storage.kind != self.at.account:
            return display_name(f"{title} {self.at.account}")
        return display_name(title)

    @property
    def path(self) -> str:
        """The path as people read it, home folder as `~`."""
        return "" if self.at is None else shown_path(self.at)

    @property
    def filling(self) -> bool:
        """Whether rows of a list that was not seen before still arrive."""
        return self.loading and not self._relisting

    def address(self) -> str:
        """The address as typed in the target field of a box, ending in a slash."""
        return "" if self.at is None else self.address_of(self.at)

    @staticmethod
    def address_of(at: Location) -> str:
        """A folder as it would be typed, ending in a slash."""
        text = str(local_path(at)) if at.account == DISK else str(at)
        return text if text.endswith("/") else text + "/"

    def visited(self) -> list[Location]:
        """Folders this pane was in, the last one first, without the one it shows."""
        seen = [at for at, _ in reversed(self._back)] + [at for at, _ in self._forward]
        return [at for at in seen if at != self.at]

    def taken(self) -> list[Found]:
        """What an action is about, with ids: marked visible rows, else the row under the
        cursor."""
        if self.at is None:
            return []
        return [Found.of(self.at, entry) for entry in self.view.taken()]

    # --- going places ------------------------------------------------------------------------

    def open(self, at: Location, *, want: str = "", remember: bool = True) -> None:
        """Show a folder. `want` is the id of the entry that gets the cursor."""
        if self.at is not None:
            self._keep()
            if self.at.account != at.account:
                self.storage = None
            if remember and at != self.at:
                self._back.append((self.at, self._cursor_id()))
                self._forward.clear()
        self.at = at
        old = self._lists.get(at)
        self.stopped = False
        self.error = None
        self.seen_at = None
        if old is not None:
            self.pane.replace(old.view)
            old.view.show_hidden(self.show_hidden)
            self.pane.stale = time.time() - old.taken_at > _FRESH
            self.seen_at = old.taken_at
            if want:
                old.view.want(want)
        else:
            view = self._new_view(at)
            if want:
                view.want(want)
            self.pane.replace(view, hold=True)
        self._tell()
        self._relisting = old is not None
        self._start()

    def show_early(self, at: Location, entries: Sequence[Entry]) -> None:
        """Show rows that were listed before there was anything to list with."""
        if self.at is not None:
            return
        view = self._new_view(at)
        view.add(entries)
        view.settle()
        self.at = at
        self._lists[at] = _Remembered(view, time.time())
        self.pane.replace(view)
        self._changed(self)

    def _new_view(self, at: Location) -> FolderView:
        order = self._orders.setdefault(at.account, Order())
        twins = self.storage is not None and (
            self.storage.caps.duplicate_names or self.storage.caps.file_and_folder_share_name
        )
        return FolderView(
            has_parent=bool(at.parts),
            twins=twins and at.account != DISK,
            by=order.by,
            reverse=order.reverse,
            hidden=self.show_hidden,
            folders_first=self.folders_first,
        )

    def _keep(self) -> None:
        if self.at is None or self.error is not None:
            return
        if self.loading and self.seen_at is None:
            return
        self._lists.pop(self.at, None)
        taken = self.seen_at if self.seen_at is not None else time.time()
        self._lists[self.at] = _Remembered(self.view, taken)
        while len(self._lists) > _REMEMBERED:
            self._lists.pop(next(iter(self._lists)))

    def _cursor_id(self) -> str:
        entry = self.view.current
        return entry.id if entry is not None else ""

    def enter(self, entry: Entry) -> None:
        """Go into a folder."""
        if self.at is None:
            return
        inside = Found.of(self.at, entry).at
        self._above[inside.account, inside.parts[:-1]] = self.at
        self.open(inside)

    def parent(self) -> None:
        """Go up; the cursor lands on the folder just left."""
        if self.at is None or not self.at.parts:
            return
        self.climb(len(self.at.parts) - 1)

    def climb(self, depth: int) -> None:
        """Go up to the folder above this one that lies so deep; the root lies at 0. The cursor
        lands on the folder inside it that led here."""
        if self.at is None:
            return
        above = left = self.at
        while len(above.parts) > depth:
            left, key = above, (above.account, above.parts[:-1])
            above = self._above.get(key, above.parent)
        if above is not left:
            self.open(above, want=left.node or left.name)

    def back(self) -> None:
        """Where this pane was before."""
        self._travel(self._back, self._forward)

    def forward(self) -> None:
        """Where `back` came from."""
        self._travel(self._forward, self._back)

    def _travel(
        self, source: list[tuple[Location, str]], other: list[tuple[Location, str]]
    ) -> None:
        if not source or self.at is None:
            return
        other.append((self.at, self._cursor_id()))
        at, want = source.pop()
        self.open(at, want=want, remember=False)

    def reload(self) -> None:
        """List again; what is shown stays until the new list is whole."""
        if self.at is None:
            return
        self.stopped = False
        if self.error is not None and not self.view.entries:
            self._tell()
        self.error = None
        self._relisting = bool(self.view.entries)
        self._start()

    def list_again(self) -> None:
        """Something changed in the folder. A list under way is finished first: with changes coming
        faster than lists, none would ever be whole otherwise."""
        if self.loading:
            self._again = True
        else:
            self.reload()
            self._unasked = True

    def amend(self, changes: Sequence[Change], folder: str) -> None:
        """Work what others did into the rows, without listing; `folder` is the folder's id."""
        if self.at is None or self.error is not None:
            return
        own = [change.entry for change in changes if change.id == folder]
        if any(entry is None or entry.name != self.at.name for entry in own):
            self.list_again()  # it may be gone itself
            return
        rows, come = amended(self.view.entries, changes, folder)
        if rows is None and not come:
            return
        view = self.view if rows is None else self._new_view(self.at)
        view.add(self._overlay.without(self.at.account, [*(rows or ()), *come]))
        view.settle()
        if view is not self.view:
            view.adopt(self.view)
            self.pane.replace(view)
        self._tell(*empty_words(self))
        self.pane.redraw()
        self._changed(self)

    async def listed(self) -> bool:
        """Wait for the list under way. Tells whether it became whole."""
        seen: Worker[None] | None = None
        while self.loading and self._worker is not seen and self._worker is not None:
            seen = self._worker
            # shielded: who gives up waiting must neither stop the list nor take it for whole
            await asyncio.shield(_end_of(seen))
        return not (self.loading or self.stopped) and self.error is None

    def stop(self) -> bool:
        """Stop loading. Tells whether there was something to stop."""
        if not self.loading or self._worker is None or self._unasked:
            return False  # nobody who stops a load means the look at what our own change made
        self._worker.cancel()
        self.loading = False
        self._again = False
        self.stopped = True
        self.view.settle()
        self.pane.redraw()
        self._changed(self)
        return True

    def overlay(self, account: str, ids: Iterable[str], *, gone: bool) -> None:
        """Leave removed entries of a cloud out of lists for a while, or take them back."""
        self._overlay.note(account, ids, gone=gone)

    def forget_storage(self) -> None:
        """The sign-in changed: ask for the storage anew."""
        self.storage = None
        self._lists.clear()

    def show_parts(self, parts: Sequence[PartView]) -> None:
        """What lies here unfinished and stands."""
        if self.view.show_parts(parts):
            self.pane.redraw()
            self.words_changed()

    def _tell(self, *sentences: str) -> None:
        """Words below the rows."""
        self.pane.set_notice(*sentences)

    # --- loading -----------------------------------------------------------------------------

    def _start(self) -> None:
        self._again = self._unasked = False
        self.loading = True
        self.loading_since = time.monotonic()
        self._changed(self)
        self._worker = self.pane.run_worker(
            self._load(self.at), group="listing", exclusive=True, exit_on_error=False
        )

    async def _load(self, at: Location | None) -> None:
        if at is None:
            return
        fresh: FolderView | None = None
        try:
            runtime = await self._runtime()
            self.storage = await runtime.storage(at.account)
            fresh = self._new_view(at)
            beside = bool(self.view.entries)
            if not beside:
                self._show(fresh)
            await self._scan(at, fresh, beside=beside)
        except CloudError as error:
            self._failed(error)
            return
        except Exception as error:  # the pane is a boundary: a bug shows as a sentence, not a crash
            self.pane.log.error(f"listing failed: {type(error).__name__}")
            self._failed(error)
            return
        runtime.known.note(at, fresh.entries)
        if self.at != at:
            return
        fresh.settle()
        if self.view is not fresh:
            fresh.adopt(self.view)
            self.pane.replace(fresh)
        self.loading = False
        self.seen_at = None
        self.pane.stale = False
        self._tell(*empty_words(self))
        self.pane.redraw()
        self._changed(self)
        if self._again:
            self.list_again()

    def _show(self, fresh: FolderView) -> None:
        """Put a list on screen while it still fills; what was typed or wanted before stays."""
        fresh.follow(self.view)
        self.pane.replace(fresh, hold=True)

    async def _scan(self, at: Location, fresh: FolderView, *, beside: bool) -> None:
        storage = self.storage
        assert storage is not None
        due = 0.0
        async for page in storage.scan(at):
            if self.at != at:
                return
            fresh.add(self._overlay.without(at.account, page))
            now = time.monotonic()
            if not beside and now >= due:
                fresh.settle()
                cost = time.monotonic() - now
                due = now + max(_SETTLE_EVERY, cost * 8)
                self.pane.redraw()
                self._changed(self)

    def _failed(self, error: BaseException) -> None:
        self.loading = False
        self.error = error
        if self.view.entries:
            self.pane.stale = True
            if self.seen_at is None:
                self.seen_at = time.time()
        else:
            self._tell(present.sentence(error), what_next(self, error))
        self.pane.redraw()
        self._changed(self)

    def words_changed(self) -> None:
        """Filter or hidden files changed: the sentence below an empty list may differ."""
        if not self.loading and self.error is None:
            self._tell(*empty_words(self))

    # --- order -------------------------------------------------------------------------------

    def sort(self, how: str) -> None:
        """`name`, `size`, `changed`, `created`, `extension` or `reverse`; a second time turns
        around."""
        account = self.at.account if self.at is not None else DISK
        order = self._orders.setdefault(account, Order())
        if how == "reverse":
            order.reverse = not order.reverse
        else:
            by = SortBy.MODIFIED if how in ("changed", "modified") else SortBy(how)
            order.reverse = not order.reverse if order.by is by else False
            order.by = by
        self.pane.sort(order.by, reverse=order.reverse)


async def _end_of(worker: Worker[None]) -> None:
    """Come back when it ended, however; what failed is told where it is shown."""
    with contextlib.suppress(WorkerFailed, WorkerCancelled):
        await worker.wait()
