"""Downloads that services make: pasted, told when done, brought to the disk."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from textual import events
from textual.pilot import Pilot
from textual.widgets import TextArea

from cloudtui.app import CloudApp
from cloudtui.screens.offline import OfflineScreen
from cloudtui.services.errors import Offline, UsageError
from cloudtui.services.models import DISK, Location, OfflineTask, TaskPhase
from cloudtui.services.transfers.orders import Order, Verb
from cloudtui.services.wishes import Wish
from tests.screens.driving import opened, picture, press, quiet, rows_drawn, settle
from tests.screens.fake_runtime import FakePlace, FakeRuntime, sample_runtime

VIDEOS = Location(DISK, ("videos",))
RESULT = Location("pikpak", ("Media", "film.mkv"), "n1")
GOING = OfflineTask("t1", "film.mkv", "http://x/film.mkv", TaskPhase.FETCHING, 10)
DONE = replace(GOING, phase=TaskPhase.DONE, percent=100, target=RESULT)


def shown(app: CloudApp) -> str:
    return "\n".join(picture(app))


def with_tasks(*tasks: OfflineTask) -> tuple[FakeRuntime, FakePlace]:
    runtime = sample_runtime()
    place = runtime.places["pikpak"]
    place.tasks = list(tasks)
    return runtime, place


async def look(app: CloudApp, pilot: Pilot[int], words: str) -> None:
    """Have the list asked for until the message line says something."""
    await press(pilot, "ctrl+r")
    await settle(pilot, lambda: words in shown(app))


def is_copy(order: Order, to: Location = VIDEOS) -> bool:
    return (order.verb, order.sources[0].at, order.target) == (Verb.COPY, RESULT, to)


async def test_what_is_done_is_told_once_listed_anew_and_brought_down() -> None:
    runtime, place = with_tasks(GOING)
    async with opened(runtime) as (app, pilot):
        await press(pilot, "O")
        await settle(pilot, lambda: "1 task  1 fetching" in shown(app))
        await press(pilot, "f")
        await settle(pilot, lambda: "also after a restart" in shown(app))
        await settle(pilot, lambda: "then to disk" in shown(app))
        assert runtime.wishes.known == [Wish("pikpak", "t1", "film.mkv", ("videos",))]
        scans, place.tasks = place.scans, [DONE]
        await look(app, pilot, "film.mkv is fetched and comes to the disk.")
        await settle(pilot, lambda: place.scans > scans)  # the pane shows the new file
        await look(app, pilot, "1 task ")
        assert [is_copy(order) for order in runtime.transfers.orders] == [True]
        assert runtime.wishes.known == []


async def test_without_a_wish_the_end_is_told_and_nothing_is_copied() -> None:
    runtime, place = with_tasks(GOING)
    async with opened(runtime) as (app, pilot):
        await press(pilot, "O")
        await settle(pilot, lambda: "1 fetching" in shown(app))
        place.tasks = [DONE]
        await look(app, pilot, "Fetched: /Media/film.mkv")
        assert runtime.transfers.orders == []


async def test_a_wide_screen_names_the_folder_of_what_is_done() -> None:
    runtime, _ = with_tasks(DONE, replace(DONE, id="t2", target=None))
    async with opened(runtime, size=(120, 40)) as (app, pilot):
        await press(pilot, "O")
        await settle(pilot, lambda: "2 tasks" in shown(app))
        known, unknown = (line for line in picture(app) if "film.mkv" in line)
        assert "done  Enter shows /Media" in known
        assert "Enter shows" not in unknown
    async with opened(runtime) as (app, pilot):
        await press(pilot, "O")
        await settle(pilot, lambda: "done  Enter shows it" in shown(app))


async def test_a_wish_of_an_earlier_run_is_fulfilled_at_the_next_start() -> None:
    runtime, _ = with_tasks(DONE)
    runtime.wishes.add(Wish("pikpak", "t1", "film.mkv", ("elsewhere",)))
    async with opened(runtime, right="") as (app, pilot):
        await settle(pilot, lambda: bool(runtime.transfers.orders))
        assert is_copy(runtime.transfers.orders[0], Location(DISK, ("elsewhere",)))
        await settle(pilot, lambda: "comes to the disk" in shown(app))
        assert runtime.wishes.known == []


async def test_what_another_process_is_bringing_is_left_to_it() -> None:
    runtime, _ = with_tasks(DONE)
    wish = Wish("pikpak", "t1", "film.mkv", ("videos",))
    runtime.wishes.add(wish)
    runtime.wishes.carried_elsewhere = True
    async with opened(runtime) as (app, pilot):
        await press(pilot, "O")
        await settle(pilot, lambda: "1 task" in shown(app))
        assert runtime.transfers.orders == []
        assert runtime.wishes.known == [wish]
        # it is done there: only this process still thinks of the wish
        runtime.wishes.carried_elsewhere = False
        runtime.wishes.remove("pikpak", "t1")
        await press(pilot, "ctrl+r")
        await settle(pilot, lambda: not app.main.places.fetching.wanted("pikpak", "t1"))
        assert runtime.transfers.orders == []


async def test_a_failure_is_told_once_and_the_wish_goes_on_with_a_retry() -> None:
    failed = replace(GOING, phase=TaskPhase.FAILED, message="gone")
    runtime, place = with_tasks(failed)
    runtime.wishes.add(Wish("pikpak", "t1", "film.mkv", ("videos",)))

    async def again(task_id: str) -> OfflineTask:
        place.tasks = [replace(GOING, id="t2")]
        return place.tasks[0]

    place.retry_offline = again  # type: ignore[method-assign]
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: "film.mkv was not fetched." in shown(app))
        await press(pilot, "O")
        await settle(pilot, lambda: "1 failed" in shown(app))
        await press(pilot, "r")
        await settle(pilot, lambda: "Tried again" in shown(app))
        assert [wish.task for wish in runtime.wishes.known] == ["t2"]
        place.tasks = [replace(DONE, id="t2")]
        await look(app, pilot, "comes to the disk")
        assert len(runtime.transfers.orders) == 1
    told = [line for line in app.remembered() if "was not fetched" in line]
    assert len(told) == 1


async def test_a_wish_for_what_failed_already_waits_for_another_try() -> None:
    long = "the service had a great deal to say about why it could not be had"
    runtime, _ = with_tasks(
        replace(GOING, phase=TaskPhase.FAILED, message=long), replace(DONE, id="t2")
    )
    async with opened(runtime) as (app, pilot):
        await press(pilot, "O")
        await settle(pilot, lambda: "1 failed" in shown(app))
        await press(pilot, "f")
        await settle(pilot, lambda: "once r fetches it after all" in shown(app))
        await settle(pilot, lambda: "failed  then to disk  the service" in shown(app))
        (row,) = [line for line in picture(app) if "then to disk" in line]
        assert row.rstrip("║ ").endswith("~   r retry")
        await look(app, pilot, "2 tasks")
        assert not [line for line in app.remembered() if "was not fetched" in line]
        assert runtime.transfers.orders == []
        await press(pilot, "down", "r")
        await settle(pilot, lambda: "film.mkv is done. Enter shows it." in shown(app))


async def test_a_task_that_is_gone_takes_its_wish_along_and_says_so() -> None:
    runtime, _ = with_tasks()
    runtime.wishes.add(Wish("pikpak", "t1", "film.mkv", ("videos",)))
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: "nothing comes to the disk: film.mkv" in shown(app))
        assert runtime.wishes.known == []


async def test_trouble_on_the_way_keeps_the_wish() -> None:
    runtime, _ = with_tasks(DONE)
    wish = Wish("pikpak", "t1", "film.mkv", ("videos",))
    runtime.wishes.add(wish)
    real = runtime.transfers.submit
    tries: list[Order] = []

    async def offline(order: Order) -> str:
        tries.append(order)
        raise Offline("No connection to PikPak.")

    runtime.transfers.submit = offline  # type: ignore[method-assign]
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: bool(tries))
        assert runtime.wishes.known == [wish]
        runtime.transfers.submit = real  # type: ignore[method-assign]
        await press(pilot, "O")
        await settle(pilot, lambda: runtime.wishes.known == [])
        assert len(runtime.transfers.orders) == 1
        assert app.is_running


async def test_links_are_pasted_to_come_to_the_disk_and_a_bad_one_stays() -> None:
    runtime, place = with_tasks(replace(GOING, url="http://x/known"))
    real = place.add_offline

    async def picky(url: str, parent: Location) -> OfflineTask:
        if not url.startswith("http"):
            raise UsageError(f"{url} is no link PikPak could fetch.", hint="It takes http.")
        return await real(url, parent)

    place.add_offline = picky  # type: ignore[method-assign]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "m")
        await settle(pilot, lambda: "When done: stays there" in shown(app))
        await press(pilot, "f3")
        await settle(pilot, lambda: "When done: comes to /videos" in shown(app))
        lines = ["http://x/a", "http://x/known", "http://x/b", "magnet:bad"]
        app.post_message(events.Paste("\n".join(lines)))
        await quiet(pilot)
        await press(pilot, "f5")
        await settle(pilot, lambda: "refused: magnet:bad is no link" in shown(app))
        text = shown(app)
        assert "added: a" in text
        assert "added: b" in text
        assert "already in the list: http://x/known" in text
        assert "It takes http." in text
        assert app.screen.query_one("#links", TextArea).text == "magnet:bad"
        assert [wish.name for wish in runtime.wishes.known] == ["a", "b"]


async def test_five_thousand_tasks_are_counted_and_any_key_draws_a_screen_of_them() -> None:
    runtime, place = with_tasks()
    phases = [
        TaskPhase.FETCHING,
        TaskPhase.FAILED,
        TaskPhase.DONE,
        TaskPhase.WAITING,
        TaskPhase.DONE,
    ]
    place.tasks = [
        OfflineTask(f"t{number}", f"file {number}", f"http://x/{number}", phases[number % 5], 10)
        for number in range(5000)
    ]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "O")
        await settle(pilot, lambda: "5,000 tasks  1,000 fetching  1,000 failed" in shown(app))
        screen = app.screen
        assert isinstance(screen, OfflineScreen)
        drawn = rows_drawn(screen.list)
        await press(pilot, "end", "pageup", "up", "home")
        assert len(drawn) < 24 * 6
        assert "file 0 " in shown(app)


async def test_what_a_service_has_at_once_comes_down_without_a_wish() -> None:
    """No task could be looked after: saved from a share, or content it knew."""
    runtime, place = with_tasks()

    async def there(url: str, parent: Location) -> OfflineTask:
        return replace(DONE, id="", url=url)

    place.add_offline = there  # type: ignore[method-assign]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "m")
        await settle(pilot, lambda: "When done: stays there" in shown(app))
        app.screen.query_one("#links", TextArea).text = "https://mypikpak.com/s/VN1"
        await press(pilot, "f3")
        await settle(pilot, lambda: "When done: comes to" in shown(app))
        await press(pilot, "f5")
        await settle(pilot, lambda: [is_copy(each) for each in runtime.transfers.orders] == [True])
        assert runtime.wishes.known == []


async def test_what_is_done_is_dropped_from_the_list_at_once() -> None:
    failed = replace(GOING, id="t9", phase=TaskPhase.FAILED)
    awaited = replace(DONE, id="t8", target=None)  # where it lies is not told yet
    going = replace(GOING, id="t7")
    runtime, place = with_tasks(DONE, replace(DONE, id="t2"), going, failed, awaited)
    runtime.wishes.add(Wish("pikpak", "t8", "film.mkv", ("videos",)))
    removed: list[tuple[list[str], bool]] = []

    async def remove(task_ids: Sequence[str], *, files: bool) -> None:
        removed.append((list(task_ids), files))
        place.tasks = [task for task in place.tasks if task.id not in task_ids]

    place.remove_offline = remove  # type: ignore[method-assign]
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: app.main.places.fetching.wanted("pikpak", "t8"))
        await press(pilot, "O")
        await settle(pilot, lambda: "5 tasks" in shown(app))
        await press(pilot, "C")
        await settle(pilot, lambda: "2 tasks dropped; their files stay." in shown(app))
        assert removed == [(["t1", "t2"], False)]
        await settle(pilot, lambda: "3 tasks" in shown(app))
        await press(pilot, "C")
        await settle(pilot, lambda: "Nothing in the list is done." in shown(app))
