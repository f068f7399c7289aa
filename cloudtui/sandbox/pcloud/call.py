"""One call of an API method, and the table of all methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from cloudtui.sandbox.http import Request, Response
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.estate import Account, Estate, Region, Token
from cloudtui.sandbox.pcloud.metadata import Style
from cloudtui.sandbox.pcloud.nodes import File, Folder, Node
from cloudtui.sandbox.pcloud.params import Multipart, Params


class Access(StrEnum):
    """Who may call a method."""

    ANYONE = "anyone"  # no credential needed
    USER = "user"  # any token of the region
    SESSION = "session"  # closed to OAuth tokens: 1000, though the token is good
    NOBODY = "nobody"  # 2003 for every token


@dataclass(slots=True)
class Call:
    """What a method gets. `account` and `token` are None only for ANYONE's methods."""

    estate: Estate
    region: Region
    request: Request
    params: Params
    style: Style
    multipart: Multipart | None = None
    token: Token | None = None
    extra: dict[str, object] = field(default_factory=dict)

    @property
    def account(self) -> Account:
        if self.token is None:
            raise Refusal(1000)
        return self.token.account

    @property
    def digests(self) -> tuple[str, ...]:
        """What uploads are hashed with: the region's set, or fewer by the switch `pcloud.digests`
        (hashing
        is two thirds of an upload's cost here, which matters when clients' speed is compared)."""
        chosen = self.estate.world.switch("pcloud.digests")
        if isinstance(chosen, list):
            return tuple(name for name in self.region.digests if name in chosen)
        return self.region.digests

    @property
    def now(self) -> int:
        return int(self.estate.world.clock())

    def folder(self, name: str = "folderid", path: str = "path", missing: int = 1002) -> Folder:
        """The folder named by id or path; Refusals `missing`, 1017, 2005, 2010."""
        tree = self.account.tree
        if self.params.text(name) is not None:
            number = self.params.number(name)
            if number is None:
                raise Refusal(1017)
            return tree.folder(number)
        given = self.params.text(path)
        if given is None:
            raise Refusal(missing)
        return tree.walk(split_path(given), 2005)

    def file(self, missing: int = 1004) -> File:
        """The file named by `fileid` or `path`; Refusals `missing`, 2002, 2009, 2010."""
        tree = self.account.tree
        if self.params.text("fileid") is not None:
            number = self.params.number("fileid")
            if number is None:
                raise Refusal(missing)
            return tree.file(number)
        given = self.params.text("path")
        if given is None:
            raise Refusal(missing)
        parts = split_path(given)
        if not parts:
            raise Refusal(2009)
        found = tree.walk(parts[:-1], 2002).files.get(parts[-1])
        if found is None:
            raise Refusal(2009)
        return found

    def new_place(self) -> tuple[Folder, str]:
        """Where something new goes: `folderid`+`name`, or `path`. Refusals 1001, 2002, 2005,
        2010.
        """
        tree = self.account.tree
        name = self.params.text("name")
        if self.params.text("folderid") is not None and name is not None:
            return self.folder(), name
        given = self.params.text("path")
        if given is None:
            raise Refusal(1001)
        parts = split_path(given)
        if not parts:
            raise Refusal(2004)
        return tree.walk(parts[:-1], 2002), parts[-1]

    def destination(self, node: Node, missing: int) -> tuple[Folder, str]:
        """Where a copy or move goes: `tofolderid` and/or `toname`, or `topath` (a final slash means
        into
        that folder). Refusals `missing`, 2002, 2005, 2010."""
        tree = self.account.tree
        name = self.params.text("toname")
        given = self.params.text("topath")
        if given is not None:
            if given.endswith("/"):
                parts = split_path(given.rstrip("/") or "/")
                return tree.walk(parts, 2005), node.name
            parts = split_path(given)
            return tree.walk(parts[:-1], 2002), parts[-1]
        if self.params.text("tofolderid") is not None:
            number = self.params.number("tofolderid")
            if number is None:
                raise Refusal(1017)
            return tree.folder(number), name if name is not None else node.name
        if name is None or node.parent is None:
            raise Refusal(missing)
        return node.parent, name


def split_path(path: str) -> list[str]:
    """The names of a path. Refusal 2010 without a slash in front or with one behind."""
    if path == "/":
        return []
    if not path.startswith("/") or path.endswith("/"):
        raise Refusal(2010)
    return path[1:].split("/")


Method = Callable[[Call], dict[str, object] | Response]


@dataclass(frozen=True, slots=True)
class Entry:
    """A method of the API. `locked`: it runs under the world's lock. `writes`: refused to read-only
    apps.
    """

    run: Method
    access: Access
    locked: bool
    writes: bool


METHODS: dict[str, Entry] = {}


def method(
    *names: str, access: Access = Access.USER, locked: bool = True, writes: bool = False
) -> Callable[[Method], Method]:
    """Register a function as the method(s) of these names."""

    def register(run: Method) -> Method:
        for name in names:
            METHODS[name] = Entry(run, access, locked, writes)
        return run

    return register
