"""Letters of other keyboards as the Latin letters on the same keys.

Keys are commands here, and a command is where it lies under the finger: with a Cyrillic layout
switched on, the key of `q` sends another letter. Pure tables; only letters are mapped, since digits
and signs mean themselves on every keyboard.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_ROWS: Final = ("qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./")
_UPPER_ROWS: Final = ("QWERTYUIOP{}", 'ASDFGHJKL:"', "ZXCVBNM<>?")

_LAYOUTS: Final[Mapping[str, tuple[str, str, str]]] = {
    # one letter per key from the left; a space stands for a key that sends no letter
    "ru": ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю "),
    "uk": ("йцукенгшщзхї", "фівапролджє", "ячсмитьбю "),
    "bg": (" уеишщксдзц ", "ьяаожгтнвмч", "юйъэфхпрлб"),
    "el": (" ςερτυθιοπ  ", "ασδφγηξκλ  ", "ζχψωβνμ   "),
    "he": ("  קראטוןםפ  ", "שדגכעיחלךף ", "זסבהנמצתץ "),
    "ar": ("ضصثقفغعهخحجد", "شسيبلاتنمكط", "ئءؤر ىةوزظ"),
}
_TAKEN: Final = frozenset({"ς"})
"""Small letters whose capital belongs to another key."""


def letters_of(layout: str) -> dict[str, str]:
    """Letter of the layout -> character of the Latin key; empty for Latin layouts."""
    table: dict[str, str] = {}
    for own, latin, upper in zip(_LAYOUTS.get(layout, ()), _ROWS, _UPPER_ROWS, strict=False):
        for letter, low, high in zip(own, latin, upper, strict=True):
            if not letter.isalpha():
                continue
            table[letter] = low
            capital = letter.upper()
            if capital != letter and len(capital) == 1 and letter not in _TAKEN:
                table[capital] = high
    return table
