"""Which failpoints stand behind which requests: a step that changes something at a service and has
none is found by counting.

Owns the table and the counting, over the log of requests and the failpoints a run passed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

STEPS: Mapping[str, tuple[str, ...]] = {
    "POST /v1/auth/signin": ("pikpak.signin.answered",),
    "POST /v1/auth/token": ("pikpak.refresh.answered",),
    "POST /drive/v1/files": ("pikpak.mkdir.made", "pikpak.upload.begun", "pikpak.offline.added"),
    "POST /drive/v1/files:batchCopy": ("pikpak.copy.started",),
    "POST /drive/v1/files:batch*": ("pikpak.batch.started",),
    "PATCH /drive/v1/files/*": ("pikpak.rename.done",),
    "PATCH /drive/v1/files/trash:empty": ("pikpak.trash.emptied",),
    "DELETE /drive/v1/tasks": ("pikpak.upload.removed",),
    "POST /drive/v1/share": ("pikpak.share.made",),
    "POST /drive/v1/share/restore": ("pikpak.save.started",),
    "POST /decompress/v1/decompress": ("pikpak.extract.started",),
    "POST /drive/v1/files/*": ("pikpak.pack.started", "pikpak.unpack.done"),
    "POST store uploads": ("pikpak.upload.parts",),
    "POST store uploadId": ("pikpak.upload.completed",),
    "PUT store": ("mover.part_sent",),
    "POST /createfolder": ("pcloud.mkdir",),
    "POST /uploadfile": ("pcloud.put", "pcloud.trash.manifest"),
    "POST /upload_create": ("pcloud.upload.created",),
    "PUT /upload_write": ("pcloud.upload.written",),
    "POST /upload_save": ("pcloud.upload.saved",),
    "POST /upload_delete": ("pcloud.upload.aborted",),
    "POST /rename": ("pcloud.rename", "pcloud.move", "pcloud.trash.moved", "pcloud.restore.moved"),
    "POST /delete": ("pcloud.delete", "pcloud.trash.tidied"),
    "POST /copy": ("pcloud.copy", "pcloud.fetch.timed"),
    "POST /downloadfileasync": ("pcloud.fetch.ordered", "pcloud.offline.added"),
    "POST /getfilepublink": ("pcloud.share.made",),
    "POST /deletepublink": ("pcloud.trash.unlinked",),
}
"""Behind each request of a kind one of these is passed, once for each."""

HARMLESS = frozenset(
    {
        "POST /v1/shield/captcha/init",  # asks for a token
        "POST /createfolderifnotexists",  # made once more it changes nothing
    }
)
READS = frozenset(
    f"GET /{method}"
    for method in (
        *("listfolder", "stat", "checksumfile", "getfilelink", "listpublinks", "trash_list"),
        *("userinfo", "currentserver", "upload_info", "uploadprogress"),
    )
)
"""What is asked of pCloud without changing anything; PikPak's GETs never do."""


def kind_of(entry: Mapping[str, Any]) -> str:
    """A request as `STEPS` calls it."""
    method, path = entry["method"], entry["path"]
    if entry["listener"] == "pikpak.upload":
        marks = [mark for mark in ("uploads", "uploadId") if mark in entry["query"]]
        return f"{method} store {marks[0]}" if method == "POST" else f"{method} store"
    path = re.sub(r"^/(rename|delete|copy)(file|folder)(recursive)?$", r"/\1", path)
    path = re.sub(r"(/files:batch)(?!Copy)\w+$", r"\1*", path)
    path = re.sub(r"(/files)/[^/:]+$", r"\1/*", path)
    return "POST /uploadfile" if path == "/uploadfile" else f"{method} {path}"


def unmarked(entries: Iterable[Mapping[str, Any]], passed: Sequence[str]) -> list[str]:
    """Kinds of requests that changed something more often than a failpoint was passed for it, and
    kinds that nobody knows."""
    done = Counter(
        kind_of(entry)
        for entry in entries
        if entry["user_agent"]  # what a service fetches by itself names no program
        and entry["status"] == 200
        and not entry["result"]
        and not entry["listener"].endswith(".content")
        and not (entry["method"] == "GET" and entry["listener"].startswith("pikpak."))
    )
    passes = Counter(passed)
    return sorted(
        kind
        for kind, count in done.items()
        if kind not in HARMLESS | READS
        and count > sum(passes[name] for name in STEPS.get(kind, ()))
    )
