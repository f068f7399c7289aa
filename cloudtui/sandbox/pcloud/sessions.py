"""Resumable uploads: a file that grows by writes at absolute offsets until it is saved.

Owns the bytes and running hashes of one session. The API's methods are in `uploads`.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from cloudtui.sandbox.blobs import Blob, Blobs, Follower, hash_file
from cloudtui.sandbox.http import Body
from cloudtui.sandbox.pcloud.codes import Refusal

LIFETIME = 3 * 24 * 3600


class Upload:
    """One session. A second writer at the same time is refused with 2068, as measured on the
    service.

    Hashes run along on threads while bytes arrive in order; a write out of order drops them and
    they are computed from the file when asked for.
    """

    def __init__(self, number: int, blobs: Blobs, digests: tuple[str, ...], expires: float) -> None:
        self.id = number
        self.path: Path = blobs.new_path()
        self.size = 0
        self.expires = expires
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._digests = digests
        self._followers: dict[str, Follower] | None = {}
        self._hashed = 0
        self._writing = threading.Lock()

    def write(self, offset: int, body: Body) -> None:
        """Receive a body at an offset; bytes that arrived before a broken connection are kept."""
        if not self._writing.acquire(blocking=False):
            raise Refusal(2068)
        try:
            self._expect(offset)
            for view in body.stream():
                done = 0
                while done < len(view):
                    done += os.pwrite(self._fd, view[done:], offset + done)
                offset += len(view)
                self.size = max(self.size, offset)
                if self._followers is not None:
                    self._hashed = offset
                    for follower in self._followers.values():
                        follower.advance(offset)
        finally:
            self._writing.release()

    def _expect(self, offset: int) -> None:
        if self._followers is None:
            return
        if offset != self._hashed:
            self._stop()
            self._followers = None
        elif not self._followers:
            self._followers = {name: Follower(self._fd, name) for name in self._digests}

    def sums(self) -> dict[str, str]:
        """Hex digests of what is there."""
        if self._followers:
            return {name: follower.digest() for name, follower in self._followers.items()}
        return {name: hash_file(self.path, name) for name in self._digests}

    def finish(self) -> Blob:
        """End the session and keep its bytes. Refusal 2068 while a write runs."""
        if not self._writing.acquire(blocking=False):
            raise Refusal(2068)
        try:
            blob = Blob(self.path, self.size, self.sums())
            self._close()
            return blob
        finally:
            self._writing.release()

    def discard(self) -> None:
        """End the session and drop its bytes; a running write notices when it next writes."""
        with self._writing:
            self._close()
        self.path.unlink(missing_ok=True)

    def _stop(self) -> None:
        for follower in (self._followers or {}).values():
            follower.close()
        self._followers = {}

    def _close(self) -> None:
        self._stop()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
