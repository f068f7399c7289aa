"""An upload to pCloud: what is written down of it, and what both ways of sending need.

Owns no way of its own. What a service knows of a file under the name an upload wants is asked here,
and here programs of this machine agree on who gives that name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from cloudtui.services.errors import CloudError, Exists, Mismatch, TooMany
from cloudtui.services.living import Living
from cloudtui.services.models import HashType
from cloudtui.services.naming import display_name
from cloudtui.services.pcloud import errors, wire
from cloudtui.services.pcloud.changes import Changes
from cloudtui.services.pcloud.client import Client
from cloudtui.services.pcloud.entries import Names, folded, id_param
from cloudtui.services.pcloud.links import digests
from cloudtui.services.pcloud.listing import children
from cloudtui.services.storage import PartReply

USUAL_PART: Final = 16 * 1024 * 1024
_LARGEST_PART: Final = 64 * 1024 * 1024
_PARTS: Final = 16

_OTHERS: Final = 10.0
"""Seconds that another program may take to give the same name."""


def part_size(asked: int, size: int) -> int:
    """Bytes of a part of a file. Parts follow one another, and after each the line stands still
    for a round trip and what the service needs: of large files they are larger, unless somebody
    `asked` for another size than the usual one."""
    if asked != USUAL_PART:
        return asked
    return min(_LARGEST_PART, max(USUAL_PART, size // _PARTS))


class Upload(msgspec.Struct, frozen=True):
    """What is written down of an upload. `uploadid` None means a single PUT; `mark` is the change
    mark of the file to be replaced (None: the name must be free). No secret is in it."""

    account: str
    folderid: int
    name: str
    size: int
    mtime: int | None
    uploadid: int | None = None
    part_size: int = 0
    mark: int | None = None
    replaces: str = ""
    job: str = ""


class Service:
    """What both kinds of upload need of the account."""

    def __init__(self, client: Client, names: Names, changes: Changes, living: Living) -> None:
        self.client = client
        self.names = names
        self.changes = changes
        self._living = living

    async def claim(self, upload: Upload, write: object) -> None:
        """Before a new file gets its name: no other program here shall give the same one at the
        same time. Both would succeed, one under a numbered name, and who is killed before that is
        taken back leaves it. `write` has the claim until `waive`. Raises Exists after another had
        it, for then there is something new to look at; one that takes too long is not waited for.
        """
        if upload.mark is not None:
            return
        name, living = _place(upload), self._living
        if not living.is_anothers(name, upload.job) and living.begin(name, upload.job, write):
            return
        living.end(name, upload.job)
        if await living.over(name, upload.job, _OTHERS):
            raise self.conflict(upload)

    def waive(self, upload: Upload) -> None:
        """It has its name, or got none."""
        self._living.end(_place(upload), upload.job)

    async def stored(self, upload: Upload, sha1: str) -> wire.Item | None:
        """The file this upload became, when its answer was lost: the one under its name, with its
        bytes (its size and time, when no digest is known). Files under other names are never
        taken for ours: they may be anybody's."""
        for item in await children(self.client, upload.folderid):
            if (
                item.isfolder
                or folded(item.name) != folded(upload.name)
                or item.size != upload.size
            ):
                continue
            if item.node == upload.replaces and item.hash == upload.mark:
                continue
            if not sha1:
                same = upload.mtime is not None and wire.seconds(item.modified) == upload.mtime
                return item if same else None
            sums = await self.client.call("checksumfile", id_param(item.node), wire.Checksums)
            return item if digests(sums).get(HashType.SHA1) == sha1 else None
        return None

    def conflict(self, upload: Upload) -> Exists:
        """The sentence for a name that was taken meanwhile."""
        name = display_name(self.names.local(upload.name))
        if upload.replaces:
            return Exists(
                f"{name} was changed on pCloud meanwhile and was left as it is.",
                hint="Look at it and copy again.",
            )
        return Exists(
            f"{name} is already there and was left as it is.", hint="Copy again to be asked."
        )

    def mismatch(self, upload: Upload) -> Mismatch:
        """The sentence for bytes that arrived differently."""
        return Mismatch(
            f"{display_name(self.names.local(upload.name))} arrived at pCloud differently from "
            "what was sent; it was not kept there.",
            hint="Copy it again.",
        )


def _place(upload: Upload) -> str:
    """What the claim to a name is called."""
    return f"{upload.folderid}/{folded(upload.name)}"


def query(params: Mapping[str, str | int]) -> str:
    from urllib.parse import urlencode

    return urlencode({key: str(value) for key, value in params.items()})


def checked(client: Client, reply: PartReply, method: str, into: type[wire.A]) -> wire.A:
    """The successful answer to a part. Raises the mapped error; a demand to log in stays one,
    for no upload method is closed to apps."""
    if reply.status != 200:
        after = reply.headers.get("retry-after", "")
        raise _paced(
            client,
            errors.from_status(
                reply.status, method=method, after=float(after) if after.isdecimal() else None
            ),
        )
    try:
        answer = wire.decode(reply.body, into)
    except ValueError as exc:
        raise errors.bad_reply(method, "cannot be read") from exc
    if answer.result:
        raise _paced(client, errors.from_result(answer.result, answer.error, method=method))
    return answer


def _paced(client: Client, error: CloudError) -> CloudError:
    if isinstance(error, TooMany):
        client.pace.rejected(error.after)
    return error
