"""Signing in to pCloud: on its own page, by a link to approve anywhere, by this machine's browser,
or by pasting what the page shows. cloudtui never sees the password."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from cloudtui import present
from cloudtui.screens.dialogs import Choose, Confirm, Dialog, Form, Option, words
from cloudtui.screens.fields import Field
from cloudtui.screens.links import LinkDialog
from cloudtui.screens.secret_place import ensure_place
from cloudtui.services.errors import CloudError, LoginNeeded, UsageError
from cloudtui.services.imports.remote import Remote
from cloudtui.services.models import Secret
from cloudtui.services.naming import display_name

if TYPE_CHECKING:
    from cloudtui.app import CloudApp
    from cloudtui.services.accounts import Account, Keys
    from cloudtui.services.pcloud.signin import SignedIn
    from cloudtui.services.runtime import Runtime


class AppForm(Form[tuple[str, str, str] | None]):
    """Account name, app id and secret: pCloud lets programs in only as an app of the user's."""

    def __init__(self, *, name: str, client_id: str, port: int) -> None:
        super().__init__(
            "Sign in: pCloud",
            [
                "pCloud lets programs in as an app of yours: make one (free) at",
                f"docs.pcloud.com/my_apps, with http://localhost:{port}/ as redirect.",
            ],
            [Option("Go on", "", ("", "", "")), Option("Cancel", "", None)],
            safe=None,
        )
        self._name = name
        self._client_id = client_id

    def middle(self) -> ComposeResult:
        yield words("Its name in addresses such as NAME:/Films (small letters):")
        yield Field(self._name or "", id="name")
        yield words("Client ID of the app:")
        yield Field(self._client_id, id="client-id")
        yield words("Client secret (only for the browser and for codes):")
        yield Field(id="client-secret", password=True)
        yield words("", id="complaint", classes="bad")

    def first_focus(self) -> None:
        self.query_one("#client-secret" if self._client_id else "#client-id", Input).focus()

    def give(self, number: int) -> None:
        if number != 0:
            self.dismiss(None)
            return
        values = [
            self.query_one(f"#{field}", Input).value.strip()
            for field in ("name", "client-id", "client-secret")
        ]
        if not values[1]:
            self.query_one("#complaint", Static).update(Content("The client ID is missing."))
            return
        self.dismiss((values[0], values[1], values[2]))


class WaitBox(LinkDialog[bool]):
    """A link that is being waited on; `work` ends the waiting with a sign-in."""

    def __init__(
        self, title: str, sentences: list[str], work: Callable[[WaitBox], Awaitable[None]]
    ):
        super().__init__(title, sentences, [Option("Cancel", "", value=False)], link="", safe=False)
        self._work = work
        self._began = time.monotonic()
        self._note = ""

    def middle(self) -> ComposeResult:
        yield from self.link_part()
        yield words("", id="complaint")
        yield words("Nothing happens? pCloud may have sent a mail to confirm.", classes="dim")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(1.0, self._tick)
        self.run_worker(self._guarded(), group="sign-in", exit_on_error=False)

    def _tick(self) -> None:
        waited = int(time.monotonic() - self._began)
        text = f"Waiting for the page...  {waited // 60}:{waited % 60:02d}"
        if self._note:
            text = f"{self._note}\n{text}"
        self.query_one("#complaint", Static).update(Content(text))

    def complain(self, text: str) -> None:
        self._note = text
        self._tick()

    async def _guarded(self) -> None:
        await self._work(self)
        self.dismiss(True)  # noqa: FBT003


class CodeBox(LinkDialog[str | None]):
    """A link, and a field for the code, address or token it led to."""

    def __init__(self, link: str) -> None:
        super().__init__(
            "Sign in: pCloud",
            ["Open this page on any device and approve; it then shows a code:"],
            [Option("Finish", "", ""), Option("Cancel", "", None)],
            link=link,
            safe=None,
        )

    def middle(self) -> ComposeResult:
        yield from self.link_part()
        yield words("Paste the code, the address it moved to, or a token:")
        yield Field(id="text")
        yield words("", id="complaint", classes="bad")

    def give(self, number: int) -> None:
        pasted = self.query_one("#text", Input).value.strip()
        if number != 0:
            self.dismiss(None)
        elif pasted:
            self.dismiss(pasted)
        else:
            self.complain("Nothing was pasted yet.")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.give(0)


_NONE: Final = Remote("", "pcloud")
"""No remote of rclone: sign in anew."""
_OFFERED: Final = 3


class RemoteBox(Dialog[Remote | None]):
    """Which remote of rclone to take over."""


class PCloudSignIn:
    """The steps of one sign-in. `run` belongs in a worker."""

    def __init__(self, app: CloudApp, runtime: Runtime, *, name: str, client_id: str) -> None:
        self._app = app
        self._runtime = runtime
        self._name = name
        self._client_id = client_id
        self._secret: Secret | None = None
        self.who = ""
        """The e-mail address of the account, once signed in."""

    async def run(self) -> str | None:
        """The account's name once signed in, None when the user left. Raises CloudError."""
        from cloudtui.services.pcloud import signin

        runtime = self._runtime
        remote = await self._rclones()
        if remote is None:
            return None
        if remote != _NONE:
            return await self._take(remote)
        port = signin.redirect_port(runtime.account_to_sign_in(self._name, "pcloud"))
        answer = await self._app.push_screen_wait(
            AppForm(name=self._name, client_id=self._client_id, port=port)
        )
        if answer is None:
            return None
        name, client_id, client_secret = answer
        runtime.account_to_sign_in(name, "pcloud")
        if not await ensure_place(self._app, runtime):
            return None
        runtime.settings.set_account(name, {"kind": "pcloud", "client_id": client_id})
        account = runtime.account_to_sign_in(name, "pcloud")
        keys = runtime.keys(name)
        await self._keep_secret(account, keys, client_secret)
        done = await self._way(account)
        if done is None:
            return None
        await signin.store(keys, done)
        learned = {"region": done.region} if done.region else {"api_url": done.api_url}
        who = {"username": done.email} if done.email else {}
        runtime.settings.set_account(name, {"kind": "pcloud", **learned, **who})
        await runtime.drop_storage(name)
        self.who = done.email
        return name

    async def _rclones(self) -> Remote | None:
        """The sign-in of rclone that shall be taken over, `_NONE` to sign in anew; None when the
        user left. Offered for new accounts: an old one keeps its settings."""
        from cloudtui.services.imports.rclone import signed_in

        runtime = self._runtime
        if self._name in runtime.accounts():
            return _NONE
        found = await asyncio.to_thread(signed_in, "pcloud", runtime.environ)
        if not found:
            return _NONE
        take: list[Option[Remote | None]] = [
            Option(f"Take {display_name(each.name)}", "", each) for each in found[:_OFFERED]
        ]
        return await self._app.push_screen_wait(
            RemoteBox(
                "Sign in: pCloud",
                [
                    "rclone on this machine is signed in to pCloud already.",
                    "That sign-in can be taken over; rclone keeps it, too.",
                ],
                [*take, Option("Sign in anew", "s", _NONE), Option("Cancel", "c", None)],
                safe=None,
            )
        )

    async def _take(self, remote: Remote) -> str | None:
        from cloudtui.services.imports.takeover import take

        if not await ensure_place(self._app, self._runtime):
            return None
        done = await take(self._runtime, replace(remote, name=self._name))
        await self._runtime.drop_storage(done.name)
        self.who = done.who
        return done.name

    async def _keep_secret(self, account: Account, keys: Keys, typed: str) -> None:
        from cloudtui.services.pcloud.regions import AUTHORIZE

        origin = account.origin("authorize_url", account.text("authorize_url") or AUTHORIZE)
        if typed:
            self._secret = Secret(typed)
            await keys.write("client_secret", origin, self._secret)
        else:
            self._secret = await keys.read("client_secret", origin)

    async def _way(self, account: Account) -> SignedIn | None:
        options = [
            Option("Any device: a link, this waits", "a", "poll"),
            Option("This machine's browser", "b", "browser"),
            Option("Paste a code", "p", "paste"),
            Option("Cancel", "c", ""),
        ]
        answer = await self._app.push_screen_wait(
            Choose(
                "How do you want to approve it?",
                ["pCloud signs you in on its own page; cloudtui never sees the password."],
                options,
                safe="",
            )
        )
        if answer == "poll":
            return await self._poll(account)
        if answer == "browser":
            return await self._browser(account)
        if answer == "paste":
            return await self._paste(account)
        return None

    async def _waited(
        self, sentences: list[str], work: Callable[[WaitBox], Awaitable[SignedIn]]
    ) -> SignedIn | None:
        """Run `work` under a box that shows its link; Cancel ends it. Raises what it raised."""
        result: list[SignedIn] = []
        trouble: list[CloudError] = []

        async def inside(box: WaitBox) -> None:
            try:
                result.append(await work(box))
            except CloudError as error:
                trouble.append(error)

        await self._app.push_screen_wait(WaitBox("Sign in: pCloud", sentences, inside))
        if trouble:
            raise trouble[0]
        return result[0] if result else None

    async def _poll(self, account: Account) -> SignedIn | None:
        from cloudtui.services.pcloud import signin

        request = signin.new_request_id()
        link = signin.authorize_url(account, response_type="poll_token", request_id=request)

        async def work(box: WaitBox) -> SignedIn:
            return await signin.poll_token(
                account, self._runtime.network, request, on_open=lambda: box.show_link(link)
            )

        return await self._waited(["Open this link on any device and approve:"], work)

    def _need_secret(self) -> Secret:
        if self._secret is None:
            raise LoginNeeded(
                "This way needs the client secret of your pCloud app.",
                hint="@ again, then type it, or take the link for any device.",
            )
        return self._secret

    async def _browser(self, account: Account) -> SignedIn | None:
        from cloudtui.services.browser import open_url
        from cloudtui.services.pcloud import signin
        from cloudtui.services.pcloud.redirect import LoopbackReceiver

        secret = self._need_secret()
        state = signin.new_state()
        seen: list[bool] = []

        async def work(box: WaitBox) -> SignedIn:
            port, minutes = signin.redirect_port(account), signin.approve_minutes(account)
            async with LoopbackReceiver(state=state, port=port, minutes=minutes) as receiver:
                link = signin.authorize_url(
                    account, response_type="code", state=state, redirect_uri=receiver.uri
                )
                box.show_link(link)
                if not open_url(link):
                    box.complain("No browser could be opened: open the link on this machine.")
                answer = await receiver.wait()
            seen.append(answer.state_seen)
            return await signin.exchange_code(
                account,
                self._runtime.network,
                secret,
                answer.code,
                hostname=answer.hostname,
                locationid=answer.locationid,
            )

        done = await self._waited(["Approve in the browser of this machine:"], work)
        if done is not None and seen and not seen[0]:
            mine = await self._app.push_screen_wait(
                Confirm(
                    "Is this your account?",
                    [f"The browser's answer came for {display_name(done.email)}."],
                    yes="Yes, keep it",
                )
            )
            return done if mine else None
        return done

    async def _paste(self, account: Account) -> SignedIn | None:
        from cloudtui.services.pcloud import signin

        link = signin.authorize_url(account, response_type="code")
        pasted = await self._app.push_screen_wait(CodeBox(link))
        if pasted is None:
            return None
        network = self._runtime.network
        code, hostname = pasted, ""
        if "://" in pasted:
            query = parse_qs(urlsplit(pasted).query)
            code = query.get("code", [""])[0]
            hostname = query.get("hostname", [""])[0]
            if not code:
                raise UsageError("That address holds no code=.", hint="Copy it after approving.")
        if self._secret is not None:
            try:
                return await signin.exchange_code(
                    account, network, self._secret, code, hostname=hostname
                )
            except LoginNeeded:
                if "://" in pasted:
                    raise
        try:
            return await signin.check_token(account, network, signin.parse_token(pasted))
        except CloudError as error:
            if self._secret is None:
                self._need_secret()
            raise LoginNeeded(
                "pCloud took this neither as a code nor as a token.", hint="@ tries again."
            ) from error


def trouble_words(error: BaseException) -> str:
    """A failed sign-in for the message line."""
    return f"Not signed in: {present.sentence(error)}"
