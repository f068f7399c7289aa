"""Opening and closing everything; the doctor's findings."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from cloudtui.services.doctor import Finding, examine
from cloudtui.services.errors import UsageError
from cloudtui.services.models import Location, Secret
from cloudtui.services.runtime import Overrides, open_runtime
from cloudtui.services.secrets import MemoryStore

ACCOUNT = {
    "CLOUDTUI_ACCOUNT__PC__KIND": "pcloud",
    "CLOUDTUI_ACCOUNT__PC__API_URL": "http://127.0.0.1:9",
    "CLOUDTUI_ACCOUNT__PC__TOKEN": "an-odd-token",
    "CLOUDTUI_RETRIES": "1",
}


def overrides(
    tmp_path: Path,
    more: dict[str, str] | None = None,
    *,
    sets: tuple[str, ...] = (),
    config: Path | None = None,
) -> Overrides:
    environ = {"CLOUDTUI_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)} | (more or {})
    return Overrides(
        config=config, assignments=sets, environ=environ, secret_store=MemoryStore(), timeout=5.0
    )


async def test_places_are_made_once_and_dropped_on_request(tmp_path: Path) -> None:
    async with open_runtime(overrides(tmp_path, ACCOUNT)) as runtime:
        disk = await runtime.storage("")
        assert await runtime.storage("") is disk
        cloud = await runtime.storage("pc")
        assert (cloud.account, cloud.kind) == ("pc", "pcloud")
        await runtime.drop_storage("pc")
        assert await runtime.storage("pc") is not cloud
        with pytest.raises(UsageError, match=r"no account called nope.*pc"):
            await runtime.storage("nope")


async def test_addresses_know_the_accounts(tmp_path: Path) -> None:
    async with open_runtime(overrides(tmp_path, ACCOUNT)) as runtime:
        assert runtime.parse("pc:/a").at == Location("pc", ("a",))
        with pytest.raises(UsageError):
            runtime.parse("nope:/a")


async def test_general_settings_reach_their_places(tmp_path: Path) -> None:
    config = tmp_path / "my.toml"
    config.write_text("retries = 3\nretry_wait = 0.25\nunitz = 1\n")
    async with open_runtime(
        overrides(tmp_path, sets=("jobs_at_once=3",), config=config)
    ) as runtime:
        assert runtime.network.timeout == 5
        assert runtime.retries.attempts == 3
        assert runtime.retries.first_wait == 0.25
        assert runtime.settings.whole("jobs_at_once") == 3
        assert [problem.key for problem in runtime.problems] == ["unitz"]


async def test_an_account_about_to_be_signed_in(tmp_path: Path) -> None:
    given = overrides(tmp_path, sets=("new.region=eu",))
    async with open_runtime(given) as runtime:
        assert runtime.account_to_sign_in("new", "pcloud").text("region") == "eu"
        for name, kind in (("N", "pcloud"), ("new", "dropbox")):
            with pytest.raises(UsageError):
                runtime.account_to_sign_in(name, kind)
        await runtime.keys("new").write("token", "http://127.0.0.1:9", Secret("an-odd-token"))
        assert runtime.keys("new") is runtime.keys("new")


async def test_logging_ends_with_the_runtime(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    async with open_runtime(overrides(tmp_path)) as runtime:
        logging.getLogger("cloudtui.test").info("hello")
        assert "hello" in runtime.paths.log_file.read_text()
    assert logging.getLogger().handlers == before


async def test_a_wrong_assignment_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="units"):
        async with open_runtime(overrides(tmp_path, sets=("unit=si",))):
            pass


def test_opening_loads_nothing_heavy() -> None:
    code = (
        "import sys, cloudtui.services.runtime;"
        "heavy = {'textual', 'rich', 'httpx', 'keyring', 'cryptography', 'tomlkit',"
        " 'platformdirs', 'authlib', 'stamina'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout == "[]\n", answer.stderr


async def findings(given: Overrides) -> dict[str, Finding]:
    async with open_runtime(given) as runtime:
        return {finding.name: finding async for finding in examine(runtime)}


async def test_a_healthy_installation(tmp_path: Path) -> None:
    found = await findings(overrides(tmp_path))
    assert {name for name, finding in found.items() if not finding.ok} == set()
    assert "memory" in found["secrets"].text
    assert "cloudtui" in found["versions"].text


async def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    (tmp_path / "home" / "state").mkdir(parents=True, mode=0o755)
    (tmp_path / "home" / "settings.toml").write_text("unitz = 1\n")
    found = await findings(
        overrides(tmp_path, {"CLOUDTUI_CA_FILE": str(tmp_path / "no"), **ACCOUNT})
    )
    wrong = {name for name, finding in found.items() if not finding.ok}
    assert wrong == {"settings", "folders", "network", "account pc"}
    assert "unitz" in found["settings"].text
    assert "chmod 700" in found["folders"].text
    assert not any("an-odd-token" in finding.text for finding in found.values())


@pytest.mark.parametrize("damage", ["no journal at all", "a newer format", "half of it is lost"])
async def test_a_journal_that_cannot_be_used_is_found(tmp_path: Path, damage: str) -> None:
    async with open_runtime(overrides(tmp_path)) as runtime:
        assert runtime.transfers.views() == []
        file = runtime.paths.journal_file
    if damage == "a newer format":
        with contextlib.closing(sqlite3.connect(file)) as journal:
            journal.execute("PRAGMA user_version = 99")
    elif damage == "half of it is lost":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    else:
        file.write_bytes(b"something else " * 1000)
    found = await findings(overrides(tmp_path))
    assert not found["journal"].ok
    assert "journal of transfers" in found["journal"].text
