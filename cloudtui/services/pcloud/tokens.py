"""The sign-in tokens of an account, and what pCloud lets this one do.

Listing and deleting tokens is closed to OAuth tokens (measured on the real service); what a token
may do is told by asking only for things that change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from cloudtui.services.errors import (
    BadReply,
    CloudError,
    Denied,
    LoginNeeded,
    NotSupported,
    Offline,
    ServerTrouble,
    TooMany,
)
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.client import Client
from cloudtui.services.pcloud.parallel import each

_NOTHING: Final[Mapping[str, str | int]] = {"fileid": 0}
"""No file has the number 0: an open method says so, a closed one asks to log in."""

PROBES: Final[tuple[tuple[str, Mapping[str, str | int]], ...]] = (
    ("listfolder", {"folderid": 0, "nofiles": 1}),
    ("trash_list", {"folderid": 0, "nofiles": 1}),
    ("trash_restorepath", _NOTHING),
    ("listtokens", {}),
    ("deletetoken", {"tokenid": 0}),
    ("collection_list", {"type": 1}),
    ("listrevisions", _NOTHING),
    ("revertrevision", {**_NOTHING, "revisionid": 0}),
    ("getfilehistory", _NOTHING),
    ("checksumfile", _NOTHING),
    ("getfilelink", _NOTHING),
    ("getvideolinks", _NOTHING),
    ("getthumblink", {**_NOTHING, "size": "64x64"}),
    ("getziplink", {"fileids": 0}),
    ("extractarchive", {**_NOTHING, "tofolderid": 0}),
    ("file_open", {**_NOTHING, "flags": 0}),
    ("downloadfileasync", {}),
    ("uploadprogress", {"progresshash": "cloudtui-probe"}),
    ("diff", {"last": 0}),
    ("listpublinks", {}),
    ("changepublink", {"linkid": 0}),
    ("listshares", {}),
    ("search", {"query": "cloudtui", "limit": 1}),
    ("getfilesbychecksum", {"size": 1, "sha1": "0" * 40}),
)
"""Methods whose use by apps is closed or not documented, with parameters that change nothing.
`trash_clear` and `trash_restore` are not among them: to those 0 means everything."""


class Verdict(StrEnum):
    """What became of a probe, as the word shown."""

    OPEN = "open"
    CLOSED = "closed to apps"
    DENIED = "not permitted"
    MISSING = "not offered"
    UNKNOWN = "no answer"


class Token(Struct, frozen=True):
    """A sign-in token of the account. Times are seconds since the epoch."""

    id: str
    device: str
    created: int | None
    expires: int | None


class Tokens:
    """The tokens of one account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def listed(self) -> Sequence[Token]:
        """All sign-ins of the account. Raises NotSupported where pCloud closes this to apps."""
        answer = await self._client.call("listtokens", {}, wire.TokenList)
        return [
            Token(
                str(row.tokenid), row.device, wire.seconds(row.created), wire.seconds(row.expires)
            )
            for row in answer.tokens
        ]

    async def delete(self, token: int) -> None:
        """End a sign-in. Raises NotFound, NotSupported."""
        await self._client.call("deletetoken", {"tokenid": token}, wire.Answer, change=True)

    async def owner(self) -> str:
        """Whose token this is. Raises LoginNeeded when it no longer holds."""
        return (await self._client.call("userinfo", {}, wire.UserInfo)).email

    async def probe(self) -> Mapping[str, Verdict]:
        """What pCloud lets this sign-in do, asked anew; earlier refusals are forgotten."""
        await self.owner()
        self._client.refusals.forget()
        verdicts = await each(PROBES, self._probe)
        return {method: verdict for (method, _), verdict in zip(PROBES, verdicts, strict=True)}

    async def _probe(self, probe: tuple[str, Mapping[str, str | int]]) -> Verdict:
        method, params = probe
        try:
            await self._client.call(method, params, wire.Answer, change=True)
        except NotSupported:
            closed = method in self._client.refusals
            return Verdict.CLOSED if closed else Verdict.MISSING
        except Denied:
            return Verdict.DENIED
        except LoginNeeded:
            raise
        except (Offline, TooMany, ServerTrouble, BadReply):
            return Verdict.UNKNOWN
        except CloudError:
            return Verdict.OPEN  # it understood and found nothing to do
        return Verdict.OPEN
