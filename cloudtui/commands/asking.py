"""Questions to whoever sits at the terminal, and lines from stdin.

Owns waiting for a person. The loop runs on meanwhile, and a signal ends the waiting: a thread that
reads a terminal cannot be stopped, so it is left behind and the process ends without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import click

from cloudtui.services.errors import Interrupted

T = TypeVar("T")

_left_behind: Final[list[threading.Thread]] = []


def is_waiting() -> bool:
    """Whether a thread still waits for an answer that nobody wants any more: Python cannot end in
    order then."""
    return any(thread.is_alive() for thread in _left_behind)


async def asked(question: Callable[[], T]) -> T:
    """What a blocking `question` brings (a prompt, a line of stdin).

    Raises Interrupted when the input ended instead of an answer, CancelledError at a signal; the
    terminal shows what is typed again then.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(value)  # type: ignore[arg-type]  # a value where there is no error

    def work() -> None:
        value: T | None = None
        error: BaseException | None = None
        try:
            value = question()
        except (click.Abort, EOFError):
            error = Interrupted("Nobody answered.")
        except Exception as exc:  # boundary of the thread: raised where the answer is awaited
            error = exc
        with contextlib.suppress(RuntimeError):  # the loop ended before the answer came
            loop.call_soon_threadsafe(settle, value, error)

    thread = threading.Thread(target=work, name="question", daemon=True)
    with _terminal_kept():
        thread.start()
        try:
            return await answer
        except asyncio.CancelledError:
            _left_behind.append(thread)
            raise


async def asked_line() -> str:
    """The next line of stdin with its end; empty at the end of input."""
    return await asked(sys.stdin.readline)


@contextlib.contextmanager
def _terminal_kept() -> Iterator[None]:
    """Afterwards the terminal is as it was: a hidden answer switches its echo off."""
    try:
        import termios
    except ImportError:
        yield  # a system that keeps its terminals otherwise
        return
    try:
        before = termios.tcgetattr(sys.stdin)
    except (OSError, ValueError, termios.error):
        yield  # no terminal
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
