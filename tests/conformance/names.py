"""Names with every character that rclone maps for PikPak or pCloud, in all places of a name."""

from __future__ import annotations

import os

PRINTED = '<>":?*|\\'
CONTROL = "".join(map(chr, range(1, 32)))
"""With the slash, NUL, DEL and what is no UTF-8, which have names of their own below, these are all
the characters of rclone's sets for both clouds."""

NAMES = (
    *(f"a{char}b" for char in PRINTED),
    *(CONTROL, "\n".join(CONTROL), "a\tb", "a\nb", "a\rb", "a\x1b[1mb", "a\x01b", "a\x1fb"),
    *(f"{char}b" for char in PRINTED + "\t"),
    *(f"a{char}" for char in PRINTED + "\n"),
    *(" lead", "  two", "trail ", "two  ", " ", "dot.", "dots..", ".hidden", "..x", ". ", " ."),
    *(" both ", ".. ", " ..", "... ", ". .", "x. ", "x .", "\t.", ":.", " ?", "* "),
    *("a／b", "／", "a：b", "a‛b", "‛", "a．", "a．b", "．", "．．", "␠b", "b␠", "a␠b", "␠", "‛："),
    *("a␀b", "a␁b", "a␡b", "del\x7f", "a\u0085b", "rtl\u202egnp", "nfd e\u0301", "nfc \u00e9"),
    *("CON", "~tilde", "漢字の名前", "emoji 😀 👩\u200d👧", "#%&{}[]@!$+=,;^'`", "percent%41"),
    *("a [b]", "-rf", os.fsdecode(b"bad\xff\xfe"), os.fsdecode(b"\xff")),
)

FOLDERS = (
    *(PRINTED, CONTROL, " lead", "trail ", "dot.", " ", ". ", " .", "．．", "‛", "a‛：b", "a／b"),
    *("␠b", "b␠", "a␀b", os.fsdecode(b"\xfe")),
)
"""The same as folders' names, several characters at once: each folder costs calls of its own."""
