"""F4: texts in the user's editor, sent back only when they changed, never over something newer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.app import App

from cloudtui.screens import editing
from cloudtui.screens.outside import editor_command, run_outside
from cloudtui.services import drafts
from cloudtui.services.addresses import local_path
from cloudtui.services.errors import CloudError, Refused
from cloudtui.services.transfers.orders import JobState, OnConflict
from tests.screens.driving import opened, press, settle
from tests.screens.fake_runtime import FakeRuntime, file, job, sample_runtime
from tests.screens.test_queue import shown

OLD = b"first line\n"


class Editor:
    """Stands for the user's editor: writes into the file it is given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commands: list[list[str]] = []
        self.text: bytes | None = None
        self.meanwhile: Callable[[], None] | None = None
        monkeypatch.setattr(editing, "run_outside", self.run)
        monkeypatch.setenv("VISUAL", "")
        monkeypatch.setenv("EDITOR", "ed --quiet")

    @property
    def path(self) -> Path:
        """What it was given last."""
        return Path(self.commands[-1][-1])

    async def run(self, app: App[int], command: Sequence[str]) -> int:
        self.commands.append(list(command))
        if self.text is not None:
            self.path.write_bytes(self.text)
        if self.meanwhile is not None:
            self.meanwhile()
        return 0


@pytest.fixture
def editor(monkeypatch: pytest.MonkeyPatch) -> Editor:
    return Editor(monkeypatch)


@pytest.fixture
def runtime(tmp_path: Path) -> FakeRuntime:
    """A text alone on PikPak."""
    runtime = sample_runtime()
    runtime.drafts_dir = tmp_path / "state" / "drafts"
    runtime.places["pikpak"].tree["Media",] = [file("notes.md", len(OLD))]
    runtime.content["notes.md"] = OLD
    return runtime


def left_over(runtime: FakeRuntime) -> list[Path]:
    return [path for path in runtime.drafts_dir.rglob("*") if path.is_file()]


async def test_a_changed_text_goes_back_by_a_job_and_its_draft_is_gone(
    editor: Editor, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor.text = b"second line\n"
    seen: list[bytes] = []
    editor.meanwhile = lambda: seen.append(editor.path.read_bytes())
    told_before: list[bool] = []
    async with opened(runtime) as (app, pilot):

        def end(path: Path, real: Callable[[Path], None] = drafts.end) -> None:
            told_before.append(any("was sent back" in line for line in app.remembered()))
            real(path)

        monkeypatch.setattr(drafts, "end", end)
        # not there before it was ordered: a picture of the jobs is taken at any moment
        runtime.transfers.coming = [job("job1", JobState.DONE)]
        await press(pilot, "tab", "down", "f4")
        await settle(pilot, lambda: "notes.md was sent back." in shown(app))
        runtime.transfers.tell("job1")
        await settle(pilot, lambda: app.bridge.views[0].id == "job1")
        assert "notes.md was sent back." in shown(app)
        assert not any("Copied job1" in line for line in app.remembered())
    assert told_before == [False]
    assert seen == [b"second line\n"]
    assert editor.commands[0][:3] == ["ed", "--quiet", "--"]
    assert editor.path.name == "notes.md"
    (order,) = runtime.transfers.orders
    assert order.on_conflict is OnConflict.OVERWRITE
    assert order.target.path == "/Media"
    assert order.sources[0].name == "notes.md"
    assert local_path(order.sources[0].at) == editor.path
    assert left_over(runtime) == []


async def test_an_unchanged_text_is_not_sent(editor: Editor, runtime: FakeRuntime) -> None:
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", "down", "e")
        await settle(pilot, lambda: "was not changed, so nothing is sent." in shown(app))
    assert runtime.transfers.orders == []
    assert left_over(runtime) == []


@pytest.mark.parametrize(
    ("key", "policy"),
    [("k", OnConflict.KEEP_BOTH), ("o", OnConflict.OVERWRITE), ("escape", None)],
)
async def test_what_changed_meanwhile_is_asked_about(
    editor: Editor, runtime: FakeRuntime, key: str, policy: OnConflict | None
) -> None:
    rows = runtime.places["pikpak"].tree["Media",]
    editor.text = b"mine\n"

    def change() -> None:
        rows[0] = replace(rows[0], size=99)

    editor.meanwhile = change
    runtime.transfers.jobs = [job("job1", JobState.DONE)]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", "down", "f4")
        await settle(pilot, lambda: "became another one while you edited it: 99 B" in shown(app))
        await press(pilot, key)
        if policy is None:
            await settle(pilot, lambda: "Your text is in" in shown(app))
        else:
            await settle(pilot, lambda: "was sent back." in shown(app))
    assert [order.on_conflict for order in runtime.transfers.orders] == [policy] * bool(policy)
    kept = [path.read_bytes() for path in left_over(runtime)]
    assert kept == ([b"mine\n"] if policy is None else [])


async def test_a_text_that_could_not_go_back_is_kept(editor: Editor, runtime: FakeRuntime) -> None:
    editor.text = b"mine\n"
    runtime.transfers.jobs = [job("job1", JobState.FAILED, files_failed=1)]
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", "down", "f4")
        await settle(pilot, lambda: "was not sent back. Your text is in" in shown(app))
    (kept,) = left_over(runtime)
    assert kept.read_bytes() == b"mine\n"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert runtime.drafts_dir.stat().st_mode & 0o777 == 0o700


async def test_a_file_of_the_disk_is_edited_where_it_is(
    editor: Editor, runtime: FakeRuntime
) -> None:
    async with opened(runtime) as (app, pilot):
        await press(pilot, "G", "up", "f4")
        await settle(pilot, lambda: "Edited " in shown(app))
        current = app.main.left.view.current
        assert current is not None
        assert editor.path == Path("/videos") / current.name
        await press(pilot, "g", "g", "down", "f4")
        await settle(pilot, lambda: "Only files can be edited." in shown(app))


@pytest.mark.parametrize(
    ("size", "data", "words"),
    [
        (drafts.LARGEST + 1, OLD, "is too large to be edited here."),
        (5, b"a\0b\0c", "is no text."),
        (5, b"1234", "changed on the way."),
        (5, Refused("They said no."), "They said no."),
    ],
)
async def test_what_is_no_text_is_told(
    editor: Editor, runtime: FakeRuntime, size: int, data: bytes | CloudError, words: str
) -> None:
    runtime.places["pikpak"].tree["Media",] = [file("notes.md", size)]
    runtime.content["notes.md"] = data
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", "down", "f4")
        await settle(pilot, lambda: words in shown(app))
    assert editor.commands == []
    assert left_over(runtime) == []


async def test_twins_are_not_edited_since_the_way_back_is_by_name(
    editor: Editor, runtime: FakeRuntime
) -> None:
    rows = runtime.places["pikpak"].tree["Media",]
    rows.append(replace(rows[0], id="other"))
    async with opened(runtime) as (app, pilot):
        await press(pilot, "tab", "down", "f4")
        await settle(pilot, lambda: "2 entries have this name." in shown(app))
    assert editor.commands == []


def test_the_editor_is_the_users_own() -> None:
    assert editor_command({"VISUAL": "code --wait", "EDITOR": "ed"}) == ["code", "--wait"]
    assert editor_command({"EDITOR": "'my ed' -x"}) == ["my ed", "-x"]
    with pytest.raises(Refused, match="no end"):
        editor_command({"EDITOR": "'my ed"})
    with pytest.raises(Refused, match="no editor"):
        editor_command({"PATH": "/nowhere"})


async def test_without_a_terminal_nothing_is_started(runtime: FakeRuntime) -> None:
    async with opened(runtime) as (app, _pilot):
        with pytest.raises(Refused, match="cannot be given"):
            await run_outside(app, ["/bin/true"])


def test_a_draft_is_called_like_its_file_where_that_can_do_no_harm(tmp_path: Path) -> None:
    assert drafts.begin(tmp_path / "d", "a b.md", b"").name == "a b.md"
    for name in ("-rf", ".bashrc", "a\x1bb", "x" * 201):
        assert drafts.begin(tmp_path / "d", name, b"").name == "draft.txt"
