"""Other forms of films and small pictures from the command line."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import httpx
from PIL import Image

from cloudtui.sandbox import seed
from tests.cli.conftest import Place
from tests.cloudtui_process import Home

FILM = b"moving pictures" * 100


def put(home: Home, tmp_path: Path, loc: str, content: bytes) -> None:
    source = tmp_path / "source"
    source.write_bytes(content)
    home.run("cp", source, loc).ok()


def test_a_form_is_listed_and_linked_by_its_name(home: Home, place: Place, tmp_path: Path) -> None:
    film = f"{place.top}/a.mp4"
    put(home, tmp_path, film, FILM)
    listed = home.run("link", film, "--quality", "list", "--json").ok().values
    assert [(one["name"].casefold(), one["original"]) for one in listed][:2] == [
        ("original", True),
        ("720p", False),
    ]
    assert (listed[1]["width"], listed[1]["height"], listed[1]["given"]) == (1280, 720, True)
    assert "720P         1280x720, h264" in home.run("link", film, "--quality", "list").ok().out
    made = home.run("link", film, "--quality", "720P", "--json").ok().value
    assert made["quality"] == "720P"
    small = httpx.get(made["url"], trust_env=False).content
    assert 0 < len(small) < len(FILM)
    whole = home.run("link", film, "--quality", "original").ok().out.strip()
    assert httpx.get(whole, trust_env=False).content == FILM
    refused = home.run("link", film, "--quality", "4K")
    assert refused.code == 3
    assert "There are: " in refused.err
    told = home.run("stat", film, "--json").ok().value
    assert told["qualities"] == listed
    assert "plays     720P " in home.run("stat", film).ok().out


def test_a_file_without_other_forms_says_so(home: Home, place: Place, tmp_path: Path) -> None:
    text = f"{place.top}/a.txt"
    put(home, tmp_path, text, b"words")
    listed = home.run("link", text, "--quality", "list").ok()
    assert (listed.out, listed.err.strip()) == ("", "It has no other form than its own.")
    assert home.run("link", text, "--quality", "list", "--json").ok().out == ""
    assert home.run("link", text, "--quality", "720P").code == 3
    assert "qualities" not in home.run("stat", text, "--json").ok().value
    local = home.run("link", tmp_path / "source", "--quality", "720P")
    assert local.code == 8


def test_a_small_picture_goes_to_stdout(home: Home, place: Place, tmp_path: Path) -> None:
    put(home, tmp_path, f"{place.top}/a.png", seed.picture(1, 400, 200))
    put(home, tmp_path, f"{place.top}/a.txt", b"words")
    with Image.open(io.BytesIO(pictured(home, f"{place.top}/a.png"))) as shown:
        assert (shown.format, shown.size) == ("JPEG", (400, 200))
    local = tmp_path / "b.png"
    local.write_bytes(seed.picture(2, 30, 20))
    assert pictured(home, str(local)) == local.read_bytes()
    assert home.run("cat", "--thumbnail", f"{place.top}/a.txt").code == 3
    assert home.run("cat", "--thumbnail", "--count", "3", local).code == 2


def pictured(home: Home, loc: str) -> bytes:
    ended = subprocess.run(
        home.command("cat", "--thumbnail", loc),
        capture_output=True,
        env=home.environment(),
        timeout=100,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
