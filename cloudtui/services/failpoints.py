"""Named places where a process can be made to die, to prove that nothing is lost there.

Inert unless `CLOUDTUI_FAILPOINT` names one: `name` kills on the first pass, `name:3` on the third.
The death is SIGKILL to ourselves, so no cleanup of any kind runs.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Final

NAMES: Final = frozenset(
    {
        # the mover: between the arrival of bytes and the note of it, and around the commit
        "mover.part_received",
        "mover.range_durable",
        "mover.part_sent",
        "mover.before_finish",
        "mover.after_finish",
        # pCloud: each right after the call named took effect and before anybody noted it
        "pcloud.mkdir",
        "pcloud.rename",
        "pcloud.move",
        "pcloud.copy",
        "pcloud.delete",
        "pcloud.put",
        "pcloud.put.twin",
        "pcloud.upload.created",
        "pcloud.upload.written",
        "pcloud.upload.checked",
        "pcloud.upload.saved",
        "pcloud.upload.aborted",
        "pcloud.trash.batch",
        "pcloud.trash.manifest",
        "pcloud.trash.unlinked",
        "pcloud.trash.moved",
        "pcloud.trash.deleted",
        "pcloud.trash.tidied",
        "pcloud.trash.emptied",
        "pcloud.restore.moved",
        "pcloud.fetch.ordered",
        "pcloud.fetch.timed",
        "pcloud.fetch.twin",
        "pcloud.offline.added",
        "pcloud.share.made",
        # PikPak: each right after the call named took effect and before anybody noted it
        "pikpak.batch.started",
        "pikpak.copy.done",
        "pikpak.copy.hidden",
        "pikpak.copy.named",
        "pikpak.copy.placed",
        "pikpak.copy.started",
        "pikpak.extract.started",
        "pikpak.mkdir.made",
        "pikpak.move.done",
        "pikpak.offline.added",
        "pikpak.pack.started",
        "pikpak.refresh.answered",
        "pikpak.refresh.stored",
        "pikpak.rename.done",
        "pikpak.replace.checked",
        "pikpak.replace.named",
        "pikpak.replace.trashed",
        "pikpak.restore.moved",
        "pikpak.restore.untrashed",
        "pikpak.save.started",
        "pikpak.share.made",
        "pikpak.signin.answered",
        "pikpak.trash.done",
        "pikpak.trash.emptied",
        "pikpak.unpack.done",
        "pikpak.upload.begun",
        "pikpak.upload.completed",
        "pikpak.upload.finished",
        "pikpak.upload.parts",
        "pikpak.upload.removed",
        # the disk: around every step that gives or takes a name
        "disk.part_created",
        "disk.before_commit",
        "disk.replace_trashed",
        "disk.after_commit",
        "disk.trash.noted",
        "disk.trash.moved",
        "disk.restore.moved",
        # the plan: around every folder it makes and every page it writes down
        "plan.mkdir.intent",
        "plan.mkdir.made",
        "plan.mkdir.noted",
        "plan.page",
        "plan.folder",
        "plan.rooted",
        "plan.counted",
        # the engine: around every call that creates, replaces or removes
        "engine.job.created",
        "engine.job.finished",
        "engine.write.intent",
        "engine.write.opened",
        "engine.write.noted",
        "engine.receipt",
        "engine.copied",
        "engine.item.done",
        "engine.remove.durable",
        "engine.remove.intent",
        "engine.remove.done",
        "engine.folder.removed",
        "engine.server.intent",
        "engine.server.done",
        "engine.replace.copied",
        "engine.replace.cleared",
        "engine.replace.named",
        "engine.fetch.intent",
        "engine.fetch.noted",
        "engine.fetch.ordered",
        "engine.fetch.arrived",
        "engine.fetch.finished",
        "engine.held",
        "engine.spool.filled",
        "engine.spool.hashed",
        "engine.spool.sent",
    }
)
"""Every name there is."""

_lock = threading.Lock()
_passes = 0
_wanted, _, _count = os.environ.get("CLOUDTUI_FAILPOINT", "").partition(":")


def failpoint(name: str) -> None:
    """Die here if this is the place that was asked for.

    Every call must use a literal name that is listed in `NAMES`; a test compares both.
    """
    global _passes
    if name != _wanted:
        return
    with _lock:
        _passes += 1
        if _passes < int(_count or "1"):
            return
    os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
