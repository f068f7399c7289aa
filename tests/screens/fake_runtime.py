"""A runtime in memory for screens: places whose answers a test decides, an engine that only notes.

The real storages and the real engine have their own tests and the whole-journey ones; here a test
must be able to hold a page back, fail a call, or show a job in any state.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from cloudtui.services.addresses import Address, parse_address
from cloudtui.services.errors import CloudError, Exists, NotFound
from cloudtui.services.media import Quality
from cloudtui.services.models import (
    DISK,
    Capabilities,
    Entry,
    Found,
    Kind,
    Location,
    OfflineTask,
    Quota,
    Secret,
    Share,
    TaskPhase,
    TrashItem,
    TrashKind,
)
from cloudtui.services.previews import Preview, TaskFile
from cloudtui.services.storage import Restored
from cloudtui.services.transfers.events import JobChanged
from cloudtui.services.transfers.orders import (
    Conflict,
    Direction,
    ItemView,
    JobState,
    JobView,
    Order,
    PartView,
    Resolution,
)
from tests.screens.fake_books import (
    FakeBookmarks,
    FakeDivision,
    FakeKnown,
    FakeUnpackings,
    FakeWishes,
)

Tree = dict[tuple[str, ...], list[Entry]]

MAY_2025 = 1_746_220_440_000_000_000


def file(name: str, size: int | None = 1000, mtime_ns: int | None = MAY_2025) -> Entry:
    """A file entry whose id is its name."""
    return Entry(name, name, Kind.FILE, size, mtime_ns)


def folder(name: str) -> Entry:
    """A folder entry whose id is its name."""
    return Entry(name, name, Kind.FOLDER, None, MAY_2025)


class FakePlace:
    """A place in memory. `gate` holds every page back until it is set; `fail` is raised instead of
    an answer."""

    def __init__(self, account: str, kind: str, title: str, tree: Tree) -> None:
        self.account = account
        self.kind = kind
        self.title = title
        self.tree = tree
        self.page = 1000
        self.gate: asyncio.Event | None = None
        self.fail: CloudError | None = None
        self.scans = 0
        self.trashed: list[TrashItem] = []
        self.removed: list[str] = []
        self.tasks: list[OfflineTask] = []
        self.parts: list[TaskFile] | None = []
        """The files of any task."""
        self._caps = Capabilities(
            trash=TrashKind.SERVICE,
            offline_tasks=kind == "pikpak",
            magnets=kind == "pikpak",
            previews=kind == "pikpak",
            task_files=kind == "pikpak",
            duplicate_names=kind == "pikpak",
            links=kind == "pikpak",
            qualities=kind == "pikpak",
            thumbnails=kind == "pikpak",
            shares=kind == "pikpak",
        )
        self.shared: list[str] = []
        self.forms: list[Quality] = []

    @property
    def caps(self) -> Capabilities:
        return self._caps

    def no_trash(self) -> None:
        """From now on the place has no trash."""
        self._caps = replace(self._caps, trash=TrashKind.NONE)

    async def stat(self, at: Location, *, want: Kind | None = None) -> Found:
        for entry in self.tree.get(at.parts[:-1], []):
            if entry.name == at.name:
                return Found.of(at.parent, entry)
        raise NotFound(f"{at} is not there.")

    async def scan(self, folder: Location) -> AsyncIterator[Sequence[Entry]]:
        self.scans += 1
        if self.fail is not None:
            raise self.fail
        if folder.parts not in self.tree:
            raise NotFound(f"{folder.path} is no longer there.")
        entries = list(self.tree[folder.parts])
        for start in range(0, max(1, len(entries)), self.page):
            if self.gate is not None:
                await self.gate.wait()
            yield entries[start : start + self.page]
            await asyncio.sleep(0)

    async def mkdir(self, parent: Location, name: str) -> Entry:
        if any(entry.name == name for entry in self.tree[parent.parts]):
            raise Exists(f"{name} is already there.")
        entry = globals()["folder"](name)
        self.tree[parent.parts].append(entry)
        self.tree[(*parent.parts, name)] = []
        return entry  # type: ignore[no-any-return]

    async def rename(self, item: Found, name: str) -> Entry:
        rows = self.tree[item.at.parts[:-1]]
        new = replace(item.entry, name=name, id=name)
        rows[[row.id for row in rows].index(item.entry.id)] = new
        return new

    async def remove(self, items: Sequence[Found]) -> None:
        for item in items:
            self._take_out(item)
            self.removed.append(item.entry.id)

    def _take_out(self, item: Found) -> None:
        rows = self.tree[item.at.parts[:-1]]
        rows[:] = [row for row in rows if row.id != item.entry.id]

    async def trash(self, items: Sequence[Found]) -> list[TrashItem]:
        if self.fail is not None:
            raise self.fail
        gone = []
        for item in items:
            self._take_out(item)
            gone.append(TrashItem(item.entry.id, item.entry, item.at, MAY_2025))
        self.trashed += gone
        return gone

    async def scan_trash(self) -> AsyncIterator[Sequence[TrashItem]]:
        yield list(self.trashed)

    async def restore(
        self, items: Sequence[TrashItem], to: Location | None = None
    ) -> list[Restored]:
        restored = []
        for item in items:
            at = item.origin if to is None else to.child(item.entry.name)
            assert at is not None
            self.tree[at.parts[:-1]].append(item.entry)
            self.trashed = [one for one in self.trashed if one.key != item.key]
            restored.append(Restored(item, at))
        return restored

    async def delete_forever(self, items: Sequence[TrashItem]) -> None:
        keys = {item.key for item in items}
        self.trashed = [one for one in self.trashed if one.key not in keys]

    async def empty_trash(self, on_progress: Callable[[int], None] | None = None) -> None:
        self.trashed = []

    async def quota(self) -> Quota:
        return Quota(10 << 40, 3 << 40, 5 << 30, 7 << 40)

    async def add_offline(self, url: str, parent: Location) -> OfflineTask:
        task = OfflineTask(
            f"t{len(self.tasks)}", url.rpartition("/")[2], url, TaskPhase.FETCHING, 10
        )
        self.tasks.insert(0, task)
        return task

    async def scan_offline(self) -> AsyncIterator[Sequence[OfflineTask]]:
        yield list(self.tasks)

    async def retry_offline(self, task_id: str) -> OfflineTask:
        (task,) = [one for one in self.tasks if one.id == task_id]
        new = replace(task, phase=TaskPhase.FETCHING)
        self.tasks[self.tasks.index(task)] = new
        return new

    async def remove_offline(self, task_ids: Sequence[str], *, files: bool) -> None:
        self.tasks = [one for one in self.tasks if one.id not in task_ids]

    async def preview_link(self, url: str) -> Preview:
        return Preview(url, url.rpartition("/")[2])

    async def task_files(self, task_id: str) -> Sequence[TaskFile] | None:
        return self.parts

    async def direct_link(self, item: Found) -> str:
        return f"https://content.example/{item.entry.name}"

    async def qualities(self, item: Found) -> list[Quality]:
        return self.forms

    async def quality_link(self, item: Found, name: str) -> str:
        return f"https://content.example/{name}/{item.entry.name}"

    async def share(
        self,
        item: Found,
        *,
        days: int | None = None,
        password: Secret | None = None,
        most_downloads: int | None = None,
    ) -> Share:
        self.shared.append(item.entry.name)
        return Share("s1", f"https://share.example/{item.entry.name}", password=Secret("pass1"))

    async def scan_shares(self) -> AsyncIterator[Sequence[Share]]:
        yield []

    async def unshare(self, ids: Sequence[str]) -> None:
        """Nothing is shared."""

    async def close(self) -> None:
        """Nothing is open."""


class FakeTransfers:
    """An engine that notes what it was asked."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.jobs: list[JobView] = []
        self.coming: list[JobView] = []
        """Jobs that are there once the next order is given."""
        self.asked: list[tuple[str, str]] = []
        self.questions: list[Conflict] = []
        self.speed_limit = 0
        self.jobs_at_once = 2
        self.answers: list[tuple[str, int, Resolution]] = []
        self._listener: Callable[[object], None] | None = None

    async def submit(self, order: Order) -> str:
        self.orders.append(order)
        self.jobs, self.coming = self.jobs + self.coming, []
        return f"job{len(self.orders)}"

    def views(self) -> list[JobView]:
        return list(self.jobs)

    def items(
        self, job_id: str, offset: int = 0, limit: int = 100, states: Sequence[JobState] = ()
    ) -> list[ItemView]:
        rows = [
            ItemView(1, "a [/b].txt", JobState.FAILED, 10, 0, "no permission"),
            ItemView(2, "b.txt", JobState.DONE, 10, 10),
        ]
        return [row for row in rows if not states or row.state in states][offset : offset + limit]

    async def pause(self, job_id: str) -> None:
        self.asked.append(("pause", job_id))

    async def resume(self, job_id: str) -> None:
        self.asked.append(("resume", job_id))

    async def cancel(self, job_id: str, *, keep_parts: bool) -> None:
        self.asked.append(("keep" if keep_parts else "cancel", job_id))

    async def retry(self, job_id: str) -> None:
        self.asked.append(("retry", job_id))

    async def reorder(self, job: str, step: int) -> bool:
        self.asked.append(("earlier" if step < 0 else "later", job))
        return True

    async def run_at_once(self, count: int) -> None:
        self.jobs_at_once = count

    async def wait(self, job: str) -> JobView:
        return next(view for view in self.jobs if view.id == job)

    def limit_speed(self, rate: int) -> None:
        self.speed_limit = rate

    async def clear(self) -> int:
        self.asked.append(("clear", ""))
        return 0

    def conflicts(self) -> list[Conflict]:
        return list(self.questions)

    async def answer(self, job: str, item: int, resolution: Resolution) -> None:
        self.answers.append((job, item, resolution))
        self.questions = [one for one in self.questions if one.item != item]

    def subscribe(self, callback: Callable[[object], None]) -> Callable[[], None]:
        self._listener = callback
        return lambda: None

    def tell(self, job: str) -> None:
        """An event, as the engine would tell it."""
        if self._listener is not None:
            self._listener(JobChanged(job))


@dataclass(frozen=True)
class FakeAccount:
    """An account with options."""

    name: str
    kind: str
    options: Mapping[str, str] = field(default_factory=dict)

    def text(self, key: str, default: str = "") -> str:
        return self.options.get(key, default)


class FakeSettings:
    """General options: defaults, and what a test set."""

    def __init__(self) -> None:
        self.words = {
            "theme": "default", "borders": "line", "units": "iec", "thousands": ",",
            "decimal": ".", "layout": "latin", "on_conflict": "ask", "follow": "never",
            "ambiguous": "narrow", "verify": "hash", "server_side": "auto", "keys": "default",
        }  # fmt: skip
        self.flags = {"hidden": True, "mouse": True, "folders_first": True, "accessible": False}
        self.flags["bell"] = False
        self.numbers = {"redraw": 4.0}
        self.keymap: dict[str, str] = {}

    def text(self, name: str) -> str:
        return self.words[name]

    def flag(self, name: str) -> bool:
        return self.flags[name]

    def number(self, name: str) -> float:
        return self.numbers[name]

    def set(self, name: str, value: str) -> None:
        self.words[name] = value


class FakeRuntime:
    """Everything the screens ask for."""

    def __init__(self, *places: FakePlace) -> None:
        self.transfers = FakeTransfers()
        self.settings = FakeSettings()
        self.problems: list[str] = []
        self.bookmarks = FakeBookmarks()
        self.division = FakeDivision()
        self.known = FakeKnown()
        self.drafts_dir = Path("/nowhere")
        self.wishes = FakeWishes()
        self.unpackings = FakeUnpackings()
        self.content: dict[str, bytes | CloudError] = {}
        self.pictures: dict[str, bytes | CloudError] = {}
        self.picture_gate: asyncio.Event | None = None
        self.looked_at: list[tuple[str, int]] = []
        self.unfinished: dict[tuple[str, ...], list[PartView]] = {}
        """Unfinished files by folder."""
        self.parts_asked: list[Location] = []
        self.places = {place.account: place for place in places}

    def accounts(self) -> dict[str, FakeAccount]:
        return {
            name: FakeAccount(name, place.kind, {"username": "ana@example.com"})
            for name, place in self.places.items()
            if name != DISK
        }

    async def storage(self, name: str) -> FakePlace:
        return self.places[name]

    async def first_bytes(self, item: Found, count: int) -> bytes:
        content = self.content.get(item.entry.name, b"")
        if isinstance(content, CloudError):
            raise content
        return content[:count]

    async def picture_bytes(self, item: Found, side: int) -> bytes:
        self.looked_at.append((item.entry.name, side))
        if self.picture_gate is not None:
            await self.picture_gate.wait()
        picture = self.pictures.get(item.entry.name, NotFound("There is no picture of it."))
        if isinstance(picture, CloudError):
            raise picture
        return picture

    async def parts(self, folder: Location) -> list[PartView]:
        self.parts_asked.append(folder)
        return list(self.unfinished.get(folder.parts, []))

    async def drop_storage(self, name: str) -> None:
        """Nothing is kept."""

    def parse(self, text: str) -> Address:
        return parse_address(text, self.accounts())

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[FakeRuntime]:
        """As the factory of a `Door`."""
        yield self


def job(name: str, state: JobState = JobState.RUNNING, **changes: object) -> JobView:
    """A job as the engine shows it."""
    base = JobView(
        id=name,
        verb=__import__("cloudtui.services.transfers.orders", fromlist=["Verb"]).Verb.COPY,
        direction=Direction.DOWN,
        title=name,
        sources=("pikpak:/" + name,),
        target="/home/ana/Videos",
        state=state,
        files_done=0,
        files_total=1,
        bytes_done=2_040_109_465,
        bytes_total=4_402_341_478,
        counted=True,
        speed=8_388_608.0,
        left=281.0,
        mine=True,
    )
    return replace(base, **changes)


def sample_runtime() -> FakeRuntime:
    """Two places with the folder of the pictures in it."""
    disk: Tree = {
        (): [folder("videos")],
        ("videos",): [
            folder("Subs"),
            file("holiday-2024.mkv", 4_402_341_478),
            file("holiday-2025.mkv", 4_187_593_113),
            file("notes.txt", 12_288),
            file("README.md", 3_277),
            file("a-very-long-name-that-must-be-cut-final.mkv", 754_974_720),
            file("bad\x1b[31mname.txt", 9),
            file("a [/b]", 1),
            Entry("link", "link", Kind.LINK, None, MAY_2025),
        ],
        ("videos", "Subs"): [],
    }
    cloud: Tree = {
        (): [folder("Media")],
        ("Media",): [
            folder("My Pack"),
            folder("Series"),
            file("very-long-name-of-a-series-with-S01E02.mkv", 1_288_490_188),
            file("映画 予告編.mp4", 92_274_688),
            file("report.pdf", 655_360),
            Entry("report.pdf", "report-2", Kind.FILE, 656_384, MAY_2025),
            file("untitled", None),
        ],
        ("Media", "Series"): [file(f"S01E{number:02}.mkv") for number in range(1, 25)],
        ("Media", "My Pack"): [],
    }
    return FakeRuntime(
        FakePlace(DISK, "disk", "disk", disk), FakePlace("pikpak", "pikpak", "PikPak", cloud)
    )
