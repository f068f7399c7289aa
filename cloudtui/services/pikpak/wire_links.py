"""PikPak's answers about links: what lies behind one, and the files of its task.

Shapes only, like `wire`; both come from single sources, so every field may be missing.
"""

from __future__ import annotations

import msgspec


class Meta(msgspec.Struct):
    """What is known of the content: `hash` is a GCID, `error` says why nothing is."""

    hash: str = ""
    error: str = ""


class Resources(msgspec.Struct):
    """One page of things behind a link, or of a folder there."""

    resources: list[Resource] | None = None


class Resource(msgspec.Struct):
    """A file or folder behind a link; a folder counts what is in it, however much of that is
    listed."""

    name: str = ""
    file_size: int | None = None
    file_count: int | None = None
    is_dir: bool = False
    meta: Meta | None = None
    dir: Resources | None = None


class ResourceReply(msgspec.Struct):
    """The answer to looking behind a link."""

    list: Resources | None = None


class FileStatus(msgspec.Struct):
    """How far one file of a task is; its fields are called as a task's own."""

    name: str = ""
    file_name: str = ""
    file_size: int | None = None
    phase: str = ""
    progress: int | None = None
    message: str = ""


class Statuses(msgspec.Struct):
    """One page of the files of a task."""

    statuses: list[FileStatus] | None = None
    next_page_token: str = ""
