"""Every setting as data: its name, type, default and one line about it.

Owns what may be written where (general options, options of an account by its kind) and how text
becomes a value. It reads no file and no environment.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

_Amount = TypeVar("_Amount", int, float)

Value = bool | int | float | str
"""What a setting can be."""


class Type(StrEnum):
    """How a value is written. SIZE takes bytes or `200M` (1024-based); ORIGIN is a web address
    without a path."""

    FLAG = "yes or no"
    INTEGER = "a whole number"
    NUMBER = "a number"
    SIZE = "a size such as 512K, 20M or 1G"
    TEXT = "text"
    CHOICE = "one of a few words"
    ORIGIN = "an address such as https://example.com"


class Option(Struct, frozen=True):
    """One setting. `least` and `most` bound numbers; `choices` are the words of a CHOICE."""

    name: str
    type: Type
    default: Value
    doc: str
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None

    @property
    def wanted(self) -> str:
        """What is allowed, for a sentence: `one of auto, wide`, `a number from 1 to 64`."""
        if self.type is Type.CHOICE:
            return "one of " + ", ".join(self.choices)
        if self.least is not None and self.most is not None:
            return f"{self.type.value} from {self.least:g} to {self.most:g}"
        if self.least is not None:
            return f"{self.type.value}, {self.least:g} or more"
        return self.type.value


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_ORIGIN = re.compile(r"https?://(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?/?")
_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"0", "false", "no", "off", ""})


def parse(option: Option, text: str) -> Value:
    """The value of `option` written as text (environment, `--set`, `config set`).

    Raises ValueError, without a sentence: the caller knows where the text came from.
    """
    text = text.strip()
    if option.type is Type.FLAG:
        if text.lower() not in _YES | _NO:
            raise ValueError
        return text.lower() in _YES
    if option.type is Type.INTEGER:
        return _bounded(option, int(text))
    if option.type is Type.NUMBER:
        return _bounded(option, float(text))
    return check(option, text)


def check(option: Option, value: object) -> Value:
    """The value of `option` as it stands in the settings file. Raises ValueError when wrong."""
    if option.type is Type.FLAG:
        if isinstance(value, bool):
            return value
        raise ValueError
    if isinstance(value, bool):
        raise ValueError
    if option.type is Type.SIZE:
        return _bounded(option, value if isinstance(value, int) else _size(value))
    if option.type is Type.INTEGER:
        if isinstance(value, int):
            return _bounded(option, value)
        raise ValueError
    if option.type is Type.NUMBER:
        if isinstance(value, int | float):
            return _bounded(option, float(value))
        raise ValueError
    if not isinstance(value, str):
        raise ValueError
    if option.type is Type.CHOICE and value not in option.choices:
        raise ValueError
    if option.type is Type.ORIGIN and value and not _ORIGIN.fullmatch(value):
        raise ValueError
    return value.rstrip("/") if option.type is Type.ORIGIN else value


def _size(value: object) -> int:
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError
    return int(float(match[1]) * 1024 ** " kmgt".index((match[2] or " ").lower()))


def _bounded(option: Option, value: _Amount) -> _Amount:
    if value != value:  # not a number, whatever it is called
        raise ValueError
    if option.least is not None and value < option.least:
        raise ValueError
    if option.most is not None and value > option.most:
        raise ValueError
    return value


def nearest(name: str, known: Iterable[str]) -> str:
    """` Did you mean x?`, or nothing when no known name is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _table(*options: Option) -> Mapping[str, Option]:
    return {option.name: option for option in options}


def _on(name: str, doc: str) -> Option:
    return Option(name, Type.FLAG, default=True, doc=doc)


def _off(name: str, doc: str) -> Option:
    return Option(name, Type.FLAG, default=False, doc=doc)


def _text(name: str, doc: str, default: str = "") -> Option:
    return Option(name, Type.TEXT, default, doc)


def _choice(name: str, choices: str, doc: str) -> Option:
    """The first of the words is the default."""
    words = tuple(choices.split())
    return Option(name, Type.CHOICE, words[0], doc, words)


def _size_option(name: str, default: int, doc: str, least: float, most: float) -> Option:
    return Option(name, Type.SIZE, default, doc, (), least, most)


def _whole(name: str, default: int, doc: str, least: float, most: float) -> Option:
    return Option(name, Type.INTEGER, default, doc, (), least, most)


def _number(name: str, default: float, doc: str, least: float, most: float) -> Option:
    return Option(name, Type.NUMBER, default, doc, (), least, most)


def _origin(name: str, doc: str) -> Option:
    return Option(name, Type.ORIGIN, "", doc)


KiB, MiB, GiB = 1 << 10, 1 << 20, 1 << 30

GENERAL: Mapping[str, Option] = _table(
    # looks
    _choice("theme", "default light ansi high-contrast mono", "Colours of the full screen."),
    _choice("borders", "line ascii", "How boxes and panes are framed."),
    _choice("ambiguous", "narrow wide", "wide: the terminal draws signs of frames in two cells."),
    _choice("units", "iec si", "Sizes as KiB MiB GiB or as kB MB GB."),
    _text("thousands", "What stands between thousands.", ","),
    _text("decimal", "What stands before the fraction.", "."),
    _number("redraw", 4.0, "Repaints of progress in a second at most.", 0.2, 10),
    _off("accessible", "Speak to a screen reader: one pane, words for bars."),
    # keys and mouse
    _choice("keys", "default mc desktop", "Keys of cloudtui, Midnight Commander or a desktop."),
    _choice("layout", "latin ru uk bg el he ar", "Keyboard whose letters count as Latin keys."),
    _on("mouse", "Take clicks and the wheel."),
    _off("bell", "Ring when a job of more than a minute has ended."),
    # panes
    _off("hidden", "Show names that start with a dot."),
    _on("folders_first", "Sort folders before files."),
    # transfers
    _choice(
        "on_conflict",
        "ask skip overwrite keep-both newer larger",
        "What to do when a target is already there.",
    ),
    _choice("verify", "hash size strict", "How much is compared after a transfer."),
    _choice("server_side", "auto never only", "Whether a service may copy by itself."),
    _choice("follow", "never files all", "Which links of the disk are followed when copying."),
    _whole("jobs_at_once", 2, "Jobs that run at the same time.", 1, 16),
    _whole("files_at_once", 8, "Files of one job that move at the same time.", 1, 64),
    _whole("small_files_at_once", 32, "The same for files up to 1 MiB.", 1, 64),
    _whole("connections", 8, "Connections that read one large file, at most.", 1, 16),
    _size_option("bandwidth", 0, "Bytes in a second over all jobs, 0 for no limit.", 0, 1 << 50),
    # network
    _number("timeout", 30.0, "Seconds without an answer before a call is given up.", 0.1, 3600),
    _number("retry_wait", 0.5, "Seconds before the first new try; later ones double.", 0, 60),
    _whole("retries", 8, "Tries of one call before it counts as failed.", 1, 100),
    _text("ca_file", "Certificates to trust beside the system's (PEM)."),
    # secrets and trash
    _choice("secrets", "auto keyring vault memory", "Where sign-ins are kept."),
    _whole("trash.keep_days", 30, "Days before our pCloud trash folder forgets a delete.", 0, 3650),
    _size_option("trash.max", 0, "Size of our pCloud trash folder, 0 for no limit.", 0, 1 << 60),
)

_EVERY_ACCOUNT = (
    _choice("encoding", "rclone raw", "How names that the service refuses are written there."),
    _number("timeout", 0.0, "Seconds without an answer, 0 for the general setting.", 0, 3600),
)

ACCOUNT: Mapping[str, Mapping[str, Option]] = {
    "pikpak": _table(
        _text("username", "E-mail address, telephone number or user name."),
        _origin("drive_url", "Where the drive's API answers."),
        _origin("user_url", "Where the sign-in API answers."),
        _text("client_id", "Identity of the program towards the service."),
        _text("identity", "Known client to speak as (web, android-153, ...); empty: who is taken."),
        _text("description", "A note of your own, shown by `accounts`."),
        _text("device_id", "Device the sign-in belongs to (32 hex digits)."),
        _text("user_agent", "What the program calls itself in requests."),
        _text("root_folder_id", "Folder shown as the top of the account."),
        _on("use_trash", "Deletes go to the trash."),
        _off("trashed_only", "Show only what lies in the trash, in its folders."),
        _off("no_media_link", "Never read through the player's links."),
        _size_option("hash_memory_limit", 10 * MiB, "Hashed in memory up to here.", 0, GiB),
        _size_option("upload_cutoff", 32 * MiB, "Files from here on go in parts.", 0, 5 * GiB),
        _size_option("chunk_size", 8 * MiB, "Size of a part.", 100 * KiB, 5 * GiB),
        _whole("upload_concurrency", 4, "Parts of one file sent at the same time.", 1, 16),
        *_EVERY_ACCOUNT,
    ),
    "pcloud": _table(
        _choice("region", "us eu", "Where the account lives; learned at sign-in."),
        _text("username", "E-mail address of the account; learned at sign-in."),
        _text("client_id", "Your app's id, from pCloud's developer page."),
        _origin("api_url", "Where the account's API answers."),
        _origin("us_url", "The API of the US region, for sign-in."),
        _origin("eu_url", "The API of the EU region, for sign-in."),
        _origin("authorize_url", "The page where the sign-in is allowed."),
        _text("root_folder_id", "Folder shown as the top of the account."),
        _text("permissions", "Extra permissions to ask for, with commas between."),
        _whole("redirect_port", 53682, "Port of the redirect that your app names.", 1024, 65535),
        _number("approve_minutes", 10.0, "Minutes a sign-in waits for its page.", 0.01, 60),
        _choice("trash", "auto service folder", "Where deletes go."),
        _whole("trash_keep_days", 30, "Days before our trash folder forgets.", 0, 3650),
        _size_option("trash_max", 0, "Size of our trash folder, 0 for no limit.", 0, 1 << 60),
        _size_option("upload_cutoff", 16 * MiB, "Files from here on go in parts.", 0, GiB),
        _size_option("chunk_size", 16 * MiB, "Size of a part.", 64 * KiB, GiB),
        *_EVERY_ACCOUNT,
    ),
}

INHERITED: Mapping[str, Mapping[str, str]] = {
    "pcloud": {"trash_keep_days": "trash.keep_days", "trash_max": "trash.max"},
}
"""Account options that stand under a general one when the account does not say."""

SECRETS = ("password", "token", "client_secret", "captcha_token")
"""Options of an account that are secrets: from the environment or the secret store, never from
the settings file or an argument."""
