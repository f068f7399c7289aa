"""Which names the service hands out: real-looking ones when asked under a real name, else loopback.

A front that terminates TLS for the real hosts needs every address to stay under the root that was
asked; on loopback the listeners' own origins are used.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cloudtui.sandbox.http import Request
from cloudtui.sandbox.names import PIKPAK_ROOTS

BUCKET = "vip-lixian-07"


def root_of(hostname: str) -> str:
    """The root domain of a PikPak host name, empty for anything else."""
    for root in PIKPAK_ROOTS:
        if hostname == root or hostname.endswith("." + root):
            return root
    return ""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Address building for one request; `root` is empty on loopback."""

    root: str
    urls: dict[str, str]

    @classmethod
    def of(cls, request: Request, urls: dict[str, str]) -> Addresses:
        """As the client that sent `request` must see them."""
        return cls(root_of(request.hostname), urls)

    def _own(self, listener: str) -> str:
        return self.urls.get(listener, "").rstrip("/")

    @property
    def user(self) -> str:
        """Origin of the user host."""
        return f"https://user.{self.root}" if self.root else self._own("pikpak.user")

    @property
    def site(self) -> str:
        """Origin of share pages."""
        return f"https://{self.root}" if self.root else self._own("pikpak.drive")

    def content(self, fid: str) -> str:
        """Origin that serves a file; real names carry a node number, always the same per file."""
        if not self.root:
            return self._own("pikpak.content")
        number = int(hashlib.md5(fid.encode()).hexdigest()[:4], 16) % 8 + 1
        return f"https://dl-a10b-{number:04d}.{self.root}"

    @property
    def endpoint(self) -> str:
        """`endpoint` of upload answers: host and port on loopback, scheme as the drive's."""
        return self.root or self._own("pikpak.upload").partition("://")[2]

    @property
    def form_url(self) -> str:
        """Where form uploads go."""
        if self.root:
            return f"https://{BUCKET}.{self.root}"
        return f"{self._own('pikpak.upload')}/{BUCKET}"
