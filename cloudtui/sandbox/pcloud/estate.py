"""Everything the emulated pCloud holds: regions, accounts, tokens, links, apps.

Owns the records and their lookups; methods of the API change them under the world's lock.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from cloudtui.sandbox.http import Request
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.nodes import Content, Folder
from cloudtui.sandbox.pcloud.sessions import Upload
from cloudtui.sandbox.pcloud.tree import Tree
from cloudtui.sandbox.world import World

QUOTA = 500 * 1024**3


class TokenKind(StrEnum):
    """OAuth tokens (apps) and session tokens (password sign-in): several methods tell them
    apart.
    """

    OAUTH = "oauth"
    SESSION = "session"


@dataclass(slots=True)
class Token:
    """One credential. `write` is False for an app that was registered read-only."""

    value: str
    kind: TokenKind
    account: Account
    id: int
    created: int
    device: str = "sandbox"
    write: bool = True
    permissions: str = ""
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Region:
    """One of the two worlds; an account lives in one."""

    name: str
    location: int
    listener: str
    api_host: str
    near_host: str
    content_hosts: tuple[str, ...]
    digests: tuple[str, ...]


US = Region(
    "us",
    1,
    "pcloud.us",
    "api.pcloud.com",
    "api7.pcloud.com",
    ("p-def1.pcloud.com", "c111.pcloud.com"),
    ("sha1", "md5"),
)
EU = Region(
    "eu",
    2,
    "pcloud.eu",
    "eapi.pcloud.com",
    "eapi-lux1.pcloud.com",
    ("p-lux1.pcloud.com", "p-par2.pcloud.com"),
    ("sha1", "sha256"),
)
REGIONS = {"us": US, "eu": EU}


@dataclass(slots=True)
class Publink:
    """A public link on a file, a folder, or (revisited) a deleted one."""

    id: int
    code: str
    node_id: int
    is_folder: bool
    created: int
    modified: int
    expires: int | None = None
    max_downloads: int | None = None
    max_traffic: int | None = None
    password: str = ""
    short: str = ""
    downloads: int = 0
    traffic: int = 0
    deleted: bool = False


@dataclass(slots=True)
class Collection:
    """A playlist: file ids in order, each with the time it was added."""

    id: int
    name: str
    created: int
    modified: int
    system: bool = False
    items: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Progress:
    """What `uploadprogress` tells, for an upload or a remote fetch, by the caller's own key."""

    answer: dict[str, object]


@dataclass(eq=False)
class Account:
    """One user in one region."""

    id: int
    email: str
    password: str
    region: Region
    tree: Tree
    registered: int
    quota: int = QUOTA
    premium: bool = True
    uploads: dict[int, Upload] = field(default_factory=dict)
    publinks: dict[int, Publink] = field(default_factory=dict)
    collections: dict[int, Collection] = field(default_factory=dict)
    progress: dict[str, Progress] = field(default_factory=dict)
    language: str = "en"
    verified: bool = True
    invitations: list[dict[str, object]] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)

    def room_for(self, size: int) -> None:
        """Refusal 2008 when that many more bytes do not fit."""
        if self.tree.used + size > self.quota:
            raise Refusal(2008)


@dataclass(slots=True, eq=False)
class Letter:
    """Something the service would have mailed, or was mailed; `code` is good once."""

    mail: str
    kind: str
    code: str = ""
    account: Account | None = None
    expires: int = 0
    text: str = ""
    used: bool = False


@dataclass(slots=True, eq=False)
class Share:
    """A folder offered to somebody by e-mail, and shared once accepted. `rights` are the bits 1
    create, 2 modify, 4 delete."""

    id: int
    owner: Account
    guest: Account | None
    mail: str
    folder: Folder
    name: str
    message: str
    rights: int
    created: int
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A signed path on the content servers; good for one version of one file, at one address."""

    account: Account
    file_id: int
    content: Content
    name: str
    parent_id: int
    ip: str
    expires: int
    content_type: str
    attachment: bool
    publink: Publink | None = None
    revision: bool = False
    body: bytes | None = None  # thumbnails and zips have bytes of their own


@dataclass(slots=True)
class Code:
    """An OAuth code waiting for its exchange."""

    value: str
    client_id: str
    account: Account
    expires: float
    permissions: str = ""


@dataclass(frozen=True, slots=True)
class App:
    """A registered OAuth client."""

    id: str
    secret: str
    name: str


class Estate:
    """The whole of the emulated service."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.accounts: dict[int, Account] = {}
        self.tokens: dict[str, Token] = {}
        self.links: dict[str, Link] = {}
        self.codes: dict[str, Code] = {}
        self.polls: dict[str, Token | None] = {}  # request id -> token, None = denied
        self.digests: dict[str, int] = {}  # sign-in nonce -> its end
        self.letters: list[Letter] = []
        self.shares: dict[int, Share] = {}
        self.app = App("sbx" + secrets.token_hex(4), world.new_secret(size=20), "cloudtui sandbox")
        self._numbers = 7_300_000_000

    def number(self) -> int:
        """A fresh id above 2^32."""
        with self.world.lock:
            self._numbers += 3
            return self._numbers

    def add_account(self, region: Region, email: str, password: str = "") -> Account:
        """Another account; ValueError when the region already has the e-mail."""
        world, email = self.world, email.lower()
        if any(a.email == email and a.region is region for a in self.accounts.values()):
            raise ValueError(f"{email} has an account in {region.name}")
        known = world.issue(password) if password else world.new_secret(size=9)
        number = self.number()
        now = int(world.clock())
        tree = Tree(
            f"{region.name}/{email}",
            world.clock,
            world.changed.notify_all,
            lambda: world.enabled("pcloud.fold_backslash"),
        )
        account = Account(number, email, known, region, tree, now)
        played = Collection(self.number(), "Most Listened", now, now, system=True)
        account.collections[played.id] = played
        self.accounts[number] = account
        return account

    def add_token(self, account: Account, kind: TokenKind, **options: object) -> Token:
        """Another credential for an account; `options` are fields of Token."""
        value = self.world.new_secret(size=32)
        token = Token(value, kind, account, self.number(), int(self.world.clock()))
        for name, option in options.items():
            setattr(token, name, option)
        self.tokens[value] = token
        return token

    def account_of(self, region: Region, email: str | None = None) -> Account:
        """By e-mail, or the region's first; LookupError."""
        for account in self.accounts.values():
            if account.region is region and email in (None, account.email):
                return account
        raise LookupError(f"no account {email} in {region.name}")

    def real_names(self, request: Request) -> bool:
        """Whether the caller reached us under the service's own name and must get such names
        back.
        """
        return request.hostname.endswith("pcloud.com")

    def api_hostname(self, region: Region, request: Request, *, near: bool = False) -> str:
        """The host (and port, on loopback) of a region's API, as this caller can reach it."""
        if self.real_names(request):
            return region.near_host if near else region.api_host
        return urlsplit(self.world.urls[region.listener]).netloc

    def content_hosts(self, region: Region, request: Request) -> list[str]:
        """Hosts for links, best first."""
        if self.real_names(request):
            return list(region.content_hosts)
        return [urlsplit(self.world.urls["pcloud.content"]).netloc]
