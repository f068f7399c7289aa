"""Places that play films in several qualities and hand out small pictures of files, as shapes; and
which files are worth asking about. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

from msgspec import Struct

from cloudtui.services.errors import NotFound, NotSupported
from cloudtui.services.models import Entry, Found, Kind
from cloudtui.services.naming import display_name

ORIGINAL: Final = "original"
"""Stands for the bytes of the file itself, whatever the service calls them."""

SMALL: Final = 256
LARGE: Final = 1024
"""Pixels of the longer side of a thumbnail: beside the panes, and on the whole screen."""

LARGEST_FILE: Final = 16 * 1024 * 1024
"""Bytes up to which a picture on this disk is read whole to be looked at."""
LARGEST_THUMBNAIL: Final = 4 * 1024 * 1024
"""Bytes a thumbnail may have; those of the services have some ten thousand."""

_PICTURES: Final = frozenset(("jpg", "jpeg", "jpe", "png", "webp", "gif"))
_OTHER_PICTURES: Final = frozenset(
    ("heic", "heif", "avif", "bmp", "tif", "tiff", "dng", "cr2", "nef", "arw", "raf", "orf")
)
_FILMS: Final = frozenset(
    (
        *("mp4", "m4v", "mkv", "webm", "mov", "avi", "wmv", "flv", "ts", "m2ts", "mts", "mpg"),
        *("mpeg", "3gp", "ogv", "rm", "rmvb", "vob", "asf"),
    )
)
_MUSIC: Final = frozenset(
    ("mp3", "m4a", "flac", "wav", "ogg", "oga", "opus", "aac", "wma", "ape", "aiff", "alac")
)


class Quality(Struct, frozen=True):
    """One form in which a service plays a file.

    `name` is the service's own (`720P`), or made of what it tells where it names none. `original`:
    the bytes of the file itself. `duration` is in seconds and `bit_rate` in bits a second; None
    where not told. `wants` is what an account must have to play it, safe to display, or empty;
    only one that is not `given` has no link for this account.
    """

    name: str
    original: bool = False
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    bit_rate: int | None = None
    codecs: tuple[str, ...] = ()
    wants: str = ""
    given: bool = True

    @property
    def words(self) -> str:
        """What is told of it in a line, safe to display."""
        told = [f"{self.width}x{self.height}"] if self.width and self.height else []
        told += [display_name(codec) for codec in self.codecs if codec]
        if self.bit_rate and self.bit_rate >= 1000:
            told.append(f"{self.bit_rate // 1000} kbit/s")
        if self.wants or not self.given:
            told.append(f"wants {self.wants}" if self.wants else "not for this account")
        return ", ".join(told)


@runtime_checkable
class PlaysQualities(Protocol):
    """Plays films (or music) in forms other than the file's own bytes."""

    async def qualities(self, item: Found) -> Sequence[Quality]:
        """The forms there are, the original first; empty for a file that has no other form. Raises
        Refused when the content is blocked."""
        ...

    async def quality_link(self, item: Found, name: str) -> str:
        """A fresh signed link to one form, by its name in any case or `ORIGINAL`; never logged.
        Raises NotFound when there is no such form, Refused when it is not given."""
        ...


@runtime_checkable
class HasThumbnails(Protocol):
    """Hands out small pictures of files, for free."""

    async def thumbnail(self, item: Found, side: int) -> bytes:
        """A picture of a file, in one of the usual formats; its longer side has about `side`
        pixels. Raises NotFound when the service has none of this file."""
        ...


def _ending(entry: Entry) -> str:
    _, dot, ending = entry.name.rpartition(".")
    return ending.lower() if dot and entry.kind is Kind.FILE else ""


def is_picture(entry: Entry) -> bool:
    """Whether it is a picture of a kind that can be drawn here, by its name."""
    return _ending(entry) in _PICTURES


def has_thumbnail(entry: Entry) -> bool:
    """Whether a service may have a picture of it, by its name: pictures and films."""
    ending = _ending(entry)
    return ending in _PICTURES or ending in _OTHER_PICTURES or ending in _FILMS


def is_music(entry: Entry) -> bool:
    """Whether it is sound alone, by its name."""
    return _ending(entry) in _MUSIC


def is_played(entry: Entry) -> bool:
    """Whether it is a film or music, by its name."""
    ending = _ending(entry)
    return ending in _FILMS or ending in _MUSIC


def chosen(qualities: Sequence[Quality], name: str, item: Found) -> Quality:
    """The form of that name, in any case. Raises NotFound, which tells the names there are."""
    wanted = name.casefold()
    for one in qualities:
        if one.name.casefold() == wanted or (one.original and wanted == ORIGINAL):
            return one
    where = display_name(str(item.at))
    if not qualities:
        raise NotFound(
            f"{where} has no other form than its own.", hint="`--quality original` is always there."
        )
    names = ", ".join(display_name(one.name) for one in qualities)
    raise NotFound(f"{where} has no form called {display_name(name)}.", hint=f"There are: {names}.")


def plays_nothing(title: str) -> NotSupported:
    """The error for a form where a place of that title only has files as they are."""
    return NotSupported(f"{title} plays no other form of a file than its own.")


def pictures_nothing(title: str) -> NotSupported:
    """The error for a thumbnail where a place of that title makes none."""
    return NotSupported(f"{title} makes no pictures of files.")
