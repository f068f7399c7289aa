"""A home with fresh accounts on both clouds, and the truth about them from the sandbox itself.

Owns planting and looking. Nothing here uses the program under test.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import itertools
import json
import os
import signal
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.cloudtui_process import Home
from tests.sandbox_process import SandboxProcess

Tree = dict[str, str | None]
"""Relative path → SHA-1 of the content; folders are None."""

PASSPHRASE = "a passphrase of seven plain words, no more"
_numbers = itertools.count(1)


class Stage:
    """One home (`pk` is its PikPak account, `pc` its pCloud one) with accounts of its own."""

    def __init__(
        self,
        box: SandboxProcess,
        folder: Path,
        *,
        vault: bool = False,
        options: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        """`options` are further settings per account; with `vault` secrets outlive a process."""
        self.admin = box.admin
        self.folder = folder
        self.home = Home(folder / "home")
        who = f"{os.getpid()}-{next(_numbers)}"
        self.username, self.email = f"ana-{who}@example.com", f"bo-{who}@example.com"
        self.password = self.admin.account("pikpak", username=self.username, password=f"pw {who}")[
            "password"
        ]
        made = self.admin.account("pcloud", email=self.email)
        self.token: str = made["token"]
        ends = box.endpoints
        given: dict[str, dict[str, object]] = {
            "pk": {
                "kind": "pikpak",
                "username": self.username,
                "drive_url": ends["pikpak"]["drive_url"],
                "user_url": ends["pikpak"]["user_url"],
            },
            "pc": {"kind": "pcloud", "region": "us", "us_url": made["url"], "api_url": made["url"]},
        }
        lines = ["format = 1"]
        for name, values in given.items():
            lines.append(f"[accounts.{name}]")
            for key, value in {**values, **(options or {}).get(name, {})}.items():
                lines.append(f"{key} = {_toml(value)}")
        settings = self.home.folder / "cloudtui" / "settings.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text("\n".join(lines) + "\n")
        environ = self.home.environ
        environ["CLOUDTUI_ACCOUNT__PK__PASSWORD"] = self.password
        environ["CLOUDTUI_ACCOUNT__PC__TOKEN"] = self.token
        if vault:
            file = folder / "passphrase"
            file.write_text(PASSPHRASE)
            file.chmod(0o600)
            environ["CLOUDTUI_SECRETS"] = "vault"
            environ["CLOUDTUI_VAULT_PASSPHRASE_FILE"] = str(file)
            made_before = self.home.folder / "cloudtui" / "state" / "vault.json"
            made_before.parent.mkdir()
            made_before.parent.chmod(0o700)
            made_before.write_bytes(_empty_vault())
            made_before.chmod(0o600)

        self._switched: dict[str, object] = {}

    def switch(self, name: str, value: object) -> None:
        """Set a switch of the sandbox until `close`."""
        before = self.admin.call("GET", "/switches").get(name)
        self._switched.setdefault(name, before)
        self.admin.switch(name, value)

    def close(self) -> None:
        """Leave the sandbox as it was found."""
        self.admin.clear_faults()
        for name, value in self._switched.items():
            self.admin.switch(name, value)

    def die(self, failpoint: str, *words: str) -> None:
        """Run the program, which must be killed at this failpoint."""
        ended = self.home.run(*words, extra={"CLOUDTUI_FAILPOINT": failpoint})
        assert ended.code == -signal.SIGKILL, f"{failpoint}: exit {ended.code}\n{ended.err}"

    # --- planting ----------------------------------------------------------------------------

    def put(self, account: str, path: str, content: bytes = b"") -> None:
        """A file as another client would have put it; a path that ends in a slash is a folder."""
        cloud = {"pk": "pikpak", "pc": "pcloud"}[account]
        who = {"username": self.username} if account == "pk" else {"email": self.email}
        raw = base64.b64encode(content).decode()
        self.admin.order(cloud, "put", path=path, base64=raw, **who)

    def plant(
        self, place: str, top: str, files: Mapping[str, bytes], folders: Sequence[str] = ()
    ) -> None:
        """A tree below `top` of an account, or of this disk for the place ``""``."""
        if not place:
            for name in folders:
                Path(top, name).mkdir(parents=True)
            for name, content in files.items():
                path = Path(top, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            return
        for name in folders:
            self.put(place, f"{top}/{name}/")
        for name, content in files.items():
            self.put(place, f"{top}/{name}", content)

    def jobs(self) -> list[str]:
        """The states of all jobs, oldest first, as the journal has them: what a start of
        `jobs ls` would tell, without one. None where a process died before it had made one."""
        with self.journal() as journal:
            made = journal.execute("SELECT count(*) FROM sqlite_master WHERE name = 'jobs'")
            if made.fetchone() == (0,):
                return []
            rows = journal.execute("SELECT state FROM jobs ORDER BY created_ns, id")
            return [str(state) for (state,) in rows]

    @contextlib.contextmanager
    def journal(self) -> Iterator[sqlite3.Connection]:
        """The journal for reading, whoever else is writing; an empty one where there is none."""
        file = self.home.folder / "cloudtui" / "state" / "journal.sqlite"
        name = f"file:{file}?mode=ro" if file.exists() else ":memory:"
        with contextlib.closing(sqlite3.connect(name, timeout=60, uri=True)) as found:
            yield found

    # --- the truth ---------------------------------------------------------------------------

    def account(self, account: str) -> dict[str, Any]:
        """The account's part of the state dump."""
        if account == "pk":
            found: dict[str, Any] = self.admin.state("pikpak")["accounts"][self.username]
            return found
        (mine,) = [
            each
            for each in self.admin.state("pcloud")["accounts"]
            if each["email"] == self.email and each["region"] == "us"
        ]
        return dict(mine)

    def tree(self, place: str, top: str = "") -> Tree:
        """What lies below `top` and is not in a trash; AssertionError for twins, for entries that
        are not whole, and for unfinished uploads."""
        if not place:
            return disk_tree(Path(top))
        account = self.account(place)
        # A session whose id nobody wrote down cannot be found again; nothing was sent to it.
        assert not any(each["size"] for each in account.get("uploads", [])), "a session was left"
        found: Tree = {}
        for path, node in self._live(place, account):
            assert path not in found, f"twins: {path}"
            if place == "pk":
                assert node["phase"] == "PHASE_TYPE_COMPLETE", f"pending: {path}"
                assert node["gcid"] == node["gcid_of_bytes"], f"wrong hash told: {path}"
            found[path] = None if node["kind"] == "folder" else node["sha1"]
        return {
            path[len(top) + 1 :]: sha1
            for path, sha1 in sorted(found.items())
            if path.startswith(f"{top}/")
        }

    def _live(self, place: str, account: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        nodes = {_key(node): node for node in account["nodes"]}
        for node in nodes.values():
            above: dict[str, Any] | None = node
            names: list[str] = []
            while above is not None and not above["trashed"]:
                names.append(above["name"])
                above = nodes.get(above["parent"] if place == "pk" else f"d{above['parent']}")
            if above is None and names[-1] != ".cloudtui-trash":
                yield "/" + "/".join(reversed(names)), node

    def trashed(self, place: str) -> list[str]:
        """Names at the top of the trash, sorted: the service's own, or the folder that stands for
        it where the service closes its own."""
        account = self.account(place)
        if place == "pk":
            return sorted(node["name"] for node in account["nodes"] if node["trashed"])
        found = []
        for node in account["nodes"]:
            parts = node["path"].strip("/").split("/")
            inside = parts[0] == ".cloudtui-trash" and len(parts) == 3
            if inside and not node["trashed"] and parts[2] != "batch.json":
                found.append(parts[2])
        return sorted(found)

    def litter(self) -> list[str]:
        """Unfinished parts and spool files anywhere below the stage's folder."""
        found = [path for path in self.folder.rglob("*") if path.name.endswith(".cloudtui-part")]
        found += [path for path in self.folder.rglob("*.new") if ".cloudtui" in path.name]
        found += [path for path in self.folder.rglob("spool/*") if path.is_file()]
        return [str(path) for path in found]


@functools.cache
def _empty_vault() -> bytes:
    """A vault that opens at once: each start would derive the key for a fifth of a second, which
    in the suite of crashes is more than the work itself."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    cost, salt, nonce = 2, bytes(16), bytes(12)
    key = Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(PASSPHRASE.encode())
    box = AESGCM(key).encrypt(nonce, b"{}", b"cloudtui vault 1 %d " % cost + salt)
    fields = {"salt": salt, "nonce": nonce, "box": box}
    texts = {name: base64.b64encode(raw).decode() for name, raw in fields.items()}
    return json.dumps({"format": 1, "n": cost, **texts}).encode()


def disk_tree(top: Path) -> Tree:
    """What lies below a folder of this disk."""
    return {
        str(path.relative_to(top)): None if path.is_dir() else sha1_of(path.read_bytes())
        for path in sorted(top.rglob("*"))
    }


def sha1_of(content: bytes) -> str:
    """In the form the state dump has."""
    return hashlib.sha1(content).hexdigest()


def tree_of(files: Mapping[str, bytes], folders: Sequence[str] = ()) -> Tree:
    """The tree that `plant` makes."""
    found: Tree = dict.fromkeys(folders)
    for name, content in files.items():
        found[name] = sha1_of(content)
        for above in list(Path(name).parents)[:-1]:
            found[str(above)] = None
    return dict(sorted(found.items()))


def _key(node: dict[str, Any]) -> str:
    return str(node["id"])


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else f'"{value}"'
