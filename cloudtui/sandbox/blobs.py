"""The bytes of all files in the sandbox, one file on disk per blob.

Owns writing and hashing. Knows no names: trees of both clouds point at blobs, many nodes may share
one.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

HASH_PIECE = 1024 * 1024
# Below this a hash at the end is cheaper than a thread that follows the writer.
FOLLOW_FROM = 1024 * 1024

T = TypeVar("T")


class Blob:
    """Immutable bytes on disk. Digests are computed once, when first asked for."""

    __slots__ = ("_digests", "_lock", "path", "size")

    def __init__(self, path: Path, size: int, digests: dict[str, str] | None = None) -> None:
        self.path = path
        self.size = size
        self._digests = dict(digests or {})
        self._lock = threading.Lock()

    def digest(self, algorithm: str) -> str:
        """Hex digest by a `hashlib` algorithm name."""
        with self._lock:
            known = self._digests.get(algorithm)
            if known is None:
                known = hash_file(self.path, algorithm)
                self._digests[algorithm] = known
            return known

    def computed(self, name: str, compute: Callable[[Path], str]) -> str:
        """Like `digest`, for a hash of another making (PikPak's block hash): computed once."""
        with self._lock:
            known = self._digests.get(name)
            if known is None:
                known = self._digests[name] = compute(self.path)
            return known

    def sha1(self) -> str:
        return self.digest("sha1")

    def md5(self) -> str:
        return self.digest("md5")

    def sha256(self) -> str:
        return self.digest("sha256")

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(self.size - offset if length is None else length)


class Follower:
    """Hashes a growing file on its own thread, behind the writer's offset.

    The bytes are in the page cache when they are read back, so the writer's thread does nothing but
    receive and write; SHA-1 of 1 GiB then costs the upload nothing on a second core.
    """

    def __init__(self, fd: int, algorithm: str) -> None:
        self._fd = os.dup(fd)
        self._hash = hashlib.new(algorithm, usedforsecurity=False)
        self._target = 0
        self._done = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"hash-{algorithm}", daemon=True)
        self._thread.start()

    def advance(self, size: int) -> None:
        """Bytes up to `size` are written and may be hashed."""
        with self._changed:
            self._target = size
            self._changed.notify_all()

    def digest(self) -> str:
        """Hex digest of everything written so far; waits for the thread to catch up."""
        with self._changed:
            self._changed.wait_for(lambda: self._done >= self._target or self._closed)
            return self._hash.copy().hexdigest()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        os.close(self._fd)

    def _run(self) -> None:
        buffer = memoryview(bytearray(HASH_PIECE))
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._target > self._done)
                if self._closed:
                    return
                count = min(self._target - self._done, HASH_PIECE)
            got = os.preadv(self._fd, [buffer[:count]], self._done)
            self._hash.update(buffer[:got])
            with self._changed:
                self._done += got
                self._changed.notify_all()


class Writer:
    """Receives one blob's bytes in order. Digests named at the start are ready at the end.

    Use as a context manager or call `close` (keeps the bytes) or `discard` (drops them).
    """

    def __init__(
        self, path: Path, digests: Iterable[str] = (), expected: int | None = None
    ) -> None:
        self.path = path
        self.size = 0
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._wanted = tuple(digests)
        self._followers: dict[str, Follower] = {}
        if expected is None or expected >= FOLLOW_FROM:
            self._followers = {name: Follower(self._fd, name) for name in self._wanted}

    def write(self, view: memoryview | bytes) -> None:
        rest = memoryview(view)
        while rest:
            written = os.write(self._fd, rest)
            self.size += written
            rest = rest[written:]
        for follower in self._followers.values():
            follower.advance(self.size)

    def close(self) -> Blob:
        """Finish; the blob carries the digests asked for."""
        digests = {name: follower.digest() for name, follower in self._followers.items()}
        self._release()
        blob = Blob(self.path, self.size, digests)
        for name in self._wanted:
            blob.digest(name)
        return blob

    def discard(self) -> None:
        self._release()
        self.path.unlink(missing_ok=True)

    def _release(self) -> None:
        for follower in self._followers.values():
            follower.close()
        self._followers = {}
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Blobs:
    """The store. Safe to use from many threads."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._next = 0
        self._remembered: dict[str, object] = {}
        self._empty: Blob | None = None

    def new_path(self) -> Path:
        """A path nobody else will get."""
        with self._lock:
            self._next += 1
            return self.directory / f"{os.getpid():x}-{self._next:08x}"

    def new(self, digests: Iterable[str] = (), expected: int | None = None) -> Writer:
        """A writer for one blob of about `expected` bytes; `digests` are hashed while it is
        written.
        """
        return Writer(self.new_path(), digests, expected)

    def put_bytes(self, content: bytes) -> Blob:
        """A blob with this content."""
        if not content:
            with self._lock:
                empty = self._empty
            if empty is not None:
                return empty
        path = self.new_path()
        path.write_bytes(content)
        blob = Blob(path, len(content))
        if not content:
            self._empty = blob
        return blob

    def remembered(self, name: str, make: Callable[[], T]) -> T:
        """What `make` returned when this name was first asked for: seeds are built once per
        sandbox.
        """
        with self._lock:
            known = self._remembered.get(name)
        if known is None:
            known = make()
            with self._lock:
                self._remembered[name] = known
        return known  # type: ignore[return-value]


def hash_file(path: Path, algorithm: str) -> str:
    """Hex digest of a file's content."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()
