"""The settings file, the environment and `--set`, as one set of checked values.

Owns `settings.toml`: reading, naming what is wrong in it, changing single values without losing
the user's comments. A wrong value never stops the program: the default holds and `problems` says
so. Secrets are never read from or written to it.
"""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from cloudtui.services.errors import Refused, UsageError
from cloudtui.services.locks import FileLock
from cloudtui.services.options import (
    ACCOUNT,
    GENERAL,
    SECRETS,
    Option,
    Value,
    check,
    nearest,
    parse,
)
from cloudtui.services.paths import Paths, replacing

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.container import Container
    from tomlkit.items import Table

FORMAT: Final = 1

MIGRATIONS: dict[int, Callable[[TOMLDocument], None]] = {}
"""For each older format the step that changes a document of it to the next one."""

_OWN_KEYS = ("format", "accounts", "keymap")


class Problem(Struct, frozen=True):
    """Something wrong that did not stop the program: `where` is a file or variable, `key` the
    setting."""

    where: str
    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


class Settings:
    """Checked general values, and the raw tables of the accounts.

    Later sources win: defaults, file, environment (`CLOUDTUI_<OPTION>`, a dot becomes `_`),
    `--set`.
    """

    def __init__(
        self,
        paths: Paths,
        *,
        environ: Mapping[str, str] | None = None,
        assignments: tuple[str, ...] = (),
    ) -> None:
        """Read everything. `assignments` are the `--set` texts (`option=value`,
        `NAME.option=value`).

        Raises UsageError for a wrong assignment: those are arguments, not settings.
        """
        self.file = paths.settings_file
        self.environ = os.environ if environ is None else environ
        self.problems: list[Problem] = []
        self.set_for_accounts: dict[str, dict[str, str]] = {}
        self._lock_file = paths.state_dir / "settings.lock"
        self._assigned: dict[str, Value] = {}
        self._from_environment: dict[str, Value] = {}
        self._from_file: dict[str, Value] = {}
        self._accounts: dict[str, dict[str, object]] = {}
        self._keymap: dict[str, str] = {}
        self._read_only = ""
        for text in assignments:
            self._assign(text)
        self._read_environment()
        self.reload()

    # --- reading -----------------------------------------------------------------------------

    def get(self, name: str) -> Value:
        """The value of a general option. Raises UsageError when there is no such option."""
        option = general_option(name)
        for source in (self._assigned, self._from_environment, self._from_file):
            if name in source:
                return source[name]
        return option.default

    def text(self, name: str) -> str:
        """A TEXT, CHOICE or ORIGIN option."""
        return str(self.get(name))

    def flag(self, name: str) -> bool:
        """A FLAG option."""
        return bool(self.get(name))

    def number(self, name: str) -> float:
        """A NUMBER option."""
        return float(self.get(name))

    def whole(self, name: str) -> int:
        """An INTEGER or SIZE option (bytes)."""
        return int(self.get(name))

    def is_set(self, name: str) -> bool:
        """Whether anybody said anything about it."""
        return any(
            name in source for source in (self._assigned, self._from_environment, self._from_file)
        )

    @property
    def account_tables(self) -> Mapping[str, Mapping[str, object]]:
        """The tables below `[accounts]`, unchecked."""
        return self._accounts

    @property
    def keymap(self) -> Mapping[str, str]:
        """The table `[keymap]`: ids of actions to keys as people write them, unchecked."""
        return self._keymap

    def reload(self) -> None:
        """Read the file again."""
        self._from_file = {}
        self._accounts = {}
        self._keymap = {}
        self._read_only = ""
        self.problems = [one for one in self.problems if one.where != str(self.file)]
        document = self._load()
        for key, value in document.items():
            if key not in _OWN_KEYS:
                self._take(key, value)
        tables = document.get("accounts", {})
        if isinstance(tables, dict):
            self._accounts = {k: dict(v) for k, v in tables.items() if isinstance(v, dict)}
        self._read_keymap(document.get("keymap", {}))

    def _read_keymap(self, table: object, before: str = "") -> None:
        """`browser.copy = "f5"` and `"browser.copy" = "f5"` mean the same."""
        if not isinstance(table, dict):
            self._complain("keymap", "keymap must be a table of actions and their keys")
            return
        for key, value in table.items():
            name = f"{before}{key}"
            if isinstance(value, dict):
                self._read_keymap(value, f"{name}.")
            elif isinstance(value, str):
                self._keymap[name] = value
            else:
                self._complain(name, f"keymap: the keys of {name} must be text")

    def _load(self) -> dict[str, object]:
        try:
            data = self.file.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            return self._unusable(f"cannot be read ({error.strerror}); the defaults hold")
        try:
            document: dict[str, object] = tomllib.loads(data.decode())
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            return self._unusable(f"is not valid TOML ({error}); the defaults hold")
        found = document.get("format", FORMAT)
        if not isinstance(found, int) or isinstance(found, bool) or found < 0:
            return self._unusable(f"format must be {FORMAT}; the defaults hold")
        if found > FORMAT:
            return self._unusable(
                f"has format {found}, written by a newer cloudtui; this one knows {FORMAT}, leaves"
                " the file untouched and uses the defaults"
            )
        if found < FORMAT:
            self._migrate(found)
            document = tomllib.loads(self.file.read_text())
        return document

    def _unusable(self, text: str) -> dict[str, object]:
        self._read_only = text
        self._complain("", text)
        return {}

    def _take(self, key: str, value: object) -> None:
        if isinstance(value, dict) and not any(name == key for name in GENERAL):
            for inner, content in value.items():
                self._take(f"{key}.{inner}", content)
            return
        option = GENERAL.get(key)
        if option is None:
            self._complain(key, f"there is no setting {key}.{nearest(key, GENERAL)}")
            return
        try:
            self._from_file[key] = check(option, value)
        except ValueError:
            self._complain(key, f"{key} must be {option.wanted}; {option.default!r} is used")

    def _read_environment(self) -> None:
        for name, option in GENERAL.items():
            variable = "CLOUDTUI_" + name.replace(".", "_").upper()
            text = self.environ.get(variable)
            if text is None:
                continue
            try:
                self._from_environment[name] = parse(option, text)
            except ValueError:
                self.problems.append(
                    Problem(variable, name, f"must be {option.wanted}; it is not used")
                )

    def _assign(self, text: str) -> None:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise UsageError(f"--set needs option=value, not {text.partition('=')[0]!r}.")
        if name in GENERAL:
            try:
                self._assigned[name] = parse(GENERAL[name], value)
            except ValueError:
                raise UsageError(f"{name} must be {GENERAL[name].wanted}.") from None
            return
        account, dot, option = name.partition(".")
        if not dot:
            general_option(name)
        if option in SECRETS:
            raise UsageError(
                f"{name} is a secret and does not belong on a command line.",
                hint="Set it in the environment or sign in with `cloudtui login`.",
            )
        self.set_for_accounts.setdefault(account, {})[option] = value

    def _complain(self, key: str, text: str) -> None:
        self.problems.append(Problem(str(self.file), key, text))

    # --- writing -----------------------------------------------------------------------------

    def set(self, name: str, value: str) -> None:
        """Store a value written as text: a general option, or `NAME.option` of an account.

        Raises UsageError for an unknown name or a wrong value, Refused when the file must not be
        touched.
        """
        account, _, key = name.partition(".")
        if name not in GENERAL and account in self._accounts:
            option = account_option(str(self._accounts[account].get("kind", "")), key)
            self.set_account(account, {key: parse_named(option, value, name)})
            return
        parsed = parse_named(general_option(name), value, name)
        self._change(lambda document: _put(document, name.split("."), parsed))

    def unset(self, name: str) -> None:
        """Forget a stored value, so that the default holds. Fine when there was none."""
        account, _, key = name.partition(".")
        if name not in GENERAL and account in self._accounts:
            self._change(lambda document: _drop(document, ["accounts", account, key]))
            return
        self._change(lambda document: _drop(document, name.split(".")))

    def set_account(self, account: str, options: Mapping[str, Value]) -> None:
        """Store options of an account (made when missing), the others stay. No secrets here."""
        secret = next((key for key in options if key in SECRETS), "")
        if secret:
            raise UsageError(f"{secret} is a secret and does not belong in the settings file.")

        def change(document: TOMLDocument) -> None:
            for key, value in options.items():
                _put(document, ["accounts", account, key], value)

        self._change(change)

    def remove_account(self, account: str) -> None:
        """Forget an account's table. Fine when there was none."""
        self._change(lambda document: _drop(document, ["accounts", account]))

    def _change(self, change: Callable[[TOMLDocument], None]) -> None:
        if self._read_only:
            raise Refused(f"{self.file} {self._read_only}.", hint="Repair or move the file first.")
        import tomlkit  # writes only: 36 ms

        with FileLock(self._lock_file):
            try:
                document = tomlkit.parse(self.file.read_bytes())
            except FileNotFoundError:
                document = tomlkit.document()
            if "format" not in document:
                document.add("format", tomlkit.item(FORMAT))
            change(document)
            with replacing(self.file) as file:
                file.write(tomlkit.dumps(document).encode())
        self.reload()

    def _migrate(self, found: int) -> None:
        """Bring an older file to today's format, after a copy beside it."""
        import tomlkit

        with FileLock(self._lock_file):
            document = tomlkit.parse(self.file.read_bytes())
            copy = self.file.with_name(f"{self.file.name}.format{found}")
            if not copy.exists():
                shutil.copy2(self.file, copy)
            for step in range(found, FORMAT):
                if step in MIGRATIONS:
                    MIGRATIONS[step](document)
            document["format"] = FORMAT
            with replacing(self.file) as file:
                file.write(tomlkit.dumps(document).encode())


def general_option(name: str) -> Option:
    """The general option of that name. Raises UsageError naming the nearest one."""
    option = GENERAL.get(name)
    if option is None:
        raise UsageError(f"There is no setting {name}.{nearest(name, GENERAL)}")
    return option


def account_option(kind: str, name: str) -> Option:
    """The option of an account of that kind. Raises UsageError naming the nearest one."""
    known = ACCOUNT.get(kind, {})
    if name in SECRETS:
        raise UsageError(
            f"{name} is a secret and does not belong in the settings file.",
            hint="Sign in with `cloudtui login`.",
        )
    if name not in known:
        raise UsageError(
            f"An account of kind {kind or 'nothing'} has no setting {name}.{nearest(name, known)}"
        )
    return known[name]


def parse_named(option: Option, text: str, name: str) -> Value:
    """`options.parse` with a sentence. Raises UsageError."""
    try:
        return parse(option, text)
    except ValueError:
        raise UsageError(f"{name} must be {option.wanted}.") from None


def _put(document: TOMLDocument, path: list[str], value: Value) -> None:
    import tomlkit

    table: TOMLDocument | Table | Container = document
    for number, part in enumerate(path[:-1]):
        if part not in table:
            # `[accounts]` alone would be an empty header above `[accounts.name]`
            table.add(part, tomlkit.table(is_super_table=path[0] == "accounts" and number == 0))
        inner = table[part]
        if not isinstance(inner, dict):
            raise Refused(f"{'.'.join(path)} cannot be stored: {part} is not a table in the file.")
        table = inner  # type: ignore[assignment]  # tomlkit's tables are dictionaries
    table[path[-1]] = value


def _drop(document: TOMLDocument, path: list[str]) -> None:
    table: object = document
    for part in path[:-1]:
        if not isinstance(table, dict) or part not in table:
            return
        table = table[part]
    if isinstance(table, dict) and path[-1] in table:
        del table[path[-1]]
