"""Folders packed into one tar file by the service that holds them, and back: the question, the
progress, what became of each.

Owns nothing of the work: the service does it where the folder lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from cloudtui import present
from cloudtui.actions import key_hint
from cloudtui.screens.dialogs import Confirm, Tell
from cloudtui.services.errors import CloudError
from cloudtui.services.models import Found
from cloudtui.services.naming import display_name
from cloudtui.services.storage import Storage
from cloudtui.services.unpackers import PacksFolders, packs_nothing

if TYPE_CHECKING:
    from cloudtui.screens.browser import Browser
    from cloudtui.screens.main import MainScreen

_TOLD: Final = 12
"""Sentences that a box holds."""

_NAMED: Final = 2
"""Things that are named in one line; more are counted."""


async def pack(screen: MainScreen, browser: Browser, items: Sequence[Found]) -> None:
    """`A`: pack the folders among what is marked or under the cursor, or unpack the tar files."""
    storage = browser.storage
    if storage is None or not items:
        screen.say("Nothing to pack here: the cursor is on no item.")
        return
    place: object = storage
    if not isinstance(place, PacksFolders) or not storage.caps.allows("packs"):
        screen.say(storage.caps.refused.get("packs") or packs_nothing(storage.title).text)
        return
    folders = [item for item in items if item.entry.is_folder]
    if folders and len(folders) < len(items):
        screen.say("Take folders to pack, or packed ones to unpack: not both at once.")
        return
    if not await screen.app.push_screen_wait(_question(storage, items, packing=bool(folders))):
        return
    await _all(screen, place, items)
    browser.view.clear_marks(item.entry.id for item in items)


def _question(storage: Storage, items: Sequence[Found], *, packing: bool) -> Confirm:
    from cloudtui.screens.file_actions import names_line

    key = key_hint("browser.pack")
    one = "the folder" if len(items) == 1 else "each folder"
    if packing:
        return Confirm(
            "Pack on the service",
            [
                names_line(items),
                f"{storage.title} makes one tar file of {one}, where it lies. What lies in it is"
                " not to be seen until it is unpacked.",
                f"{key} on the file makes it a folder again.",
            ],
            yes="Pack",
        )
    return Confirm(
        "Unpack what the service packed",
        [
            names_line(items),
            f"{storage.title} makes {one} again of the tar file it was packed into. The file goes.",
            "Only files that were made so can be unpacked.",
        ],
        yes="Unpack",
    )


async def _all(screen: MainScreen, place: PacksFolders, items: Sequence[Found]) -> None:
    """One after the other; a failure leaves the others alone."""
    failed: list[str] = []
    made: list[Found] = []
    words: list[str] = []
    for number, item in enumerate(items, 1):
        of = f"   {number} of {len(items)}" if len(items) > 1 else ""
        try:
            now = await _one(screen, place, item, of)
        except CloudError as error:
            failed.append(present.sentence(error))
        else:
            made.append(now)
            words.append(f"{_name(item)} is {_name(now)} now.")
    undo, counted = "", present.count(len(made), "item")
    if made:
        what = "pack" if items[0].entry.is_folder else "unpack"
        screen.files.remember(f"{what} {counted}", lambda: _back(screen, place, made))
        undo = f"    {key_hint('browser.undo')} undo"
    elif len(failed) == 1:
        screen.say(failed[0], bad=True)
        return
    text = "   ".join(words) if len(words) <= _NAMED else f"Done: {counted}."
    count = f"   {present.exact(len(failed))} failed." if failed else ""
    screen.say(f"{text}{count}".strip() + undo, bad=bool(failed))
    if failed:
        await screen.app.push_screen_wait(Tell("Not done", failed[:_TOLD]))


async def _one(screen: MainScreen, place: PacksFolders, item: Found, of: str = "") -> Found:
    """What a thing is afterwards."""
    if item.entry.is_folder:
        name = _name(item)

        def tell(percent: int) -> None:
            screen.say(f"Packing {name}  {percent}%{of}", keep=False)

        tell(0)
        entry = await place.pack_folder(item, tell)
    else:
        screen.say(f"Unpacking {_name(item)}{of}", keep=False)
        entry = await place.unpack_folder(item)
    screen.folder_changed(item.at.parent)
    return Found.of(item.at.parent, entry)


async def _back(screen: MainScreen, place: PacksFolders, made: Sequence[Found]) -> str:
    """Undo: what was packed is unpacked, and the other way round."""
    words = [f"{_name(item)} is {_name(await _one(screen, place, item))} again." for item in made]
    return "   ".join(words[:_NAMED])


def _name(item: Found) -> str:
    return display_name(item.entry.name) + "/" * item.entry.is_folder
