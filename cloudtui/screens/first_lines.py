"""The first lines of a text beside the panes: a few thousand bytes of what a name calls a text."""

from __future__ import annotations

from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from cloudtui.ports import RuntimePort
from cloudtui.screens.viewer import decoded, text_rows
from cloudtui.services.models import Entry, Found, Kind
from cloudtui.services.naming import split_extension
from cloudtui.widgets.rows import pad

LOOKED_AT: Final = 4096
"""Bytes that are fetched: some eighty lines."""

_TEXTS: Final = frozenset(
    (
        *("txt", "md", "rst", "log", "csv", "tsv", "json", "jsonl", "xml", "yaml", "yml", "toml"),
        *("ini", "cfg", "conf", "nfo", "srt", "sub", "ass", "vtt", "m3u", "m3u8", "cue", "sha1"),
        *("md5", "sfv", "html", "htm", "css", "js", "ts", "py", "sh", "c", "h", "cpp", "rs", "go"),
        *("java", "sql", "tex", "diff", "patch"),
    )
)
_NAMED: Final = frozenset(("readme", "license", "licence", "changelog", "makefile", "copying"))
_SURELY_TEXT: Final = 1 << 20
"""Bytes up to which an ending that films have, too, is a text's."""


def is_text(entry: Entry) -> bool:
    """Whether a name promises text."""
    if entry.kind is not Kind.FILE or not entry.size:
        return False
    stem, ending = split_extension(entry.name)
    if ending.lower() == ".ts" and entry.size > _SURELY_TEXT:
        return False
    return ending.lower().removeprefix(".") in _TEXTS or stem.lower() in _NAMED


async def first_lines(
    runtime: RuntimePort, item: Found, room: tuple[int, int], style: Style
) -> tuple[list[Strip], str]:
    """As many first lines of a file as fit into columns and rows, and words where it is no text.
    Raises CloudError."""
    data = await runtime.first_bytes(item, LOOKED_AT)
    size = item.entry.size
    text = decoded(data, whole=size is not None and size <= len(data))
    if text is None:
        return [], "It holds bytes that are no text."
    rows = text_rows(text, room[0])[: room[1]]
    return [Strip([Segment(pad(row, room[0]), style)]) for row in rows], ""
