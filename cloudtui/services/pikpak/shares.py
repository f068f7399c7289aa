"""Public links: making, listing, changing, taking back. PikPak makes a new link at every request.

That a link can be changed was only seen in the code of other clients; so what a change made of it
is read back, and told as it is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Final

from msgspec.structs import replace

from cloudtui.services.errors import (
    NotFound,
    NotSupported,
    Refused,
    ServerTrouble,
    UsageError,
)
from cloudtui.services.failpoints import failpoint
from cloudtui.services.models import Found, Kind, Secret, Share
from cloudtui.services.naming import decode_name, display_name
from cloudtui.services.pikpak import tasks, wire
from cloudtui.services.pikpak.begun import Begun, Left, mark_of
from cloudtui.services.pikpak.client import Api
from cloudtui.services.pikpak.lately import until_listed
from cloudtui.services.pikpak.paging import paged

SHARE: Final = "/drive/v1/share"
LIMITS: Final = frozenset({"days", "password"})
_NO_COUNT: Final = "PikPak cannot limit the downloads of a link."

_DAY_NS: Final = 86_400 * 1_000_000_000
_PAGE: Final = 100

STATES: Final = {
    "DELETED": "It was taken back.",
    "EXPIRED": "Its time is over.",
    "NOT_FOUND": "What it showed is gone.",
    "AUDITING": "PikPak is still looking at it.",
    "SENSITIVE_RESOURCE": "PikPak does not show its content.",
    "SENSITIVE_WORD": "PikPak does not show its name.",
    "PROHIBITED": "PikPak has closed it.",
}


_PLACE: Final = "https://mypikpak.com/s/"
"""Where the pages of public links are, each under its id."""


def _url(link: wire.ShareReply | wire.SharedLink) -> str:
    return link.share_url or f"{_PLACE}{link.share_id}"


class Shares:
    """The public links of one account."""

    def __init__(self, api: Api, begun: Begun) -> None:
        self._api = api
        self._begun = begun

    async def make(
        self,
        item: Found,
        *,
        days: int | None,
        password: Secret | None,
        most_downloads: int | None,
    ) -> Share:
        """A public link to a file or folder, for ever unless `days` says otherwise. Raises
        NotSupported for a limit of downloads, which the service does not have."""
        where = display_name(str(item.at))
        if most_downloads:
            raise NotSupported(_NO_COUNT)
        if not item.entry.id:
            raise UsageError("The top of the account cannot be shared; a folder in it can.")
        protected = bool(password)
        body: dict[str, object] = {
            "file_ids": [item.entry.id],
            "share_to": "encryptedlink" if protected else "publiclink",
            "expiration_days": days or -1,
            "pass_code_option": "REQUIRED" if protected else "NOT_REQUIRED",
        }
        if password:
            body["custom_pass_code"] = password.reveal()
        made = await self._make(body, where)
        if not made.share_id and not made.share_url:
            raise ServerTrouble(f"PikPak made no link to {where}.", hint="Try again in a while.")
        now = int(self._api.now() * 1e9)
        code = Secret(made.pass_code) if protected and made.pass_code else password or None
        return Share(
            id=made.share_id,
            url=_url(made),
            name=item.entry.name,
            kind=item.entry.kind,
            at=item.at,
            password=code,
            protected=protected,
            created_ns=now,
            expires_ns=now + days * _DAY_NS if days else None,
        )

    async def _make(self, body: dict[str, object], where: str) -> wire.ShareReply:
        """The call. A link that a lost answer or a dead process left behind is taken instead of
        another one."""

        async def look(left: Left) -> wire.ShareReply | None:
            async for rows in self._pages():
                for row in rows:
                    if (
                        _answers(row, body)
                        and (wire.time_ns(row.create_time) or 0) >= left.since_ns
                    ):
                        return wire.ShareReply(row.share_id, row.share_url, row.pass_code)
            return None

        async def call(left: Left) -> wire.ShareReply:
            made = await self._api.call(
                wire.ShareReply,
                "POST",
                SHARE,
                body=body,
                where=where,
                reconcile=partial(look, left),
            )
            failpoint("pikpak.share.made")
            return made

        limits = sorted((key, str(body[key])) for key in body.keys() - {"custom_pass_code"})
        mark = mark_of("share", *(f"{key}={value}" for key, value in limits))
        made = await self._begun.once(mark, Left(self._api.now()), look, call)
        await self._begun.over(mark)
        return made

    async def scan(self) -> AsyncIterator[Sequence[Share]]:
        """All public links of the account, page by page, newest first within a page."""
        async for rows in self._pages():
            shares = [self._share(row) for row in rows]
            yield sorted(shares, key=lambda share: share.created_ns or 0, reverse=True)

    async def _pages(self) -> AsyncIterator[list[wire.SharedLink]]:
        async def page_at(token: str) -> wire.SharedLinks:
            query = (("limit", str(_PAGE)), ("page_token", token))
            return await self._api.call(wire.SharedLinks, "GET", f"{SHARE}/list", query=query)

        async for page in paged(page_at):
            if page.data:
                yield page.data

    # --- changing ----------------------------------------------------------------------------

    async def change(
        self,
        share: Share,
        *,
        days: int | None,
        password: Secret | None,
        most_downloads: int | None,
    ) -> Share:
        """See `ChangesShares.change_share`."""
        if most_downloads is not None:
            raise NotSupported(_NO_COUNT)
        name = display_name(share.name or share.id)
        body: dict[str, object] = {"share_id": share.id}
        if password is not None:
            body["pass_code_option"] = "REQUIRED" if password else "NOT_REQUIRED"
        if password:
            body["custom_pass_code"] = password.reveal()
        if days is not None:
            body["expiration_days"] = days or -1
        if len(body) > 1:
            try:
                await self._api.call(wire.Nothing, "PATCH", SHARE, body=body, where=name)
            except NotFound as error:
                # seen in other clients only: it may be the call that is not there
                if await self._row(share.id) is None:
                    raise
                raise NotSupported(
                    f"PikPak does not change the link to {name}.",
                    hint="Take it back and make another one.",
                    detail=error.detail,
                ) from error
        last: wire.SharedLink | None = None

        async def look() -> wire.SharedLink | None:
            nonlocal last
            last = await self._row(share.id)
            return last if last is not None and await self._holds(last, days, password) else None

        row = await until_listed(self._api, look)()
        if last is None:
            raise NotFound(
                f"The link to {name} is no longer there.", hint="`share ls` shows the links."
            )
        if row is None:
            raise Refused(
                f"PikPak took the call and left the link to {name} as it was.",
                hint="Take it back and make another one.",
            )
        changed = self._share(row)
        return replace(changed, password=password) if password else changed

    async def _row(self, share_id: str) -> wire.SharedLink | None:
        async for rows in self._pages():
            for row in rows:
                if row.share_id == share_id:
                    return row
        return None

    async def _holds(self, row: wire.SharedLink, days: int | None, password: Secret | None) -> bool:
        """Whether a link is as it was wished."""
        if days is not None and (row.expiration_days or -1) != (days or -1):
            return False
        if password is None:
            return True
        if row.pass_code or row.share_to != "encryptedlink":
            return row.pass_code == password.reveal()
        # the list keeps the pass code to itself: whether the page opens tells
        query = (("share_id", row.share_id), ("pass_code", password.reveal()), ("limit", "1"))
        page = await self._api.call(wire.OpenedShare, "GET", SHARE, query=query)
        return page.share_status.upper() in ("", "OK")

    def _share(self, row: wire.SharedLink) -> Share:
        created = wire.time_ns(row.create_time)
        days = row.expiration_days if row.expiration_days is not None else -1
        ends = wire.time_ns(row.expiration_at)
        if ends is None and created is not None:
            ends = created + days * _DAY_NS
        protected = row.share_to == "encryptedlink" or bool(row.pass_code)
        status = row.share_status.upper()
        return Share(
            id=row.share_id,
            url=_url(row),
            name=decode_name(row.title, self._api.profile.rules),
            kind=Kind.FOLDER if row.file_kind == wire.FOLDER else Kind.FILE,
            password=Secret(row.pass_code) if protected and row.pass_code else None,
            protected=protected,
            created_ns=created,
            expires_ns=ends if days > 0 else None,
            downloads=row.restore_count,
            most_downloads=row.restore_limit if (row.restore_limit or 0) > 0 else None,
            note="" if status in ("", "OK") else STATES.get(status, row.share_status_text),
            views=row.view_count,
            files=row.file_num,
            size=row.file_size if row.file_kind != wire.FOLDER else None,
            node=row.file_id,
        )

    async def take_back(self, ids: Sequence[str]) -> None:
        """Revoke links; those that are gone already are fine."""
        for start in range(0, len(ids), tasks.BATCH):
            await self._api.call(
                wire.Nothing,
                "POST",
                f"{SHARE}:batchDelete",
                body={"ids": list(ids[start : start + tasks.BATCH])},
                safe=True,
            )


def _answers(row: wire.SharedLink, body: dict[str, object]) -> bool:
    """Whether a link is what `body` asks for."""
    return (
        [row.file_id] == body["file_ids"]
        and row.share_to == body["share_to"]
        and row.pass_code == body.get("custom_pass_code", row.pass_code)
        and (row.expiration_days or -1) == body["expiration_days"]
    )
