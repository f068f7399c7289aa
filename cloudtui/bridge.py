"""Between the engine and the screen: samples what jobs do, turns engine events into messages.

The engine's counters are looked at ten times a second while something moves and once a second
otherwise; the screen is told at most four times a second and only when the picture changed. Knows
no widget: whoever shows jobs asks `views`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from textual.message import Message

from cloudtui.ports import RuntimePort
from cloudtui.services.models import Location

if TYPE_CHECKING:
    from textual.message_pump import MessagePump

    from cloudtui.services.transfers.orders import JobView

_SAMPLE: Final = 0.1
_PAINT: Final = 0.25
_IDLE: Final = 1.0
_SAMPLES_AT_REST: Final = int(_IDLE / _SAMPLE)


class JobsSampled(Message):
    """The picture of the jobs changed."""

    def __init__(self, views: list[JobView]) -> None:
        super().__init__()
        self.views = views

    def can_replace(self, message: Message) -> bool:
        """Only the newest picture matters."""
        return isinstance(message, JobsSampled)


class JobsUnknown(Message):
    """The engine could not tell what jobs do. Sent once until it can again."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class JobEnded(Message):
    """A job of this run reached its end, `seconds` after it was first seen at work."""

    def __init__(self, view: JobView, seconds: float = 0.0) -> None:
        super().__init__()
        self.view = view
        self.seconds = seconds


class FolderTouched(Message):
    """Something appeared or vanished in a folder by our doing."""

    def __init__(self, at: Location) -> None:
        super().__init__()
        self.at = at


class Bridge:
    """One per app."""

    def __init__(self, target: MessagePump) -> None:
        self._target = target
        self._runtime: RuntimePort | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._painted = 0.0
        self.paint_every = _PAINT
        """Seconds between two pictures at least."""
        self._told = False
        self._skip = 0
        self._ended: set[str] = set()
        self._told_elsewhere: set[str] = set()
        self._begun: dict[str, float] = {}
        self._views: list[JobView] = []
        self._sent: list[JobView] = []

    @property
    def views(self) -> list[JobView]:
        """The newest picture."""
        return self._views

    def attach(self, runtime: RuntimePort) -> None:
        """Begin to watch."""
        self._runtime = runtime
        self._unsubscribe = runtime.transfers.subscribe(self._event)
        self._views = runtime.transfers.views()
        self._ended = {view.id for view in self._views if view.state.is_final}
        self._target.set_interval(_SAMPLE, self.sample)
        self._send(force=True)

    def detach(self) -> None:
        """Stop watching."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._runtime = None

    def wake(self) -> None:
        """Look at once: something was just asked of the engine."""
        self._skip = 0
        self.sample()

    def leave_to_others(self, job: str) -> None:
        """Whoever asked for this job says how it ended: no message about it."""
        self._told_elsewhere.add(job)

    def _event(self, event: object) -> None:
        from cloudtui.services.transfers.events import FolderChanged, JobChanged

        if isinstance(event, JobChanged):
            self._skip = 0
        elif isinstance(event, FolderChanged):
            self._target.post_message(FolderTouched(event.at))

    def sample(self) -> None:
        """Take a picture when one is due."""
        if self._runtime is None:
            return
        if self._skip > 0:
            self._skip -= 1
            return
        from cloudtui.widgets.job_rows import MOVING

        try:
            views = self._runtime.transfers.views()
        except Exception as error:  # a journal in trouble must not take the panes down with it
            self._skip = _SAMPLES_AT_REST
            if not self._told:
                self._told = True
                self._target.post_message(JobsUnknown(error))
            return
        self._told = False
        moving = any(view.state in MOVING and not view.orphan for view in views)
        self._skip = 0 if moving else _SAMPLES_AT_REST
        final = [view for view in views if view.state.is_final]
        known = self._ended | self._told_elsewhere
        ended = [view for view in final if view.mine and view.id not in known]
        self._ended = {view.id for view in final}
        self._views = views
        now = time.monotonic()
        for view in ended:
            self._target.post_message(JobEnded(view, now - self._begun.get(view.id, now)))
        begun = self._begun
        self._begun = {
            one.id: begun.get(one.id, now)
            for one in views
            if one.state in MOVING or (one.id in begun and not one.state.is_final)
        }
        self._send(force=bool(ended))

    def _send(self, *, force: bool) -> None:
        now = time.monotonic()
        if self._views == self._sent or (not force and now - self._painted < self.paint_every):
            return
        self._painted = now
        self._sent = self._views
        self._target.post_message(JobsSampled(self._views))
