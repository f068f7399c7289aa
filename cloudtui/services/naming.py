"""Names: how foreign ones are shown, stored ones decoded, and unsafe ones mapped.

A leaf: standard library only, no I/O. Every string that comes from a service, a disk or another
person passes `display_name` before a terminal sees it.
"""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from enum import Enum, auto
from typing import Final

# --- display ---------------------------------------------------------------------------------

_ZWJ: Final = "\u200d"

_MARKED: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # invisible fillers
    "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidi, zero width
    "\U000e0000-\U000e0fff"  # tags and supplementary selectors
    "\ud800-\udfff]"  # lone surrogates: undecodable bytes
)


def display_name(text: str, *, edges: bool = True) -> str:
    """`text` as it may safely be written to a terminal, on one line.

    Controls, bidi marks, separators and zero-width characters become marks such as `<1B>`,
    undecodable bytes U+FFFD; a joiner inside an emoji stays. With `edges`, leading and trailing
    spaces show as `_` so that they can be seen. Brackets are left alone: nothing may parse the
    result as markup.
    """
    if text.isascii() and text.isprintable():
        shown = text
    else:
        shown = _MARKED.sub(lambda match: _mark(text, match), text)
    if edges and shown and (shown[0] == " " or shown[-1] == " "):
        stripped = shown.strip(" ")
        if not stripped:
            return "_" * len(shown)
        left = len(shown) - len(shown.lstrip(" "))
        right = len(shown) - len(shown.rstrip(" "))
        shown = "_" * left + stripped + "_" * right
    return shown


def _mark(text: str, match: re.Match[str]) -> str:
    char = match.group()
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    if char == _ZWJ and _joins_emoji(text, match.start()):
        return char
    return f"<{code:02X}>"


def _joins_emoji(text: str, at: int) -> bool:
    before = at - 1
    while before >= 0 and (
        text[before] == "\ufe0f" or "\U0001f3fb" <= text[before] <= "\U0001f3ff"
    ):
        before -= 1
    after = at + 1
    return before >= 0 and after < len(text) and _is_emoji(text[before]) and _is_emoji(text[after])


def _is_modifier(char: str) -> bool:
    return char == "\ufe0f" or "\U0001f3fb" <= char <= "\U0001f3ff"


def _is_emoji(char: str) -> bool:
    return char >= "\U0001f000" or "\u2600" <= char <= "\u27bf" or "\u2640" <= char <= "\u2642"


# --- stored names ----------------------------------------------------------------------------


class Rule(Enum):
    """Parts of rclone's name encoding; a drive shared with rclone reads the same in both."""

    SLASH = auto()
    LT_GT = auto()
    DOUBLE_QUOTE = auto()
    COLON = auto()
    QUESTION = auto()
    ASTERISK = auto()
    PIPE = auto()
    BACKSLASH = auto()
    CTL = auto()
    DEL = auto()
    LEFT_SPACE = auto()
    RIGHT_SPACE = auto()
    RIGHT_PERIOD = auto()
    INVALID_UTF8 = auto()
    DOT = auto()


PIKPAK_RULES: Final = frozenset(Rule) - {Rule.DEL}
PCLOUD_RULES: Final = frozenset(
    {Rule.SLASH, Rule.BACKSLASH, Rule.DEL, Rule.CTL, Rule.INVALID_UTF8, Rule.DOT}
)
RAW_RULES: Final[frozenset[Rule]] = frozenset()

_QUOTE: Final = "\u201b"
_SPACE: Final = "\u2420"
_PERIOD: Final = "\uff0e"

_PAIRS: Final[dict[Rule, dict[str, str]]] = {
    Rule.SLASH: {"/": "\uff0f"},
    Rule.LT_GT: {"<": "\uff1c", ">": "\uff1e"},
    Rule.DOUBLE_QUOTE: {'"': "\uff02"},
    Rule.COLON: {":": "\uff1a"},
    Rule.QUESTION: {"?": "\uff1f"},
    Rule.ASTERISK: {"*": "\uff0a"},
    Rule.PIPE: {"|": "\uff5c"},
    Rule.BACKSLASH: {"\\": "\uff3c"},
    Rule.CTL: {chr(code): chr(0x2400 + code) for code in range(0x20)},
    Rule.DEL: {"\x7f": "\u2421"},
}

_HEX_PAIR: Final = re.compile(r"[89A-Fa-f][0-9A-Fa-f]")


def _tables(rules: frozenset[Rule]) -> tuple[dict[str, str], dict[str, str]]:
    forward = {a: b for rule in rules for a, b in _PAIRS.get(rule, {}).items()}
    return forward, {b: a for a, b in forward.items()}


_TABLES: dict[frozenset[Rule], tuple[dict[str, str], dict[str, str]]] = {}


def _table(rules: frozenset[Rule]) -> tuple[dict[str, str], dict[str, str]]:
    if rules not in _TABLES:
        _TABLES[rules] = _tables(rules)
    return _TABLES[rules]


def encode_name(name: str, rules: frozenset[Rule]) -> str:
    """The stored form of a local name. Reversible: `decode_name` gives `name` back.

    Characters a rule covers become their full-width or picture twins; twins that occur literally
    are quoted with U+201B, the quote itself is doubled; undecodable bytes become the quote and two
    hex digits. Space and period rules touch only the first or last character.
    """
    if not rules or not name:
        return name
    if Rule.DOT in rules:
        whole = {".": _PERIOD, "..": _PERIOD * 2}.get(name)
        if whole is not None:
            return whole
        if name == _PERIOD or name == _PERIOD * 2:
            return (_QUOTE + _PERIOD) * len(name)
    forward, backward = _table(rules)
    out: list[str] = []
    last = len(name) - 1
    for index, char in enumerate(name):
        out.append(_encode_char(char, index, last, rules, forward, backward))
    stored = "".join(out)
    if Rule.DOT in rules and stored in (_PERIOD, _PERIOD * 2):
        return _QUOTE + stored
    return stored


def _encode_char(
    char: str,
    index: int,
    last: int,
    rules: frozenset[Rule],
    forward: dict[str, str],
    backward: dict[str, str],
) -> str:
    if (index == 0 and Rule.LEFT_SPACE in rules) or (index == last and Rule.RIGHT_SPACE in rules):
        if char == " ":
            return _SPACE
        if char == _SPACE:
            return _QUOTE + char
    if index == last and Rule.RIGHT_PERIOD in rules:
        if char == ".":
            return _PERIOD
        if char == _PERIOD:
            return _QUOTE + char
    if char in forward:
        return forward[char]
    if char in backward or char == _QUOTE:
        return _QUOTE + char
    if "\udc80" <= char <= "\udcff" and Rule.INVALID_UTF8 in rules:
        return f"{_QUOTE}{ord(char) - 0xDC00:02X}"
    return char


def decode_name(name: str, rules: frozenset[Rule]) -> str:
    """The local form of a stored name. Names never written by this encoding pass unharmed as far
    as they do not look like it."""
    if not rules or name.isascii():
        return name
    if Rule.DOT in rules:
        if name in (_PERIOD, _PERIOD * 2):
            return "." * len(name)
        if name in (_QUOTE + _PERIOD, (_QUOTE + _PERIOD) * 2):
            return name.replace(_QUOTE, "")
    backward = _table(rules)[1]
    quotable = {_QUOTE, *backward}
    if rules & {Rule.LEFT_SPACE, Rule.RIGHT_SPACE}:
        quotable.add(_SPACE)
    if rules & {Rule.DOT, Rule.RIGHT_PERIOD}:
        quotable.add(_PERIOD)
    out: list[str] = []
    index = 0
    last = len(name) - 1
    while index <= last:
        char = name[index]
        if char == _QUOTE and index < last:
            if name[index + 1] in quotable:
                out.append(name[index + 1])
                index += 2
                continue
            pair = name[index + 1 : index + 3]
            if Rule.INVALID_UTF8 in rules and len(pair) == 2 and _HEX_PAIR.fullmatch(pair):
                out.append(chr(0xDC00 + int(pair, 16)))
                index += 3
                continue
        out.append(_decode_char(char, index, last, rules, backward))
        index += 1
    return "".join(out)


def _decode_char(
    char: str, index: int, last: int, rules: frozenset[Rule], backward: dict[str, str]
) -> str:
    if char == _SPACE and (
        (index == 0 and Rule.LEFT_SPACE in rules) or (index == last and Rule.RIGHT_SPACE in rules)
    ):
        return " "
    if char == _PERIOD and index == last and Rule.RIGHT_PERIOD in rules:
        return "."
    return backward.get(char, char)


# --- names on this disk ----------------------------------------------------------------------

_MAX_LOCAL_BYTES: Final = 255
_UNENCODABLE: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_DOUBLE_EXTENSIONS: Final = (".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")


def split_extension(name: str) -> tuple[str, str]:
    """Stem and extension with its dot; `.tar.gz` counts as one, a leading dot as none."""
    lowered = name.lower()
    for double in _DOUBLE_EXTENSIONS:
        if lowered.endswith(double) and len(name) > len(double):
            return name[: -len(double)], name[-len(double) :]
    stem, dot, extension = name.rpartition(".")
    if not stem.strip(".") or not extension or " " in extension or len(extension) > 12:
        return name, ""
    return stem, dot + extension


def stand_in(node: str) -> str:
    """What an entry is called whose name its service does not tell. Leaving it out of listings
    would make it look deleted."""
    return f"(no name) {node}"


def numbered(name: str, n: int) -> str:
    """`a.txt` → `a (2).txt`, the way people number copies.

    Cut in its stem where the number would make it longer than disks take: cut afterwards, every
    number would give the same name.
    """
    number = f" ({n})"
    stem, extension = split_extension(cut_name(name, _MAX_LOCAL_BYTES - len(number)))
    return f"{stem}{number}{extension}"


def local_name(name: str, *, windows: bool = sys.platform == "win32") -> str:
    """`name` as it may stand in a folder of this disk; the same name when nothing is wrong.

    Never a path: `/`, NUL, `.` and `..` are mapped to look-alikes; over-long names are cut in the
    stem. On Windows the characters and device names it refuses are mapped too.
    """
    mapped = _UNENCODABLE.sub("\ufffd", name.replace("/", "\uff0f").replace("\0", "\u2400"))
    if mapped in ("", ".", ".."):
        mapped = mapped.replace(".", _PERIOD) or "_"
    if windows:
        mapped = _windows_name(mapped)
    return cut_name(mapped, _MAX_LOCAL_BYTES)


def _windows_name(name: str) -> str:
    rules = frozenset(Rule) - {Rule.DOT, Rule.INVALID_UTF8, Rule.LEFT_SPACE, Rule.DEL}
    forward = _table(rules)[0]
    mapped = "".join(forward.get(char, char) for char in name)
    if mapped[-1:] == ".":
        mapped = mapped[:-1] + _PERIOD
    elif mapped[-1:] == " ":
        mapped = mapped[:-1] + _SPACE
    import pathvalidate

    if not pathvalidate.is_valid_filename(mapped, platform="windows"):
        mapped = pathvalidate.sanitize_filename(mapped, platform="windows") or "_"
    return mapped


def cut_name(name: str, most: int) -> str:
    """`name` cut in its stem to at most `most` bytes of UTF-8, never inside a character."""
    if _bytes(name) <= most:
        return name
    stem, extension = split_extension(name)
    room = most - _bytes(extension)
    if room < 8:
        stem, extension, room = name, "", most
    while _bytes(stem) > room:
        stem = stem[:-1]
    return stem + extension


def _bytes(name: str) -> int:
    """How many bytes a disk would store it in."""
    try:
        return len(os.fsencode(name))
    except UnicodeEncodeError:  # half a surrogate pair, which a cloud may tell
        return len(name.encode(errors="surrogatepass"))


# --- comparing -------------------------------------------------------------------------------

_DIGITS: Final = re.compile(r"[0-9]+")


def sort_key(name: str) -> str:
    """A plain string that sorts naturally: `2` before `10`, blind to case. About 1 µs a name."""
    folded = name.casefold()
    if any("0" <= char <= "9" for char in folded):
        return _DIGITS.sub(_padded, folded)
    return folded


def _padded(match: re.Match[str]) -> str:
    digits = match.group().lstrip("0") or "0"
    return f"{len(digits):03d}{digits}"


def fold(text: str) -> str:
    """Text for filters and searches: blind to case, accents and character width."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text)
    return "".join(char for char in plain if not unicodedata.combining(char)).casefold()


def clash_key(name: str, *, case_sensitive: bool) -> str:
    """Two names with one key cannot stand side by side on a disk that is blind to case or to
    Unicode's normal forms."""
    composed = unicodedata.normalize("NFC", name)
    return composed if case_sensitive else composed.casefold()
