"""What a service says reaches a terminal without its control characters."""

from __future__ import annotations

import base64
import io
import os
import pty
import subprocess
from pathlib import Path

import pytest

from cloudtui.cli_output import Output
from tests.cloudtui_process import Home
from tests.sandbox_process import SandboxProcess
from tests.security.rewriting import Rewriting

TITLE = "\x1b]0;owned\x07"
HOSTILE = f"https://example.com/{TITLE}?a=1"


class Screen(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_lines_and_talk_are_harmless_on_a_terminal() -> None:
    out, err = Screen(), Screen()
    output = Output(out=out, err=err)
    output.line(HOSTILE)
    output.say(f"first {TITLE}\nsecond")
    assert out.getvalue() == "https://example.com/<1B>]0;owned<07>?a=1\n"
    assert err.getvalue() == "first <1B>]0;owned<07>\nsecond\n"


def test_a_script_gets_what_the_service_said() -> None:
    out = io.StringIO()
    Output(out=out, err=io.StringIO()).line(HOSTILE)
    assert out.getvalue() == HOSTILE + "\n"


def on_a_terminal(home: Home, *words: str) -> bytes:
    """All that a command writes to a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        home.command(*words), stdin=theirs, stdout=theirs, stderr=theirs, env=home.environment()
    )
    os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 65536):
            written += piece
    except OSError:
        pass  # how Linux says that the other end of a pty is closed
    finally:
        os.close(ours)
        process.wait(200)
    return written


@pytest.mark.parametrize(
    ("account", "cloud", "option"),
    [("pk", "pikpak", "drive_url"), ("pc", "pcloud", "us_url")],
)
def test_names_are_harmless_on_a_terminal(
    home: Home, box: SandboxProcess, tmp_path: Path, account: str, cloud: str, option: str
) -> None:
    encoded = base64.b64encode(b"x").decode()
    box.admin.order(cloud, "put", path="/titles/named-1", base64=encoded)
    names = {"named-1": f"a{TITLE}b [/b] \u202e c\u2028d"}
    with Rewriting(box.endpoints[cloud][option], names) as service:
        home.environ[f"CLOUDTUI_ACCOUNT__{account.upper()}__{option.upper()}"] = service.url
        for words in (
            ("ls", f"{account}:/titles"),
            ("ls", "-l", f"{account}:/titles"),
            ("cp", "-r", f"{account}:/titles", str(tmp_path / "down")),
            ("rm", "-n", "-r", f"{account}:/titles"),
            ("cp", f"{account}:/titles/nothing{TITLE}", str(tmp_path)),
        ):
            written = on_a_terminal(home, *words)
            assert written
            assert TITLE.encode() not in written
            assert "\u202e".encode() not in written
            assert b"\x07" not in written
