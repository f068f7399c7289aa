"""The log file of all processes, with everything secret taken out.

Owns the one handler of the `cloudtui` loggers and the redaction of every line, exception texts
included. Nothing here writes to the terminal.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import re
from collections import deque
from typing import Final

from cloudtui.services.locks import FileLock
from cloudtui.services.models import Secret
from cloudtui.services.paths import PRIVATE_FILE, Paths, ensure

ROTATE_AT: Final = 2 << 20
"""Bytes after which the next start begins a new file; three old ones are kept."""

_KEPT = 3
_DOTS = "…"
_SHORTEST = 6
"""Shorter secrets are not searched for: they would blank ordinary words."""

_known: deque[str] = deque(maxlen=1000)

_ADDRESS = re.compile(
    r"\b(https?|wss?|socks5h?)://([^\s/?#\"'<>]+)([/?#][^\s\"'<>]*)?", re.IGNORECASE
)
_MAGNET = re.compile(r"magnet:\?\S+", re.IGNORECASE)
_HEADER = re.compile(
    r"(?i)((?:proxy-)?authorization|x-captcha-token|cookie|set-cookie)(['\"]?\s*[:=,]\s*b?['\"]?)[^'\"\r\n]+"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}")
_FIELD = re.compile(
    r"(?i)([\"']?\b\w*(?:token|password|passwd|secret|signature|captcha_sign|pass_code|auth)\b[\"']?"
    r"\s*[:=]\s*)(\"[^\"]*\"|'[^']*'|[^\s,&}\"']+)"
)
_CODE = re.compile(r"([?&]code=)[^\s&\"']+")
_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?")


def hide(secret: Secret) -> None:
    """Take this value out of every line from now on, wherever it turns up."""
    value = secret.reveal()
    if len(value) >= _SHORTEST and value not in _known:
        _known.append(value)


def redact(text: str) -> str:
    """The text without known secrets, link paths and queries, credentials, tokens.

    Links keep scheme and host alone: pCloud and PikPak sign the path as well as the query.
    """
    for value in tuple(_known):
        if value in text:
            text = text.replace(value, _DOTS)
    text = _ADDRESS.sub(_address, text)
    text = _MAGNET.sub(f"magnet:?{_DOTS}", text)
    text = _HEADER.sub(rf"\1\2{_DOTS}", text)
    text = _BEARER.sub(rf"\1 {_DOTS}", text)
    text = _JWT.sub(_DOTS, text)
    text = _CODE.sub(rf"\1{_DOTS}", text)
    return _FIELD.sub(rf"\1{_DOTS}", text)


def _address(match: re.Match[str]) -> str:
    host = match[2].rpartition("@")[2]
    return f"{match[1]}://{host}" + (f"/{_DOTS}" if match[3] else "")


class Redacting(logging.Formatter):
    """Formats as usual, then redacts the whole result: message, arguments, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def start_logging(paths: Paths, *, verbose: bool = False) -> logging.Handler:
    """Write records of `cloudtui.*` (and warnings of everything else) to the log file.

    Call once a process; hand the result to `stop_logging`. Many processes write one file: each
    record is one write, and only a starting process rotates.
    """
    ensure(paths.log_dir)
    _rotate(paths)
    descriptor = os.open(paths.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
    os.close(descriptor)
    # reopens the file when another process has rotated it
    handler = logging.handlers.WatchedFileHandler(
        paths.log_file, encoding="utf-8", errors="backslashreplace"
    )
    form = f"%(asctime)s {os.getpid()} %(levelname)s %(name)s: %(message)s"
    handler.setFormatter(Redacting(form))
    handler.setLevel(logging.DEBUG)
    logging.getLogger("cloudtui").setLevel(logging.DEBUG if verbose else logging.INFO)
    for name in ("httpx", "httpcore"):
        # they log whole addresses at INFO
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger().addHandler(handler)
    return handler


def stop_logging(handler: logging.Handler) -> None:
    """Undo `start_logging`."""
    logging.getLogger().removeHandler(handler)
    handler.close()


def _rotate(paths: Paths) -> None:
    lock = FileLock(paths.log_dir / "rotate.lock")
    if not lock.try_acquire():
        return
    with lock:
        try:
            size = paths.log_file.stat().st_size
        except FileNotFoundError:
            return
        if size < ROTATE_AT:
            return
        for number in range(_KEPT - 1, 0, -1):
            older = paths.log_file.with_name(f"{paths.log_file.name}.{number}")
            if older.exists():
                older.replace(paths.log_file.with_name(f"{paths.log_file.name}.{number + 1}"))
        paths.log_file.replace(paths.log_file.with_name(f"{paths.log_file.name}.1"))
