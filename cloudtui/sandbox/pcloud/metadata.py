"""Metadata objects of the API: how a node looks in an answer.

Owns field names, date forms, icons and categories. Reads nodes, never changes them.
"""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cloudtui.sandbox.pcloud.nodes import File, Folder, Node

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = (
    *("", "Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
RECURSION_LIMIT = 40

ICONS_BY_TYPE = {"image": ("image", 1, 1), "video": ("video", 2, 2), "audio": ("audio", 3, 3)}
DOCUMENT = ("document", 4, 4)
ARCHIVE = ("archive", 5, 5)
OTHER = ("file", 0, 0)
ICONS_BY_SUFFIX = {
    **dict.fromkeys(("txt", "md", "pdf", "doc", "docx", "odt", "rtf", "tex"), DOCUMENT),
    **dict.fromkeys(("xls", "xlsx", "ods", "csv"), ("spreadsheet", 4, 8)),
    **dict.fromkeys(("ppt", "pptx", "odp"), ("presentation", 4, 7)),
    **dict.fromkeys(("zip", "rar", "7z", "gz", "xz", "tar", "bz2", "tgz"), ARCHIVE),
    **dict.fromkeys(("html", "htm", "css", "js"), ("web", 4, 18)),
    **dict.fromkeys(("exe", "msi", "com"), ("executable", 0, 16)),
    **dict.fromkeys(("iso", "img", "dmg"), ("diskimage", 0, 0)),
    **dict.fromkeys(("deb", "rpm", "apk"), ("package", 0, 0)),
    **dict.fromkeys(("ttf", "otf", "woff"), ("font", 0, 0)),
    **dict.fromkeys(("db", "sqlite"), ("database", 0, 0)),
}


@dataclass(frozen=True, slots=True)
class Style:
    """How the caller wants metadata: `timeformat`, `iconformat` and the three filters."""

    stamps: bool = False
    icon_ids: bool = False
    all_fields: frozenset[str] | None = None
    file_fields: frozenset[str] | None = None
    folder_fields: frozenset[str] | None = None

    def moment(self, seconds: int) -> str | int:
        """A time as the caller wants it."""
        return seconds if self.stamps else long_date(seconds)


RAW = Style(stamps=True)


@lru_cache(maxsize=65536)
def long_date(seconds: int) -> str:
    """The API's own form, always 31 characters, English, UTC: rclone parses nothing else."""
    t = time.gmtime(seconds)
    return (
        f"{DAYS[t.tm_wday]}, {t.tm_mday:02d} {MONTHS[t.tm_mon]} {t.tm_year:04d} "
        f"{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} +0000"
    )


@lru_cache(maxsize=4096)
def _kind(suffix: str) -> tuple[str, tuple[str, int, int]]:
    content_type = mimetypes.guess_type(f"x.{suffix}")[0] or "application/octet-stream"
    icon = ICONS_BY_SUFFIX.get(suffix) or ICONS_BY_TYPE.get(content_type.partition("/")[0], OTHER)
    return content_type, icon


def kind_of(name: str) -> tuple[str, tuple[str, int, int]]:
    """Content type, and (icon name, category, icon number) by the name's ending."""
    _, dot, suffix = name.rpartition(".")
    return _kind(suffix.lower() if dot and len(suffix) <= 10 else "")


RIGHTS = ("read", "create", "modify", "delete")
STRANGER = 4_700_000_001
"""The user whose folders are shared with an account here."""


def describe(node: Node, style: Style = RAW, *, path: str | None = None) -> dict[str, object]:
    """One node without contents."""
    if isinstance(node, Folder):
        return _describe_folder(node, style, path)
    content_type, (icon, category, number) = kind_of(node.name)
    found: dict[str, object] = {
        "name": node.name,
        "created": style.moment(node.created),
        "modified": style.moment(node.modified),
        "ismine": True,
        "thumb": category in (1, 2),
        "isshared": False,
        "comments": 0,
        "isfolder": False,
        "icon": number if style.icon_ids else icon,
        "category": category,
        "id": f"f{node.id}",
        "fileid": node.id,
        "parentfolderid": node.parent.id,
        "size": node.content.blob.size,
        "contenttype": content_type,
        "hash": node.content.hash,
    }
    if path is not None:
        found["path"] = path
    if node.deleted:
        found["isdeleted"] = True
    if node.parent.rights is not None:
        found.update(_foreign(node.parent.rights))
    return _filtered(found, style.all_fields, style.file_fields)


def _foreign(rights: frozenset[str]) -> dict[str, object]:
    """What belongs to somebody else says so, and what may be done with it."""
    allowed = {f"can{right}": right in rights for right in RIGHTS}
    return {"ismine": False, "isshared": True, "userid": STRANGER, **allowed}


def _describe_folder(node: Folder, style: Style, path: str | None) -> dict[str, object]:
    found: dict[str, object] = {
        "name": node.name,
        "created": style.moment(node.created),
        "modified": style.moment(node.modified),
        "ismine": True,
        "thumb": False,
        "isshared": node.shared,
        "comments": 0,
        "isfolder": True,
        "icon": 20 if style.icon_ids else "folder",
        "id": f"d{node.id}",
        "folderid": node.id,
    }
    if node.parent is not None:
        found["parentfolderid"] = node.parent.id
    if path is not None or node.parent is None:
        found["path"] = path if path is not None else "/"
    if node.deleted:
        found["isdeleted"] = True
    if node.rights is not None:
        found.update(_foreign(node.rights))
    return _filtered(found, style.all_fields, style.folder_fields)


def _filtered(found: dict[str, object], *filters: frozenset[str] | None) -> dict[str, object]:
    for wanted in filters:
        if wanted is not None:
            found = {key: value for key, value in found.items() if key in wanted}
    return found


def restyle(found: dict[str, object], style: Style) -> dict[str, object]:
    """Metadata kept in the RAW style (in the change feed), as the caller wants it."""
    changed = dict(found)
    for key in ("created", "modified"):
        value = changed.get(key)
        if isinstance(value, int):
            changed[key] = style.moment(value)
    kind = style.folder_fields if changed.get("isfolder") else style.file_fields
    return _filtered(changed, style.all_fields, kind)


class TooDeep(Exception):
    """The subtree is nested deeper than the service is willing to list at once."""


def contents(
    folder: Folder,
    style: Style,
    *,
    recursive: bool = False,
    files: bool = True,
    buried: dict[int, list[Node]] | None = None,
    depth: int = 1,
) -> list[dict[str, object]]:
    """The `contents` of a listing. `buried` maps folder ids to deleted nodes to list along.

    Raises:
        TooDeep: recursion passed 40 levels; the service aborts there by design.
    """
    if depth > RECURSION_LIMIT:
        raise TooDeep
    below: Iterable[Folder] = folder.folders.values()
    found: list[dict[str, object]] = []
    hidden = (buried or {}).get(folder.id, [])
    for child in [*below, *(node for node in hidden if isinstance(node, Folder))]:
        entry = describe(child, style)
        if recursive:
            entry["contents"] = contents(
                child, style, recursive=True, files=files, buried=buried, depth=depth + 1
            )
        found.append(entry)
    if files:
        found += [describe(file, style) for file in folder.files.values()]
        found += [describe(node, style) for node in hidden if isinstance(node, File)]
    return found
