"""Downloads made by a service itself: the list of its tasks and what can be done with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import BindingType
from textual.strip import Strip

from cloudtui import present
from cloudtui.actions import Place
from cloudtui.keymap import bindings_of
from cloudtui.link_words import file_row, in_need, states
from cloudtui.screens.fetching import disk_side
from cloudtui.screens.list_box import ListBox, Row
from cloudtui.screens.list_screen import ListScreen
from cloudtui.screens.pasting import PasteBox
from cloudtui.services.errors import CloudError
from cloudtui.services.models import Location, OfflineTask, TaskPhase
from cloudtui.services.naming import display_name
from cloudtui.services.previews import TaskFile, task_file_teller
from cloudtui.services.storage import OfflineTasks
from cloudtui.widgets.job_rows import bar
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import cut_end, cut_middle, pad, pad_left

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen

_POLL_SECONDS = 5.0
_FULL = 100
_WIDE = 110
_RETRY = "   r retry"
_STYLES = {TaskPhase.FAILED: "bad", TaskPhase.DONE: "good"}


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
        bar_width = 18 if width < _WIDE else 30
        name_width = max(12, width * (28 if width < 90 else 35) // 100)
        name = pad(cut_middle(display_name(task.name or task.url), name_width), name_width)
        size = "" if task.size is None else present.size_short(task.size)
        percent = "100%" if task.phase is TaskPhase.DONE else f"{task.percent:3d}%"
        message = display_name(task.message, edges=False)
        if message.casefold() == task.phase.value:
            message = ""
        if task.phase is TaskPhase.DONE and task.target is not None and not message:
            folder = display_name(task.target.parent.path)
            message = "Enter shows it" if width < _WIDE else f"Enter shows {folder}"
        to_disk = "  then to disk" if self.to_disk(task.id) else ""
        if task.phase is TaskPhase.FAILED:
            told = f" failed{to_disk}  "
            room = width - 1 - name_width - len(told) - len(_RETRY)
            told += f"{cut_end(message, room)}{_RETRY}"
        else:
            told = f" {bar(task.percent, bar_width)} {percent} {pad_left(size, 5)}"
            told += f"  {task.phase.value}{to_disk}  {message}"
        text = f"{'>' if cursor else ' '}{name}{told}"
        style = "cursor" if cursor else _STYLES.get(task.phase, "row")
        return Strip([Segment(pad(text, width), self.style(style))])


class OfflineScreen(ListScreen[TaskList]):
    """The tasks of one account, asked every five seconds while shown."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.LIST, Place.OFFLINE)

    def __init__(
        self,
        tasks: OfflineTasks,
        place: str,
        to: Location,
        main: MainScreen,
    ) -> None:
        super().__init__(TaskList(), main)
        self._tasks = tasks
        self._place = place
        self._to = to
        self._shown_once = False

    def on_mount(self) -> None:
        fetching, account = self._main.places.fetching, self._to.account
        self.list.to_disk = lambda task: fetching.wanted(account, task)
        super().on_mount()
        self.set_interval(_POLL_SECONDS, self.load)

    def words(self) -> None:
        tasks = self.list.tasks
        counts = Counter(task.phase for task in tasks)
        more = "+" if self._loading and not self._shown_once else ""
        parts = [f"{present.exact(len(tasks))}{more} {'task' if len(tasks) == 1 else 'tasks'}"]
        told = [TaskPhase.WAITING, TaskPhase.FETCHING, TaskPhase.FAILED]
        for phase in told if self.size.width >= _FULL else told[1:]:
            if counts[phase]:
                parts.append(f"{present.exact(counts[phase])} {phase.value}")
        self.list.set_title(f"Offline downloads to {self._place}", "  ".join(parts))
        self.list.set_foot(
            "a new   Enter shows it   f to disk   r retry   x drop   C all done   Esc"
        )

    def load(self) -> None:
        if not self._loading:  # a long list takes its time: it is not begun anew meanwhile
            super().load()

    async def scan(self) -> None:
        fresh: list[OfflineTask] = []
        async for page in self._tasks.scan_offline():
            fresh.extend(page)
            if not self._shown_once:  # later only a whole picture, so that no row comes and goes
                self._show(list(fresh))
        self._shown_once = True
        self._show(fresh)
        self.list.set_notice(*([] if fresh else ["No tasks. a takes links."]))
        await self._main.places.fetching.told(self._to.account, fresh)
        self.list.refresh()

    def failed(self, sentence: str) -> None:
        self.say(sentence, bad=True)

    def _show(self, fresh: list[OfflineTask]) -> None:
        current = self.list.current
        self.list.tasks = fresh
        if current is not None:
            same = (row for row, task in enumerate(fresh) if task.id == current.id)
            self.list.cursor = next(same, self.list.cursor)
        self.list.cursor = max(0, min(self.list.cursor, len(fresh) - 1))
        self.list.keep_visible()
        self.list.refresh()
        self.words()

    # --- keys --------------------------------------------------------------------------------

    def action_prefix(self, key: str) -> None:
        """`c` waits for `u`; `g` goes to the first row."""
        if key == "g":
            self.action_move("first")
        else:
            self.action_copy_url()

    def action_add(self) -> None:
        """`a`."""

        async def work() -> None:
            box = PasteBox(self._tasks, self._place, self._to, self._main)
            await self.app.push_screen_wait(box)

        self.act("Add", work)

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
        side = disk_side(self._main)
        if side is None or side.at is None:
            self.say("No pane shows a folder of this disk: nowhere to bring it. Esc, then @.")
            return
        name = display_name(task.name or task.url)
        folder, path = side.at, side.path
        failed = task.phase is TaskPhase.FAILED

        async def work() -> None:
            if await self._main.places.fetching.toggle(self._to.account, task, folder):
                once = "once r fetches it after all" if failed else "when it is done"
                self.say(f"{name} comes to {path} {once}, also after a restart.")
            else:
                self.say(f"{name} stays where it is fetched to.")

        self.act("To disk", work)

    def action_retry(self) -> None:
        """`r`."""
        task = self.list.current
        if task is None:
            return
        if task.phase is TaskPhase.DONE:
            self.say(f"{display_name(task.name)} is done. Enter shows it.")
            return

        async def work() -> None:
            again = await self._tasks.retry_offline(task.id)
            await self._main.places.fetching.follows(self._to.account, task.id, again)
            self.say(f"Tried again: {display_name(task.name)}.")

        self.act("Retry", work)

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

        self.act("Remove", work)

    def action_clear(self) -> None:
        """`C`: what is done leaves the list, but not what is still to come to the disk."""
        ids = [
            task.id
            for task in self.list.tasks
            if task.phase is TaskPhase.DONE and task.id and not self.list.to_disk(task.id)
        ]
        if not ids:
            self.say("Nothing in the list is done.")
            return

        async def work() -> None:
            await self._tasks.remove_offline(ids, files=False)
            self.say(f"{present.count(len(ids), 'task')} dropped; their files stay.")

        self.act("Clear", work)

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
        ]
        message = display_name(task.message, edges=False)
        if message and message != task.phase.value:
            lines.append(f"message  {message}")
        if task.size is not None:
            lines.insert(3, f"size     {present.size_long(task.size)}")

        async def files() -> tuple[str, list[Row]]:
            said, rows = await self._files_of(task)
            return f"files    {said}" if said else "", rows

        async def work() -> None:
            await self.app.push_screen_wait(ListBox("Offline download", lines, [], later=files))

        self.act("Properties", work)

    async def _files_of(self, task: OfflineTask) -> tuple[str, list[Row]]:
        """What is to be said of a task's files, and a row for each; those that are not there yet
        come first."""
        teller = task_file_teller(self._tasks)
        if teller is None or not task.id:
            return "", []
        try:
            files = await teller.task_files(task.id)
        except CloudError as error:
            return present.sentence(error), []
        if files is None:
            return "how far single ones are is not told", []
        return states(files) if files else "", [_file_row(each) for each in in_need(files)]


def _file_row(file: TaskFile) -> Row:
    percent = "" if file.percent is None else f"{file.percent}%"
    message = display_name(file.message, edges=False)
    if not message or message == file.phase.value:
        message = ""
    text = f"{file.phase.value:<8} {percent:>4} {file_row(file.name, file.size)}  {message}"
    return text.rstrip(), _STYLES.get(file.phase, "row")
