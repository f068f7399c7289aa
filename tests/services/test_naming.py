"""Names: what is shown, what is stored, what may lie on this disk."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudtui.services.naming import (
    PCLOUD_RULES,
    PIKPAK_RULES,
    cut_name,
    decode_name,
    display_name,
    encode_name,
    fold,
    local_name,
    numbered,
    sort_key,
)

NAMES = st.text(
    st.one_of(
        st.characters(codec="utf-8", exclude_characters="/\0"),
        st.sampled_from(' .‛␠．／＼：␁␉␡\\:*?"<>|\x01\t\x7f'),
        st.sampled_from([chr(0xDC80), chr(0xDCFF)]),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain.txt", "plain.txt"),
        ("a [/b]", "a [/b]"),
        ("\x1b[31mred", "<1B>[31mred"),
        ("a\nb\tc", "a<0A>b<09>c"),
        ("c1\x9b31m", "c1<9B>31m"),
        ("rtl\u202egnp.exe", "rtl<202E>gnp.exe"),
        ("zero\u200bwidth", "zero<200B>width"),
        ("line\u2028end", "line<2028>end"),
        ("bad\udcff", "bad\ufffd"),
        (" both ", "_both_"),
        ("   ", "___"),
        ("in side", "in side"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("a\u200db", "a<200D>b"),
    ],
)
def test_display_marks_what_a_terminal_must_not_see(name: str, shown: str) -> None:
    assert display_name(name) == shown


@given(st.text(st.characters()))
def test_display_never_emits_controls_or_bidi(name: str) -> None:
    for char in display_name(name):
        assert unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"}
        assert char not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"


@pytest.mark.parametrize(
    ("local", "stored"),
    [
        ("a<b", "a＜b"),
        ('a"b', "a＂b"),
        ("a\\b", "a＼b"),
        ("tab\tx", "tab␉x"),
        (" lead", "␠lead"),
        ("  x", "␠ x"),
        ("x  ", "x ␠"),
        ("dot..", "dot.．"),
        (". ", ".␠"),
        (" .", "␠．"),
        (".", "．"),
        ("..", "．．"),
        (".hidden", ".hidden"),
        ("a：b", "a‛：b"),
        ("a．", "a‛．"),
        ("a‛b", "a‛‛b"),
        ("\udcff", "‛FF"),
        ("del\x7f", "del\x7f"),
    ],
)
def test_pikpak_names_are_stored_as_rclone_stores_them(local: str, stored: str) -> None:
    assert encode_name(local, PIKPAK_RULES) == stored
    assert decode_name(stored, PIKPAK_RULES) == local


@pytest.mark.parametrize(
    ("local", "stored"),
    [
        ("back\\slash", "back＼slash"),
        ("ctl\x01x", "ctl␁x"),
        ("del\x7fx", "del␡x"),
        ("bad\udcff\udcfebytes", "bad‛FF‛FEbytes"),
        ("fullwidth＼bs", "fullwidth‛＼bs"),
        ("ctlpic␉", "ctlpic‛␉"),
        ("colon:name", "colon:name"),
        ("trail.", "trail."),
        (" lead", " lead"),
    ],
)
def test_pcloud_names_are_stored_as_rclone_stores_them(local: str, stored: str) -> None:
    assert encode_name(local, PCLOUD_RULES) == stored
    assert decode_name(stored, PCLOUD_RULES) == local


@pytest.mark.parametrize("rules", [PIKPAK_RULES, PCLOUD_RULES])
@given(name=NAMES)
def test_storing_a_name_can_be_undone(rules: frozenset[object], name: str) -> None:
    chosen = PIKPAK_RULES if rules == PIKPAK_RULES else PCLOUD_RULES
    assert decode_name(encode_name(name, chosen), chosen) == name


@given(st.text(st.characters()))
def test_a_local_name_is_never_a_path(name: str) -> None:
    made = local_name(name)
    assert made not in {"", ".", ".."}
    assert "/" not in made
    assert "\0" not in made
    assert len(os.fsencode(made)) <= 255


@pytest.mark.parametrize("name", ["aux", "CON.txt", "a:b", "trail.", "trail "])
def test_windows_gets_no_name_it_refuses(name: str) -> None:
    made = local_name(name, windows=True)
    assert made != name
    assert not set(made) & set('<>:"|?*\\')
    assert made[-1] not in ". "


def test_copies_are_numbered_before_the_extension() -> None:
    assert numbered("a.txt", 1) == "a (1).txt"
    assert numbered("a.tar.gz", 2) == "a (2).tar.gz"
    assert numbered(".bashrc", 1) == ".bashrc (1)"
    assert numbered("folder", 3) == "folder (3)"


@pytest.mark.parametrize(
    "name", ["x" * 400, "ü" * 200 + ".txt", "a" * 255, "/" * 200, "\ud800" * 90]
)
def test_numbers_of_long_names_differ(name: str) -> None:
    made = {local_name(numbered(local_name(name), n)) for n in range(1, 12)}
    assert len(made) == 11
    assert all(len(each.encode()) <= 255 for each in made)


def test_cutting_keeps_the_extension_and_whole_characters() -> None:
    made = cut_name("ü" * 200 + ".txt", 255)
    assert made.endswith(".txt")
    assert len(made.encode()) <= 255


def test_numbers_sort_as_people_count() -> None:
    names = ["file10", "file2", "File1", "file02b"]
    assert sorted(names, key=sort_key) == ["File1", "file2", "file02b", "file10"]


def test_folding_is_blind_to_case_accent_and_width() -> None:
    assert fold("CAFÉ") == fold("cafe") == fold("ＣＡＦＥ")
