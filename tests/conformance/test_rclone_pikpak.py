"""rclone 1.75.2, unmodified, under PikPak's real host names through a CONNECT front."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from tests.conformance.rclone_on_pikpak import Setup

pytestmark = [
    pytest.mark.conformance,
    pytest.mark.xdist_group("rclone-pikpak"),
    pytest.mark.usefixtures("usual_switches"),
]
MIB = 1024 * 1024
NAMES = (
    "with spaces in it.txt",
    "\u6f22\u5b57\u306e\u540d\u524d.txt",
    "emoji \U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467.txt",
    'it\'s "quoted" & <marked>.txt',
    "colon:name?star*pipe|.txt",
    " lead and trail ",
    "trail.",
    "percent%41#hash+plus.txt",
)


def test_signing_in_left_a_refreshable_token(setup: Setup) -> None:
    shown = json.loads(setup.rclone.ok("config", "dump"))["pp"]
    token = json.loads(shown["token"])
    assert token["refresh_token"].startswith("os.")
    assert "user.mypikpak.com" in setup.front.seen


def test_folders(setup: Setup) -> None:
    rclone = setup.rclone
    rclone.ok("mkdir", "pp:folders/one/two")
    rclone.ok("mkdir", "pp:folders/three")
    assert rclone.lines("lsf", "-R", "pp:folders") == ["one/", "one/two/", "three/"]
    rclone.ok("rmdir", "pp:folders/three")
    assert rclone.run("rmdir", "pp:folders/one").returncode != 0
    rclone.ok("purge", "pp:folders")
    assert "folders/" not in rclone.lines("lsf", "pp:")


@pytest.mark.parametrize("size", [0, 1, 5 * MIB, 60 * MIB])
def test_files_go_up_and_come_down_byte_equal(setup: Setup, tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    source = tmp_path / "source"
    source.mkdir()
    (source / "file.bin").write_bytes(content)
    place = f"pp:sizes/{size}"
    setup.rclone.ok("copy", str(source), place)
    setup.rclone.ok("check", "--download", str(source), place)
    stored = setup.nodes()[f"/sizes/{size}/file.bin"]
    assert stored["sha1"] == hashlib.sha1(content).hexdigest()
    assert stored["gcid"] == stored["gcid_of_bytes"] or size == 0
    back = tmp_path / "back"
    setup.rclone.ok("copy", place, str(back))
    assert (back / "file.bin").read_bytes() == content


def test_names(setup: Setup, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number, name in enumerate(NAMES):
        (source / name).write_text(f"content {number}")
    setup.rclone.ok("copy", str(source), "pp:names")
    assert setup.rclone.lines("lsf", "pp:names") == sorted(NAMES)
    setup.rclone.ok("check", "--download", str(source), "pp:names")
    stored = {path.rpartition("/")[2] for path in setup.nodes() if path.startswith("/names/")}
    assert "colon\uff1aname\uff1fstar\uff0apipe\uff5c.txt" in stored


def test_multipart(setup: Setup, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "big.bin").write_bytes(os.urandom(23 * MIB + 17))
    before = setup.sandbox.admin.log()[-1]["seq"]
    setup.rclone.ok("copy", "--pikpak-upload-cutoff=10Mi", str(source), "pp:multipart")
    setup.rclone.ok("check", "--download", "--one-way", str(source), "pp:multipart")
    log = setup.sandbox.admin.log(before)
    parts = [item for item in log if item["method"] == "PUT" and "partNumber" in item["query"]]
    assert len(parts) == 5


def test_a_file_above_the_real_multipart_limit(setup: Setup, tmp_path: Path) -> None:
    source = tmp_path / "huge.bin"
    piece = os.urandom(MIB)
    with source.open("wb") as file:
        for number in range(210):
            file.write(number.to_bytes(4, "big") + piece[4:])
    setup.rclone.ok("copyto", str(source), "pp:huge/huge.bin")
    with source.open("rb") as file:
        told = hashlib.file_digest(file, "sha1").hexdigest()
    stored = setup.nodes()["/huge/huge.bin"]
    assert (stored["sha1"], stored["gcid"]) == (told, stored["gcid_of_bytes"])
    setup.rclone.ok("deletefile", "--pikpak-use-trash=false", "pp:huge/huge.bin")


def test_known_content_is_not_sent_again(setup: Setup, tmp_path: Path) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(os.urandom(MIB))
    setup.rclone.ok("copyto", str(source), "pp:instant/first.bin")
    before = len(setup.sandbox.admin.log())
    setup.rclone.ok("copyto", str(source), "pp:instant/second.bin")
    later = setup.sandbox.admin.log()[before:]
    assert [item for item in later if item["listener"] == "pikpak.upload"] == []
    assert {"/instant/first.bin", "/instant/second.bin"} <= set(setup.nodes())


def test_overwriting_moving_and_copying(setup: Setup, tmp_path: Path) -> None:
    rclone = setup.rclone
    source = tmp_path / "a.txt"
    source.write_text("first")
    rclone.ok("copyto", str(source), "pp:moves/a.txt")
    source.write_text("second, longer")
    rclone.ok("copyto", str(source), "pp:moves/a.txt")
    assert rclone.ok("cat", "pp:moves/a.txt") == "second, longer"
    rclone.ok("moveto", "pp:moves/a.txt", "pp:moves/deep/b.txt")
    rclone.ok("copyto", "pp:moves/deep/b.txt", "pp:moves/c.txt")
    rclone.ok("copyto", "pp:moves/c.txt", "pp:moves/d.txt")
    rclone.ok("moveto", "pp:moves/deep", "pp:moves/deeper")
    assert rclone.lines("lsf", "-R", "pp:moves") == ["c.txt", "d.txt", "deeper/", "deeper/b.txt"]
    for name in ("c.txt", "d.txt", "deeper/b.txt"):
        assert rclone.ok("cat", f"pp:moves/{name}") == "second, longer"


def test_deleting_with_and_without_the_trash(setup: Setup, tmp_path: Path) -> None:
    rclone = setup.rclone
    source = tmp_path / "a.txt"
    source.write_text("to the trash")
    rclone.ok("copyto", str(source), "pp:trash/kept.txt")
    source.write_text("gone at once")
    rclone.ok("copyto", str(source), "pp:trash/gone.txt")
    rclone.ok("deletefile", "pp:trash/kept.txt")
    rclone.ok("deletefile", "--pikpak-use-trash=false", "pp:trash/gone.txt")
    assert rclone.lines("lsf", "pp:trash") == []
    shown = rclone.lines("lsf", "-R", "--files-only", "--pikpak-trashed-only", "pp:trash")
    assert shown == ["kept.txt"]
    rclone.ok("cleanup", "pp:")
    assert rclone.lines("lsf", "-R", "--files-only", "--pikpak-trashed-only", "pp:trash") == []


def test_about(setup: Setup) -> None:
    told = json.loads(setup.rclone.ok("about", "--json", "pp:"))
    account = setup.sandbox.admin.state("pikpak")["accounts"]["demo@example.com"]
    assert told["total"] == 10 * 1024**4
    assert told["used"] == account["used"]


def test_public_links(setup: Setup, tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("shared")
    setup.rclone.ok("copyto", str(source), "pp:links/a.txt")
    link = setup.rclone.ok("link", "pp:links/a.txt").strip()
    shares = setup.sandbox.admin.state("pikpak")["shares"]
    assert link == f"https://mypikpak.com/s/{shares[-1]['id']}"


def test_offline_tasks(setup: Setup, tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("fetched by the service")
    setup.rclone.ok("copyto", str(source), "pp:offline/origin.txt")
    origin = setup.sandbox.endpoints["pikpak"]["content_url"]
    magnet = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=Long%20ferry"
    task = json.loads(setup.rclone.ok("backend", "addurl", "pp:offline", magnet))
    assert task["type"] == "offline"
    named = json.loads(
        setup.rclone.ok("backend", "addurl", "pp:offline", f"{origin}/none", "-o", "name=x")
    )
    assert named["name"] == "x"
    setup.sandbox.admin.age(10)
    assert setup.rclone.lines("lsf", "pp:offline") == ["Long ferry/", "origin.txt"]


def test_decompression(setup: Setup) -> None:
    setup.sandbox.admin.seed("pikpak:library")
    done = setup.rclone.ok("backend", "decompress", "pp:Archives", "project.zip")
    assert json.loads(done) == {"Decompressed": 1, "SourceDeleted": 0, "Errors": 0}
    locked = setup.rclone.run(
        *("backend", "decompress", "pp:Archives", "locked.zip", "-o", "password=wrong")
    )
    assert locked.returncode != 0
    setup.rclone.ok(
        *("backend", "decompress", "pp:Archives", "locked.zip", "-o", "password=harbour"),
        *("-o", "delete-src-file"),
    )
    setup.sandbox.admin.age(10)
    shown = setup.rclone.lines("lsf", "-R", "--files-only", "pp:Archives")
    inside = ("data/numbers.csv", "picture.png", "readme.txt")
    expected = [f"{top}/project/{name}" for top in ("locked", "project") for name in inside]
    assert shown == sorted([*expected, "project.zip"])


def test_md5_sums_when_the_service_has_them(setup: Setup, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.txt").write_text("summed")
    setup.rclone.ok("copy", str(source), "pp:sums")
    assert setup.rclone.ok("md5sum", "pp:sums").split() == ["a.txt"]
    setup.sandbox.admin.switch("pikpak.md5", "always")
    assert setup.rclone.ok("md5sum", "pp:sums").split() == [
        hashlib.md5(b"summed").hexdigest(),
        "a.txt",
    ]
    done = setup.rclone.run("check", str(source), "pp:sums", "-v")
    assert "0 differences" in done.stderr
    assert "hashes could not be checked" not in done.stderr


def test_a_planned_captcha_refusal_is_cured(setup: Setup) -> None:
    setup.sandbox.admin.fault(
        kind="api_code",
        listener="pikpak.drive",
        match="GET /drive/v1/files",
        code={"error_code": 9, "error": "captcha_invalid", "status": 400},
    )
    setup.rclone.ok("lsf", "pp:")
    inits = [item for item in setup.sandbox.admin.log() if item["path"].endswith("captcha/init")]
    assert len(inits) >= 2


def test_a_spent_refresh_token_ends_in_a_new_sign_in(setup: Setup, tmp_path: Path) -> None:
    config = Path(setup.rclone.environment["RCLONE_CONFIG"])
    told = setup.rclone.ok("config", "dump")
    token = json.loads(json.loads(told)["pp"]["token"])
    token["expiry"] = "2020-01-01T00:00:00Z"
    token["refresh_token"] = "os.spent"
    lines = [
        f"token = {json.dumps(token)}" if line.startswith("token") else line
        for line in config.read_text().splitlines()
    ]
    config.write_text("\n".join(lines) + "\n")
    setup.rclone.ok("lsf", "pp:")
    again = json.loads(json.loads(setup.rclone.ok("config", "dump"))["pp"]["token"])
    assert again["refresh_token"] != "os.spent"
    # A good refresh token is used up by the next renewal.
    token = {**again, "expiry": "2020-01-01T00:00:00Z"}
    lines = [
        f"token = {json.dumps(token)}" if line.startswith("token") else line
        for line in config.read_text().splitlines()
    ]
    config.write_text("\n".join(lines) + "\n")
    setup.rclone.ok("lsf", "pp:")
    third = json.loads(json.loads(setup.rclone.ok("config", "dump"))["pp"]["token"])
    assert third["refresh_token"] != again["refresh_token"]


def test_slow_tasks_are_waited_for(setup: Setup, tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("slow")
    setup.rclone.ok("copyto", str(source), "pp:slow/a.txt")
    setup.sandbox.admin.switch("pikpak.batch_seconds", 2)
    setup.sandbox.admin.switch("pikpak.upload_seconds", 2)
    setup.rclone.ok("moveto", "pp:slow/a.txt", "pp:slow/b.txt")
    source.write_text("slower")
    setup.rclone.ok("copyto", str(source), "pp:slow/c.txt")
    setup.rclone.ok("delete", "pp:slow")
    assert setup.rclone.lines("lsf", "pp:slow") == []
