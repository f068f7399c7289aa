"""Batch changes: move, copy, trash, restore, delete, empty the trash. Each is a task to poll.

Ids and targets are checked when the call comes; the change itself happens when the task's time is
up, at once unless a switch makes batches slow.
"""

from __future__ import annotations

from collections.abc import Callable

from cloudtui.sandbox.pikpak.account import Account, Task
from cloudtui.sandbox.pikpak.call import Answer, Call, Route, mapping, strings, text
from cloudtui.sandbox.pikpak.cloud import Cloud
from cloudtui.sandbox.pikpak.errors import Refusal, refusal
from cloudtui.sandbox.pikpak.node import ROOT, Node, Phase

DAY = 86400
FAILED = "Save failed, retry please"


class Batches:
    """Endpoints under /drive/v1/files:batch*, and of the trash as a whole."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("POST", "/drive/v1/files:batchMove", self.move),
            Route("POST", "/drive/v1/files:batchCopy", self.copy),
            Route("POST", "/drive/v1/files:batchTrash", self.trash),
            Route("POST", "/drive/v1/files:batchUntrash", self.untrash),
            Route("POST", "/drive/v1/files:batchDelete", self.delete),
            Route("PATCH", "/drive/v1/files/trash:empty", self.empty),
            Route("POST", "/drive/v1/files:star", self.star),
            Route("POST", "/drive/v1/files:unstar", self.unstar),
        ]

    # ---- endpoints

    def move(self, call: Call) -> Answer:
        """Into another folder; a taken name there gets a number."""
        account, target = call.account, text(mapping(call.body, "to"), "parent_id")
        nodes = self._movable(account, call, target)

        def act(task: Task) -> None:
            account.tree.folder(target)
            for node in _still(account, nodes):
                account.tree.move(node, target)
                _result(task, node)

        return self._start(call, "move", nodes, act)

    def copy(self, call: Call) -> Answer:
        """Copies with everything below, under new ids."""
        account, target = call.account, text(mapping(call.body, "to"), "parent_id")
        nodes = self._movable(account, call, target)
        self.check_room(account, sum(self.weight(account, node) for node in nodes))

        def act(task: Task) -> None:
            account.tree.folder(target)
            for node in _still(account, nodes):
                _result(task, account.tree.copy(node, target))

        return self._start(call, "copy", nodes, act)

    def trash(self, call: Call) -> Answer:
        """Into the trash."""
        account = call.account
        nodes = self._nodes(account, call)
        if self._cloud.switches.word("trash_again") == "refuse" and any(
            node.trashed for node in nodes
        ):
            raise refusal("file_in_recycle_bin")

        def act(task: Task) -> None:
            for node in _still(account, nodes):
                if not node.trashed:
                    account.tree.trash(node, self._cloud.world.clock())
                _result(task, node)

        return self._start(call, "trash", nodes, act)

    def untrash(self, call: Call) -> Answer:
        """Out of the trash; live entries are left alone."""
        account = call.account
        nodes = self._nodes(account, call)
        to_root = self._cloud.switches.word("untrash") == "root"

        def act(task: Task) -> None:
            for node in _still(account, nodes):
                if node.trashed:
                    account.tree.untrash(node, to_root=to_root)
                _result(task, node)

        return self._start(call, "untrash", nodes, act)

    def delete(self, call: Call) -> Answer:
        """Gone for good, whether in the trash or not."""
        account = call.account
        nodes = self._nodes(account, call)

        def act(task: Task) -> None:
            for node in _still(account, nodes):
                # A folder of the batch may have taken this one with it.
                if node.id in account.tree.nodes:
                    account.tree.delete(node)
                _result(task, node)

        return self._start(call, "delete", nodes, act)

    def empty(self, call: Call) -> Answer:
        """Everything in the trash is gone for good; listings of it may go on showing it."""
        account = call.account
        lingering = self._cloud.switches.number("trash_lingers")

        def act(task: Task) -> None:
            for node in list(account.tree.bin.values()):
                if node.id in account.tree.nodes:
                    account.tree.delete(node, lingering=lingering)
            task.file_size = 0

        return self._start(call, "trash_empty", [], act)

    def star(self, call: Call) -> Answer:
        """Mark entries."""
        for node in self._nodes(call.account, call):
            node.starred = True
        return {}

    def unstar(self, call: Call) -> Answer:
        """Take the marks off."""
        for node in self._nodes(call.account, call):
            node.starred = False
        return {}

    # ---- shared with uploads, offline tasks and shares

    def weight(self, account: Account, node: Node) -> int:
        """Bytes of an entry with everything below it."""
        return sum(item.size for item in account.tree.below(node) if not item.folder)

    def check_room(self, account: Account, size: int) -> None:
        """Raise `file_space_not_enough` when `size` more bytes exceed the account's storage."""
        limit = self._cloud.switches.limit("quota")
        if limit is not None and account.tree.used + size > limit:
            raise refusal("file_space_not_enough")

    def check_day(self, starts: list[float], limit: str, now: float) -> None:
        """Raise the daily limit's refusal when `starts` of the last day have reached the switch
        called `limit`."""
        most = self._cloud.switches.limit(limit)
        if most is not None and sum(at > now - DAY for at in starts) >= most:
            paid = self._cloud.switches.on("vip")
            raise refusal("task_daily_create_limit_vip" if paid else "task_daily_create_limit")

    # ---- inside

    def _nodes(self, account: Account, call: Call) -> list[Node]:
        ids = strings(call.body, "ids")
        if not ids:
            raise refusal("invalid_argument", "ids is required")
        if len(ids) > self._cloud.switches.number("batch_limit"):
            raise refusal("operating_file_count_exceeded")
        nodes = [account.tree.nodes[key] for key in dict.fromkeys(ids) if key in account.tree.nodes]
        if not nodes:
            raise refusal("file_not_found")
        return nodes

    def _movable(self, account: Account, call: Call, target: str) -> list[Node]:
        nodes = self._nodes(account, call)
        account.tree.folder(target)
        for node in nodes:
            if node.trashed:
                raise refusal("file_in_recycle_bin")
            if node.parent_id == target:
                raise refusal("file_move_or_copy_to_cur")
            if node.folder and target != ROOT and account.tree.inside(target, node.id):
                raise refusal("file_move_or_copy_to_cur")
        return nodes

    def _start(
        self, call: Call, kind: str, nodes: list[Node], act: Callable[[Task], None]
    ) -> Answer:
        account = call.account
        due = call.now + self._cloud.switches.number("batch_seconds")
        fails = self._cloud.switches.count_down("batch_fails")
        task = account.new_task(kind, "", call.now)
        if kind in ("move", "copy"):
            task.touches = frozenset(node.id for node in nodes)

        def step(now: float) -> None:
            if now < due:
                task.progress = 50
                return
            if fails:
                task.end(Phase.ERROR, FAILED, now)
                return
            try:
                act(task)
            except Refusal as exc:
                task.end(Phase.ERROR, exc.text, now)
            else:
                task.end(Phase.COMPLETE, "", now)

        task.step = step
        account.start(task)
        account.settle(call.now)
        return {"task_id": task.id}


def _still(account: Account, nodes: list[Node]) -> list[Node]:
    return [node for node in nodes if node.id in account.tree.nodes]


def _result(task: Task, node: Node) -> None:
    if not task.file_id:
        task.file_id, task.file_name = node.id, node.name
