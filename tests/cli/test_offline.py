"""Links that PikPak fetches, and their way to this disk, across runs of the program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudtui.sandbox.seed import archive
from tests.cloud_stage import Stage
from tests.sandbox_process import SandboxProcess

CONTENTS = {"one.bin": b"first", "two.bin": b"second"}


@pytest.fixture
def stage(box: SandboxProcess, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(box, tmp_path)
    yield made
    made.close()


def links(stage: Stage) -> list[str]:
    """Addresses that PikPak can reach, one for each of the contents."""
    for name, content in CONTENTS.items():
        stage.put("pk", f"/src/{name}", content)
    return [stage.home.run("link", f"pk:/src/{name}").ok().out.strip() for name in CONTENTS]


def rows(stage: Stage) -> list[dict[str, object]]:
    return stage.home.run("offline", "ls", "--json", "pk:").ok().values


def test_results_come_to_the_disk_by_a_later_run(stage: Stage, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    bad = "magnet:?xt=urn:btih:short"
    added = stage.home.run(
        "offline", "add", *links(stage), bad, "--to", "pk:/o", "--fetch", str(disk)
    )
    assert added.code == 2
    assert added.err.startswith(f"{bad} is no link PikPak could fetch.")
    assert len(rows(stage)) == 2
    assert f"then to {disk}" in stage.home.run("offline", "ls", "pk:").ok().out

    # killed with the first copy noted as a job: what was noted is brought once all the same
    stage.die("engine.job.created", "offline", "fetch", "pk:")
    stage.home.run("offline", "fetch", "pk:").ok()
    assert {path.name: path.read_bytes() for path in disk.iterdir()} == CONTENTS
    jobs = stage.home.run("jobs", "ls", "--json").ok().values
    assert [row["state"] for row in jobs] == ["done", "done"]
    assert "then to" not in stage.home.run("offline", "ls", "pk:").ok().out
    stage.home.run("offline", "fetch", "pk:").ok()  # nothing is left to do
    assert "2 forgotten" in stage.home.run("offline", "clear", "pk:").ok().err
    assert rows(stage) == []
    assert set(stage.tree("pk", "/o")) == set(CONTENTS)


def test_tasks_that_fail_or_vanish_are_told(stage: Stage, tmp_path: Path) -> None:
    stage.switch("pikpak.offline", "error")
    magnet = f"magnet:?xt=urn:btih:{'ab' * 20}&dn=thing"
    stage.home.run("offline", "add", magnet, "--to", "pk:/o").ok()
    (row,) = rows(stage)
    stage.admin.age(60)
    ended = stage.home.run("offline", "fetch", "pk:", str(row["id"]), "--to", str(tmp_path / "d"))
    assert ended.code == 8
    assert "thing was not fetched: PikPak could not fetch it." in ended.err
    # it stays noted, and comes once it was tried again
    stage.switch("pikpak.offline", "ok")
    stage.home.run("offline", "retry", "pk:", str(row["id"])).ok()
    stage.admin.age(60)
    stage.home.run("offline", "fetch", "pk:").ok()
    assert list((tmp_path / "d").iterdir())

    stage.home.run("offline", "add", magnet, "--to", "pk:/o", "--fetch", str(tmp_path / "d")).ok()
    (new,) = {str(each["id"]) for each in rows(stage)} - {str(row["id"])}
    stage.home.run("offline", "rm", "pk:", new).ok()
    gone = stage.home.run("offline", "fetch", "pk:")
    assert gone.code == 3
    assert "no longer in the list" in gone.err


FILES = {"film.mkv": 3 << 20, "subs/[/b].srt": 12, "odd\x1b[2J.txt": 1}


def known_magnet(stage: Stage) -> str:
    digest = "cd" * 20
    stage.switch("pikpak.magnets", {digest: {"name": "set", "files": FILES}})
    return f"magnet:?xt=urn:btih:{digest}"


def test_links_are_looked_behind_without_fetching(stage: Stage) -> None:
    magnet = known_magnet(stage)
    unknown = f"magnet:?xt=urn:btih:{'ef' * 20}"
    (told, nothing) = stage.home.run("offline", "look", "--json", magnet, unknown).ok().values
    assert (told["name"], told["known"], told["count"]) == ("set", True, 3)
    assert told["size"] == sum(FILES.values())
    assert told["fits"] is True
    files = told["files"]
    assert isinstance(files, list)
    assert [each["path"] for each in files] == list(FILES)
    assert [set(each["hashes"]) for each in files] == [{"gcid"}] * 3
    assert (nothing["known"], nothing["size"], nothing["fits"]) == (False, None, None)

    shown = stage.home.run("offline", "look", "pk:", magnet, unknown, "nonsense")
    assert shown.code == 2
    assert "set  3 files  3.0 MiB" in shown.out
    assert "3.0 MiB  film.mkv" in shown.out
    assert f"{'ef' * 20}  not known yet" in shown.out
    assert "At least 3.0 MiB to come" in shown.err
    assert "nonsense is no link PikPak could fetch." in shown.err
    assert rows(stage) == []

    stage.switch("pikpak.quota", 900)
    full = stage.home.run("offline", "look", magnet).ok()
    assert "It does not fit: 3.0 MiB to come, 900 B free on PikPak." in full.err
    assert stage.home.run("offline", "look", "--json", magnet).ok().value["fits"] is False


def test_a_download_is_told_file_by_file(stage: Stage) -> None:
    stage.switch("pikpak.offline", "stuck")
    stage.home.run("offline", "add", known_magnet(stage), "--to", "pk:/o").ok()
    (row,) = rows(stage)
    stage.admin.age(60)
    told = stage.home.run("offline", "show", "--json", "pk:", str(row["id"])).ok().value
    files = told["files"]
    assert isinstance(files, list)
    assert [(each["name"], each["phase"], each["percent"]) for each in files] == [
        ("film.mkv", "fetching", 40),
        ("b].srt", "waiting", 0),
        ("odd\x1b[2J.txt", "waiting", 0),
    ]
    shown = stage.home.run("offline", "show", "pk:", str(row["id"]), "nope")
    assert shown.code == 3
    assert "There is no task nope." in shown.err
    assert "fetching   40%    3.0 MiB  film.mkv" in shown.out
    stage.admin.fault(listener="pikpak.drive", match="*/statuses*", kind="status", code=404)
    calm = stage.home.run("offline", "show", "pk:", str(row["id"])).ok()
    assert "PikPak does not tell how far single files are." in calm.err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["offline", "add", "magnet:?xt=urn:btih:12", "--to", "pk:/o"], 2, "is no link PikPak"),
        (["offline", "add", "ftp://host/x", "--to", "pk:/o"], 2, "http, https, magnet and ed2k"),
        (["offline", "add", "http://x/", "--to", "pk:/o", "--fetch", "pc:/"], 2, "no folder of"),
        (["offline", "look", "magnet:?xt=urn:btih:12"], 2, "is no link PikPak"),
        (["offline", "look", "pc:", "http://x/y"], 8, "pCloud does not tell what lies behind"),
        (["offline", "show", "pc:", "nope"], 3, "There is no task nope"),
        (["offline", "retry", "pk:", "nope"], 3, "no longer on PikPak"),
        (["offline", "rm", "pk:", "nope"], 3, "There is no task nope"),
        (["offline", "fetch", "pk:", "nope", "--to", "."], 3, "There is no task nope"),
        (["offline", "fetch", "pk:", "nope"], 2, "--to DIR says where"),
        (["share", "rm", "pk:", "nope"], 3, "There is no link nope"),
        (["extract", "pk:/z/locked.zip"], 8, "A password is needed"),
        (["extract", "pk:/z/broken.zip"], 8, "cannot read pk:/z/broken.zip as an archive"),
        (["extract", "pk:/z/a.tar"], 8, "zip, 7z and rar, not tar"),
        (["extract", "pk:/z/no.zip"], 3, "There is no entry pk:/z/no.zip"),
        (["extract", "pk:/z"], 8, "A password is needed"),
        (["mkdir", "pk:/" + "n" * 256], 2, "too long a name for PikPak"),
        (["mv", "pk:/z", "pk:/z/"], 2, "cannot be moved into itself"),
        (["link", "pk:/z"], 8, "is a folder"),
        (["stat", "pk:#nope"], 3, "no longer on PikPak"),
    ],
)
def test_bad_input_gives_its_sentence_and_code(
    filled: Stage, words: list[str], code: int, sentence: str
) -> None:
    ended = filled.home.run(*words)
    assert (ended.code, sentence in ended.err) == (code, True), ended.err
    assert "Traceback" not in ended.err


@pytest.fixture(scope="module")
def filled(box: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Archives that cannot be unpacked; nothing here changes them."""
    made = Stage(box, tmp_path_factory.mktemp("filled"))
    made.put("pk", "/z/locked.zip", archive("open sesame"))
    made.put("pk", "/z/broken.zip", b"no archive")
    made.put("pk", "/z/a.tar", b"no archive")
    yield made
    made.close()


def test_a_wrong_and_a_right_password(filled: Stage) -> None:
    locked = ("extract", "pk:/z/locked.zip", "--to", "pk:/out", "--password-stdin", "--json")
    wrong = filled.home.run(*locked, given="guess\n")
    assert wrong.code == 8
    assert "Another password is needed for pk:/z/locked.zip." in wrong.err
    right = filled.home.run(*locked, given="open sesame\n").ok()
    assert right.value == {"Decompressed": 1, "SourceDeleted": 0, "Errors": 0}
    assert filled.tree("pk", "/out")
