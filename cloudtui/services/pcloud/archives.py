"""Unpacking archives inside the account. pCloud does not show what one holds without unpacking it.

A long extraction goes on at one server, which is asked how far it is. Must not move bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from cloudtui.services.errors import Gone, NotSupported, Refused
from cloudtui.services.models import Extracted, Found, Kind, Location, Secret
from cloudtui.services.naming import display_name
from cloudtui.services.pcloud import wire
from cloudtui.services.pcloud.client import SLOW, Client
from cloudtui.services.pcloud.entries import id_param, kind_of
from cloudtui.services.pcloud.regions import server_named
from cloudtui.services.pcloud.tree import Tree, shown

_PAUSE: Final = 1.0
_UNKNOWN: Final = 30
"""Times the service may not know of an extraction that it just began."""

Sleep = Callable[[float], Awaitable[None]]


class Unpacking:
    """Extractions of one account."""

    def __init__(self, client: Client, tree: Tree, *, sleep: Sleep = asyncio.sleep) -> None:
        self._client = client
        self._tree = tree
        self._sleep = sleep

    async def extract(
        self,
        item: Found,
        into: Location | None,
        password: Secret | None,
        on_progress: Callable[[int], None] | None,
    ) -> Extracted:
        """Unpack into a folder; files whose names are taken there get a number. Raises
        PasswordNeeded, Refused, Full."""
        node = item.at.node or item.entry.id
        if kind_of(node) is not Kind.FILE:
            raise Refused(f"{shown(item.at)} is a folder, not an archive.")
        target = into or item.at.parent
        params: dict[str, str | int] = {
            **id_param(node),
            "tofolderid": await self._tree.folder_id(target),
            "overwrite": "rename",
        }
        if password:
            # in the body of a POST: never in a request line
            params["password"] = password.reveal()

        # a repeat after a lost answer would unpack everything a second time
        async def unknown() -> wire.Extraction | None:
            raise Refused(
                f"The connection broke while {shown(item.at)} was being unpacked; it may go on.",
                hint="Look into the folder before trying again.",
            )

        answer = await self._client.call(
            "extractarchive",
            params,
            wire.Extraction,
            change=True,
            safe=False,
            reconcile=unknown,
            timeout=SLOW,
        )
        if not answer.finished and answer.progresshash:
            await self._wait(answer, on_progress)
        if on_progress is not None:
            on_progress(100)
        return Extracted(decompressed=1, into=target)

    async def _wait(
        self, begun: wire.Extraction, on_progress: Callable[[int], None] | None
    ) -> None:
        server = server_named(begun.hostname, self._client.base)
        lines, unknown = begun.lines or 0, 0
        while True:
            await self._sleep(_PAUSE)
            try:
                answer = await self._client.call(
                    "extractarchiveprogress",
                    {"progresshash": begun.progresshash, "lines": lines},
                    wire.Extraction,
                    base=server,
                )
            except Gone:
                unknown += 1
                if unknown > _UNKNOWN:
                    raise
                continue
            lines = answer.lines or lines
            failed = [line for line in answer.output if "error" in line.lower()]
            if failed:
                raise Refused(
                    f"pCloud could not unpack everything: {display_name(failed[0][:120])}",
                    hint="What was unpacked is in the folder.",
                )
            if answer.finished:
                return
            if on_progress is not None:
                on_progress(min(99, lines))


def no_listing() -> NotSupported:
    """The error for looking into an archive."""
    return NotSupported(
        "pCloud does not show what an archive holds.", hint="Extract it, or open it on the disk."
    )
