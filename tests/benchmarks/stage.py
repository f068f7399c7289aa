"""What benchmarks stand on: the sandbox behind TLS, the relay, cloudtui and rclone signed in.

Both programs reach both clouds by their real host names through the same relay, and speak TLS with
the sandbox itself: the relay sees sealed bytes only.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

from cloudtui.sandbox.names import PIKPAK_ROOTS
from tests.benchmarks.measuring import Failed, Run, run_child
from tests.cloudtui_process import Home
from tests.conformance.foreign import rclone_program
from tests.sandbox_process import Admin, SandboxProcess, start_sandbox

CLOUDS = ("pcloud", "pikpak")
OURS = {"pcloud": "pc", "pikpak": "pk"}
"""The account's name in cloudtui, and the remote's in rclone."""

HOSTS = {"us": "api.pcloud.com", "eu": "eapi.pcloud.com"}
"""pCloud's regions. In the US the service tells MD5 and SHA-1 of all it stores, in the EU SHA-1 and
SHA-256, which a processor that knows SHA computes twice as fast."""

_DIGESTS = {"us": ("sha1", "md5"), "eu": ("sha1", "sha256")}
"""What the regions tell of a file."""

_CIPHER = """openssl_conf = whole
[whole]
ssl_conf = tls
[tls]
system_default = both
[both]
Ciphersuites = TLS_AES_128_GCM_SHA256
"""
"""Left to themselves the programs would agree on different ciphers with the sandbox, rclone on one
that costs a fifth less."""

_LARGE = 1024 * 1024

_HOSTS = (
    *("127.0.0.1", "localhost", "pcloud.com", "*.pcloud.com"),
    *PIKPAK_ROOTS,
    *(f"*.{root}" for root in PIKPAK_ROOTS),
)


@dataclass(frozen=True, slots=True)
class Door:
    """One way to the clouds: a relay's URL and the environments of programs that go through it."""

    url: str
    ours: dict[str, str]
    theirs: dict[str, str]


@dataclass
class Stage:
    """Everything that runs. `folder` is on the disk that is measured with."""

    folder: Path
    sandbox: SandboxProcess
    ca: Path
    home: Home
    token: str
    region: str
    _stack: contextlib.ExitStack
    _doors: dict[float, Door] = field(default_factory=dict)

    @property
    def admin(self) -> Admin:
        """The sandbox's admin calls."""
        return self.sandbox.admin

    def door(self, rtt: float = 0.0) -> Door:
        """The relay with this round trip time in seconds, started on first use."""
        if rtt not in self._doors:
            relay = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.benchmarks.relay"),
                    *("--endpoints", str(self.folder / "sandbox" / "endpoints.json")),
                    *("--rtt", str(rtt)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            self._stack.callback(_ended, relay)
            assert relay.stdout is not None
            url = relay.stdout.readline().decode().strip()
            ours = self.home.environment({"HTTPS_PROXY": url})
            ours["CLOUDTUI_RETRY_WAIT"] = "0.5"
            del ours["PYTHONWARNINGS"]
            self._doors[rtt] = Door(url, ours, self._rclone_environment(url))
        return self._doors[rtt]

    def _rclone_environment(self, proxy: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        token = {
            "access_token": self.token,
            "token_type": "bearer",
            "expiry": "0001-01-01T00:00:00Z",
        }
        return {
            **kept,
            "HOME": str(self.folder / "rclone"),
            "RCLONE_CONFIG": str(self.folder / "rclone" / "rclone.conf"),
            "RCLONE_CA_CERT": str(self.ca),
            "HTTPS_PROXY": proxy,
            "RCLONE_CONFIG_PC_TYPE": "pcloud",
            "RCLONE_CONFIG_PC_TOKEN": json.dumps(token),
            "RCLONE_CONFIG_PC_HOSTNAME": HOSTS[self.region],
        }

    def cloudtui(self, *words: str | Path, door: Door) -> Run:
        """Run a command of ours. Raises Failed."""
        command = [sys.executable, "-m", "cloudtui", *(str(word) for word in words)]
        return run_child(command, door.ours)

    def announce(self, path: Path) -> None:
        """Tell the sandbox what pCloud will say of this file, so that it need not hash it while it
        is sent. A file of another content and the same size would be hashed wrongly."""
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            sums = [hashlib.new(name, usedforsecurity=False) for name in _DIGESTS[self.region]]
            with ThreadPoolExecutor(len(sums)) as threads:
                list(threads.map(lambda each: each.update(data), sums))
            digests = {each.name: each.hexdigest() for each in sums}
        self.admin.call("POST", "/digests", {"size": path.stat().st_size, "digests": digests})

    def set_aside(self, size: int) -> None:
        """Let the sandbox find room for so many bytes, which are sent next."""
        self.admin.call("POST", "/room", {"size": size})

    @contextlib.contextmanager
    def emptied(self) -> Iterator[None]:
        """What the sandbox gets inside of the block takes no room afterwards: it keeps the bytes of
        deleted files, as the services' own trash does."""
        place = self.folder / "sandbox"
        before = _large_files(place)
        yield
        for path in _large_files(place) - before:
            os.truncate(path, 0)

    def rclone(self, *words: str | Path, door: Door, flags: Sequence[str] = ()) -> Run:
        """Run rclone. Raises Failed."""
        command = [rclone_program(), *flags, *(str(word) for word in words)]
        return run_child(command, door.theirs)

    def bare(self, *words: str | Path, door: Door) -> dict[str, Any]:
        """Run the program that only moves bytes; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.bare", *(str(word) for word in words)],
            env={**door.ours, "PYTHONPATH": str(Path.cwd())},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=900,
        )
        if done.returncode:
            raise Failed(f"bare {words}: {done.stderr.decode(errors='replace')[-2000:]}")
        told: dict[str, Any] = json.loads(done.stdout)
        return told


def _large_files(folder: Path) -> set[Path]:
    """Files that count in a memory disk."""
    return {path for path in folder.rglob("*") if path.is_file() and path.stat().st_size > _LARGE}


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


@contextlib.contextmanager
def open_stage(folder: Path, *, region: str = "us") -> Iterator[Stage]:
    """Start everything below `folder`; `region` is where pCloud's account is."""
    authority = trustme.CA()
    issued = authority.issue_cert(*_HOSTS)
    ca, cert, key = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
    authority.cert_pem.write_to_path(str(ca))
    issued.private_key_pem.write_to_path(str(key))
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    cert.write_bytes(chain)
    ciphers = folder / "ciphers.cnf"
    ciphers.write_text(_CIPHER)
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(
            start_sandbox(
                folder / "sandbox",
                *("--tls-cert", str(cert), "--tls-key", str(key)),
                environ={"OPENSSL_CONF": str(ciphers)},
            )
        )
        # every run sends its bytes: nobody profits from what the run before left behind; and
        # nobody waits for MD5s of parts, which neither program looks at
        sandbox.admin.call(
            "POST", "/switches", {"pikpak.instant": False, "pikpak.part_tags": "opaque"}
        )
        told = sandbox.endpoints["pikpak"]
        token = sandbox.endpoints["pcloud"][f"{region}_token"]
        home = Home(folder / "home")
        settings = folder / "home" / "cloudtui" / "settings.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text(
            f'format = 1\n[accounts.pc]\nkind = "pcloud"\nregion = "{region}"\n'
            f'[accounts.pk]\nkind = "pikpak"\nusername = "{told["username"]}"\n'
        )
        home.environ |= {
            "CLOUDTUI_CA_FILE": str(ca),
            "CLOUDTUI_ACCOUNT__PC__TOKEN": token,
            "CLOUDTUI_ACCOUNT__PK__PASSWORD": told["password"],
        }
        (folder / "rclone").mkdir()
        stage = Stage(folder, sandbox, ca, home, token, region, stack)
        subprocess.run(
            [
                *(rclone_program(), "config", "create", "pk", "pikpak", "--obscure"),
                *(f"user={told['username']}", f"pass={told['password']}"),
            ],
            env=stage.door().theirs,
            check=True,
            capture_output=True,
            timeout=100,
        )
        yield stage
