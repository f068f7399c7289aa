"""Links, versions, archives and playlists, from the keys to what the clouds hold afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from textual.widgets import Input, TextArea

from cloudtui.app import CloudApp
from cloudtui.screens.links import LinkDialog
from tests.sandbox_process import SandboxProcess, start_sandbox
from tests.screens.driving import press, settle
from tests.screens.real_clouds import PATIENCE, fill, no_box, on_clouds, on_row, see, shown

pytestmark = pytest.mark.program

LOCKED = "harbour"
"""Password of the library's locked archive."""


@pytest.fixture
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with start_sandbox(tmp_path_factory.mktemp("clouds"), "--seed", "library") as running:
        yield running


def account(box: SandboxProcess) -> dict[str, Any]:
    """What pCloud holds of the account in use."""
    accounts = box.admin.state("pcloud")["accounts"]
    found: dict[str, Any] = next(each for each in accounts if each["region"] == "us")
    return found


def files(box: SandboxProcess, below: str) -> set[str]:
    """Paths of PikPak's files below a folder."""
    account = box.admin.state("pikpak")["accounts"][box.endpoints["pikpak"]["username"]]
    paths = {node["path"] for node in account["nodes"] if not node["trashed"]}
    return {path for path in paths if path.startswith(below)}


def link_of(app: CloudApp) -> str:
    assert isinstance(app.screen, LinkDialog)
    return str(app.screen.link)


async def test_a_link_on_pcloud_is_made_limited_changed_and_taken_back(
    box: SandboxProcess, tmp_path: Path
) -> None:
    async with on_clouds(box, tmp_path, "pc:/Documents", "pk:/") as (app, pilot):
        await on_row(app, pilot, "Welcome.txt")
        await press(pilot, "c", "s")
        await see(app, pilot, "Everybody who has the link can read it")
        fill(app, "days", "soon")
        await press(pilot, "enter", "enter", "enter")
        await see(app, pilot, "a whole number is wanted")
        fill(app, "days", "3")
        fill(app, "password", "open sesame")
        app.screen.query_one("#password", Input).focus()
        await press(pilot, "enter")
        text = await see(app, pilot, "It asks for the password open sesame", "works until")
        link = link_of(app)
        assert link.startswith("http")
        assert "Sent to the terminal's clipboard." in text
        await press(pilot, "escape", "g", "s")
        await see(app, pilot, "1 link", "Welcome.txt", "/Documents", "password")
        await press(pilot, "e")
        await see(app, pilot, "Limits of a public link", "0: no limit")
        app.screen.query_one("#answer-1").focus()  # without password
        await press(pilot, "enter")
        await see(app, pilot, "Changed the link to Welcome.txt.")
        await press(pilot, "e")
        await see(app, pilot, "Limits of a public link")
        fill(app, "days", "0")
        fill(app, "downloads", "7")
        app.screen.query_one("#answer-0").focus()
        await press(pilot, "enter")
        await see(app, pilot, "no end", "0 of 7 times")
        assert "password" not in shown(app)
        await press(pilot, "enter")
        await see(app, pilot, "works without end, 0 of 7 downloads used")
        assert link_of(app) == link
        await press(pilot, "escape", "x")
        await see(app, pilot, "Whoever has one cannot use it any more.")
        await press(pilot, "t")
        await see(app, pilot, "No public links.")
        assert all(link["deleted"] for link in account(box)["publinks"])
        await press(pilot, "escape")
        await no_box(app, pilot)
        assert link not in "\n".join(app.remembered())


async def test_a_link_on_pikpak_gets_days_and_a_pass_code_and_is_taken_back(
    box: SandboxProcess, tmp_path: Path
) -> None:
    async with on_clouds(box, tmp_path, "pk:/Documents", "pc:/") as (app, pilot):
        await on_row(app, pilot, "Welcome.txt")
        await press(pilot, "c", "s")
        text = await see(app, pilot, "Everybody who has the link can read it")
        assert "Downloads" not in text  # PikPak has no such limit
        fill(app, "days", "7")
        fill(app, "password", "abcd12")
        app.screen.query_one("#password", Input).focus()
        await press(pilot, "enter")
        await see(app, pilot, "It asks for the password", "works until")
        await press(pilot, "escape", "g", "s")
        await see(app, pilot, "1 link", "Welcome.txt", "password")
        await press(pilot, "e")
        await see(app, pilot, "Limits of a public link", "Make one up")
        app.screen.query_one("#answer-2").focus()
        await press(pilot, "enter")
        await see(app, pilot, "It asks for the password", "works until")
        (link,) = box.admin.state("pikpak")["shares"]
        assert link["pass_code"] != "abcd12"
        assert f"It asks for the password {link['pass_code']}" in shown(app)
        await press(pilot, "escape", "o")
        await no_box(app, pilot)
        view = app.main.active.view
        assert view.current is not None
        assert view.current.name == "Welcome.txt"
        await press(pilot, "g", "s")
        await see(app, pilot, "1 link", "Welcome.txt")
        await press(pilot, "ctrl+a", "x")
        await see(app, pilot, "Take public links back", "Welcome.txt")
        await press(pilot, "t")
        await see(app, pilot, "Taken back: 1 link.", "No public links.")


async def test_a_part_of_what_others_share_is_saved(box: SandboxProcess, tmp_path: Path) -> None:
    box.admin.account("pikpak", username="other@example.com", password="pw")
    for path in ("s1/e1.mkv", "s1/e2.mkv", "s2/e1.mkv"):
        order = {"username": "other@example.com", "path": f"/show/{path}", "text": path}
        box.admin.order("pikpak", "put", **order)
    paths, code = ["/show"], "c0de77"
    made = box.admin.order(
        "pikpak", "share", username="other@example.com", paths=paths, pass_code=code
    )
    async with on_clouds(box, tmp_path, "pk:/Documents", "pc:/") as (app, pilot):
        await press(pilot, "m")
        await see(app, pilot, "enters a share")
        app.screen.query_one("#links", TextArea).text = made["url"]
        await press(pilot, "f4")
        await see(app, pilot, "Pass code of the link", "A pass code is needed")
        await press(pilot, *code, "enter")
        await see(app, pilot, ">show/")
        await press(pilot, "enter")
        await see(app, pilot, "Shared by others: /show", ">s1/")
        await press(pilot, "enter")
        await see(app, pilot, "Shared by others: /show/s1", ">e1.mkv")
        await press(pilot, "f5")
        await see(app, pilot, "Save from the link", "pk:/Documents")
        await press(pilot, "enter")
        await see(app, pilot, "Saved e1.mkv: /Documents/e1.mkv")
        await press(pilot, "escape", "escape")
        await see(app, pilot, "e1.mkv")
        saved = {path for path in files(box, "/Documents/") if path.endswith(".mkv")}
        assert saved == {"/Documents/e1.mkv"}


async def test_an_archive_asks_for_its_password_until_it_is_right(
    box: SandboxProcess, tmp_path: Path
) -> None:
    async with on_clouds(box, tmp_path, "pk:/Archives", "pk:/Documents") as (app, pilot):
        await on_row(app, pilot, "locked.zip")
        await press(pilot, "X")
        await see(app, pilot, "Unpack on the service", "beside it, in PikPak pk /Archives")
        await press(pilot, "f2")
        await see(app, pilot, "Into: /Documents")
        await press(pilot, *"wrong", "enter")
        await see(app, pilot, "Password of the archive", "Another password is needed")
        fill(app, "text", LOCKED)
        await press(pilot, "enter")
        await see(app, pilot, "Decompressed 1   SourceDeleted 0   Errors 0")
        assert any("locked" in path for path in files(box, "/Documents/"))
        assert any(path.endswith("locked.zip") for path in files(box, "/Archives/"))


async def test_a_whole_folder_of_archives_is_unpacked_and_counted(
    box: SandboxProcess, tmp_path: Path
) -> None:
    async with on_clouds(box, tmp_path, "pk:/", "pc:/") as (app, pilot):
        await on_row(app, pilot, "Archives")
        await press(pilot, "X")
        await see(app, pilot, "Unpack on the service", "Afterwards: the archive stays")
        await press(pilot, "f3")
        await see(app, pilot, "goes to the trash, once all of it is unpacked")
        await press(pilot, "enter")
        await see(app, pilot, "Password of the archive", "locked.zip")
        await press(pilot, "escape")  # that one is left
        await see(app, pilot, "Decompressed 1   SourceDeleted 1   Errors 1", "Unpacked")
        left = files(box, "/Archives/")
        assert any(path.endswith("locked.zip") for path in left)
        assert not any(path.endswith("project.zip") for path in left)


async def test_a_part_of_an_archive_is_unpacked_and_a_folder_packed(
    box: SandboxProcess, tmp_path: Path
) -> None:
    async with on_clouds(box, tmp_path, "pk:/Archives", "pk:/Documents") as (app, pilot):
        await on_row(app, pilot, "locked.zip")
        await press(pilot, "X")
        await see(app, pilot, "F4 shows what is inside, to unpack some of it")
        await press(pilot, "f2")
        await see(app, pilot, "Into: /Documents")
        await press(pilot, "f4")
        await see(app, pilot, "Password of the archive")
        fill(app, "text", LOCKED)
        await press(pilot, "enter")
        await see(app, pilot, "Inside locked.zip", "project/")
        await press(pilot, "enter")
        await see(app, pilot, "Inside locked.zip: /project", "data/", "readme.txt")
        await press(pilot, "home", "X")
        await see(app, pilot, "Decompressed 1   SourceDeleted 0   Errors 0")
        made = {path for path in files(box, "/Documents/locked/") if "." in path}
        assert made == {"/Documents/locked/project/data/numbers.csv"}
        await no_box(app, pilot)
        await press(pilot, "tab")
        await on_row(app, pilot, "locked")
        await press(pilot, "A")
        await see(app, pilot, "Pack on the service", "locked/")
        await press(pilot, "p")
        await see(app, pilot, "locked/ is locked.tar now.")
        assert files(box, "/Documents/locked") == {"/Documents/locked.tar"}
        await press(pilot, "u")
        await see(app, pilot, "locked.tar is locked/ again.")
        assert made < files(box, "/Documents/locked")


async def test_what_is_no_archive_and_places_that_unpack_nothing_say_so(
    box: SandboxProcess, tmp_path: Path
) -> None:
    (tmp_path / "a.zip").write_bytes(b"x")
    async with on_clouds(box, tmp_path, "pk:/Documents", str(tmp_path)) as (app, pilot):
        await on_row(app, pilot, "Welcome.txt")
        await press(pilot, "X", "enter")
        await see(app, pilot, "Decompressed 0   SourceDeleted 0   Errors 1", "as an archive")
        await press(pilot, "escape")
        await no_box(app, pilot)
        await press(pilot, "tab")
        await on_row(app, pilot, "a.zip")
        await press(pilot, "X")
        await see(app, pilot, "disk does not unpack archives by itself.")
        await press(pilot, "g", "v")
        await see(app, pilot, "disk keeps no earlier versions.")
        await press(pilot, "g", "s")
        await see(app, pilot, "disk makes no public links.")
        await press(pilot, "g", "p")
        await see(app, pilot, "Playlists are made on pCloud")


async def store_versions(box: SandboxProcess) -> None:
    """A file essay.txt with one earlier version."""
    known = box.endpoints["pcloud"]
    async with httpx.AsyncClient(trust_env=False) as http:
        for content in (b"first", b"second, longer"):
            stored = await http.put(
                f"{known['us_url']}/uploadfile",
                params={"folderid": 0, "filename": "essay.txt", "nopartial": 1},
                content=content,
                headers={"Authorization": f"Bearer {known['us_token']}"},
            )
            assert stored.json()["result"] == 0


async def test_a_version_of_a_file_is_brought_back(box: SandboxProcess, tmp_path: Path) -> None:
    await store_versions(box)
    async with on_clouds(box, tmp_path, "pc:/", str(tmp_path)) as (app, pilot):
        await on_row(app, pilot, "essay.txt")
        await press(pilot, "g", "v")
        await see(app, pilot, "Versions of essay.txt on pCloud", "2 versions")
        await press(pilot, "home", "enter")
        await see(app, pilot, "That is what the file holds now.")
        await press(pilot, "end", "enter")
        await see(app, pilot, "What it holds now stays as a version.", "5 B")
        await press(pilot, "b")
        await see(app, pilot, "essay.txt holds its content of", "3 versions")
        await press(pilot, "escape")
        await no_box(app, pilot)
    sizes = [node["size"] for node in account(box)["nodes"] if node["path"] == "/essay.txt"]
    assert sizes == [5]


async def test_a_version_is_looked_at_and_saved_beside(box: SandboxProcess, tmp_path: Path) -> None:
    await store_versions(box)
    async with on_clouds(box, tmp_path, "pc:/", str(tmp_path)) as (app, pilot):
        await on_row(app, pilot, "essay.txt")
        await press(pilot, "g", "v")
        await see(app, pilot, "2 versions", "F3 view   F5 save to the other pane")
        await press(pilot, "end", "f3")
        await see(app, pilot, ", stored 2", "first")
        await press(pilot, "escape")
        await see(app, pilot, "2 versions")
        await press(pilot, "f5")
        await see(app, pilot, "Copy to disk", "arrives as essay (", "the file here keeps")
        await press(pilot, "enter")
        await see(app, pilot, "is being copied.")

        def saved() -> list[bytes]:
            return [path.read_bytes() for path in tmp_path.glob("essay (*).txt")]

        await settle(pilot, lambda: saved() == [b"first"], limit=PATIENCE)
        await press(pilot, "escape")
        await no_box(app, pilot)
    sizes = [node["size"] for node in account(box)["nodes"] if node["path"] == "/essay.txt"]
    assert sizes == [14]


async def test_a_local_list_becomes_a_playlist_beside_the_music(
    box: SandboxProcess, tmp_path: Path
) -> None:
    (tmp_path / "takes.m3u").write_text("First Takes/01 Take 1.wav\nnowhere.mp3\n")
    async with on_clouds(box, tmp_path, str(tmp_path), "pc:/Music") as (app, pilot):
        await on_row(app, pilot, "takes.m3u")
        await press(pilot, "g", "p")
        await see(app, pilot, "0 playlists")
        await press(pilot, "a")
        await see(app, pilot, "takes: 1 of 2 tracks found.", "not found: nowhere.mp3")
        await see(app, pilot, "Written to /Music/takes.m3u8")
        await press(pilot, "escape")
        await see(app, pilot, "1 playlist", "file beside the music")
        await press(pilot, "o")
        await no_box(app, pilot)
        await settle(
            pilot,
            lambda: getattr(app.main.active.view.current, "name", "") == "takes.m3u8",
            limit=PATIENCE,
        )
        await press(pilot, "g", "p")
        await see(app, pilot, "1 playlist")
        await press(pilot, "d")
        await see(app, pilot, "It goes to the trash. The music stays.")
        await press(pilot, "d")
        await see(app, pilot, "0 playlists")
    assert not any(
        node["path"] == "/Music/takes.m3u8" and not node["trashed"]
        for node in account(box)["nodes"]
    )


@pytest.mark.parametrize("account_name", ["pk", "pc"])
async def test_a_file_comes_back_into_its_folder_out_of_the_trash_with_it(
    box: SandboxProcess, tmp_path: Path, account_name: str
) -> None:
    def there() -> set[str]:
        if account_name == "pk":
            return files(box, "/Pictures")
        return {node["path"] for node in account(box)["nodes"] if not node["trashed"]}

    async with on_clouds(box, tmp_path, f"{account_name}:/Pictures", str(tmp_path)) as (app, pilot):
        await on_row(app, pilot, "IMG_0001.png")
        await press(pilot, "f8")
        await see(app, pilot, "Moved to trash: IMG_0001.png")
        await press(pilot, "backspace")
        await no_box(app, pilot)
        await on_row(app, pilot, "Pictures")
        await press(pilot, "f8")
        await see(app, pilot, "u can undo this.")
        await press(pilot, "t")
        await see(app, pilot, "Moved to trash: Pictures")
        assert "/Pictures" not in there()
        await press(pilot, "t")
        await see(app, pilot, "2 items", "IMG_0001.png", "Pictures/")
        row = 0 if "IMG" in shown(app).partition("Pictures/")[0] else 1
        await press(pilot, "home", *["down"] * row, "r")
        await see(app, pilot, "Its folder is in the trash", "came out of /Pictures")
        await press(pilot, "r")
        await see(app, pilot, "Restored 2 items.", "Trash is empty.")
        assert {"/Pictures", "/Pictures/IMG_0001.png", "/Pictures/IMG_0002.png"} <= there()
