"""The box that takes links for a service to fetch: one per line, each with its own answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Static, TextArea

from cloudtui import present
from cloudtui.link_words import behind, file_row, is_one_file, room_words
from cloudtui.screens.dialogs import STYLES, Answer, Option, spoken_line, words
from cloudtui.screens.fetching import disk_side
from cloudtui.screens.list_box import ListBox, Row
from cloudtui.services.errors import CloudError
from cloudtui.services.models import Location, OfflineTask, TaskPhase
from cloudtui.services.naming import display_name
from cloudtui.services.previews import Preview, PreviewsLinks, link_previewer, needed, room_of
from cloudtui.services.shares import OpensShares, without_code
from cloudtui.services.storage import OfflineTasks
from cloudtui.widgets.rows import cut_middle, cut_start

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen


_PATH = 52
"""Cells for a path."""
_LINK = 44
"""Cells for a link before what is said of it."""
_NAME = 46
"""Cells for the name of what a link leads to."""


def links_in(text: str) -> list[str]:
    """The links of pasted text, one per line, blank lines and repeats left out."""
    lines = (line.strip() for line in text.splitlines())
    return list(dict.fromkeys(line for line in lines if line))


@dataclass(frozen=True, slots=True)
class Given:
    """What became of one link: a task, or a sentence why there is none. `again` means that it may
    be mended and tried again."""

    link: str
    words: str
    task: OfflineTask | None = None
    again: bool = False


def _about(link: str, said: str) -> str:
    """What is said of a link, behind it where the words do not name it."""
    if display_name(link[:80]) in said:
        return said
    shown = display_name(without_code(link), edges=False)
    return f"{cut_middle(shown, _LINK)}: {said}"


async def add_links(
    tasks: OfflineTasks, links: Sequence[str], to: Location, known: Sequence[OfflineTask]
) -> list[Given]:
    """Hand over links one by one: each is added, there already, or refused with the reason."""
    have = {task.url for task in known if task.phase is not TaskPhase.FAILED}
    answers: list[Given] = []
    for link in links:
        if link in have:
            shown = cut_middle(display_name(without_code(link), edges=False), _LINK)
            answers.append(Given(link, f"already in the list: {shown}"))
            continue
        try:
            task = await tasks.add_offline(link, to)
        except CloudError as error:
            answers.append(Given(link, f"refused: {_about(link, str(error))}", again=True))
        else:
            answers.append(Given(link, f"added: {display_name(task.name)}", task))
    return answers


async def look_behind(
    previewer: PreviewsLinks, links: Sequence[str]
) -> tuple[list[Row], list[Preview]]:
    """Rows for a list, each link with its files or with the reason why there are none, and what is
    known of the good ones."""
    rows: list[Row] = []
    seen: list[Preview] = []
    for link in links:
        try:
            found = await previewer.preview_link(link)
        except CloudError as error:
            rows.append((_about(link, error.text), "bad"))
            continue
        seen.append(found)
        name = display_name(found.name or without_code(link), edges=False)
        rows.append((f"{cut_middle(name, _NAME)}  {behind(found)}", "strong"))
        if is_one_file(found):
            continue
        rows += [(file_row(each.path, each.size), "row") for each in found.files]
        more = (found.count or 0) - len(found.files)
        if more > 0:
            rows.append((f"       and {present.count(more, 'file')} more", "dim"))
    return rows, seen


class PasteBox(ModalScreen[int]):
    """Takes links, one per line. Gives how many were added."""

    CSS_PATH = STYLES
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False),
        Binding("ctrl+enter,ctrl+j,f5", "add", "add", show=False, priority=True),
        Binding("f3", "to_disk", "to disk when done", show=False, priority=True),
        Binding("f4", "look", "what is inside", show=False, priority=True),
    ]
    AUTO_FOCUS = "#links"

    def __init__(self, tasks: OfflineTasks, place: str, to: Location, main: MainScreen) -> None:
        super().__init__()
        self._tasks = tasks
        self._place = place
        self._to = to
        self._main = main
        self._busy = False
        self._added = 0
        self._previewer = link_previewer(tasks)
        self._disk: Location | None = None
        self.shown_since = Message().time

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(f"Offline download to {self._place}")
            magnets = self._tasks.caps.magnets
            kinds = "http, https, magnet, ed2k" if magnets else "http, https"
            yield words(f"Links, one per line ({kinds}):")
            yield TextArea(id="links", compact=True, soft_wrap=True, tab_behavior="focus")
            yield words(f"Save to: {cut_start(display_name(self._to.path), _PATH)}")
            yield words(self._disk_words(), id="to-disk")
            yield words(
                "F5 or Ctrl+Enter adds them   F3 to the disk when done, or not   Esc", classes="dim"
            )
            if self._previewer is not None:
                share = "; enters a share" if self._tasks.caps.opens_shares else ""
                yield words(f"F4 shows what is inside, without fetching it{share}", classes="dim")
            yield words("", id="complaint")
            with Vertical(id="answers"), Horizontal():
                yield Answer(Option("Add", "", 0), id="answer-0")
                yield Answer(Option("Close", "", 1), id="answer-1")
            yield from spoken_line()

    def _disk_words(self) -> str:
        if self._disk is None:
            return "When done: stays there"
        return f"When done: comes to {cut_start(display_name(self._disk.path), _PATH)}"

    def action_to_disk(self) -> None:
        """F3."""
        if self._disk is not None:
            self._disk = None
        else:
            side = disk_side(self._main)
            self._disk = side.at if side is not None else None
            if self._disk is None:
                self._tell("No pane shows a folder of this disk to bring it to.")
        self.query_one("#to-disk", Static).update(Content(self._disk_words()))

    def _tell(self, text: str) -> None:
        self.query_one("#complaint", Static).update(Content(text))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "answer-0":
            self.action_add()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Esc."""
        self.dismiss(self._added)

    def action_look(self) -> None:
        """F4: what lies behind the links, and whether there is room for it."""
        field = self.query_one("#links", TextArea)
        links = links_in(field.text)
        if self._enter_share(field.document.get_line(field.cursor_location[0]), links):
            return
        previewer = self._previewer
        if previewer is None:
            self._tell("What lies behind a link is not told here before it is fetched.")
            return
        if not links or self._busy:
            return
        self._busy = True

        async def work() -> None:
            self._tell(f"Looking behind {present.count(len(links), 'link')}...")
            try:
                rows, seen = await look_behind(previewer, links)
                room = await room_of(self._tasks)
            except (CloudError, OSError) as error:
                self._tell(present.sentence(error))
                return
            finally:
                self._busy = False
            self._tell("")
            said = room_words(seen, room, self._place)
            box = ListBox(
                "Behind the links",
                [said] if said else [],
                rows,
                yes="Add",
                careful=room.fits(needed(seen)[0]) is False,
            )
            if await self.app.push_screen_wait(box):
                self.action_add()

        self.run_worker(work(), group="paste", exit_on_error=False)

    def _enter_share(self, line: str, links: Sequence[str]) -> bool:
        """Look into the share that the line with the cursor leads to, or the only link there is;
        whether there is one."""
        opener: object = self._tasks
        if self._busy or not isinstance(opener, OpensShares) or not self._tasks.caps.opens_shares:
            return False
        link = opener.share_link(line) or (opener.share_link(links[0]) if len(links) == 1 else None)
        if link is not None:
            from cloudtui.screens.shared import SharedScreen

            self._tell("")
            self.app.push_screen(SharedScreen(opener, link, self._to, self._main, self._follow))
        return link is not None

    def action_add(self) -> None:
        """Hand the links over; the box stays when one was refused."""
        field = self.query_one("#links", TextArea)
        links = links_in(field.text)
        if not links or self._busy:
            return
        self._busy = True

        async def work() -> None:
            self._tell(f"Adding {present.count(len(links), 'link')}...")
            try:
                known = [task async for page in self._tasks.scan_offline() for task in page]
                answers = await add_links(self._tasks, links, self._to, known)
                await self._follow([given.task for given in answers if given.task is not None])
            except (CloudError, OSError) as error:
                self._tell(present.sentence(error))
                return
            finally:
                self._busy = False
            if all(given.task is not None for given in answers):
                self._main.say(f"{present.count(self._added, 'link')} added.  O shows how they go")
                self.dismiss(self._added)
                return
            self._tell("\n".join(given.words for given in answers))
            field.text = "\n".join(given.link for given in answers if given.again)

        self.run_worker(work(), group="paste", exit_on_error=False)

    async def _follow(self, added: Sequence[OfflineTask]) -> None:
        """Have the ends of new tasks told, and their results brought down when that is wanted."""
        fetching, account = self._main.places.fetching, self._to.account
        self._added += len(added)
        fetching.going(account, added)
        if added:
            self._main.folder_changed(self._to)
        if self._disk is not None:
            for task in added:
                if task.id:
                    await fetching.toggle(account, task, self._disk)
                else:
                    await fetching.bring_at_once(account, task, self._disk)
