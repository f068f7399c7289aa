"""Where an account's API answers: the two regions, and which hosts may be trusted with what.

An account lives in one region and the other does not know its token. Must not do I/O.
"""

from __future__ import annotations

from typing import Final, Protocol
from urllib.parse import urlsplit

from msgspec import Struct

from cloudtui.services.errors import Refused
from cloudtui.services.network import is_loopback

US_API: Final = "https://api.pcloud.com"
EU_API: Final = "https://eapi.pcloud.com"
AUTHORIZE: Final = "https://my.pcloud.com"
_DOMAIN: Final = ".pcloud.com"
_PUBLIC: Final = {"api.pcloud.com": "us", "eapi.pcloud.com": "eu"}


class Options(Protocol):
    """The part of an account's settings this module reads."""

    def text(self, key: str, default: str | None = None) -> str:
        """An option as text."""
        ...

    def origin(self, key: str, default: str | None = None) -> str:
        """An option that is an address without a path."""
        ...

    def number(self, key: str, default: float | None = None) -> float:
        """An option that is a number."""
        ...


class Regions(Struct, frozen=True):
    """The API origins to try for an account, likeliest first, and both regions' origins."""

    candidates: tuple[str, ...]
    us: str
    eu: str

    @property
    def first(self) -> str:
        """Where the account most likely lives."""
        return self.candidates[0]

    def other(self, base: str) -> str | None:
        """The origin of the other region, None when `base` is none of the two or stands alone."""
        others = [each for each in self.candidates if each != base]
        return others[0] if base in self.candidates and others else None

    def of_location(self, locationid: int | None) -> str | None:
        """The origin for a `locationid` (1 is the US, 2 the EU), if it may be asked at all: where
        an account has an address of its own, nothing goes to the public ones."""
        origin = {1: self.us, 2: self.eu}.get(locationid or 0)
        return origin if origin in self.candidates else None

    def name_of(self, origin: str) -> str:
        """`us` or `eu`, empty for any other server."""
        return {self.us: "us", self.eu: "eu"}.get(origin, "")

    def of_hostname(self, hostname: str) -> str:
        """The origin for a host named by a redirect. The two public names stand for the regions,
        wherever those are configured to be: rclone takes no other name in a redirect, so a server
        that serves rclone tells these.

        Raises Refused for a host that must not see the token: only names under pcloud.com may, and
        addresses of this machine when the configured API is on this machine.
        """
        region = _PUBLIC.get(hostname.lower())
        if region is not None:
            meant = self.eu if region == "eu" else self.us
            return meant if meant in self.candidates else self.first
        for origin in self.candidates:
            if urlsplit(origin).netloc == hostname.lower():
                return origin
        scheme = urlsplit(self.first).scheme
        origin = f"{scheme}://{hostname.lower()}"
        if not is_trusted(origin, self.first):
            raise Refused("The sign-in page named a server that is not pCloud's; nothing was sent.")
        return origin


def is_trusted(url: str, base: str) -> bool:
    """Whether a token for `base` may be sent to `url`: the same origin, a host under pcloud.com
    over TLS when `base` is one too, or this machine when `base` is on it (same scheme)."""
    try:
        target, origin = urlsplit(url), urlsplit(base)
        host, home = target.hostname or "", origin.hostname or ""
        if target.port == 0 or target.username is not None or "@" in target.netloc:
            return False
    except ValueError:
        return False
    if target.scheme != origin.scheme:
        return False
    if target.netloc == origin.netloc:
        return True
    if is_loopback(home):
        return is_loopback(host)
    return target.scheme == "https" and host.endswith(_DOMAIN) and home.endswith(_DOMAIN)


def server_named(hostname: str, base: str) -> str:
    """The origin of a server that an answer names beside `base`; `base` itself when there is none,
    when it may not see the token, or when it is this machine without saying at which port."""
    scheme = urlsplit(base).scheme
    origin = f"{scheme}://{hostname.lower()}"
    if not hostname or not is_trusted(origin, base):
        return base
    named, known = urlsplit(origin), urlsplit(base)
    lacks_port = named.port is None and known.port is not None
    return base if lacks_port and is_loopback(named.hostname or "") else origin


def regions(account: Options) -> Regions:
    """The origins of an account, from `api_url`, `region`, `us_url` and `eu_url`."""
    us = account.origin("us_url", US_API)
    eu = account.origin("eu_url", EU_API)
    pair: tuple[str, ...] = (eu, us) if account.text("region") == "eu" else (us, eu)
    api = account.origin("api_url") if account.text("api_url") else ""
    if api:
        pair = (api, *(each for each in pair if each != api)) if api in pair else (api,)
    # a token is never tried both on this machine and out there
    here = is_loopback(urlsplit(pair[0]).hostname or "")
    same = tuple(each for each in pair if is_loopback(urlsplit(each).hostname or "") is here)
    return Regions(tuple(dict.fromkeys(same)), us, eu)
