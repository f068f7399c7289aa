"""A link in the target folder is a thing in the way, never a path to somewhere else."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.cloudtui_process import Home, make_tree, tree
from tests.sandbox_process import SandboxProcess


@pytest.fixture(params=["pc", "disk"])
def source(request: pytest.FixtureRequest, box: SandboxProcess, home: Home, tmp_path: Path) -> str:
    """A folder `pack` with `file.txt` and `sub/inner.txt`."""
    files = {"file.txt": b"new content", "sub/inner.txt": b"inner"}
    if request.param == "disk":
        return str(make_tree(tmp_path / "source" / "pack", files))
    top = f"{tmp_path.name}-source"
    for name, data in files.items():
        encoded = base64.b64encode(data).decode()
        box.admin.order("pcloud", "put", path=f"/{top}/pack/{name}", base64=encoded)
    return f"pc:/{top}/pack"


POLICIES = ("skip", "overwrite", "keep-both")


@pytest.mark.parametrize("policy", POLICIES)
def test_a_link_in_place_of_a_folder_is_not_entered(
    source: str, home: Home, tmp_path: Path, policy: str
) -> None:
    elsewhere = make_tree(tmp_path / "elsewhere", {"kept.txt": b"kept"})
    target = make_tree(tmp_path / "target", {}, ["pack"])
    (target / "pack" / "sub").symlink_to(elsewhere)
    ended = home.run("cp", "-r", "--on-conflict", policy, source, target)
    assert "Traceback" not in ended.err
    assert tree(elsewhere) == {"kept.txt": b"kept"}
    assert (target / "pack" / "file.txt").read_bytes() == b"new content"
    assert ended.code in (0, 1)
    if policy == "skip":
        assert (target / "pack" / "sub").is_symlink()


@pytest.mark.parametrize("policy", POLICIES)
def test_a_link_in_place_of_a_file_is_not_written_through(
    source: str, home: Home, tmp_path: Path, policy: str
) -> None:
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_bytes(b"kept")
    target = make_tree(tmp_path / "target", {}, ["pack"])
    (target / "pack" / "file.txt").symlink_to(elsewhere)
    ended = home.run("cp", "-r", "--on-conflict", policy, source, target)
    assert "Traceback" not in ended.err
    assert elsewhere.read_bytes() == b"kept"
    assert (target / "pack" / "sub" / "inner.txt").read_bytes() == b"inner"
    if policy in ("skip", "keep-both"):
        assert (target / "pack" / "file.txt").is_symlink()


def test_a_dangling_link_is_in_the_way_too(source: str, home: Home, tmp_path: Path) -> None:
    target = make_tree(tmp_path / "target", {}, ["pack"])
    (target / "pack" / "file.txt").symlink_to(tmp_path / "not-there.txt")
    (target / "pack" / "sub").symlink_to(tmp_path / "not-there")
    home.run("cp", "-r", "--on-conflict", "skip", source, target)
    assert not (tmp_path / "not-there.txt").exists()
    assert not (tmp_path / "not-there").exists()


def test_a_link_somebody_names_is_followed(source: str, home: Home, tmp_path: Path) -> None:
    real = make_tree(tmp_path / "real", {})
    real.mkdir()
    link = tmp_path / "link"
    link.symlink_to(real)
    home.run("cp", "-r", source, f"{link}/").ok()
    assert (real / "pack" / "sub" / "inner.txt").read_bytes() == b"inner"
