"""Boxes that show a link to be opened elsewhere: whole, to copy, as QR code, in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, Static

from cloudtui.screens.dialogs import STYLES, Dialog, Option, words
from cloudtui.services.naming import display_name

T = TypeVar("T")

COPY, OPEN, QR = "copy", "open", "qr"


def qr_lines(text: str, *, border: int = 2) -> list[str]:
    """The QR code of `text`, two rows of modules a line in half blocks, with a quiet border of some
    modules. Blocks are dark modules, to be drawn black on white."""
    import segno

    code = segno.make(text, error="l", micro=False, boost_error=False)
    rows = [list(row) for row in code.matrix_iter(scale=1, border=border)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    blocks = {(1, 1): "█", (1, 0): "▀", (0, 1): "▄", (0, 0): " "}
    return [
        "".join(blocks[upper and 1, lower and 1] for upper, lower in zip(top, bottom, strict=True))
        for top, bottom in zip(rows[::2], rows[1::2], strict=True)
    ]


class QrCode(Widget):
    """A QR code, black on white whatever the theme: cameras want it so."""

    DEFAULT_CSS = "QrCode { width: auto; height: auto; }"
    _STYLE: ClassVar[Style] = Style(color="#000000", bgcolor="#ffffff")

    def __init__(self, text: str, rows: int) -> None:
        """`rows` are there: the border shrinks where that makes the code fit."""
        super().__init__()
        self._lines = qr_lines(text)
        if len(self._lines) > rows:
            self._lines = qr_lines(text, border=1)

    @property
    def needed(self) -> tuple[int, int]:
        """Columns and rows."""
        return len(self._lines[0]), len(self._lines)

    def get_content_width(self, container: object, viewport: object) -> int:
        return len(self._lines[0])

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        text = self._lines[y] if y < len(self._lines) else ""
        return Strip([Segment(text, self._STYLE)])


class QrScreen(ModalScreen[None]):
    """The QR code of a link; any of its keys goes back."""

    CSS_PATH = STYLES
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,k,q", "dismiss(None)", "back", show=False)
    ]

    def __init__(self, link: str) -> None:
        super().__init__()
        self._link = link

    def compose(self) -> ComposeResult:
        size = self.app.size
        code = QrCode(self._link, size.height)
        columns, rows = code.needed
        if columns > size.width or rows > size.height:
            yield words(
                f"The QR code needs {columns} columns and {rows} rows, there are {size.width} and "
                f"{size.height}. Make the window larger, or Esc and copy the link.",
                id="too-small",
            )
        else:
            yield code


class LinkDialog(Dialog[T], Generic[T]):
    """A dialog around a link: three answers that handle it, then those of the subclass."""

    def __init__(
        self,
        title: str,
        sentences: Sequence[str],
        options: Sequence[Option[T]],
        *,
        link: str,
        safe: T,
    ) -> None:
        super().__init__(title, sentences, options, safe=safe)
        self.link = link

    def link_part(self) -> ComposeResult:
        """The link, whole, and its keys."""
        yield words(display_name(self.link, edges=False), id="link", classes="strong")
        yield words("c copies the link   o opens a browser   k shows a QR code", classes="dim")

    def show_link(self, link: str) -> None:
        """Another link came."""
        self.link = link
        self.query_one("#link", Static).update(Content(display_name(link, edges=False)))

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy_link", "copy", show=False, id="sign_in.copy"),
        Binding("o", "open_link", "browser", show=False, id="sign_in.open"),
        Binding("k", "qr", "QR code", show=False, id="sign_in.qr"),
    ]

    def on_paste(self, event: events.Paste) -> None:
        """A paste means the field, wherever the focus is: the letters of the link stay keys."""
        fields = self.query("#text").results(Input)
        for field in fields:
            event.stop()
            field.value = event.text.strip().partition("\n")[0]
            field.focus()

    def complain(self, text: str) -> None:
        """A sentence below the fields."""
        self.query_one("#complaint", Static).update(Content(text))

    def action_copy_link(self) -> None:
        """`c`."""
        self.app.copy_to_clipboard(self.link)
        self.complain("Sent to the terminal's clipboard.")

    def action_open_link(self) -> None:
        """`o`."""
        from cloudtui.services.browser import open_url

        if self.link and open_url(self.link):
            self.complain("Opened in the browser.")
        else:
            self.complain("No browser could be opened here. c copies the link.")

    def action_qr(self) -> None:
        """`k`."""
        if self.link:
            self.app.push_screen(QrScreen(self.link))
