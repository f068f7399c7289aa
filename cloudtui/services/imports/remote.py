"""What another program knows of an account. A leaf."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from cloudtui.services.models import Secret


class Remote(Struct, frozen=True):
    """One account of another program.

    `name` is what it is called there, `kind` is `pikpak` or `pcloud`, `options` are account options
    of ours as text, `token` whatever the program keeps (bare or JSON). `left_out` names settings of
    the program that have no counterpart here.
    """

    name: str
    kind: str
    options: Mapping[str, str] = {}
    username: str = ""
    password: Secret | None = None
    token: Secret | None = None
    client_secret: Secret | None = None
    left_out: tuple[str, ...] = ()

    @property
    def account(self) -> str:
        """A name it can have here: small letters, digits and dashes."""
        name = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-").lstrip("0123456789-")
        return name if len(name) > 1 else f"{self.kind}-{name}".rstrip("-")
