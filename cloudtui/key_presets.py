"""Sets of keys to choose from: what each one changes in the table of actions.

Pure data by action id. A set names all keys of an action it changes, so that reading one line tells
the keys; what it does not name keeps the keys of the table. A key that a set takes for something
else is given back to its owner in another form, so that everything stays within reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Keys = Mapping[str, tuple[str, ...]]

DEFAULT: Final = "default"

_MC: Keys = {
    "browser.swap": ("W", "ctrl+u"),
    "list.half_up": ("alt+u",),
    "list.half_down": ("ctrl+d", "alt+d"),
    "browser.mark": ("insert", "space", "ctrl+t"),
    "trash.mark": ("insert", "space", "ctrl+t"),
    "shares.mark": ("insert", "space", "ctrl+t"),
    "starred.mark": ("insert", "space", "ctrl+t"),
    "history.mark": ("insert", "space", "ctrl+t"),
    "archive.mark": ("insert", "space", "ctrl+t"),
}

_DESKTOP: Keys = {
    "browser.take_copy": ("ctrl+c", "y"),
    "browser.take_move": ("ctrl+x", "x"),
    "browser.put": ("ctrl+v", "p"),
    "app.stop": ("ctrl+g",),
    "browser.rename": ("f2", "r", "alt+2", "shift+f6", "f18"),
    "app.menu": ("M", "shift+f10", "f22"),
    "browser.trash": ("delete", "d", "f8", "alt+8"),
    "browser.reload": ("f5", "ctrl+r", "alt+5"),
    "trash.reload": ("f5", "ctrl+r"),
    "offline.reload": ("f5", "ctrl+r"),
    "shares.reload": ("f5", "ctrl+r"),
    "starred.reload": ("f5", "ctrl+r"),
    "history.reload": ("f5", "ctrl+r"),
    "archive.reload": ("f5", "ctrl+r"),
    "archive.unpack": ("X", "T"),
    "playlists.reload": ("f5", "ctrl+r"),
    "browser.copy": ("T", "shift+f5", "f17"),
}

PRESETS: Final[Mapping[str, Keys]] = {DEFAULT: {}, "mc": _MC, "desktop": _DESKTOP}

TITLES: Final[Mapping[str, str]] = {
    DEFAULT: "cloudtui's own",
    "mc": "Midnight Commander",
    "desktop": "desktop",
}
"""What people call the sets."""
