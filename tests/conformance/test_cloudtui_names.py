"""cloudtui itself under the services' real host names, through a proxy with a throw-away CA."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloudtui_process import Home, make_tree, tree
from tests.conformance.connect_front import ConnectFront
from tests.sandbox_process import SandboxProcess, start_sandbox

pytestmark = [pytest.mark.conformance, pytest.mark.xdist_group("names")]

FILES = {
    "empty": b"",
    "one byte": b"1",
    "漢字 [b] 👩‍💻.txt": b"names",
    "deep/er/middle.bin": os.urandom(3_000_000),
    "large.bin": os.urandom(40_000_000),
}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """Both clouds."""
    with start_sandbox(tmp_path_factory.mktemp("box")) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, box: SandboxProcess) -> Iterator[Home]:
    """A home whose accounts name no address at all."""
    folder = tmp_path / "front"
    folder.mkdir()
    pikpak, pcloud = box.endpoints["pikpak"], box.endpoints["pcloud"]
    with ConnectFront(box.endpoints, folder) as front:
        made = Home(tmp_path / "home")
        settings = made.folder / "cloudtui" / "settings.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text(
            f"""format = 1
[accounts.pk]
kind = "pikpak"
username = "{pikpak["username"]}"
[accounts.us]
kind = "pcloud"
[accounts.eu]
kind = "pcloud"
"""
        )
        made.environ.update(
            HTTPS_PROXY=front.url,
            CLOUDTUI_CA_FILE=str(front.ca_file),
            CLOUDTUI_ACCOUNT__PK__PASSWORD=pikpak["password"],
            CLOUDTUI_ACCOUNT__US__TOKEN=pcloud["us_token"],
            CLOUDTUI_ACCOUNT__EU__TOKEN=pcloud["eu_token"],
        )
        yield made


@pytest.mark.parametrize("account", ["pk", "us", "eu"])
def test_a_tree_goes_up_comes_down_is_deleted_and_restored(
    home: Home, account: str, tmp_path: Path
) -> None:
    source = make_tree(tmp_path / "source", FILES, ["nothing in it"])
    home.run("cp", "-r", source, f"{account}:/x").ok()
    home.run("cp", "-r", f"{account}:/x", tmp_path / "back").ok()
    assert tree(tmp_path / "back") == tree(source)
    home.run("check", source, f"{account}:/x").ok()
    home.run("rm", "-r", f"{account}:/x").ok()
    assert home.run("ls", f"{account}:/x").code == 3
    home.run("trash", "restore", f"{account}:/x").ok()
    assert len(home.run("ls", "-R", f"{account}:/x").ok().out.splitlines()) == 8


def test_from_one_cloud_to_the_other_and_back(home: Home, tmp_path: Path) -> None:
    source = make_tree(tmp_path / "source", FILES)
    home.run("cp", "-r", source, "pk:/across").ok()
    home.run("cp", "-r", "pk:/across", "eu:/across").ok()
    home.run("mv", "eu:/across", "pk:/returned").ok()
    home.run("cp", "-r", "pk:/returned", tmp_path / "back").ok()
    assert tree(tmp_path / "back") == tree(source)
    assert home.run("ls", "eu:/across").code == 3
