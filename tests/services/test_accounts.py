"""Accounts merged from settings, environment and --set; the secrets of one account."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudtui.services.accounts import Account, Keys, check_name, child_environment, find_accounts
from cloudtui.services.errors import LoginNeeded, UsageError
from cloudtui.services.logs import redact
from cloudtui.services.models import Secret
from cloudtui.services.paths import Paths
from cloudtui.services.sealing import Sealer
from cloudtui.services.secrets import MemoryStore, Secrets
from cloudtui.services.settings import Settings

FILE = """
[accounts.pikpak]
kind = "pikpak"
username = "ana@example.com"
chunk_size = "1M"
use_trash = false
[accounts.my-pc]
kind = "pcloud"
region = "eu"
"""

HOME = "https://api.example.com"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.find({"CLOUDTUI_HOME": str(tmp_path)})


def load(paths: Paths, text: str, *sets: str, **environ: str) -> Settings:
    paths.settings_file.write_text(text)
    return Settings(paths, environ=environ, assignments=sets)


def keys_of(paths: Paths, store: MemoryStore | None, **environ: str) -> Keys:
    choice = "memory" if store else "keyring"
    secrets = Secrets(paths, choice=choice, environ=environ, store=store)
    if store is None:
        secrets._opened = True
        secrets.reason = "no keyring here."
    sealer = Sealer(secrets, paths.state_dir / "seal.lock")
    return Keys("my-pc", paths=paths, secrets=secrets, sealer=sealer, environ=environ)


class LastingStore(MemoryStore):
    """Stands for a keyring that two processes share."""

    lasting = True


# --- accounts --------------------------------------------------------------------------------


def test_accounts_from_the_file(paths: Paths) -> None:
    accounts, problems = find_accounts(load(paths, FILE))
    assert problems == []
    assert list(accounts) == ["pikpak", "my-pc"]
    account = accounts["pikpak"]
    assert account.text("username") == "ana@example.com"
    assert account.whole("chunk_size") == 1 << 20
    assert not account.flag("use_trash")
    assert not account.flag("no_media_link")
    assert account.whole("upload_concurrency") == 4
    assert account.number("upload_concurrency", 2) == 2
    assert account.text("client_id", "fallback") == "fallback"
    assert accounts["my-pc"].text("username") == ""


def test_environment_and_set_win_in_this_order(paths: Paths) -> None:
    environ = {"CLOUDTUI_ACCOUNT__MY_PC__REGION": "us", "CLOUDTUI_ACCOUNT__PIKPAK__ENCODING": "raw"}
    accounts, problems = find_accounts(load(paths, FILE, **environ))
    assert problems == []
    assert accounts["my-pc"].text("region") == "us"
    assert accounts["pikpak"].text("encoding") == "raw"
    accounts, _ = find_accounts(load(paths, FILE, "my-pc.region=eu", **environ))
    assert accounts["my-pc"].text("region") == "eu"


def test_an_account_by_environment_alone(paths: Paths) -> None:
    environ = {
        "CLOUDTUI_ACCOUNT__BIG_ONE__KIND": "pcloud",
        "CLOUDTUI_ACCOUNT__BIG_ONE__API_URL": "http://127.0.0.1:8080/",
        "CLOUDTUI_ACCOUNT__BIG_ONE__TOKEN": "hush-hush",
    }
    accounts, problems = find_accounts(load(paths, "", **environ))
    assert problems == []
    assert accounts["big-one"].origin("api_url") == "http://127.0.0.1:8080"
    assert "hush" not in repr(accounts)


def test_general_trash_settings_reach_the_account(paths: Paths) -> None:
    text = "[trash]\nkeep_days = 5\n" + FILE
    accounts, _ = find_accounts(load(paths, text))
    assert accounts["my-pc"].whole("trash_keep_days") == 5
    accounts, _ = find_accounts(load(paths, text, "my-pc.trash_keep_days=6"))
    assert accounts["my-pc"].whole("trash_keep_days") == 6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[accounts.pc]\nkind = "pclod"', ["pc.kind", "pikpak, pcloud"]),
        ("[accounts.pc]", ["pc.kind"]),
        ('[accounts.X]\nkind = "pcloud"', ["X"]),
        ('[accounts.pc]\nkind = "pcloud"\nregoin = "eu"', ["accounts.pc.regoin", "region"]),
        ('[accounts.pc]\nkind = "pcloud"\nregion = "de"', ["accounts.pc.region", "us, eu"]),
        ('[accounts.pc]\nkind = "pcloud"\ntoken = "x"', ["accounts.pc.token", "secret"]),
        ('[accounts.pc]\nkind = "pcloud"\napi_url = "http://h/p"', ["accounts.pc.api_url"]),
    ],
)
def test_what_is_wrong_is_told_and_stops_nothing(paths: Paths, text: str, words: list[str]) -> None:
    accounts, problems = find_accounts(load(paths, FILE + text))
    assert "pikpak" in accounts
    assert len(problems) == 1
    for word in words:
        assert word in str(problems[0])


def test_a_wrong_variable_is_told(paths: Paths) -> None:
    environ = {"CLOUDTUI_ACCOUNT__MY_PC__REGION": "de", "CLOUDTUI_ACCOUNT__MY_PC__REGOIN": "eu"}
    accounts, problems = find_accounts(load(paths, FILE, **environ))
    assert accounts["my-pc"].text("region") == "eu"
    assert {problem.where for problem in problems} == set(environ)


@pytest.mark.parametrize("text", ["my-pc.regoin=eu", "my-pc.region=de"])
def test_wrong_assignments_are_usage_errors(paths: Paths, text: str) -> None:
    settings = load(paths, FILE, text)
    with pytest.raises(UsageError, match=r"regoin|region"):
        find_accounts(settings)


def test_an_account_about_to_be_signed_in(paths: Paths) -> None:
    settings = load(paths, FILE, "new.api_url=http://127.0.0.1:1")
    assert "new" not in find_accounts(settings)[0]
    accounts, problems = find_accounts(settings, {"new": "pcloud"})
    assert problems == []
    assert accounts["new"].origin("api_url") == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    "text", ["ftp://h", "http://h/p", "http://u:p@h", "h", "http://h?q", "http:///"]
)
def test_addresses_that_are_no_origin(text: str) -> None:
    account = Account("pc", "pcloud", {"api_url": text})
    with pytest.raises(UsageError, match=r"pc\.api_url"):
        account.origin("api_url")


@pytest.mark.parametrize("name", ["a", "A1", "1a", "a_b", "a:b", "", "-ab", "a\x1b"])
def test_names_an_account_cannot_have(name: str) -> None:
    with pytest.raises(UsageError):
        check_name(name)
    check_name("ab-2")


def test_children_get_no_secret() -> None:
    environ = {
        "PATH": "/bin",
        "CLOUDTUI_ACCOUNT__X__TOKEN": "a",
        "CLOUDTUI_ACCOUNT__X__PASSWORD": "b",
        "CLOUDTUI_ACCOUNT__X__CLIENT_SECRET": "c",
        "CLOUDTUI_ACCOUNT__X__CAPTCHA_TOKEN": "d",
        "CLOUDTUI_VAULT_PASSPHRASE_FILE": "/f",
        "CLOUDTUI_ACCOUNT__X__REGION": "eu",
    }
    assert child_environment(environ) == {"PATH": "/bin", "CLOUDTUI_ACCOUNT__X__REGION": "eu"}


# --- keys ------------------------------------------------------------------------------------


async def test_a_stored_secret_belongs_to_its_origin(paths: Paths) -> None:
    keys = keys_of(paths, MemoryStore())
    assert await keys.read("token", HOME) is None
    await keys.write("token", HOME, Secret("tok-123456"))
    assert await keys.read("token", HOME) == Secret("tok-123456")
    assert await keys.read("token", "https://elsewhere.example.com") is None
    await keys.delete("token")
    assert await keys.read("token", HOME) is None


async def test_the_environment_wins_and_is_not_stored(paths: Paths) -> None:
    store = MemoryStore()
    keys = keys_of(paths, store, CLOUDTUI_ACCOUNT__MY_PC__TOKEN="from-env")
    assert await keys.read("token", HOME) == Secret("from-env")
    assert keys.from_env("token") == Secret("from-env")
    assert keys.from_env("password") is None
    assert store._items == {}


async def test_a_used_seed_gives_way_to_what_was_stored(paths: Paths) -> None:
    store = MemoryStore()
    first = {"CLOUDTUI_ACCOUNT__MY_PC__TOKEN": "seed-1"}
    keys = keys_of(paths, store, **first)
    assert await keys.read("token", HOME, seed=True) == Secret("seed-1")
    await keys.write("token", HOME, Secret("renewed"))
    assert await keys.read("token", HOME, seed=True) == Secret("renewed")
    assert await keys_of(paths, store, **first).read("token", HOME, seed=True) == Secret("renewed")
    assert await keys_of(paths, store).read("token", HOME, seed=True) == Secret("renewed")
    newer = keys_of(paths, store, CLOUDTUI_ACCOUNT__MY_PC__TOKEN="seed-2")
    assert await newer.read("token", HOME, seed=True) == Secret("seed-2")
    assert "seed-1" not in json.dumps(store._items)


async def test_without_a_store_writing_says_why(paths: Paths) -> None:
    keys = keys_of(paths, None)
    assert not await keys.can_store()
    assert keys.reason == "The sign-in cannot be kept: no keyring here."
    assert await keys.read("token", HOME) is None
    with pytest.raises(LoginNeeded, match="no keyring here"):
        await keys.write("token", HOME, Secret("x"))
    await keys.delete("token")


async def test_short_lived_tokens_reach_other_processes_sealed(paths: Paths) -> None:
    store = LastingStore()
    first, second = keys_of(paths, store), keys_of(paths, store)
    await first.write_sealed("access", HOME, Secret("short-lived-1"))
    assert await second.read_sealed("access", HOME) == Secret("short-lived-1")
    await second.write_sealed("access", HOME, Secret("short-lived-2"))
    assert await first.read_sealed("access", HOME) == Secret("short-lived-2")
    assert await first.read_sealed("access", "https://elsewhere.example.com") is None
    for file in paths.accounts_dir.iterdir():
        assert b"short-lived" not in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0
    await first.delete_sealed("access")
    assert await first.read_sealed("access", HOME) is None


@pytest.mark.parametrize("make", [MemoryStore, lambda: None])
async def test_without_a_lasting_store_short_lived_tokens_stay_in_memory(
    paths: Paths, make: Callable[[], MemoryStore | None]
) -> None:
    keys = keys_of(paths, make())
    await keys.write_sealed("access", HOME, Secret("short-lived"))
    assert await keys.read_sealed("access", HOME) == Secret("short-lived")
    assert not paths.accounts_dir.exists()


async def test_a_foreign_sealed_file_counts_as_none(paths: Paths) -> None:
    await keys_of(paths, LastingStore()).write_sealed("access", HOME, Secret("short-lived"))
    assert await keys_of(paths, LastingStore()).read_sealed("access", HOME) is None


async def test_forget_removes_everything(paths: Paths) -> None:
    store = LastingStore()
    keys = keys_of(paths, store)
    await keys.write("token", HOME, Secret("tok-123456"))
    await keys.write("session", HOME, Secret("ses-123456"))
    await keys.write_sealed("access", HOME, Secret("acc-123456"))
    again = keys_of(paths, store)
    await again.forget()
    assert [item for item in store._items if item.startswith("my-pc/")] == []
    assert list(paths.accounts_dir.iterdir()) == []
    assert await again.read_sealed("access", HOME) is None


async def test_the_lock_has_one_holder(paths: Paths) -> None:
    store = MemoryStore()
    one, other = keys_of(paths, store), keys_of(paths, store)
    order: list[str] = []

    async def second() -> None:
        async with other.lock():
            order.append("second")

    async with one.lock():
        task = asyncio.create_task(second())
        await asyncio.sleep(0)
        order.append("first")
    await task
    assert order == ["first", "second"]


async def test_what_passes_through_keys_is_hidden_from_logs(paths: Paths) -> None:
    keys = keys_of(paths, MemoryStore())
    await keys.write("token", HOME, Secret("very-odd-value"))
    assert redact("got very-odd-value back") == "got … back"


# --- steps of many processes -------------------------------------------------------------------


async def test_only_one_at_a_time_has_a_turn(paths: Paths) -> None:
    first, second = (keys_of(paths, MemoryStore()) for _ in range(2))
    inside: list[str] = []

    async def go(keys: Keys, name: str) -> None:
        async with keys.turn("a thing"):
            assert inside == []
            inside.append(name)
            for _ in range(5):
                await asyncio.sleep(0)
            inside.remove(name)

    await asyncio.gather(*(go(keys, f"{n}") for n in range(3) for keys in (first, second)))


async def test_a_turn_of_a_stopped_process_is_not_waited_for_for_ever(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudtui.services.accounts._TURN_PATIENCE", 0.01)
    keys, other = (keys_of(paths, MemoryStore()) for _ in range(2))
    async with keys.turn("a thing"), other.turn("a thing"), keys.turn("something else"):
        assert paths.accounts_dir.joinpath("turns").is_dir()


async def test_what_several_learn_at_once_is_all_kept(paths: Paths) -> None:
    learners = [keys_of(paths, MemoryStore()) for _ in range(8)]

    def learn(keys: Keys, letter: bytes) -> None:
        keys.revise("things", lambda known: known + letter)

    await asyncio.gather(
        *(asyncio.to_thread(learn, keys, b"%d" % n) for n, keys in enumerate(learners))
    )
    assert sorted(learners[0].recall("things")) == sorted(b"01234567")
