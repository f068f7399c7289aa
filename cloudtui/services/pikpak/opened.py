"""Looking into public links of other people: their pages, folders and single files.

PikPak says what is wrong with a share in `share_status`, under HTTP 200. A page hands out a token
that stands for the pass code from then on; nobody knows how long it lives, so one that is refused
is fetched anew. Changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Final, Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit

from cloudtui.services.errors import NotFound, PasswordNeeded, Refused
from cloudtui.services.models import Entry, Kind, Secret
from cloudtui.services.naming import display_name
from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.client import Api
from cloudtui.services.pikpak.links import links_of
from cloudtui.services.pikpak.listing import entry_of, is_blocked
from cloudtui.services.pikpak.paging import paged
from cloudtui.services.pikpak.profile import ROOT_DOMAINS, Profile
from cloudtui.services.pikpak.shares import SHARE
from cloudtui.services.shares import SharedItem, ShareLink

_PATH: Final = re.compile(r"/s/([A-Za-z0-9_-]+)(?:/([A-Za-z0-9_-]+))?")
_CODES: Final = ("pwd", "pass_code")
_PAGE: Final = 100
_DEEPEST: Final = 64
"""Folders above something that are asked for one by one; a ring would have no end."""

_ANOTHER: Final = "Ask who gave it to you for another link."
_ELSEWHERE: Final = "Who shared it may send it in another way."

_OVER: Final = {
    "DELETED": ("{} shows nothing any more: it was taken back.", _ANOTHER),
    "EXPIRED": ("{} shows nothing any more: its time is over.", _ANOTHER),
    "NOT_FOUND": ("{} shows nothing: what it showed is gone, or it was never a link.", _ANOTHER),
}
"""What is told of shares that are no more, and what to do next."""

_CLOSED: Final = {
    "AUDITING": ("PikPak is still looking at what {} shows.", "Try again in a while."),
    "SENSITIVE_RESOURCE": ("PikPak does not show the content behind {}.", _ELSEWHERE),
    "SENSITIVE_WORD": (
        "PikPak does not show {} because of its name.",
        "Who shared it may name it otherwise and share it anew.",
    ),
    "PROHIBITED": ("PikPak has closed {} to everybody.", _ELSEWHERE),
}
"""The same of shares that the service keeps closed."""


def share_link(text: str, profile: Profile) -> ShareLink | None:
    """What a link says when it leads to a share of PikPak, else None. The pass code may stand
    behind it as `?pwd=…`; a second id is that of something in the share."""
    url = text.strip()
    try:
        parts = urlsplit(url)
    except ValueError:
        return None  # brackets that hold no address
    host = (parts.hostname or "").lower()
    ours = any(host == root or host.endswith(f".{root}") for root in ROOT_DOMAINS)
    match = _PATH.match(parts.path)
    if match is None or not (ours or parts.netloc == urlsplit(profile.drive_url).netloc):
        return None
    given = parse_qs(parts.query)
    code = next((given[key][0] for key in _CODES if key in given), "")
    shown = re.split(r"[?#]", url, maxsplit=1)[0]
    return ShareLink(match[1], shown, Secret(code) if code else None, match[2] or "")


class _Answer(Protocol):
    share_status: str
    share_status_text: str


A = TypeVar("A", bound=_Answer)


class Opened:
    """Other people's shares as one account sees them."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._tokens: dict[tuple[str, Secret | None], str] = {}

    async def tops(self, link: ShareLink) -> AsyncIterator[wire.OpenedShare]:
        """The top of a share, page by page."""
        async for page in paged(partial(self._top, link)):
            yield page

    async def _top(self, link: ShareLink, page: str) -> wire.OpenedShare:
        answer = await self._api.call(
            wire.OpenedShare,
            "GET",
            SHARE,
            query=(
                ("share_id", link.share),
                ("pass_code", link.code.reveal() if link.code else ""),
                ("limit", str(_PAGE)),
                ("thumbnail_size", "SIZE_SMALL"),
                ("order", "3"),
                ("page_token", page),
            ),
            where=display_name(link.shown),
        )
        _check(answer, link)
        self._tokens[link.share, link.code] = answer.pass_code_token
        return answer

    async def scan(
        self, link: ShareLink, folder: SharedItem | None
    ) -> AsyncIterator[Sequence[SharedItem]]:
        """What lies in a folder of a share, page by page; a file lists itself."""
        if folder is not None and not folder.entry.is_folder:
            yield [folder]
            return
        pages = self.tops(link) if folder is None else self._inside(link, folder.entry.id)
        async for page in pages:
            entries = [entry_of(self._api.profile, row) for row in page.files or [] if row.id]
            if entries:
                yield [
                    SharedItem(each) if folder is None else folder.child(each) for each in entries
                ]

    async def _inside(self, link: ShareLink, folder_id: str) -> AsyncIterator[wire.OpenedShare]:
        async def page_at(token: str) -> wire.OpenedShare:
            query = (
                ("parent_id", folder_id),
                ("limit", str(_PAGE)),
                ("thumbnail_size", "SIZE_SMALL"),
                ("order", "6"),
                ("page_token", token),
            )
            return await self._read(wire.OpenedShare, link, "detail", query)

        async for page in paged(page_at):
            yield page

    async def _read(
        self, kind: type[A], link: ShareLink, what: str, query: tuple[tuple[str, str], ...]
    ) -> A:
        async def ask(token: str) -> A:
            return await self._api.call(
                kind,
                "GET",
                f"{SHARE}/{what}",
                query=(("share_id", link.share), *query, ("pass_code_token", token)),
                where=display_name(link.shown),
            )

        return await self.answered(link, ask)

    async def answered(self, link: ShareLink, ask: Callable[[str], Awaitable[A]]) -> A:
        """The answer to `ask`, which gets the token of the share's page: asked again with a fresh
        one where the one kept from before is over. Raises what the answer's status means."""
        kept = self._tokens.get((link.share, link.code))
        if kept is not None:
            answer = await ask(kept)
            if not _wants_code(answer):
                _check(answer, link)
                return answer
        answer = await ask((await self._top(link, "")).pass_code_token)
        _check(answer, link)
        return answer

    # --- single things ---------------------------------------------------------------------

    async def led_to(self, link: ShareLink) -> SharedItem | None:
        """What a link with a second id leads to, with the folders above it as far as they can be
        learned: nobody is known to have asked for them before."""
        if not link.inner:
            return None
        tops: dict[str, Entry] = {}
        async for items in self.scan(link, None):
            tops |= {item.entry.id: item.entry for item in items}
        chain: list[Entry] = []
        wanted = link.inner
        while wanted and wanted not in tops and len(chain) < _DEEPEST:
            try:
                row = await self._info(link, wanted)
            except (NotFound, Refused):
                break
            chain.insert(0, entry_of(self._api.profile, row))
            wanted = row.parent_id
        if wanted in tops:
            chain.insert(0, tops[wanted])
        if not chain:
            # not told: taken for a folder, and what lies in it shows whether that is so
            return SharedItem(Entry(link.inner, link.inner, Kind.FOLDER))
        item = SharedItem(chain[0])
        for entry in chain[1:]:
            item = item.child(entry)
        return item

    async def content(self, link: ShareLink, item: SharedItem) -> str:
        """A signed link to a shared file's bytes. Raises Refused where there is none."""
        name = display_name(item.entry.name)
        if item.entry.is_folder:
            raise Refused(f"{name} is a folder: only files have direct links.")
        row = await self._info(link, item.entry.id)
        if is_blocked(row):
            raise Refused(f"PikPak does not give out the content of {name}.")
        urls = links_of(row, media=self._api.profile.media_links)
        if not urls:
            raise Refused(
                f"PikPak makes no link to {name} for those who only read the share.",
                hint="Saved to your own account it has one.",
            )
        for url in urls:
            self._api.network.require_safe(url, self._api.profile.drive_url)
        return urls[0]

    async def _info(self, link: ShareLink, file_id: str) -> wire.File:
        answer = await self._read(wire.SharedFile, link, "file_info", (("file_id", file_id),))
        row = answer.file_info
        if row is None or not row.id:
            raise NotFound(f"That is not (any more) in {display_name(link.shown)}.")
        return row


def _wants_code(answer: _Answer) -> bool:
    return answer.share_status.upper() in ("PASS_CODE_EMPTY", "PASS_CODE_ERROR")


def _check(answer: _Answer, link: ShareLink) -> None:
    """Raises what the status of a share means."""
    where = display_name(link.shown)
    status = answer.share_status.upper()
    if _wants_code(answer):
        wrong = "Another pass code is" if link.code else "A pass code is"
        raise PasswordNeeded(
            f"{wrong} needed for {where}.",
            hint="It may stand behind the link, …?pwd=CODE; F4 there and `share save` ask for it.",
        )
    if status in _OVER:
        text, hint = _OVER[status]
        raise NotFound(text.format(where), hint=hint)
    if status in _CLOSED:
        text, hint = _CLOSED[status]
        raise Refused(text.format(where), hint=hint)
    if status not in ("", "OK"):
        said = display_name(answer.share_status_text or answer.share_status).rstrip(".")
        raise Refused(f"PikPak does not open {where}: {said}.", hint=_ANOTHER)
