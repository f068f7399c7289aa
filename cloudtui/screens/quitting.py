"""The question before leaving while jobs run."""

from __future__ import annotations

from cloudtui.screens.dialogs import Choose, Option


class QuitBox(Choose):
    """Gives `pause`, `detach`, `wait` or `stay`."""

    def __init__(self, running: int, *, can_detach: bool) -> None:
        """`running` jobs would be interrupted; `can_detach` when they can go on without a
        screen."""
        detach = [Option("Go on without the screen", "g", "detach")] if can_detach else []
        words = "1 job is running." if running == 1 else f"{running} jobs are running."
        super().__init__(
            "Quit",
            [words, "Paused jobs go on the next time; nothing that was sent is sent again."],
            [
                Option("Pause and quit", "p", "pause"),
                *detach,
                Option("Wait, then quit", "w", "wait"),
                Option("Stay", "s", "stay"),
            ],
            safe="stay",
        )
