"""Reading zip files, locked ones included. Every way they can fail is one of the service's words.

Other formats that clients offer for extraction are refused as the service refuses a format it
cannot read; so are zips in a cipher or compression that the standard library lacks.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath
from types import TracebackType
from typing import Self

from cloudtui.sandbox.blobs import Blob, Blobs
from cloudtui.sandbox.pikpak.node import suffix_of

PIECE = 1024 * 1024
READABLE = (".zip",)
SPLIT = (".z01", ".part1", ".part2", ".001", ".002", ".r00")
BAD_FORMAT = "E_INVALID_FORMAT"
SPLIT_FORMAT = "INVALID_FILE_FORMAT"
NO_PASSWORD = "PASS_WORD_EMPTY"
WRONG_PASSWORD = "PASS_WORD_ERROR"
ENCRYPTED = 0x1


class Closed(Exception):
    """An archive that cannot be read; `status` is the service's word."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Zip:
    """One open zip; use as a context manager.

    `members` are its entries by cleaned path: no leading slashes, no `..`, folders end in a slash.

    Raises:
        Closed: not a zip, or one volume of several.
    """

    def __init__(self, name: str, blob: Blob) -> None:
        if PurePosixPath(name).stem.lower().endswith(SPLIT):
            raise Closed(SPLIT_FORMAT)
        if suffix_of(name).lower() not in READABLE:
            raise Closed(BAD_FORMAT)
        try:
            self._file = zipfile.ZipFile(blob.path)
        except (zipfile.BadZipFile, OSError, NotImplementedError) as exc:
            raise Closed(BAD_FORMAT) from exc
        self.members: dict[str, zipfile.ZipInfo] = {}
        for info in self._file.infolist():
            parts = [part for part in info.filename.split("/") if part not in ("", ".", "..")]
            if parts:
                self.members["/".join(parts) + ("/" if info.is_dir() else "")] = info

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def locked(self) -> list[zipfile.ZipInfo]:
        """The entries that need a password."""
        return [info for info in self.members.values() if info.flag_bits & ENCRYPTED]

    def check(self, password: str) -> None:
        """Raise Closed unless the password opens the smallest locked entry, read to its end.

        The cipher's own check is one byte wide; the checksum at the end of the data is not.
        """
        if not self.locked:
            return
        if not password:
            raise Closed(NO_PASSWORD)
        smallest = min(self.locked, key=lambda info: info.file_size)
        self._read(smallest, password, lambda _: None)

    def extract(self, info: zipfile.ZipInfo, password: str, blobs: Blobs) -> Blob:
        """The bytes of one entry; raises Closed."""
        writer = blobs.new((), info.file_size)
        try:
            self._read(info, password, writer.write)
        except Closed:
            writer.discard()
            raise
        return writer.close()

    def chosen(self, paths: list[str]) -> list[tuple[str, zipfile.ZipInfo]]:
        """The entries at or below some paths; all of them without any path."""
        tops = [path.rstrip("/") for path in paths]
        return [
            (name, info)
            for name, info in self.members.items()
            if not tops
            or any(name.rstrip("/") == top or name.startswith(f"{top}/") for top in tops)
        ]

    def level(self, folder: str) -> dict[str, zipfile.ZipInfo | None]:
        """What lies right below a folder (`""` or `dir/`), by path; None stands for a folder."""
        found: dict[str, zipfile.ZipInfo | None] = {}
        for name, info in self.members.items():
            if not name.startswith(folder) or name == folder:
                continue
            first, slash, _ = name[len(folder) :].partition("/")
            found.setdefault(folder + first + slash, None if slash else info)
        return found

    def _read(self, info: zipfile.ZipInfo, password: str, take: Callable[[bytes], None]) -> None:
        given = password.encode("utf-8", "surrogatepass") or None
        try:
            with self._file.open(info, pwd=given) as source:
                while piece := source.read(PIECE):
                    take(piece)
        except NotImplementedError as exc:
            raise Closed(BAD_FORMAT) from exc
        except (RuntimeError, zipfile.BadZipFile, zlib.error, EOFError) as exc:
            locked = info.flag_bits & ENCRYPTED
            raise Closed(WRONG_PASSWORD if locked else BAD_FORMAT) from exc
