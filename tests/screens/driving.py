"""Running the app under a test: opening it, pressing keys, waiting for conditions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from textual import events
from textual.geometry import Region
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.strip import Strip

from cloudtui.app import CloudApp
from cloudtui.ports import Door, RuntimeFactory
from cloudtui.widgets.frame import Frames, use_frames
from cloudtui.widgets.row_list import RowList
from tests.screens.fake_runtime import FakeRuntime

SIZES = ((80, 24), (120, 40), (200, 60))


@asynccontextmanager
async def opened(
    runtime: FakeRuntime,
    *,
    size: tuple[int, int] = (80, 24),
    left: str = "/videos",
    right: str = "pikpak:/Media",
    ascii_only: bool = False,
) -> AsyncIterator[tuple[CloudApp, Pilot[int]]]:
    """The app on a runtime, both panes listed."""
    door = Door(cast("RuntimeFactory", runtime.opened))
    app = CloudApp(door, left, right, ascii_only=ascii_only)
    try:
        async with app.run_test(size=size, notifications=True, tooltips=True) as pilot:
            await settle(pilot, lambda: panes_ready(app))
            yield app, pilot
    finally:
        use_frames(Frames.LINES)  # other tests see frames, whatever this one asked for
    await door.close()


def panes_ready(app: CloudApp) -> bool:
    """Whether both panes have their answer and the engine is watched."""
    main = app.main
    sides = [main.left] + ([main.right] if main.right.at is not None else [])
    return (
        all(side.at is not None and not side.loading for side in sides)
        and app.bridge._runtime is not None
    )


async def settle(pilot: Pilot[int], until: Callable[[], bool], *, limit: float = 60.0) -> None:
    """Let the app work until a condition holds; fails when it never does."""
    loop = asyncio.get_running_loop()
    end = loop.time() + limit
    # a box that can be seen already takes no key before it is mounted
    while not (until() and pilot.app.screen.is_mounted):
        if loop.time() > end:
            app = pilot.app
            assert isinstance(app, CloudApp)
            seen = "\n".join(picture(app))
            raise AssertionError(f"the awaited state never came; the screen was\n{seen}")
        await pilot.pause(0)
    await quiet(pilot)


async def quiet(pilot: Pilot[int]) -> None:
    """Let every queue run empty a few times: a key goes down to the focus and back up again."""
    for _ in range(4):
        await pilot.pause(0)


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Press keys one after the other, each when the one before has done its work.

    Goes the way of a real key through the driver, without the pilot's wait for an idle process.
    """
    for name in keys:
        _send(pilot, name)
        await quiet(pilot)


async def rush(pilot: Pilot[int], *keys: str) -> None:
    """Press keys as a slow line delivers them: all at once, before the first is answered."""
    for name in keys:
        _send(pilot, name)
    await quiet(pilot)


def _send(pilot: Pilot[int], name: str) -> None:
    driver = pilot.app._driver
    assert driver is not None
    key = _character_to_key(name) if len(name) == 1 and not name.isalnum() else name
    event = events.Key(key, name if len(name) == 1 else {"space": " "}.get(name))
    event.set_sender(pilot.app)
    driver.send_message(event)


async def drag(
    pilot: Pilot[int], start: tuple[int, int], *way: tuple[int, int], shift: bool = False
) -> None:
    """Press the button on a cell of the screen, move over others and let go on the last of them.
    All events come at once, as from a quick hand."""
    driver = pilot.app._driver
    assert driver is not None
    end = way[-1]
    kinds: list[tuple[type[events.MouseEvent], tuple[int, int]]] = [
        (events.MouseDown, start),
        *((events.MouseMove, at) for at in way),
        (events.MouseUp, end),
    ]
    for kind, (x, y) in kinds:
        driver.send_message(kind(None, x, y, 0, 0, 1, shift, False, False, x, y))  # noqa: FBT003
    await quiet(pilot)


def rows_drawn(rows: RowList) -> list[int]:
    """The rows that a list draws from now on, each time it does."""
    drawn: list[int] = []
    real = rows.draw_row

    def counting(row: int, width: int, *, cursor: bool) -> Strip:
        drawn.append(row)
        return real(row, width, cursor=cursor)

    rows.draw_row = counting  # type: ignore[method-assign]
    return drawn


def picture(app: CloudApp) -> list[str]:
    """The screen as lines of text, as the compositor would draw them."""
    screen = app.screen
    width, height = screen.size
    lines = []
    strips = screen._compositor.render_strips()
    for strip in strips[:height]:
        lines.append("".join(segment.text for segment in strip)[: width * 2].rstrip())
    assert Region(0, 0, width, height).area > 0
    return lines
