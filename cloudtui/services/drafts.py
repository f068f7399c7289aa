"""Texts of clouds while they are edited: private files in the state folder, removed afterwards.

What could not be sent back stays, and whoever asked is told where.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path
from typing import Final

from cloudtui.services.errors import Refused
from cloudtui.services.naming import display_name
from cloudtui.services.paths import PRIVATE_FILE, ensure

LARGEST: Final = 8 << 20
"""Bytes of a text that can be edited: it is held in memory whole."""
_LONGEST: Final = 200


def refuse_no_text(name: str, size: int | None, data: bytes = b"") -> None:
    """Raise Refused for what is too large for an editor, or no text."""
    shown = display_name(name)
    if size is None or size > LARGEST:
        raise Refused(f"{shown} is too large to be edited here.", hint="F5 brings it to the disk.")
    if b"\0" in data:
        raise Refused(f"{shown} is no text.", hint="F3 shows its bytes.")


def begin(folder: Path, name: str, data: bytes) -> Path:
    """Write a draft below `folder` (made when missing, for the owner alone); where it is. It is
    called like the file where such a name can do no harm."""
    home = ensure(folder / secrets.token_hex(8))
    plain = name.isprintable() and not name.startswith(("-", ".")) and "/" not in name
    path = home / (name if plain and len(os.fsencode(name)) <= _LONGEST else "draft.txt")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    return path


def holds(path: Path, data: bytes) -> bool:
    """Whether a draft still is what was written."""
    with contextlib.suppress(OSError):  # an editor may have left none
        return path.read_bytes() == data
    return False


def end(path: Path) -> None:
    """Remove a draft with everything an editor left beside it."""
    shutil.rmtree(path.parent, ignore_errors=True)
