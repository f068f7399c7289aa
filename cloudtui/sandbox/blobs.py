"""The bytes of all files in the sandbox, one file on disk per blob.

Owns writing and hashing. Knows no names: trees of both clouds point at blobs, many nodes may share
one. A benchmark may announce what it is about to send: its digests, which spares computing them
(nobody checks them), and that room for it is to be found on the disk beforehand.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

# Below this, hashing at the end (25 ms for SHA-1 and MD5) is cheaper than starting a process.
FOLLOW_FROM = 16 * 1024 * 1024
TELL_EVERY = 4 * 1024 * 1024
FIRST_LOOK = 64 * 1024

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

    def same_as(self, other: Blob) -> bool:
        """Whether both hold equal bytes; looks at the first 64 KiB before it hashes anything."""
        if self is other or self.size != other.size:
            return self is other
        if self.read(0, FIRST_LOOK) != other.read(0, FIRST_LOOK):
            return False
        return self.sha1() == other.sha1()

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(self.size - offset if length is None else length)


class Follower:
    """Hashes a growing file in a process of its own, behind the writer's offset; see `hashing`.

    The bytes are in the page cache when they are read back. The file must grow without holes.
    """

    def __init__(self, fd: int, algorithms: Iterable[str]) -> None:
        self._algorithms = tuple(algorithms)
        self._told = 0
        self._size = 0
        script = Path(__file__).with_name("hashing.py")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(script), str(fd), *self._algorithms],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[fd],
        )

    def is_running(self) -> bool:
        return self._process.poll() is None

    def advance(self, size: int) -> None:
        """Bytes up to `size` are written and may be hashed."""
        self._size = size
        if size - self._told >= TELL_EVERY:
            self._say(b"%d\n" % size)
            self._told = size

    def digests(self) -> dict[str, str]:
        """Hex digests of everything written so far; waits until they are complete."""
        self._say(b"%d\n?\n" % self._size)
        assert self._process.stdout is not None
        values = self._process.stdout.readline().decode().split()
        return dict(zip(self._algorithms, values, strict=True))

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def _say(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()


class Writer:
    """Receives one blob's bytes in order. Digests named at the start are ready at the end.

    Finish with `close` (keeps the bytes) or `discard` (drops them). `announced` are digests of
    what has exactly `expected` bytes.
    """

    def __init__(
        self,
        path: Path,
        fd: int,
        digests: Iterable[str] = (),
        expected: int | None = None,
        announced: Mapping[str, str] | None = None,
    ) -> None:
        self.path = path
        self.size = 0
        self._fd = fd
        self._wanted = tuple(digests)
        self._expected = expected
        self._announced = dict(announced or {})
        self._follower: Follower | None = None
        missing = set(self._wanted) - set(self._announced)
        if missing and (expected or 0) >= FOLLOW_FROM:
            self._follower = Follower(self._fd, self._wanted)

    def write(self, view: memoryview | bytes) -> None:
        rest = memoryview(view)
        while rest:
            written = os.write(self._fd, rest)
            self.size += written
            rest = rest[written:]
        if self._follower is not None:
            self._follower.advance(self.size)

    def close(self) -> Blob:
        """Finish; the blob carries the digests asked for."""
        digests = self._announced if self.size == self._expected else {}
        if self._follower is not None:
            digests = self._follower.digests()
        os.ftruncate(self._fd, self.size)
        self._release()
        blob = Blob(self.path, self.size, digests)
        for name in self._wanted:
            blob.digest(name)
        return blob

    def discard(self) -> None:
        self._release()
        self.path.unlink(missing_ok=True)

    def _release(self) -> None:
        if self._follower is not None:
            self._follower.close()
            self._follower = None
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
        self._announced: dict[int, dict[str, str]] = {}
        self._spare: list[Path] = []
        self._empty: Blob | None = None

    def announce(self, size: int, digests: Mapping[str, str]) -> None:
        """What is stored with this size from now on has these hex digests (by `hashlib` name), and
        nobody computes them; none given takes that back.
        """
        with self._lock:
            self._announced.pop(size, None)
            if digests:
                self._announced[size] = dict(digests)

    def announced(self, size: int) -> dict[str, str]:
        """What was announced for this size."""
        with self._lock:
            return self._announced.get(size, {})

    def set_aside(self, size: int) -> None:
        """Find room for so many bytes now; the next blob to be written gets it."""
        path = self.new_path()
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.posix_fallocate(fd, 0, size)
        finally:
            os.close(fd)
        with self._lock:
            self._spare.append(path)

    def opened(self) -> tuple[Path, int]:
        """A file for one blob, and its descriptor. It may be longer than what is written into it:
        whoever knows the size cuts it.
        """
        with self._lock:
            spare = self._spare.pop() if self._spare else None
        if spare is not None:
            return spare, os.open(spare, os.O_RDWR)
        path = self.new_path()
        return path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)

    @property
    def announcing(self) -> bool:
        """Whether anything was announced, of whatever size."""
        return bool(self._announced)

    def new_path(self) -> Path:
        """A path nobody else will get."""
        with self._lock:
            self._next += 1
            return self.directory / f"{os.getpid():x}-{self._next:08x}"

    def new(self, digests: Iterable[str] = (), expected: int | None = None) -> Writer:
        """A writer for one blob of about `expected` bytes; `digests` are hashed while it is
        written.
        """
        announced = self.announced(expected) if expected is not None else None
        return Writer(*self.opened(), digests, expected, announced)

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
