"""`star`, `history` and what `quota` tells of invitations."""

from __future__ import annotations

from pathlib import Path

from tests.cloudtui_process import Home
from tests.sandbox_process import SandboxProcess


def put(home: Home, tmp_path: Path, loc: str, *names: str) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(name.encode())
    home.run("cp", "-r", f"{folder}/", loc).ok()


def test_stars_are_put_on_listed_and_taken_off(home: Home, tmp_path: Path) -> None:
    top = f"pk:/{tmp_path.name}"
    put(home, tmp_path, f"{top}/", "a.txt", "b.txt", "c.txt", "d.txt")
    done = home.run("star", "--json", f"{top}/a.txt", f"{top}/b.txt", top, f"{top}/no").values
    assert [each.get("starred") for each in done] == [None, True, True, True]
    assert done[0]["error"]["code"] == "not_found"
    assert home.run("star", "--list", f"{top}/").ok().out.splitlines() == [
        f"{top}/",
        f"{top}/a.txt",
        f"{top}/b.txt",
    ]
    listed = home.run("ls", "--json", top).ok().values
    assert [each["name"] for each in listed if each.get("starred")] == ["a.txt", "b.txt"]
    assert "also      starred" in home.run("stat", f"{top}/a.txt").ok().out
    home.run("star", "--off", f"{top}/a.txt", f"{top}/c.txt").ok()
    left = home.run("star", "--list", "--json", "pk:").ok().values
    mine = [each["path"] for each in left if each["path"].startswith(f"/{tmp_path.name}/")]
    assert mine == [f"/{tmp_path.name}/b.txt"]
    assert home.run("star", "--off", "--list", "pk:").code == 2
    assert home.run("star", f"{top}/no").code == 3
    for other in ("/etc/hostname", "pc:/"):
        refused = home.run("star", other)
        assert (refused.code, "keeps no stars" in refused.err) == (8, True)


def test_a_history_is_told_limited_and_forgotten(
    home: Home, box: SandboxProcess, tmp_path: Path
) -> None:
    home.run("history", "pk:", "clear").ok()
    put(home, tmp_path, f"pk:/{tmp_path.name}/", "a", "b", "c")
    lines = home.run("history", "pk:", "--json").ok().values
    assert {line["name"] for line in lines} == {"a", "b", "c"}
    assert {line["kind"] for line in lines} == {"uploaded"}
    assert all(line["trashed"] is False and line["size"] == 1 for line in lines)
    told = home.run("history", "pk:", "--kind", "uploaded", "--limit", "2").ok()
    assert [row.split()[0] for row in told.out.splitlines()] == [each["id"] for each in lines[:2]]
    assert "the newest 2 lines; more follow" in told.err
    whole = home.run("history", "pk:", "ls", "--limit", "3").ok()
    assert (len(whole.out.splitlines()), whole.err) == (3, "")
    home.run("history", "pk:", "rm", lines[0]["id"], lines[2]["id"]).ok()
    left = home.run("history", "pk:", "--json").ok().values
    assert [each["id"] for each in left] == [lines[1]["id"]]
    assert home.run("history", "pk:", "--kind", "played", "--json").ok().values == []
    found = home.run("stat", f"pk:#{left[0]['file_id']}", "--json").ok().value
    assert found["path"] == f"/{tmp_path.name}/{left[0]['name']}"
    for words in (("rm",), ("burn", "x"), ("clear", "x")):
        assert home.run("history", "pk:", *words).code == 2
    assert home.run("history", "pk:", "--limit", "0").code == 2
    refused = home.run("history", "pc:")
    assert (refused.code, "pCloud keeps no history." in refused.err) == (8, True)


def test_a_code_to_invite_others_with_is_shown_when_asked_for(home: Home) -> None:
    assert "invite" not in home.run("quota", "pk:").ok().out
    told = home.run("quota", "pk:", "--invite", "--json").ok().value
    assert told["invite"].isalnum()
    assert f"invite   {told['invite']}" in home.run("quota", "pk:", "--invite").ok().out
    assert home.run("quota", "pc:", "--invite").code == 8
