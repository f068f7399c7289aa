"""The demonstration's surroundings: both clouds in a process of their own, a temporary home,
secrets in memory only.

Knows nothing of the screen. The servers' process removes the home when it ends, and it ends with
us however we end, so nothing stays behind even after a kill.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from cloudtui.services.errors import Refused

_STOP_SECONDS = 10


class Demo(Struct, frozen=True):
    """A running demonstration: its home, the environment the runtime is opened with (secrets
    included; never given to a child) and the servers' endpoints."""

    home: Path
    environ: Mapping[str, str]
    endpoints: Mapping[str, Mapping[str, object]]


@contextlib.contextmanager
def demonstration(seeds: tuple[str, ...] = ("library",)) -> Iterator[Demo]:
    """Start the servers, write the settings, clean up at the end. Raises Refused when the servers
    do not start."""
    home = Path(tempfile.mkdtemp(prefix="cloudtui-demo-"))
    process = None
    try:
        process, endpoints = _start(home, seeds)
        (home / "settings.toml").write_text(_settings(endpoints), encoding="utf-8")
        yield Demo(home, _environment(home, endpoints), endpoints)
    finally:
        if process is not None:
            _stop(process)
        shutil.rmtree(home, ignore_errors=True)


def _start(
    home: Path, seeds: tuple[str, ...]
) -> tuple[subprocess.Popen[bytes], dict[str, dict[str, object]]]:
    ready, ready_child = os.pipe()
    file = home / "endpoints.json"
    words = [sys.executable, "-m", "cloudtui.demo_servers", str(home), str(file)]
    words += [str(os.getpid()), str(ready_child), *seeds]
    process = subprocess.Popen(
        words,
        pass_fds=[ready_child],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_plain_environment(),
    )
    os.close(ready_child)
    with os.fdopen(ready, "rb") as pipe:
        pipe.read()  # ends when the servers answer, or when their process dies
    try:
        return process, json.loads(file.read_bytes())
    except (OSError, ValueError) as exc:
        _stop(process)
        raise Refused(
            "The demonstration's servers did not start.", hint="cloudtui sandbox says why."
        ) from exc


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _plain_environment() -> dict[str, str]:
    """Ours without anything that configures accounts: no secret reaches a child."""
    return {key: value for key, value in os.environ.items() if not key.startswith("CLOUDTUI_")}


def _settings(endpoints: Mapping[str, Mapping[str, object]]) -> str:
    pikpak, pcloud = endpoints["pikpak"], endpoints["pcloud"]
    return f"""format = 1

[accounts.pikpak]
kind = "pikpak"
username = "{pikpak["username"]}"
drive_url = "{pikpak["drive_url"]}"
user_url = "{pikpak["user_url"]}"

[accounts.pcloud]
kind = "pcloud"
region = "us"
us_url = "{pcloud["us_url"]}"
eu_url = "{pcloud["eu_url"]}"
authorize_url = "{pcloud["authorize_url"]}"
client_id = "{pcloud["client_id"]}"
"""


def _environment(home: Path, endpoints: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    return {
        **_plain_environment(),
        "CLOUDTUI_HOME": str(home),
        "CLOUDTUI_SECRETS": "memory",
        "CLOUDTUI_LOOPBACK_ONLY": "1",
        "CLOUDTUI_ACCOUNT__PIKPAK__PASSWORD": str(endpoints["pikpak"]["password"]),
        "CLOUDTUI_ACCOUNT__PCLOUD__TOKEN": str(endpoints["pcloud"]["us_token"]),
        "CLOUDTUI_ACCOUNT__PCLOUD__CLIENT_SECRET": str(endpoints["pcloud"]["client_secret"]),
    }
