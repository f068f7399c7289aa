"""A puzzle in the middle of work opens over the panes, and what stood goes on when it is solved."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from cloudtui.app import CloudApp
from cloudtui.screens import login_pikpak
from cloudtui.services.errors import CaptchaNeeded
from cloudtui.services.models import Quota, Secret
from cloudtui.services.transfers.orders import JobState
from tests.screens.driving import opened, picture, press, quiet, settle
from tests.screens.fake_runtime import FakePlace, FakeRuntime, job, sample_runtime

PUZZLE = "https://example.com/puzzle?captcha_token=unsolved-token-of-the-puzzle"
SOLVED = "https://example.com/solved?captcha_token=a-token-that-is-good"


class Guarded(FakePlace):
    """A place that takes captcha tokens."""

    def __init__(self, like: FakePlace) -> None:
        super().__init__(like.account, like.kind, like.title, like.tree)
        self.given: list[str] = []

    async def give_captcha(self, token: Secret) -> None:
        self.given.append(token.reveal())
        self.fail = None

    async def quota(self) -> Quota:
        if self.fail is not None:
            raise self.fail
        return await super().quota()


def guarded() -> tuple[FakeRuntime, Guarded]:
    runtime = sample_runtime()
    place = Guarded(runtime.places["pikpak"])
    runtime.places["pikpak"] = place
    return runtime, place


def shown(app: CloudApp) -> str:
    return "\n".join(picture(app))


async def test_a_pane_that_meets_a_puzzle_shows_it_and_lists_once_it_is_solved() -> None:
    runtime, place = guarded()
    place.fail = CaptchaNeeded("PikPak wants a puzzle.", url=PUZZLE)
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: "Slide the puzzle" in shown(app))
        app.screen.query_one("#text", Input).value = SOLVED
        app.screen.query_one("#text", Input).focus()
        await press(pilot, "enter")
        await settle(pilot, lambda: app.screen is app.main and not app.main.right.loading)
        assert place.given == ["a-token-that-is-good"]
        assert "report.pdf" in shown(app)


async def test_a_puzzle_put_off_holds_nothing_else_up_and_comes_again_when_asked() -> None:
    runtime, place = guarded()
    place.fail = CaptchaNeeded("PikPak wants a puzzle.", url=PUZZLE)
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: "Slide the puzzle" in shown(app))
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)
        await press(pilot, "down", "space")
        assert app.main.left.view.marked == 1
        assert app.screen is app.main
        await press(pilot, "tab", "ctrl+r")
        await settle(pilot, lambda: "Slide the puzzle" in shown(app))
        assert place.given == []


async def test_a_job_that_stands_because_of_a_puzzle_goes_on_when_it_is_solved() -> None:
    runtime, place = guarded()
    async with opened(runtime) as (app, pilot):
        place.fail = CaptchaNeeded("PikPak wants a puzzle.", url=PUZZLE)
        runtime.transfers.jobs = [
            job("a.bin", JobState.PAUSED, target="pikpak:/Media", error_codes=("captcha_needed",)),
            job("other.bin", JobState.PAUSED),
        ]
        app.bridge.wake()
        await settle(pilot, lambda: "Slide the puzzle" in shown(app))
        await quiet(pilot)
        app.screen.query_one("#text", Input).value = SOLVED
        app.screen.query_one("#text", Input).focus()
        await press(pilot, "enter")
        await settle(pilot, lambda: bool(runtime.transfers.asked))
        assert runtime.transfers.asked == [("resume", "a.bin")]
        assert place.given == ["a-token-that-is-good"]
        assert app.screen is app.main


async def test_a_page_that_became_too_old_gives_way_to_a_fresh_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime, place = guarded()
    fresh = PUZZLE.replace("unsolved", "fresh")

    async def asked_again() -> Quota:
        monkeypatch.setattr(login_pikpak, "GOOD_FOR", 300.0)
        raise CaptchaNeeded("PikPak wants a puzzle.", url=fresh)

    place.quota = asked_again  # type: ignore[method-assign]
    place.fail = CaptchaNeeded("PikPak wants a puzzle.", url=PUZZLE)
    monkeypatch.setattr(login_pikpak, "GOOD_FOR", 0.0)
    async with opened(runtime) as (app, pilot):
        await settle(pilot, lambda: "The page before was too old." in shown(app))
        await settle(pilot, lambda: "This page is good for 4:" in shown(app))
        assert "captcha_token=fresh" in shown(app).replace("\n", "")
        app.screen.query_one("#text", Input).value = SOLVED
        app.screen.query_one("#text", Input).focus()
        await press(pilot, "enter")
        await settle(pilot, lambda: app.screen is app.main and not app.main.right.loading)
        assert place.given == ["a-token-that-is-good"]
