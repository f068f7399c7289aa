"""Signing in to PikPak: name, password, and the puzzle when the service asks for one.

The password lives in its field until the box closes and in a `Secret` on the way; it is not
stored. What was typed beside it stays when a try fails.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from cloudtui import present
from cloudtui.screens.dialogs import Form, Option, Prompt, words
from cloudtui.screens.fields import Field
from cloudtui.screens.links import LinkDialog
from cloudtui.screens.secret_place import ensure_place
from cloudtui.services.errors import CaptchaNeeded, CloudError
from cloudtui.services.models import Secret
from cloudtui.services.naming import display_name

_TOKEN: Final = 1
_CANCEL: Final = 2

if TYPE_CHECKING:
    from cloudtui.app import CloudApp
    from cloudtui.services.runtime import Runtime


GOOD_FOR: float = 300.0
"""Seconds that a puzzle's page is good for: the life of the token in its address."""


class PuzzleBox(LinkDialog[Secret | None]):
    """The link of a puzzle, and a field for what it led to. Closes itself when the page is too
    old; `expired` tells, and another one is to be asked for."""

    def __init__(self, link: str, *, again: bool = False) -> None:
        """`again`: the page before was too old."""
        first = "1. Open this page on any device:"
        if again:
            first = "1. The page before was too old. Open this fresh one on any device:"
        super().__init__(
            "PikPak wants a puzzle solved",
            [first],
            [Option("Go on", "", None), Option("Back", "", None)],
            link=link,
            safe=None,
        )
        self.expired = False
        self._until = time.monotonic() + GOOD_FOR

    def on_mount(self) -> None:
        super().on_mount()
        self._tick()
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        left = int(self._until - time.monotonic())
        if left <= 0:
            self.expired = True
            self.dismiss(None)
            return
        text = f"This page is good for {left // 60}:{left % 60:02d} more."
        self.query_one("#good-for", Static).update(Content(text))

    def middle(self) -> ComposeResult:
        yield from self.link_part()
        yield words("2. Slide the puzzle. The page then moves to an address with captcha_token=.")
        yield words("3. Paste that address, or only the token:")
        yield Field(id="text")
        yield words("", id="good-for", classes="dim")
        yield words("", id="complaint", classes="bad")

    def give(self, number: int) -> None:
        if number != 0:
            self.dismiss(None)
            return
        from cloudtui.services.pikpak.signin import parse_captcha_paste

        pasted = self.query_one("#text", Input).value
        try:
            self.dismiss(parse_captcha_paste(pasted or self.link))
        except CloudError as error:
            self.complain(present.sentence(error))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.give(0)


class TokenBox(Prompt):
    """A refresh token."""

    def refusal(self, text: str) -> str:
        return "" if text.strip() else "Nothing was pasted."


class PikPakSignIn(Form[str | None]):
    """Gives the account's name once it is signed in."""

    def __init__(self, app: CloudApp, runtime: Runtime, *, name: str, username: str) -> None:
        super().__init__(
            "Sign in: PikPak",
            ["Joined with Google or Apple? Set a password in PikPak's own app, or take a token."],
            [
                Option("Sign in", "", ""),
                Option("A token instead", "", ""),
                Option("Cancel", "", None),
            ],
            safe=None,
        )
        self._cloud_app = app
        self._runtime = runtime
        self._name = name
        self._username = username
        self._busy = False

    def middle(self) -> ComposeResult:
        yield words("Its name in addresses such as NAME:/Films (small letters):")
        yield Field(self._name or "", id="name")
        yield words("E-mail or +phone:")
        yield Field(self._username, id="username")
        yield words("Password (not stored; the sign-in itself is):")
        yield Field(id="password", password=True)
        yield words("", id="complaint", classes="bad")

    def first_focus(self) -> None:
        self.query_one("#password" if self._username else "#username", Input).focus()

    def _complain(self, text: str) -> None:
        self.query_one("#complaint", Static).update(Content(text))

    def give(self, number: int) -> None:
        if number == _CANCEL:
            self.dismiss(None)
        elif not self._busy:
            self._busy = True
            way = self._take_token if number == _TOKEN else self._sign_in
            self.run_worker(self._work(way), group="sign-in", exit_on_error=False)

    async def _work(self, way: Callable[[], Awaitable[str | None]]) -> None:
        try:
            name = await way()
        except CloudError as error:
            self._complain(present.sentence(error))
        except Exception as error:  # a boundary: a bug becomes a sentence in the box
            self._complain(present.sentence(error))
        else:
            if name is not None:
                self.dismiss(name)
        finally:
            self._busy = False

    async def _take_token(self) -> str | None:
        """Sign in with a refresh token: for those who joined with Google or Apple, and for who
        comes from another program."""
        from cloudtui.services.pikpak import signin

        runtime = self._runtime
        name = self.query_one("#name", Input).value.strip()
        account = runtime.account_to_sign_in(name, "pikpak")
        box = TokenBox(
            "Sign in with a refresh token",
            [
                "A token is good for one use: the program that had it is signed out by this.",
                "Paste it, or the whole token that rclone keeps:",
            ],
            yes="Sign in",
            secret=True,
        )
        pasted = await self._cloud_app.push_screen_wait(box)
        if pasted is None or not await ensure_place(self._cloud_app, runtime):
            self._complain("Nothing was signed in.")
            return None
        self._complain("Signing in...")
        done = await signin.take_refresh_token(
            account, runtime.keys(name), runtime.network, Secret(pasted), runtime.retries
        )
        username = self.query_one("#username", Input).value.strip()
        known = {"username": username} if username else {}
        runtime.settings.set_account(name, {"kind": "pikpak", **known})
        await runtime.drop_storage(name)
        said = f"Signed in to PikPak as {display_name(done.title)}. {done.note}"
        self._cloud_app.main.say(said.strip())
        return name

    async def _sign_in(self) -> str | None:
        from cloudtui.services.pikpak import signin

        runtime = self._runtime
        name = self.query_one("#name", Input).value.strip()
        username = self.query_one("#username", Input).value.strip()
        password = Secret(self.query_one("#password", Input).value)
        account = runtime.account_to_sign_in(name, "pikpak")
        keys = runtime.keys(name)
        self._complain("Looking where sign-ins are kept...")
        if not await ensure_place(self._cloud_app, runtime):
            self._complain("Nothing was signed in.")
            return None
        captcha = keys.from_env("captcha_token")
        again = False
        while True:
            self._complain("Signing in...")
            try:
                done = await signin.sign_in(
                    account, keys, runtime.network, runtime.retries, username, password, captcha
                )
            except CaptchaNeeded as puzzle:
                box = PuzzleBox(puzzle.url, again=again)
                captcha = await self._cloud_app.push_screen_wait(box)
                # one fresh page; after that nobody sits there
                again = box.expired and not again
                if captcha is None and not again:
                    self._complain("The puzzle is not solved: nothing was signed in.")
                    return None
            else:
                runtime.settings.set_account(name, {"kind": "pikpak", "username": username})
                await runtime.drop_storage(name)
                if done.note:
                    self._cloud_app.main.say(done.note)
                return name
