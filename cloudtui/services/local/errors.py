"""What the operating system's errors mean to people.

Owns the one mapping from `OSError` to the program's errors for this disk; nothing else here looks
at error numbers to make sentences.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cloudtui.services.errors import (
    BadName,
    CloudError,
    Denied,
    Exists,
    Full,
    NotEmpty,
    NotFound,
    NotSupported,
    Refused,
)
from cloudtui.services.naming import display_name

_DENIED: Final = {
    errno.EACCES: "You have no permission for {}.",
    errno.EPERM: "You have no permission for {}.",
    errno.EROFS: "{} lies on a disk that can only be read.",
    errno.EBUSY: "{} is in use by the system.",
    errno.ETXTBSY: "{} is a program that runs now.",
}

_BAD_NAMES: Final = (errno.ENAMETOOLONG, errno.EILSEQ)


def shown(path: str | bytes) -> str:
    """A path as it may stand in a sentence."""
    return display_name(os.fsdecode(path))


def mapped(error: OSError, path: str | bytes) -> CloudError:
    """The program's error for `error`, which happened to `path`."""
    name = shown(path)
    number = error.errno or 0
    if number in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE):
        text = "is not there" if number != errno.ENOTDIR else "is not there: a file stands above it"
        return NotFound(f"{name} {text}.", where=name)
    if number in _DENIED:
        return Denied(_DENIED[number].format(name), hint="Nothing was changed.", where=name)
    if number in (errno.ENOSPC, errno.EDQUOT):
        return Full(
            f"The disk is full; {name} could not be written.",
            hint="Make room and try again; what is there was kept.",
            where=name,
        )
    if number == errno.EEXIST:
        return Exists(f"{name} is already there.", where=name)
    if number == errno.ENOTEMPTY:
        return NotEmpty(f"{name} still holds something.", where=name)
    if number in (errno.EISDIR, errno.ELOOP):
        what = "A folder" if number == errno.EISDIR else "A link"
        return Exists(f"{what} stands where {name} should be.", where=name)
    if number in _BAD_NAMES:
        return BadName(f"This disk does not take the name {name}.", where=name)
    if number == errno.EXDEV:
        return NotSupported(f"{name} would have to go to another disk.", where=name)
    if number == errno.EFBIG:
        return Refused(f"{name} is too large for this disk.", where=name)
    if number in (errno.EMFILE, errno.ENFILE):
        return Refused("Too many files are open.", hint="Close something and try again.")
    reason = error.strerror or type(error).__name__
    return Refused(f"The disk refused {name}: {reason}.", where=name)


@contextmanager
def mapping(path: str | bytes) -> Iterator[None]:
    """Raise operating system errors of the block as the program's own, about `path`."""
    try:
        yield
    except OSError as error:
        raise mapped(error, path) from error
