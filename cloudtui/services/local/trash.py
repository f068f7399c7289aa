"""The desktop's trash, behind one shape.

Owns the choice by platform. Linux and the like follow the freedesktop.org specification here (the
same folders as the file managers of the desktops), because restoring needs to know where a thing
went; elsewhere the system's own call takes things and only the system can give them back.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Protocol

from cloudtui.services.errors import NotSupported, Refused
from cloudtui.services.local.entries import entry_of
from cloudtui.services.local.errors import mapping, shown
from cloudtui.services.local.names import location_of
from cloudtui.services.models import TrashItem
from cloudtui.services.storage import Restored


class Trash(Protocol):
    """All trashes of this machine. Every call blocks."""

    def put(self, path: str) -> TrashItem:
        """Move a file, link or folder to the trash of its disk.

        Raises NotSupported where its disk has none, NotFound, Denied.
        """
        ...

    def items(self) -> list[TrashItem]:
        """All that lies there, newest first."""
        ...

    def restore(self, item: TrashItem, to: str | None) -> Restored:
        """Put an item back into its folder (or `to`), which is made again when missing. A taken
        name is never replaced."""
        ...

    def delete(self, key: str) -> None:
        """Remove one item for good. Raises NotFound."""
        ...

    def empty(self) -> None:
        """Remove everything for good."""
        ...


class SystemTrash:
    """macOS and Windows: things go in by the system's call; the system alone brings them back."""

    def put(self, path: str) -> TrashItem:
        """Hand it to the system."""
        import send2trash

        with mapping(path):
            info = os.lstat(path)
            try:
                send2trash.send2trash(path)
            except send2trash.TrashPermissionError as error:
                raise NotSupported("This disk has no trash.") from error
        at = location_of(path)
        return TrashItem(path, entry_of(at.name, info), at, time.time_ns())

    def items(self) -> list[TrashItem]:
        """Refused: the system does not tell."""
        raise NotSupported("The system's trash is opened with the system's own file manager.")

    def restore(self, item: TrashItem, to: str | None) -> Restored:
        """Refused: the system does not tell where it put things."""
        raise NotSupported(
            f"{shown(item.entry.name)} can only be restored with the system's own file manager."
        )

    def delete(self, key: str) -> None:
        """Refused."""
        raise Refused("The system's trash is emptied with the system's own file manager.")

    def empty(self) -> None:
        """Refused."""
        raise Refused("The system's trash is emptied with the system's own file manager.")


def open_trash(environ: Mapping[str, str]) -> Trash:
    """The trash of this platform; `environ` tells where the home trash is."""
    if sys.platform in ("win32", "darwin"):
        return SystemTrash()
    from cloudtui.services.local.freedesktop import FreedesktopTrash

    return FreedesktopTrash(environ)
