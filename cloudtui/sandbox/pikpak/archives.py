"""Looking into archives and extracting them on the service's side. Real for zip files.

The other formats that rclone offers for extraction are refused the way the service refuses a
format it cannot read.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath

from cloudtui.sandbox.blobs import Blob
from cloudtui.sandbox.pikpak.account import Account, Task
from cloudtui.sandbox.pikpak.batches import Batches
from cloudtui.sandbox.pikpak.call import Answer, Call, Route, text
from cloudtui.sandbox.pikpak.cloud import Cloud, gcid_of
from cloudtui.sandbox.pikpak.errors import Refusal, refusal
from cloudtui.sandbox.pikpak.node import Node, Phase, mime_type_of
from cloudtui.sandbox.pikpak.stamps import stamp

PIECE = 1024 * 1024
READABLE = (".zip",)
SPLIT = (".z01", ".part1", ".part2", ".001", ".002", ".r00")
BAD_FORMAT = "E_INVALID_FORMAT"
SPLIT_FORMAT = "INVALID_FILE_FORMAT"
NO_PASSWORD = "PASS_WORD_EMPTY"
WRONG_PASSWORD = "PASS_WORD_ERROR"
ENCRYPTED = 0x1


@dataclass(slots=True, eq=False)
class Extraction:
    """One extraction: what it makes and where."""

    task: Task
    archive: Node
    gcid: str
    total: int
    target: str


class Closed(Exception):
    """An archive that cannot be read; `status` is the service's word."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Archives:
    """Endpoints under /decompress/v1."""

    def __init__(self, cloud: Cloud, batches: Batches) -> None:
        self._cloud = cloud
        self._batches = batches
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
            with _opened(node, blob) as archive:
                members = _members(archive)
                _check_password(archive, members, text(call.body, "password"))
                answer["files"] = _level(members, level)
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
            if node.extension in (".tar", ".gz", ".tgz"):
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
        paths = [path for path in paths if path]
        made: list[tuple[str, Blob | None]] = []
        with _opened(node, blob) as archive:
            members = _members(archive)
            _check_password(archive, members, password)
            for name, info in members.items():
                if paths and not any(
                    name == path or (path.endswith("/") and name.startswith(path)) for path in paths
                ):
                    continue
                if name.endswith("/"):
                    made.append((name.rstrip("/"), None))
                    continue
                writer = self._cloud.world.blobs.new((), info.file_size)
                with archive.open(info, pwd=password.encode() or None) as source:
                    while piece := source.read(PIECE):
                        writer.write(piece)
                made.append((name, writer.close()))
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
        task = Task(
            id=account.ids.new(),
            type="decompress",
            name=node.name,
            created=call.now,
            updated=call.now,
            phase=Phase.RUNNING,
            file_name=node.name,
            file_size=node.size,
        )
        self._running[task.id] = Extraction(task, node, node.hash, size, target)

        def step(now: float) -> None:
            share = (now - task.created) / seconds if seconds else 1.0
            if share < 1:
                task.progress = int(100 * share)
                return
            try:
                account.tree.folder(target)
            except Refusal as exc:
                task.end(Phase.ERROR, exc.text, now)
                return
            top = self._plant(account, node, made, target)
            task.file_id = top.id
            task.end(Phase.COMPLETE, "", now)

        task.step = step
        account.start(task)
        account.settle(call.now)
        return task

    def _plant(
        self, account: Account, archive: Node, made: list[tuple[str, Blob | None]], target: str
    ) -> Node:
        tree = account.tree
        stem = archive.name[: len(archive.name) - len(archive.extension)] or archive.name
        top = tree.add(target, tree.free_name(target, stem, folder=True), folder=True)
        folders: dict[str, Node] = {"": top}

        def folder(path: str) -> Node:
            if path not in folders:
                above, _, name = path.rpartition("/")
                folders[path] = tree.add(folder(above).id, name, folder=True)
            return folders[path]

        for path, blob in made:
            if blob is None:
                folder(path)
                continue
            above, _, name = path.rpartition("/")
            node = tree.add(folder(above).id, name, blob=blob, told_hash=gcid_of(blob))
            node.origin = "decompress"
            self._cloud.remember(blob)
        return top


def _opened(node: Node, blob: Blob) -> zipfile.ZipFile:
    if any(PurePosixPath(node.name).stem.lower().endswith(mark) for mark in SPLIT):
        raise Closed(SPLIT_FORMAT)
    if node.extension not in READABLE:
        raise Closed(BAD_FORMAT)
    try:
        return zipfile.ZipFile(blob.path)
    except (zipfile.BadZipFile, OSError) as exc:
        raise Closed(BAD_FORMAT) from exc


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Entries by cleaned path: no leading slashes, no `..`, folders end in a slash."""
    found: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        parts = [part for part in info.filename.split("/") if part not in ("", ".", "..")]
        if parts:
            found["/".join(parts) + ("/" if info.is_dir() else "")] = info
    return found


def _check_password(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], password: str
) -> None:
    """Raise Closed unless the password opens the first locked entry, read to its end."""
    locked = [info for info in members.values() if info.flag_bits & ENCRYPTED]
    if not locked:
        return
    if not password:
        raise Closed(NO_PASSWORD)
    # The cipher's own check is one byte wide; the checksum at the end of the data is not.
    smallest = min(locked, key=lambda info: info.file_size)
    try:
        with archive.open(smallest, pwd=password.encode()) as source:
            while source.read(PIECE):
                continue
    except (RuntimeError, zipfile.BadZipFile, zlib.error) as exc:
        raise Closed(WRONG_PASSWORD) from exc


def _level(members: dict[str, zipfile.ZipInfo], level: str) -> list[dict[str, object]]:
    rows: dict[str, dict[str, object]] = {}
    for name, info in members.items():
        if not name.startswith(level) or name == level:
            continue
        rest = name[len(level) :]
        first, slash, _ = rest.partition("/")
        is_folder = bool(slash)
        path = level + first + ("/" if is_folder else "")
        if path in rows:
            continue
        rows[path] = {
            "index": 0,
            "filename": first,
            "filesize": "0" if is_folder else str(info.file_size),
            "mime_type": "" if is_folder else mime_type_of(first),
            "gcid": "",
            "kind": "drive#folder" if is_folder else "drive#file",
            "icon_link": "",
            "path": path,
        }
    return list(rows.values())


def _refused(status: str) -> dict[str, object]:
    return {
        "status": status,
        "status_text": "",
        "task_id": "",
        "files_num": 0,
        "redirect_link": "",
    }
