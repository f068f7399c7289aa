"""The sandbox as a child process, and a client of its admin listener, for any test."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit


class Admin:
    """Calls of the admin listener; see `cloudtui.sandbox.admin` for what each does."""

    def __init__(self, url: str, token: str) -> None:
        self._host = urlsplit(url).netloc
        self._token = token

    def call(self, method: str, path: str, value: object = None) -> Any:
        """One call; AssertionError with the answer's text unless it succeeded."""
        connection = http.client.HTTPConnection(self._host, timeout=200)
        try:
            body = None if value is None else json.dumps(value).encode()
            connection.request(method, path, body, {"Authorization": f"Bearer {self._token}"})
            response = connection.getresponse()
            raw = response.read()
            assert response.status == 200, f"{method} {path}: {response.status} {raw[:500]!r}"
            return json.loads(raw)
        finally:
            connection.close()

    def state(self, cloud: str | None = None) -> Any:
        """All clouds, or one of them."""
        whole = self.call("GET", f"/state?cloud={cloud}" if cloud else "/state")
        return whole[cloud] if cloud else whole

    def log(self, since: int = 0) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.call("GET", f"/log?since={since}")
        return entries

    def secrets(self) -> list[str]:
        known: list[str] = self.call("GET", "/secrets")
        return known

    def fault(self, **fields: object) -> int:
        """Plan one fault (fields of `cloudtui.sandbox.faults.Fault`); returns its id."""
        number: int = self.call("POST", "/faults", fields)["ids"][0]
        return number

    def faults(self) -> list[dict[str, Any]]:
        """Faults still to come."""
        plan: list[dict[str, Any]] = self.call("GET", "/faults")
        return plan

    def clear_faults(self) -> None:
        self.call("DELETE", "/faults")

    def switch(self, name: str, value: object) -> None:
        self.call("POST", "/switches", {name: value})

    def age(self, seconds: float) -> None:
        """Move the sandbox's clock ahead."""
        self.call("POST", "/clock", {"advance": seconds})

    def now(self) -> float:
        """The sandbox's clock, in seconds since 1970."""
        return float(self.call("POST", "/clock", {"advance": 0})["now"])

    def seed(self, spec: str) -> None:
        self.call("POST", "/seed", {"spec": spec})

    def token(self, cloud: str, **fields: object) -> Any:
        """Issue another token."""
        return self.call("POST", "/tokens", {"cloud": cloud, **fields})

    def revoke(self, cloud: str, **fields: object) -> Any:
        return self.call("DELETE", "/tokens", {"cloud": cloud, **fields})

    def account(self, cloud: str, **fields: object) -> Any:
        """Another account; the answer tells how to sign in."""
        return self.call("POST", "/accounts", {"cloud": cloud, **fields})

    def order(self, cloud: str, action: str, **fields: object) -> Any:
        """What one cloud offers besides."""
        return self.call("POST", f"/{cloud}/{action}", fields)


class SandboxProcess:
    """A running child. `endpoints` is the parsed endpoints file; use as a context manager."""

    def __init__(self, process: subprocess.Popen[bytes], endpoints: dict[str, Any]) -> None:
        self.process = process
        self.endpoints = endpoints
        self.admin = Admin(endpoints["admin"]["url"], endpoints["admin"]["token"])

    def stop(self) -> int:
        """SIGTERM, then wait; the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_sandbox(
    tmp_path: Path, *args: str, environ: Mapping[str, str] | None = None
) -> SandboxProcess:
    """Start `python -m cloudtui.sandbox` with these options and wait until it serves.

    Its data and endpoints file lie below `tmp_path`; it ends with the calling process. Variables of
    `environ` are set besides this process's own.
    """
    tmp_path.mkdir(parents=True, exist_ok=True)
    ready, ready_child = os.pipe()
    endpoints = tmp_path / "endpoints.json"
    command = [
        *(sys.executable, "-m", "cloudtui.sandbox"),
        *("--endpoints", str(endpoints), "--data", str(tmp_path / "sandbox-data")),
        *("--parent", str(os.getpid()), "--ready-fd", str(ready_child)),
        *args,
    ]
    process = subprocess.Popen(
        command,
        pass_fds=[ready_child],
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(environ or {})},
    )
    os.close(ready_child)
    with os.fdopen(ready, "rb") as pipe:
        pipe.read()  # ends when the child has written the file and closes its end, or dies
    if process.poll() is not None or not endpoints.exists():
        with contextlib.suppress(ProcessLookupError):  # it may have died meanwhile
            process.kill()
        raise AssertionError(f"the sandbox did not start: exit code {process.wait()}")
    return SandboxProcess(process, json.loads(endpoints.read_text()))
