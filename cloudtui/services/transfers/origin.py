"""Where a URL leads: scheme, host and port, and what to ask for there. A leaf."""

from __future__ import annotations

import functools
import re
from typing import Self
from urllib.parse import urlsplit

from msgspec import Struct

from cloudtui.services.errors import BadReply

_ODD = re.compile(r"[^!-~]")


class Origin(Struct, frozen=True):
    """One server as connections know it. `host` carries no brackets."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Self:
        """The origin of an absolute http or https URL. Raises BadReply for anything else."""
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = urlsplit("")
        return cls(*_server(parts.scheme, parts.netloc))

    @property
    def authority(self) -> str:
        """For a Host header: the port only where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = 443 if self.scheme == "https" else 80
        return host if self.port == usual else f"{host}:{self.port}"

    @property
    def address(self) -> str:
        """Host and port, always both."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@functools.lru_cache(maxsize=256)
def _server(scheme: str, netloc: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(f"//{netloc}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if scheme not in ("http", "https") or not host:
        raise BadReply("The service named an address that is no web address.")
    try:
        ascii_host = host.encode("idna").decode("ascii")
    except UnicodeError as exc:
        raise BadReply("The service named a host that cannot exist.") from exc
    return scheme, ascii_host, port or (443 if scheme == "https" else 80)


def target_of(url: str) -> str:
    """Path and query as they stand on a request line, blanks and controls percent-encoded."""
    parts = urlsplit(url)
    target = parts.path or "/"
    if parts.query:
        target = f"{target}?{parts.query}"
    return _ODD.sub(lambda odd: "".join(f"%{byte:02X}" for byte in odd[0].encode()), target)
