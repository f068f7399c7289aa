"""What lies behind a link before a service fetches it, and the room that takes.

Shapes, and the one question about room; everything else is asked and worded by others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from cloudtui.services.errors import CloudError
from cloudtui.services.models import Capabilities, HashType, TaskPhase
from cloudtui.services.storage import HasAllowances, HasQuota


class LinkFile(Struct, frozen=True):
    """A file behind a link. `path` has slashes and no leading one, `size` is None where it is not
    told, `hashes` are hex digests that the service claims."""

    path: str
    size: int | None = None
    hashes: Mapping[HashType, str] = {}


class Preview(Struct, frozen=True):
    """What a service knows of a link.

    `size` in bytes and `count` of files are None while it does not know them. `files` are those it
    named, which may be fewer than `count`. `message` is its word on why it knows nothing.
    """

    url: str
    name: str
    size: int | None = None
    count: int | None = None
    files: tuple[LinkFile, ...] = ()
    message: str = ""


class TaskFile(Struct, frozen=True):
    """One file of a download that a service makes. `percent` is None where only the phase is
    told."""

    name: str
    phase: TaskPhase
    size: int | None = None
    percent: int | None = None
    message: str = ""


@runtime_checkable
class PreviewsLinks(Protocol):
    """Tells what lies behind a link without fetching it."""

    async def preview_link(self, url: str) -> Preview:
        """What is known of a link; one that nobody fetched before may be without size and files.
        Raises UsageError when it is no link, Refused when nothing can be found behind it."""
        ...


@runtime_checkable
class TellsTaskFiles(Protocol):
    """Tells of each file of a download how far it is."""

    async def task_files(self, task_id: str) -> Sequence[TaskFile] | None:
        """The files of a task; empty when it has no parts, None when the service does not tell."""
        ...


class Claims(Protocol):
    """A place that says what it can do."""

    @property
    def caps(self) -> Capabilities:
        """See `Storage.caps`."""
        ...


def link_previewer(place: Claims) -> PreviewsLinks | None:
    """The place as one that tells what lies behind links, None where it does not."""
    whole: object = place
    if not place.caps.allows("previews") or not isinstance(whole, PreviewsLinks):
        return None
    return whole


def task_file_teller(place: Claims) -> TellsTaskFiles | None:
    """The place as one that tells of single files of a download, None where it does not."""
    whole: object = place
    if not place.caps.allows("task_files") or not isinstance(whole, TellsTaskFiles):
        return None
    return whole


class Room(Struct, frozen=True):
    """Bytes that may still come: `free` of the account, `fetchable` of what the plan lets the
    service fetch in its while. None where it is not told or there is no bound."""

    free: int | None = None
    fetchable: int | None = None

    def fits(self, size: int) -> bool | None:
        """Whether so many bytes may come; None when nothing is known."""
        known = [bound for bound in (self.free, self.fetchable) if bound is not None]
        return size <= min(known) if known else None


def needed(previews: Iterable[Preview]) -> tuple[int, bool]:
    """The bytes of several links together, and whether that is all there is to know: False when
    some are without a size."""
    sizes = [preview.size for preview in previews]
    return sum(size or 0 for size in sizes), None not in sizes


async def room_of(place: object) -> Room:
    """What is left. A service that does not tell leaves the question open; it raises nothing."""
    free = fetchable = None
    # only a hint hangs on it: adding the link meets the bound itself
    with contextlib.suppress(CloudError):
        if isinstance(place, HasQuota):
            free = (await place.quota()).free
        if isinstance(place, HasAllowances):
            for each in await place.allowances():
                if each.name == "offline":
                    fetchable = max(0, each.total - each.used)
    return Room(free, fetchable)
