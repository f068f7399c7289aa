"""Links to a file, made on request: the service's own direct link, and a public one.

A link is a key to the file: it is shown in its box and sent to the clipboard, never kept in the
log of messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult

from cloudtui.screens.dialogs import Confirm, Option, words
from cloudtui.screens.links import LinkDialog
from cloudtui.services.models import Found, Share
from cloudtui.services.naming import display_name
from cloudtui.services.storage import HasShares, MakesLinks, Storage

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen


class MadeLink(LinkDialog[bool]):
    """A link to take along."""

    def __init__(self, title: str, sentences: list[str], link: str) -> None:
        super().__init__(title, sentences, [Option("Close", "", value=True)], link=link, safe=True)

    def middle(self) -> ComposeResult:
        yield from self.link_part()
        yield words("", id="complaint")

    def on_mount(self) -> None:
        super().on_mount()
        self.action_copy_link()


def refusal(storage: Storage, item: Found, what: str) -> str:
    """Why there is no link of this kind to a thing, or empty. `what` is `links` or `shares`."""
    name = display_name(item.entry.name)
    if what in storage.caps.refused:
        return storage.caps.refused[what]
    if not storage.caps.allows(what):
        made = "direct links" if what == "links" else "public links"
        return f"{storage.title} makes no {made}. c p copies the path."
    if what == "links" and item.entry.is_folder:
        return f"{name} is a folder: only files have direct links. c s makes a public one."
    return ""


async def direct_link(screen: MainScreen, storage: Storage, item: Found) -> None:
    """`c l`. Raises CloudError."""
    place: object = storage
    why = refusal(storage, item, "links")
    if why or not isinstance(place, MakesLinks):
        screen.say(why or f"{storage.title} makes no direct links.")
        return
    link = await place.direct_link(item)
    where = "for whoever holds it" if storage.caps.links_anywhere else "from this network only"
    sentences = [
        f"{display_name(item.entry.name)}: works for some hours, {where}.",
    ]
    await screen.app.push_screen_wait(MadeLink("Direct link", sentences, link))


async def public_link(screen: MainScreen, storage: Storage, item: Found) -> None:
    """`c s`: asks first, since a public link lets everybody in who has it. Raises CloudError."""
    place: object = storage
    why = refusal(storage, item, "shares")
    if why or not isinstance(place, HasShares):
        screen.say(why or f"{storage.title} makes no public links.")
        return
    name = display_name(item.entry.name) + ("/" if item.entry.is_folder else "")
    box = Confirm(
        "Public link",
        [name, "Everybody who has the link can read it, until you take it back."],
        yes="Make it",
    )
    if not await screen.app.push_screen_wait(box):
        return
    made: Share = await place.share(item)
    sentences = [f"{name}: everybody who has this link can read it."]
    if made.password:
        sentences.append(f"It asks for the password {made.password.reveal()}")
    sentences.append("cloudtui share ls lists public links, share rm takes them back.")
    await screen.app.push_screen_wait(MadeLink("Public link", sentences, made.url))
