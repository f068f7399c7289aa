"""The colour themes. Sixteen colours carry everything; signs and words carry it without colour."""

from __future__ import annotations

from typing import Final

from textual.theme import BUILTIN_THEMES, Theme

DEFAULT: Final = "cloudtui"

THEMES: Final[tuple[Theme, ...]] = (
    Theme(
        name=DEFAULT,
        primary="#4c9be8",
        secondary="#7aa2c8",
        accent="#f0a040",
        warning="#f0a040",
        error="#ff7a6b",
        success="#5fb8d8",
        foreground="#d6dde6",
        background="#10161d",
        surface="#151d26",
        panel="#1d2733",
        dark=True,
    ),
    Theme(
        name="light",
        primary="#1759a6",
        secondary="#35618e",
        accent="#a85200",
        warning="#a85200",
        error="#b3261e",
        success="#0b6a8a",
        foreground="#1b232c",
        background="#f7f8fa",
        surface="#eef1f4",
        panel="#e1e6ec",
        dark=False,
    ),
    Theme(
        name="ansi",
        primary="ansi_blue",
        secondary="ansi_cyan",
        accent="ansi_yellow",
        warning="ansi_yellow",
        error="ansi_red",
        success="ansi_cyan",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        dark=True,
        ansi=True,
        variables=dict(BUILTIN_THEMES["ansi-dark"].variables),
    ),
    Theme(
        name="high-contrast",
        primary="#5fd7ff",
        secondary="#ffffff",
        accent="#ffd700",
        warning="#ffd700",
        error="#ff8787",
        success="#5fd7ff",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#000000",
        dark=True,
    ),
    Theme(
        name="mono",
        primary="#ffffff",
        secondary="#c0c0c0",
        accent="#ffffff",
        warning="#ffffff",
        error="#ffffff",
        success="#ffffff",
        foreground="#d0d0d0",
        background="#000000",
        surface="#000000",
        panel="#202020",
        dark=True,
    ),
)
