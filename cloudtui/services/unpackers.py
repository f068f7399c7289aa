"""Places that unpack archives by themselves, as shapes: no I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from cloudtui.services.models import ArchiveEntry, Extracted, Found, Location, Secret


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
        delete_source: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> Extracted:
        """Unpack one archive into the folder `into` (None: beside it) and wait for the end.

        `on_progress` gets 0 to 100. With `delete_source` the archive goes to the trash, but only
        after everything is unpacked. Raises PasswordNeeded, Refused (no archive, or one that the
        service cannot read), Full.
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
