"""The title of the terminal: how far the jobs are, also while its window is not looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cloudtui.services.transfers.orders import JobView

SAVE: Final = "\x1b[22;2t"
RESTORE: Final = "\x1b[23;2t"
"""Put the title away that the terminal has, and bring it back; those that cannot ignore it."""

_NAME: Final = "cloudtui"


def title_words(views: Sequence[JobView]) -> str:
    """`45% cloudtui` while something moves whose size is known, else the name alone."""
    if not views:
        return _NAME
    from cloudtui.widgets.job_rows import total_percent, totals

    sums = totals(views)
    return f"{total_percent(sums)}% {_NAME}" if sums["running"] else _NAME


class TerminalTitle:
    """The title of one terminal, written when it changes."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._shown = ""

    def show(self, views: Sequence[JobView]) -> None:
        """Tell of these jobs."""
        words = title_words(views)
        if words != self._shown:
            self._shown = words
            self._write(f"\x1b]2;{words}\x07")
