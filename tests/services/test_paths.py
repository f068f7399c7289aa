"""Where our files are, and that they are private and replaced in one step."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cloudtui.services.paths import Paths, ensure, replacing


def test_home_moves_everything(tmp_path: Path) -> None:
    paths = Paths.find({"CLOUDTUI_HOME": str(tmp_path / "h")})
    assert paths.settings_file == tmp_path / "h" / "settings.toml"
    assert all(tmp_path / "h" in place.parents for place in paths.named().values())
    assert not (tmp_path / "h").exists()


def test_config_moves_the_settings_alone(tmp_path: Path) -> None:
    paths = Paths.find({"CLOUDTUI_HOME": str(tmp_path / "h")}, settings_file=tmp_path / "my.toml")
    assert paths.settings_file == tmp_path / "my.toml"
    assert paths.journal_file.is_relative_to(tmp_path / "h")


def test_platform_places_follow_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))
    paths = Paths.find({})
    assert paths.settings_file == tmp_path / "c" / "cloudtui" / "settings.toml"
    assert paths.runners_dir.is_relative_to(tmp_path / "s")


def test_ensure_makes_a_private_folder(tmp_path: Path) -> None:
    folder = ensure(tmp_path / "state")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_replacing_is_private_and_all_or_nothing(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")

    def fail() -> None:
        with replacing(target) as file:
            file.write(b"half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert target.read_bytes() == b"old"
    with replacing(target) as file:
        file.write(b"new")
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_replacing_keeps_a_link_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "settings.toml"
    real.parent.mkdir()
    real.write_bytes(b"old")
    link = tmp_path / "settings.toml"
    link.symlink_to(real)
    with replacing(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
