"""A scripted tour through the real program on the demonstration's clouds.

Keys go in, the clouds are asked what came of them. Runs without a terminal; every step is a line.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from textual.events import Paste

from cloudtui.app import CloudApp
from cloudtui.commands.demo import runtime_of
from cloudtui.demo import Demo
from cloudtui.ports import Door
from cloudtui.services.models import Kind, Location, TaskPhase
from cloudtui.services.starring import KeepsStars
from cloudtui.services.storage import HasTrash, OfflineTasks
from cloudtui.services.transfers.orders import JobState

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from cloudtui.screens.browser import Browser
    from cloudtui.services.storage import Storage

_LIMIT: Final = 60.0
_FILES: Final = {
    "hello.txt": b"Hello from the demonstration.\n",
    "empty.txt": b"",
    "photos/a [b].bin": bytes(range(256)) * 400,
    "photos/large.bin": b"cloudtui" * 1_500_000,
}
_MAGNET: Final = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=tour"


class _Failed(Exception):
    """A step did not come out as it should."""


class _Tour:
    """One visit: the app, and the places it shows."""

    def __init__(self, app: CloudApp, pilot: Pilot[int], line: Callable[[str], None]) -> None:
        self.app = app
        self.pilot = pilot
        self._line = line

    def done(self, text: str) -> None:
        """A step came out."""
        self._line(f"ok  {text}")

    async def keys(self, *names: str) -> None:
        """Press keys one after another."""
        for name in names:
            await self.pilot.press(name)
            await self.pilot.pause()

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Let the app work until something holds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _LIMIT
        while not condition():
            if loop.time() > end:
                raise _Failed(what)
            await self.pilot.pause(0.02)

    async def shown(self, side: Browser, *names: str) -> None:
        """Wait until a pane lists exactly these names."""
        await self.until(lambda: self.names(side) == set(names), f"{side.address} shows {names}")

    @staticmethod
    def names(side: Browser) -> set[str]:
        """What a pane lists."""
        return set() if side.loading else {entry.name for entry in side.view.entries}

    async def choose(self, side: Browser, name: str) -> None:
        """Put the cursor of a pane on a name, by keys."""
        await self.keys("home")
        await self.until(lambda: name in self.names(side), f"{name} is listed")
        for _ in range(len(side.view.entries) + 1):
            current = side.view.current
            if current is not None and current.name == name:
                return
            await self.keys("down")
        raise _Failed(f"the cursor finds {name}")

    async def job_done(self, count: int) -> None:
        """Wait until so many jobs are done, none of them failed."""
        runtime = self.app.door.current
        if runtime is None:
            raise _Failed("the runtime is open")
        engine = runtime.transfers

        def all_done() -> bool:
            views = engine.views()
            bad = [view for view in views if view.state is JobState.FAILED]
            if bad:
                raise _Failed(f"the transfer succeeds: {bad[0].message}")
            return len(views) >= count and all(view.state is JobState.DONE for view in views)

        await self.until(all_done, "the transfer ends")

    async def storage(self, name: str) -> Storage:
        """The place behind an account."""
        runtime = self.app.door.current
        if runtime is None:
            raise _Failed("the runtime is open")
        return await runtime.storage(name)


@asynccontextmanager
async def _opened(
    demo: Demo, left: str, right: str, line: Callable[[str], None]
) -> AsyncIterator[_Tour]:
    door = Door(lambda: runtime_of(demo))
    app = CloudApp(door, left, right)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        visit = _Tour(app, pilot, line)
        main = app.main
        await visit.until(
            lambda: all(
                side.at is not None and not side.loading and side.storage is not None
                for side in (main.left, main.right)
            ),
            "both panes are listed",
        )
        yield visit
    app.bridge.detach()
    await door.close()


async def _copy_round(demo: Demo, account: str, line: Callable[[str], None]) -> None:
    """Up, look, down, compare; delete and restore; all by keys."""
    play = demo.home / "play"
    back = demo.home / f"back-{account}"
    back.mkdir()
    async with _opened(demo, str(play), f"{account}:/", line) as visit:
        main = visit.app.main
        visit.done(f"{account}: both panes are listed")

        main.left.open(main.left.at or Location(""))
        await visit.shown(main.left, *{name.split("/")[0] for name in _FILES})
        await visit.keys("ctrl+a", "f5", "enter")
        await visit.job_done(1)
        await visit.until(
            lambda: {name.split("/")[0] for name in _FILES} <= visit.names(main.right),
            "the copies are listed",
        )
        visit.done(f"{account}: F5 copies files and folders up")

        storage = await visit.storage(account)
        folder = await storage.stat(Location(account, ("photos",)), want=Kind.FOLDER)
        sizes = {e.name: e.size async for page in storage.scan(folder.at) for e in page}
        wanted = {
            name.split("/")[1]: len(data) for name, data in _FILES.items() if name.count("/") == 1
        }
        if sizes != wanted:
            raise _Failed(f"{account} holds {wanted}, not {sizes}")
        visit.done(f"{account}: the cloud holds what was sent")

        main.left.open(_local(back))
        await visit.shown(main.left)
        await visit.keys("tab")
        await visit.choose(main.right, "photos")
        await visit.keys("f5", "enter")
        await visit.job_done(2)
        for name, data in _FILES.items():
            if name.count("/") == 1 and (back / name).read_bytes() != data:
                raise _Failed(f"{name} comes back as it was")
        visit.done(f"{account}: F5 brings them down, byte for byte")

        await visit.choose(main.right, "photos")
        await visit.keys("f8")
        await visit.until(lambda: visit.app.screen is not main, "a folder is asked about")
        await visit.keys("t")
        await visit.until(lambda: "photos" not in visit.names(main.right), "photos is trashed")
        visit.done(f"{account}: F8 moves to the trash")

        await visit.keys("u")
        await visit.until(lambda: "photos" in visit.names(main.right), "photos is back")
        visit.done(f"{account}: u takes it back")

        place: object = storage
        if isinstance(place, KeepsStars):
            await visit.choose(main.right, "photos")
            await visit.keys("S")
            await visit.until(
                lambda: any(entry.is_starred for entry in main.right.view.entries), "a star is seen"
            )
            stars = [one.at.name async for page in place.scan_starred() for one in page]
            if stars != ["photos"]:
                raise _Failed(f"photos has a star, not {stars}")
            visit.done(f"{account}: S puts a star on")

        if isinstance(storage, HasTrash):
            found = await storage.stat(Location(account, ("hello.txt",)))
            trashed = await storage.trash([found])
            await storage.restore(trashed)
            visit.done(f"{account}: a deleted file is restored into its folder")


def _local(path: object) -> Location:
    from cloudtui.services.addresses import local_location

    return local_location(str(path))


async def _fetch(demo: Demo, line: Callable[[str], None]) -> None:
    """A magnet becomes files in PikPak."""
    async with _opened(demo, str(demo.home / "play"), "pikpak:/", line) as visit:
        main = visit.app.main
        await visit.keys("tab", "m")
        await visit.until(lambda: visit.app.screen is not main, "the paste box opens")
        visit.app.post_message(Paste(_MAGNET))
        await visit.pilot.pause()
        await visit.keys("ctrl+enter")
        await visit.until(lambda: visit.app.screen is main, "the link is taken")
        storage = await visit.storage("pikpak")
        fetcher: object = storage
        if not isinstance(fetcher, OfflineTasks):
            raise _Failed("PikPak fetches links")
        phases: list[TaskPhase] = []
        end = asyncio.get_running_loop().time() + _LIMIT
        while asyncio.get_running_loop().time() < end:
            phases = [each.phase async for page in fetcher.scan_offline() for each in page]
            if phases and TaskPhase.WAITING not in phases and TaskPhase.FETCHING not in phases:
                break
            await asyncio.sleep(0.1)
        if phases != [TaskPhase.DONE]:
            raise _Failed("the link becomes a file")
        visit.done("pikpak: a magnet becomes files in the drive")


async def _tour(demo: Demo, line: Callable[[str], None]) -> None:
    for name, data in _FILES.items():
        path = demo.home / "play" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    line("ok  the clouds are up and seeded")
    for account in ("pcloud", "pikpak"):
        await _copy_round(demo, account, line)
    await _fetch(demo, line)


def tour(demo: Demo, line: Callable[[str], None]) -> int:
    """Visit everything; 0 when every step came out, else 1. `line` is given a line per step."""
    try:
        asyncio.run(_tour(demo, line))
    except _Failed as failed:
        line(f"FAILED  {failed}")
        return 1
    line("ok  all done")
    return 0
