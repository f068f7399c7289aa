"""The bytes of a multipart upload while it runs.

Parts of one size go straight to their place in one file, so that completing an upload copies
nothing: joining 300 MiB afterwards took a second. A part that fits no place (another size, or sent
twice) gets a file of its own, and completing then joins.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass

from cloudtui.sandbox.blobs import Blob, Blobs
from cloudtui.sandbox.http import Body

PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """One received part. `blob` holds it unless it lies in the common file at `offset`."""

    number: int
    size: int
    tag: str
    offset: int
    blob: Blob | None = None


class Assembly:
    """All parts of one upload, by number. Receiving is safe from many threads.

    A part's tag is the MD5 of its bytes, or with `opaque` a number that says nothing: computing
    MD5 is most of what receiving costs.
    """

    def __init__(
        self, upload_id: str, started: float, blobs: Blobs, *, opaque: bool = False
    ) -> None:
        self.id = upload_id
        self.started = started
        self.parts: dict[int, Part] = {}
        self._blobs = blobs
        self._opaque = opaque
        self._path, self._fd = blobs.opened()
        self._lock = threading.Lock()
        self._common = 0
        self._placed: set[int] = set()
        self._writing = 0
        self._ended = False

    def receive(
        self, number: int, body: Body, watch: Callable[[memoryview], None] | None = None
    ) -> Part:
        """Take one part in; it counts once `keep` is called with it. `watch` sees every piece.

        Raises:
            Disconnected: the client went away; nothing of the part counts.
        """
        offset = self._place(number, body.length)
        if offset is None:
            writer = self._blobs.new(() if self._opaque else ("md5",), body.length)
            with contextlib.ExitStack() as broken:
                broken.callback(writer.discard)
                for view in body.stream(PIECE):
                    writer.write(view)
                    if watch is not None:
                        watch(view)
                broken.pop_all()
            blob = writer.close()
            return Part(number, blob.size, self._tag(blob.md5), 0, blob)
        digest = hashlib.md5()
        size = 0
        with contextlib.ExitStack() as broken:
            # The file stays open while anybody writes: its number could go to another file.
            broken.callback(self._leave)
            failed = broken.enter_context(contextlib.ExitStack())
            failed.callback(self._placed.discard, number)
            for view in body.stream(PIECE):
                if not self._opaque:
                    digest.update(view)
                if watch is not None:
                    watch(view)
                rest = view
                while rest:
                    written = os.pwrite(self._fd, rest, offset + size)
                    size += written
                    rest = rest[written:]
            failed.pop_all()
        return Part(number, size, self._tag(digest.hexdigest), offset)

    def _tag(self, md5: Callable[[], str]) -> str:
        return secrets.token_hex(16) if self._opaque else md5()

    def keep(self, part: Part) -> None:
        """Make a received part the one of its number."""
        self.parts[part.number] = part

    def join(self, named: list[Part]) -> Blob:
        """The object these parts make, in this order."""
        total = sum(part.size for part in named)
        place = 0
        for part in named:
            if part.blob is not None or part.offset != place:
                return self._copied(named)
            place += part.size
        os.ftruncate(self._fd, total)
        self._close()
        return Blob(self._path, total)

    def discard(self) -> None:
        """Forget everything."""
        self._close()
        self._path.unlink(missing_ok=True)
        for part in self.parts.values():
            if part.blob is not None:
                part.blob.path.unlink(missing_ok=True)

    def _place(self, number: int, length: int | None) -> int | None:
        if not length:
            return None
        with self._lock:
            if not self._common:
                self._common = length
            if length > self._common or number in self._placed or self._ended:
                return None
            self._placed.add(number)
            self._writing += 1
            return (number - 1) * self._common

    def _copied(self, named: list[Part]) -> Blob:
        writer = self._blobs.new((), sum(part.size for part in named))
        for part in named:
            source = self._fd
            offset = part.offset
            with contextlib.ExitStack() as opened:
                if part.blob is not None:
                    source = opened.enter_context(part.blob.path.open("rb")).fileno()
                    offset = 0
                left = part.size
                while left:
                    piece = os.pread(source, min(left, PIECE), offset)
                    writer.write(piece)
                    offset += len(piece)
                    left -= len(piece)
        blob = writer.close()
        self.discard()
        return blob

    def _leave(self) -> None:
        with self._lock:
            self._writing -= 1
        self._close_idle()

    def _close(self) -> None:
        self._ended = True
        self._close_idle()

    def _close_idle(self) -> None:
        with self._lock:
            if self._ended and not self._writing and self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
