"""`python -m tests.benchmarks [NAME…] [--runs N] [--json FILE]`: measure and print a table.

Names: large, small, limits, paint, keys, memory; all of them without a name. Everything runs on
loopback against the sandbox; compare ratios, not seconds.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.large import MIB, large, room_needed
from tests.benchmarks.memory import memory
from tests.benchmarks.screen import keys, paint
from tests.benchmarks.small import limits, small
from tests.benchmarks.stage import CLOUDS, HOSTS, Stage, open_stage
from tests.benchmarks.table import Row, text


def room_at(folder: Path) -> int:
    """Bytes that may be written there: on a memory disk no more than two thirds of the memory that
    is free, for a full memory ends other programs."""
    free = shutil.disk_usage(folder).free
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    inside = [each for each in mounts if folder.resolve().is_relative_to(each[1])]
    if max(inside, key=lambda each: len(each[1]))[2] in ("tmpfs", "ramfs"):
        told = Path("/proc/meminfo").read_text().partition("MemAvailable:")[2]
        free = min(free, int(told.split()[0]) * 1024 * 2 // 3)
    return free


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--size", type=int, default=1024, help="MiB of the large file")
    parser.add_argument("--files", type=int, default=2000, help="small files")
    parser.add_argument("--limited", type=int, default=300, help="small files of the limited run")
    parser.add_argument("--peers", type=int, default=5, help="runs of rclone with small files")
    parser.add_argument("--shipped", action="store_true", help="rclone without more transfers")
    parser.add_argument("--items", type=int, nargs="*", default=[10_000, 1_000_000])
    parser.add_argument("--seconds", type=float, default=4.0, help="of pressing keys")
    parser.add_argument("--cloud", action="append", choices=CLOUDS, default=[])
    parser.add_argument("--region", choices=HOSTS, default="us", help="of pCloud's account")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    options = parser.parse_args()
    clouds = tuple(options.cloud) or CLOUDS
    needs_stage: dict[str, Callable[[Stage, tuple[str, ...]], list[Row]]] = {
        "large": lambda stage, some: large(
            stage, size=options.size * MIB, runs=options.runs, clouds=some
        ),
        "small": lambda stage, some: small(
            stage,
            count=options.files,
            runs=options.runs,
            peers=options.peers,
            best=not options.shipped,
            clouds=some,
        ),
        "limits": lambda stage, some: limits(stage, count=options.limited, clouds=some),
        "keys": lambda stage, _: keys(stage, size=options.size * MIB, seconds=options.seconds),
    }
    per_cloud = ("large", "small", "limits")
    alone: dict[str, Callable[[Path], list[Row]]] = {
        "memory": lambda folder: memory(folder, counts=tuple(options.items), runs=options.runs),
        "paint": lambda folder: paint(folder, runs=max(options.runs, 9)),
    }
    names = options.names or [*needs_stage, *alone]
    unknown = set(names) - set(needs_stage) - set(alone)
    if unknown:
        parser.error(f"no benchmark called {', '.join(sorted(unknown))}")
    place = options.folder or Path(tempfile.gettempdir())
    needed = room_needed(options.size * MIB) if "large" in names else 0
    if needed > room_at(place):
        parser.error(
            f"{place} has no room for {needed // MIB} MiB; take another --folder or --size"
        )
    rows: list[Row] = []

    def report(found: list[Row]) -> None:
        print(text(found), flush=True)
        rows.extend(found)
        if options.json is not None:
            options.json.write_text(json.dumps([row.value() for row in rows], indent=1) + "\n")

    for name in names:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as temporary:
            folder = Path(temporary)
            if name in alone:
                report(alone[name](folder))
                continue
            for cloud in clouds if name in per_cloud else (None,):
                inner = folder / (cloud or name)
                inner.mkdir()
                with open_stage(inner, region=options.region) as stage:
                    report(needs_stage[name](stage, (cloud,) if cloud else clouds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
