"""The settings of the full screen, put to work: numbers, colours, keys, mouse, order of panes.

Reads what is configured once, when the runtime is open, and gives the sentences about values that
cannot be used; whoever shows them decides where.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from cloudtui import present
from cloudtui.keymap import read_keymap
from cloudtui.layouts import letters_of
from cloudtui.ports import RuntimePort

_REDRAW: Final = 4.0


class Preferences(Struct, frozen=True):
    """What the screen does with settings. `redraw` is repaints of progress in a second;
    `letters` maps letters of another keyboard to the Latin keys they lie on; `preset` names a set
    of keys, `keys` are those that differ from the table, by action id: the set's and the user's."""

    theme: str
    ascii_only: bool
    accessible: bool
    hidden: bool
    folders_first: bool
    mouse: bool
    bell: bool
    redraw: float
    on_conflict: str
    letters: dict[str, str]
    preset: str
    keys: dict[str, tuple[str, ...]]


def read_preferences(runtime: RuntimePort) -> tuple[Preferences, list[str]]:
    """The preferences, and a sentence per setting that cannot be used. Numbers are written the
    way that was asked for from now on."""
    settings = runtime.settings
    complaints = [str(problem) for problem in runtime.problems]
    complaints += present.write_numbers_as(settings)
    preset = settings.text("keys")
    keys, wrong = read_keymap(settings.keymap, preset)
    complaints += wrong
    preferences = Preferences(
        theme=settings.text("theme"),
        accessible=settings.flag("accessible"),
        # where signs of frames are two cells wide, frames made of them would not meet
        ascii_only=settings.text("borders") == "ascii" or settings.text("ambiguous") == "wide",
        hidden=settings.flag("hidden"),
        folders_first=settings.flag("folders_first"),
        mouse=settings.flag("mouse"),
        bell=settings.flag("bell"),
        redraw=settings.number("redraw") or _REDRAW,
        on_conflict=settings.text("on_conflict"),
        letters=letters_of(settings.text("layout")),
        preset=preset,
        keys=keys,
    )
    return preferences, complaints


def complaint_line(complaints: list[str]) -> str:
    """One sentence for the message line; empty when all is well."""
    if len(complaints) < 2:
        return "".join(complaints)
    return f"{len(complaints)} settings cannot be used (g l lists them): {complaints[0]}"
