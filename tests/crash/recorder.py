"""The program with its failpoints noted instead of deadly.

`python -m tests.crash.recorder FILE WORDS…` runs `cloudtui WORDS…` and writes the names it passed
into FILE, one a line, in order.
"""

from __future__ import annotations

import atexit
import sys
from pathlib import Path

from cloudtui.services import failpoints

passed: list[str] = []
real = failpoints.failpoint


def note(name: str) -> None:
    """In place of `failpoint`."""
    passed.append(name)
    real(name)


if __name__ == "__main__":
    failpoints.failpoint = note  # before any module takes the function by name
    file = Path(sys.argv[1])
    atexit.register(lambda: file.write_text("".join(f"{name}\n" for name in passed)))
    sys.argv = ["cloudtui", *sys.argv[2:]]
    from cloudtui.cli import main

    main()
