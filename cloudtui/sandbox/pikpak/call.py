"""One API call as the endpoints see it: parsed body, query, account, time. Owns lenient reading.

Clients label JSON as a form, send null for the root, numbers as text and text as numbers; all of
that is read here so that no endpoint has to care.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from cloudtui.sandbox.http import Request, Response
from cloudtui.sandbox.pikpak.account import Account
from cloudtui.sandbox.pikpak.addresses import Addresses
from cloudtui.sandbox.pikpak.errors import refusal

Answer = dict[str, object] | Response


def text(values: Mapping[str, object], key: str) -> str:
    """A field as text; null and absent are empty."""
    value = values.get(key)
    return value if isinstance(value, str) else "" if value is None else str(value)


def whole(values: Mapping[str, object], key: str) -> int:
    """A field as a whole number that may come as number or text; absent is 0.

    Raises:
        Refusal: `invalid_argument` when it is neither.
    """
    value = values.get(key)
    if value is None or value == "":
        return 0
    try:
        return int(str(value))
    except ValueError as exc:
        raise refusal("invalid_argument", f"{key} is not a number") from exc


def strings(values: Mapping[str, object], key: str) -> list[str]:
    """A field as a list of texts; a single text counts as a list of one."""
    value = values.get(key)
    if isinstance(value, str):
        return [value] if value else []
    return [str(item) for item in value] if isinstance(value, list) else []


def mapping(values: Mapping[str, object], key: str) -> dict[str, object]:
    """A field as an object; anything else is an empty one."""
    value = values.get(key)
    return value if isinstance(value, dict) else {}


def parse_body(raw: bytes, content_type: str) -> dict[str, object]:
    """A JSON object or a form, by what it looks like: labels are not to be trusted.

    Raises:
        Refusal: `invalid_argument` when it is neither.
    """
    if not raw.strip():
        return {}
    if raw.lstrip()[:1] in (b"{", b"["):
        try:
            parsed = json.loads(raw)
        except ValueError as exc:
            raise refusal("invalid_argument", "The body is not JSON") from exc
        return parsed if isinstance(parsed, dict) else {}
    if "form-urlencoded" in content_type:
        return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    raise refusal("invalid_argument", "The body is not JSON")


@dataclass(slots=True)
class Call:
    """One call; `account` is there after the bearer was checked."""

    request: Request
    now: float
    addresses: Addresses
    body: dict[str, object] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    user: Account | None = None

    @property
    def account(self) -> Account:
        """The signed-in account; raises `unauthenticated` when there is none."""
        if self.user is None:
            raise refusal("unauthenticated")
        return self.user

    def param(self, name: str) -> str:
        """A query parameter, empty when absent."""
        return self.request.param(name) or ""

    def header(self, name: str) -> str:
        """A header, empty when absent."""
        return self.request.headers.get(name) or ""

    def number(self, name: str, default: int) -> int:
        """A query parameter as a number."""
        value = self.param(name)
        return int(value) if value.isdigit() else default


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint. `{}` in the pattern stands for one path segment; `open` ones need no sign-in.

    Unchecked ones look at neither bearer nor captcha token, however stale: pikpakapi sends its
    expired access token along when it asks for a new one. `locked` ones run under the world's lock;
    the others read or move bytes and lock by themselves.
    """

    method: str
    pattern: str
    handle: Callable[[Call], Answer]
    open: bool = False
    locked: bool = True
    checked: bool = True

    def match(self, method: str, path: str) -> tuple[str, ...] | None:
        """The values of the pattern's holes, None when the route is another one."""
        if method != self.method:
            return None
        wanted = self.pattern.split("/")
        given = path.split("/")
        if len(wanted) != len(given):
            return None
        holes: list[str] = []
        for want, have in zip(wanted, given, strict=True):
            if want == "{}":
                if not have:
                    return None
                holes.append(have)
            elif want != have:
                return None
        return tuple(holes)
