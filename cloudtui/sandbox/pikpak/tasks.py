"""Tasks: their JSON, polling, lists, deletion. What a task does lies with whoever started it."""

from __future__ import annotations

from cloudtui.sandbox.pikpak.account import Account, Task
from cloudtui.sandbox.pikpak.call import Answer, Call, Route, strings, text
from cloudtui.sandbox.pikpak.cloud import Cloud
from cloudtui.sandbox.pikpak.errors import refusal
from cloudtui.sandbox.pikpak.files import Files
from cloudtui.sandbox.pikpak.filters import parse_filters
from cloudtui.sandbox.pikpak.node import Phase
from cloudtui.sandbox.pikpak.stamps import stamp

DEFAULT_LIMIT = 100
REFERENCE = "type.googleapis.com/drive.ReferenceFile"


class Tasks:
    """Endpoints under /drive/v1/tasks."""

    def __init__(self, cloud: Cloud, files: Files) -> None:
        self._cloud = cloud
        self._files = files

    def routes(self) -> list[Route]:
        """The endpoints; starting and retrying belong to other modules."""
        return [
            Route("GET", "/drive/v1/tasks", self.page),
            Route("GET", "/drive/v1/tasks/{}", self.one),
            Route("DELETE", "/drive/v1/tasks", self.delete),
            Route("POST", "/drive/v1/tasks:clear", self.clear),
            Route("GET", "/drive/v1/task/{}/statuses", self.statuses),
        ]

    def shape(self, account: Account, task: Task, *, reference: bool = False) -> dict[str, object]:
        """The JSON of a task, never wrapped: rclone cannot read a wrapped one."""
        phase, message, shown = task.phase, task.message, None
        if reference and task.file_id:
            node = account.tree.nodes.get(task.file_id)
            if node is not None:
                shown = {**self._files.entry(account, node), "@type": REFERENCE}
            elif phase is Phase.COMPLETE and task.type == "offline":
                # Only this view tells that the result is gone; the bare task stays complete.
                phase, message = Phase.ERROR, "File deleted"
        return {
            "kind": "drive#task",
            "id": task.id,
            "name": task.name,
            "type": task.type,
            "user_id": account.user_id,
            "statuses": [],
            "status_size": len(task.statuses),
            "params": dict(task.params),
            "file_id": task.file_id,
            "file_name": task.file_name,
            "file_size": str(task.file_size),
            "message": message,
            "created_time": stamp(task.created),
            "updated_time": stamp(task.updated),
            "third_task_id": "",
            "phase": str(phase),
            "progress": task.progress,
            "icon_link": "",
            "callback": "",
            "reference_resource": shown,
            "space": "",
        }

    def find(self, account: Account, task_id: str) -> Task:
        """The task; raises `not_found`."""
        task = account.tasks.get(task_id)
        if task is None:
            raise refusal("not_found", "task not found")
        return task

    # ---- endpoints

    def one(self, call: Call) -> Answer:
        """One task."""
        return self.shape(call.account, self.find(call.account, call.parts[0]))

    def page(self, call: Call) -> Answer:
        """Newest first, by type and phase."""
        account = call.account
        # Filtering by id was answered with an error on the real service.
        wanted = parse_filters(call.param("filters"), refused=("id",))
        kinds = [kind for kind in call.param("type").split(",") if kind]
        start = call.number("page_token", 0)
        limit = max(1, call.number("limit", DEFAULT_LIMIT))
        reference = call.param("with") == "reference_resource"
        found: list[dict[str, object]] = []
        for task in sorted(account.tasks.values(), key=lambda item: item.created, reverse=True):
            if kinds and task.type not in kinds:
                continue
            shown = self.shape(account, task, reference=reference)
            if wanted.admits(lambda field, shown=shown: shown.get(field)):  # type: ignore[misc]
                found.append(shown)
        rest = len(found) > start + limit
        return {
            "tasks": found[start : start + limit],
            "next_page_token": str(start + limit) if rest else "",
            "expires_in": 3,
        }

    def delete(self, call: Call) -> Answer:
        """Forget tasks. Their ids come repeated, joined by commas, or in the body."""
        account = call.account
        named = [value for key, value in call.request.query if key == "task_ids"]
        named += strings(call.body, "task_ids")
        ids = [part for value in named for part in value.split(",") if part]
        if not ids:
            raise refusal("invalid_argument", "task_ids is required")
        word = call.param("delete_files") or text(call.body, "delete_files")
        for task_id in ids:
            self._drop(account, task_id, call.now, files=word.lower() == "true")
        return {}

    def clear(self, call: Call) -> Answer:
        """Forget all tasks of a type in some phases."""
        account = call.account
        kind = text(call.body, "type")
        phases = strings(call.body, "phases")
        phases = [part for value in phases for part in value.split(",")]
        files = text(call.body, "delete_files").lower() == "true"
        for task in list(account.tasks.values()):
            if kind in ("", task.type) and (not phases or str(task.phase) in phases):
                self._drop(account, task.id, call.now, files=files)
        return {}

    def statuses(self, call: Call) -> Answer:
        """What became of each file of a task, page by page."""
        task = self.find(call.account, call.parts[0])
        start = call.number("page_token", 0)
        end = start + max(1, call.number("limit", DEFAULT_LIMIT))
        rest = len(task.statuses) > end
        return {
            "statuses": list(task.statuses[start:end]),
            "next_page_token": str(end) if rest else "",
        }

    def _drop(self, account: Account, task_id: str, now: float, *, files: bool) -> None:
        task = account.tasks.pop(task_id, None)
        if task is None:
            return
        unfinished = not task.final
        # A closure that is still stepping must find its task ended.
        task.end(Phase.ERROR if unfinished else task.phase, task.message, now)
        account.active = [item for item in account.active if item is not task]
        node = account.tree.nodes.get(task.file_id)
        if node is None:
            return
        if unfinished and task.type == "offline":
            account.tree.delete(node)
        elif files and not node.trashed:
            account.tree.trash(node, now)
