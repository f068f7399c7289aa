"""A real browser without a window: Chromium, driven over its debugging pipe.

It reaches this machine only: every other name fails to resolve.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

import pytest

_PACE = threading.Event()
_LIMIT = 120.0
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
)
_START = """
import os, sys
first, second = (os.dup(int(word)) for word in sys.argv[1:3])
os.dup2(first, 103)
os.dup2(second, 104)
os.dup2(103, 3)
os.dup2(104, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
"""The browser reads descriptor 3 and writes 4, whatever numbers the pipes got here."""


def need_chromium() -> str:
    """The browser's program; skips where there is none."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed")
    return found


class Chromium:
    """One browser with a profile of its own. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        program = need_chromium()
        folder.mkdir(parents=True, exist_ok=True)
        ask_read, ask_write = os.pipe()
        tell_read, tell_write = os.pipe()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-ISc", _START, str(ask_read), str(tell_write)),
                *(program, *_FLAGS, f"--user-data-dir={folder / 'profile'}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"},
            pass_fds=(ask_read, tell_write),
        )
        os.close(ask_read)
        os.close(tell_write)
        self._ask = os.fdopen(ask_write, "wb", buffering=0)
        self._tell = os.fdopen(tell_read, "rb", buffering=0)
        self._numbers = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._reader = threading.Thread(target=self._read, name="chromium", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        spare = b""
        while piece := self._tell.read(65536):
            *messages, spare = (spare + piece).split(b"\0")
            with self._changed:
                for message in messages:
                    value = json.loads(message)
                    if "id" in value:
                        self._answers[value["id"]] = value
                self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def call(self, method: str, session: str = "", **params: object) -> dict[str, Any]:
        """One command of the DevTools protocol; its result."""
        number = next(self._numbers)
        message: dict[str, object] = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self._ask.write(json.dumps(message).encode() + b"\0")
        with self._changed:
            done = self._changed.wait_for(
                lambda: number in self._answers or self._closed, timeout=_LIMIT
            )
            assert done, f"chromium never answered {method}"
            assert number in self._answers, f"chromium ended during {method}"
            answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, address: str) -> Page:
        """A new tab on an address, loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, target, session)
        page.go(address)
        return page

    def close(self) -> None:
        """End the browser."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._ask.close()
        self._reader.join(60)
        self._tell.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Page:
    """One tab."""

    def __init__(self, browser: Chromium, target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session

    def go(self, address: str) -> None:
        """Open an address and wait until its document is there."""
        result = self._browser.call("Page.navigate", self._session, url=address)
        assert "errorText" not in result, result
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives; None while the page is being replaced."""
        try:
            result = self._browser.call(
                "Runtime.evaluate", self._session, expression=expression, returnByValue=True
            )
        except AssertionError as error:
            if "context" in str(error):
                return None
            raise
        return result["result"].get("value")

    def until(self, expression: str) -> Any:
        """Wait until an expression is true; what it gave."""
        end = time.monotonic() + _LIMIT
        while not (found := self.value(expression)):
            if time.monotonic() > end:
                text = self.value("location.href + '\\n' + document.documentElement.outerHTML")
                raise AssertionError(f"never true: {expression}\n{text}")
            _PACE.wait(0.02)
        return found

    @property
    def address(self) -> str:
        """What stands in the address bar, also over a page that could not be had."""
        try:
            history = self._browser.call("Page.getNavigationHistory", self._session)
        except AssertionError as error:
            if "Not attached" in str(error):  # between two pages
                return ""
            raise
        return str(history["entries"][history["currentIndex"]]["url"])

    def leaves(self, address: str) -> None:
        """Wait until the tab has moved on from an address."""
        end = time.monotonic() + _LIMIT
        while self.address in ("", address):
            assert time.monotonic() < end, f"still at {address}"
            _PACE.wait(0.02)

    @property
    def text(self) -> str:
        """What can be read on the page."""
        return str(self.value("document.body ? document.body.innerText : ''"))

    def choose(self, selector: str, words: str) -> None:
        """Choose the option of a list whose label holds these words."""
        chosen = self.value(
            f"(() => {{ const list = document.querySelector({json.dumps(selector)});"
            f" const option = [...list.options].find(o => o.text.includes({json.dumps(words)}));"
            " if (!option) return false; list.value = option.value;"
            " list.dispatchEvent(new Event('change')); return true; })()"
        )
        assert chosen, f"no option {words} in {selector}"

    def click(self, selector: str) -> None:
        """Press the mouse button on an element, as a hand does."""
        spot = self.until(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " if (!e) return null; e.scrollIntoView(); const r = e.getBoundingClientRect();"
            " return {x: r.x + r.width / 2, y: r.y + r.height / 2}; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self._browser.call(
                "Input.dispatchMouseEvent",
                self._session,
                type=kind,
                button="left",
                clickCount=1,
                **spot,
            )

    def close(self) -> None:
        """Close the tab."""
        self._browser.call("Target.closeTarget", targetId=self._target)
