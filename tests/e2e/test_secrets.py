"""No secret that the sandbox ever issued is found where secrets do not belong.

Everything a person does with accounts is run once, loudly, with faults and a kill -9 in between;
then the admin names every secret, and settings, journal, state, logs, cache, both streams,
arguments and environments are searched for each in all its guises.
"""

from __future__ import annotations

import base64
import os
import pty
import random
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.cloud_stage import PASSPHRASE, Stage
from tests.crash.scenarios import OPTIONS, files_of
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.e2e

SHORTEST = 8
"""Anything shorter is found by chance."""


class Watched:
    """Runs commands of one home and keeps all they said, and how their processes were called."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.heard: dict[str, bytes] = {}
        self.shown: list[bytes] = []
        """Stdout of the commands that may show a link."""

    def run(self, *words: str, given: str = "", code: int | None = 0, shows: bool = False) -> None:
        """Run and remember. `shows`: its stdout is where a secret may stand."""
        title = f"{len(self.heard)} {' '.join(words)}"
        process = subprocess.Popen(
            self.stage.home.command(*words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.stage.home.environment(),
            cwd=self.stage.folder,
        )
        ended = threading.Event()
        seen = {Path(f"/proc/{process.pid}/cmdline").read_bytes().decode("latin-1"): None}
        watcher = threading.Thread(target=self._watch, args=(process.pid, seen, ended))
        watcher.start()
        try:
            out, err = process.communicate(given.encode(), timeout=250)
        finally:
            ended.set()
            watcher.join()
        self.heard[f"{title} (processes)"] = "\n".join(seen).encode("latin-1")
        self.heard[f"{title} (stderr)"] = err
        if shows:
            self.shown.append(out)
        else:
            self.heard[f"{title} (stdout)"] = out
        assert code is None or process.returncode == code, (words, process.returncode, out, err)

    def _watch(self, pid: int, seen: dict[str, None], ended: threading.Event) -> None:
        """Look at the arguments and environments of the process and all below it."""
        while True:
            last = ended.is_set()
            for each in descendants(pid):
                for name in ("cmdline", "environ"):
                    try:
                        seen[Path(f"/proc/{each}/{name}").read_bytes().decode("latin-1")] = None
                    except OSError:
                        continue  # it just ended
            if last:
                break
            ended.wait(0.02)

    def on_terminal(self, *words: str) -> None:
        """Run on a terminal of its own, where progress is painted."""
        ours, theirs = pty.openpty()
        environ = {**self.stage.home.environment(), "TERM": "xterm-256color"}
        process = subprocess.Popen(
            self.stage.home.command(*words), stdin=theirs, stdout=theirs, stderr=theirs, env=environ
        )
        os.close(theirs)
        painted = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break  # the last one on the terminal has left
            if not piece:
                break
            painted += piece
        os.close(ours)
        assert process.wait() == 0, painted
        self.heard[f"{len(self.heard)} {' '.join(words)} (terminal)"] = painted


def descendants(pid: int) -> Iterator[int]:
    """The process and all below it that live now."""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from descendants(int(child))


def guises(secret: str) -> set[bytes]:
    """The secret as it is, URL-encoded, and in base64 wherever it starts."""
    raw = secret.encode()
    found = {
        raw,
        quote(secret, safe="").encode(),
        quote(secret).encode(),
        quote_plus(secret).encode(),
    }
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw)
        # the first and last characters mix with what stands around it
        middle = coded[4 if shift else 0 : -4].rstrip(b"=")
        if len(middle) >= SHORTEST:
            found |= {middle, middle.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def places(stage: Stage) -> dict[str, bytes]:
    """Every file below the home, the journal's write-ahead log included."""
    return {
        str(path.relative_to(stage.folder)): path.read_bytes()
        for path in stage.home.folder.rglob("*")
        if path.is_file()
    }


def test_no_secret_is_found(box: SandboxProcess, tmp_path: Path) -> None:
    stage = Stage(box, tmp_path, vault=True, options=OPTIONS)
    del stage.home.environ["CLOUDTUI_ACCOUNT__PK__PASSWORD"]
    del stage.home.environ["CLOUDTUI_ACCOUNT__PC__TOKEN"]
    watched = Watched(stage)
    run = watched.run
    page = f"{box.endpoints['pcloud']['authorize_url']}?page=1"
    source = stage.folder / "src"
    files = files_of(stage)
    files["more.bin"] = random.Random(stage.email).randbytes(900_000)
    stage.plant("", str(source), files)

    run("login", "pk", "--kind", "pikpak", "--password-stdin", given="not it\n", code=4, shows=True)
    run("login", "pk", "--kind", "pikpak", "--password-stdin", given=stage.password, shows=True)
    run("login", "pc", "--kind", "pcloud", "--token-stdin", given=stage.token, shows=True)
    run("accounts", "--json")
    run("doctor", "-v", code=None)
    for place in ("pk", "pc"):
        run("ls", "-v", f"{place}:/")
        stage.die("mover.part_sent:3", "cp", "-v", "-r", str(source), f"{place}:/x/")
        seen = places(stage)  # with the journal as a dead process leaves it
        watched.heard |= {f"after a kill: {name}": content for name, content in seen.items()}
        run("jobs", "ls")
        run("jobs", "resume", "-v")
        stage.admin.fault(kind="status", code=500, times=2, listener="p*", match="GET *")
        stage.admin.fault(kind="corrupt", times=1, listener="*content*")
        run("cp", "-v", "-r", f"{place}:/x/src", str(stage.folder / f"back-{place}"))
        stage.admin.fault(kind="html", times=-1, listener="p*")
        run("ls", "-v", f"{place}:/x", "--set", "retries=2", code=6)
        stage.admin.fault(kind="status", code=403, times=-1, listener="p*", body="go away")
        run("cat", "-v", f"{place}:/x/src/a.txt", "--set", "retries=2", code=None)
        stage.admin.clear_faults()
        run("cat", "-v", f"{place}:/x/src/a.txt")
        run("stat", "-v", "--hash", f"{place}:/x/src/a.txt")
        run("link", "-v", f"{place}:/x/src/a.txt", shows=True)
        run("share", "add", "-v", f"{place}:/x/src/a.txt", shows=True)
        run("offline", "add", "-v", page, "--to", f"{place}:/fetched", code=None)
        run("quota", "-v", f"{place}:")
        run("rm", "-v", "-r", f"{place}:/x/src")
        run("trash", "restore", "-v", f"{place}:/x/src")
        watched.on_terminal("cp", "-v", f"{place}:/x/src/more.bin", f"{stage.folder}/{place}.bin")
    made = stage.admin.state("pikpak")["shares"]
    (mine,) = (each for each in made if each["owner"] == stage.username)
    run("share", "set", "-v", "pk:", mine["id"], "--password-stdin", given="myc0de4567\n")
    run("share", "ls", "-v", "pk:", "--json")
    stage.admin.account("pikpak", username=f"other-{stage.username}", password="theirs")
    who = {"username": f"other-{stage.username}"}
    stage.admin.order("pikpak", "put", **who, path="/top/film", text="film")
    code = "theirc0de7"
    theirs = stage.admin.order("pikpak", "share", **who, paths=["/top"], pass_code=code)["url"]
    run("share", "look", "-v", theirs, "--password-stdin", given=f"{code}\n")
    run("share", "look", "-v", theirs, "--password-stdin", given="wr0ngc0de1\n", code=8)
    run("share", "save", "-v", theirs, "top/film", "pk:/x", "--password-stdin", given=f"{code}\n")
    run("cp", "-v", "-r", "pk:/x/src", "pc:/across/")
    run("cp", "-v", "-r", "pc:/x/src", "pk:/across/")
    stage.admin.age(10_000)  # access tokens end: the refresh token is spent
    run("ls", "-v", "pk:/x")
    stage.switch("pikpak.captcha_puzzle", "demand")
    run("login", "pk", "--kind", "pikpak", "--force", "--password-stdin", given=stage.password,
        code=None, shows=True)  # fmt: skip
    stage.close()
    stage.admin.revoke("pcloud", token=stage.token)
    run("ls", "-v", "pc:/x", code=4)
    run("logout", "pk", code=None)

    secrets = {*stage.admin.secrets(), stage.password, stage.token, PASSPHRASE, "wr0ngc0de1"}
    secrets = {each for each in secrets if len(each) >= SHORTEST}
    assert len(secrets) > 20
    assert {"myc0de4567", code} <= secrets
    haystacks = {**places(stage), **watched.heard}
    assert any("journal" in name for name in haystacks)
    assert any("log" in name for name in haystacks)
    found = [
        (secret, name)
        for secret in secrets
        for guise in guises(secret)
        for name, content in haystacks.items()
        if guise in content
    ]
    assert found == []
    # what may show a link does show one: the search would find it
    assert any(guise in out for s in secrets for guise in guises(s) for out in watched.shown)
