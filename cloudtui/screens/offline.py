"""Downloads made by a service itself: the list of its tasks, and the box that takes links."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.strip import Strip
from textual.widgets import Button, Static, TextArea

from cloudtui import present
from cloudtui.actions import Place
from cloudtui.keymap import bindings_of
from cloudtui.screens.dialogs import STYLES, Answer, Option, words
from cloudtui.services.errors import CloudError
from cloudtui.services.models import DISK, Location, OfflineTask, TaskPhase
from cloudtui.services.naming import display_name
from cloudtui.services.storage import OfflineTasks
from cloudtui.widgets.job_rows import bar
from cloudtui.widgets.line import Line, Piece
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import cut_middle, pad, pad_left

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen

_POLL_SECONDS = 5.0


def links_in(text: str) -> list[str]:
    """The links of pasted text, one per line, blank lines and repeats left out."""
    lines = (line.strip() for line in text.splitlines())
    return list(dict.fromkeys(line for line in lines if line))


async def add_links(
    tasks: OfflineTasks, links: Sequence[str], to: Location, known: Sequence[OfflineTask]
) -> list[str]:
    """Hand over links one by one; a sentence per link: added, there already, or refused and why."""
    have = {task.url for task in known}
    answers: list[str] = []
    for link in links:
        shown = cut_middle(display_name(link, edges=False), 44)
        if link in have:
            answers.append(f"already in the list: {shown}")
            continue
        try:
            task = await tasks.add_offline(link, to)
        except CloudError as error:
            answers.append(f"refused: {shown}: {present.sentence(error)}")
        else:
            answers.append(f"added: {display_name(task.name)}")
    return answers


class PasteBox(ModalScreen[int]):
    """Takes links, one per line. Gives how many were added."""

    CSS_PATH = STYLES
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False),
        Binding("ctrl+enter,ctrl+j,f5", "add", "add", show=False, priority=True),
    ]
    AUTO_FOCUS = "#links"

    def __init__(
        self,
        tasks: OfflineTasks,
        place: str,
        to: Location,
        main: MainScreen,
        *,
        magnets: bool = True,
    ) -> None:
        super().__init__()
        self._tasks = tasks
        self._place = place
        self._to = to
        self._main = main
        self._busy = False
        self._added = 0
        self._magnets = magnets
        self.shown_since = 0.0

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(f"Offline download to {self._place}")
            kinds = "http, https, magnet, ed2k" if self._magnets else "http, https"
            yield words(f"Links, one per line ({kinds}):")
            yield TextArea(id="links", compact=True, soft_wrap=True, tab_behavior="focus")
            yield words(f"Save to: {display_name(self._to.path)}")
            yield words("F5 or Ctrl+Enter adds them   Tab goes to the answers   Esc", classes="dim")
            yield words("", id="complaint")
            with Vertical(id="answers"), Horizontal():
                yield Answer(Option("Add", "", 0), id="answer-0")
                yield Answer(Option("Close", "", 1), id="answer-1")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "answer-0":
            self.action_add()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Esc."""
        self.dismiss(self._added)

    def action_add(self) -> None:
        """Hand the links over; the box stays when one was refused."""
        field = self.query_one("#links", TextArea)
        links = links_in(field.text)
        if not links or self._busy:
            return
        self._busy = True

        async def work() -> None:
            note = self.query_one("#complaint", Static)
            note.update(Content(f"Adding {present.count(len(links), 'link')}..."))
            known: list[OfflineTask] = []
            try:
                async for page in self._tasks.scan_offline():
                    known.extend(page)
                    break
                answers = await add_links(self._tasks, links, self._to, known)
            except CloudError as error:
                note.update(Content(present.sentence(error)))
                return
            finally:
                self._busy = False
            added = sum(answer.startswith("added") for answer in answers)
            self._added += added
            if added == len(answers):
                self._main.say(f"{present.count(added, 'link')} added.  O shows how they go")
                self._main.folder_changed(self._to)
                self.dismiss(self._added)
                return
            note.update(Content("\n".join(answers)))
            field.text = "\n".join(
                link
                for link, answer in zip(links, answers, strict=True)
                if answer.startswith("refused")
            )

        self.run_worker(work(), group="paste", exit_on_error=False)


class TaskList(RowList):
    """Tasks, newest first."""

    def __init__(self) -> None:
        super().__init__(id="tasks")
        self.tasks: list[OfflineTask] = []
        self.to_disk: Callable[[str], bool] = lambda _task: False
        """Whether a task's result is to come to this disk."""

    def row_count(self) -> int:
        return len(self.tasks)

    @property
    def current(self) -> OfflineTask | None:
        """The task under the cursor."""
        return self.tasks[self.cursor] if 0 <= self.cursor < len(self.tasks) else None

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        task = self.tasks[row]
        bar_width = 18 if width < 110 else 30
        name_width = max(12, width * (28 if width < 90 else 35) // 100)
        name = pad(cut_middle(display_name(task.name or task.url), name_width), name_width)
        size = "" if task.size is None else present.size_short(task.size)
        percent = "100%" if task.phase is TaskPhase.DONE else f"{task.percent:3d}%"
        message = display_name(task.message, edges=False)
        if message.casefold() == task.phase.value:
            message = ""
        if task.phase is TaskPhase.DONE and not message:
            message = "Enter shows it"
        if self.to_disk(task.id):
            message = f"then to disk  {message}".rstrip()
        words_ = f"{percent} {pad_left(size, 5)}  {task.phase.value}  {message}"
        text = f"{'>' if cursor else ' '}{name} {bar(task.percent, bar_width)} {words_}"
        if task.phase is TaskPhase.FAILED:
            text = f"{'>' if cursor else ' '}{name} failed  {message}   r retry"
        if cursor:
            style = "cursor"
        else:
            style = {TaskPhase.FAILED: "bad", TaskPhase.DONE: "good"}.get(task.phase, "row")
        return Strip([Segment(pad(text, width), self.style(style))])


class OfflineScreen(Screen[None]):
    """The tasks of one account, asked every five seconds while shown."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.LIST, Place.OFFLINE)

    def __init__(
        self,
        tasks: OfflineTasks,
        place: str,
        to: Location,
        main: MainScreen,
        *,
        magnets: bool = True,
    ) -> None:
        super().__init__()
        self._tasks = tasks
        self._place = place
        self._to = to
        self._main = main
        self._magnets = magnets
        self.list = TaskList()
        self.message = Line(id="message")
        self._prefix = ""

    def compose(self) -> ComposeResult:
        yield self.list
        yield self.message

    def on_mount(self) -> None:
        fetching, account = self._main.places.fetching, self._to.account
        self.list.to_disk = lambda task: fetching.wanted(account, task)
        self.list.focus()
        self._words()
        self._load()
        self.set_interval(_POLL_SECONDS, self._load)

    def say(self, text: str, *, bad: bool = False) -> None:
        """A sentence in the line below, and in the log."""
        self._main.cloud_app.remember(text)
        pieces: list[Piece] = [(" " + text, "bad" if bad else "text")]
        self.message.show(pieces)

    def _words(self) -> None:
        tasks = self.list.tasks
        fetching = sum(task.phase is TaskPhase.FETCHING for task in tasks)
        failed = sum(task.phase is TaskPhase.FAILED for task in tasks)
        right = f"{fetching} fetching" + (f"   {failed} failed" if failed else "")
        self.list.set_title(f"Offline downloads to {self._place}", right)
        self.list.set_foot(
            "a new   Enter shows it   f to disk   r retry   x drop   D with files   Esc"
        )

    def _load(self) -> None:
        self.run_worker(self._scan(), group="offline", exclusive=True, exit_on_error=False)

    async def _scan(self) -> None:
        fresh: list[OfflineTask] = []
        try:
            async for page in self._tasks.scan_offline():
                fresh.extend(page)
        except CloudError as error:
            self.say(present.sentence(error), bad=True)
            return
        except Exception as error:  # a boundary: a bug becomes a sentence
            self.say(present.sentence(error), bad=True)
            return
        await self._main.places.fetching.told(self._to.account, fresh)
        current = self.list.current
        ids = [task.id for task in fresh]
        self.list.tasks = fresh
        if current is not None and current.id in ids:
            self.list.cursor = ids.index(current.id)
        self.list.cursor = max(0, min(self.list.cursor, len(fresh) - 1))
        self.list.set_notice(*([] if fresh else ["No tasks. a takes links."]))
        self.list.keep_visible()
        self.list.refresh()
        self._words()

    def _act(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        async def guarded() -> None:
            try:
                await work()
            except CloudError as error:
                self.say(f"{what}: {present.sentence(error)}", bad=True)
            self._load()

        self.run_worker(guarded(), group="offline-work", exit_on_error=False)

    # --- keys --------------------------------------------------------------------------------

    def action_move(self, how: str) -> None:
        """Moving keys."""
        self.list.action_move(how)

    def action_prefix(self, key: str) -> None:
        """`c` waits for `u`; `g` goes to the first row."""
        if key == "g":
            self.action_move("first")
        else:
            self.action_copy_url()

    def action_close(self) -> None:
        """Esc."""
        self.dismiss(None)

    def action_reload(self) -> None:
        """Ctrl+R."""
        self._load()

    def action_add(self) -> None:
        """`a`."""

        async def work() -> None:
            await self.app.push_screen_wait(
                PasteBox(self._tasks, self._place, self._to, self._main, magnets=self._magnets)
            )

        self._act("Add", work)

    def action_show(self) -> None:
        """Enter: the result in the pane with focus."""
        task = self.list.current
        if task is None:
            return
        if task.target is None:
            self.say("The service does not say yet where the result is.")
            return
        self.dismiss(None)
        self._main.active.open(task.target.parent, want=task.target.node or task.target.name)

    def action_fetch(self) -> None:
        """`f`: bring the result to the folder of this disk that a pane shows, once it is done."""
        task = self.list.current
        if task is None:
            return
        main = self._main
        sides = (main.active, main.other)
        folder = next((s for s in sides if s.at is not None and s.at.account == DISK), None)
        if folder is None or folder.at is None:
            self.say("No pane shows a folder of this disk: nowhere to bring it. Esc, then @.")
            return
        name = display_name(task.name or task.url)
        if main.places.fetching.toggle(self._to.account, self._tasks, task, folder.at):
            self.say(f"{name} comes to {folder.path} when it is done, while cloudtui runs.")
            self._load()
        else:
            self.say(f"{name} stays where it is fetched to.")
        self.list.refresh()

    def action_retry(self) -> None:
        """`r`."""
        task = self.list.current
        if task is None:
            return

        async def work() -> None:
            await self._tasks.retry_offline(task.id)
            self.say(f"Tried again: {display_name(task.name)}.")

        self._act("Retry", work)

    def action_remove(self, files: bool) -> None:
        """`x` and `D`."""
        task = self.list.current
        if task is None:
            return

        async def work() -> None:
            if files:
                from cloudtui.screens.dialogs import Confirm

                box = Confirm(
                    "Remove the task and its files",
                    [display_name(task.name), "The files go to the trash where there is one."],
                    yes="Remove",
                )
                if not await self.app.push_screen_wait(box):
                    return
            await self._tasks.remove_offline([task.id], files=files)
            kept = "its files too" if files else "files stay"
            self.say(f"Removed the task {display_name(task.name)}; {kept}.")

        self._act("Remove", work)

    def action_copy_url(self) -> None:
        """`c u`."""
        task = self.list.current
        if task is not None:
            self.app.copy_to_clipboard(task.url)
            self.say(f"Sent to the terminal's clipboard: {display_name(task.url, edges=False)}")

    def action_info(self) -> None:
        """`i`."""
        task = self.list.current
        if task is None:
            return
        lines = [
            f"name     {display_name(task.name)}",
            f"link     {display_name(task.url, edges=False)}",
            f"state    {task.phase.value}  {task.percent}%",
            f"target   {display_name(task.target.path) if task.target else 'not known yet'}",
            f"message  {display_name(task.message, edges=False) or '-'}",
        ]

        async def work() -> None:
            from cloudtui.screens.dialogs import Tell

            await self.app.push_screen_wait(Tell("Offline download", lines))

        self._act("Properties", work)
