"""Faults that stay: one plain sentence, the fitting exit code, nothing lost, and the rest of the
job not held up."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cloud_stage import Stage, disk_tree, tree_of
from tests.cloudtui_process import Ended
from tests.crash.scenarios import OPTIONS, VOID, files_of, within
from tests.sandbox_process import SandboxProcess

PLACES = ["pk", "pc"]
FEW = ("--set", "retries=3", "--timeout", "5")
"""A trouble that stays need not be waited for long."""
PATIENT = ("--set", "retries=40", "--timeout", "5")
"""Silence that ends with the block, however long a busy machine takes for what is done in it."""

SECOND_PART = {
    "pk": {"listener": "pikpak.upload", "match": "PUT *", "query": "partNumber=2*"},
    "pc": {"listener": "pcloud.us", "match": "PUT /upload_write", "query": "*uploadoffset=65536*"},
}
"""The request that carries the second part of `big.bin`."""


@contextlib.contextmanager
def held_up(stage: Stage, where: Mapping[str, str], *words: str) -> Iterator[list[Ended]]:
    """A run whose requests of a kind get no answer within the block; how it ended is there
    afterwards. The block is entered when the first of them is under way."""
    ended: list[Ended] = []
    before = max((each["seq"] for each in stage.admin.log()), default=0)
    stage.admin.fault(kind="delay", seconds=600, times=-1, **where)
    with stage.home.start(*words, *PATIENT) as process:
        while not any("delay" in each["faults"] for each in stage.admin.log(before)):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.02)  # the program shall run, not this loop
            assert process.poll() is None
        yield ended
        stage.admin.clear_faults()
        out, err = process.communicate(timeout=200)
    ended.append(Ended(process.returncode, out.decode(), err.decode()))


def told(ended: Ended, code: int, *words: str) -> None:
    """It failed with this code and a sentence that holds these words; no traceback."""
    assert ended.code == code, f"exit {ended.code}\n{ended.out}\n{ended.err}"
    assert "Traceback" not in ended.err + ended.out
    assert ended.err.count("\n") <= 4
    for word in words:
        assert word in ended.err


def planted(stage: Stage, place: str) -> str:
    """A file of ours in the cloud, and its address."""
    stage.put(place, "/t/file.bin", b"content")
    return f"{place}:/t/file.bin"


def one_file(stage: Stage) -> str:
    """A file on this disk."""
    file = stage.folder / "file.bin"
    file.write_bytes(files_of(stage)["big.bin"])
    return str(file)


# --- signing in ----------------------------------------------------------------------------------


def test_a_wrong_password(stage: Stage) -> None:
    address = planted(stage, "pk")
    extra = {"CLOUDTUI_ACCOUNT__PK__PASSWORD": "not the password"}
    for words in (("ls", "pk:/t"), ("cp", address, "."), ("cp", one_file(stage), "pk:/t/")):
        told(stage.home.run(*words, extra=extra, cwd=stage.folder), 4, "PikPak")
    assert stage.tree("pk", "/t") == tree_of({"file.bin": b"content"})


def test_a_demanded_captcha(stage: Stage) -> None:
    stage.switch("pikpak.captcha_puzzle", "demand")
    told(stage.home.run("ls", "pk:/"), 4, "puzzle", "Signing in shows the link")


def test_a_revoked_token(stage: Stage) -> None:
    address = planted(stage, "pc")
    stage.admin.revoke("pcloud", token=stage.token)
    for words in (("ls", "pc:/t"), ("cp", address, "."), ("cp", one_file(stage), "pc:/t/")):
        told(stage.home.run(*words, cwd=stage.folder), 4, "pCloud")
    assert not (stage.folder / "t").exists()


def test_a_token_revoked_half_way_keeps_the_job(box: SandboxProcess, tmp_path: Path) -> None:
    """The parts that were sent are kept for after the next sign-in."""
    stage = Stage(box, tmp_path, vault=True, options=OPTIONS)
    source = one_file(stage)
    stage.admin.fault(
        kind="api_code", code=2094, times=-1, skip=2, listener="pcloud.us", match="*/upload_write"
    )
    told(stage.home.run("cp", source, "pc:/x/"), 4, "pCloud")
    stage.close()
    (job,) = stage.home.run("jobs", "ls", "--json").ok().values
    assert job["state"] == "paused"
    before = len(stage.admin.log())
    stage.home.run("jobs", "resume").ok()
    sent = [each for each in stage.admin.log()[before:] if each["path"] == "/upload_write"]
    assert sent[0]["query"].endswith("uploadoffset=131072")
    assert stage.tree("pc", "/x") == disk_tree_of_file(source)


def disk_tree_of_file(path: str) -> dict[str, str | None]:
    return tree_of({Path(path).name: Path(path).read_bytes()})


# --- no service at the other end -----------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_a_dead_server(stage: Stage, place: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        names = ("drive_url", "user_url") if place == "pk" else ("us_url", "eu_url", "api_url")
        dead = [word for name in names for word in ("--set", f"{place}.{name}={url}")]
        told(stage.home.run("ls", f"{place}:/", *dead, *FEW), 6)
        told(stage.home.run("cp", one_file(stage), f"{place}:/t/", *dead, *FEW), 6)


@pytest.mark.parametrize("place", PLACES)
def test_a_web_page_in_place_of_every_answer(stage: Stage, place: str) -> None:
    address = planted(stage, place)
    for listener in ("pikpak.*", "pcloud.*"):
        stage.admin.fault(kind="html", times=-1, listener=listener)
    told(stage.home.run("ls", f"{place}:/t", *FEW), 6)
    told(stage.home.run("cp", address, f"{stage.folder}/", *FEW), 6)
    told(stage.home.run("cp", one_file(stage), f"{place}:/t/", *FEW), 6)
    stage.admin.clear_faults()
    assert stage.tree(place, "/t") == tree_of({"file.bin": b"content"})


def test_a_connection_lost_on_the_way_keeps_the_job(stage: Stage) -> None:
    files, source = files_of(stage), stage.folder / "src"
    stage.plant("", str(source), files, VOID)
    stage.admin.fault(kind="reset_before", times=-1, skip=1, listener="pcloud.us", match="PUT *")
    told(stage.home.run("cp", "-r", source, "pc:/x/", *FEW), 6)
    stage.admin.clear_faults()
    jobs = stage.home.run("jobs", "ls", "--json").ok().values
    words = ("jobs", "resume") if jobs[0]["state"] == "paused" else ("jobs", "retry")
    stage.home.run(*words).ok()
    assert stage.tree("pc", "/x") == within("src", tree_of(files, VOID))


# --- no room, no right ---------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_a_full_account(stage: Stage, place: str) -> None:
    source = one_file(stage)
    stage.put(place, "/t/file.txt", b"x" * 1000)
    if place == "pk":
        stage.switch("pikpak.quota", 100_000)
    else:
        stage.admin.order("pcloud", "quota", bytes=100_000, email=stage.email)
    told(stage.home.run("cp", source, f"{place}:/t/"), 5)
    assert stage.tree(place, "/t") == tree_of({"file.txt": b"x" * 1000})
    assert Path(source).stat().st_size == 300_000


def test_a_token_that_may_only_read(stage: Stage) -> None:
    address = planted(stage, "pc")
    reader = stage.admin.token("pcloud", kind="oauth", write=False, email=stage.email)["token"]
    extra = {"CLOUDTUI_ACCOUNT__PC__TOKEN": reader}
    told(stage.home.run("cp", one_file(stage), "pc:/t/new", extra=extra), 8)
    told(stage.home.run("mkdir", "pc:/new", extra=extra), 8)
    told(stage.home.run("rm", address, extra=extra), 8)
    assert stage.tree("pc", "/t") == tree_of({"file.bin": b"content"})


@pytest.mark.parametrize("place", PLACES)
def test_a_missing_path(stage: Stage, place: str) -> None:
    for words in (
        ("ls", f"{place}:/none"),
        ("cp", f"{place}:/none", "."),
        ("mv", f"{place}:/none", f"{place}:/other"),
        ("rm", f"{place}:/none"),
        ("trash", "restore", f"{place}:/none"),
    ):
        told(stage.home.run(*words, cwd=stage.folder), 3, "none")


UNSHARE = ("unshare", *(() if os.geteuid() == 0 else ("--map-root-user",)), "-m")
"""Before a command that mounts for itself alone; nobody needs to be root for that."""


def mounted(stage: Stage, options: str, *words: str) -> tuple[Ended, dict[str, str | None]]:
    """Run a command with a tmpfs on `TARGET/`; how it ended and what lies there then.

    The mount is seen by that command alone and is gone with it.
    """
    target, keep = stage.folder / "target", stage.folder / "kept"
    target.mkdir()
    keep.mkdir()
    line = f'mount -t tmpfs -o {options} none "$1" && shift && "$@"; code=$?; cp -a "$T/." "$K"'
    ended = subprocess.run(
        [
            *(*UNSHARE, "sh", "-c", f"{line}; exit $code", "sh", str(target)),
            *stage.home.command(*words),
        ],
        env=stage.home.environment({"T": str(target), "K": str(keep)}),
        capture_output=True,
        text=True,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr), disk_tree(keep)


@pytest.mark.parametrize("place", PLACES)
def test_a_full_disk(stage: Stage, place: str) -> None:
    """The file that does not fit is told; the small ones arrive, and no part is left."""
    stage.put(place, "/t/huge.bin", os.urandom(3_000_000))
    small = {"a.txt": b"a", "z.txt": b"z"}
    stage.plant(place, "/t", small)
    ended, found = mounted(
        stage, "size=1m", "cp", "-r", f"{place}:/t/", str(stage.folder / "target")
    )
    told(ended, 5)
    assert {name: sha1 for name, sha1 in found.items() if name in small} == tree_of(small)
    assert "huge.bin" not in found


def test_a_disk_that_is_read_only(stage: Stage) -> None:
    address = planted(stage, "pc")
    ended, found = mounted(stage, "ro", "cp", address, f"{stage.folder}/target/")
    told(ended, 8)
    assert found == {}


# --- the source ----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_a_source_that_changes_on_the_way(stage: Stage, place: str) -> None:
    """It is told and not kept; the other files arrive."""
    files, source = files_of(stage), stage.folder / "src"
    stage.plant("", str(source), files)
    with held_up(stage, SECOND_PART[place], "cp", "-r", str(source), f"{place}:/x/") as runs:
        (source / "big.bin").write_bytes(os.urandom(310_000))
    (ended,) = runs
    tree = stage.tree(place, "/x/src")
    if ended.code == 0:  # seen in time, and copied anew as it is now
        assert tree == disk_tree(source)
        return
    told(ended, 1, "big.bin", "changed")
    del files["big.bin"]
    assert tree == tree_of(files)


@pytest.mark.parametrize("place", PLACES)
def test_a_source_that_is_gone_when_its_turn_comes(stage: Stage, place: str) -> None:
    """It is told; the other files arrive."""
    files, back = files_of(stage), stage.folder / "back"
    stage.plant(place, "/t", files)
    if place == "pk":
        (id_,) = [n["id"] for n in stage.account("pk")["nodes"] if n["name"] == "big.bin"]
        where = {"listener": "pikpak.drive", "match": f"GET /drive/v1/files/{id_}"}
    else:
        (id_,) = [n["id"] for n in stage.account("pc")["nodes"] if n["name"] == "big.bin"]
        where = {"listener": "pcloud.us", "match": "GET /getfilelink", "query": f"*{id_[1:]}*"}
    with held_up(stage, where, "cp", "-r", f"{place}:/t", str(back)) as runs:
        stage.home.run("rm", "--forever", f"{place}:/t/big.bin").ok()
    told(runs[0], 3, "big.bin was deleted")
    del files["big.bin"]
    assert stage.tree("", str(back)) == tree_of(files)
    assert stage.litter() == []


@pytest.mark.parametrize("place", PLACES)
def test_a_target_that_is_deleted_on_the_way(
    box: SandboxProcess, tmp_path: Path, place: str
) -> None:
    """It is told; nothing else is held up, and the same copy again makes the folder anew."""
    stage = Stage(box, tmp_path, vault=True, options=OPTIONS)
    files, source = files_of(stage), stage.folder / "src"
    stage.plant("", str(source), files)
    words = ("cp", "-r", str(source), f"{place}:/x/y/")
    with held_up(stage, SECOND_PART[place], *words) as runs:
        stage.home.run("rm", "-r", "--forever", f"{place}:/x/y").ok()
    told(runs[0], 3, "src was deleted", "makes it anew")
    stage.home.run("jobs", "clear").ok()
    assert stage.tree(place) == {"x": None}
    stage.home.run(*words).ok()
    assert stage.tree(place, "/x/y") == within("src", tree_of(files))


@pytest.mark.parametrize("place", PLACES)
def test_one_file_that_cannot_be_had(stage: Stage, place: str) -> None:
    """The others are not held up, and the same command fetches what was left."""
    files, back = files_of(stage), stage.folder / "back"
    stage.plant(place, "/t", files)
    if place == "pk":
        (id_,) = [n["id"] for n in stage.account("pk")["nodes"] if n["name"] == "a.txt"]
        where = {"listener": "pikpak.drive", "match": f"GET /drive/v1/files/{id_}"}
    else:
        where = {"listener": "pcloud.content", "match": "*a.txt"}
    stage.admin.fault(kind="status", code=500, times=-1, **where)
    told(stage.home.run("cp", "-r", f"{place}:/t", f"{back}/", *FEW), 6, "a.txt")
    left = dict(files)
    del left["a.txt"]
    there = stage.tree("", str(back / "t"))
    assert {name: there[name] for name in there if "cloudtui-part" not in name} == tree_of(left)
    stage.admin.clear_faults()
    stage.home.run("jobs", "retry").ok()
    assert stage.tree("", str(back / "t")) == tree_of(files)
    assert stage.litter() == []
