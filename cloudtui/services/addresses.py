"""Addresses people type: `NAME:/path`, `NAME:#id`, or a local path.

A leaf over models and errors; touches no disk and no network.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

from msgspec import Struct

from cloudtui.services.errors import UsageError
from cloudtui.services.models import DISK, Location
from cloudtui.services.naming import display_name

ACCOUNT_NAME = re.compile(r"[a-z][a-z0-9-]+")
_PREFIX = re.compile(r"([a-z][a-z0-9-]+):(.*)", re.DOTALL)


class Address(Struct, frozen=True):
    """A typed address. `wants_folder` says it ended in a slash: the folder among entries of one
    name, and as a source its contents."""

    at: Location
    wants_folder: bool = False

    def __str__(self) -> str:
        return str(self.at)


def parse_address(text: str, accounts: Collection[str], folder: Path | None = None) -> Address:
    """What `text` means when `accounts` are configured; local paths are taken from `folder`
    (default: the working folder) and made absolute without following links.

    Raises UsageError for an empty text and for a prefix that looks like an account but is none.
    """
    if not text:
        raise UsageError("An address is empty.", hint="Give a path or NAME:/path.")
    match = _PREFIX.fullmatch(text)
    if match and match[1] in accounts:
        return _cloud(match[1], match[2])
    if match and match[2][:1] in ("", "/", "#") and not os.path.lexists(text):
        raise UsageError(
            f"There is no account called {match[1]}.",
            hint=f"cloudtui login {match[1]} --kind pikpak|pcloud adds it.",
        )
    return Address(local_location(text, folder), text.endswith(("/", os.sep)))


def _cloud(name: str, rest: str) -> Address:
    if rest.startswith("#"):
        if len(rest) < 2:
            raise UsageError(f"{name}:# needs an id behind it.")
        return Address(Location(name, (display_name(rest),), rest[1:]))
    parts = tuple(part for part in rest.split("/") if part)
    return Address(Location(name, parts), rest.endswith("/") or not parts)


def local_location(text: str, folder: Path | None = None) -> Location:
    """The location of a local path, absolute, `~` expanded, `.` and `..` worked out by text."""
    path = Path(os.path.normpath(Path(folder or Path.cwd()) / Path(text).expanduser()))
    parts = path.parts[1:] if path.anchor == os.sep else path.parts
    return Location(DISK, tuple(parts))


def local_path(at: Location) -> Path:
    """The path of a disk location."""
    if at.parts and at.parts[0].endswith((":\\", ":")):
        return Path(*at.parts)
    return Path(os.sep, *at.parts)
