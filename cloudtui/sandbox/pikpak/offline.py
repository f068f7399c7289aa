"""Offline tasks: the service fetches an address into the drive while nobody waits.

Magnets take simulated time; http addresses take as long as their real bytes. Both show a
placeholder entry while they run, which goes away with an unfinished task.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from cloudtui.sandbox.blobs import Blob
from cloudtui.sandbox.pikpak.account import Account, Task
from cloudtui.sandbox.pikpak.batches import FAILED, Batches
from cloudtui.sandbox.pikpak.call import Answer, Call, Route, mapping, text
from cloudtui.sandbox.pikpak.cloud import Cloud, gcid_of
from cloudtui.sandbox.pikpak.entries import Entries
from cloudtui.sandbox.pikpak.errors import Refusal, refusal
from cloudtui.sandbox.pikpak.fetch import Fetch, name_of
from cloudtui.sandbox.pikpak.files import Files
from cloudtui.sandbox.pikpak.magnets import Plan, content, plan_of
from cloudtui.sandbox.pikpak.node import ROOT, Node, Phase
from cloudtui.sandbox.pikpak.tasks import Tasks

MY_PACK = "My Pack"
DELETED = "File deleted"
RESOLVED_AT = 0.2
STUCK_AT = 0.4


@dataclass(slots=True, eq=False)
class Order:
    """What was asked for, kept for retries."""

    url: str
    name: str
    parent_id: str
    plan: Plan | None
    begun: float
    fetch: Fetch | None = None


class Offline:
    """The URL part of POST /drive/v1/files, and retries."""

    def __init__(
        self, cloud: Cloud, files: Files, entries: Entries, tasks: Tasks, batches: Batches
    ) -> None:
        self._cloud = cloud
        self._files = files
        self._entries = entries
        self._tasks = tasks
        self._batches = batches
        self._orders: dict[str, Order] = {}

    def routes(self) -> list[Route]:
        """The endpoint of its own."""
        return [Route("POST", "/drive/v1/task", self.retry)]

    # ---- endpoints

    def create(self, call: Call) -> Answer:
        """Start a task; the answer holds it, still without a result."""
        account = call.account
        url = text(mapping(call.body, "url"), "url").strip()
        name = text(call.body, "name")
        if name:
            self._entries.name(name)
        plan = self._plan(url)
        self._check_limits(account, call.now)
        parent = self._parent(call)
        self._batches.check_room(account, 1)
        order = Order(url, name, parent, plan, call.now)
        shown = name or (plan.name if plan else name_of(url))
        task = Task(
            id=account.ids.new(),
            type="offline",
            name=shown,
            created=call.now,
            updated=call.now,
            file_name=shown,
            message="Saving",
            params={
                "age": "0",
                "predict_speed": "73300775185",
                "predict_type": "3",
                "url": url,
                "mime_type": "",
                "parent_folder_id": parent,
                "retry_times": "0",
            },
            target_id=parent,
        )
        task.statuses = _waiting(plan)
        self._orders[task.id] = order
        account.offline_starts.append(call.now)
        self._run(account, task, order)
        account.start(task)
        self._cloud.count("offline_tasks")
        if plan is not None and plan.known and not self._cloud.switches.on("offline_task"):
            return self._at_once(call, task, order)
        return {
            "upload_type": "UPLOAD_TYPE_URL",
            "url": {"kind": "upload#url"},
            "file": None,
            "task": self._tasks.shape(account, task),
        }

    def _at_once(self, call: Call, task: Task, order: Order) -> Answer:
        """What the service has already: the result instead of a task."""
        account = call.account
        order.begun = 0.0
        account.settle(call.now)
        del account.tasks[task.id]
        return {
            "upload_type": "UPLOAD_TYPE_URL",
            "url": {"kind": "upload#url"},
            "file": self._files.entry(account, account.tree.get(task.file_id)),
            "task": None,
        }

    def retry(self, call: Call) -> Answer:
        """Run a failed task again under its old id; its result gets a new one."""
        account = call.account
        if text(call.body, "type") != "offline" or text(call.body, "create_type") != "RETRY":
            raise refusal("invalid_argument", "only offline tasks can be retried")
        task = self._tasks.find(account, text(call.body, "id"))
        order = self._orders.get(task.id)
        lost = task.phase is Phase.COMPLETE and task.file_id not in account.tree.nodes
        if order is None or not (task.phase is Phase.ERROR or lost):
            raise refusal("invalid_argument", "the task has not failed")
        self._check_limits(account, call.now)
        self._remove_placeholder(account, task)
        order.begun, order.fetch = call.now, None
        task.phase, task.progress, task.message = Phase.PENDING, 0, "Saving"
        task.updated, task.statuses = call.now, _waiting(order.plan)
        task.params["retry_times"] = str(int(task.params.get("retry_times", "0")) + 1)
        account.offline_starts.append(call.now)
        self._run(account, task, order)
        account.active.append(task)
        return {"task": self._tasks.shape(account, task)}

    # ---- starting

    def _plan(self, url: str) -> Plan | None:
        scheme = url.partition(":")[0].lower()
        if scheme in ("magnet", "ed2k"):
            plan = plan_of(url, self._cloud.switches.value("magnets"))
            if len(plan.files) > self._cloud.switches.number("sub_tasks"):
                raise refusal("task_sub_task_num_limit")
            return plan
        if scheme not in ("http", "https"):
            raise refusal("task_url_unsupported")
        try:
            host = urlsplit(url).hostname
        except ValueError as exc:
            raise refusal("task_url_resolve_error") from exc
        if not host:
            raise refusal("task_url_resolve_error")
        return None

    def _check_limits(self, account: Account, now: float) -> None:
        switches = self._cloud.switches
        self._batches.check_day(account.offline_starts, "daily_tasks", now)
        most = switches.limit("running_tasks")
        running = sum(task.type == "offline" for task in account.active if not task.final)
        if most is not None and running >= most:
            raise refusal("task_run_nums_limit")

    def _parent(self, call: Call) -> str:
        tree = call.account.tree
        parent = text(call.body, "parent_id")
        if parent:
            try:
                tree.folder(parent)
            except Refusal as exc:
                raise refusal("space_folder_not_exist") from exc
            return parent
        if text(call.body, "folder_type") != "DOWNLOAD":
            return ROOT
        pack = tree.named(ROOT, MY_PACK)
        if pack is None or not pack.folder:
            pack = tree.add(ROOT, MY_PACK, folder=True)
            pack.folder_type = "DOWNLOAD"
        return pack.id

    # ---- running

    def _run(self, account: Account, task: Task, order: Order) -> None:
        task.phase = Phase.PENDING
        if order.plan is None:
            order.fetch = Fetch(self._cloud.world, order.url).start()

        def step(now: float) -> None:
            task.phase = Phase.RUNNING
            try:
                self._advance(account, task, order, now)
            except Refusal as exc:
                self._fail(account, task, now, exc.text)

        task.step = step

    def _advance(self, account: Account, task: Task, order: Order, now: float) -> None:
        state = self._cloud.switches.word("offline")
        if order.plan is not None and order.plan.state != "ok":
            state = order.plan.state
        if order.fetch is None:
            assert order.plan is not None
            self._advance_magnet(account, task, order, order.plan, state, now)
            return
        fetch = order.fetch
        least = self._cloud.switches.number("fetch_seconds")
        share = (now - order.begun) / least if least else 1.0
        if state == "stuck":
            task.progress = int(100 * STUCK_AT)
            return
        if state == "error" or fetch.failed:
            self._fail(account, task, now)
            return
        if fetch.name and not task.file_id:
            self._placeholder(account, task, order, fetch.name, folder=False, size=fetch.total)
        moved = fetch.received / fetch.total if fetch.total else 0.0
        task.progress = min(99, int(100 * min(share, moved)))
        if fetch.ended.is_set() and share >= 1 and fetch.blob is not None:
            node = self._kept(account, task, now)
            if node is not None:
                self._batches.check_room(account, fetch.blob.size - node.size)
                self._fill(account, node, fetch.blob, now)
                self._succeed(account, task, node, fetch.blob.size, now)

    def _advance_magnet(
        self, account: Account, task: Task, order: Order, plan: Plan, state: str, now: float
    ) -> None:
        seconds = self._cloud.switches.number("offline_seconds")
        share = min(1.0, (now - order.begun) / seconds) if seconds else 1.0
        if state == "stuck":
            share = min(share, STUCK_AT)
        if state == "error" and share > RESOLVED_AT:
            self._fail(account, task, now)
            return
        if not plan.single and share > RESOLVED_AT:
            _come_in(task, plan, share)
        if share >= RESOLVED_AT and not task.file_id:
            name = plan.files[0][0] if plan.single else plan.name
            self._placeholder(account, task, order, name, folder=not plan.single, size=plan.size)
        task.progress = min(99, int(100 * share))
        if share < 1:
            return
        node = self._kept(account, task, now)
        if node is None:
            return
        self._batches.check_room(account, plan.size - node.size)
        task.statuses = self._produce(account, node, plan, now)
        self._succeed(account, task, node, plan.size, now)

    def _placeholder(
        self,
        account: Account,
        task: Task,
        order: Order,
        name: str,
        *,
        folder: bool,
        size: int,
    ) -> None:
        if order.parent_id != ROOT and order.parent_id not in account.tree.nodes:
            raise refusal("space_folder_not_exist")
        wanted = order.name or name
        free = account.tree.free_name(order.parent_id, wanted, folder=folder)
        node = account.tree.add(order.parent_id, free, folder=folder, phase=Phase.RUNNING)
        node.origin = "offline"
        node.original_url = order.url
        task.file_id, task.file_name, task.file_size = node.id, free, size

    def _kept(self, account: Account, task: Task, now: float) -> Node | None:
        node = account.tree.nodes.get(task.file_id)
        if node is None:
            task.end(Phase.ERROR, DELETED, now)
        return node

    def _fill(self, account: Account, node: Node, blob: Blob, now: float) -> None:
        account.tree.fill(node, blob, gcid_of(blob))
        node.phase, node.completed = Phase.COMPLETE, now
        node.modified = now
        self._cloud.remember(blob)

    def _produce(
        self, account: Account, top: Node, plan: Plan, now: float
    ) -> list[dict[str, object]]:
        statuses: list[dict[str, object]] = []
        for path, size in plan.files:
            blob = content(self._cloud.world.blobs, plan.key, path, size)
            node = top
            if not plan.single:
                *folders, name = path.split("/")
                for folder in folders:
                    inner = account.tree.named(node.id, folder)
                    node = inner or account.tree.add(node.id, folder, folder=True)
                node = account.tree.add(node.id, name)
                node.origin = "offline"
            self._fill(account, node, blob, now)
            statuses.append(_status(node.name, size, Phase.COMPLETE, 100, node.id))
        top.phase, top.completed = Phase.COMPLETE, now
        return statuses

    def _succeed(self, account: Account, task: Task, node: Node, size: int, now: float) -> None:
        task.file_size = size
        task.params["mime_type"] = node.mime_type
        task.end(Phase.COMPLETE, "Saved", now)
        account.offline_transfer += size
        account.record("TYPE_DOWNLOAD", node, now)

    def _fail(self, account: Account, task: Task, now: float, why: str = FAILED) -> None:
        for status in task.statuses:
            if why != FAILED or status["phase"] != str(Phase.COMPLETE):
                status["phase"] = str(Phase.ERROR)
        self._remove_placeholder(account, task)
        task.end(Phase.ERROR, why, now)

    def _remove_placeholder(self, account: Account, task: Task) -> None:
        node = account.tree.nodes.get(task.file_id)
        if node is not None and node.phase is not Phase.COMPLETE:
            account.tree.delete(node)
        task.file_id = ""


def _status(
    name: str, size: int, phase: Phase, progress: int, file_id: str = ""
) -> dict[str, object]:
    """How far one file of a task is, in the words of a task."""
    return {
        "file_id": file_id,
        "file_name": name,
        "file_size": str(size),
        "phase": str(phase),
        "progress": progress,
    }


def _waiting(plan: Plan | None) -> list[dict[str, object]]:
    """The files of an address whose content is known before it is fetched."""
    return _begun(plan) if plan is not None and plan.known else []


def _begun(plan: Plan) -> list[dict[str, object]]:
    return [_status(path.rpartition("/")[2], size, Phase.PENDING, 0) for path, size in plan.files]


def _come_in(task: Task, plan: Plan, share: float) -> None:
    """The files come one after the other; those that nobody was found for stay where they are."""
    if not task.statuses:
        task.statuses = _begun(plan)
    here = plan.size * share
    for status, (_, size) in zip(task.statuses, plan.files, strict=True):
        progress = 100 if here >= size else int(100 * max(0.0, here) / max(1, size))
        here -= size
        phase = Phase.COMPLETE if progress == 100 else Phase.RUNNING if progress else Phase.PENDING
        status.update(phase=str(phase), progress=progress)
