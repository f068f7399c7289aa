"""`share look` and `share save`: what others share; `share set`: what one shares oneself."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Place
from tests.cloudtui_process import Home
from tests.sandbox_process import SandboxProcess

CODE = "c0de77"


@pytest.fixture
def shared(box: SandboxProcess, tmp_path: Path) -> str:
    """Somebody else's link, locked, to `show`: a folder with two seasons and a note."""
    name = f"other-{tmp_path.name}@example.com"
    box.admin.account("pikpak", username=name, password="pw")
    for path in ("s1/e1.mkv", "s1/e2.mkv", "s2/e1.mkv", "note [b].txt"):
        box.admin.order("pikpak", "put", username=name, path=f"/show/{path}", text=path)
    made = box.admin.order("pikpak", "share", username=name, paths=["/show"], pass_code=CODE)
    return str(made["url"])


def test_what_others_share_is_listed(home: Home, shared: str) -> None:
    locked = home.run("share", "look", shared)
    assert (locked.code, "A pass code is needed" in locked.err) == (8, True)
    assert home.run("share", "look", shared, "--password-stdin", given="no\n").code == 8
    top = home.run("share", "look", shared, "--password-stdin", given=f"{CODE}\n").ok()
    assert top.out == "show/\n"
    opened = f"{shared}?pwd={CODE}"
    inside = home.run("share", "look", opened, "/show/", "--json").ok()
    rows = {row["name"]: row for row in inside.values}
    assert set(rows) == {"s1", "s2", "note [b].txt"}
    note = rows["note [b].txt"]
    assert (note["path"], note["type"], note["size"]) == ("/show/note [b].txt", "file", 12)
    assert note["hashes"]["gcid"]
    missing = home.run("share", "look", opened, "show/s3")
    assert (missing.code, missing.err) == (3, "There is no s3 in show.\n")
    by_id = f"{shared}/{rows['s1']['id']}?pwd={CODE}"
    lines = home.run("share", "look", by_id, "-l").ok().out.splitlines()
    assert [(line.split()[0], line.split()[-1]) for line in lines] == [
        ("9", "e1.mkv"),
        ("9", "e2.mkv"),
    ]
    url = home.run("share", "look", opened, f"show/#{note['id']}", "--link").ok().out.strip()
    assert httpx.get(url, trust_env=False).content == b"note [b].txt"
    told = home.run("share", "look", opened, "show/note [b].txt", "--link", "--json").ok().value
    assert told["url"].startswith("http")
    for ended in (locked, top, inside, missing):
        assert CODE not in ended.out + ended.err


def test_parts_of_what_others_share_are_saved(home: Home, shared: str, tmp_path: Path) -> None:
    target = f"pk:/{tmp_path.name}/in"
    words = ("share", "save", shared, "show/s1/e2.mkv", "show/s2", target, "--password-stdin")
    saved = home.run(*words, given=f"{CODE}\n").ok()
    assert saved.out == f"saved  e2.mkv and 1 more  {target}\n"
    assert home.run("ls", "-R", target).ok().out == "s2/\ne2.mkv\ns2/e1.mkv\n"
    missing = home.run("share", "save", f"{shared}?pwd={CODE}", "show/s1", "show/s9", target)
    assert (missing.code, missing.err) == (3, "There is no s9 in show.\n")
    whole = home.run("share", "save", f"{shared}?pwd={CODE}", f"{target}/all", "--json").ok()
    assert whole.value["target"] == f"{target}/all/show".removeprefix("pk:")
    assert home.run("ls", target).ok().out == "all/\ns2/\ne2.mkv\n"
    assert home.run("cat", f"{target}/all/show/s1/e1.mkv").ok().out == "s1/e1.mkv"


def test_where_one_thing_was_saved_is_told(
    home: Home, box: SandboxProcess, shared: str, tmp_path: Path
) -> None:
    target = f"pk:/{tmp_path.name}/in"
    words = ("share", "save", f"{shared}?pwd={CODE}", "show/s1/e2.mkv", target)
    assert home.run(*words).ok().out == f"saved  e2.mkv  {target}/e2.mkv\n"
    box.admin.switch("pikpak.save_told", False)  # noqa: FBT003
    try:
        told = home.run("share", "save", f"{shared}?pwd={CODE}", "show/s2/e1.mkv", target).ok()
    finally:
        box.admin.switch("pikpak.save_told", None)
    assert told.out == f"saved  e1.mkv  {target}/e1.mkv\n"


def test_what_was_there_already_is_told(
    home: Home, box: SandboxProcess, shared: str, tmp_path: Path
) -> None:
    target = f"pk:/{tmp_path.name}/in"
    words = ("share", "save", f"{shared}?pwd={CODE}", "show/s1/e1.mkv", "show/s1/e2.mkv", target)
    box.admin.switch("pikpak.save_fails", 1)
    half = home.run(*words)
    assert (half.code, "only what is missing comes" in half.err) == (8, True)
    again = home.run(*words).ok()
    assert again.out == f"saved  e1.mkv and 1 more  {target}  (already there: 1)\n"
    assert home.run("ls", target).ok().out == "e1.mkv\ne2.mkv\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("look", "https://example.com/s/x"), 2, "is no link to a share"),
        (("look", "https://mypikpak.com/s/x", "--as", "pc:"), 8, "pCloud does not look into"),
        (("save", "https://mypikpak.com/s/x?pwd=abc", "/tmp"), 8, "does not look into"),
        (("save", "https://mypikpak.com/s/x"), 2, "Missing argument"),
    ],
)
def test_what_is_no_share_is_refused(
    home: Home, words: tuple[str, ...], code: int, said: str
) -> None:
    ended = home.run("share", *words)
    assert (ended.code, said in ended.err, "abc" in ended.err) == (code, True, False)


def test_other_limits_for_a_link(home: Home, place: Place, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"a")
    home.run("cp", source, f"{place.top}/a.txt").ok()
    made = home.run("share", "add", f"{place.top}/a.txt", "--json").ok().value
    there = f"{place.name}:"
    words = ("share", "set", there, made["url"], "--password-stdin", "--days", "3", "--json")
    changed = home.run(*words, given="s3cret99\n").ok().value
    assert (changed["id"], changed["url"], changed["protected"]) == (
        made["id"],
        made["url"],
        True,
    )
    assert changed["expires"]
    new = home.run("share", "set", there, made["id"], "--new-password").ok()
    assert made["url"] in new.out
    code = new.err.rpartition(" ")[2].strip()
    assert len(code) == 8
    assert code not in new.out
    assert code not in home.run("share", "ls", there).ok().out
    free = home.run("share", "set", there, made["id"], "--no-password", "--days", "0").ok()
    assert free.out == f"{made['url']}  (without end)\n"
    assert home.run("share", "set", there, made["id"]).code == 2
    assert home.run("share", "set", there, made["id"], "--ask-password").code == 4
    assert home.run("share", "set", there, "nope?pwd=secret77", "--days", "1").code == 3


def test_passwords_are_listed_on_request(home: Home, box: SandboxProcess, tmp_path: Path) -> None:
    path = f"/{tmp_path.name}.txt"
    box.admin.order("pikpak", "put", path=path, text="a")
    words = ("share", "add", f"pk:{path}", "--password-stdin", "--json")
    made = home.run(*words, given="s3cret99\n").ok().value
    box.admin.switch("pikpak.share_edit", "ignored")
    try:
        refused = home.run("share", "set", "pk:", made["id"], "--no-password")
    finally:
        box.admin.switch("pikpak.share_edit", "ok")
    assert (refused.code, "as it was" in refused.err) == (8, True)
    (plain,) = [row for row in _listed(home) if row["id"] == made["id"]]
    assert "password" not in plain
    assert (plain["views"], plain["files"], plain["size"]) == (0, 1, 1)
    (told,) = [row for row in _listed(home, "--passwords") if row["id"] == made["id"]]
    assert told["password"] == "s3cret99"
    assert "password s3cret99" in home.run("share", "ls", "pk:", "--passwords").ok().out


def _listed(home: Home, *words: str) -> list[dict[str, object]]:
    return home.run("share", "ls", "pk:", "--json", *words).ok().values
