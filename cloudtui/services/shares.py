"""What some places can do with public links: change their own, look into those of others.

Shapes, and the way to a path inside a share; no I/O of its own.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final, Protocol, runtime_checkable

from msgspec import Struct

from cloudtui.services.errors import Ambiguous, NotFound
from cloudtui.services.models import Entry, Location, OfflineTask, Secret, Share
from cloudtui.services.naming import display_name


@runtime_checkable
class ChangesShares(Protocol):
    """Puts other limits on public links that are there."""

    async def change_share(
        self,
        share: Share,
        *,
        days: int | None = None,
        password: Secret | None = None,
        most_downloads: int | None = None,
    ) -> Share:
        """A link with other limits, as the service tells them afterwards: None leaves one as it
        is, 0 or an empty secret takes it off.

        Raises NotSupported for a limit that `caps.share_changes` does not name, NotFound for a
        link that is gone, Refused when the service took the call and changed nothing.
        """
        ...


class ShareLink(Struct, frozen=True):
    """A link to the page of a share. `shown` is the link without its pass code, `inner` the id of
    what it leads to below the top of the share (empty: the top)."""

    share: str
    shown: str
    code: Secret | None = None
    inner: str = ""


class SharedItem(Struct, frozen=True):
    """Something in a share. `folders` are the names of the shared folders it lies in and `above`
    their ids, both from the top of the share down."""

    entry: Entry
    folders: tuple[str, ...] = ()
    above: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """Its path in the share."""
        return (*self.folders, self.entry.name)

    def child(self, entry: Entry) -> SharedItem:
        """Something that lies in this folder."""
        return SharedItem(entry, self.parts, (*self.above, self.entry.id))


@runtime_checkable
class OpensShares(Protocol):
    """Reads the shares of others by their links, and saves out of them.

    All but `share_link` raise PasswordNeeded when a pass code is missing or wrong, NotFound for a
    share that is gone or over, Refused for one the service keeps closed.
    """

    def share_link(self, text: str) -> ShareLink | None:
        """What a link says when it leads to a share of this service, else None."""
        ...

    async def led_to(self, link: ShareLink) -> SharedItem | None:
        """What a link leads to inside its share; None when it leads to the top."""
        ...

    def scan_share(
        self, link: ShareLink, folder: SharedItem | None = None
    ) -> AsyncIterator[Sequence[SharedItem]]:
        """What lies in a shared folder (None: at the top), page by page, in the service's order."""
        ...

    async def save_share(
        self, link: ShareLink, parent: Location, items: Sequence[SharedItem] | None = None
    ) -> OfflineTask:
        """Save things of one share into `parent`; without `items` all that the link leads to, and
        then several things come into a new folder of the share's name. Waits for the end."""
        ...

    async def shared_content(self, link: ShareLink, item: SharedItem) -> str:
        """A signed link to the content of a shared file; shown once on request, never logged."""
        ...


_CODE: Final = re.compile(r"([?&](?:pwd|pass_code)=)[^&#\s]+")
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Nothing that is taken for something else."""
_LENGTH: Final = 8
"""PikPak's page takes four to ten letters and digits."""


def new_password() -> Secret:
    """A password for a link that nobody can guess."""
    return Secret("".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)))


def without_code(link: str) -> str:
    """A link as it may be shown: a pass code behind it is left out."""
    return _CODE.sub(r"\1…", link)


def outermost(items: Iterable[SharedItem]) -> list[SharedItem]:
    """Each thing once, and none that comes along with a folder above it."""
    all_of_them = {item.entry.id: item for item in items}
    return [item for item in all_of_them.values() if all_of_them.keys().isdisjoint(item.above)]


async def found_in(place: OpensShares, link: ShareLink, path: str) -> SharedItem | None:
    """What `path` means below what the link leads to; None is the top of the share.

    Each part is a name, or `#` and an id. Raises NotFound; Ambiguous when a name fits several.
    """
    at = await place.led_to(link)
    for part in filter(None, path.split("/")):
        at = await _child(place, link, at, part)
    return at


async def _child(
    place: OpensShares, link: ShareLink, folder: SharedItem | None, part: str
) -> SharedItem:
    shown = display_name(part)
    if folder is not None and not folder.entry.is_folder:
        raise NotFound(f"{display_name(folder.entry.name)} is a file: there is no {shown} in it.")
    fits: list[SharedItem] = []
    async for page in place.scan_share(link, folder):
        fits += [item for item in page if part in (item.entry.name, f"#{item.entry.id}")]
    if not fits:
        where = "/".join(folder.parts) if folder is not None else "the share"
        raise NotFound(f"There is no {shown} in {display_name(where)}.")
    if len(fits) > 1:
        ids = tuple(item.entry.id for item in fits)
        raise Ambiguous(
            f"{shown} is there {len(fits)} times.",
            ids=ids,
            hint=f"Say which by its id: {', '.join(f'#{display_name(each)}' for each in ids)}",
        )
    return fits[0]
