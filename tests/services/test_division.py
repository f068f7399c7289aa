"""How the panes divide the room: kept for the next run, written seldom, whatever the file holds."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest

from cloudtui.services import division
from cloudtui.services.division import Division
from cloudtui.services.paths import Paths
from cloudtui.services.runtime import Overrides, open_runtime


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.find({"CLOUDTUI_HOME": str(tmp_path)})


def file_of(paths: Paths) -> Path:
    return paths.state_dir / "panes.json"


@pytest.fixture
async def written(monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[int]:
    """What was written so far, one after the other."""
    seen: asyncio.Queue[int] = asyncio.Queue()
    real, loop = Division._replace, asyncio.get_running_loop()

    def replace(self: Division, left: int) -> None:
        real(self, left)
        loop.call_soon_threadsafe(seen.put_nowait, left)

    monkeypatch.setattr(Division, "_replace", replace)
    return seen


async def test_the_next_run_finds_what_this_one_left(tmp_path: Path) -> None:
    overrides = Overrides(environ={"CLOUDTUI_HOME": str(tmp_path)})
    async with open_runtime(overrides) as runtime:
        assert runtime.division.read() is None
        runtime.division.note(65)
    async with open_runtime(overrides) as runtime:
        assert runtime.division.read() == 65
        kept = file_of(runtime.paths)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert not (tmp_path / "settings.toml").exists()


async def test_nothing_is_written_while_it_changes(
    paths: Paths, written: asyncio.Queue[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(division, "_REST", 3600.0)
    kept = Division(paths)
    for left in range(50, 71):
        kept.note(left)
    assert not file_of(paths).exists()
    await kept.close()
    await kept.close()
    assert await written.get() == 70
    assert written.empty()
    assert Division(paths).read() == 70


async def test_what_rests_is_written_at_once(
    paths: Paths, written: asyncio.Queue[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(division, "_REST", 0.0)
    kept = Division(paths)
    for left in (60, 30):
        kept.note(left)
        assert await asyncio.wait_for(written.get(), 60) == left
        assert Division(paths).read() == left
    await kept.close()
    assert written.empty()


async def test_two_programs_leave_one_of_their_divisions(paths: Paths) -> None:
    programs = [Division(paths) for _ in range(8)]
    for number, program in enumerate(programs):
        program.note(30 + number)
    await asyncio.gather(*(program.close() for program in programs))
    assert Division(paths).read() in range(30, 38)
    assert [each.name for each in paths.state_dir.iterdir()] == ["panes.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"[60]",
        b"{}",
        b'{"left": "60"}',
        b'{"left": true}',
        b'{"left": 0}',
        b'{"left": 100}',
        b'{"left": 60.5}',
        b'{"left": 1e999}',
    ],
    ids=range(11),
)
async def test_a_file_that_holds_something_else_is_no_trouble(paths: Paths, content: bytes) -> None:
    paths.state_dir.mkdir(parents=True)
    file_of(paths).write_bytes(content)
    kept = Division(paths)
    assert kept.read() is None
    kept.note(40)
    await kept.close()
    assert json.loads(file_of(paths).read_bytes()) == {"left": 40}


async def test_a_place_that_takes_no_file_is_no_trouble(paths: Paths) -> None:
    file_of(paths).mkdir(parents=True)
    kept = Division(paths)
    assert kept.read() is None
    kept.note(40)
    await kept.close()
    assert kept.read() is None
