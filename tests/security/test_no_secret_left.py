"""No secret that the services ever gave out, nor any that we gave them, is left anywhere."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.cloudtui_process import Ended, Home, make_tree
from tests.e2e.terminal import Terminal
from tests.sandbox_process import SandboxProcess
from tests.security.leaks import files_below, leaks, shapes

pytestmark = pytest.mark.e2e

MIB: Final = 1024 * 1024
_PACE = threading.Event()


@pytest.fixture
def home(home: Home, tmp_path: Path) -> Home:
    """The accounts without their secrets, and a vault to put them in."""
    for name in list(home.environ):
        if name.startswith("CLOUDTUI_ACCOUNT__"):
            del home.environ[name]
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("Passphrase-of-the-vault\n")
    passphrase.chmod(0o600)
    home.environ["CLOUDTUI_SECRETS"] = "vault"
    home.environ["CLOUDTUI_VAULT_PASSPHRASE_FILE"] = str(passphrase)
    return home


class Scribe:
    """Runs commands as talkative as they get and keeps what they wrote."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.written: list[tuple[str, bytes]] = []

    def run(self, *words: str | Path, given: str = "", shown: bool = False) -> Ended:
        """One command; `shown` for those whose purpose is to show a link."""
        ended = self.home.run(*words, "-v", given=given)
        assert "Traceback" not in ended.out + ended.err
        name = " ".join(map(str, words))
        self.written.append((f"stderr of {name}", ended.err.encode(errors="surrogateescape")))
        if not shown:
            self.written.append((f"stdout of {name}", ended.out.encode(errors="surrogateescape")))
        return ended

    def cut_short(self, box: SandboxProcess, *words: str | Path, bytes_moved: str) -> None:
        """Kill a command in the middle of moving bytes; what /proc shows of it until then."""
        since = max((entry["seq"] for entry in box.admin.log()), default=0)
        process = self.home.start(*words, "-v")
        try:
            while not any(bytes_moved in str(entry) for entry in box.admin.log(since)):
                assert process.poll() is None, process.stderr and process.stderr.read()
                _PACE.wait(0.02)
            self.written += list(family(process.pid))
        finally:
            process.send_signal(signal.SIGKILL)
            out, err = process.communicate(timeout=100)
        self.written += [("stdout of a killed one", out), ("stderr of a killed one", err)]


def family(pid: int) -> Iterator[tuple[str, bytes]]:
    """Arguments and environment of a process and all below it, as other programs see them."""
    folder = Path("/proc") / str(pid)
    for name in ("cmdline", "environ"):
        yield f"{name} of {pid}", (folder / name).read_bytes()
    for task in list((folder / "task").iterdir()):
        with contextlib.suppress(OSError):  # a thread or a child that ends meanwhile
            for child in (task / "children").read_text().split():
                yield from family(int(child))


def test_a_life_with_both_clouds_leaves_no_secret(
    home: Home, box: SandboxProcess, tmp_path: Path
) -> None:
    admin, scribe = box.admin, Scribe(home)
    pikpak, pcloud = box.endpoints["pikpak"], box.endpoints["pcloud"]
    scribe.run("login", "pk", "--password-stdin", given="not-the-right-password\n")
    scribe.run("login", "pk", "--password-stdin", given=pikpak["password"] + "\n").ok()
    scribe.run("login", "pc", "--token-stdin", given="not-the-right-token\n")
    scribe.run("login", "pc", "--token-stdin", given=pcloud["us_token"] + "\n").ok()
    work = make_tree(tmp_path / "work", {"small.txt": b"small", "large.bin": os.urandom(12 * MIB)})
    sizes = ("pk.upload_cutoff=5M", "pk.chunk_size=5M", "pc.upload_cutoff=4M", "pc.chunk_size=4M")
    parts = [word for size in sizes for word in ("--set", size)]
    for account, listener in (("pk", "pikpak.upload"), ("pc", "pcloud.us")):
        top = f"{account}:/{tmp_path.name}"
        number = admin.fault(
            listener=listener, match="PUT *", times=-1, kind="throttle", bytes_per_s=MIB // 4
        )
        scribe.cut_short(box, "cp", "-r", *parts, f"{work}/", f"{top}/cut", bytes_moved="PUT")
        admin.call("DELETE", f"/faults?id={number}")
        scribe.run("jobs", "ls", "--json")
        scribe.run("jobs", "resume").ok()
        admin.fault(kind="expire_token", match="*")
        admin.fault(kind="html", match="*", skip=2)
        admin.fault(kind="status", code=503, match="*", skip=4, times=2)
        scribe.run("cp", "-r", *parts, f"{work}/", f"{top}/whole").ok()
        admin.clear_faults()
        admin.fault(kind="expire_link", match="GET *")
        admin.fault(kind="cut", match="GET *", bytes=MIB)
        scribe.run("cp", "-r", f"{top}/whole", tmp_path / f"down-{account}").ok()
        admin.clear_faults()
        scribe.run("link", f"{top}/whole/small.txt", shown=True)
        scribe.run("share", "add", f"{top}/whole", shown=True)
        scribe.run("offline", "add", "https://h.invalid/?key=Key-of-a-link", "--to", top)
        scribe.run("ls", "--json", "-R", top)
        scribe.run("rm", "-r", f"{top}/whole").ok()
        scribe.run("trash", "ls", f"{account}:")
        scribe.run("stat", f"{top}/nothing-there")
    scribe.run("cp", "-r", f"pk:/{tmp_path.name}/cut", f"pc:/{tmp_path.name}/over").ok()
    admin.age(7300)
    scribe.run("ls", "pk:/").ok()
    admin.switch("pikpak.refresh_dead", value=True)
    admin.age(7300)
    assert scribe.run("ls", "pk:/").code == 4
    admin.switch("pikpak.refresh_dead", value=False)
    scribe.run("doctor", "--json")
    mine = ("not-the-right-password", "not-the-right-token", "Passphrase-of-the-vault")
    secrets = {*admin.secrets(), *mine, "Key-of-a-link"}
    assert len(secrets) > 30
    assert (home.folder / "cloudtui" / "log" / "cloudtui.log").stat().st_size > 1000
    found = leaks(secrets, [*files_below(home.folder), *scribe.written])
    assert found == {}


def test_the_full_screen_shows_and_keeps_no_secret(
    home: Home, box: SandboxProcess, tmp_path: Path
) -> None:
    pikpak, pcloud = box.endpoints["pikpak"], box.endpoints["pcloud"]
    home.run("login", "pk", "--password-stdin", given=pikpak["password"] + "\n").ok()
    home.run("login", "pc", "--token-stdin", given=pcloud["us_token"] + "\n").ok()
    make_tree(tmp_path / "work", {"one.txt": b"1", "two.txt": b"2"})
    top = f"pk:/{tmp_path.name}"
    home.run("mkdir", top).ok()
    tape = tmp_path / "tape"
    box.admin.age(7300)
    words = (str(tmp_path / "work"), top)
    with Terminal(home.command(*words, "-v"), home.environment(), size=(120, 40)) as screen:
        screen.record(tape)
        screen.until("Empty folder")
        screen.keys("C-a", "F5")
        screen.until("Copy to")
        screen.keys("Enter")
        screen.until("Copied")
        screen.keys("Tab", "@")
        screen.until("Choose a source")
        screen.keys("Down", "s")
        screen.until("Sign in: PikPak")
        screen.write("not-the-right-password")
        screen.keys("Enter")
        screen.until("does not know this user name")
        shown = screen.history
        parts = list(family(screen.pid))
        screen.keys("Escape")
        screen.until(lambda text: "Sign in: PikPak" not in text, "the sources")
        screen.keys("Escape")
        screen.until(lambda text: "Choose a source" not in text, "the panes")
        screen.keys("q")
        assert screen.until_ended() == 0
        # what writes the tape is another process, which may be late
        screen.until(lambda _: b"one.txt" in tape.read_bytes(), "the tape")
        parts += [("screen", (shown + screen.history).encode()), ("tape", tape.read_bytes())]
    secrets = {*box.admin.secrets(), "not-the-right-password", "Passphrase-of-the-vault"}
    assert leaks(secrets, [*files_below(home.folder), *parts]) == {}


@pytest.mark.parametrize("before", [b"", b"1", b"12"])
def test_secrets_are_found_however_they_hide(before: bytes) -> None:
    secret = "a+secret/of 32 letters, more or less"
    hidden = base64.b64encode(before + secret.encode() + b"and more")
    assert any(shape in hidden for shape in shapes(secret))
    assert leaks([secret], [("here", hidden), ("there", b"nothing")]) == {"here": [secret]}
    assert leaks([secret], [("here", b"?q=a%2Bsecret%2Fof%2032%20letters%2C%20more%20or%20less")])
