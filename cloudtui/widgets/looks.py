"""Styles of line-drawn text, made once per theme from its variables and shared by all widgets.

One table instead of a style sheet rule per widget and kind of text: resolving those took a third
of the time to the first frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.style import Style
from textual.color import Color

_PLAIN: Final = ("foreground", "background", 100, "")
_KINDS: Final[dict[str, tuple[str, str, int, str]]] = {
    # name: colour, background, strength in percent, attributes
    "row": _PLAIN,
    "text": _PLAIN,
    "strong": ("foreground", "background", 100, "bold"),
    "key": ("accent", "background", 100, "bold"),
    "good": ("success", "background", 100, ""),
    "bad": ("error", "background", 100, ""),
    "dim": ("foreground", "background", 65, ""),
    "facts": ("foreground", "background", 78, ""),
    "head": ("foreground", "background", 70, "underline"),
    "frame": ("secondary", "background", 70, ""),
    "frame-focused": ("primary", "background", 100, ""),
    "title-focused": ("primary", "background", 100, "bold"),
    "folder": ("primary", "background", 100, "bold"),
    "link": ("secondary", "background", 100, "italic"),
    "program": ("success", "background", 100, ""),
    "marked": ("accent", "background", 100, "bold"),
    "cursor": ("background", "primary", 100, "bold"),
    "cursor-marked": ("background", "accent", 100, "bold"),
    "resting": ("foreground", "panel", 100, ""),
    "bar-text": ("foreground", "panel", 100, ""),
    "bar-strong": ("primary", "panel", 100, "bold"),
    "bar-dim": ("foreground", "panel", 75, ""),
    "bar-key": ("accent", "panel", 100, "bold"),
}


def make_looks(variables: Mapping[str, str]) -> dict[str, Style]:
    """All styles by name, from a theme's variables. The terminal's own colours cannot be mixed:
    weaker text is dim there, and a cursor on default colours is reversed."""
    made: dict[str, Style] = {}
    for name, (front, back, percent, attributes) in _KINDS.items():
        color, ground = Color.parse(variables[front]), Color.parse(variables[back])
        mixed = color.ansi is None and ground.ansi is None
        if percent < 100 and mixed:
            color = ground.blend(color, percent / 100)
        if name.startswith("cursor") and not mixed:
            made[name] = Style(color=ground.rich_color, reverse=True, bold=True)
        else:
            made[name] = Style(
                color=color.rich_color,
                bgcolor=ground.rich_color,
                bold="bold" in attributes or None,
                italic="italic" in attributes or None,
                underline="underline" in attributes or None,
                dim=(percent < 100 and not mixed) or None,
            )
    return made


class LooksOfTheme:
    """The styles of the theme in use; made anew when its variables change."""

    def __init__(self) -> None:
        self._variables: Mapping[str, str] = {}
        self._made: dict[str, Style] = {}

    def __call__(self, theme: str, variables: Mapping[str, str]) -> dict[str, Style]:
        """Styles by name for a theme."""
        key = {"": theme, **{name: variables[name] for name in _NEEDED}}
        if key != self._variables:
            self._variables = key
            self._made = make_looks(variables)
        return self._made


_NEEDED: Final = ("foreground", "background", "primary", "secondary", "accent", "error",
                  "success", "panel")  # fmt: skip

looks_of: Final = LooksOfTheme()
