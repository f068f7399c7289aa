"""Paths and names of this disk, checked before the system sees them.

Owns the way from a `Location` to a path and back, and the names of our unfinished files. No I/O.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import Final

from cloudtui.services.addresses import local_path
from cloudtui.services.errors import BadName
from cloudtui.services.models import DISK, Location
from cloudtui.services.naming import cut_name, display_name

LONGEST: Final = 255
"""Bytes of a name that every common file system takes."""

_PART_END: Final = ".cloudtui-part"
_PART: Final = re.compile(r"\..*\.[0-9a-f]{8}\.cloudtui-part", re.DOTALL)
_HEX: Final = re.compile(r"[0-9a-f]{8}")


def path_of(at: Location) -> str:
    """The path of a disk location. Raises BadName for parts that are no names."""
    for part in at.parts:
        if part in ("", ".", "..") or "\0" in part or "/" in part:
            raise _bad(part)
    path = str(local_path(at))
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise _bad(at.name) from None
    return path


def location_of(path: str) -> Location:
    """The location of an absolute path."""
    return Location(DISK, tuple(part for part in path.split(os.sep) if part))


def check_name(name: str) -> str:
    """The name, if a file may be called so here. Raises BadName with the reason."""
    if name in ("", ".", ".."):
        raise BadName(f"{display_name(name) or 'An empty name'} cannot name a file.")
    if "/" in name or "\0" in name:
        raise BadName(f"A name on this disk holds no slash: {display_name(name)}")
    try:
        length = len(os.fsencode(name))
    except UnicodeEncodeError:
        raise _bad(name) from None
    if length > LONGEST:
        raise BadName(
            f"The name {display_name(name)} is too long for this disk.",
            hint=f"It takes {LONGEST} bytes; this one has {length}.",
        )
    return name


def part_name(name: str, job: str) -> str:
    """The hidden name of an unfinished file: `.<name>.<8 hex of the job>.cloudtui-part`.

    A name that must be cut gets a mark of the whole one, so that two long names of one job that
    begin alike do not meet.
    """
    mark = job[:8].lower()
    if not _HEX.fullmatch(mark):
        mark = hashlib.sha256(job.encode()).hexdigest()[:8]
    end = f".{mark}{_PART_END}"
    room = LONGEST - len(end) - 1
    if len(os.fsencode(name)) > room:
        whole = hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
        name = f"{cut_name(name, room - len(whole) - 1)}~{whole}"
    return f".{name}{end}"


def is_part(name: str) -> bool:
    """Whether this is an unfinished file of ours."""
    return name.endswith(_PART_END) and _PART.fullmatch(name) is not None


def _bad(name: str) -> BadName:
    return BadName(f"This disk does not take the name {display_name(name)}.")
