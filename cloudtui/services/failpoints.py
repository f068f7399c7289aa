"""Named places where a process can be made to die, to prove that nothing is lost there.

Inert unless `CLOUDTUI_FAILPOINT` names one: `name` kills on the first pass, `name:3` on the third.
The death is SIGKILL to ourselves, so no cleanup of any kind runs.
"""

from __future__ import annotations

import os
import signal
import threading

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
