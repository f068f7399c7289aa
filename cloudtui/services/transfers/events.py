"""What the engine tells whoever listens: few and small events, on the event loop's thread."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from cloudtui.services.models import Location


class JobChanged(Struct, frozen=True):
    """A job came, changed its state, asks something, or went."""

    id: str


class FolderChanged(Struct, frozen=True):
    """Something appeared or vanished in a folder by our doing."""

    at: Location


Event = JobChanged | FolderChanged
Listener = Callable[[Event], None]


class Listeners:
    """Who listens."""

    def __init__(self) -> None:
        self._all: dict[object, Listener] = {}

    def add(self, listener: Listener) -> Callable[[], None]:
        """From now on `listener` is told; the answer ends that."""
        key = object()
        self._all[key] = listener

        def end() -> None:
            self._all.pop(key, None)

        return end

    def tell(self, event: Event) -> None:
        """Tell everybody."""
        for listener in list(self._all.values()):
            listener(event)
