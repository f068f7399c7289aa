"""Public links: making them, looking inside with or without an account, saving, revoking."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from cloudtui.sandbox.http import Response
from cloudtui.sandbox.pikpak.account import Account, Task
from cloudtui.sandbox.pikpak.batches import Batches
from cloudtui.sandbox.pikpak.call import Answer, Call, Route, mapping, strings, text, whole
from cloudtui.sandbox.pikpak.cloud import Cloud
from cloudtui.sandbox.pikpak.errors import Refusal, refusal
from cloudtui.sandbox.pikpak.files import Files
from cloudtui.sandbox.pikpak.node import ROOT, Node, Phase
from cloudtui.sandbox.pikpak.stamps import Ids, stamp

DAY = 86400
PACK = "Pack From Shared"
CODE_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(slots=True, eq=False)
class Share:
    """One public link."""

    id: str
    owner: Account
    file_ids: list[str]
    pass_code: str
    share_to: str
    days: int
    created: float
    token: str
    issued: float = 0.0
    views: int = 0
    restores: int = 0
    deleted: bool = False


class Shares:
    """Endpoints under /drive/v1/share, and the page a browser sees."""

    def __init__(self, cloud: Cloud, files: Files, batches: Batches) -> None:
        self._cloud = cloud
        self._files = files
        self._batches = batches
        self._ids = Ids("shares")
        self.shares: dict[str, Share] = {}

    def routes(self) -> list[Route]:
        """Reading a share needs no account."""
        return [
            Route("POST", "/drive/v1/share", self.create),
            Route("GET", "/drive/v1/share", self.open, open=True),
            Route("PATCH", "/drive/v1/share", self.edit),
            Route("GET", "/drive/v1/share/detail", self.folder, open=True),
            Route("GET", "/drive/v1/share/file_info", self.file_info, open=True),
            Route("GET", "/drive/v1/share/list", self.mine),
            Route("POST", "/drive/v1/share/restore", self.save),
            Route("POST", "/drive/v1/share:batchDelete", self.revoke),
            Route("GET", "/s/{}", self.page, checked=False),
            Route("GET", "/s/{}/{}", self.page, checked=False),
        ]

    def make(
        self, owner: Account, file_ids: list[str], now: float, *, code: str = "", days: int = -1
    ) -> Share:
        """A new link."""
        share = Share(
            id=self._ids.new("VO"),
            owner=owner,
            file_ids=file_ids,
            pass_code=self._cloud.world.issue(code) if code else "",
            share_to="encryptedlink" if code else "publiclink",
            days=days,
            created=now,
            token=self._cloud.world.new_secret(size=24),
            issued=now,
        )
        self.shares[share.id] = share
        return share

    # ---- endpoints

    def create(self, call: Call) -> Answer:
        """A new link on entries of one's own."""
        account = call.account
        ids = strings(call.body, "file_ids")
        if not ids:
            raise refusal("invalid_argument", "file_ids is required")
        for node_id in ids:
            account.tree.live(node_id)
        code = ""
        if text(call.body, "pass_code_option") == "REQUIRED":
            code = text(call.body, "custom_pass_code") or _new_code()
        days = whole(call.body, "expiration_days") or -1
        share = self.make(account, ids, call.now, code=code, days=days)
        share.share_to = text(call.body, "share_to") or share.share_to
        url = f"{call.addresses.site}/s/{share.id}"
        return {
            "share_id": share.id,
            "share_url": url,
            "pass_code": share.pass_code,
            "share_text": url,
            "share_list": [],
            "share_error_files": [],
            "share_risk_tip": "",
        }

    def open(self, call: Call) -> Answer:
        """The top of a share, for anybody."""
        share, status = self._status(call, call.param("share_id"))
        if share is not None and status == "OK" and share.pass_code:
            given = call.param("pass_code")
            if not given:
                status = "PASS_CODE_EMPTY"
            elif given != share.pass_code:
                status = "PASS_CODE_ERROR"
        if share is None or status != "OK":
            return _closed(status)
        share.views += 1
        if not self._fresh(call, share):
            share.token, share.issued = self._cloud.world.new_secret(size=24), call.now
        nodes = self._tops(share)
        left = share.created + share.days * DAY - call.now if share.days > 0 else 0.0
        return {
            "share_status": "OK",
            "share_status_text": "",
            "file_num": str(len(nodes)),
            "expiration_left": str(int(left // DAY)) if left else "-1",
            "expiration_left_seconds": str(int(left)) if left else "-1",
            "expiration_at": stamp(share.created + share.days * DAY) if left else "",
            "restore_count_left": "-1",
            "user_info": {
                "user_id": share.owner.user_id,
                "portrait_url": "",
                "nickname": share.owner.username.partition("@")[0],
                "avatar": "",
            },
            "pass_code_token": share.token,
            "title": nodes[0].name if nodes else "",
            "icon_link": "",
            "thumbnail_link": "",
            **self._page_of(call, share.owner, nodes),
        }

    def folder(self, call: Call) -> Answer:
        """What lies in a shared folder."""
        share, status = self._status(call, call.param("share_id"))
        if share is None or status != "OK":
            return _closed(status)
        if call.param("pass_code_token") != share.token or not self._fresh(call, share):
            return _closed("PASS_CODE_ERROR")
        parent = call.param("parent_id")
        nodes = self._tops(share)
        if parent:
            self._check_inside(share, parent)
            nodes = [node for node in share.owner.tree.children(parent) if not node.trashed]
        return {
            "share_status": "OK",
            "share_status_text": "",
            "pass_code_token": share.token,
            **self._page_of(call, share.owner, nodes),
        }

    def file_info(self, call: Call) -> Answer:
        """One shared file, with links."""
        share, status = self._status(call, call.param("share_id"))
        if share is None or status != "OK":
            return _closed(status)
        if call.param("pass_code_token") != share.token or not self._fresh(call, share):
            return _closed("PASS_CODE_ERROR")
        node = share.owner.tree.live(call.param("file_id"))
        self._check_inside(share, node.id)
        return {
            "share_status": "OK",
            "share_status_text": "",
            "file_info": self._files.detail(share.owner, node, call.addresses),
            "pass_code_token": share.token,
        }

    def mine(self, call: Call) -> Answer:
        """The account's own links, newest first; counts come as texts."""
        account = call.account
        own = [share for share in self.shares.values() if share.owner is account]
        own = [share for share in reversed(own) if not share.deleted]
        start = call.number("page_token", 0)
        limit = max(1, call.number("limit", 100))
        rows = [self._row(call, share) for share in own[start : start + limit]]
        rest = len(own) > start + limit
        return {"data": rows, "next_page_token": str(start + limit) if rest else ""}

    def edit(self, call: Call) -> Answer:
        """Another pass code for a link of one's own, or none; another end."""
        share = self.shares.get(text(call.body, "share_id"))
        if share is None or share.owner is not call.account or share.deleted:
            raise refusal("not_found", "share not found")
        match self._cloud.switches.word("share_edit"):
            case "refused":
                raise refusal("permission_denied", "not for this client")
            case "ignored":
                return {"share_id": share.id}
        code = text(call.body, "custom_pass_code")
        match text(call.body, "pass_code_option"):
            case "REQUIRED":
                share.pass_code = self._cloud.world.issue(code or _new_code())
                share.share_to = "encryptedlink"
            case "NOT_REQUIRED":
                share.pass_code, share.share_to = "", "publiclink"
        if "expiration_days" in call.body:
            share.days = whole(call.body, "expiration_days") or -1
        return {"share_id": share.id, "pass_code": share.pass_code}

    def revoke(self, call: Call) -> Answer:
        """Close links of one's own; others are left alone."""
        for share_id in strings(call.body, "ids"):
            share = self.shares.get(share_id)
            if share is not None and share.owner is call.account:
                share.deleted = True
        return {}

    def save(self, call: Call) -> Answer:
        """Copy shared entries into one's own drive: a task to poll."""
        account = call.account
        share, status = self._status(call, text(call.body, "share_id"))
        if share is None or status != "OK":
            return {"share_status": status, "restore_status": "", "restore_task_id": ""}
        given = text(call.body, "pass_code_token")
        if given != share.token or not self._fresh(call, share):
            return {
                "share_status": "PASS_CODE_ERROR",
                "restore_status": "",
                "restore_task_id": "",
            }
        if share.owner is account:
            raise refusal("file_restore_own")
        wanted = strings(call.body, "file_ids") or share.file_ids
        nodes = [share.owner.tree.live(node_id) for node_id in wanted]
        for node in nodes:
            self._check_inside(share, node.id)
            if self._cloud.switches.on("share_ancestors"):
                self._check_ancestors(share, node, strings(call.body, "ancestor_ids"))
        self._batches.check_room(
            account, sum(self._batches.weight(share.owner, node) for node in nodes)
        )
        target = self._target(call)
        share.restores += 1
        task = self._restore(call, share, nodes, target)
        return {
            "share_status": "OK",
            "share_status_text": "",
            "file_id": "",
            "restore_status": "RESTORE_START",
            "restore_task_id": task.id,
            "params": {},
        }

    def page(self, call: Call) -> Answer:
        """What a browser sees at the link."""
        share = self.shares.get(call.parts[0])
        if share is None or share.deleted:
            return Response.html("<!doctype html><title>Gone</title><p>No such share.</p>", 404)
        names = "".join(f"<li>{escape(node.name)}</li>" for node in self._tops(share))
        shown = "" if share.pass_code else f"<ul>{names}</ul>"
        return Response.html(f"<!doctype html><title>Share</title><h1>Share</h1>{shown}")

    # ---- inside

    def _status(self, call: Call, share_id: str) -> tuple[Share | None, str]:
        if call.user is None and not (call.header("x-device-id") and call.header("x-client-id")):
            # Without an account both headers are needed, measured on the real service.
            raise Refusal("captcha_invalid", 9, "client_id not match")
        forced = self._cloud.switches.word("share_status")
        share = self.shares.get(share_id)
        if share is None:
            return None, "NOT_FOUND"
        if forced:
            return share, forced
        if share.deleted:
            return share, "DELETED"
        if share.days > 0 and call.now >= share.created + share.days * DAY:
            return share, "EXPIRED"
        return share, "OK"

    def _tops(self, share: Share) -> list[Node]:
        nodes = share.owner.tree.nodes
        found = [nodes[node_id] for node_id in share.file_ids if node_id in nodes]
        return [node for node in found if not node.trashed]

    def _check_inside(self, share: Share, node_id: str) -> None:
        tree = share.owner.tree
        if not any(tree.inside(node_id, top.id) for top in self._tops(share)):
            raise refusal("file_not_found")

    def _check_ancestors(self, share: Share, node: Node, named: list[str]) -> None:
        """Things below the top of a share: the shared folders above them, from the top down."""
        above: list[str] = []
        seen = node
        while seen.id not in share.file_ids:
            seen = share.owner.tree.nodes[seen.parent_id]
            above.insert(0, seen.id)
        if above != named:
            raise refusal("file_not_found", "ancestor_ids do not lead there")

    def _fresh(self, call: Call, share: Share) -> bool:
        """Whether the token of the share's page still counts."""
        life = self._cloud.switches.number("share_token_seconds")
        return not life or call.now < share.issued + life

    def _page_of(self, call: Call, owner: Account, nodes: list[Node]) -> dict[str, object]:
        start = call.number("page_token", 0)
        limit = max(1, call.number("limit", 100))
        rest = len(nodes) > start + limit
        return {
            "files": [self._files.entry(owner, node) for node in nodes[start : start + limit]],
            "next_page_token": str(start + limit) if rest else "",
        }

    def _row(self, call: Call, share: Share) -> dict[str, object]:
        nodes = self._tops(share)
        size = sum(self._batches.weight(share.owner, node) for node in nodes)
        _, status = self._status(call, share.id)
        hidden = self._cloud.switches.on("share_codes_hidden")
        left = "-1"
        if share.days > 0:
            left = str(max(0, int((share.created + share.days * DAY - call.now) // DAY)))
        return {
            "share_id": share.id,
            "share_url": f"{call.addresses.site}/s/{share.id}",
            "title": nodes[0].name if nodes else "",
            "create_time": stamp(share.created),
            "pass_code": "" if hidden else share.pass_code,
            "share_to": share.share_to,
            "expiration_days": str(share.days),
            "expiration_left": left,
            "expiration_at": stamp(share.created + share.days * DAY) if share.days > 0 else "",
            "restore_limit": "-1",
            "view_count": str(share.views),
            "restore_count": str(share.restores),
            "file_num": str(len(nodes)),
            "share_status": status,
            "share_status_text": "",
            "file_id": share.file_ids[0],
            "file_kind": nodes[0].kind if nodes else "",
            "file_size": str(size),
            "thumbnail_link": "",
            "icon_link": "",
        }

    def _target(self, call: Call) -> str:
        """`parent_id` counts when `specify_parent_id` says so; `to` is another client's way."""
        tree = call.account.tree
        body = call.body
        if body.get("specify_parent_id") in (True, "true"):
            target = text(body, "parent_id")
        elif isinstance(body.get("to"), dict):
            target = text(mapping(body, "to"), "parent_id")
        else:
            pack = tree.named(ROOT, PACK)
            target = (pack or tree.add(ROOT, PACK, folder=True)).id
        tree.folder(target)
        return target

    def _restore(self, call: Call, share: Share, nodes: list[Node], target: str) -> Task:
        account = call.account
        due = call.now + self._cloud.switches.number("batch_seconds")
        task = account.new_task("restore", "", call.now)
        fails = self._cloud.switches.count_down("save_fails")
        most = self._cloud.switches.limit("save_fails_after") if fails else None
        room = itertools.count() if most is None else iter(range(most))

        def step(now: float) -> None:
            if now < due:
                return
            for node in nodes[: 1 if fails and most is None else None]:
                made = _graft(account, node, share.owner, target, room)
                if made is None:
                    break
                if self._cloud.switches.on("save_told"):
                    made.params |= {"original_share_id": share.id, "original_file_id": node.id}
                    task.file_id, task.file_name = made.id, made.name
                account.record("TYPE_RESTORE", made, now)
            task.end(Phase.ERROR if fails else Phase.COMPLETE, "", now)

        task.step = step
        account.start(task)
        account.settle(call.now)
        return task


def _new_code() -> str:
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(4))


def _graft(
    account: Account, node: Node, owner: Account, target: str, room: Iterator[int]
) -> Node | None:
    """A copy of another account's entry, sharing the bytes; `room` has a number for each that may
    still be made, None comes without."""
    if next(room, None) is None:
        return None
    made = account.tree.add(
        target,
        account.tree.free_name(target, node.name, folder=node.folder),
        folder=node.folder,
        blob=node.blob,
        told_hash=node.hash,
        phase=node.phase,
        size=node.size,
    )
    for child in [item for item in owner.tree.children(node.id) if not item.trashed]:
        _graft(account, child, owner, made.id, room)
    return made


def _closed(status: str) -> dict[str, object]:
    return {
        "share_status": status,
        "share_status_text": "",
        "files": [],
        "user_info": None,
        "next_page_token": "",
        "pass_code_token": "",
        "title": "",
    }
