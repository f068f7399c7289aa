"""The demonstration's servers as a process: `python -m cloudtui.demo_servers HOME FILE PARENT FD
[SEED]...`. Serves until told to end or until the parent is gone, then removes HOME."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from cloudtui.sandbox.command import run


def main(words: list[str]) -> int:
    """Serve, then clean up."""
    home, file, parent, ready_fd, *seeds = words
    try:
        return run(
            Path(home) / "clouds",
            Path(file),
            seeds=seeds,
            parent_pid=int(parent),
            ready_fd=int(ready_fd),
        )
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
