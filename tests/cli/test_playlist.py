"""`playlist`: tracks of local playlists found on pCloud, and what is made of them there."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from cloudtui.services.playlists import Library, Song, read_playlist, write_playlist
from tests.cloudtui_process import Home
from tests.sandbox_process import SandboxProcess

_numbers = itertools.count(1)


def own_account(home: Home, box: SandboxProcess, kind: str = "oauth", seed: str = "") -> str:
    """Let `pc` be an account of this test alone; its e-mail."""
    email = f"music{next(_numbers)}@example.com"
    told = box.admin.order("pcloud", "add_accounts", email=email, seed=seed)
    token = told["token"]
    if kind != "oauth":
        token = box.admin.order("pcloud", "add_tokens", email=email, kind=kind)["token"]
    home.environ["CLOUDTUI_ACCOUNT__PC__TOKEN"] = token
    return email


def put(box: SandboxProcess, email: str, *paths: str) -> dict[str, int]:
    """Songs as another client put them; their numbers."""
    return {
        path: box.admin.order("pcloud", "put", email=email, path=path, base64="eA==")["id"]
        for path in paths
    }


def asked(box: SandboxProcess, since: int) -> list[str]:
    return [entry["path"].strip("/") for entry in box.admin.log(since)]


def mark(box: SandboxProcess) -> int:
    return int(box.admin.log()[-1]["seq"])


SONGS = ("/Music/Ann/One/01 a.mp3", "/Music/Ann/One/02 b.mp3", "/Music/Bo/01 a.mp3")
LIST = """\ufeff#EXTM3U
#EXTINF:123,Ann - a
Ann/One/01 a.mp3
C:\\Users\\me\\Music\\Ann\\One\\02 B.MP3
/somewhere/else/Bo/01 a.mp3
Cy/01 a.mp3
gone.mp3
https://example.com/radio
"""


def test_playlists_are_listed_where_their_music_went_elsewhere(
    home: Home, box: SandboxProcess, tmp_path: Path
) -> None:
    put(box, own_account(home, box, "session"), *SONGS)
    source = tmp_path / "party.m3u"
    source.write_text("Bo/01 a.mp3\n")
    home.run("playlist", "add", "pc:", source).ok()
    home.run("mv", "pc:/Music", "pc:/Songs").ok()
    assert home.run("playlist", "ls", "pc:", "--json").ok().value["name"] == "party"
    home.run("playlist", "rm", "pc:", "party").ok()
    none = home.run("playlist", "ls", "pc:")
    assert (none.code, "no pc:/Music" in none.err) == (3, True)


@pytest.mark.parametrize("kind", ["oauth", "session"])
def test_a_playlist_is_made_listed_replaced_and_deleted(
    home: Home, box: SandboxProcess, tmp_path: Path, kind: str
) -> None:
    email = own_account(home, box, kind)
    ids = put(box, email, *SONGS)
    source = tmp_path / "party.m3u"
    source.write_text(LIST)
    tried = home.run("playlist", "add", "-n", "pc:", source, "--json")
    assert (tried.code, tried.value["tracks"], tried.value["id"]) == (1, 3, None)
    made = home.run("playlist", "add", "pc:", source, "--json")
    assert made.code == 1  # some were not found
    missed = {each["track"]: each["why"] for each in made.value["missed"]}
    assert missed == {
        "Cy/01 a.mp3": "a file of this name, but in other folders",
        "gone.mp3": "no file of this name",
        "https://example.com/radio": "a web address, not a file",
    }
    listed = home.run("playlist", "ls", "pc:", "--json").ok().value
    assert (listed["id"], listed["name"]) == (made.value["id"], "party")
    if kind == "session":
        assert listed["tracks"] == 3
        accounts = box.admin.state("pcloud")["accounts"]
        (account,) = [each for each in accounts if each["email"] == email]
        (mine,) = [each for each in account["collections"] if each["name"] == "party"]
        assert mine["items"] == [ids[song] for song in SONGS]
    else:
        assert listed["path"] == "/Music/party.m3u8"
        assert home.run("cat", "pc:/Music/party.m3u8").ok().out == (
            "#EXTM3U\n#EXTINF:123,Ann - a\nAnn/One/01 a.mp3\nAnn/One/02 b.mp3\nBo/01 a.mp3\n"
        )
    source.write_text("Bo/01 a.mp3\n")
    home.run("playlist", "add", "pc:/Music", source).ok()
    again = home.run("playlist", "ls", "pc:", "--json").ok().value
    if kind == "session":
        assert (again["name"], again["tracks"]) == ("party", 1)
    else:
        assert again["id"] == listed["id"]  # the old content stays as a version
        assert len(home.run("revisions", "pc:/Music/party.m3u8", "--json").ok().values) == 2
    home.run("playlist", "rm", "pc:", "party").ok()
    assert home.run("playlist", "ls", "pc:").ok().out == ""
    assert home.run("playlist", "rm", "pc:", "party").code == 3


def test_a_large_library_is_listed_once(home: Home, box: SandboxProcess, tmp_path: Path) -> None:
    email = own_account(home, box, seed="wide=20000")
    names = [f"file {number:06d}.txt" for number in range(0, 1000, 2)][:500]
    source = tmp_path / "many.m3u8"
    source.write_text("".join(f"wide-20000/{name}\n" for name in [*names, "file 999999.txt"]))
    words = ("playlist", "add", "pc:/wide-20000", source, "--json")
    first = home.run(*words)
    assert (first.code, first.value["tracks"]) == (1, 500)
    assert [each["track"] for each in first.value["missed"]] == ["wide-20000/file 999999.txt"]
    text = home.run("cat", "pc:/wide-20000/many.m3u8").ok().out
    assert text.splitlines()[1:] == names
    since = mark(box)
    assert home.run("playlist", "add", "-n", *words[2:]).value["tracks"] == 500
    assert asked(box, since) == ["diff"]
    # what came, moved or went meanwhile is known without a listing
    put(box, email, "/wide-20000/folder 000049/new.txt")
    source.write_text(
        "wide-20000/folder 000049/new.txt\nwide-20000/file 000000.txt\nelsewhere/000001.txt\n"
    )
    home.run("rm", "pc:/wide-20000/file 000000.txt").ok()
    home.run("mkdir", "pc:/wide-20000/elsewhere").ok()
    home.run("mv", "pc:/wide-20000/file 000001.txt", "pc:/wide-20000/elsewhere/000001.txt").ok()
    since = mark(box)
    later = home.run("playlist", "add", "-n", *words[2:])
    assert [each["track"] for each in later.value["missed"]] == ["wide-20000/file 000000.txt"]
    assert asked(box, since) == ["diff"]
    # the folder itself has another name: found anew
    home.run("rename", "pc:/wide-20000", "tall").ok()
    assert home.run("playlist", "add", "-n", *words[2:]).code == 3
    elsewhere = home.run("playlist", "add", "-n", "pc:/tall", source, "--json")
    assert elsewhere.value["tracks"] == 2


def test_folders_that_move_in_bring_their_songs(
    home: Home, box: SandboxProcess, tmp_path: Path
) -> None:
    email = own_account(home, box)
    put(box, email, *SONGS, "/Attic/Di/deep/x.mp3")
    source = tmp_path / "list.m3u"
    source.write_text("Di/deep/x.mp3\nAnn/One/01 a.mp3\n")
    words = ("playlist", "add", "-n", "pc:", source, "--json")
    assert home.run(*words).value["tracks"] == 1
    home.run("mv", "pc:/Attic/Di", "pc:/Music/").ok()
    home.run("mv", "pc:/Music/Ann", "pc:/Attic/").ok()
    found = home.run(*words).value
    assert [each["track"] for each in found["missed"]] == ["Ann/One/01 a.mp3"]


def test_what_lies_in_the_trash_is_no_hit(home: Home, box: SandboxProcess, tmp_path: Path) -> None:
    email = own_account(home, box)
    put(box, email, *SONGS, "/Music/Di/x.mp3")
    source = tmp_path / "list.m3u"
    source.write_text("Bo/01 a.mp3\nDi/x.mp3\n")
    home.run("rm", "pc:/Music/Bo/01 a.mp3").ok()
    words = ("playlist", "add", "-n", "pc:/", source, "--json")
    # seen by listing, then told by the feed
    assert home.run(*words).value["tracks"] == 1
    home.run("rm", "pc:/Music/Di/x.mp3").ok()
    assert home.run(*words).value["tracks"] == 0
    home.run("trash", "restore", "pc:/Music/Di/x.mp3").ok()
    assert home.run(*words).value["tracks"] == 1


def test_links_are_made_only_on_request(home: Home, box: SandboxProcess, tmp_path: Path) -> None:
    email = own_account(home, box)
    put(box, email, *SONGS)
    source = tmp_path / "list.m3u"
    source.write_text("Bo/01 a.mp3\n")
    home.run("playlist", "add", "pc:", source).ok()
    assert home.run("share", "ls", "pc:").ok().out == ""
    home.run("playlist", "add", "pc:", source, "--links", "--name", "shared").ok()
    link = home.run("share", "ls", "pc:", "--json").ok().value
    assert link["path"] == "/Music/Bo/01 a.mp3"
    assert link["url"] in home.run("cat", "pc:/Music/shared.m3u8").ok().out


def test_long_collections_go_in_pieces_and_keep_their_order(
    home: Home, box: SandboxProcess, tmp_path: Path
) -> None:
    email = own_account(home, box, "session", seed="wide=300")
    names = [f"file {number:06d}.txt" for number in reversed(range(300)) if number % 50 != 49]
    source = tmp_path / "long.m3u8"
    source.write_text("".join(f"wide-300/{name}\n" for name in [*names, *names[:7]]))
    for _ in range(2):  # the second takes the place of the first
        made = home.run("playlist", "add", "pc:/wide-300", source, "--json").ok().value
        (account,) = [
            each for each in box.admin.state("pcloud")["accounts"] if each["email"] == email
        ]
        lists = {each["name"]: each for each in account["collections"]}
        assert set(lists) == {"Most Listened", "long"}
        assert str(lists["long"]["id"]) == made["id"]
        by_id = {int(node["id"][1:]): node["name"] for node in account["nodes"]}
        assert [by_id[number] for number in lists["long"]["items"]] == [*names, *names[:7]]


def test_wrong_places(home: Home, tmp_path: Path) -> None:
    source = tmp_path / "list.m3u"
    source.write_text("x\n")
    assert home.run("playlist", "ls", "pk:").code == 8
    assert home.run("playlist", "ls", tmp_path).code == 8
    assert home.run("playlist", "add", "pc:/no-such-folder", source).code == 3


# --- finding by path -------------------------------------------------------------------------

TOP = ("Music",)
LIBRARY = Library(
    Song(f"f{number}", tuple(path.split("/")[1:])) for number, path in enumerate(SONGS)
)


def found(line: str, folder: str = "/home/me/lists", prefix: str = "") -> str | None:
    (track,) = read_playlist(line.encode(), folder)
    match = LIBRARY.find(track, top=TOP, prefix=tuple(prefix.split("/")[1:]) if prefix else ())
    assert (match.song is None) == bool(match.why)
    return "/" + "/".join(match.song.parts) if match.song else None


@pytest.mark.parametrize(
    ("line", "song"),
    [
        ("02 b.mp3", SONGS[1]),
        ("01 a.mp3", None),
        ("One/01 a.mp3", SONGS[0]),
        ("../One/01 a.mp3", SONGS[0]),
        ("file:///mnt/Bo/01%20a.mp3", SONGS[2]),
        ("BO\\01 A.mp3", SONGS[2]),
        ("D:/x/Bo/01 a.mp3", SONGS[2]),
        ("Zed/01 a.mp3", None),
    ],
)
def test_tracks_are_found_by_the_end_of_their_path(line: str, song: str | None) -> None:
    assert found(line) == song


def test_a_prefix_makes_paths_exact() -> None:
    assert found("/mnt/music/Bo/01 a.mp3", prefix="/mnt/music") == SONGS[2]
    assert found("/mnt/music/x/Bo/01 a.mp3", prefix="/mnt/music") is None
    assert found("Bo/01 a.mp3", folder="/mnt/music", prefix="/mnt/music") == SONGS[2]


def test_playlists_of_old_players_and_odd_names() -> None:
    (track,) = read_playlist("Björk/Jóga.mp3\r\n".encode("cp1252"), "/x")
    assert track.parts == ("x", "Björk", "Jóga.mp3")
    text = write_playlist([("#1 hit.mp3", ""), ("b.mp3", "#EXTINF:1,b")])
    assert text == "#EXTM3U\n./#1 hit.mp3\n#EXTINF:1,b\nb.mp3\n"
    assert [track.parts[-1] for track in read_playlist(text.encode(), "/x")] == [
        "#1 hit.mp3",
        "b.mp3",
    ]
    decomposed = Library([Song("f1", ("Music", "Bj\u006f\u0308rk", "a.mp3"))])
    (track,) = read_playlist("Björk/a.mp3".encode(), "/x")
    assert decomposed.find(track, top=TOP).song is not None
