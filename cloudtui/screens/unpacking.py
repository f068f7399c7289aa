"""Unpacking archives by the service that holds them: the question, the progress, the counters.

The services do the work; one archive goes after the other, and a folder stands for all archives in
it. What an earlier run left unpacking is seen through in the background.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Static

from cloudtui import present
from cloudtui.screens.dialogs import Form, Option, Prompt, Tell, words
from cloudtui.screens.fields import Field
from cloudtui.services.errors import CloudError, PasswordNeeded
from cloudtui.services.models import ArchiveEntry, Extracted, Found, Location, Secret
from cloudtui.services.naming import display_name
from cloudtui.services.storage import Storage
from cloudtui.services.unpackers import Archives, takes_all
from cloudtui.services.unpacking import (
    Unpacking,
    Unpackings,
    archives_of,
    may_pass,
    see_through,
)
from cloudtui.services.unpacking import unpack as unpack_one

if TYPE_CHECKING:
    from cloudtui.screens.browser import Browser
    from cloudtui.screens.main import MainScreen

_EVERY: Final = 60.0
"""Seconds until a service that was not to be reached is asked again how an extraction ended."""

_STAYS: Final = "The archive stays, since only a part of it is unpacked."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where the content goes (None: beside each archive), the password to try first, and whether
    archives that are unpacked whole go to the trash."""

    into: Location | None = None
    password: Secret | None = None
    discard: bool = False
    look: bool = False
    """Show what is inside first, to unpack only some of it."""
    only: tuple[ArchiveEntry, ...] = ()
    """What of an archive is wanted; all of it without."""


class UnpackBox(Form[Wanted | None]):
    """What is asked before unpacking."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "elsewhere", "another folder", show=False),
        Binding("f3", "discard", "what becomes of the archive", show=False),
        Binding("f4", "look", "what is inside", show=False),
    ]

    def __init__(self, names: str, here: str, other: Location | None, *, parts: bool) -> None:
        """`other` is the other pane's folder when the service can unpack into it; `parts` tells
        whether it can unpack only some of an archive."""
        super().__init__(
            "Unpack on the service",
            [names],
            [Option("Unpack", "", Wanted()), Option("Cancel", "", None)],
            safe=None,
        )
        self._here = here
        self._other = other
        self._parts = parts
        self._into: Location | None = None
        self._discard = False

    def middle(self) -> ComposeResult:
        yield words(self._into_words(), id="into")
        yield words("Password, if it has one:")
        yield Field(id="password", password=True)
        yield words(self._discard_words(), id="discard")
        change = "F2 other folder   " if self._other is not None else ""
        yield words(f"Enter starts   {change}F3 archive stays or goes", classes="dim")
        choose = "F4 shows what is inside, to unpack some of it   " if self._parts else ""
        yield words(f"{choose}Esc", classes="dim")

    def first_focus(self) -> None:
        self.query_one("#password", Input).focus()

    def _into_words(self) -> str:
        where = self._here if self._into is None else f"{display_name(self._into.path)}"
        return f"Into: {where}"

    def _discard_words(self) -> str:
        if self._discard:
            return "Afterwards: the archive goes to the trash, once all of it is unpacked"
        return "Afterwards: the archive stays"

    def action_elsewhere(self) -> None:
        """F2."""
        self._into = self._other if self._into is None else None
        self.query_one("#into", Static).update(Content(self._into_words()))

    def action_discard(self) -> None:
        """F3."""
        self._discard = not self._discard
        self.query_one("#discard", Static).update(Content(self._discard_words()))

    def action_look(self) -> None:
        """F4."""
        self._answer(look=True)

    def give(self, number: int) -> None:
        if number != 0:
            self.dismiss(None)
            return
        self._answer(look=False)

    def _answer(self, *, look: bool) -> None:
        typed = self.query_one("#password", Input).value
        password = Secret(typed) if typed else None
        self.dismiss(Wanted(self._into, password, self._discard, look))


def counters(total: Extracted) -> str:
    """`Decompressed 2   SourceDeleted 1   Errors 0`: rclone's words for the same."""
    return (
        f"Decompressed {present.exact(total.decompressed)}   "
        f"SourceDeleted {present.exact(total.source_deleted)}   "
        f"Errors {present.exact(total.errors)}"
    )


def refusal(storage: Storage) -> str:
    """Why a place unpacks nothing, or empty."""
    if "archives" in storage.caps.refused:
        return storage.caps.refused["archives"]
    if not storage.caps.archives:
        return f"{storage.title} does not unpack archives by itself."
    return ""


async def unpack(
    screen: MainScreen, browser: Browser, items: Sequence[Found], other: Location | None
) -> None:
    """`X`: unpack what is marked or under the cursor. Raises CloudError."""
    storage = browser.storage
    if storage is None or not items:
        screen.say("Nothing to unpack here: the cursor is on no item.")
        return
    why = refusal(storage)
    place: object = storage
    if why or not isinstance(place, Archives):
        screen.say(why or f"{storage.title} does not unpack archives by itself.")
        return
    from cloudtui.screens.file_actions import names_line

    here = f"beside it, in {browser.place}"
    if len(items) > 1 or items[0].entry.is_folder:
        here = "beside each archive"
    if other is not None and other.account != storage.account:
        other = None
    parts = storage.caps.allows("archive_parts")
    box = UnpackBox(names_line(items), here, other, parts=parts)
    wanted = await screen.app.push_screen_wait(box)
    if wanted is None:
        return
    if wanted.look and not parts:
        raise takes_all(storage.title)
    archives = [archive for item in items for archive in await archives_of(storage, item)]
    if not wanted.look:
        await _unpack(screen, place, wanted, archives)
        browser.view.clear_marks(item.entry.id for item in items)
        return
    for archive in archives:
        some = await _chosen(screen, place, archive, wanted)
        if some.only:
            await _unpack(screen, place, some, [archive])
        # most likely the same for those that follow
        wanted = replace(wanted, password=some.password)


async def _unpack(
    screen: MainScreen, place: Archives, wanted: Wanted, archives: Sequence[Found]
) -> None:
    """One archive after the other; then the counters, and what went wrong."""
    book = (await screen.runtime()).unpackings
    total = await _Round(screen, place, wanted, len(archives), book).run(archives)
    for folder in {wanted.into or archive.at.parent for archive in archives}:
        screen.folder_changed(folder)
    stays = f"   {_STAYS}" if wanted.only and wanted.discard else ""
    screen.say(counters(total) + stays, bad=total.errors > 0)
    if total.messages:
        lines = [display_name(message, edges=False) for message in total.messages[:12]]
        await screen.app.push_screen_wait(Tell("Unpacked", [counters(total), *lines]))


async def _chosen(screen: MainScreen, place: Archives, archive: Found, wanted: Wanted) -> Wanted:
    """What of an archive is to be unpacked, with the password that opened it."""
    from cloudtui.screens.inside import InsideScreen

    screen.say(f"Looking into {display_name(archive.entry.name)}...", keep=False)
    top, password = await _top(screen, place, archive, wanted.password)
    screen.say("", keep=False)
    into = "beside it" if wanted.into is None else f"into {display_name(wanted.into.path)}"
    note = _STAYS if wanted.discard else ""
    shown = InsideScreen(place, archive, password, top, into, screen, note=note)
    await screen.app.push_screen_wait(shown)
    return replace(wanted, password=password, only=tuple(shown.wanted))


async def _top(
    screen: MainScreen, place: Archives, archive: Found, password: Secret | None
) -> tuple[Sequence[ArchiveEntry], Secret | None]:
    """What is inside at the top, and the password that opened it."""
    while True:
        try:
            return await place.list_archive(archive, password), password
        except PasswordNeeded as error:
            password = await _password(screen, error)


async def _password(screen: MainScreen, error: PasswordNeeded) -> Secret:
    """Ask for another one; raises `error` when none is given."""
    box = Prompt("Password of the archive", [present.sentence(error)], secret=True)
    typed = await screen.app.push_screen_wait(box)
    if not typed:
        raise error
    return Secret(typed)


class _Round:
    """One go over several archives."""

    def __init__(
        self, screen: MainScreen, place: Archives, wanted: Wanted, count: int, book: Unpackings
    ) -> None:
        self._screen = screen
        self._book = book
        self._place = place
        self._wanted = wanted
        self._count = count
        self._password = wanted.password

    async def run(self, archives: Sequence[Found]) -> Extracted:
        """Unpack them; failures are counted with their sentence."""
        total = Extracted()
        for number, archive in enumerate(archives, 1):
            try:
                total += await self._one(archive, number)
            except CloudError as error:
                total += Extracted(errors=1, messages=(present.sentence(error),))
        return total

    async def _one(self, archive: Found, number: int) -> Extracted:
        name = display_name(archive.entry.name)
        of = f"   {number} of {self._count}" if self._count > 1 else ""
        password = self._password

        def tell(percent: int) -> None:
            self._screen.say(f"Unpacking {name}  {percent}%{of}", keep=False)

        while True:
            tell(0)
            try:
                return await unpack_one(
                    self._book,
                    self._place,
                    archive,
                    self._wanted.into,
                    password,
                    only=self._wanted.only,
                    delete_source=self._wanted.discard and not self._wanted.only,
                    on_progress=tell,
                )
            except PasswordNeeded as error:
                # most likely the same for those that follow
                password = self._password = await _password(self._screen, error)


async def see_left_through(screen: MainScreen) -> None:
    """Wait for the end of what an earlier run left unpacking; then its archives go, as wished."""
    runtime = await screen.runtime()
    book = runtime.unpackings
    while True:
        left = await asyncio.to_thread(book.left)
        here = [each for each in left if each.account in runtime.accounts()]
        if all([await _see_through(screen, each) for each in here]):
            return
        await asyncio.sleep(_EVERY)


async def _see_through(screen: MainScreen, left: Unpacking) -> bool:
    """False when that could not be learned now."""
    runtime = await screen.runtime()
    mine = await asyncio.to_thread(runtime.unpackings.take, left)
    if mine is None:
        return True  # another process waits for it
    name = display_name(left.archive.name, edges=False)
    try:
        place = await runtime.storage(left.account)
        done = await see_through(runtime.unpackings, place, mine)
    except CloudError as error:
        if may_pass(error):
            return False
        screen.say(f"{name}: {present.sentence(error)}", bad=True)
        return True
    for folder in {left.archive.parent, left.into or left.archive.parent}:
        screen.folder_changed(folder)
    message = display_name(done.messages[0], edges=False) if done.messages else ""
    screen.say(f"{name}: {message or counters(done)}", bad=done.errors > 0)
    return True
