"""What others change shows in open panes, without listing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from cloudtui.app import CloudApp
from cloudtui.ports import Door
from cloudtui.services.errors import CloudError, LoginNeeded
from cloudtui.services.models import EVERYTHING, Capabilities, Change, Location, News
from cloudtui.services.runtime import Overrides, open_runtime
from cloudtui.services.secrets import MemoryStore
from tests.pcloud.rig import Script, asked, file_item, folder_item, mark, place
from tests.sandbox_process import start_sandbox
from tests.screens.driving import opened, panes_ready, picture, press, settle
from tests.screens.fake_runtime import FakePlace, FakeRuntime, file, folder, sample_runtime


class FedPlace(FakePlace):
    """A place that tells what a test puts into `told`; an error ends it."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.told: asyncio.Queue[News | CloudError] = asyncio.Queue()
        self.followers = 0
        self.begun = 0
        self.open = True

    @property
    def caps(self) -> Capabilities:
        caps = replace(super().caps, change_feed=True)
        return caps if self.open else caps.refuse("change_feed", "closed to apps")

    async def changes(self) -> AsyncIterator[News]:
        self.begun += 1
        self.followers += 1
        try:
            while True:
                news = await self.told.get()
                if isinstance(news, CloudError):
                    raise news
                yield news
        finally:
            self.followers -= 1

    async def id_of(self, at: Location) -> str:
        return at.name


def fed() -> tuple[FakeRuntime, FedPlace]:
    """The runtime of the pictures with a cloud that tells."""
    runtime = sample_runtime()
    old = runtime.places["pikpak"]
    there = FedPlace("pikpak", "pikpak", "PikPak", old.tree)
    runtime.places["pikpak"] = there
    return runtime, there


def names(app: CloudApp) -> list[str]:
    """What the right pane shows, in order."""
    view = app.main.right.view
    return [view.entries[index].name for index in view.order]


async def shows(pilot: Pilot[int], app: CloudApp, *wanted: str) -> None:
    await settle(pilot, lambda: names(app) == list(wanted))


async def test_rows_come_change_and_go_while_cursor_and_marks_stay() -> None:
    runtime, cloud = fed()
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: cloud.followers == 1)
        await press(pilot, "tab", "home", "down", "down")
        cursor = app.main.right.view.current
        assert cursor is not None
        app.main.right.view.set_mark(app.main.right.view.cursor)
        before, scans = names(app), cloud.scans
        cloud.told.put_nowait(
            (
                Change("new", "Media", file("new")),
                Change("report.pdf", "Series", file("report.pdf")),  # moved elsewhere
                Change("untitled", "Media", None),
                Change("elsewhere", "Other", file("elsewhere")),
            )
        )
        after = [name for name in before if name not in ("report.pdf", "untitled")]
        after.insert(after.index("very-long-name-of-a-series-with-S01E02.mkv"), "new")
        after.insert(after.index("new") + 1, "report.pdf")  # its twin stays
        await shows(pilot, app, *after)
        assert app.main.right.view.current == cursor
        assert app.main.right.view.taken() == [cursor]
        # the same name by another id, a new size
        cloud.told.put_nowait((Change("new", "Media", file("newer", 5_000_000)),))
        await settle(pilot, lambda: "newer" in names(app))
        assert "new" not in names(app)
        assert any("newer" in line and "4.8" in line for line in picture(app))
        # what happened in a shown folder is its time
        series = next(entry for entry in app.main.right.view.entries if entry.name == "Series")
        late = (series.mtime_ns or 0) + 10**9
        cloud.told.put_nowait((Change("S01E99", "Series", file("S01E99"), late),))

        def changed() -> bool:
            return replace(series, mtime_ns=late) in app.main.right.view.entries

        await settle(pilot, changed)
        assert cloud.scans == scans


async def test_lists_anew_when_anything_may_have_happened() -> None:
    runtime, cloud = fed()
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: cloud.followers == 1)
        cloud.tree["Media",].append(file("seen by listing"))
        cloud.told.put_nowait(EVERYTHING)
        await settle(pilot, lambda: "seen by listing" in names(app))
        # the shown folder itself is gone
        del cloud.tree["Media",]
        cloud.told.put_nowait((Change("Media", "", None),))
        await settle(pilot, lambda: any("not reloaded" in line for line in picture(app)))


async def test_what_comes_while_a_list_is_under_way_shows_after_it() -> None:
    runtime, cloud = fed()
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: cloud.followers == 1)
        cloud.gate = asyncio.Event()
        await press(pilot, "tab", "ctrl+r")
        await settle(pilot, lambda: app.main.right.loading and cloud.scans == 2)
        cloud.told.put_nowait((Change("late", "Media", file("late")),))
        await settle(pilot, cloud.told.empty)
        cloud.gate.set()
        await settle(pilot, lambda: "late" in names(app))
        assert cloud.scans == 2


async def test_a_feed_lasts_as_long_as_a_pane_shows_its_account() -> None:
    runtime, cloud = fed()
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: cloud.followers == 1)
        app.main.right.open(Location("pikpak", ("Media", "Series")))
        cloud.told.put_nowait((Change("x", "Series", folder("x")),))
        await settle(pilot, lambda: "x" in names(app))
        assert cloud.begun == 1
        app.main.right.open(Location("", ("videos",)))
        await settle(pilot, lambda: cloud.followers == 0)
        app.main.right.open(Location("pikpak", ("Media",)))
        await settle(pilot, lambda: cloud.followers == 1)
        # a lost sign-in ends it until the next list
        cloud.told.put_nowait(LoginNeeded("gone"))
        await settle(pilot, lambda: cloud.followers == 0)
        app.main.right.reload()
        await settle(pilot, lambda: cloud.followers == 1)
        # what the service closes is not asked for again
        cloud.open = False
        cloud.told.put_nowait(LoginNeeded("closed"))
        await settle(pilot, lambda: cloud.followers == 0)
        app.main.right.reload()
        await settle(pilot, lambda: not app.main.right.loading)
        assert cloud.begun == 3


async def test_a_file_of_another_client_shows_without_a_listing(tmp_path: Path) -> None:
    with start_sandbox(tmp_path / "box") as box:
        told = box.admin.order("pcloud", "add_accounts", email="news@example.com")
        box.admin.order("pcloud", "put", email="news@example.com", path="/Music/a", base64="eA==")
        environ = {
            "CLOUDTUI_HOME": str(tmp_path / "home"),
            "CLOUDTUI_ACCOUNT__PC__TOKEN": told["token"],
        }
        home = tmp_path / "home"
        home.mkdir(mode=0o700)
        (home / "settings.toml").write_text(
            f'format = 1\n[accounts.pc]\nkind = "pcloud"\napi_url = "{told["url"]}"\n'
        )
        overrides = Overrides(environ=environ, secret_store=MemoryStore())
        door = Door(lambda: open_runtime(overrides))
        app = CloudApp(door, str(tmp_path), "pc:/Music")
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await settle(pilot, lambda: panes_ready(app) and names(app) == ["a"], limit=30)
            await settle(
                pilot,
                lambda: any("/diff?" in line and "block=1" in line for line in asked(box, 0)),
                limit=30,
            )
            since = mark(box)
            for path in ("/Music/new.txt", "/Music/deep/other.txt", "/elsewhere.txt"):
                box.admin.order("pcloud", "put", email="news@example.com", path=path, base64="eA==")
            await settle(pilot, lambda: names(app) == ["deep", "a", "new.txt"], limit=30)
            assert not [line for line in asked(box, since) if "listfolder" in line]
        app.bridge.detach()
        await door.close()


async def test_an_idle_hour_costs_no_listing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that every answer of the waiting call moves on by 45 seconds."""
    # whole seconds, so that eighty times 45 are an hour and no fraction more
    clock = SimpleNamespace(now=float(int(time.monotonic())))
    begun, over = clock.now, asyncio.Event()

    def respond(method: str, params: Mapping[str, str]) -> Mapping[str, object]:
        if method == "userinfo":
            return {"result": 0, "quota": 100, "usedquota": 1}
        if method == "diff":
            if "block" in params:
                clock.now += 45
                if clock.now - begun > 3600:
                    over.set()
            return {"result": 2095} if over.is_set() else {"result": 0, "diffid": 7, "entries": []}
        return {"result": 0, "metadata": folder_item(0, "/", None, [file_item(1, "a", 0)])}

    stopped = SimpleNamespace(
        monotonic=lambda: clock.now,
        time=time.time,
        strftime=time.strftime,
        localtime=time.localtime,
    )
    for module in ("main", "browser", "places", "news"):
        monkeypatch.setattr(f"cloudtui.screens.{module}.time", stopped)
    monkeypatch.setattr("cloudtui.services.pcloud.client._RATE", 1000.0)  # no pause between calls
    script = Script(respond)
    runtime = sample_runtime()
    there = await place(tmp_path, "https://api.pcloud.com", network=script)
    monkeypatch.setattr(there.feed, "_clock", lambda: clock.now)  # each question is held
    runtime.places["pc"] = cast("FakePlace", there)
    async with opened(runtime, right="pc:/") as (app, pilot):
        async with asyncio.timeout(60):
            await over.wait()  # the calls alone: looking at the screen meanwhile costs the most
        app.main._tick()
        await settle(pilot, lambda: names(app) == ["a"])
        assert script.methods.count("listfolder") == 1
        assert script.methods.count("diff") == 82
    await there.close()
