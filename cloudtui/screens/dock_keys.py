"""The dock with keys: what can be done to jobs on their own screen, below the panes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from cloudtui.actions import Place
from cloudtui.keymap import bindings_of
from cloudtui.ports import RuntimePort
from cloudtui.screens.job_keys import JobKeys
from cloudtui.services.models import Location
from cloudtui.services.transfers.orders import JobView
from cloudtui.widgets import job_rows
from cloudtui.widgets.dock import Dock

if TYPE_CHECKING:
    from cloudtui.screens.layout_keys import LayoutKeys


class JobDock(Dock, JobKeys):
    """The dock of one main screen. While it has the focus no key acts on files."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of(Place.LIST, Place.TRANSFERS),
        Binding("tab,shift+tab", "close", "back to the pane", show=False),
    ]

    def __init__(self, screen: LayoutKeys, *, ascii_only: bool) -> None:
        super().__init__(id="dock", ascii_only=ascii_only, opened=screen.places.transfers)
        self._main = screen

    @property
    def job(self) -> JobView | None:
        return self.current

    @property
    def shown_jobs(self) -> Sequence[JobView]:
        return self.jobs

    @property
    def runtime(self) -> RuntimePort:
        return self._main.running

    def say(self, text: str, *, bad: bool = False) -> None:
        self._main.say(text, bad=bad)

    def wake(self) -> None:
        self._main.bridge.wake()

    def show_target(self, at: Location) -> None:
        self.action_close()
        self._main.active.open(at)

    def words(self) -> str:
        """What is told about the job under the cursor."""
        view = self.current
        return "" if view is None else job_rows.journey(view)

    # --- keys --------------------------------------------------------------------------------

    def action_prefix(self, key: str) -> None:
        """`g g`: the only sequence here."""
        self.action_move("first")

    def action_details(self) -> None:
        """Enter: the questions of the job, else the job among all of them."""
        view = self.current
        if view is None:
            return
        if view.files_asking:
            self.decide(view)
        else:
            self.opened(view.id)

    def action_filter(self) -> None:
        """`/`: where all jobs are."""
        self.opened("" if self.current is None else self.current.id)

    def action_close(self) -> None:
        """Esc, Tab: the keys go to the pane again."""
        self._main.focus_side(self._main.active.side)
