"""Resumable uploads: a file that grows by writes at absolute offsets until it is saved.

Owns the bytes and running hashes of one session. The API's methods are in `uploads`.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from cloudtui.sandbox.blobs import FOLLOW_FROM, Blob, Blobs, Follower, hash_file
from cloudtui.sandbox.http import Body
from cloudtui.sandbox.pcloud.codes import Refusal

LIFETIME = 3 * 24 * 3600


class Upload:
    """One session. A second writer at the same time is refused with 2068, as measured on the
    service.

    From 16 MiB on a process hashes along while bytes arrive in order; after a write out of order
    digests are computed from the file when asked for. Nothing hashes along where digests were
    announced: they are taken when the size is the announced one.
    """

    def __init__(self, number: int, blobs: Blobs, digests: tuple[str, ...], expires: float) -> None:
        self.id = number
        self.path: Path
        self.path, self._fd = blobs.opened()
        self.size = 0
        self.expires = expires
        self._digests = digests
        self._blobs = blobs
        self._follower: Follower | None = None
        self._in_order = True
        self._writing = threading.Lock()

    def write(self, offset: int, body: Body) -> None:
        """Receive a body at an offset; bytes that arrived before a broken connection are kept."""
        if not self._writing.acquire(blocking=False):
            raise Refusal(2068)
        try:
            if self._fd < 0:
                raise Refusal(2067)
            self._prepare(offset, offset + (body.length or 0))
            for view in body.stream():
                done = 0
                while done < len(view):
                    done += os.pwrite(self._fd, view[done:], offset + done)
                offset += len(view)
                self.size = max(self.size, offset)
                if self._follower is not None:
                    self._follower.advance(offset)
        finally:
            self._writing.release()

    def _prepare(self, offset: int, end: int) -> None:
        if offset != self.size:
            self._in_order = False
            self._stop()
        elif self._hashing_pays and self._follower is None and end >= FOLLOW_FROM:
            self._follower = Follower(self._fd, self._digests)

    @property
    def _hashing_pays(self) -> bool:
        return self._in_order and bool(self._digests) and not self._blobs.announcing

    def sums(self) -> dict[str, str]:
        """Hex digests of what is there. Refusal 2068 while a write runs."""
        if not self._writing.acquire(blocking=False):
            raise Refusal(2068)
        try:
            return self._sums()
        finally:
            self._writing.release()

    def _sums(self) -> dict[str, str]:
        if self._follower is not None:
            return self._follower.digests()
        announced = self._blobs.announced(self.size)
        if set(self._digests) - set(announced):
            os.ftruncate(self._fd, self.size)  # a file set aside may be longer
        return {name: announced.get(name) or hash_file(self.path, name) for name in self._digests}

    def finish(self) -> Blob:
        """End the session and keep its bytes. Refusals 2068 while a write runs, 2067 when ended."""
        if not self._writing.acquire(blocking=False):
            raise Refusal(2068)
        try:
            if self._fd < 0:
                raise Refusal(2067)
            os.ftruncate(self._fd, self.size)
            blob = Blob(self.path, self.size, self._sums())
            self._close()
            return blob
        finally:
            self._writing.release()

    def discard(self) -> None:
        """End the session and drop its bytes. Refusal 2068 while a write runs."""
        if not self._writing.acquire(blocking=False):
            raise Refusal(2068)
        try:
            self._close()
            self.path.unlink(missing_ok=True)
        finally:
            self._writing.release()

    def _stop(self) -> None:
        if self._follower is not None:
            self._follower.close()
            self._follower = None

    def _close(self) -> None:
        self._stop()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
