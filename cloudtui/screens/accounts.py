"""The source chooser: this disk, every account with its room and state, and adding one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from rich.segment import Segment
from textual import on
from textual.binding import Binding, BindingType
from textual.strip import Strip

from cloudtui import present
from cloudtui.ports import RuntimePort
from cloudtui.screens.pick_screen import PickScreen
from cloudtui.services.errors import CaptchaNeeded, CloudError, LoginNeeded, Offline
from cloudtui.services.invites import HasInvites
from cloudtui.services.models import DISK, Allowance, Location, Plan
from cloudtui.services.naming import display_name
from cloudtui.services.storage import HasAllowances, HasPlan, HasQuota
from cloudtui.widgets.header import quota_words
from cloudtui.widgets.row_list import RowList
from cloudtui.widgets.rows import cut_middle, pad

if TYPE_CHECKING:
    from cloudtui.app import CloudApp
    from cloudtui.services.runtime import Runtime

_TITLES = {"pikpak": "PikPak", "pcloud": "pCloud"}
_NAMED_JOBS = 3


@dataclass(slots=True)
class Source:
    """One row. `kind` is `disk`, a kind of account, or `add`; `account` is empty for the disk."""

    kind: str
    account: str
    title: str
    user: str = ""
    state: str = ""
    needs_login: bool = False
    transfer: Sequence[Allowance] = ()
    """What may still be moved, where the service sets bounds to that."""
    plan: Plan | None = None
    invite: str = ""
    """The code to invite others with, once somebody asked for it."""


def plan_words(source: Source) -> list[str]:
    """`plan  premium until 2027-05-01`, `download  1.2T of 4.0T transferred`: the plan, then one
    line for each bound, the names in a column; the code to invite with before them."""
    wide = max((len(each.name) for each in source.transfer), default=0)
    told = [f"{'invite':<{wide}}  {source.invite}"] if source.invite else []
    if source.plan is not None:
        until = source.plan.until_ns
        day = (
            ""
            if until is None
            else time.strftime(" until %Y-%m-%d", time.localtime(until // 10**9))
        )
        told.append(f"{'plan':<{wide}}  {display_name(source.plan.name)}{day}")
    return told + [
        f"{display_name(each.name):<{wide}}  {present.size_short(each.used)} of "
        f"{present.size_short(each.total)} transferred"
        for each in source.transfer
    ]


class SourceList(RowList):
    """Numbered sources."""

    def __init__(self) -> None:
        super().__init__(id="sources")
        self.sources: list[Source] = []

    def row_count(self) -> int:
        return len(self.sources)

    def draw_row(self, row: int, width: int, *, cursor: bool) -> Strip:
        source = self.sources[row]
        sign = ">" if cursor else " "
        name = source.title if not source.user else f"{source.title}  {source.user}"
        state_width = min(40, width // 2) if source.state else 0
        name_width = width - state_width - 5
        text = f"{sign}{row + 1:2d} " + pad(cut_middle(name, name_width), name_width)
        text += " " + pad(source.state, state_width)
        if cursor:
            return Strip([Segment(pad(text, width), self.style("cursor"))])
        style = "bad" if source.needs_login else ("folder" if source.kind == "add" else "row")
        return Strip([Segment(pad(text, width), self.style(style))])


class SourceScreen(PickScreen[Location, SourceList]):
    """Gives where the pane shall go, None to stay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("at", "leave", "stay", show=False),
        Binding("s", "sign_in", "sign in anew", show=False),
        Binding("x", "sign_out", "sign out", show=False),
        Binding("i", "properties", "all that is known of it", show=False),
    ]

    def __init__(self, runtime: RuntimePort, here: str) -> None:
        super().__init__(SourceList())
        self._runtime = runtime
        self._here = here

    def on_mount(self) -> None:
        super().on_mount()
        self.list.set_title("Choose a source", f"now {self._here}")
        self.list.set_foot("Enter opens   s signs in anew   x signs out   i more   Esc stays")
        self._fill()

    @property
    def _cloud_app(self) -> CloudApp:
        from cloudtui.app import CloudApp

        app = self.app
        assert isinstance(app, CloudApp)
        return app

    @property
    def _real(self) -> Runtime:
        """The runtime with what only sign-in needs."""
        return cast("Runtime", self._runtime)

    def _fill(self, want: str = "") -> None:
        """Write the rows; the cursor goes to the account `want`."""
        sources = [Source("disk", DISK, "Disk", state=display_name(str(Path.home())))]
        for name, account in self._runtime.accounts().items():
            title = _TITLES.get(account.kind, account.kind)
            if name != account.kind:
                title += f" {name}"
            user = display_name(account.text("username", ""))
            sources.append(Source(account.kind, name, title, user, "asking..."))
        sources.append(Source("add", "pikpak", "Add a PikPak account"))
        sources.append(Source("add", "pcloud", "Add a pCloud account"))
        self.list.sources = sources
        self.list.styles.height = len(sources) + 2
        rows = [row for row, each in enumerate(sources) if want and each.account == want]
        if rows:
            self.list.cursor = rows[0]
        self.list.refresh()
        for source in sources:
            if source.kind in _TITLES:
                self.run_worker(
                    self._ask(source), group=f"state-{source.account}", exit_on_error=False
                )

    async def _ask(self, source: Source) -> None:
        """Learn an account's room and state."""
        try:
            storage = await self._runtime.storage(source.account)
            if isinstance(storage, HasQuota):
                quota = await storage.quota()
                source.state = f"signed in   {quota_words(quota, short=True)}"
            else:
                source.state = "signed in"
            source.needs_login = False
            self.list.refresh()
            await self._ask_plan(source, storage)
        except CaptchaNeeded:
            source.state, source.needs_login = "puzzle needed: Enter", True
        except LoginNeeded:
            source.state, source.needs_login = "not signed in: Enter", True
        except Offline:
            source.state = "offline"
        except CloudError as error:
            source.state = present.sentence(error)
        self.list.refresh()

    async def _ask_plan(self, source: Source, storage: object) -> None:
        """What it pays for, as far as the service tells that just now."""
        with contextlib.suppress(CloudError):
            if isinstance(storage, HasAllowances):
                source.transfer = await storage.allowances()
            if isinstance(storage, HasPlan):
                source.plan = await storage.plan()
        if not self.list.notice:  # else it says what went wrong
            self._tell_plan()

    def _tell_plan(self) -> None:
        """Of the account under the cursor: what it pays for, and what of its transfer is used."""
        told = [f"  {words}" for words in plan_words(self.list.sources[self.list.cursor])]
        self.list.set_notice(*told)
        if told:
            self._grow()

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._tell_plan()

    # --- answers -----------------------------------------------------------------------------

    def action_choose(self) -> None:
        """Enter."""
        source = self.list.sources[self.list.cursor]
        if source.kind == "disk":
            self.dismiss(Location(DISK, Path.home().parts[1:]))
        elif source.kind == "add":
            self._sign_in(source.account, self._free_name(source.account))
        elif source.needs_login:
            self._sign_in(source.kind, source.account)
        else:
            self.dismiss(Location(source.account))

    def action_sign_in(self) -> None:
        """`s`."""
        source = self.list.sources[self.list.cursor]
        if source.kind in _TITLES:
            self._sign_in(source.kind, source.account)

    def action_sign_out(self) -> None:
        """`x`."""
        source = self.list.sources[self.list.cursor]
        if source.kind not in _TITLES:
            return

        async def work() -> None:
            from cloudtui.screens.dialogs import Confirm

            sentences = [
                f"The sign-in of {source.title} is forgotten on this machine.",
                *self._jobs_of(source.account),
                "Nothing in the cloud changes.",
            ]
            if await self.app.push_screen_wait(Confirm("Sign out", sentences, yes="Sign out")):
                await self._real.keys(source.account).forget()
                self._real.settings.remove_account(source.account)
                await self._runtime.drop_storage(source.account)
                self._cloud_app.main.places.forget(source.account)
                self._fill()

        self._guarded(work, source.account)

    def _jobs_of(self, account: str) -> list[str]:
        """The unfinished jobs that need an account, by name."""
        titles = [
            display_name(view.title)
            for view in self._cloud_app.main.bridge.views
            if not view.state.is_final
            and any(place.startswith(f"{account}:") for place in (view.target, *view.sources))
        ]
        if not titles:
            return []
        more = len(titles) - _NAMED_JOBS
        shown = titles[:_NAMED_JOBS] + ([f"{present.exact(more)} more"] if more > 0 else [])
        verb = "pauses" if len(titles) == 1 else "pause"
        return [f"{present.count(len(titles), 'job')} {verb}:", "   ".join(shown)]

    def action_properties(self) -> None:
        """`i`: what is known of the account, the code to invite others with included."""
        source = self.list.sources[self.list.cursor]
        if source.kind not in _TITLES:
            return

        async def work() -> None:
            from cloudtui.screens.dialogs import Tell

            with contextlib.suppress(CloudError):  # the rest is worth telling without it
                place: object = await self._runtime.storage(source.account)
                if isinstance(place, HasInvites):
                    source.invite = await place.invite_code()
            facts = [source.title, source.user, source.state, *plan_words(source)]
            await self.app.push_screen_wait(Tell("Account", list(filter(None, facts))))

        self.run_worker(work(), group="properties", exit_on_error=False)

    def _free_name(self, kind: str) -> str:
        names = self._runtime.accounts()
        if kind not in names:
            return kind
        number = 2
        while f"{kind}-{number}" in names:
            number += 1
        return f"{kind}-{number}"

    def _sign_in(self, kind: str, name: str) -> None:
        async def work() -> None:
            account = self._runtime.accounts().get(name)
            if kind == "pikpak":
                from cloudtui.screens.login_pikpak import PikPakSignIn

                username = account.text("username", "") if account is not None else ""
                done = await self.app.push_screen_wait(
                    PikPakSignIn(self._cloud_app, self._real, name=name, username=username)
                )
                who = self._real.account(done).text("username") if done is not None else ""
            else:
                from cloudtui.screens.login_pcloud import PCloudSignIn

                client_id = account.text("client_id", "") if account is not None else ""
                steps = PCloudSignIn(self._cloud_app, self._real, name=name, client_id=client_id)
                done = await steps.run()
                who = steps.who
            if done is not None:
                self._cloud_app.main.places.forget(done)
                self._cloud_app.main.signed_in(who)
                self.dismiss(Location(done))
            else:
                self._fill(name)

        self._guarded(work, name)

    def _guarded(self, work: object, name: str) -> None:
        async def run() -> None:
            try:
                await work()  # type: ignore[operator]
            except CloudError as error:
                self.list.set_notice(f"Not signed in: {present.sentence(error)}")
                self._fill(name)
                self._grow()
            except Exception as error:  # a boundary: a bug becomes a sentence
                self.list.set_notice(present.sentence(error))
                self._grow()

        self.run_worker(run(), group="sign-in", exit_on_error=False)

    def _grow(self) -> None:
        self.list.styles.height = len(self.list.sources) + 3 + max(3, len(self.list.notice))
