"""Listings of a folder, of the trash and of starred entries, page by page.

A listing's later pages show what the first one saw, minus what is gone since. Pages are taken from
remembered id lists, so that page 200 of 100,000 entries costs what page 1 costs.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

from cloudtui.sandbox.pikpak.account import Account
from cloudtui.sandbox.pikpak.call import Answer, Call, Route
from cloudtui.sandbox.pikpak.cloud import Cloud
from cloudtui.sandbox.pikpak.errors import refusal
from cloudtui.sandbox.pikpak.files import Files
from cloudtui.sandbox.pikpak.filters import Filter, parse_filters
from cloudtui.sandbox.pikpak.node import ROOT, Node
from cloudtui.sandbox.pikpak.stamps import stamp
from cloudtui.sandbox.pikpak.tree import View

DEFAULT_LIMIT = 100
ANYWHERE = "*"
KEPT_CURSORS = 64


@dataclass(frozen=True, slots=True)
class Cursor:
    """A listing that has begun: the folder's ids as they were, and what of them is wanted."""

    user_id: str
    parent_id: str
    wanted: Filter
    ids: list[str]


class Listing:
    """GET /drive/v1/files."""

    def __init__(self, cloud: Cloud, files: Files) -> None:
        self._cloud = cloud
        self._files = files
        self._cursors: OrderedDict[str, Cursor] = OrderedDict()

    def routes(self) -> list[Route]:
        """The endpoint."""
        return [Route("GET", "/drive/v1/files", self.page)]

    def page(self, call: Call) -> Answer:
        """One page. An unknown folder is empty, not an error (measured on the real service)."""
        account = call.account
        most = int(self._cloud.switches.number("list_limit"))
        limit = max(1, min(call.number("limit", DEFAULT_LIMIT), most))
        views = {view.node.id: view for view in account.tree.current_views()}
        name, _, offset = call.param("page_token").partition(".")
        if name:
            known = self._cursors.get(name)
            if known is None or known.user_id != account.user_id or not offset.isdigit():
                raise refusal("invalid_argument", "page_token is not known")
            cursor, at = known, int(offset)
        else:
            cursor, at = self._begin(call, views), 0
            # The list of starred entries ignores the page size.
            limit = max(limit, len(cursor.ids)) if cursor.wanted.starred else limit
        shown: list[dict[str, object]] = []
        following = ""
        for index in range(at, len(cursor.ids)):
            view = views.get(cursor.ids[index])
            node = view.node if view else account.tree.nodes.get(cursor.ids[index])
            if node is None or not self._shows(account, cursor, node, view):
                continue
            if len(shown) == limit:
                name = name or self._keep(cursor)
                following = f"{name}.{index}"
                break
            shown.append(self._files.entry(account, node, view))
        return {
            "kind": "drive#fileList",
            "files": shown,
            "next_page_token": following,
            "version": "",
            "version_outdated": False,
            "sync_time": stamp(call.now),
        }

    def _begin(self, call: Call, views: dict[str, View]) -> Cursor:
        tree = call.account.tree
        parent_id = call.param("parent_id") or ROOT
        wanted = parse_filters(call.param("filters"))
        if parent_id == ANYWHERE:
            # what was trashed by itself stays listed when its folder follows it
            ids = [node.id for node in tree.nodes.values() if node.trashed or not tree.buried(node)]
        else:
            ids = [node.id for node in tree.children(parent_id)]
        have = set(ids) if views else set()
        ids += [node_id for node_id in views if node_id not in have]
        match self._cloud.switches.word("list_order"):
            case "reverse":
                ids.reverse()
            case "name":
                ids.sort(
                    key=lambda node_id: tree.nodes[node_id].name if node_id in tree.nodes else ""
                )
        return Cursor(call.account.user_id, parent_id, wanted, ids)

    def _keep(self, cursor: Cursor) -> str:
        name = secrets.token_urlsafe(12)
        self._cursors[name] = cursor
        while len(self._cursors) > KEPT_CURSORS:
            self._cursors.popitem(last=False)
        return name

    def _shows(self, account: Account, cursor: Cursor, node: Node, view: View | None) -> bool:
        """Whether the listing shows this entry now; a view tells what it looked like before."""
        parent = view.parent_id if view else node.parent_id
        if parent is None or cursor.parent_id not in (parent, ANYWHERE):
            return False
        if cursor.wanted.starred and not node.starred:
            return False
        trashed = view.trashed if view else node.trashed
        if not trashed and self._cloud.switches.on("trash_marks_children"):
            trashed = account.tree.buried(node)

        def read(field: str) -> object:
            match field:
                case "phase":
                    return str(node.phase)
                case "trashed":
                    return trashed
                case "kind":
                    return node.kind
                case "modified_time":
                    return node.modified
                case "created_time":
                    return node.created
                case "mime_type":
                    return node.mime_type
                case _:
                    return node.category

        return cursor.wanted.admits(read)
