"""A film or music in another form than its own bytes: which one, and a link to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from cloudtui.screens.pick_screen import PickScreen
from cloudtui.screens.sharing import MadeLink
from cloudtui.services.media import PlaysQualities, Quality
from cloudtui.services.models import Found
from cloudtui.services.naming import display_name
from cloudtui.services.storage import Storage
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import cut_end, pad

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen


class QualityList(RowList):
    """Numbered forms, the original first."""

    DEFAULT_CSS = """
    QualityList { width: 78; max-width: 100%; max-height: 90%; background: $surface; }
    """

    def __init__(self, forms: Sequence[Quality]) -> None:
        super().__init__(id="forms")
        self.forms = forms

    def row_count(self) -> int:
        return len(self.forms)

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        form = self.forms[row]
        number = f"{row + 1:2d}" if row < 9 else "  "
        name = pad(cut_end(display_name(form.name), 14), 14)
        text = f"{'>' if cursor else ' '}{number} {name} {form.words}"
        style = "cursor" if cursor else "row" if form.given else "dim"
        return Strip([Segment(pad(cut_end(text, width), width), self.style(style))])


class QualityScreen(PickScreen[Quality, QualityList]):
    """Gives the form to play, None for none. `name` is safe to display."""

    def __init__(self, name: str, forms: Sequence[Quality]) -> None:
        super().__init__(QualityList(forms))
        self._name = name

    def on_mount(self) -> None:
        super().on_mount()
        self.list.set_title(f"Play {self._name}")
        self.list.set_foot("Enter links it   Esc stays")
        self.list.styles.height = len(self.list.forms) + 2

    def action_choose(self) -> None:
        """Enter."""
        self.dismiss(self.list.forms[self.list.cursor])


async def other_quality(screen: MainScreen, storage: Storage, item: Found) -> None:
    """`c q`: choose a form, then its link, to be opened or taken along. Raises CloudError."""
    place: object = storage
    name = display_name(item.entry.name)
    if not isinstance(place, PlaysQualities) or not storage.caps.allows("qualities"):
        reason = storage.caps.refused.get("qualities", "")
        screen.say(reason or f"{storage.title} plays no other form of a file than its own.")
        return
    if item.entry.is_folder:
        screen.say(f"{name} is a folder: only files are played.")
        return
    forms = await place.qualities(item)
    if not forms:
        screen.say(f"{storage.title} has no other form of {name}. c l links the file itself.")
        return
    form = await screen.app.push_screen_wait(QualityScreen(name, forms))
    if form is None:
        return
    link = await place.quality_link(item, form.name)
    where = "for whoever holds it" if storage.caps.links_anywhere else "from this network only"
    told = f" ({form.words})" if form.words else ""
    sentences = [
        f"{name} in {display_name(form.name)}{told}: works for some hours, {where}.",
        "Players take the link; a browser shows what it can play.",
    ]
    await screen.app.push_screen_wait(MadeLink("Link to play", sentences, link))
