"""PikPak as one object: routes, accounts, seeds and the state that tests compare with.

Owns the way of a request: bearer, captcha, planned refusals, endpoint, envelope. What the endpoints
do lies in the modules beside this one.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TypeVar

from cloudtui.sandbox.faults import FaultKind
from cloudtui.sandbox.http import Handler, Request, Response
from cloudtui.sandbox.pikpak.account import Account
from cloudtui.sandbox.pikpak.addresses import Addresses
from cloudtui.sandbox.pikpak.archive_tree import ArchiveTree
from cloudtui.sandbox.pikpak.archives import Archives
from cloudtui.sandbox.pikpak.auth import Auth
from cloudtui.sandbox.pikpak.batches import Batches
from cloudtui.sandbox.pikpak.call import Answer, Call, Route, parse_body, strings, text
from cloudtui.sandbox.pikpak.captcha import Captchas
from cloudtui.sandbox.pikpak.cloud import Cloud, gcid_of
from cloudtui.sandbox.pikpak.content import Content
from cloudtui.sandbox.pikpak.entries import Entries
from cloudtui.sandbox.pikpak.errors import Refusal, refusal
from cloudtui.sandbox.pikpak.events import Events
from cloudtui.sandbox.pikpak.files import Files
from cloudtui.sandbox.pikpak.listing import Listing
from cloudtui.sandbox.pikpak.node import ROOT, Node
from cloudtui.sandbox.pikpak.offline import Offline
from cloudtui.sandbox.pikpak.packing import Packing
from cloudtui.sandbox.pikpak.profile import Profile
from cloudtui.sandbox.pikpak.resources import Resources
from cloudtui.sandbox.pikpak.s3 import Storage
from cloudtui.sandbox.pikpak.shares import Shares
from cloudtui.sandbox.pikpak.stamps import stamp
from cloudtui.sandbox.pikpak.tasks import Tasks
from cloudtui.sandbox.pikpak.upload import Uploads
from cloudtui.sandbox.seed import entries as seed_entries
from cloudtui.sandbox.world import World

USERNAME = "demo@example.com"
PASSWORD = "harbor-demo-pass"

T = TypeVar("T")


class PikPak:
    """The whole service; `handlers` belong on the listeners of the same names."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._cloud = Cloud(world)
        self._captchas = Captchas(self._cloud)
        self._auth = Auth(self._cloud, self._captchas)
        self._content = Content(self._cloud)
        self._files = Files(self._cloud, self._content)
        self._batches = Batches(self._cloud)
        self._entries = Entries(self._cloud, self._files)
        self._tasks = Tasks(self._cloud, self._files)
        self._uploads = Uploads(self._cloud, self._files, self._entries, self._tasks, self._batches)
        self._offline = Offline(self._cloud, self._files, self._entries, self._tasks, self._batches)
        self._shares = Shares(self._cloud, self._files, self._batches)
        self._storage = Storage(self._cloud, self._uploads)
        listing = Listing(self._cloud, self._files)
        inside = ArchiveTree(self._cloud, self._files, self._batches)
        user_routes = [*self._captchas.routes(), *self._auth.routes()]
        drive_routes = [
            Route("POST", "/drive/v1/files", self._create, locked=False),
            *inside.routes(listing.page, self._entries.detail, self._batches.copy),
            *self._batches.routes(),
            *Packing(self._cloud).routes(),
            *listing.routes(),
            *self._entries.routes(),
            *self._tasks.routes(),
            *self._offline.routes(),
            *Profile(self._cloud).routes(),
            *Events(self._cloud, self._files).routes(),
            *Resources(self._cloud).routes(),
            *self._shares.routes(),
            *Archives(self._cloud, self._batches, inside).routes(),
        ]
        self.handlers: dict[str, Handler] = {
            "pikpak.user": lambda request: self._api(request, user_routes),
            "pikpak.drive": lambda request: self._api(request, drive_routes),
            "pikpak.upload": self._storage.handle,
            "pikpak.content": self._content.handle,
        }
        self.account(USERNAME, PASSWORD)

    # ---- for the sandbox

    def account(self, username: str, password: str) -> Account:
        """The account of that name, made if needed."""
        return self._cloud.account(username, password)

    def seed(self, spec: str) -> None:
        """Plant the entries of a seed in the default account."""
        account = self.account(USERNAME, PASSWORD)
        tree = account.tree
        with self._world.lock:
            folders: dict[tuple[str, ...], Node] = {}
            files: list[Node] = []
            trashed: list[Node] = []
            for item in seed_entries(spec, self._world.blobs):
                parent = folders[item.path[:-1]].id if len(item.path) > 1 else ROOT
                name = tree.free_name(parent, item.path[-1], folder=item.blob is None)
                told = gcid_of(item.blob) if item.blob is not None else ""
                node = tree.add(
                    parent,
                    name,
                    folder=item.blob is None,
                    blob=item.blob,
                    told_hash=told,
                    when=float(item.modified),
                )
                if item.blob is None:
                    folders[item.path] = node
                else:
                    self._cloud.remember(item.blob)
                    files.append(node)
                if item.trashed:
                    trashed.append(node)
            if spec == "library":  # others are too large to be told file by file
                for node in files:
                    account.record("TYPE_UPLOAD", node, node.created)
            for node in trashed:
                tree.trash(node, self._world.clock())
            # A seed is how things are, not a change that listings could lag behind.
            tree.views.clear()

    def endpoints(self) -> dict[str, object]:
        """This cloud's part of the endpoints file."""
        urls = self._world.urls
        return {
            "user_url": urls["pikpak.user"],
            "drive_url": urls["pikpak.drive"],
            "upload_url": urls["pikpak.upload"],
            "content_url": urls["pikpak.content"],
            "username": USERNAME,
            "password": PASSWORD,
        }

    def state(self) -> dict[str, object]:
        """Every entry and task of every account, with hashes of the bytes that are really there."""
        with self._world.lock:
            now = self._world.clock()
            for account in self._cloud.accounts.values():
                account.settle(now)
            return {
                "accounts": {
                    name: self._account_state(account)
                    for name, account in self._cloud.accounts.items()
                },
                "counters": dict(self._cloud.counters),
                "shares": [
                    {
                        "id": share.id,
                        "owner": share.owner.username,
                        "file_ids": share.file_ids,
                        "pass_code": share.pass_code,
                        "days": share.days,
                        "deleted": share.deleted,
                    }
                    for share in self._shares.shares.values()
                ],
            }

    def admin(self, action: str, payload: dict[str, object]) -> object:
        """Orders of a test: accounts, tokens, files put there or changed by somebody else.

        Raises:
            LookupError: no such order, account or entry.
        """
        username = text(payload, "username") or USERNAME
        match action:
            case "add_accounts":
                made = self.account(username, text(payload, "password") or PASSWORD)
                return {"username": made.username, "password": made.password}
            case "add_tokens":
                with self._world.lock:
                    return self._auth.grant(self._cloud.accounts[username], self._world.clock())
            case "remove_tokens":
                with self._world.lock:
                    return {"removed": self._auth.forget(self._cloud.accounts[username])}
            case "put":
                return self._put(self._cloud.accounts[username], payload)
            case "share":
                return self._share(self._cloud.accounts[username], payload)
            case _:
                raise LookupError(action)

    def _put(self, account: Account, payload: dict[str, object]) -> object:
        """A file as another client would have put it: `path`, and `text` or `base64`. A path that
        ends in a slash is a folder."""
        raw = payload.get("base64")
        content = base64.b64decode(str(raw)) if raw else text(payload, "text").encode()
        blob = self._world.blobs.put_bytes(content)
        *above, name = text(payload, "path").strip("/").split("/")
        with self._world.lock:
            parent = ROOT
            for part in above:
                found = account.tree.named(parent, part)
                node = found or account.tree.add(parent, part, folder=True)
                parent = node.id
            if text(payload, "path").endswith("/"):
                return {"id": account.tree.add(parent, name, folder=True).id}
            node = account.tree.add(parent, name, blob=blob, told_hash=gcid_of(blob))
            self._cloud.remember(blob)
        return {"id": node.id}

    def _share(self, account: Account, payload: dict[str, object]) -> object:
        """A public link as another client would have made it: `paths`, perhaps `pass_code`."""
        with self._world.lock:
            ids = [self._at(account, path).id for path in strings(payload, "paths")]
            code = text(payload, "pass_code")
            made = self._shares.make(account, ids, self._world.clock(), code=code)
        return {"id": made.id, "url": f"{self._world.urls['pikpak.drive']}/s/{made.id}"}

    def _at(self, account: Account, path: str) -> Node:
        folder, node = ROOT, None
        for name in path.strip("/").split("/"):
            node = account.tree.named(folder, name)
            if node is None:
                raise LookupError(path)
            folder = node.id
        assert node is not None
        return node

    def _account_state(self, account: Account) -> dict[str, object]:
        return {
            "user_id": account.user_id,
            "used": account.tree.used,
            "used_in_trash": account.tree.trashed_bytes(),
            "upload_transfer": account.upload_transfer,
            "nodes": [self._node_state(account, node) for node in account.tree.nodes.values()],
            "tasks": [self._tasks.shape(account, task) for task in account.tasks.values()],
            "events": [
                {"id": event.id, "type": event.type, "file_id": event.file_id}
                for event in account.events
            ],
        }

    def _node_state(self, account: Account, node: Node) -> dict[str, object]:
        blob = node.blob
        return {
            "id": node.id,
            "parent": node.parent_id,
            "name": node.name,
            "path": account.tree.path(node),
            "kind": "folder" if node.folder else "file",
            "size": node.size,
            "gcid": node.hash,
            # Differs from `gcid` when a client told a hash its bytes do not have.
            "gcid_of_bytes": gcid_of(blob) if blob is not None else "",
            "sha1": blob.sha1() if blob is not None else "",
            "trashed": node.trashed,
            "phase": str(node.phase),
            "starred": node.starred,
            "modified": stamp(node.modified),
        }

    # ---- the way of a request

    def _api(self, request: Request, routes: list[Route]) -> Response:
        try:
            return self._routed(request, routes)
        except Refusal as exc:
            headers = list(exc.headers.items())
            return Response.json(exc.body(), exc.status, headers)

    def _routed(self, request: Request, routes: list[Route]) -> Response:
        self._planned(request)
        # A trailing slash names no entry: an empty task id must fail, as it does for rclone.
        path = request.decoded_path
        for route in routes:
            parts = route.match(request.method, path)
            if parts is not None:
                break
        else:
            raise Refusal("not_found", 5, f"{request.method} {path}", status=404)
        kind = request.headers.get("content-type") or ""
        call = Call(
            request=request,
            now=self._world.clock(),
            addresses=Addresses.of(request, self._world.urls),
            body=parse_body(request.body.read(), kind),
            parts=parts,
        )
        with self._world.lock:
            if route.checked:
                call.user = self._auth.bearer(call)
                if call.user is None and not route.open:
                    raise refusal("unauthenticated")
                self._captchas.check_call(call, f"{request.method}:{path}")
            if call.user is not None:
                call.user.settle(call.now)
            if route.locked:
                return self._finished(route.handle(call))
        return self._finished(route.handle(call))

    def _finished(self, answer: Answer) -> Response:
        return answer if isinstance(answer, Response) else Response.json(answer)

    def _planned(self, request: Request) -> None:
        if request.fault(FaultKind.REFUSE) is not None:
            raise refusal("permission_denied")
        fault = request.fault(FaultKind.API_CODE)
        if fault is None:
            return
        spec = fault.code if isinstance(fault.code, dict) else {"error_code": fault.code}
        status = spec.get("status", 400)
        raise Refusal(
            str(spec.get("error", "internal")),
            int(str(spec.get("error_code", 13))),
            str(spec.get("error_description", "planned by a test")),
            status=status if isinstance(status, int) else 400,
            headers=fault.headers,
        )

    def _create(self, call: Call) -> Answer:
        """POST /drive/v1/files is three things: a folder, an offline task or an upload."""
        if text(call.body, "kind") == "drive#folder":
            return self._locked(self._entries.create_folder, call)
        if text(call.body, "kind") != "drive#file":
            raise refusal("invalid_argument", "kind is neither file nor folder")
        if text(call.body, "upload_type") == "UPLOAD_TYPE_URL":
            return self._locked(self._offline.create, call)
        return self._uploads.start(call)

    def _locked(self, handle: Callable[[Call], T], call: Call) -> T:
        with self._world.lock:
            return handle(call)
