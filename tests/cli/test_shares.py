"""`share`, `revisions` and `token`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from tests.cli.conftest import Place
from tests.cloudtui_process import Home
from tests.sandbox_process import SandboxProcess


def put(home: Home, tmp_path: Path, loc: str, content: bytes) -> None:
    source = tmp_path / "source"
    source.write_bytes(content)
    home.run("cp", "--on-conflict", "overwrite", source, loc).ok()


def test_links_are_made_listed_and_taken_back(home: Home, place: Place, tmp_path: Path) -> None:
    put(home, tmp_path, f"{place.top}/a.txt", b"a")
    url = home.run("share", "add", f"{place.top}/a.txt").ok().out.strip()
    assert url.startswith("http")
    listed = home.run("share", "ls", f"{place.name}:", "--json").ok().values
    (mine,) = [each for each in listed if each["url"] == url]
    assert mine["name"] == "a.txt"
    assert mine["expires"] is None
    assert not mine["protected"]
    text = home.run("share", "ls", f"{place.name}:").ok().out
    assert f"{mine['id']}  {url}" in text
    home.run("share", "rm", f"{place.name}:", mine["id"]).ok()
    assert url not in home.run("share", "ls", f"{place.name}:").ok().out


def test_limits_of_a_link(home: Home, box: SandboxProcess, tmp_path: Path) -> None:
    loc = f"pc:/{tmp_path.name}-limits.txt"
    put(home, tmp_path, loc, b"a")
    words = ("share", "add", loc, "--days", "3", "--downloads", "5", "--password-stdin", "--json")
    made = home.run(*words, given="s3cret\n").ok().value
    assert (made["max_downloads"], made["protected"]) == (5, True)
    # by the servers' clock: other tests let their time pass
    left = datetime.fromisoformat(made["expires"]).timestamp() - box.admin.now()
    assert abs(left - 3 * 86400) < 300
    (listed,) = [
        each
        for each in home.run("share", "ls", "pc:", "--json").ok().values
        if each["id"] == made["id"]
    ]
    assert (listed["path"], listed["max_downloads"]) == (loc.removeprefix("pc:"), 5)
    assert "password" not in listed
    free = home.run("share", "add", loc, "--days", "0", "--downloads", "0", "--json").ok().value
    assert (free["id"], free["expires"], free["max_downloads"]) == (made["id"], None, None)
    assert free["protected"]
    refused = home.run("share", "add", loc, "--password-stdin")
    assert refused.code == 4
    assert home.run("share", "rm", "pc:", "nonsense").code == 3
    assert home.run("share", "add", "/etc/hostname").code == 8


def test_a_delete_says_which_links_went_with_it(home: Home, tmp_path: Path) -> None:
    loc = f"pc:/{tmp_path.name}-linked.txt"
    put(home, tmp_path, loc, b"a")
    home.run("share", "add", loc).ok()
    gone = home.run("rm", loc).ok()
    assert "A public link to it was taken back." in gone.err
    back = home.run("trash", "restore", loc).ok()
    assert "public link" in back.out
    assert "public link" not in home.run("rm", loc).ok().err


def test_versions_from_the_command_line(home: Home, tmp_path: Path) -> None:
    loc = f"pc:/{tmp_path.name}-versions.txt"
    for content in (b"first", b"second one"):
        put(home, tmp_path, loc, content)
    now, old = home.run("revisions", loc, "--json").ok().values
    assert (now["current"], now["size"], old["current"], old["size"]) == (True, 10, False, 5)
    assert f"{old['id']}  " in home.run("revisions", loc).ok().out
    assert home.run("revisions", loc, "cat", old["id"]).ok().out == "first"
    assert home.run("cat", loc).ok().out == "second one"
    home.run("revisions", loc, "restore", old["id"]).ok()
    assert home.run("cat", loc).ok().out == "first"
    assert home.run("revisions", loc, "restore", "7").code == 3
    assert home.run("revisions", loc, "burn", "7").code == 2
    assert home.run("revisions", "/etc/hostname").code == 8


def test_tokens_that_may_not_be_listed(home: Home) -> None:
    told = home.run("token", "pc:").ok()
    assert told.out.startswith("this  cloudtui (us), from the environment")
    assert "does not show" in told.err
    token = home.environ["CLOUDTUI_ACCOUNT__PC__TOKEN"]
    checked = home.run("token", "pc:", "check", "--json").ok()
    verdicts = {each["method"]: each["verdict"] for each in checked.values}
    assert verdicts["listfolder"] == "open"
    assert verdicts["listrevisions"] == "open"
    assert verdicts["revertrevision"] == "open"
    assert verdicts["trash_list"] == "closed to apps"
    assert verdicts["deletetoken"] == "closed to apps"
    assert verdicts["collection_list"] == "closed to apps"
    assert verdicts["file_open"] == "not permitted"
    assert "ana@example.com" in checked.err
    assert token not in told.out + told.err + checked.out + checked.err
    refused = home.run("token", "pc:", "rm", "this")
    assert (refused.code, "environment" in refused.err) == (4, True)
    assert home.run("token", "pc:", "rm").code == 2
    assert home.run("token", "/tmp").code == 2
    assert home.run("token", "pk:", "check").ok().err.strip()


def test_tokens_that_may_be_listed_and_ended(home: Home, box: SandboxProcess) -> None:
    made = [box.admin.order("pcloud", "add_tokens", kind="session")["token"] for _ in range(2)]
    home.environ["CLOUDTUI_ACCOUNT__PC__TOKEN"] = made[0]
    before = home.run("token", "pc:", "ls", "--json").ok().values
    state = box.admin.state("pcloud")["tokens"]
    newest = max(each["id"] for each in state if each["kind"] == "session")
    assert str(newest) in {each["id"] for each in before}
    home.run("token", "pc:", "rm", str(newest)).ok()
    after = {each["id"] for each in home.run("token", "pc:", "--json").ok().values}
    assert after == {each["id"] for each in before} - {str(newest)}
    assert home.run("token", "pc:", "rm", str(newest)).code == 3
