"""Names from a hostile service never lead out of the folder somebody chose."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloudtui_process import Home
from tests.sandbox_process import SandboxProcess
from tests.security.rewriting import Rewriting

FILES = (
    "../above.txt",
    "../../../../../../../../../../tmp/cloudtui-above.txt",
    "/tmp/cloudtui-absolute.txt",
    "inner/name.txt",
    "..",
    ".",
    "nul\0name.txt",
    "..\\above.txt",
    "x" * 400,
    "title \x1b]0;owned\x07.txt",
)
FOLDERS = ("..", "../beside", "/tmp/cloudtui-folder", "a/../../b", "nul\0folder")
NAMES = {f"named-{number:02}": name for number, name in enumerate((*FILES, *FOLDERS))}


def content(stored: str) -> bytes:
    return f"content of {stored}".encode()


@pytest.fixture(params=["pk", "pc"])
def account(request: pytest.FixtureRequest, box: SandboxProcess, home: Home) -> Iterator[str]:
    """An account whose service tells hostile names; they lie in the folder `hostile`."""
    name: str = request.param
    cloud, option = {"pk": ("pikpak", "drive_url"), "pc": ("pcloud", "us_url")}[name]
    for number, stored in enumerate(NAMES):
        within = f"/hostile/{stored}" + ("/inside.txt" if number >= len(FILES) else "")
        encoded = base64.b64encode(content(stored)).decode()
        box.admin.order(cloud, "put", path=within, base64=encoded)
    with Rewriting(box.endpoints[cloud][option], NAMES) as service:
        home.environ[f"CLOUDTUI_ACCOUNT__{name.upper()}__{option.upper()}"] = service.url
        yield name


def everything(folder: Path, but: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if but not in (path, *path.parents)}


def test_a_download_stays_where_it_was_sent(account: str, home: Home, tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "target"
    target.mkdir(parents=True)
    before = everything(tmp_path, home.folder)
    ended = home.run("cp", "-r", f"{account}:/hostile", target)
    assert "Traceback" not in ended.out + ended.err
    assert "\x1b" not in ended.err
    made = everything(tmp_path, home.folder) - before
    assert made
    assert all(target in path.parents for path in made)
    assert not list(Path("/tmp").glob("cloudtui-a*.txt"))
    assert not Path("/tmp/cloudtui-folder").exists()
    assert not any(path.is_symlink() for path in made)
    arrived = {path.read_bytes() for path in made if path.is_file()}
    missing = {stored for stored in NAMES if content(stored) not in arrived}
    # what cannot be taken is told; nothing else is left out
    assert ended.code == (1 if missing else 0), (ended.err, [NAMES[each] for each in missing])


def test_listings_show_hostile_names_harmlessly(account: str, home: Home) -> None:
    for words in (("ls", "-l"), ("ls", "-R"), ("ls", "--json"), ("du",)):
        ended = home.run(*words, f"{account}:/hostile").ok()
        assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("name", "cloud", "option"), [("pk", "pikpak", "drive_url"), ("pc", "pcloud", "us_url")]
)
def test_an_entry_without_a_name_is_taken_under_its_id(
    box: SandboxProcess,
    home: Home,
    tmp_path: Path,
    name: str,
    cloud: str,
    option: str,
) -> None:
    top = f"{tmp_path.name}-nameless"
    box.admin.order(cloud, "put", path=f"/{top}/named-00", base64="eA==")
    target = tmp_path / "target"
    target.mkdir()
    with Rewriting(box.endpoints[cloud][option], {"named-00": ""}) as service:
        home.environ[f"CLOUDTUI_ACCOUNT__{name.upper()}__{option.upper()}"] = service.url
        ended = home.run("cp", "-r", f"{name}:/{top}/", target)
    assert "Traceback" not in ended.err
    assert ended.code == 0, ended.err
    (arrived,) = target.rglob("*")
    assert (arrived.name.startswith("(no name)"), arrived.read_bytes()) == (True, b"x")
