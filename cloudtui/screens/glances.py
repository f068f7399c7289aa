"""Pictures beside the panes: a small one of the row on which the cursor rests, or its first lines.

A place is asked for what it has of its own; of a file in a cloud only the beginning of a text is
ever read for looking. The last few are kept, so that going back and forth asks for nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from textual.app import App
from textual.color import Color
from textual.strip import Strip

from cloudtui import present
from cloudtui.screens.first_lines import first_lines, is_text
from cloudtui.services.decoding import Picture, Rgb, decoded_beside
from cloudtui.services.errors import CloudError, NotFound
from cloudtui.services.media import SMALL, has_thumbnail, is_picture
from cloudtui.services.models import DISK, Entry, Flag, Found
from cloudtui.services.storage import Storage
from cloudtui.widgets.half_blocks import can_draw, half_blocks

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen

_KEPT: Final = 32
"""Pictures that are kept: some hundred kilobytes each."""
_LEAST: Final = (8, 3)
"""Columns and rows below which a picture shows nothing."""
_CLOSED: Final = Flag.PENDING | Flag.ENCRYPTED | Flag.BLOCKED

Glance = tuple[Sequence[Strip], str]


def ground_of(app: App[Any]) -> Rgb:
    """The colour behind what is transparent: the screen's own, black where the terminal has its."""
    color = Color.parse(app.theme_variables["background"])
    return (0, 0, 0) if color.ansi is not None else color.rgb


def picture_words(picture: Picture) -> str:
    """`JPEG picture, 4,000 x 3,000`."""
    wide, high = map(present.exact, picture.original)
    return f"{picture.format} picture, {wide} x {high}"


class Glances:
    """Looks at rows for one main screen."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen
        self._seen: OrderedDict[tuple[Found, tuple[int, int]], Glance] = OrderedDict()

    def look(self, entry: Entry) -> None:
        """Show a picture of the row with the cursor, when it has come, unless the cursor is
        elsewhere by then."""
        browser, facts = self._screen.active, self._screen.facts
        if facts.entry != entry:
            return  # the cursor went on while the word of its rest was on its way
        if browser.at is None or browser.storage is None or not _may_have(browser.storage, entry):
            return
        item, room = Found.of(browser.at, entry), facts.room
        if room < _LEAST or room[1] < _LEAST[1]:
            return
        known = self._seen.get((item, room))
        if known is not None:
            self._seen.move_to_end((item, room))
            facts.show_picture(*known)
            return
        # not begun here: what is given up before its first step would never be awaited
        facts.run_worker(
            partial(self._fetch, item, room, browser.storage.title),  # type: ignore[arg-type]
            group="picture",
            exclusive=True,
            exit_on_error=False,
        )

    async def _fetch(self, item: Found, room: tuple[int, int], title: str) -> None:
        facts = self._screen.facts
        glance: Glance = ((), "")
        try:
            glance = await self._glance(item, room, title)
        except NotFound:
            pass  # most files have none: that is no news
        except CloudError as error:
            facts.show_picture((), present.sentence(error))  # and not kept: it may go better
            return
        except Exception as error:  # a boundary: a bug becomes a sentence
            facts.show_picture((), present.sentence(error))
            return
        self._seen[item, room] = glance
        while len(self._seen) > _KEPT:
            self._seen.popitem(last=False)
        if facts.entry == item.entry:
            facts.show_picture(*glance)

    async def _glance(self, item: Found, room: tuple[int, int], title: str) -> Glance:
        runtime, app = await self._screen.runtime(), self._screen.app
        if is_text(item.entry):
            return await first_lines(runtime, item, room, self._screen.facts.style("row"))
        data = await runtime.picture_bytes(item, SMALL)
        picture = await decoded_beside(data, (room[0], room[1] * 2), ground_of(app))
        words = picture_words(picture)
        if item.at.account != DISK:
            words += f", made by {title}"
        if not can_draw(app):
            return (), words
        return half_blocks(picture, room[0] + 2, self._screen.facts.style("row")), words


def _may_have(storage: Storage, entry: Entry) -> bool:
    """Whether it is worth asking for a picture of a row, or for its first lines."""
    if entry.flags & _CLOSED:
        return False
    if is_text(entry):
        return True
    if storage.account == DISK:
        return is_picture(entry)
    return storage.caps.allows("thumbnails") and has_thumbnail(entry)
