"""The labels of the key bar: which actions it names, and by which of their keys.

Imports no framework.
"""

from __future__ import annotations

from collections.abc import Mapping

from cloudtui.actions import BY_ID, key_name, keys_of

_BAR: Mapping[str, str] = {
    "app.help": "Help",
    "app.menu": "Menu",
    "browser.rename": "Rename",
    "browser.view": "View",
    "browser.edit": "Edit",
    "browser.copy": "Copy",
    "browser.reload": "Reload",
    "browser.move": "Move",
    "browser.mkdir": "Folder",
    "browser.trash": "Trash",
    "app.palette": "All",
    "app.quit": "Quit",
}
"""Labels of the actions that the key bar shows when a function key does them."""

_BAR_FEW = ("app.help", "browser.copy", "browser.move", "browser.trash", "app.palette")
"""Those of a small screen: the last one lists the others."""

_BAR_LETTERS: Mapping[str, str] = {
    "browser.filter": "filter",
    "browser.transfers": "jobs",
    "browser.trash_screen": "trash",
    "browser.paste": "link",
    "browser.sources": "accounts",
    "app.help": "help",
}
"""Labels of those it shows by a letter."""


_BAR_PART: Mapping[str, str] = {"part.go_on": "go on", "part.drop": "drop"}
"""Labels of what goes before the letters while the cursor is on an unfinished file."""


def bar_functions(*, few: bool = False) -> list[tuple[str, str]]:
    """Function keys and labels of the key bar, in the order of the keyboard; a `few` of them where
    there is no room for all."""
    labels = {name: _BAR[name] for name in _BAR_FEW} if few else _BAR
    held = {key: label for name, label in labels.items() for key in keys_of(BY_ID[name])}
    return [(key, held[key]) for number in range(1, 11) if (key := f"f{number}") in held]


def bar_letters(*, part: bool = False) -> list[tuple[str, str]]:
    """Keys and labels that the key bar shows behind the function keys; first those of an unfinished
    file where one has the cursor."""
    labels = {**_BAR_PART, **_BAR_LETTERS} if part else _BAR_LETTERS
    return [(_letter(keys_of(BY_ID[name])), label) for name, label in labels.items()]


def _letter(keys: tuple[str, ...]) -> str:
    """The key with the shortest name: a letter or sign where there is one."""
    return min(keys, key=lambda key: len(key_name(key)))
