"""Checks of the installation: what holds, what does not, and what to do about it.

Owns the list of checks. Returns data; how it is shown is not its business. It changes nothing
beyond making our own folders.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import os
import platform
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from cloudtui.services.errors import CloudError
from cloudtui.services.models import DISK, Location, Quota
from cloudtui.services.paths import ensure
from cloudtui.services.runtime import Runtime
from cloudtui.services.storage import HasQuota

REACH: Final = 20.0
"""Seconds an account may take to answer."""

_PARTS: Final = ("textual", "httpx", "keyring", "cryptography", "authlib")


class Finding(Struct, frozen=True):
    """One check: its name, whether all is well, and one or two sentences."""

    name: str
    ok: bool
    text: str


async def examine(runtime: Runtime) -> AsyncIterator[Finding]:
    """Every check in turn; accounts last, since they may take time."""
    yield _versions()
    yield _settings(runtime)
    yield await asyncio.to_thread(_folders, runtime)
    yield await asyncio.to_thread(_journal, runtime)
    yield await _secrets(runtime)
    yield await asyncio.to_thread(_network, runtime)
    yield await _place(runtime, DISK, "disk")
    for name in runtime.accounts():
        yield await _place(runtime, name, f"account {name}")


def _versions() -> Finding:
    missing: list[str] = []
    words = [f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"]
    for name in ("cloudtui", *_PARTS):
        try:
            words.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    text = ", ".join(words) + "."
    if missing:
        text += f" Not installed: {', '.join(missing)}."
    return Finding("versions", not missing, text)


def _settings(runtime: Runtime) -> Finding:
    problems = runtime.problems
    if problems:
        return Finding("settings", ok=False, text="; ".join(map(str, problems)) + ".")
    file = runtime.paths.settings_file
    return Finding(
        "settings", ok=True, text=f"{file}{'' if file.exists() else ' (not there yet)'}."
    )


def _folders(runtime: Runtime) -> Finding:
    paths = runtime.paths
    wrong: list[str] = []
    for folder in (paths.settings_file.parent, paths.state_dir, paths.cache_dir, paths.log_dir):
        try:
            ensure(folder)
            mode = stat.S_IMODE(folder.stat().st_mode)
        except OSError as error:
            wrong.append(f"{folder} cannot be used ({error.strerror})")
            continue
        if not os.access(folder, os.W_OK | os.X_OK):
            wrong.append(f"{folder} cannot be written")
        elif mode & 0o077 and folder == paths.state_dir:
            wrong.append(f"{folder} can be read by others (chmod 700 mends it)")
    if wrong:
        return Finding("folders", ok=False, text="; ".join(wrong) + ".")
    return Finding("folders", ok=True, text=f"State in {paths.state_dir}, logs in {paths.log_dir}.")


def _journal(runtime: Runtime) -> Finding:
    from cloudtui.services.transfers import ledger
    from cloudtui.services.transfers.journal import Journal, network_filesystem

    file = runtime.paths.journal_file
    try:
        size = _size(file)
    except OSError as error:
        return Finding("journal", ok=False, text=f"{file} cannot be used ({error.strerror}).")
    kind = network_filesystem(file.parent)
    if kind is not None:
        text = (
            f"{file} lies on a network file system ({kind}): one process at a time can run"
            " transfers. CLOUDTUI_HOME on a local disk lifts that."
        )
        return Finding("journal", ok=True, text=text)
    if file.exists():
        try:
            with contextlib.closing(Journal(file)) as journal:
                journal.look(ledger.jobs)
        except CloudError as error:
            return Finding("journal", ok=False, text=str(error))
    return Finding("journal", ok=True, text=f"{file}, {size}.")


def _size(file: Path) -> str:
    try:
        return f"{file.stat().st_size:,} bytes"
    except FileNotFoundError:
        return "not there yet"


async def _secrets(runtime: Runtime) -> Finding:
    try:
        store = await runtime.secrets.store()
    except CloudError as error:
        return Finding("secrets", ok=False, text=str(error))
    except OSError as error:
        text = f"What keeps sign-ins cannot be used ({error.strerror})."
        return Finding("secrets", ok=False, text=text)
    if store is None:
        text = f"Sign-ins cannot be kept: {runtime.secrets.reason}"
        hint = 'Set secrets = "vault" for a file under a passphrase, or "memory".'
        return Finding("secrets", ok=False, text=f"{text} {hint}")
    lasting = "" if store.lasting else "; they are forgotten when the program ends"
    return Finding("secrets", ok=True, text=f"Kept in the {store.title}{lasting}.")


def _network(runtime: Runtime) -> Finding:
    try:
        count = len(runtime.network.ssl_context.get_ca_certs())
    except CloudError as error:
        return Finding("network", ok=False, text=str(error))
    proxy = runtime.network.proxy_for("https://example.com/")
    where = "through a proxy" if proxy else "directly"
    # a folder of authorities is read as needed and counts none
    trusted = f"{count} authorities" if count else "the system's authorities"
    return Finding("network", ok=True, text=f"Servers are reached {where}; {trusted} are trusted.")


async def _place(runtime: Runtime, name: str, label: str) -> Finding:
    try:
        async with asyncio.timeout(REACH):
            storage = await runtime.storage(name)
            found = await storage.stat(Location(name))
            quota = await _quota(storage)
    except CloudError as error:
        return Finding(label, ok=False, text=str(error))
    except TimeoutError:
        text = f"No answer within {REACH:.0f} seconds. Check the network and try again."
        return Finding(label, ok=False, text=text)
    room = f", {quota.free:,} bytes free" if quota is not None and quota.free is not None else ""
    return Finding(label, ok=found.entry.is_folder, text=f"{storage.title} answers{room}.")


async def _quota(storage: object) -> Quota | None:
    return await storage.quota() if isinstance(storage, HasQuota) else None
