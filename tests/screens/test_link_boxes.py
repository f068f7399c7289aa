"""What lies behind links, looked at before they are added; and the files of a download."""

from __future__ import annotations

import asyncio

from textual.widgets import TextArea

from cloudtui.app import CloudApp
from cloudtui.screens.list_box import ListBox
from cloudtui.screens.pasting import PasteBox
from cloudtui.services.errors import ServerTrouble, UsageError
from cloudtui.services.models import Capabilities, OfflineTask, TaskPhase
from cloudtui.services.previews import LinkFile, Preview, TaskFile
from cloudtui.widgets.frame import Frames, use_frames
from tests.screens.driving import opened, picture, press, quiet, settle
from tests.screens.fake_runtime import FakePlace, FakeRuntime, sample_runtime

SET = "magnet:?xt=urn:btih:" + "ab" * 20
FILES = tuple(LinkFile(f"season/[/b] {number:03}.mkv", 1 << 30) for number in range(60))


def shown(app: CloudApp) -> str:
    return "\n".join(picture(app))


def with_previews(**known: Preview) -> tuple[FakeRuntime, FakePlace]:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]

    async def preview(url: str) -> Preview:
        if url not in known:
            raise UsageError(f"{url} is no link PikPak could fetch.", hint="It takes http.")
        return known[url]

    place.preview_link = preview  # type: ignore[method-assign]
    return runtime, place


async def test_links_are_looked_behind_and_added_from_there() -> None:
    one = Preview("http://x/one.iso", "one.iso", 5 << 20, 1, (LinkFile("one.iso", 5 << 20),))
    series = Preview(SET, "series", 80 << 30, 80, FILES)
    unknown = Preview("http://x/what", "what")
    runtime, place = with_previews(**{SET: series, "http://x/one.iso": one, unknown.url: unknown})
    async with opened(runtime) as (app, pilot):
        await press(pilot, "m")
        await settle(pilot, lambda: "F4 shows what is inside" in shown(app))
        links = app.screen.query_one("#links", TextArea)
        links.text = f"http://x/one.iso\nhttp://x/what\nnonsense\n{SET}"
        await press(pilot, "f4")
        await settle(pilot, lambda: isinstance(app.screen, ListBox))
        text = shown(app)
        assert "one.iso  1 file  5.0 MiB" in text
        assert "what  not known yet" in text
        assert " nonsense is no link PikPak could fetch." in text
        assert "nonsense: " not in text
        assert "series  80 files  80 GiB" in text
        assert "1.0G  season/[/b] 000.mkv" in text
        assert "At least 80 GiB to come, 7.0 TiB free" in text
        await press(pilot, "end")
        assert "and 20 files more" in shown(app)
        await press(pilot, "escape")
        await settle(pilot, lambda: isinstance(app.screen, PasteBox))
        assert links.text.startswith("http://x/one.iso")
        assert place.tasks == []
        links.text = SET
        await press(pilot, "f4")
        await settle(pilot, lambda: isinstance(app.screen, ListBox))
        await press(pilot, "enter")
        await settle(pilot, lambda: [task.url for task in place.tasks] == [SET])
        await settle(pilot, lambda: app.screen is app.main)


async def test_what_does_not_fit_is_said_before() -> None:
    runtime, place = with_previews(**{SET: Preview(SET, "all", 8 << 40, 1)})
    async with opened(runtime) as (app, pilot):
        await press(pilot, "m")
        await settle(pilot, lambda: isinstance(app.screen, PasteBox))
        app.screen.query_one("#links", TextArea).text = SET
        await press(pilot, "f4")
        await settle(pilot, lambda: "It does not fit: 8.0 TiB to come, 7.0 TiB free" in shown(app))
        await press(pilot, "enter")  # the focus is on the way back
        await settle(pilot, lambda: isinstance(app.screen, PasteBox))
        assert place.tasks == []


async def test_a_place_that_does_not_tell_says_so() -> None:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]
    place._caps = Capabilities(offline_tasks=True)
    async with opened(runtime) as (app, pilot):
        await press(pilot, "m")
        await settle(pilot, lambda: "http, https):" in shown(app))
        assert "F4" not in shown(app)
        await press(pilot, "f4")
        await settle(pilot, lambda: "is not told here" in shown(app))


async def task_info(
    parts: list[TaskFile] | None, size: tuple[int, int] = (80, 24), *, until: str = "state"
) -> list[str]:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]
    place.tasks = [OfflineTask("1", "series", SET, TaskPhase.FETCHING, 62, size=3 << 30)]
    asked: list[str] = []

    async def files(task_id: str) -> list[TaskFile] | None:
        asked.append(task_id)
        return parts

    place.task_files = files  # type: ignore[method-assign]
    async with opened(runtime, size=size) as (app, pilot):
        await press(pilot, "O")
        await settle(pilot, lambda: "62%" in shown(app))
        await press(pilot, "i")
        await settle(pilot, lambda: bool(asked) and until in shown(app))
        await quiet(pilot)
        lines = picture(app)
        await press(pilot, "end", "escape")
        await settle(pilot, lambda: not isinstance(app.screen, ListBox))
        return lines


async def test_the_files_of_a_download_are_told_those_that_lack_first() -> None:
    done = [TaskFile(f"{number}.mkv", TaskPhase.DONE, 1 << 30, 100) for number in range(40)]
    late = TaskFile("late [/b].srt", TaskPhase.FETCHING, 12, 40)
    bad = TaskFile("bad.srt", TaskPhase.FAILED, None, None, "no seeds")
    for size in ((80, 24), (120, 40)):
        lines = await task_info([*done, late, bad], size, until="bad.srt")
        text = "\n".join(lines)
        assert "size     3.0 GiB" in text
        assert "files    42 files: 1 fetching, 40 done, 1 failed" in text
        rows = [line for line in lines if ".srt" in line or ".mkv" in line]
        assert "failed            ?  bad.srt  no seeds" in rows[0]
        assert "fetching  40%    12  late [/b].srt" in rows[1]
        assert "done     100%  1.0G  0.mkv" in rows[2]
        assert any("Close" in line for line in lines)


async def test_a_service_that_does_not_tell_of_files_is_no_trouble() -> None:
    said = "files    how far single ones are is not told"
    assert said in "\n".join(await task_info(None, until=said))
    assert "files    " not in "\n".join(await task_info([]))


async def test_the_box_is_there_before_the_service_told_of_files() -> None:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]
    place.tasks = [OfflineTask("1", "series", SET, TaskPhase.FETCHING, 62)]
    answer = asyncio.Event()

    async def slow(task_id: str) -> list[TaskFile]:
        await answer.wait()
        return [TaskFile("a.mkv", TaskPhase.DONE)]

    place.task_files = slow  # type: ignore[method-assign]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "O")
        await settle(pilot, lambda: "62%" in shown(app))
        await press(pilot, "i")
        await settle(pilot, lambda: "state    fetching  62%" in shown(app))
        assert "a.mkv" not in shown(app)
        answer.set()
        await settle(pilot, lambda: "a.mkv" in shown(app))
        await press(pilot, "escape")
        await settle(pilot, lambda: not isinstance(app.screen, ListBox))
        # left before the answer came: nothing happens
        answer.clear()
        await press(pilot, "i")
        await settle(pilot, lambda: isinstance(app.screen, ListBox))
        await press(pilot, "escape")
        answer.set()
        await settle(pilot, lambda: not isinstance(app.screen, ListBox))
        assert app.is_running


async def test_rows_of_a_box_are_read_out() -> None:
    runtime = sample_runtime()
    runtime.settings.flags["accessible"] = True
    place = runtime.places["pikpak"]
    place.tasks = [OfflineTask("1", "series", SET, TaskPhase.FETCHING, 62)]
    place.parts = [TaskFile("a.mkv", TaskPhase.DONE), TaskFile("b.mkv", TaskPhase.WAITING)]
    try:
        async with opened(runtime) as (app, pilot):
            await press(pilot, "O")
            await settle(pilot, lambda: "62%" in shown(app))
            await press(pilot, "i")
            await settle(pilot, lambda: "b.mkv, 1 of 2" in shown(app))
            await press(pilot, "down")
            await settle(pilot, lambda: "a.mkv, 2 of 2" in shown(app))
            await press(pilot, "1")
            await settle(pilot, lambda: not isinstance(app.screen, ListBox))
    finally:
        use_frames(Frames.LINES)


async def test_trouble_with_the_files_leaves_the_rest_of_the_box() -> None:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]
    place.tasks = [OfflineTask("1", "series", SET, TaskPhase.FETCHING, 62)]

    async def trouble(task_id: str) -> None:
        raise ServerTrouble("PikPak is overloaded.")

    place.task_files = trouble  # type: ignore[method-assign]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "O")
        await settle(pilot, lambda: "62%" in shown(app))
        await press(pilot, "i")
        await settle(pilot, lambda: "files    PikPak is overloaded." in shown(app))
        assert "state    fetching  62%" in shown(app)
