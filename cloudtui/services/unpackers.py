"""Places that unpack archives, and pack folders, by themselves, as shapes: no I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from cloudtui.services.errors import NotSupported, Refused
from cloudtui.services.models import ArchiveEntry, Entry, Extracted, Found, Location, Secret
from cloudtui.services.naming import display_name


@runtime_checkable
class Archives(Protocol):
    """Unpacks archives without moving their bytes through this machine."""

    async def list_archive(
        self, item: Found, password: Secret | None = None, *, inside: str = ""
    ) -> Sequence[ArchiveEntry]:
        """What an archive holds, one level: that of its folder `inside`. Raises PasswordNeeded
        when it wants one (or another); NotSupported where the service only unpacks."""
        ...

    async def extract(
        self,
        item: Found,
        into: Location | None = None,
        password: Secret | None = None,
        *,
        only: Sequence[ArchiveEntry] = (),
        delete_source: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> Extracted:
        """Unpack one archive into the folder `into` (None: beside it) and wait for the end.

        With `only` nothing else of it, a folder with all that lies in it; all of it without.
        `on_progress` gets 0 to 100. With `delete_source` the archive goes to the trash, but only
        after everything is unpacked. Raises PasswordNeeded, Refused (no archive, one that the
        service cannot read, or one that is to be deleted although only a part was asked for), Full,
        NotSupported for `only` where the place has no `archive_parts`.
        """
        ...


@runtime_checkable
class LastingArchives(Archives, Protocol):
    """Goes on unpacking when nobody waits for the end, and can be asked for it later."""

    async def begin_extract(
        self, item: Found, into: Location | None, password: Secret | None
    ) -> str:
        """The service's name for the extraction: a new one, or one that was begun with the same
        words and not yet seen through. Raises like `extract`."""
        ...

    async def end_extract(
        self,
        item: Found,
        task: str,
        *,
        delete_source: bool,
        on_progress: Callable[[int], None] | None = None,
    ) -> Extracted:
        """Wait for the end of an extraction, by this process or another that is gone. Only the id
        of the archive counts; one that is no longer there counts as deleted. Raises like
        `extract`."""
        ...


@runtime_checkable
class PacksFolders(Protocol):
    """Makes one file of a folder where it lies, and the folder again of such a file. Both keep the
    id; nothing passes through this machine."""

    async def pack_folder(
        self, item: Found, on_progress: Callable[[int], None] | None = None
    ) -> Entry:
        """The file that a folder became, under the name the service gave it. `on_progress` gets 0
        to 100. Raises Refused for what is no folder, or an empty one."""
        ...

    async def unpack_folder(self, item: Found) -> Entry:
        """The folder that a packed file became again. Raises Refused for any other file."""
        ...


def takes_all(title: str) -> NotSupported:
    """The error for a part of an archive where a service of that title unpacks only all of it."""
    return NotSupported(f"{title} unpacks archives whole, not parts of them.")


def rest_is_lost(archive: Found) -> Refused:
    """The error for deleting an archive of which only a part is wanted."""
    return Refused(
        f"{display_name(str(archive.at))} cannot go: only a part of it would be unpacked.",
        hint="Unpack all of it, or keep it.",
    )


def packs_nothing(title: str) -> NotSupported:
    """The error for packing a folder where a service of that title does not."""
    return NotSupported(f"{title} does not pack folders by itself.")
