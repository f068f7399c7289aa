"""Links to a file, made on request: the service's own direct link, and a public one.

A link is a key to the file: it is shown in its box and sent to the clipboard, never kept in the
log of messages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from cloudtui import present
from cloudtui.screens.dialogs import Form, Option, words
from cloudtui.screens.fields import Field
from cloudtui.screens.links import LinkDialog
from cloudtui.services.errors import UsageError
from cloudtui.services.models import Found, Secret, Share
from cloudtui.services.naming import display_name
from cloudtui.services.shares import new_password
from cloudtui.services.storage import HasShares, MakesLinks, OfflineTasks, Storage

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


async def source_link(screen: MainScreen, storage: Storage, item: Found) -> None:
    """`c u`: where the service fetched a thing from, as its list of tasks tells. Raises
    CloudError."""
    place: object = storage
    name = display_name(item.entry.name)
    if not isinstance(place, OfflineTasks) or not storage.caps.offline_tasks:
        screen.say(f"{storage.title} fetches nothing by itself: {name} has no source link.")
        return
    async for page in place.scan_offline():
        for task in page:
            if task.target is not None and task.target.node == item.at.node and task.url:
                screen.app.copy_to_clipboard(task.url)
                shown = display_name(task.url, edges=False)
                screen.say(f"Sent to the terminal's clipboard: {shown}", keep=False)
                return
    screen.say(f"No task of {storage.title} says where {name} came from.")


async def public_link(screen: MainScreen, storage: Storage, item: Found) -> None:
    """`c s`: asks first, since a public link lets everybody in who has it. Raises CloudError."""
    place: object = storage
    why = refusal(storage, item, "shares")
    if why or not isinstance(place, HasShares):
        screen.say(why or f"{storage.title} makes no public links.")
        return
    name = display_name(item.entry.name) + ("/" if item.entry.is_folder else "")
    box = ShareForm(
        "Public link",
        [name, "Everybody who has the link can read it, until you take it back."],
        storage.caps.share_limits,
        yes="Make it",
    )
    limits = await screen.app.push_screen_wait(box)
    if limits is None:
        return
    made = await place.share(
        item, days=limits.days, password=limits.password, most_downloads=limits.most
    )
    await show_share(screen.app, made, name)


async def show_share(app: App[int], share: Share, name: str) -> None:
    """The box of a public link, its limits spelled out. `name` is safe to display."""
    sentences = [f"{name}: {limits_words(share)}."]
    if share.password:
        sentences.append(f"It asks for the password {display_name(share.password.reveal())}")
    elif share.protected:
        sentences.append("It asks for a password.")
    sentences.append("g s lists public links and takes them back.")
    await app.push_screen_wait(MadeLink("Public link", sentences, share.url))


def limits_words(share: Share) -> str:
    """Until when, and for how many."""
    words = "works without end"
    if share.expires_ns is not None:
        words = f"works until {present.date_full(share.expires_ns)}"
    if share.most_downloads:
        used = present.exact(share.downloads or 0)
        words += f", {used} of {present.exact(share.most_downloads)} downloads used"
    return words


@dataclass(frozen=True, slots=True)
class Limits:
    """What a public link is to be limited by; None leaves it as it is."""

    days: int | None = None
    password: Secret | None = None
    most: int | None = None


_NUMBERS = {"days": "Days until it ends", "downloads": "Downloads until it ends"}


class ShareForm(Form[Limits | None]):
    """The limits that a place knows. Empty fields put none on a new link, and leave those of one
    that is there as they are."""

    def __init__(
        self,
        title: str,
        sentences: list[str],
        known: frozenset[str],
        *,
        yes: str,
        old: bool = False,
    ) -> None:
        """`known` are the limits of `Capabilities.share_limits`; `old`: the link is there."""
        answers: list[Option[Limits | None]] = [Option(yes, "", Limits())]
        answers.append(Option("Cancel", "", None))
        if old and "password" in known:
            answers.insert(1, Option("Without password", "", Limits(password=Secret(""))))
            answers.insert(2, Option("Make one up", "", Limits(password=new_password())))
        super().__init__(title, sentences, answers, safe=None)
        self._known = known
        self._old = old

    def middle(self) -> ComposeResult:
        empty = "empty: as it is; 0: no limit" if self._old else "empty: no limit"
        for name, text in _NUMBERS.items():
            if name in self._known:
                yield words(f"{text} ({empty}):")
                yield Field(id=name)
        if "password" in self._known:
            none = "as it is" if self._old else "none"
            yield words(f"Password it asks for (empty: {none}):")
            yield Field(id="password", password=True)
        yield words("", id="complaint", classes="bad")

    def first_focus(self) -> None:
        self.query(Input).first().focus() if self._known else super().first_focus()

    def _number(self, name: str) -> int | None:
        """Raises UsageError."""
        text = self.query_one(f"#{name}", Input).value.strip() if name in self._known else ""
        if text and not (text.isascii() and text.isdecimal() and len(text) < 7):
            raise UsageError(f"{_NUMBERS[name]}: a whole number is wanted.")
        return int(text) if text else None

    def give(self, number: int) -> None:
        limits = self.options[number].value
        if number == 0:
            try:
                limits = Limits(self._number("days"), None, self._number("downloads"))
            except UsageError as error:
                self.query_one("#complaint", Static).update(Content(present.sentence(error)))
                return
            typed = self.query_one("#password", Input).value if "password" in self._known else ""
            if typed:
                limits = replace(limits, password=Secret(typed))
        self.dismiss(limits)
