"""One entry of a PikPak drive; knows nothing of its siblings."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from cloudtui.sandbox.blobs import Blob

ROOT = ""


class Phase(StrEnum):
    """How far a file or task is."""

    PENDING = "PHASE_TYPE_PENDING"
    RUNNING = "PHASE_TYPE_RUNNING"
    COMPLETE = "PHASE_TYPE_COMPLETE"
    ERROR = "PHASE_TYPE_ERROR"


# The registered types, whatever the system's own tables say: answers must not vary by machine.
_TYPES = mimetypes.MimeTypes(filenames=())
for _type, _suffix in (
    ("application/x-7z-compressed", ".7z"),
    ("application/x-rar-compressed", ".rar"),
    ("application/zip", ".zip"),
    ("video/x-matroska", ".mkv"),
    ("audio/flac", ".flac"),
    ("text/markdown", ".md"),
    ("application/x-subrip", ".srt"),
):
    _TYPES.add_type(_type, _suffix)
_CATEGORIES = {"video": "VIDEO", "audio": "AUDIO", "image": "IMAGE", "text": "TEXT"}
_ARCHIVES = {
    "application/zip",
    "application/x-7z-compressed",
    "application/x-rar-compressed",
    "application/x-tar",
    "application/gzip",
}


@dataclass(slots=True, eq=False)
class Node:
    """A file or folder. `hash` is what the client told, which the service never verifies.

    `packed` holds what a folder had inside while it is one packed file.
    """

    id: str
    parent_id: str
    name: str
    folder: bool
    created: float
    modified: float
    blob: Blob | None = None
    size: int = 0
    hash: str = ""
    phase: Phase = Phase.COMPLETE
    trashed: bool = False
    trashed_at: float = 0.0
    starred: bool = False
    folder_type: str = ""
    original_url: str = ""
    params: dict[str, str] = field(default_factory=dict)
    completed: float = 0.0
    origin: str = "upload"
    packed: list[Node] | None = None
    unpacked_name: str = ""

    @property
    def kind(self) -> str:
        """As the wire names it."""
        return "drive#folder" if self.folder else "drive#file"

    @property
    def extension(self) -> str:
        """With the dot, lower case; empty for folders."""
        return "" if self.folder else suffix_of(self.name).lower()

    @property
    def mime_type(self) -> str:
        """By the name's extension."""
        if self.folder:
            return ""
        return mime_type_of(self.name)

    @property
    def category(self) -> str:
        """VIDEO, AUDIO, IMAGE, TEXT, ARCHIVE or OTHER; empty for folders."""
        if self.folder:
            return ""
        mime = self.mime_type
        if mime in _ARCHIVES:
            return "ARCHIVE"
        return _CATEGORIES.get(mime.partition("/")[0], "OTHER")


def suffix_of(name: str) -> str:
    """The last extension with its dot; names that only begin or end with a dot have none."""
    dot = name.rfind(".")
    return name[dot:] if 0 < dot < len(name) - 1 else ""


def mime_type_of(name: str) -> str:
    """The media type a name stands for."""
    return _type_of_suffix(suffix_of(name).lower())


@lru_cache(maxsize=1024)
def _type_of_suffix(suffix: str) -> str:
    strict = _TYPES.types_map[True].get(suffix) or _TYPES.types_map[False].get(suffix)
    return strict or "application/octet-stream"


def numbered(name: str, number: int, *, folder: bool) -> str:
    """`name(1).ext`, as the service renames what arrives under a taken name."""
    if folder:
        return f"{name}({number})"
    suffix = suffix_of(name)
    stem = name[: len(name) - len(suffix)] if suffix else name
    return f"{stem}({number}){suffix}"
