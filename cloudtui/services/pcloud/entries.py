"""From pCloud's metadata to entries, and names both ways.

Entries carry local names; the service holds stored ones. Ids are `d<number>` for folders and
`f<number>` for files, because both kinds are numbered apart; `f<number>@<revision>` is one version
of a file, for reading and copying only. Must not do I/O.
"""

from __future__ import annotations

from typing import Final

from cloudtui.services.errors import BadName, NotFound, UsageError
from cloudtui.services.models import NO_FLAGS, Entry, Flag, Kind
from cloudtui.services.naming import (
    PCLOUD_RULES,
    RAW_RULES,
    decode_name,
    display_name,
    encode_name,
)
from cloudtui.services.pcloud import wire
from cloudtui.services.times import noted_time

MAX_NAME_BYTES: Final = 1023
FORBIDDEN: Final = "/\\\0"
ROOT: Final = "d0"
FOLDER_NAME: Final = ".cloudtui-trash"
"""The folder at the account's top that stands in for the trash."""

_BILLION: Final = 1_000_000_000
_MOST: Final = 2**64 - 1


class Names:
    """Local names to stored ones and back; `encoding` is `rclone` or `raw`."""

    def __init__(self, encoding: str = "rclone") -> None:
        self._rules = RAW_RULES if encoding == "raw" else PCLOUD_RULES

    def stored(self, name: str) -> str:
        """The name as the service shall hold it. Raises BadName when it takes no such name."""
        stored = encode_name(name, self._rules)
        shown = display_name(name)
        if not stored or any(char in FORBIDDEN for char in stored):
            raise BadName(
                f"pCloud does not take the name {shown}.",
                hint="Slashes, backslashes and empty names are not possible there.",
            )
        try:
            length = len(stored.encode())
        except UnicodeEncodeError as exc:
            raise BadName(
                f"The name {shown} is not valid text, and pCloud takes only text.",
                hint="Rename it, or set the account's encoding to rclone.",
            ) from exc
        if length > MAX_NAME_BYTES:
            raise BadName(
                f"The name {shown[:40]}… is {length} bytes long; pCloud takes {MAX_NAME_BYTES}."
            )
        return stored

    @property
    def forbidden(self) -> str:
        """The characters a local name may not hold: what the encoding maps is none of them."""
        return "\0" if self._rules else FORBIDDEN

    def local(self, stored: str) -> str:
        """The name as people see it."""
        return decode_name(stored, self._rules)

    def entry(self, item: wire.Item) -> Entry:
        """One row of a listing. Times are UTC, in whole seconds as pCloud keeps them."""
        flags = NO_FLAGS
        if item.isshared or not item.ismine:
            flags |= Flag.SHARED
        if item.encrypted:
            flags |= Flag.ENCRYPTED | Flag.READ_ONLY
        elif item.canmodify is False:
            flags |= Flag.READ_ONLY
        modified = wire.seconds(item.modified)
        mtime_ns = None if modified is None else noted_time(modified * _BILLION)
        made = modified if item.created == item.modified else wire.seconds(item.created)
        made_ns = None if made is None else noted_time(made * _BILLION)
        name = self.local(item.name)
        if item.isfolder:
            return Entry(name, item.node, Kind.FOLDER, None, mtime_ns, b"", flags, made_ns)
        size = item.size if item.size is None or 0 <= item.size <= _MOST else None
        mark = mark_bytes(item.hash)
        return Entry(name, item.node, Kind.FILE, size, mtime_ns, mark, flags, made_ns)


def folded(name: str) -> str:
    """A stored name in the form in which two are compared: the service may turn a fullwidth
    backslash, by which we store a backslash, into a plain one (seen by rclone's authors)."""
    return name.replace("\uff3c", "\\")


def is_trash_folder(item: wire.Item, root: int) -> bool:
    """Whether this is our trash folder; `root` is the number of the account's top."""
    return item.isfolder and item.name == FOLDER_NAME and item.parentfolderid in (root, None)


def mark_bytes(mark: int | None) -> bytes:
    """A change mark as entries hold it; empty for none, and for what is none."""
    return b"" if mark is None or not 0 <= mark <= _MOST else mark.to_bytes(8, "big")


def change_mark(entry: Entry) -> int | None:
    """pCloud's 64-bit change mark of a file, as `ifhash` takes it."""
    return int.from_bytes(entry.hash, "big") if entry.hash else None


def number(node: str, kind: Kind | None = None) -> int:
    """The number inside an id. Raises UsageError for what is no id of pCloud (or of `kind`)."""
    letter = {None: node[:1], Kind.FOLDER: "d", Kind.FILE: "f"}.get(kind)
    digits = node[1:]
    if split_version(node)[1]:
        raise UsageError(
            f"{display_name(node)} is a version of a file: it can be read and copied, not changed.",
            hint="Bringing it back makes it the file's content.",
        )
    if (
        node[:1] != letter
        or letter not in ("d", "f")
        or not (digits.isascii() and digits.isdigit())
    ):
        raise UsageError(
            f"{display_name(node)} is not an id of pCloud.", hint="Ids look like d123 or f123."
        )
    return int(digits)


def kind_of(node: str) -> Kind:
    """FOLDER or FILE, from the letter of an id."""
    return Kind.FOLDER if node.startswith("d") else Kind.FILE


def id_param(node: str) -> dict[str, int]:
    """`folderid` or `fileid` for a call."""
    return {("folderid" if node.startswith("d") else "fileid"): number(node)}


def split_version(node: str) -> tuple[str, str]:
    """The id of the file and its revision, which is empty where the file itself is meant."""
    file, sign, revision = node.partition("@")
    known = sign and file.startswith("f") and revision.isascii() and revision.isdigit()
    return (file, revision) if known else (node, "")


def version_id(node: str, revision: str) -> str:
    """The id of one version of the file `node`."""
    return f"{split_version(node)[0]}@{revision}"


def content_param(node: str) -> dict[str, int]:
    """What names a file's content, also that of a version, for a call that only reads it."""
    file, revision = split_version(node)
    return {**id_param(file), "revisionid": int(revision)} if revision else id_param(file)


def whole(item: wire.Item | None, method: str) -> wire.Item:
    """The metadata of a successful answer. Raises NotFound for a deleted item, and BadReply when
    there is none."""
    from cloudtui.services.pcloud.errors import bad_reply

    if item is None or not item.is_whole:
        raise bad_reply(method, "no metadata")
    if item.isdeleted:
        raise NotFound("It has been deleted.", detail=method)
    return item
