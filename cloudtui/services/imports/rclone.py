"""rclone's remotes, from its configuration file or, where that is encrypted, from rclone itself.

Never writes to rclone's files.
"""

from __future__ import annotations

import configparser
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cloudtui.services.accounts import child_environment
from cloudtui.services.errors import CloudError, NotFound, Refused, UsageError
from cloudtui.services.imports.obscured import reveal
from cloudtui.services.imports.remote import Remote
from cloudtui.services.models import Secret
from cloudtui.services.naming import display_name
from cloudtui.services.options import ACCOUNT, SECRETS, Type

KINDS: Final = ("pikpak", "pcloud")
_ENCRYPTED: Final = "RCLONE_ENCRYPT_V0:"
_EU: Final = "eapi.pcloud.com"
_KNOWN: Final = {
    "type", "user", "pass", "token", "client_id", "client_secret", "hostname", "description",
    "username", "password", "encoding", "auth_url", "token_url",
}  # fmt: skip
_PATIENCE: Final = 120.0
"""Seconds for rclone to ask its user for the password of the configuration."""


def find(environ: Mapping[str, str]) -> Path | None:
    """rclone's configuration file where rclone itself would look for it, None when there is
    none."""
    named = environ.get("RCLONE_CONFIG", "")
    home = Path(environ.get("HOME") or Path.home())
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    candidates = [Path(named)] if named else []
    candidates += [config / "rclone" / "rclone.conf", home / ".rclone.conf"]
    return next((path for path in candidates if path.is_file()), None)


def read(path: Path, environ: Mapping[str, str]) -> list[Remote]:
    """The PikPak and pCloud remotes of a configuration. Blocks.

    Raises NotFound, Refused for a file that cannot be read or opened, UsageError for one that is
    no configuration of rclone.
    """
    try:
        text = path.read_text()
    except FileNotFoundError as exc:
        raise NotFound(f"There is no {display_name(str(path))}.") from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise Refused(f"{display_name(str(path))} cannot be read.") from exc
    sections = _dumped(path, environ) if _is_encrypted(text) else _parsed(path, text)
    return [
        _remote(name, values) for name, values in sections.items() if values.get("type") in KINDS
    ]


def signed_in(kind: str, environ: Mapping[str, str]) -> list[Remote]:
    """The remotes of a kind that hold a token, as far as rclone's own configuration tells without
    asking anybody: an encrypted one, or one that cannot be read, has none. Blocks."""
    path = find(environ)
    try:
        if path is None or _is_encrypted(path.read_text()):
            return []
        return [remote for remote in read(path, environ) if remote.kind == kind and remote.token]
    except (OSError, UnicodeDecodeError, CloudError):
        return []


def _is_encrypted(text: str) -> bool:
    return any(line.strip() == _ENCRYPTED for line in text.splitlines())


def _parsed(path: Path, text: str) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser(
        delimiters=("=",), comment_prefixes=("#", ";"), strict=False, default_section="\0"
    )
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(text)
    except configparser.Error as exc:
        raise UsageError(f"{display_name(str(path))} is no configuration of rclone.") from exc
    return {name: dict(parser[name]) for name in parser.sections()}


def _dumped(path: Path, environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What rclone tells of an encrypted configuration; it asks for the password itself where there
    is a terminal, or takes it from its own variables."""
    rclone = shutil.which("rclone", path=environ.get("PATH"))
    if rclone is None:
        raise Refused(
            f"{display_name(str(path))} is encrypted and there is no rclone to open it.",
            hint="Install rclone, or sign in by `cloudtui login`.",
        )
    command = [rclone, "--config", str(path), "config", "dump"]
    if not sys.stdin.isatty():
        command.append("--ask-password=false")
    try:
        done = subprocess.run(
            command,
            env=child_environment(environ),
            stdin=None if sys.stdin.isatty() else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if sys.stdin.isatty() else subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=True,
        )
        told = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as exc:
        raise Refused(
            "rclone could not open its encrypted configuration.",
            hint="RCLONE_CONFIG_PASS or RCLONE_PASSWORD_COMMAND tells it the password.",
        ) from exc
    return {
        str(name): {str(key): str(value) for key, value in values.items()}
        for name, values in told.items()
        if isinstance(values, dict)
    }


def _remote(name: str, values: Mapping[str, str]) -> Remote:
    kind = values["type"]
    options = {
        key: _size(value) if ACCOUNT[kind][key].type is Type.SIZE else value
        for key, value in values.items()
        if key in ACCOUNT[kind] and key not in SECRETS and key not in ("encoding", "username")
    }
    left_out = [key for key in values if key not in _KNOWN and key not in ACCOUNT[kind]]
    encoding = values.get("encoding", "")
    if encoding.lower() in ("raw", "none"):
        options["encoding"] = "raw"
    elif encoding:
        left_out.append("encoding")
    password = None
    if values.get("pass"):
        try:
            password = reveal(values["pass"])
        except ValueError:
            left_out.append("pass")
    if kind == "pcloud" and values.get("hostname", "") == _EU:
        options["region"] = "eu"
    username = values.get("user", "")
    if kind == "pikpak" and username:
        options["username"] = username
    return Remote(
        name=name,
        kind=kind,
        options=options,
        username=username,
        password=password,
        token=Secret(values["token"]) if values.get("token") else None,
        client_secret=Secret(values["client_secret"]) if values.get("client_secret") else None,
        left_out=tuple(left_out),
    )


def _size(text: str) -> str:
    """A size as we read it: a bare number is KiB to rclone."""
    return f"{text}K" if text.strip().isdecimal() else text
