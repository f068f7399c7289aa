"""The configured accounts and the secrets of each.

Owns the merging of settings file, environment and `--set` into one `Account`, and `Keys`, the one
door to an account's secrets. It must not know how a service signs in.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import re
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from msgspec import Struct

from cloudtui.services.errors import Gone, UsageError
from cloudtui.services.locks import FileLock
from cloudtui.services.logs import hide
from cloudtui.services.models import Secret
from cloudtui.services.options import ACCOUNT, INHERITED, SECRETS, Value, check, nearest, parse
from cloudtui.services.paths import Paths, replacing
from cloudtui.services.sealing import Sealer
from cloudtui.services.secrets import Secrets
from cloudtui.services.settings import Problem, Settings

NAME = re.compile(r"[a-z][a-z0-9-]+")
"""At least two letters, so that `c:` stays a Windows drive."""

_PREFIX = "CLOUDTUI_ACCOUNT__"
_TURNS = 256
"""Locks for things of one account; two things may share one and then wait for each other."""
_TURN_PATIENCE = 60.0
"""Seconds to wait for a turn. Its holder makes one call: longer than that, it was stopped."""
_NEVER_FOR_CHILDREN = ("CLOUDTUI_VAULT_PASSPHRASE_FILE",)


class Account(Struct, frozen=True):
    """One configured account. `options` holds what somebody set, checked; no secrets.

    Without a `default` the readers answer with the option's own default.
    """

    name: str
    kind: str
    options: Mapping[str, object] = {}

    def _get(self, key: str, default: Value | None) -> object:
        if key in self.options:
            return self.options[key]
        if default is not None:
            return default
        return ACCOUNT[self.kind][key].default

    def text(self, key: str, default: str | None = None) -> str:
        """A word or name; empty for an option that this kind of account does not have."""
        if default is None and key not in ACCOUNT[self.kind]:
            default = ""
        return str(self._get(key, default))

    def flag(self, key: str, default: bool | None = None) -> bool:
        """Yes or no."""
        return bool(self._get(key, default))

    def number(self, key: str, default: float | None = None) -> float:
        """A number; sizes are in bytes."""
        return float(str(self._get(key, default)))

    def whole(self, key: str, default: int | None = None) -> int:
        """A whole number; sizes are in bytes."""
        return int(str(self._get(key, default)))

    def origin(self, key: str, default: str | None = None) -> str:
        """`scheme://host[:port]` without a path. Raises UsageError when it is none."""
        text = self.text(key, default)
        option = ACCOUNT[self.kind][key]
        try:
            checked = check(option, text)
        except ValueError:
            checked = ""
        if not checked:
            raise UsageError(f"{self.name}.{key} must be {option.wanted}.")
        return str(checked)


def variable(account: str, option: str) -> str:
    """The environment variable of an account's option."""
    return f"{_PREFIX}{account.replace('-', '_').upper()}__{option.upper()}"


def child_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a player, editor or opener: without our secrets."""
    environ = os.environ if environ is None else environ
    endings = tuple(f"__{name.upper()}" for name in SECRETS)
    return {
        key: value
        for key, value in environ.items()
        if key not in _NEVER_FOR_CHILDREN
        and not (key.startswith(_PREFIX) and key.endswith(endings))
    }


def check_name(name: str) -> None:
    """Raise UsageError unless this may be an account's name."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of an account.",
            hint="Small letters, digits and dashes, a letter first, two characters or more.",
        )


def find_accounts(
    settings: Settings, kinds: Mapping[str, str] | None = None
) -> tuple[dict[str, Account], list[Problem]]:
    """All accounts by name, and what is wrong with their settings (never fatal).

    An account may stand in the environment alone when its KIND is given there. `kinds` adds
    accounts that are about to be signed in. Raises UsageError for a wrong `--set`.
    """
    problems: list[Problem] = []
    found: dict[str, Account] = {}
    spoken = _environment(settings)
    known = {name.replace("-", "_"): name for name in settings.account_tables}
    known.update({name.replace("-", "_"): name for name in kinds or {}})
    by_variable = {known.get(key, key.replace("_", "-")): value for key, value in spoken.items()}
    file = str(settings.file)
    names = dict.fromkeys(
        [*settings.account_tables, *by_variable, *settings.set_for_accounts, *(kinds or {})]
    )
    for name in names:
        table = settings.account_tables.get(name, {})
        variables = by_variable.get(name, {})
        assigned = settings.set_for_accounts.get(name, {})
        kind = str(
            (kinds or {}).get(name)
            or assigned.get("kind")
            or variables.get("kind")
            or table.get("kind", "")
        )
        if not NAME.fullmatch(name):
            problems.append(Problem(file, f"accounts.{name}", f"{name} cannot name an account"))
            continue
        if kind not in ACCOUNT:
            where = file if table else (variable(name, "kind") if variables else "--set")
            wanted = f"{name}.kind must be one of {', '.join(ACCOUNT)}; the account is left out"
            problems.append(Problem(where, f"accounts.{name}.kind", wanted))
            continue
        options = _options(name, kind, table, variables, problems, file)
        for key, text in assigned.items():
            if key != "kind":
                options[key] = _assigned(name, kind, key, text)
        for key, general in INHERITED.get(kind, {}).items():
            if key not in options and settings.is_set(general):
                options[key] = settings.get(general)
        found[name] = Account(name, kind, options)
    return found, problems


def _options(
    name: str,
    kind: str,
    table: Mapping[str, object],
    variables: Mapping[str, str],
    problems: list[Problem],
    file: str,
) -> dict[str, object]:
    options: dict[str, object] = {}
    known = ACCOUNT[kind]
    for key, value in table.items():
        where = f"accounts.{name}.{key}"
        if key == "kind":
            continue
        if key in SECRETS:
            problems.append(Problem(file, where, f"{where} is a secret: not used from a file"))
        elif key not in known:
            text = f"there is no setting {where}.{nearest(key, known)}"
            problems.append(Problem(file, where, text))
        else:
            try:
                options[key] = check(known[key], value)
            except ValueError:
                text = f"{where} must be {known[key].wanted}; it is not used"
                problems.append(Problem(file, where, text))
    for key, value in variables.items():
        if key in SECRETS or key == "kind":
            continue
        where = variable(name, key)
        if key not in known:
            problems.append(Problem(where, key, f"there is no such setting.{nearest(key, known)}"))
            continue
        try:
            options[key] = parse(known[key], value)
        except ValueError:
            problems.append(Problem(where, key, f"must be {known[key].wanted}; it is not used"))
    return options


def _assigned(name: str, kind: str, key: str, text: str) -> Value:
    known = ACCOUNT[kind]
    if key not in known:
        raise UsageError(f"There is no setting {name}.{key}.{nearest(key, known)}")
    try:
        return parse(known[key], text)
    except ValueError:
        raise UsageError(f"{name}.{key} must be {known[key].wanted}.") from None


def _environment(settings: Settings) -> dict[str, dict[str, str]]:
    """Account options from the environment, by lower-case account with underscores."""
    found: dict[str, dict[str, str]] = {}
    for key, value in settings.environ.items():
        account, parted, option = key.removeprefix(_PREFIX).partition("__")
        if key.startswith(_PREFIX) and parted and account and option:
            found.setdefault(account.lower(), {})[option.lower()] = value
    return found


class Keys:
    """The secrets of one account.

    Long-lived ones stand in the secret store, each with the API origin it belongs to; short-lived
    ones in memory and, where a store keeps the sealing key, in sealed files of the state folder.
    """

    def __init__(
        self,
        account: str,
        *,
        paths: Paths,
        secrets: Secrets,
        sealer: Sealer,
        environ: Mapping[str, str],
    ) -> None:
        self.account = account
        self._dir = paths.accounts_dir
        self._secrets = secrets
        self._sealer = sealer
        self._environ = environ
        self._here = asyncio.Lock()
        self._turns: dict[int, asyncio.Lock] = {}
        self._short: dict[str, tuple[str, Secret]] = {}
        self._seen: dict[str, tuple[int, int]] = {}

    def from_env(self, item: str) -> Secret | None:
        """The item from `CLOUDTUI_ACCOUNT__<NAME>__<ITEM>`, or None."""
        value = self._environ.get(variable(self.account, item), "")
        return _hidden(value) if value else None

    async def read(self, item: str, origin: str, *, seed: bool = False) -> Secret | None:
        """The item for this API origin: environment first, else the store.

        With `seed` (tokens that renew themselves) the environment only begins: once something was
        written while it had this value, the stored one wins until the environment says something
        else. A stored secret of another origin is not returned. Raises StoreTrouble when the
        store cannot be used now.
        """
        given = self.from_env(item)
        if given is not None and not seed:
            return given
        row = await self._row(item)
        if given is not None and (row is None or row.get("seed") != _mark(given)):
            return given
        if row is None or row.get("origin") != origin:
            return given
        return _hidden(row["value"])

    async def write(self, item: str, origin: str, secret: Secret) -> None:
        """Store or replace. Raises LoginNeeded with the reason when there is no store."""
        row = {"origin": origin, "value": secret.reveal()}
        given = self.from_env(item)
        if given is not None:
            row["seed"] = _mark(given)
        hide(secret)
        await self._note(item)
        await self._secrets.write(self._item(item), json.dumps(row))

    async def delete(self, item: str) -> None:
        """Forget one item. Fine when there was none."""
        await self._secrets.delete(self._item(item))

    async def forget(self) -> None:
        """Forget every item and all sealed state of the account."""
        for item in sorted({*SECRETS, *self._noted()}):
            await self.delete(item)
        self._short.clear()
        self._seen.clear()
        for ending in ("*.sealed", "items.json", "*.learned.json"):
            for file in self._dir.glob(f"{self.account}.{ending}"):
                file.unlink(missing_ok=True)

    async def can_store(self) -> bool:
        """Whether `write` has somewhere to write to. Memory counts: the user chose it."""
        return await self._secrets.store() is not None

    @property
    def reason(self) -> str:
        """Why `can_store` was False, as a sentence."""
        return f"The sign-in cannot be kept: {self._secrets.reason}"

    def lock(self) -> AbstractAsyncContextManager[None]:
        """One holder among all tasks and processes. Waits without blocking the loop."""
        return self._locked()

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        async with self._here, FileLock(self._dir / f"{self.account}.lock"):
            yield

    @asynccontextmanager
    async def turn(self, thing: str) -> AsyncIterator[None]:
        """The one among all tasks and processes that looks whether `thing` is there, and makes it.

        For short steps: whoever waited a minute goes on without, since the holder is a process
        that somebody stopped. So does who may not write beside the account's state.
        """
        number = zlib.crc32(thing.encode("utf-8", "surrogatepass")) % _TURNS
        lock = FileLock(self._dir / "turns" / f"{self.account}.{number:02x}.lock")
        async with self._turns.setdefault(number, asyncio.Lock()):
            with contextlib.suppress(OSError):
                await lock.acquire_async(_TURN_PATIENCE)
            try:
                yield
            finally:
                lock.release()

    def lock_of(self, thing: str) -> FileLock:
        """The lock of a thing whose name never comes back; not taken yet."""
        name = hashlib.sha256(thing.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return FileLock(self._dir / "turns" / f"{self.account}.{name}.lock")

    async def read_sealed(self, item: str, origin: str) -> Secret | None:
        """A short-lived token: the newest of this process and the others."""
        file = self._sealed_file(item)
        stamp = _stamp(file)
        if stamp is not None and stamp != self._seen.get(item) and await self._sealer.prepare():
            try:
                row = json.loads(self._sealer.open(file.read_bytes()))
                self._short[item] = (row["origin"], _hidden(row["value"]))
            except (OSError, Gone, ValueError, KeyError):
                # sealed under a key that is gone, or removed meanwhile: as if never written
                self._short.pop(item, None)
            self._seen[item] = stamp
        kept = self._short.get(item)
        return kept[1] if kept is not None and kept[0] == origin else None

    async def write_sealed(self, item: str, origin: str, secret: Secret) -> None:
        """Keep a short-lived token; in memory alone where nothing can be sealed for others."""
        hide(secret)
        self._short[item] = (origin, secret)
        if not await self._sealer.prepare():
            return
        row = json.dumps({"origin": origin, "value": secret.reveal()}).encode()
        file = self._sealed_file(item)
        with replacing(file) as target:
            target.write(self._sealer.seal(row))
        stamp = _stamp(file)
        if stamp is not None:
            self._seen[item] = stamp

    async def delete_sealed(self, item: str) -> None:
        """Forget a short-lived token. Fine when there was none."""
        self._short.pop(item, None)
        self._seen.pop(item, None)
        self._sealed_file(item).unlink(missing_ok=True)

    def recall(self, item: str) -> bytes:
        """What was learned of the account and is no secret; empty when nothing was."""
        try:
            return self._learned_file(item).read_bytes()
        except OSError:
            return b""

    def remember(self, item: str, learned: bytes) -> None:
        """Keep something learned of the account, for this process and later ones. Nothing secret:
        it is written as it is. What cannot be written is learned again."""
        with contextlib.suppress(OSError), replacing(self._learned_file(item)) as file:
            file.write(learned)

    def revise(self, item: str, change: Callable[[bytes], bytes]) -> None:
        """`remember` what `change` makes of what is known, in one step among all processes. Waits
        for the others, so not for the event loop. It is not kept over a loss of power."""
        with contextlib.suppress(OSError), FileLock(self._dir / f"{self.account}.{item}.lock"):
            learned = change(self.recall(item))
            with replacing(self._learned_file(item), lasting=False) as file:
                file.write(learned)

    async def _row(self, item: str) -> dict[str, str] | None:
        text = await self._secrets.read(self._item(item))
        if text is None:
            return None
        try:
            row = json.loads(text)
        except ValueError:
            return None
        return row if isinstance(row, dict) and isinstance(row.get("value"), str) else None

    def _item(self, item: str) -> str:
        return f"{self.account}/{item}"

    def _sealed_file(self, item: str) -> Path:
        return self._dir / f"{self.account}.{item}.sealed"

    def _learned_file(self, item: str) -> Path:
        return self._dir / f"{self.account}.{item}.learned.json"

    def _noted(self) -> list[str]:
        """Items that were ever written: keyrings cannot list them for us."""
        try:
            names = json.loads((self._dir / f"{self.account}.items.json").read_bytes())
        except (OSError, ValueError):
            return []
        return [str(name) for name in names] if isinstance(names, list) else []

    async def _note(self, item: str) -> None:
        names = self._noted()
        if item not in SECRETS and item not in names:
            with replacing(self._dir / f"{self.account}.items.json") as file:
                file.write(json.dumps([*names, item]).encode())


def _hidden(value: str) -> Secret:
    secret = Secret(value)
    hide(secret)
    return secret


def _mark(secret: Secret) -> str:
    return hashlib.sha256(b"cloudtui seed " + secret.reveal().encode()).hexdigest()


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        info = file.stat()
    except OSError:
        return None
    return info.st_ino, info.st_mtime_ns
