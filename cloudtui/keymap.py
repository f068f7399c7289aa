"""Bindings of the screen framework, made from the one action table, and the user's own keys."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Final

from textual.binding import Binding, BindingType
from textual.keys import Keys, _character_to_key

from cloudtui.actions import Place, in_place, sequences
from cloudtui.key_presets import DEFAULT
from cloudtui.own_keys import check_keymap

_NO_KEYS: Mapping[str, tuple[str, ...]] = {}
_MODIFIERS: Final = ("ctrl", "alt", "shift")
_SIGNS: Final = {char: _character_to_key(char) for char in string.punctuation}
_NAMED: Final = frozenset(
    {key.value for key in Keys if "+" not in key.value and "<" not in key.value}
    | set(_SIGNS.values())
)
_NEVER: Final = frozenset({"ctrl+h", "ctrl+i", "ctrl+m", "ctrl+left_square_bracket"})
"""They are Backspace, Tab, Enter and Esc to a terminal."""


MOVING_WHILE_TYPING: Final[tuple[Binding, ...]] = tuple(
    Binding(key, f"move('{how}')", how, show=False)
    for key, how in (
        ("up", "up"),
        ("down", "down"),
        ("pageup", "page_up"),
        ("pagedown", "page_down"),
        ("home", "first"),
        ("end", "last"),
    )
)
"""Moving keys of lists that letters narrow: those that are no text."""


def bindings_of(*places: Place) -> list[BindingType]:
    """Bindings with ids for all actions of `places`; sequences get their first key bound to
    `prefix`. What has only sequences is bound to a key that never comes, so that a user's key has
    something to take the place of."""
    made: list[BindingType] = []
    prefixes: set[str] = set()
    for place in places:
        for action in in_place(place):
            single = [key for key in action.keys if " " not in key] or [_unbound(action.id)]
            made.append(
                Binding(",".join(single), action.run, action.words, show=False, id=action.id)
            )
        prefixes.update(sequences(place, _NO_KEYS))
    made.extend(
        Binding(key, f"prefix('{key}')", "first key of two", show=False) for key in sorted(prefixes)
    )
    return made


def _unbound(action: str) -> str:
    return f"unbound.{action}"


def textual_keymap(good: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """A checked keymap in the framework's shape: action id to keys joined by commas."""
    return {
        name: ",".join(key for key in keys if " " not in key) or _unbound(name)
        for name, keys in good.items()
    }


def key_of(text: str) -> str:
    """A key as people write it (`F5`, `ctrl+a`, `/`, `g h`) by the framework's name; empty when
    no terminal sends such a key."""
    if " " in text.strip():
        parts = [key_of(part) for part in text.split()]
        return " ".join(parts) if len(parts) == 2 and all(parts) else ""
    *modifiers, last = text.strip().split("+") if len(text.strip()) > 1 else [text.strip()]
    modifiers = [word.lower() for word in modifiers]
    if any(word not in _MODIFIERS for word in modifiers):
        return ""
    if len(last) == 1:
        last = _SIGNS.get(last, last)
    elif last.lower() in _NAMED:
        last = last.lower()
    else:
        return ""
    if not last:
        return ""
    if modifiers == ["shift"] and len(last) == 1 and last.isalpha():
        return last.upper()
    if modifiers and len(last) == 1:
        last = last.lower()
    name = "+".join([*(word for word in _MODIFIERS if word in modifiers), last])
    return "" if name in _NEVER else name


def read_keymap(
    wanted: Mapping[str, str], preset: str = DEFAULT
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """A user's keymap on top of a preset, action id to keys separated by bars or commas. Gives all
    that differs from the table and a sentence per refused line."""
    named: dict[str, str] = {}
    complaints: list[str] = []
    for name, text in wanted.items():
        words = [word for word in text.replace(",", "|").split("|") if word.strip()]
        keys = {word: key_of(word) for word in words}
        unknown = [word.strip() for word, key in keys.items() if not key]
        if unknown:
            complaints.append(f'keymap: no terminal sends "{unknown[0]}" (for {name}).')
        named[name] = "|".join(key for key in keys.values() if key)
        if unknown and not named[name]:
            del named[name]
    good, refused = check_keymap(named, preset)
    return good, complaints + refused
