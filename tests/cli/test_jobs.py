"""The queue from the command line: work that goes on without a terminal."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.cloudtui_process import Home, make_tree, tree


def states(home: Home) -> list[str]:
    """The states of all jobs."""
    return [row["state"] for row in home.run("jobs", "ls", "--json").ok().values]


def test_the_queue_is_worked_on_in_the_background(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    (tmp_path / "a").write_bytes(b"content")
    killed = home.run(
        "cp", tmp_path / "a", tmp_path / "b", extra={"CLOUDTUI_FAILPOINT": "engine.job.created"}
    )
    assert killed.code == -signal.SIGKILL
    assert states(home) == ["paused"]
    begun = home.run("jobs", "run", "--detach").ok()
    assert (begun.out, begun.err) == ("", "")
    end = time.monotonic() + 200
    while (now := states(home)) != ["done"]:
        assert now[0] not in ("failed", "cancelled")
        assert time.monotonic() < end
    assert (tmp_path / "b").read_bytes() == b"content"


def test_questions_nobody_answered_are_answered_later(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    source = make_tree(tmp_path / "a", {"x": b"new", "y": b"new", "z": b"z"})
    target = make_tree(tmp_path / "b", {"x": b"old!", "y": b"old!"})
    ended = home.run("cp", "-r", f"{source}/", target)
    assert ended.code == 1
    assert "cloudtui jobs resume --on-conflict decides" in ended.err
    assert "  asks  " in home.run("jobs", "ls").ok().out
    again = home.run("jobs", "resume")
    assert (again.code, states(home)) == (1, ["asks"])
    home.run("jobs", "resume", "--on-conflict", "overwrite").ok()
    assert states(home) == ["done"]
    assert tree(target) == tree(source)
