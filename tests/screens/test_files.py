"""What keys do to files, and what is asked before."""

from __future__ import annotations

from cloudtui.services.errors import Denied
from cloudtui.services.transfers.orders import JobState, JobView, OnConflict, Verb
from tests.screens.driving import opened, picture, press, settle
from tests.screens.fake_runtime import job, sample_runtime


def entry_names(runtime: object, account: str, *parts: str) -> list[str]:
    place = runtime.places[account]  # type: ignore[attr-defined]
    return [entry.name for entry in place.tree[parts]]


async def test_f5_makes_a_job_of_the_marked_rows() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "down", "space", "space", "f5")
        await settle(pilot, lambda: app.screen is not app.main)
        assert any("Copy to PikPak /Media" in line for line in picture(app))
        await press(pilot, "f3", "enter")
        await settle(pilot, lambda: bool(runtime.transfers.orders))
        order = runtime.transfers.orders[0]
        assert order.verb is Verb.COPY
        assert [source.at.name for source in order.sources] == ["Subs", "a [/b]"]
        assert str(order.target) == "pikpak:/Media"
        assert order.on_conflict is OnConflict.SKIP
        assert not order.paused
        await settle(pilot, lambda: app.screen is app.main)
        assert app.main.left.view.marked == 0


async def test_the_target_can_be_edited_and_the_job_only_queued() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "down", "f6")
        await settle(pilot, lambda: app.screen is not app.main)
        await press(pilot, *"new/", "f2")
        await settle(pilot, lambda: bool(runtime.transfers.orders))
        order = runtime.transfers.orders[0]
        assert (order.verb, str(order.target), order.paused) == (
            Verb.MOVE,
            "pikpak:/Media/new",
            True,
        )


async def test_nothing_happens_on_the_parent_row_or_after_escape() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "f5")
        assert app.screen is app.main
        await press(pilot, "down", "f5")
        await settle(pilot, lambda: app.screen is not app.main)
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)
        assert runtime.transfers.orders == []


async def test_taken_things_are_put_in_another_folder() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (_, pilot):
        await press(pilot, "down", "y", "tab", "p")
        await settle(pilot, lambda: bool(runtime.transfers.orders))
        assert str(runtime.transfers.orders[0].target) == "pikpak:/Media"
        assert runtime.transfers.orders[0].sources[0].at.name == "Subs"


async def test_one_file_goes_to_the_trash_without_question_and_u_brings_it_back() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "end", "f8")
        await settle(pilot, lambda: "README.md" not in entry_names(runtime, "", "videos"))
        await settle(pilot, lambda: len(app.main.left.view.order) == 8)
        assert any("Moved to trash: README.md" in line for line in picture(app))
        await press(pilot, "u")
        await settle(pilot, lambda: "README.md" in entry_names(runtime, "", "videos"))
        await settle(pilot, lambda: len(app.main.left.view.order) == 9)
        assert any("Restored README.md" in line for line in picture(app))


async def test_a_folder_is_asked_for_and_cancel_has_the_focus() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "down", "d")
        await settle(pilot, lambda: app.screen is not app.main)
        await press(pilot, "enter")
        await settle(pilot, lambda: app.screen is app.main)
        assert runtime.places[""].trashed == []
        await press(pilot, "d")
        await settle(pilot, lambda: app.screen is not app.main)
        await press(pilot, "t")
        await settle(pilot, lambda: len(runtime.places[""].trashed) == 1)


async def test_delete_for_ever_wants_the_word() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "end", "D")
        await settle(pilot, lambda: app.screen is not app.main)
        await press(pilot, *"delete", "enter")
        assert app.screen is not app.main
        assert runtime.places[""].removed == []
        await press(pilot, *" 1", "enter")
        await settle(pilot, lambda: runtime.places[""].removed == ["README.md"])


async def test_a_place_without_trash_asks_for_the_word_instead() -> None:
    runtime = sample_runtime()
    runtime.places[""].no_trash()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "end", "f8")
        await settle(pilot, lambda: app.screen is not app.main)
        assert any("has no trash" in line for line in picture(app))
        assert any("delete 1" in line for line in picture(app))


async def test_rename_starts_before_the_extension_and_can_be_undone() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "end", "r")
        await settle(pilot, lambda: app.screen is not app.main)
        await press(pilot, "2", "enter")
        await settle(pilot, lambda: "README2.md" in entry_names(runtime, "", "videos"))
        await settle(pilot, lambda: not app.main.left.loading)
        entry = app.main.left.view.current
        assert entry is not None
        assert entry.name == "README2.md"
        await press(pilot, "u")
        await settle(pilot, lambda: "README.md" in entry_names(runtime, "", "videos"))


async def test_a_new_folder_with_parents_and_names_that_cannot_be() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        await press(pilot, "f7")
        await settle(pilot, lambda: app.screen is not app.main)
        await press(pilot, *"..", "enter")
        assert any("Not a name" in line for line in picture(app))
        await press(pilot, "ctrl+u", *"x/y", "enter")
        await settle(pilot, lambda: ("videos", "x", "y") in runtime.places[""].tree)
        await settle(pilot, lambda: app.screen is app.main)


async def test_a_refusal_is_one_sentence_and_the_row_stays() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        runtime.places[""].fail = Denied("README.md is in a folder that is read-only.")
        await press(pilot, "end", "f8")
        await settle(pilot, lambda: "read-only" in "\n".join(picture(app)))
        assert "README.md" in entry_names(runtime, "", "videos")


async def test_keys_typed_ahead_do_not_answer_a_box() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        from textual import events

        early = events.Key("t", "t")
        await press(pilot, "down", "d")
        await settle(pilot, lambda: app.screen is not app.main)
        app.post_message(early)
        await pilot.pause()
        assert app.screen is not app.main
        assert runtime.places[""].trashed == []


async def test_quit_asks_while_jobs_run() -> None:
    runtime = sample_runtime()
    runtime.transfers.jobs = [job("a.bin")]
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: bool(app.bridge.views))
        await press(pilot, "q")
        await settle(pilot, lambda: app.screen is not app.main)
        text = "\n".join(picture(app))
        for words in ("Pause and quit", "Go on without the screen", "Wait, then quit", "Stay"):
            assert words in text
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)
        assert app.is_running
        await press(pilot, "f10")
        await settle(pilot, lambda: app.screen is not app.main)
        await press(pilot, "enter")
        await settle(pilot, lambda: app.return_value == 0)


async def test_ctrl_q_asks_like_q_and_ctrl_c_quits_nothing() -> None:
    runtime = sample_runtime()
    runtime.transfers.jobs = [job("a.bin")]
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: bool(app.bridge.views))
        await press(pilot, "ctrl+c")
        assert any("q or F10 quits" in line for line in picture(app))
        await press(pilot, "ctrl+q")
        await settle(pilot, lambda: any("Pause and quit" in line for line in picture(app)))
        assert app.return_value is None


async def test_a_question_of_a_job_is_told_when_it_comes() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):
        runtime.transfers.jobs = [job("a.bin", JobState.ASKS, files_asking=2)]
        runtime.transfers.tell("a.bin")
        await settle(pilot, lambda: any("2 files are there already" in t for t in app.remembered()))


async def test_a_journal_in_trouble_is_told_once_and_browsing_goes_on() -> None:
    runtime = sample_runtime()
    async with opened(runtime) as (app, pilot):

        def broken() -> list[JobView]:
            raise Denied("The journal cannot be read.")

        runtime.transfers.views = broken  # type: ignore[method-assign]
        for _ in range(3):
            app.bridge.wake()
            await pilot.pause()
        told = [text for text in app.remembered() if "The journal cannot be read." in text]
        assert len(told) == 1
        await press(pilot, "down")
        assert app.main.left.view.cursor == 1


async def test_quit_without_jobs_leaves_at_once() -> None:
    async with opened(sample_runtime()) as (app, pilot):
        await press(pilot, "q")
        await settle(pilot, lambda: app.return_value == 0)


async def test_the_end_of_a_job_is_told_once() -> None:
    runtime = sample_runtime()
    runtime.transfers.jobs = [job("a.bin")]
    async with opened(runtime) as (app, pilot):
        runtime.transfers.jobs = [job("a.bin", JobState.DONE, files_done=1)]
        runtime.transfers.tell("a.bin")
        await settle(pilot, lambda: any("Copied a.bin" in line for line in app.remembered()))
        app.bridge.wake()
        await pilot.pause()
        assert sum("Copied a.bin" in line for line in app.remembered()) == 1
