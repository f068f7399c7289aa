"""Looking at a file: the first 64 KiB as text, or as bytes where it is none; a picture as one.

A picture of a cloud is the service's own small one: no byte of the file is read until its bytes are
asked for.

Whatever the file holds is shown as marks, never sent to the terminal: every line goes through the
one function that makes foreign text harmless.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from rich.cells import cell_len
from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.strip import Strip

from cloudtui import present
from cloudtui.actions import Place
from cloudtui.keymap import bindings_of
from cloudtui.ports import RuntimePort
from cloudtui.services.errors import CloudError
from cloudtui.services.media import LARGE, is_picture
from cloudtui.services.models import Found
from cloudtui.services.naming import display_name
from cloudtui.widgets.hearing import heard, place_words
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import cut_start, pad

SHOWN: Final = 64 * 1024
"""Bytes that are fetched for looking."""
_TAB: Final = 4
_HEX: Final = 16
_ODD: Final = 0.1
"""Share of characters that are no text from which on bytes are shown instead."""


def decoded(data: bytes, *, whole: bool) -> str | None:
    """The text of a file's beginning, None when it is none. `whole`: nothing was left out, so a
    last character that is cut off counts as wrong."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        even = data[: len(data) // 2 * 2]
        return even.decode("utf-16", errors="replace")
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if not whole and error.start >= len(data) - 3:
            return data[: error.start].decode("utf-8-sig")
    text = data.decode("utf-8-sig", errors="replace")
    odd = text.count("\ufffd") + sum(ord(char) < 32 and char not in "\t\n\r\f" for char in text)
    return None if odd > len(text) * _ODD else text


def wrapped(line: str, width: int) -> Iterator[str]:
    """A line in pieces of at most `width` cells; an empty line is one piece."""
    width = max(8, width)
    if line.isascii():
        yield from (line[at : at + width] for at in range(0, max(1, len(line)), width))
        return
    piece, used = "", 0
    for char in line:
        cells = cell_len(char)
        if used + cells > width:
            yield piece
            piece, used = "", 0
        piece += char
        used += cells
    yield piece


def text_rows(text: str, width: int) -> list[str]:
    """Rows of text that are safe to display."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    rows: list[str] = []
    for line in text.removesuffix("\n").split("\n"):
        rows += wrapped(display_name(line.expandtabs(_TAB), edges=False), width)
    return rows


def byte_rows(data: bytes) -> list[str]:
    """Rows of sixteen bytes: place, numbers, and the characters they may stand for."""
    rows = []
    for at in range(0, len(data), _HEX):
        piece = data[at : at + _HEX]
        numbers = f"{piece[:8].hex(' '):23}  {piece[8:].hex(' '):23}"
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece)
        rows.append(f"{at:08x}  {numbers}  {letters}")
    return rows


class Content(RowList):
    """Rows of a file. Keys scroll; only where the screen is listened to a cursor goes over them."""

    def __init__(self) -> None:
        super().__init__(id="content")
        self.data = b""
        self.whole = True
        self.as_bytes = False
        self._rows: list[str] = []
        self._picture: Sequence[Strip] = ()

    def show_picture(self, picture: Sequence[Strip]) -> None:
        """Show the lines of a picture; none takes it away again."""
        self._picture = picture
        self._rows = []
        self.top = 0
        self.refresh()

    def fill(self, data: bytes, *, whole: bool) -> None:
        """Show this beginning of a file."""
        self.data = data
        self.whole = whole
        self.as_bytes = decoded(data, whole=whole) is None
        self.lay_out()

    def lay_out(self) -> None:
        """Make the rows anew: the width changed, or what is shown."""
        if self._picture:
            return
        text = None if self.as_bytes else decoded(self.data, whole=self.whole)
        if not self.data:
            self._rows = []
        elif text is None:
            self._rows = byte_rows(self.data)
        else:
            self._rows = text_rows(text, self.inner_width - 1)
        self.top = min(self.top, max(0, len(self._rows) - 1))
        self.cursor = self.top
        self.stand_when_placed()
        self.refresh()

    def row_count(self) -> int:
        return len(self._picture) or len(self._rows)

    def on_resize(self) -> None:
        super().on_resize()
        self.lay_out()

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        if self._picture:
            return self._picture[row].adjust_cell_length(width, self.style("row"))
        return Strip([Segment(pad(" " + self._rows[row], width), self.style("row"))])

    @property
    def spoken(self) -> str:
        if not 0 <= self.cursor < len(self._rows):
            return " ".join(self.notice) or "nothing"
        row = self._rows[self.cursor].strip() or "empty line"
        return f"{row}, line {place_words(self.cursor, len(self._rows))}"

    def action_move(self, how: str) -> None:
        """The moving keys scroll."""
        if heard():
            super().action_move(how)
            return
        page = max(1, self.body_height - 1)
        highest = max(0, self.row_count() - self.body_height)
        steps = {
            "up": -1, "down": 1, "page_up": -page, "page_down": page, "first": -self.row_count(),
            "last": self.row_count(), "half_up": -page // 2, "half_down": page // 2,
        }  # fmt: skip
        self.top = max(0, min(highest, self.top + steps[how]))
        self.cursor = self.top
        self.refresh()


class ViewerScreen(Screen[None]):
    """The beginning of one file."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.LIST, Place.VIEWER)

    def __init__(self, runtime: RuntimePort, item: Found, where: str) -> None:
        super().__init__()
        self._runtime = runtime
        self._item = item
        self._where = where
        self._pictured = is_picture(item.entry)
        self._picture = b""
        self._measure = ""
        self.content = Content()

    def compose(self) -> ComposeResult:
        yield self.content

    def on_mount(self) -> None:
        self.content.focus()
        self._begin()

    def _begin(self) -> None:
        """Fetch what is shown: a picture, else the first bytes."""
        self.content.set_notice("Reading...")
        self._words()
        # not begun here: a coroutine that another replaces at once would never be awaited
        self.run_worker(
            self._look if self._pictured else self._read,  # type: ignore[arg-type]
            group="viewer",
            exclusive=True,
            exit_on_error=False,
        )

    def _words(self) -> None:
        entry = self._item.entry
        size = entry.size
        if self._pictured:
            right = self._measure
        elif size is None:
            right = ""
        elif size > SHOWN:
            right = f"first {present.size_long(SHOWN)} of {present.size_long(size)}"
        else:
            right = present.size_long(size)
        width = max(20, self.app.size.width - len(right) - 10)
        self.content.set_title(
            cut_start(f"{self._where}  {display_name(entry.name)}", width), right
        )
        if self._pictured:
            self.content.set_foot("x bytes   Esc closes")
            return
        other = "text" if self.content.as_bytes else "bytes"
        if is_picture(entry):
            other = "picture"
        self.content.set_foot(f"Up Down PgUp PgDn scroll   x {other}   Esc closes")

    async def _look(self) -> None:
        from cloudtui.screens.glances import ground_of, picture_words
        from cloudtui.services.decoding import decoded_beside
        from cloudtui.widgets.half_blocks import can_draw, half_blocks

        content = self.content
        try:
            if not self._picture:
                self._picture = await self._runtime.picture_bytes(self._item, LARGE)
            width, height = self.app.size
            box = (max(1, width - 2), max(2, (height - 2) * 2))
            picture = await decoded_beside(self._picture, box, ground_of(self.app))
        except CloudError as error:
            content.set_notice(present.sentence(error), "x shows the first 64 KiB of the file.")
            return
        except Exception as error:  # a boundary: a bug becomes a sentence
            content.set_notice(present.sentence(error))
            return
        self._measure = picture_words(picture)
        if can_draw(self.app):
            content.set_notice()
            content.show_picture(half_blocks(picture, box[0], content.style("row")))
        else:
            content.set_notice(f"{self._measure}. x shows its bytes.")
        self._words()

    def on_resize(self) -> None:
        """A picture is made to fit anew."""
        if self._pictured and self._picture:
            self.content.show_picture(())
            self._begin()

    async def _read(self) -> None:
        try:
            data = await self._runtime.first_bytes(self._item, SHOWN)
        except CloudError as error:
            self.content.set_notice(present.sentence(error))
            return
        except Exception as error:  # a boundary: a bug becomes a sentence
            self.content.set_notice(present.sentence(error))
            return
        self.content.set_notice(*([] if data else ["The file is empty."]))
        size = self._item.entry.size
        self.content.fill(data, whole=size is not None and size <= len(data))
        self._words()

    def action_move(self, how: str) -> None:
        """Moving keys."""
        self.content.action_move(how)

    def action_prefix(self, key: str) -> None:
        """`g g`: the only sequence here."""
        self.action_move("first")

    def action_bytes(self) -> None:
        """`x`: text or bytes, a picture or its bytes."""
        if is_picture(self._item.entry):
            self._pictured = not self._pictured
            self.content.show_picture(())
            self._begin()
            return
        self.content.as_bytes = not self.content.as_bytes
        self.content.top = 0
        self.content.lay_out()
        self._words()

    def action_close(self) -> None:
        """Esc."""
        self.dismiss(None)
