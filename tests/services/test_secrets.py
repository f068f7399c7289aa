"""The stores of secrets: keyring, vault, memory, none."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import keyring.backends.chainer
import keyring.backends.fail
import keyring.backends.null
import keyring.errors
import pytest
from keyring.backend import KeyringBackend

from cloudtui.services import secrets as secrets_module
from cloudtui.services.errors import Gone, LoginNeeded, UsageError, WrongPassword
from cloudtui.services.keyring_store import KeyringStore, open_keyring
from cloudtui.services.models import Secret
from cloudtui.services.paths import Paths
from cloudtui.services.sealing import Sealer
from cloudtui.services.secrets import MemoryStore, Secrets, StoreTrouble, on_daemon_thread
from cloudtui.services.vault import VaultStore


class Ring(KeyringBackend):
    """A keyring in memory; `broken` raises what back ends raise."""

    priority = 1

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], str] = {}
        self.broken: Exception | None = None

    def get_password(self, service: str, username: str) -> str | None:
        if self.broken:
            raise self.broken
        return self.items.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.broken:
            raise self.broken
        self.items[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.items.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError


class PlaintextRing(Ring):
    """What keyrings.alt calls its unprotected file."""


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.find({"CLOUDTUI_HOME": str(tmp_path)})


NULL: Callable[[], KeyringBackend] = keyring.backends.null.Keyring
FAIL: Callable[[], KeyringBackend] = keyring.backends.fail.Keyring


def use(monkeypatch: pytest.MonkeyPatch, ring: KeyringBackend) -> None:
    monkeypatch.setattr(keyring, "get_keyring", lambda: ring)


# --- keyring ---------------------------------------------------------------------------------


async def test_items_go_to_our_service(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Ring()
    use(monkeypatch, ring)
    secrets = Secrets(paths, environ={})
    await secrets.write("pc/token", "value")
    assert ring.items == {("cloudtui", "pc/token"): "value"}
    assert await secrets.read("pc/token") == "value"
    await secrets.delete("pc/token")
    await secrets.delete("pc/token")
    assert await secrets.read("pc/token") is None


@pytest.mark.parametrize("make", [FAIL, NULL, PlaintextRing])
async def test_back_ends_that_protect_nothing_are_refused(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, make: Callable[[], KeyringBackend]
) -> None:
    use(monkeypatch, make())
    secrets = Secrets(paths, environ={})
    assert await secrets.store() is None
    with pytest.raises(LoginNeeded, match="no keyring"):
        await secrets.write("pc/token", "value")
    assert await secrets.read("pc/token") is None


def test_a_named_back_end_is_the_users_word(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    named = {"PYTHON_KEYRING_BACKEND": "x"}
    use(monkeypatch, PlaintextRing())
    assert open_keyring(named, paths.accounts_dir)[0] is not None
    use(monkeypatch, NULL())
    assert open_keyring(named, paths.accounts_dir)[0] is None


def test_a_chain_gives_its_first_good_back_end(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = Ring()

    class Chain(keyring.backends.chainer.ChainerBackend):
        backends = [PlaintextRing(), good]  # noqa: RUF012 - shaped as the library's

    chain: Callable[[], KeyringBackend] = Chain
    use(monkeypatch, chain())
    store, _ = open_keyring({}, paths.accounts_dir)
    assert store is not None
    store.write("a/b", "c")
    assert good.items


async def test_a_broken_keyring_is_told_without_its_words(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = Ring()
    ring.broken = RuntimeError("secret words")
    use(monkeypatch, ring)
    secrets = Secrets(paths, environ={})
    with pytest.raises(StoreTrouble) as caught:
        await secrets.read("pc/token")
    assert "secret words" not in str(caught.value)
    assert caught.value.exit_code == 4


async def test_a_keyring_that_hangs_is_given_up(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    class Hanging(Ring):
        def get_password(self, service: str, username: str) -> str | None:
            release.wait()
            return None

    use(monkeypatch, Hanging())
    secrets = Secrets(paths, environ={})
    store = await secrets.store()
    assert store is not None
    store.limit = 0.02
    with pytest.raises(StoreTrouble, match="did not answer"):
        await secrets.read("pc/token")
    release.set()


def test_long_values_lie_in_a_sealed_file(tmp_path: Path) -> None:
    ring = Ring()
    store = KeyringStore(ring, tmp_path / "long", longest=100)
    value = "long-value" * 50
    store.write("pc/token", value)
    assert store.read("pc/token") == value
    assert all(len(text) <= 100 for text in ring.items.values())
    files = list((tmp_path / "long").iterdir())
    assert b"long-value" not in files[0].read_bytes()
    store.delete("pc/token")
    assert list((tmp_path / "long").iterdir()) == []
    assert store.read("pc/token") is None


def test_a_long_value_whose_file_is_gone_is_none(tmp_path: Path) -> None:
    store = KeyringStore(Ring(), tmp_path / "long", longest=10)
    store.write("pc/token", "x" * 20)
    next((tmp_path / "long").iterdir()).unlink()
    assert store.read("pc/token") is None


async def test_what_a_thread_raises_arrives() -> None:
    def fail() -> None:
        raise UsageError("no")

    with pytest.raises(UsageError, match="no"):
        await on_daemon_thread(fail, 30, "late")


# --- vault -----------------------------------------------------------------------------------


def test_a_vault_keeps_items_under_its_passphrase(tmp_path: Path) -> None:
    file = tmp_path / "vault.json"
    vault = VaultStore.open(file, Secret("correct horse"))
    other = VaultStore.open(file, Secret("correct horse"))
    vault.write("pc/token", "value-1")
    other.write("pp/token", "value-2")
    assert vault.read("pp/token") == "value-2"
    vault.delete("pp/token")
    assert other.read("pp/token") is None
    assert other.read("pc/token") == "value-1"
    assert b"value-1" not in file.read_bytes()
    assert b"token" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(WrongPassword):
        VaultStore.open(file, Secret("wrong"))
    assert other.read("pc/token") == "value-1"


@pytest.mark.parametrize("change", [{"n": 1 << 30}, {"format": 9}, {"salt": 5}, {"n": 1}])
def test_a_strange_vault_is_left_alone(tmp_path: Path, change: dict[str, object]) -> None:
    file = tmp_path / "vault.json"
    VaultStore.open(file, Secret("x"))
    text = json.dumps(json.loads(file.read_text()) | change)
    file.write_text(text)
    with pytest.raises(StoreTrouble):
        VaultStore.open(file, Secret("x"))
    assert file.read_text() == text


def test_an_empty_passphrase_is_no_passphrase(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        VaultStore.open(tmp_path / "v", Secret(""))
    assert not (tmp_path / "v").exists()


async def test_a_passphrase_file_opens_the_vault_headless(paths: Paths, tmp_path: Path) -> None:
    file = tmp_path / "phrase"
    file.write_text("correct horse\nmore\n")
    environ = {"CLOUDTUI_VAULT_PASSPHRASE_FILE": str(file)}
    await Secrets(paths, environ=environ).write("pc/token", "value")
    again = Secrets(paths, environ=environ)
    assert await again.read("pc/token") == "value"
    store = await again.store()
    assert store is not None
    assert store.kind == "vault"
    assert store.lasting
    file.write_text("\n")
    with pytest.raises(StoreTrouble, match="empty"):
        await Secrets(paths, environ=environ).read("pc/token")


async def test_a_locked_vault_asks_once_and_says_so_when_declined(paths: Paths) -> None:
    asked: list[bool] = []

    async def ask(new: bool) -> Secret | None:
        asked.append(new)
        return Secret("horse")

    async def decline(new: bool) -> None:
        asked.append(new)

    first = Secrets(paths, choice="vault", environ={}, ask_passphrase=ask)
    await first.write("pc/token", "value")
    assert await Secrets(paths, environ={}, ask_passphrase=ask).read("pc/token") == "value"
    locked = Secrets(paths, environ={}, ask_passphrase=decline)
    for _ in range(2):
        with pytest.raises(StoreTrouble, match="locked"):
            await locked.read("pc/token")
    assert asked == [True, False, False]
    assert "locked" in locked.reason
    await locked.use_vault(Secret("horse"))
    assert await locked.read("pc/token") == "value"
    with pytest.raises(WrongPassword):
        await locked.use_vault(Secret("donkey"))


async def test_memory_is_an_answer(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, FAIL())
    secrets = Secrets(paths, environ={})
    assert await secrets.store() is None
    await secrets.use_memory()
    await secrets.write("pc/token", "value")
    assert await secrets.read("pc/token") == "value"
    assert not paths.vault_file.exists()
    store = await Secrets(paths, choice="memory", environ={}).store()
    assert store is not None
    assert not store.lasting


# --- sealing ---------------------------------------------------------------------------------


class LastingStore(MemoryStore):
    """Stands for a keyring that two processes share."""

    lasting = True


def sealer(paths: Paths, store: MemoryStore) -> Sealer:
    secrets = Secrets(paths, environ={}, store=store)
    return Sealer(secrets, paths.state_dir / "seal.lock")


async def test_two_processes_seal_under_one_key(paths: Paths) -> None:
    store = LastingStore()
    one, two = sealer(paths, store), sealer(paths, store)
    assert await one.prepare()
    assert await two.prepare()
    box = one.seal(b"upload credentials")
    assert b"credentials" not in box
    assert two.open(box) == b"upload credentials"
    assert one.seal(b"x") != one.seal(b"x")


async def test_other_keys_and_damage_raise_gone(paths: Paths) -> None:
    one, two = sealer(paths, MemoryStore()), sealer(paths, MemoryStore())
    assert not await one.prepare()
    await two.prepare()
    box = one.seal(b"data")
    for wrong in (box[:-1] + b"\0", b"", b"\x02" + box[1:]):
        with pytest.raises(Gone):
            one.open(wrong)
    with pytest.raises(Gone):
        two.open(box)


async def test_a_keyring_that_fails_leaves_a_key_for_this_process(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = Ring()
    ring.broken = RuntimeError("locked")
    use(monkeypatch, ring)
    monkeypatch.setattr(secrets_module, "KEYRING_LIMIT", 1.0)
    one = Sealer(Secrets(paths, environ={}), paths.state_dir / "seal.lock")
    assert not await one.prepare()
    assert one.open(one.seal(b"data")) == b"data"
