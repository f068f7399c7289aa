"""Two trees side by side: what differs, and what a one-way mirror would have to remove.

Reads only. Memory holds the two listings of one folder, the folders still to be looked at, and a
bounded part of the trees that came in one answer.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Final

from msgspec import Struct

from cloudtui.services.errors import CloudError, Refused, SourceChanged
from cloudtui.services.hashes import hash_file
from cloudtui.services.models import DISK, Entry, Found, HashType, Kind
from cloudtui.services.naming import display_name
from cloudtui.services.storage import LocalFile, Storage
from cloudtui.services.transfers.claims import Claims
from cloudtui.services.transfers.conflicts import Sameness, sameness
from cloudtui.services.transfers.filters import Filters
from cloudtui.services.transfers.folders import Storages
from cloudtui.services.walking import Ahead

_AT_ONCE: Final = 8
_COMPUTABLE: Final = (HashType.SHA1, HashType.MD5, HashType.SHA256, HashType.GCID)


class Difference(StrEnum):
    """How two places differ at one name, as the word shown."""

    SAME = "same"
    MISSING = "missing"
    """Only in the source."""
    EXTRA = "extra"
    """Only in the target."""
    DIFFERENT = "different"
    UNLIKE = "unlike"
    """A folder on one side, a file on the other."""
    SIZE_ONLY = "size only"
    """Equal in size; the two places have no digest in common."""
    FAILED = "failed"
    """Could not be looked at."""


class Compared(Struct, frozen=True):
    """One name of both trees. `inner` is its path below them, by the source's names."""

    difference: Difference
    inner: tuple[str, ...]
    source: Found | None
    target: Found | None
    error: CloudError | None = None

    @property
    def kind(self) -> Kind:
        """What it is, in the source if it is there."""
        found = self.source or self.target
        assert found is not None
        return found.entry.kind


class Comparer:
    """Compares trees. `proof` compares digests, else sizes and, where they are kept, times tell.

    Close it: it has threads that read this disk.
    """

    def __init__(self, storages: Storages, *, proof: bool, filters: Filters | None = None) -> None:
        self._storages = storages
        self._ahead = Ahead(storages)
        self._proof = proof
        self._filters = filters or Filters((), ())
        self._pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "compare")
        self._stopped = False

    def close(self) -> None:
        """End the threads, in the middle of a file if need be."""
        self._stopped = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def files(self, source: Found, target: Found) -> Compared:
        """Two single files."""
        return await self._file((source.entry.name,), source, target)

    async def trees(
        self, source: Found, target: Found | None, *, contents: bool = True
    ) -> AsyncIterator[Compared]:
        """All that the folders hold, folders before what is in them. `target` None: nothing there.

        Without `contents` files of both sides are told as the same by their names alone. A folder
        that cannot be listed is told as FAILED and not looked into.
        """
        queue: deque[tuple[Found, Found | None, tuple[str, ...]]] = deque([(source, target, ())])
        while queue:
            here, there, inner = queue.popleft()
            try:
                rows = await self._folder(here, there, inner)
            except CloudError as error:
                yield Compared(Difference.FAILED, inner, here, there, error)
                continue
            pairs: list[Compared] = []
            for row in rows:
                left, right = row.source, row.target
                if left is not None and left.entry.is_folder and row.difference in _WALKED:
                    queue.append((left, right, row.inner))
                if left is None or right is None or left.entry.is_folder or not contents:
                    yield row
                elif row.difference is Difference.SAME:
                    pairs.append(row)
                else:
                    yield row
            for start in range(0, len(pairs), _AT_ONCE):
                group = pairs[start : start + _AT_ONCE]
                for done in await asyncio.gather(*(self._pair(row) for row in group)):
                    yield done

    async def _folder(
        self, here: Found, there: Found | None, inner: tuple[str, ...]
    ) -> list[Compared]:
        """The names of two folders; files of one name are SAME for now."""
        rows: list[Compared] = []
        claims: Claims | None = None
        if there is not None:
            target = await self._storages(there.at.account)
            claims = Claims(there.at.account, target.caps)
            async for page in self._ahead.scan(there.at):
                claims.stand(page)
        met: set[str] = set()
        async for page in self._ahead.scan(here.at):
            for entry in page:
                path = (*inner, entry.name)
                if entry.kind not in (Kind.FILE, Kind.FOLDER):
                    if claims is not None:  # not copied; what has its name is no extra for that
                        met.add(claims.key(claims.target_name(entry.name)))
                    continue
                if not self._filters.takes(path, folder=entry.is_folder):
                    continue
                found = Found.of(here.at, entry)
                standing = None
                if claims is not None:
                    name, standing = claims.place(entry.name)
                    met.add(claims.key(name))
                rows.append(_row(path, found, there, standing))
        if claims is not None and there is not None:
            for key, entry in claims.standing.items():
                path = (*inner, entry.name)
                if entry.kind not in (Kind.FILE, Kind.FOLDER):
                    continue
                if key not in met and self._filters.takes(path, folder=entry.is_folder):
                    extra = Found.of(there.at, entry)
                    rows.append(Compared(Difference.EXTRA, path, None, extra))
        return rows

    async def _pair(self, row: Compared) -> Compared:
        assert row.source is not None
        assert row.target is not None
        return await self._file(row.inner, row.source, row.target)

    async def _file(self, inner: tuple[str, ...], source: Found, target: Found) -> Compared:
        try:
            difference = await self._difference(source, target)
        except CloudError as error:
            return Compared(Difference.FAILED, inner, source, target, error)
        return Compared(difference, inner, source, target)

    async def _difference(self, source: Found, target: Found) -> Difference:
        here = await self._storages(source.at.account)
        there = await self._storages(target.at.account)
        same = sameness(source.entry, target.entry, source_caps=here.caps, target_caps=there.caps)
        if same is Sameness.DIFFERENT:
            return Difference.DIFFERENT
        if not self._proof and same is Sameness.SAME:
            return Difference.SAME
        if source.entry.size == 0 and target.entry.size == 0:
            return Difference.SAME
        left, right = await self._digests(here, source, there, target)
        shared = [kind for kind in left if right.get(kind)]
        if not shared:
            return Difference.SIZE_ONLY
        equal = all(left[kind].lower() == right[kind].lower() for kind in shared)
        return Difference.SAME if equal else Difference.DIFFERENT

    async def _digests(
        self, here: Storage, source: Found, there: Storage, target: Found
    ) -> tuple[Mapping[HashType, str], Mapping[HashType, str]]:
        """Digests of both; a service is asked first and this disk computes what it has."""
        if here.account == DISK and there.account == DISK:
            kinds = {HashType.SHA1}
            return await self._read(here, source, kinds), await self._read(there, target, kinds)
        if here.account == DISK:
            told = await there.hashes(target)
            return await self._read(here, source, told), told
        told = await here.hashes(source)
        if there.account == DISK:
            return told, await self._read(there, target, told)
        return told, await there.hashes(target)

    async def _read(
        self, disk: Storage, item: Found, kinds: Collection[HashType]
    ) -> Mapping[HashType, str]:
        wanted = [kind for kind in _COMPUTABLE if kind in kinds][:1]
        file = await disk.open_read(item)
        if not wanted or not isinstance(file, LocalFile):
            return {}
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._hash, file, wanted)

    def _hash(self, file: LocalFile, kinds: list[HashType]) -> dict[HashType, str]:
        try:
            fd = os.open(file.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as exc:
            shown = display_name(os.fsdecode(file.path))
            raise Refused(f"{shown} cannot be read ({exc.strerror}).") from exc
        try:
            found = hash_file(fd, file.size, kinds, stop=lambda: self._stopped)
            if LocalFile.of(file.path, os.fstat(fd)).version != file.version:
                shown = display_name(os.fsdecode(file.path))
                raise SourceChanged(f"{shown} changed while it was compared.")
            return found
        finally:
            os.close(fd)


_WALKED: Final = (Difference.SAME, Difference.MISSING)


def _row(
    path: tuple[str, ...], found: Found, there: Found | None, standing: Entry | None
) -> Compared:
    if there is None or standing is None:
        return Compared(Difference.MISSING, path, found, None)
    target = Found.of(there.at, standing)
    if found.entry.is_folder is not standing.is_folder:
        return Compared(Difference.UNLIKE, path, found, target)
    return Compared(Difference.SAME, path, found, target)
