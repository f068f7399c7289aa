"""Folders to come back to: addresses in a small file of ours, oldest first.

Owns that file and nothing else. What an address means is looked up when it is used.
"""

from __future__ import annotations

import json
import logging

from cloudtui.services.locks import FileLock
from cloudtui.services.paths import Paths, replacing

_log = logging.getLogger(__name__)
_MOST = 200


class Bookmarks:
    """The bookmarks of one home. Blocks; the file is small."""

    def __init__(self, paths: Paths) -> None:
        self._file = paths.state_dir / "bookmarks.json"
        self._lock = paths.state_dir / "bookmarks.lock"

    def all(self) -> list[str]:
        """Addresses, oldest first. A file that cannot be read counts as none."""
        try:
            found = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, ValueError):
            _log.warning("the bookmarks cannot be read")
            return []
        if not isinstance(found, list):
            return []
        return [text for text in found if isinstance(text, str)]

    def add(self, address: str) -> bool:
        """Keep an address; False when it was there. Raises OSError."""
        return self._change(address, keep=True)

    def remove(self, address: str) -> bool:
        """Forget an address; False when there was none. Raises OSError."""
        return self._change(address, keep=False)

    def _change(self, address: str, *, keep: bool) -> bool:
        with FileLock(self._lock):
            known = self.all()
            if (address in known) is keep:
                return False
            known = [text for text in known if text != address] + [address] * keep
            with replacing(self._file) as file:
                file.write(json.dumps(known[-_MOST:], indent=1).encode())
        return True
