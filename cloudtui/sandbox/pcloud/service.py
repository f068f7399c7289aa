"""pCloud as the sandbox serves it: two regions, the consent page, the content servers.

Owns wiring, default accounts, seeding and the picture tests look at. Each default account lives in
its own region: ana@example.com in the US, bela@example.com in the EU.
"""

from __future__ import annotations

import base64
import contextlib

from cloudtui.sandbox.http import Handler
from cloudtui.sandbox.pcloud.api import Api
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.estate import (
    EU,
    REGIONS,
    US,
    Account,
    Estate,
    Token,
    TokenKind,
)
from cloudtui.sandbox.pcloud.links import ContentServer
from cloudtui.sandbox.pcloud.nodes import File, Folder, Node, is_live, path_of
from cloudtui.sandbox.pcloud.oauth import ConsentPage
from cloudtui.sandbox.seed import entries
from cloudtui.sandbox.world import World


class PCloud:
    """The service. `handlers` are its listeners."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.estate = Estate(world)
        self.us = self.estate.add_account(US, "ana@example.com")
        self.eu = self.estate.add_account(EU, "bela@example.com")
        self.us_token = self.estate.add_token(self.us, TokenKind.OAUTH)
        self.eu_token = self.estate.add_token(self.eu, TokenKind.OAUTH)
        self.handlers: dict[str, Handler] = {
            "pcloud.us": Api(self.estate, US),
            "pcloud.eu": Api(self.estate, EU),
            "pcloud.authorize": ConsentPage(self.estate),
            "pcloud.content": ContentServer(self.estate),
        }

    def endpoints(self) -> dict[str, object]:
        """This cloud's part of the endpoints file."""
        urls = self.world.urls
        return {
            "us_url": urls["pcloud.us"],
            "eu_url": urls["pcloud.eu"],
            "authorize_url": urls["pcloud.authorize"],
            "content_urls": [urls["pcloud.content"]],
            "client_id": self.estate.app.id,
            "client_secret": self.estate.app.secret,
            "us_token": self.us_token.value,
            "eu_token": self.eu_token.value,
        }

    def seed(self, spec: str) -> None:
        """Plant a seed in the two default accounts."""
        for account in (self.us, self.eu):
            self.plant(account, spec)

    def plant(self, account: Account, spec: str) -> None:
        """Plant a seed in one account. Nothing enters the change feed: it was there before."""
        planted = list(entries(spec, self.world.blobs))
        with self.world.lock:
            tree = account.tree
            tree.quiet = True
            nodes: dict[tuple[str, ...], Folder] = {(): tree.root}
            trashed: list[Node] = []
            for entry in planted:
                parent, name = nodes[entry.path[:-1]], entry.path[-1]
                # The service takes neither slash; what else is hostile stays.
                name = name.replace("/", "\uff0f").replace("\\", "\uff3c")
                node: Node
                if entry.blob is None:
                    there = parent.folders.get(name)
                    node = there or tree.add_folder(parent, name, entry.modified)
                    nodes[entry.path] = node
                elif name in parent.files:
                    node = parent.files[name]
                else:
                    content = tree.content(entry.blob, entry.modified)
                    node = tree.add_file(parent, name, content, entry.modified, entry.modified)
                if entry.trashed:
                    trashed.append(node)
            for node in trashed:
                if is_live(node):
                    tree.remove(node)
            tree.quiet = False
            tree.oldest_diffid = tree.diffid = tree.diffid + 2

    def close(self) -> None:
        """Drop unfinished uploads and the processes that hash them."""
        for account in self.estate.accounts.values():
            for upload in account.uploads.values():
                with contextlib.suppress(Refusal):  # still being written: its thread ends with us
                    upload.discard()

    def state(self) -> dict[str, object]:
        """Every account with all its nodes, links and uploads."""
        with self.world.lock:
            return {
                "accounts": [_account_state(account) for account in self.estate.accounts.values()],
                "links": len(self.estate.links),
                "tokens": [_token_state(token) for token in self.estate.tokens.values()],
                "letters": [
                    {"mail": each.mail, "kind": each.kind, "code": each.code, "text": each.text}
                    for each in self.estate.letters
                ],
            }

    def admin(self, action: str, payload: dict[str, object]) -> object:
        """Orders of a test; each takes `region` ("us") and `email` (the region's first account).

        add_tokens {kind, write, permissions} · remove_tokens {token} · add_accounts {email,
        password, seed} · quota {bytes} · premium {value} · plant {spec} · put {path, base64} ·
        foreign {path, rights}
        """
        if action == "remove_tokens":
            self.estate.tokens[str(payload["token"])].revoked = True
            return {}
        region = REGIONS[str(payload.get("region", "us"))]
        email = payload.get("email")
        with self.world.lock:
            if action == "add_accounts":
                password = str(payload.get("password", ""))
                account = self.estate.add_account(region, str(email), password)
                if payload.get("seed"):
                    self.plant(account, str(payload["seed"]))
                token = self.estate.add_token(account, TokenKind.OAUTH)
                url = self.world.urls[region.listener]
                return {"token": token.value, "password": account.password, "url": url}
            account = self.estate.account_of(region, None if email is None else str(email))
            if action == "add_tokens":
                kind = TokenKind(str(payload.get("kind", "oauth")))
                known = ("write", "permissions", "device")
                options = {name: payload[name] for name in known if name in payload}
                return {"token": self.estate.add_token(account, kind, **options).value}
            if action == "quota":
                account.quota = int(str(payload["bytes"]))
                return {}
            if action == "premium":
                account.premium = bool(payload["value"])
                return {}
            if action == "plant":
                self.plant(account, str(payload["spec"]))
                return {}
            if action == "foreign":
                rights = payload.get("rights", ["read"])
                assert isinstance(rights, list)
                return _give_away(account, str(payload["path"]), frozenset(map(str, rights)))
            if action == "put":
                return self._put(account, str(payload["path"]), str(payload.get("base64", "")))
        raise LookupError(action)

    def _put(self, account: Account, path: str, content: str) -> object:
        """A file as another client would have put it; a path that ends in a slash is a folder."""
        tree, parent = account.tree, account.tree.root
        *above, name = path.strip("/").split("/")
        for part in above:
            parent = parent.folders.get(part) or tree.add_folder(parent, part)
        if path.endswith("/"):
            return {"id": tree.add_folder(parent, name).id}
        blob = self.world.blobs.put_bytes(base64.b64decode(content))
        now = tree.now()
        return {"id": tree.add_file(parent, name, tree.content(blob, now), now, now).id}


def _give_away(account: Account, path: str, rights: frozenset[str]) -> object:
    """Let a folder with all it holds belong to somebody else who shares it."""
    top = account.tree.walk(path.strip("/").split("/"), 2005)
    pending = [top]
    while pending:
        folder = pending.pop()
        folder.rights = rights
        pending.extend(folder.folders.values())
    return {"id": top.id}


def _token_state(token: Token) -> dict[str, object]:
    return {
        "id": token.id,
        "kind": token.kind.value,
        "region": token.account.region.name,
        "email": token.account.email,
        "revoked": token.revoked,
        "write": token.write,
    }


def _account_state(account: Account) -> dict[str, object]:
    tree = account.tree
    nodes: list[dict[str, object]] = []
    for folder in tree.folders.values():
        if folder.parent is not None:
            nodes.append(_node_state(folder))
    nodes += [_node_state(file) for file in tree.files.values()]
    return {
        "region": account.region.name,
        "email": account.email,
        "userid": account.id,
        "used": tree.used,
        "quota": account.quota,
        "diffid": tree.diffid,
        "nodes": nodes,
        "uploads": [{"id": u.id, "size": u.size} for u in account.uploads.values()],
        "publinks": [
            {
                "id": link.id,
                "code": link.code,
                "node": link.node_id,
                "folder": link.is_folder,
                "deleted": link.deleted,
                "downloads": link.downloads,
            }
            for link in account.publinks.values()
        ],
        "collections": [
            {"id": c.id, "name": c.name, "items": [number for number, _ in c.items]}
            for c in account.collections.values()
        ],
    }


def _node_state(node: Node) -> dict[str, object]:
    found: dict[str, object] = {
        "id": f"{'d' if isinstance(node, Folder) else 'f'}{node.id}",
        "parent": node.parent.id if node.parent is not None else None,
        "name": node.name,
        "path": path_of(node),
        "kind": "folder" if isinstance(node, Folder) else "file",
        "created": node.created,
        "modified": node.modified,
        "trashed": not is_live(node),
    }
    if isinstance(node, File):
        blob = node.content.blob
        found.update(
            size=blob.size, sha1=blob.sha1(), hash=node.content.hash, revisions=len(node.old)
        )
    return found
