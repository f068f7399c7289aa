"""What the commands print: data on stdout, talk and progress on stderr.

The one module that prints. Names pass the display function when stdout is a terminal and stay raw
otherwise, so that a script gets what the disk has.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import json
import os
import sys
import time
from collections.abc import Mapping
from typing import TextIO

from cloudtui import present
from cloudtui.services.errors import CloudError, Full
from cloudtui.services.naming import display_name


def human_size(size: int | float | None) -> str:
    """`4.1 GiB`, as the settings write numbers; `?` when unknown."""
    return "?" if size is None else present.size_long(int(size))


def human_time(seconds: float | None) -> str:
    """`<1s`, `42s`, `4m41s`, `2h10m`, `3d4h`; `-` when unknown."""
    return present.duration(seconds)


class Output:
    """Where a command's words go."""

    def __init__(
        self,
        *,
        as_json: bool = False,
        verbose: int = 0,
        out: TextIO | None = None,
        err: TextIO | None = None,
    ) -> None:
        self.as_json = as_json
        self.verbose = verbose
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._line_open = False
        for stream in (self._out, self._err):
            with contextlib.suppress(AttributeError, ValueError):
                stream.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]

    @property
    def out_is_terminal(self) -> bool:
        """Whether a person reads stdout directly."""
        return self._out.isatty()

    @property
    def talks_to_terminal(self) -> bool:
        """Whether a person reads stderr directly."""
        return self._err.isatty()

    def name(self, text: str) -> str:
        """A foreign name as it should stand in a data line."""
        return display_name(text) if self.out_is_terminal else text

    def line(self, text: str = "") -> None:
        """One line of data. A terminal never gets a control character, whoever named it."""
        self._put(_harmless(text) if self.out_is_terminal else text)

    def value(self, value: Mapping[str, object]) -> None:
        """One JSON value on one line."""
        self._put(json.dumps(_jsonable(value), ensure_ascii=True))

    def _put(self, text: str) -> None:
        self._clear()
        try:
            self._out.write(text + "\n")
            self._out.flush()
        except BrokenPipeError:
            raise
        except OSError as exc:
            raise unwritable(exc) from exc

    def bytes(self, data: bytes | memoryview) -> None:
        """Raw content."""
        self._out.buffer.write(data)

    def flush(self) -> None:
        """Everything out."""
        try:
            self._out.flush()
        except BrokenPipeError:
            raise
        except OSError as exc:
            raise unwritable(exc) from exc

    def end(self) -> None:
        """Nothing more will be said. What could not be written is given up: that was told."""
        for stream in (self._out, self._err):
            try:
                stream.flush()
            except OSError:
                # What is left in the buffer has no home; at the exit it would be tried again.
                with contextlib.suppress(OSError):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

    def say(self, text: str) -> None:
        """A sentence for people; it may be several lines."""
        self._clear()
        self._talk(_harmless(text) + "\n")

    def _talk(self, text: str) -> None:
        with contextlib.suppress(OSError):  # what nobody can hear is no reason to stop
            self._err.write(text)
            self._err.flush()

    def debug(self, text: str) -> None:
        """A sentence for the curious."""
        if self.verbose:
            self.say(text)

    def error(self, error: CloudError) -> None:
        """A failure: one sentence on stderr, and the JSON object on stdout when asked for."""
        self.failed_json(error)
        text = str(error)
        if self.verbose and error.detail:
            text = f"{text} [{error.detail}]"
        self.say(display_name(text, edges=False))

    def failed_json(self, error: CloudError) -> None:
        """The JSON object of a failure alone, when asked for."""
        if self.as_json:
            with contextlib.suppress(OSError, CloudError):  # the sentence tells it as well
                self.value({"error": error.as_json()})

    def progress(self, text: str) -> None:
        """A line that replaces itself; only on a terminal."""
        if not self._err.isatty():
            return
        width = 80
        with contextlib.suppress(OSError):  # the terminal went away just now
            width = os.get_terminal_size(self._err.fileno()).columns
        self._talk("\r\x1b[K" + _harmless(text)[: max(10, width - 1)])
        self._line_open = True

    def _clear(self) -> None:
        if self._line_open:
            self._talk("\r\x1b[K")
            self._line_open = False


def unwritable(exc: OSError) -> CloudError:
    """What to say when stdout takes no more."""
    kind = Full if exc.errno in (errno.ENOSPC, errno.EDQUOT) else CloudError
    return kind(f"The output could not be written ({exc.strerror}).", hint="It is not complete.")


def _harmless(text: str) -> str:
    return "\n".join(display_name(line, edges=False) for line in text.split("\n"))


def _jsonable(value: object) -> object:
    """`value` with undecodable names marked: beside `name` a `name_b64` of the raw bytes."""
    if isinstance(value, Mapping):
        made: dict[str, object] = {}
        for key, each in value.items():
            made[str(key)] = _jsonable(each)
            if isinstance(each, str) and key in ("name", "path") and _is_undecodable(each):
                made[f"{key}_b64"] = base64.b64encode(os.fsencode(each)).decode()
        return made
    if isinstance(value, list | tuple):
        return [_jsonable(each) for each in value]
    return value


def _is_undecodable(text: str) -> bool:
    return any("\udc80" <= char <= "\udcff" for char in text)


def rfc3339(mtime_ns: int | None) -> str | None:
    """Nanoseconds since the epoch as RFC 3339 in UTC, fractions only when there are any."""
    if mtime_ns is None:
        return None
    seconds, rest = divmod(mtime_ns, 1_000_000_000)
    try:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return None
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{stamp}{fraction}Z"
