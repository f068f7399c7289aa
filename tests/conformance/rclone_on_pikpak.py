"""rclone signed in to the sandbox's PikPak under the real host names."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.connect_front import ConnectFront
from tests.conformance.foreign import Rclone
from tests.sandbox_process import SandboxProcess, start_sandbox

ACCOUNT = "demo@example.com"


@dataclass
class Setup:
    """A signed-in rclone, the sandbox behind it and the front between them."""

    rclone: Rclone
    sandbox: SandboxProcess
    front: ConnectFront

    def nodes(self, *, trashed: bool = False) -> dict[str, dict[str, Any]]:
        """Live (or trashed) entries by path, as the sandbox holds them."""
        account = self.sandbox.admin.state("pikpak")["accounts"][ACCOUNT]
        return {node["path"]: node for node in account["nodes"] if node["trashed"] is trashed}

    def put(self, path: str, content: bytes | str) -> str:
        """A file as if another client had put it there; its id."""
        raw = content.encode() if isinstance(content, str) else content
        made: dict[str, str] = self.sandbox.admin.order(
            "pikpak", "put", path=path, base64=base64.b64encode(raw).decode()
        )
        return made["id"]

    def switch(self, **values: object) -> None:
        """Set switches of the PikPak side; `usual` puts them back."""
        for name, value in values.items():
            self.sandbox.admin.switch(f"pikpak.{name}", value)

    @contextlib.contextmanager
    def requests(self) -> Iterator[list[dict[str, Any]]]:
        """What the sandbox was asked inside the block; filled at its end."""
        found: list[dict[str, Any]] = []
        seen = max((entry["seq"] for entry in self.sandbox.admin.log()), default=0)
        yield found
        found += self.sandbox.admin.log(seen)

    def usual(self) -> None:
        """No faults, and every switch at its default."""
        self.sandbox.admin.clear_faults()
        for name in self.sandbox.admin.call("GET", "/switches"):
            if name.startswith("pikpak."):
                self.sandbox.admin.switch(name, None)


@contextlib.contextmanager
def signed_in(folder: Path) -> Iterator[Setup]:
    """A sandbox, a front and an rclone whose remote `pp` is its demo account."""
    with (
        start_sandbox(folder / "sandbox") as sandbox,
        ConnectFront(sandbox.endpoints, folder) as front,
    ):
        rclone = Rclone(
            folder / "home", {"HTTPS_PROXY": front.url, "RCLONE_CA_CERT": str(front.ca_file)}
        )
        told = sandbox.endpoints["pikpak"]
        rclone.ok(
            *("config", "create", "pp", "pikpak", "--obscure"),
            *(f"user={told['username']}", f"pass={told['password']}"),
        )
        yield Setup(rclone, sandbox, front)
