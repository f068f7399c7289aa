"""The demonstration: the tour through the real app, and what is left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

from tests.cloudtui_process import Home


def test_the_tour_passes_and_leaves_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    home = Home(tmp_path / "home")
    ended = home.run("demo", "--check", extra={"TMPDIR": str(temporary)}).ok()
    lines = ended.out.splitlines()
    assert len(lines) >= 15
    assert all(line.startswith("ok  ") for line in lines)
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "home" / "cloudtui").exists()


def test_a_killed_demonstration_takes_its_servers_along(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    home = Home(tmp_path / "home")
    process = subprocess.Popen(
        home.command("demo", "--check"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=home.environment({"TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}),
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline().startswith(b"ok  ")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        servers = [pid for pid in map(int, children) if b"demo_servers" in _command_of(pid)]
        assert len(servers) == 1
        gone = os.pidfd_open(servers[0])
        try:
            process.send_signal(signal.SIGKILL)
            process.wait()
            ended, _, _ = _select(gone)
            assert ended, "the servers outlived the program"
        finally:
            os.close(gone)
    assert [path.name for path in temporary.iterdir() if re.match("cloudtui-demo", path.name)] == []


def _command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has just ended
        return b""


def _select(fd: int) -> tuple[list[int], list[int], list[int]]:
    import select

    return select.select([fd], [], [], 100)
