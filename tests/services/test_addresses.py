"""What people type."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudtui.services.addresses import local_path, parse_address
from cloudtui.services.errors import UsageError
from cloudtui.services.models import DISK, Location


def test_cloud_addresses() -> None:
    assert parse_address("pc:/a/b", {"pc"}).at == Location("pc", ("a", "b"))
    assert parse_address("pc:/a/b/", {"pc"}).wants_folder
    assert parse_address("pc:", {"pc"}).at == Location("pc")
    assert parse_address("pc:/a/../b", {"pc"}).at.parts == ("a", "..", "b")


def test_an_id_addresses_one_entry() -> None:
    found = parse_address("pc:#f12", {"pc"})
    assert found.at.node == "f12"


def test_local_paths_become_absolute(tmp_path: Path) -> None:
    found = parse_address("x/../y z", set(), tmp_path)
    assert found.at.account == DISK
    assert local_path(found.at) == tmp_path / "y z"


def test_a_local_file_may_look_like_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ab:").mkdir()
    (tmp_path / "ab:" / "file").touch()
    assert local_path(parse_address("ab:/file", set()).at) == tmp_path / "ab:" / "file"


@pytest.mark.parametrize("text", ["", "nope:/x", "nope:#1", "nope:"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_address(text, {"pc"})
