"""Rows as pure text: widths, cutting, signs, hostile names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from cloudtui.services.models import Entry, Flag, Kind
from cloudtui.widgets import rows
from cloudtui.widgets.frame import ASCII, LINES_FOCUSED, frame_for

PLAIN = Style()
LOOK = rows.Look(*([PLAIN] * 11))
NAMES = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("映画👨\u200d👩\u200d👧\u0301é\x1b\u202e[/]~"),
    ),
    min_size=1,
    max_size=80,
)


def entry(name: str, kind: Kind = Kind.FILE, size: int | None = 5, **more: object) -> Entry:
    return Entry(name, name, kind, size, 1_746_220_440_000_000_000, **more)  # type: ignore[arg-type]


def text_of(name: str, width: int, **state: bool) -> str:
    flags = {"cursor": False, "active": True, "marked": False, **state}
    strip = rows.entry_strip(entry(name), rows.Columns.for_width(width), LOOK, **flags)
    return strip.text


@given(NAMES, st.integers(12, 120))
def test_every_row_is_exactly_as_wide_as_its_pane(name: str, width: int) -> None:
    text = text_of(name, width)
    assert cell_len(text) == width
    assert "\x1b" not in text
    assert "\u202e" not in text


@given(NAMES, st.integers(1, 60))
def test_cut_text_fits_and_padding_fills(name: str, width: int) -> None:
    from cloudtui.services.naming import display_name

    shown = display_name(name)
    for cut in (rows.cut_end, rows.cut_middle, rows.cut_start):
        assert cell_len(cut(shown, width)) <= width
    assert cell_len(rows.pad(shown, width)) == width


def test_a_long_name_keeps_its_extension_and_what_stands_before_it() -> None:
    assert rows.cut_middle("very-long-name-of-S01E02.mkv", 23) == "very-long-na~S01E02.mkv"
    assert rows.cut_middle("short.mkv", 23) == "short.mkv"
    assert rows.cut_start("/a/very/long/path", 8) == "~ng/path"


def test_a_wide_character_that_does_not_fit_leaves_a_space() -> None:
    assert rows.pad("映画", 3) in ("映~", "~  ", "映 ")
    assert cell_len(rows.pad("映画", 3)) == 3


@pytest.mark.parametrize(
    ("cursor", "marked", "sign"),
    [(True, False, ">"), (False, True, "*"), (True, True, "#"), (False, False, " ")],
)
def test_signs_say_what_colour_says(cursor: bool, marked: bool, sign: str) -> None:
    assert text_of("a", 40, cursor=cursor, marked=marked)[0] == sign


def test_the_pane_without_focus_has_no_cursor_sign() -> None:
    assert text_of("a", 40, cursor=True, active=False)[0] == " "


def test_columns_give_way_the_date_first() -> None:
    wide, full, compact, narrow = (rows.Columns.for_width(w) for w in (72, 58, 38, 28))
    assert (wide.date, full.date, compact.date, narrow.date) == (16, 12, 7, 0)
    assert narrow.size == 5
    assert rows.Columns.for_width(14).size == 0


def test_kinds_have_words_where_a_size_would_be() -> None:
    columns = rows.Columns.for_width(38)

    def shown(one: Entry) -> str:
        return rows.entry_strip(
            one, columns, LOOK, cursor=False, active=True, marked=False, twin=3
        ).text

    assert "DIR" in shown(entry("d", Kind.FOLDER, None))
    assert "d/" in shown(entry("d", Kind.FOLDER, None))
    assert "LNK" in shown(entry("l", Kind.LINK))
    assert " ? " in shown(entry("u", size=None))
    assert "u  =3" in shown(entry("u"))


def test_flags_change_the_style() -> None:
    bad, dim = Style(color="red"), Style(dim=True)
    look = rows.Look(
        **{**dict.fromkeys(rows.Look.__dataclass_fields__, PLAIN), "bad": bad, "dim": dim}
    )
    assert rows.name_style(entry("b", flags=Flag.BLOCKED), look) is bad
    assert rows.name_style(entry("p", flags=Flag.PENDING), look) is dim


def test_heads_show_the_order() -> None:
    columns = rows.Columns.for_width(58)
    assert "Name^" in rows.head_text(columns, "name", reverse=False)
    assert "Sizev" in rows.head_text(columns, "size", reverse=True)
    for by in ("name", "size", "modified", "extension"):
        for width in (28, 38, 58, 72):
            text = rows.head_text(rows.Columns.for_width(width), by, reverse=True)
            assert cell_len(text) == width


def test_frames_keep_their_width_and_drop_what_has_no_room() -> None:
    for width in (4, 10, 20, 40):
        for frame in (ASCII, LINES_FOCUSED):
            edge = "".join(frame.edge("disk ~/Videos", "[1/2]", width=width, top=True))
            assert cell_len(edge) == width
    assert "[1/2]" in "".join(ASCII.edge("a", "[1/2]", width=40, top=True))
    assert frame_for(focused=True, ascii_only=True).across == "="
