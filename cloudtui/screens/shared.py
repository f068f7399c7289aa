"""A look into somebody's public link: folders to enter, marks, and only those things saved.

Nothing is fetched or saved by looking. A pass code that is missing or wrong is asked for here and
goes no further than the service.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual.binding import BindingType

from cloudtui import present
from cloudtui.actions import Place
from cloudtui.keymap import bindings_of
from cloudtui.screens.dialogs import Prompt, Tell
from cloudtui.screens.file_actions import amount, names_line
from cloudtui.screens.sharing import MadeLink
from cloudtui.screens.tree_list import TreeRow, TreeScreen
from cloudtui.services.errors import CloudError, PasswordNeeded
from cloudtui.services.models import DISK, Found, Location, OfflineTask, Secret, TaskPhase
from cloudtui.services.naming import display_name
from cloudtui.services.shares import OpensShares, SharedItem, ShareLink, outermost
from cloudtui.widgets.facts import property_lines
from cloudtui.widgets.rows import cut_start

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen

_INTO = 20

Saved = Callable[[Sequence[OfflineTask]], Awaitable[None]]
"""Told what was saved."""


def row_of(item: SharedItem) -> TreeRow[SharedItem]:
    """Something in a share."""
    entry = item.entry
    size = None if entry.is_folder else entry.size
    return TreeRow(entry.id, entry.name, entry.is_folder, size, item)


class SharedScreen(TreeScreen[SharedItem]):
    """One link."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.LIST, Place.SHARED)
    top_words = "That is all the link shows. Esc closes."
    file_words = "A file: Space marks it, F5 saves what is marked."

    def __init__(
        self, place: OpensShares, link: ShareLink, to: Location, main: MainScreen, told: Saved
    ) -> None:
        """`to` is where things are saved unless another folder is typed; `told` learns of it."""
        super().__init__(main)
        self._place = place
        self._link = link
        self._to = to
        self._told = told
        self._start: SharedItem | None = None
        """What the link leads to, below the top of the share."""

    def words(self) -> None:
        rows = self.list
        above = f"/{display_name('/'.join(self._start.parts))}" if self._start is not None else ""
        where = above + self.where
        count = "loading" if self._loading else present.count(len(rows.all), "item")
        rows.set_title(f"Shared by others{f': {where}' if where else ''}", count)
        chosen = len(rows.marks)
        marked = f"{present.exact(chosen)} marked   " if chosen else ""
        current = rows.current
        opens = "Enter opens   " if current is not None and current.is_folder else ""
        what = "saves them" if chosen else "saves this"
        into = cut_start(display_name(self._to.path), _INTO)
        keys = f"{marked}{opens}Space mark   F5 {what} to {into}   Esc"
        rows.set_foot(rows.filter_words() or keys)

    async def scan(self) -> None:
        while True:
            try:
                return await super().scan()
            except PasswordNeeded as error:
                box = Prompt("Pass code of the link", [error.text], secret=True)
                typed = await self.app.push_screen_wait(box)
                if not typed:
                    raise
                self._link = replace(self._link, code=Secret(typed))

    async def pages_of(
        self, folder: TreeRow[SharedItem] | None
    ) -> AsyncIterator[Sequence[TreeRow[SharedItem]]]:
        if folder is None and self._start is None:
            self._start = await self._place.led_to(self._link)
        at = folder.item if folder is not None else self._start
        async for page in self._place.scan_share(self._link, at):
            yield [row_of(item) for item in page]

    # --- keys --------------------------------------------------------------------------------

    def action_save(self) -> None:
        """F5: these and nothing else, into a folder that can be changed in the box."""
        items = outermost([row.item for row in self.list.chosen()])
        if not items:
            self.say("Nothing to save here: the cursor is on no row, and nothing is marked.")
            return

        async def work() -> None:
            box = Prompt(
                "Save from the link",
                [_named(items), "Into the folder:"],
                value=str(self._to),
                yes="Save",
                kind="address",
            )
            typed = await self.app.push_screen_wait(box)
            if not typed:
                return
            to = (await self._main.runtime()).parse(typed).at
            if to.account != self._to.account:
                self.say("A link is saved only into the account that looks into it.")
                return
            self._to = to if to.parts != self._to.parts else self._to
            self.list.unmark()
            self.say(f"Saving {present.count(len(items), 'item')}: it goes on when you leave.")
            # the main screen stays: a save that was begun is not to end with this one
            self._main.run_worker(self._save(items, self._to), group="saving", exit_on_error=False)

        self.act("Save", work, again=False)

    async def _save(self, items: Sequence[SharedItem], to: Location) -> None:
        try:
            task = await self._place.save_share(self._link, to, items)
            await self._told([task])
        except (CloudError, OSError) as error:
            self._tell(f"Save: {present.sentence(error)}", bad=True)
            return
        where = display_name((task.target or to).path)
        if task.there:
            where += f". Already there from before: {task.there}"
        if task.phase is TaskPhase.DONE:
            self._tell(f"Saved {display_name(task.name)}: {where}")
        else:
            self._tell(f"{display_name(task.name)} goes on being saved by the service: {where}")

    def _tell(self, text: str, *, bad: bool = False) -> None:
        """In the message line of the screen that is seen."""
        say = getattr(self._main.app.screen, "say", self._main.say)
        say(text, bad=bad)

    def action_link(self) -> None:
        """`c`: a direct link to the file under the cursor."""
        row = self.list.current
        if row is None:
            return

        async def work() -> None:
            link = await self._place.shared_content(self._link, row.item)
            name = display_name(row.name)
            sentence = f"{name}: works for some hours, for whoever holds it."
            await self.app.push_screen_wait(MadeLink("Direct link", [sentence], link))

        self.act("Link", work, again=False)

    def action_info(self) -> None:
        """`i`: all that is known of the row under the cursor."""
        row = self.list.current
        if row is None:
            return

        async def work() -> None:
            lines = property_lines(row.item.entry, "/" + display_name("/".join(row.item.folders)))
            await self.app.push_screen_wait(Tell("Properties", lines))

        self.act("Properties", work, again=False)


def _named(items: Sequence[SharedItem]) -> str:
    found = [Found(Location(DISK, item.parts), item.entry) for item in items]
    return f"{amount(found)}: {names_line(found)}"
