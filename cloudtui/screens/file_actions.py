"""What the main screen does to files: copy, move, rename, new folder, trash, delete, undo.

Each action takes the ids of its rows when it is asked for, asks what must be asked, calls the
service in a worker and says the result in one line. It holds no rule of the services: those refuse
with their own sentences.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cloudtui import present
from cloudtui.screens.browser import Browser
from cloudtui.screens.ordering import configured, order_of, ordered
from cloudtui.screens.taking_back import Sent, can_be_taken_back, way_back
from cloudtui.screens.whole_lists import with_the_rest
from cloudtui.services.errors import CloudError, Exists, NotSupported
from cloudtui.services.models import Found, Location, TrashItem, TrashKind
from cloudtui.services.naming import display_name, split_extension
from cloudtui.services.storage import HasTrash, Restored, Storage, TrashRevokesLinks
from cloudtui.services.transfers.orders import JobView, Order, Source, Verb

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen

_UNDO_STEPS: Final = 20
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Step:
    """Something that can be undone: what it was called and how to take it back."""

    words: str
    back: Callable[[], Awaitable[str]]


def names_line(items: Sequence[Found]) -> str:
    """`a.txt   b/   12 more`: names spelled out before anything happens to them."""
    shown = [
        display_name(item.entry.name) + ("/" if item.entry.is_folder else "")
        for item in items[:_NAMED]
    ]
    if len(items) > _NAMED:
        shown.append(f"{present.exact(len(items) - _NAMED)} more")
    return "   ".join(shown)


def amount(items: Sequence[Found]) -> str:
    """`14 items, 96.4 GiB`: the size of the files, since folders are not walked unasked."""
    size = sum(item.entry.size or 0 for item in items if not item.entry.is_folder)
    folders = sum(item.entry.is_folder for item in items)
    words = present.count(len(items), "item")
    if size:
        words += f", {present.size_long(size)}" + (" and folders" if folders else "")
    return words


def unseen_words(count: int) -> str:
    """What is said of marked rows that a filter hides."""
    return f"{present.count(count, 'marked item is', 'marked items are')} not shown now: left out."


async def lost_links(storage: Storage, items: Sequence[Found]) -> tuple[int, list[str]]:
    """How many public links a delete would take back, and what to say of them: the links, as many
    as fit; a sentence where they are not known."""
    place: object = storage
    if not isinstance(place, TrashRevokesLinks):
        return 0, []
    links = await place.public_links_on(items)
    if links is None:
        return 0, [f"{storage.title} does not show programs whether public links lead here."]
    if not links:
        return 0, []
    shown = [display_name(link) for link in links[:_NAMED]]
    if len(links) > _NAMED:
        shown.append(f"{present.exact(len(links) - _NAMED)} more")
    words = f"{present.count(len(links), 'public link')} will be taken back:"
    return len(links), [words, *shown]


class FileActions:
    """Actions of one main screen."""

    def __init__(self, screen: MainScreen) -> None:
        self.screen = screen
        self.undo_steps: list[Step] = []
        self._sent: dict[str, Sent] = {}

    def _say(self, text: str, *, bad: bool = False) -> None:
        self.screen.say(text, bad=bad)

    def _run(self, work: Callable[[], Awaitable[None]], what: str) -> None:
        """Do `work` in a worker; every failure becomes a sentence."""

        async def guarded() -> None:
            try:
                await work()
            except CloudError as error:
                self._say(f"{what}: {present.sentence(error)}", bad=True)
            except Exception as error:  # the screen is a boundary: a bug becomes a sentence
                self.screen.log.error(f"{what} failed: {type(error).__name__}")
                self._say(f"{what}: {present.sentence(error)}", bad=True)

        self.screen.run_worker(guarded(), group="files", exit_on_error=False)

    def _ready(self, browser: Browser) -> Storage | None:
        if browser.at is None or browser.storage is None:
            self._say("This pane shows no folder yet. @ chooses a source.")
            return None
        return browser.storage

    def remember(self, words: str, back: Callable[[], Awaitable[str]]) -> None:
        """Put a step on the undo list."""
        self.undo_steps.append(Step(words, back))
        del self.undo_steps[:-_UNDO_STEPS]

    # --- copy and move -----------------------------------------------------------------------

    def transfer(
        self,
        verb: Verb,
        items: Sequence[Found],
        target: Browser,
        source: Browser,
        *,
        ask: bool = True,
        options: bool = False,
    ) -> None:
        """A job, after the F5 or F6 box. Without `ask` it begins at once, as the settings say; with
        `options` the box offers all of them."""
        if not items:
            self._say("Nothing to take here: the cursor is on no item.")
            return
        if target.at is None:
            self._say("The other pane shows no folder. Tab, then @ chooses a source.")
            return
        unseen = source.view.marked_unseen

        async def work() -> None:
            sentences = [f"{amount(items)} from {source.place}", names_line(items)]
            if unseen:
                sentences.append(unseen_words(unseen))
            if verb is Verb.MOVE and source.place_name != target.place_name:
                sentences.append("Each source is removed after its copy is checked.")
            sources = [Source(item.at) for item in items]
            runtime = await self.screen.runtime()
            order: Order | None
            if ask or target.at is None:
                order = await ordered(
                    self.screen, verb, sources, sentences, target, options=options
                )
            else:
                order = order_of(verb, sources, target.at, configured(runtime))
            if order is None:
                return
            sent = Sent(verb, tuple(items), items[0].at.parent, order.target)
            place_there = await runtime.storage(order.target.account)
            undoable = await can_be_taken_back(sent, place_there, target)
            job = await runtime.transfers.submit(order)
            if undoable:
                self._sent[job] = sent
            source.view.clear_marks(item.entry.id for item in items)
            source.pane.redraw()
            verb_word = "Copying" if verb is Verb.COPY else "Moving"
            if order.paused:
                self._say(f"{present.count(len(items), 'item')} wait in the queue.  w shows it")
            else:
                self._say(f"{verb_word} {present.count(len(items), 'item')}.  w shows the jobs")
            self.screen.bridge.wake()

        self._run(work, "Copy" if verb is Verb.COPY else "Move")

    def job_ended(self, view: JobView) -> str:
        """A job reached its end: the key that takes it back, empty where none does."""
        sent = self._sent.pop(view.id, None)
        step = None if sent is None else way_back(self.screen, sent, view)
        if step is None:
            return ""
        self.remember(*step)
        return "    u undo"

    # --- names -------------------------------------------------------------------------------

    def rename(self, browser: Browser) -> None:
        """`r`: the name in a box, the cursor before the extension; of several all in one text."""
        storage = self._ready(browser)
        if storage is not None and browser.view.marked and len(browser.taken()) > 1:
            self._rename_many(browser, storage, browser.taken())
            return
        entry = browser.view.current
        if storage is None or entry is None or browser.at is None:
            self._say("Nothing to rename here.")
            return
        at = browser.at
        item = Found.of(at, entry)

        async def work() -> None:
            from cloudtui.screens.dialogs import NamePrompt

            shown = display_name(entry.name, edges=False)
            safe = shown == entry.name
            lines = [] if safe else ["The name holds characters that are shown as marks here."]
            stem = entry.name if entry.is_folder else split_extension(entry.name)[0]
            box = NamePrompt(
                f"Rename on {browser.place_name}",
                lines,
                value=shown,
                cursor=len(stem) if safe else len(shown),
                yes="Rename",
            )
            name = await self.screen.app.push_screen_wait(box)
            if name is None or name in (entry.name, shown):
                return
            new = await storage.rename(item, name)
            browser.view.clear_marks([entry.id])
            self._say(f"Renamed to {display_name(new.name)}.    u undo")

            async def back() -> str:
                await storage.rename(Found.of(at, new), entry.name)
                self.screen.folder_changed(at, want=entry.id)
                return f"{display_name(entry.name)} has its old name again."

            self.remember(f"rename to {display_name(new.name)}", back)
            self.screen.folder_changed(at, want=new.id)

        self._run(work, "Rename")

    def _rename_many(self, browser: Browser, storage: Storage, items: Sequence[Found]) -> None:
        at = items[0].at.parent if browser.at is None else browser.at

        async def work() -> None:
            from cloudtui.screens.renaming import rename_many, steps

            told = await rename_many(browser, storage, items, self.screen.app.push_screen_wait)
            if told is None:
                return
            sentence, done, failure = told
            browser.view.clear_marks(item.entry.id for item in items if failure is None)
            self.screen.folder_changed(at)

            async def back() -> str:
                now = {entry.id: entry for entry, _ in done}
                for key, name in steps(done):
                    now[key] = await storage.rename(Found.of(at, now[key]), name)
                self.screen.folder_changed(at)
                return f"Old names again: {present.count(len(done), 'item')}."

            if done:
                self.remember(f"rename {present.count(len(done), 'item')}", back)
            self._say(sentence + ("    u undo" if done else ""), bad=failure is not None)

        self._run(work, "Rename")

    def mkdir(self, browser: Browser) -> None:
        """F7: a folder, with parents as typed."""
        storage = self._ready(browser)
        if storage is None or browser.at is None:
            return
        at = browser.at

        async def work() -> None:
            from cloudtui.screens.dialogs import NamePrompt

            box = NamePrompt(
                f"New folder in {browser.place}",
                ["a/b/c makes each of them."],
                yes="Make",
                parents=True,
            )
            text = await self.screen.app.push_screen_wait(box)
            if text is None:
                return
            first = ""
            folder = at
            made: list[Found] = []
            for name in text.strip("/").split("/"):
                try:
                    entry = await storage.mkdir(folder, name)
                    made.append(Found.of(folder, entry))
                except Exists:
                    found = await storage.stat(folder.child(name))
                    if not found.entry.is_folder or name == text.strip("/").rpartition("/")[2]:
                        raise
                    entry = found.entry
                first = first or entry.id
                folder = Found.of(folder, entry).at
            self._say(f"Made {display_name(text)}.    u undo")

            async def back() -> str:
                for item in reversed(made):
                    async for page in storage.scan(item.at):
                        if page:
                            return f"{display_name(item.entry.name)}/ is no longer empty: kept."
                    await storage.remove([item])
                self.screen.folder_changed(at)
                return f"Removed the new folder {display_name(text)}."

            self.remember(f"new folder {display_name(text)}", back)
            self.screen.folder_changed(at, want=first)

        self._run(work, "New folder")

    # --- trash and delete --------------------------------------------------------------------

    def trash(self, browser: Browser) -> None:
        """F8: to the trash of the place; asks for folders and for several items."""
        storage = self._ready(browser)
        marked = browser.taken()
        if storage is None or browser.at is None or not marked:
            if storage is not None:
                self._say("Nothing to delete here: the cursor is on no item.")
            return
        if not isinstance(storage, HasTrash) or storage.caps.trash is TrashKind.NONE:
            self.delete(browser, no_trash=True)
            return
        at = browser.at
        keeper: HasTrash = storage
        unseen = browser.view.marked_unseen
        place = browser.place

        async def work() -> None:
            items = await with_the_rest(self.screen, browser, marked)
            if items is None:
                return
            lost, links = await lost_links(storage, items)
            if len(items) > 1 or items[0].entry.is_folder or lost:
                from cloudtui.screens.dialogs import Confirm

                sentences = [f"{amount(items)}, from {place}", names_line(items), *links]
                if unseen:
                    sentences.append(unseen_words(unseen))
                sentences.append("u can undo this.")
                if not await self.screen.app.push_screen_wait(
                    Confirm("Move to trash", sentences, yes="Trash")
                ):
                    return
            self._say(f"Moving {present.count(len(items), 'item')} to the trash...")
            gone = []
            try:
                gone = await keeper.trash(items)
            finally:
                self.screen.overlay(at.account, [one.entry.id for one in gone], gone=True)
                self.screen.folder_changed(at)
            browser.view.clear_marks(item.entry.id for item in items)
            self._told_trashed(keeper, at, items, gone)

        self._run(work, "Trash")

    def _told_trashed(
        self, keeper: HasTrash, at: Location, items: Sequence[Found], gone: Sequence[TrashItem]
    ) -> None:
        one = display_name(items[0].entry.name) if len(items) == 1 else ""
        what = one or present.count(len(gone), "item")
        if len(gone) < len(items):
            left = present.count(len(items) - len(gone), "item")
            self._say(f"Moved to trash: {what}. {left} could not be moved and stay.", bad=True)
        else:
            self._say(f"Moved to trash: {what}    u undo")

        async def back() -> str:
            restored = await keeper.restore(gone)
            self.screen.overlay(at.account, [one.entry.id for one in gone], gone=False)
            self.screen.folder_changed(at, want=restored[0].item.entry.id if restored else "")
            return restored_words(restored)

        if gone:
            self.remember(f"trash {what}", back)

    def delete(self, browser: Browser, *, no_trash: bool = False) -> None:
        """`D`: for ever, after typing the word."""
        storage = self._ready(browser)
        marked = browser.taken()
        if storage is None or browser.at is None or not marked:
            return
        at = browser.at
        unseen = browser.view.marked_unseen
        place = browser.place

        async def work() -> None:
            from cloudtui.screens.dialogs import TypeWord

            items = await with_the_rest(self.screen, browser, marked)
            if items is None:
                return
            _, links = await lost_links(storage, items)
            sentences = [f"{amount(items)}, {place}", names_line(items), *links]
            if no_trash:
                reason = storage.caps.refused.get("trash", "")
                sentences.insert(0, reason or f"{storage.title} has no trash here.")
            if unseen:
                sentences.append(unseen_words(unseen))
            sentences.append("This cannot be undone.")
            box = TypeWord("Delete for ever", sentences, word=f"delete {len(items)}", yes="Delete")
            if await self.screen.app.push_screen_wait(box) is None:
                return
            self._say(f"Deleting {present.count(len(items), 'item')}...")
            try:
                await storage.remove(items)
                self.screen.overlay(at.account, [item.entry.id for item in items], gone=True)
            finally:
                self.screen.folder_changed(at)
            browser.view.clear_marks(item.entry.id for item in items)
            self._say(f"Deleted for ever: {present.count(len(items), 'item')}.")

        self._run(work, "Delete")

    # --- undo --------------------------------------------------------------------------------

    def undo(self) -> None:
        """Take back the newest step of this run."""
        if not self.undo_steps:
            self._say("Nothing to undo.")
            return
        step = self.undo_steps.pop()
        self._say(f"Undo: {step.words}...")

        async def work() -> None:
            try:
                self._say(await step.back())
            except NotSupported:
                raise
            except CloudError:
                self.undo_steps.append(step)
                raise

        self._run(work, f"Undo of {step.words}")


def restored_words(restored: Sequence[Restored]) -> str:
    """Where things are again; notes of what did not go back to its old place come first."""
    notes = [one.note for one in restored if one.note]
    if len(restored) == 1 and not notes:
        one = restored[0]
        folder = display_name(one.at.parent.path)
        return f"Restored {display_name(one.item.entry.name)} to {folder}."
    words = f"Restored {present.count(len(restored), 'item')}."
    if notes:
        words += " " + " ".join(notes[:2])
        if len(notes) > 2:
            words += f" {len(notes) - 2} more notes."
    return words
