"""What a job costs that is a hundred times as large."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.measuring import Failed
from tests.benchmarks.table import Row


def _child(*words: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.crowd", *words],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd()), "HOME": words[1]},
        capture_output=True,
        timeout=7200,
    )
    if done.returncode:
        raise Failed(done.stderr.decode(errors="replace")[-2000:])
    told: dict[str, float] = json.loads(done.stdout)
    return told


def memory(folder: Path, *, counts: tuple[int, ...], runs: int) -> list[Row]:
    """Resident memory that a job adds, its time per item, and the time to open its queue."""
    rows: list[Row] = []
    for count in counts:
        home = str(folder / str(count))
        told = _child("run", home, str(count))
        if told["done"] != count:
            raise Failed(f"{told['done']:.0f} of {count} items arrived")
        looks = [_child("open", home) for _ in range(runs)]
        opened = sorted(each["open"] + each["items"] for each in looks)[runs // 2]
        rows.append(
            Row(
                "items of a job",
                f"{count:,} items",
                facts={
                    "growth MiB": told["peak"] - told["before"],
                    "ms per item": told["seconds"] * 1000 / count,
                    "open ms": opened * 1000,
                },
            )
        )
    return rows
