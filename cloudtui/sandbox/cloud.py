"""What the sandbox expects of each cloud it serves."""

from __future__ import annotations

from typing import Protocol

from cloudtui.sandbox.http import Handler


class Cloud(Protocol):
    """One emulated service. `handlers` maps listener names ("pcloud.us") to handlers."""

    @property
    def handlers(self) -> dict[str, Handler]: ...

    def state(self) -> dict[str, object]:
        """Everything the service holds, as JSON: the truth tests compare with."""
        ...

    def seed(self, spec: str) -> None:
        """Plant a seed in every default account."""
        ...

    def endpoints(self) -> dict[str, object]:
        """This cloud's part of the endpoints file; called after the listeners have their ports."""
        ...

    def admin(self, action: str, payload: dict[str, object]) -> object:
        """A test's own order, by name (`POST /<cloud>/<action>`); LookupError when unknown."""
        ...
