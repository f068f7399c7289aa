"""Looking into archives and extracting them on the service's side. Real for zip files."""

from __future__ import annotations

from dataclasses import dataclass

from cloudtui.sandbox.blobs import Blob
from cloudtui.sandbox.pikpak.account import Task
from cloudtui.sandbox.pikpak.archive_tree import ArchiveTree, plant
from cloudtui.sandbox.pikpak.batches import FAILED, Batches
from cloudtui.sandbox.pikpak.call import Answer, Call, Route, text
from cloudtui.sandbox.pikpak.cloud import Cloud, gcid_of
from cloudtui.sandbox.pikpak.errors import Refusal, refusal
from cloudtui.sandbox.pikpak.node import Node, Phase, mime_type_of
from cloudtui.sandbox.pikpak.stamps import stamp
from cloudtui.sandbox.pikpak.zips import Closed, Zip

TARS = (".tar", ".gz", ".tgz")


@dataclass(slots=True, eq=False)
class Extraction:
    """One extraction: what it makes and where."""

    task: Task
    archive: Node
    gcid: str
    total: int
    target: str


class Archives:
    """Endpoints under /decompress/v1."""

    def __init__(self, cloud: Cloud, batches: Batches, inside: ArchiveTree) -> None:
        self._cloud = cloud
        self._batches = batches
        self._inside = inside
        self._running: dict[str, Extraction] = {}

    def routes(self) -> list[Route]:
        """The first two read archives, so they do not hold the lock."""
        return [
            Route("POST", "/decompress/v1/decompress", self.extract, locked=False),
            Route("POST", "/decompress/v1/list", self.look, locked=False),
            Route("GET", "/decompress/v1/progress", self.progress),
        ]

    # ---- endpoints

    def look(self, call: Call) -> Answer:
        """One level of an archive, without paging."""
        node, blob = self._archive(call)
        level = text(call.body, "path")
        answer: dict[str, object] = {
            "status": "OK",
            "status_text": "",
            "task_id": "",
            "current_path": level,
            "title": node.name,
            "file_size": node.size,
            "gcid": node.hash,
            "files": [],
        }
        try:
            with Zip(node.name, blob) as archive:
                archive.check(text(call.body, "password"))
                answer["files"] = [
                    _row(path, info.file_size if info is not None else None)
                    for path, info in archive.level(level).items()
                ]
        except Closed as exc:
            answer["status"] = exc.status
        return answer

    def extract(self, call: Call) -> Answer:
        """Start an extraction beside the archive or into a folder."""
        account = call.account
        node, blob = self._archive(call)
        forced = self._cloud.switches.word("decompress_status")
        if forced:
            return _refused(forced)
        try:
            made = self._unpack(call, node, blob)
        except Closed as exc:
            return _refused(exc.status)
        with self._cloud.world.lock:
            size = sum(blob.size for _, blob in made if blob is not None)
            self._batches.check_room(account, size)
            target = node.parent_id
            if call.body.get("default_parent") is not True:
                target = text(call.body, "parent_id")
                account.tree.folder(target)
            task = self._start(call, node, made, size, target)
        files = sum(blob is not None for _, blob in made)
        return {
            "status": "OK",
            "status_text": "",
            "task_id": task.id,
            "files_num": files,
            "redirect_link": "",
        }

    def progress(self, call: Call) -> Answer:
        """How far an extraction is."""
        run = self._running.get(call.param("task_id"))
        if run is None or run.task.id not in call.account.tasks:
            raise refusal("invalid_argument", "task_id is not known")
        task = run.task
        return {
            "task_id": task.id,
            "progress": task.progress,
            "phase": str(task.phase),
            "expires_in": 999 if task.final else 2,
            "file_id": task.file_id,
            "file_name": run.archive.name,
            "file_size": str(run.archive.size),
            "gcid": run.gcid,
            "task_size": str(run.total),
            "task_size_completed": str(run.total * task.progress // 100),
            "task_type": "decompress",
            "decompress_path": "",
            "params": {"created_time": stamp(task.created)},
            "error_description": task.message if task.phase is Phase.ERROR else "",
        }

    # ---- inside

    def _archive(self, call: Call) -> tuple[Node, Blob]:
        with self._cloud.world.lock:
            node = call.account.tree.live(text(call.body, "file_id"))
            told = text(call.body, "gcid").upper()
            if node.folder or (told and told != node.hash.upper()):
                raise refusal("invalid_argument", "gcid does not fit the file")
            if node.blob is None or node.phase is not Phase.COMPLETE:
                raise refusal("file_not_complete")
            if node.extension in TARS:
                raise Refusal("internal", 13, "internal error", status=500)
            return node, node.blob

    def _unpack(self, call: Call, node: Node, blob: Blob) -> list[tuple[str, Blob | None]]:
        """Paths below the target folder with their bytes; None stands for an empty folder."""
        password = text(call.body, "password")
        chosen = call.body.get("files")
        paths = (
            [str(item.get("path", "")) for item in chosen if isinstance(item, dict)]
            if isinstance(chosen, list)
            else []
        )
        made: list[tuple[str, Blob | None]] = []
        with Zip(node.name, blob) as archive:
            archive.check(password)
            for name, info in archive.chosen([path for path in paths if path]):
                if name.endswith("/"):
                    made.append((name.rstrip("/"), None))
                else:
                    content = archive.extract(info, password, self._cloud.world.blobs)
                    gcid_of(content)  # here, and not under the lock when it is planted
                    made.append((name, content))
        return made

    def _start(
        self,
        call: Call,
        node: Node,
        made: list[tuple[str, Blob | None]],
        size: int,
        target: str,
    ) -> Task:
        account = call.account
        seconds = self._cloud.switches.number("decompress_seconds")
        fails = self._cloud.switches.count_down("decompress_fails")
        task = account.new_task("decompress", node.name, call.now)
        task.file_name, task.file_size = node.name, node.size
        self._running[task.id] = Extraction(task, node, node.hash, size, target)

        def step(now: float) -> None:
            share = (now - task.created) / seconds if seconds else 1.0
            if share < 1:
                task.progress = int(100 * share)
                return
            if fails:
                task.end(Phase.ERROR, FAILED, now)
                return
            try:
                account.tree.folder(target)
            except Refusal as exc:
                task.end(Phase.ERROR, exc.text, now)
                return
            tree = account.tree
            stem = node.name[: len(node.name) - len(node.extension)] or node.name
            top = tree.add(target, tree.free_name(target, stem, folder=True), folder=True)
            plant(self._cloud, account, top.id, made)
            if node.blob is not None:
                self._inside.open(node, node.blob)
            task.file_id = top.id
            task.end(Phase.COMPLETE, "", now)

        task.step = step
        account.start(task)
        account.settle(call.now)
        return task


def _row(path: str, size: int | None) -> dict[str, object]:
    """One line of an archive's listing; a folder has no size."""
    name = path.rstrip("/").rpartition("/")[2]
    return {
        "index": 0,
        "filename": name,
        "filesize": str(size or 0),
        "mime_type": "" if size is None else mime_type_of(name),
        "gcid": "",
        "kind": "drive#folder" if size is None else "drive#file",
        "icon_link": "",
        "path": path,
    }


def _refused(status: str) -> dict[str, object]:
    return {
        "status": status,
        "status_text": "",
        "task_id": "",
        "files_num": 0,
        "redirect_link": "",
    }
