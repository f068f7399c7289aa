"""Many small files over a long line, and against services with limits."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measuring import Failed, Run
from tests.benchmarks.stage import CLOUDS, OURS, Door, Stage
from tests.benchmarks.table import Row

SIZE = 4096
RTT = 0.04
BEST = (
    ("--transfers", "32", "--checkers", "32"),
    ("--transfers", "64", "--checkers", "64"),
)
"""What is tried to find rclone at its best; its own pauses between calls stay, as every user of
these services has them."""
LIMITED = 5.0
"""Calls a second of the limited server; the documentation names numbers of this size."""


def make_files(folder: Path, count: int) -> Path:
    """`count` files of 4 KiB of random bytes, 500 in a folder."""
    for number in range(count):
        path = folder / f"{number // 500:03}" / f"file {number:05}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(SIZE))
    return folder


def same_trees(left: Path, right: Path) -> bool:
    """Whether both hold the same files with the same bytes."""
    names = sorted(path.relative_to(left) for path in left.rglob("*") if path.is_file())
    others = sorted(path.relative_to(right) for path in right.rglob("*") if path.is_file())
    return names == others and all(
        (left / name).read_bytes() == (right / name).read_bytes() for name in names
    )


@dataclass(frozen=True, slots=True)
class Contender:
    """Who moves the files; given the source and the target as it spells them."""

    name: str
    run: Callable[[Stage, Door, str, str], Run]

    def spell(self, account: str, path: str) -> str:
        """A folder of the cloud."""
        return f"{account}:/{path}/" if self.ours else f"{account}:{path}"

    @property
    def ours(self) -> bool:
        """Whether this is our program."""
        return self.name == "cloudtui"


def _ours(stage: Stage, door: Door, source: str, target: str) -> Run:
    source = source if source.endswith("/") else f"{source}/"
    return stage.cloudtui("cp", "-r", source, target, door=door)


def _theirs(*flags: str) -> Callable[[Stage, Door, str, str], Run]:
    def run(stage: Stage, door: Door, source: str, target: str) -> Run:
        return stage.rclone("copy", source, target, door=door, flags=flags)

    return run


def small(
    stage: Stage,
    *,
    count: int,
    runs: int,
    peers: int,
    best: bool = True,
    clouds: tuple[str, ...] = CLOUDS,
) -> list[Row]:
    """All contenders both ways at 40 ms. rclone runs `peers` times: some of its runs take
    minutes; without `best` only as it is shipped."""
    source = make_files(stage.folder / "small", count)
    contenders = [
        Contender("rclone", _theirs()),
        *(Contender(f"rclone {' '.join(each)}", _theirs(*each)) for each in BEST if best),
        Contender("cloudtui", _ours),
    ]
    door = stage.door(RTT)
    rows: list[Row] = []
    for cloud in clouds:
        account = OURS[cloud]
        stage.cloudtui("mkdir", f"{account}:/small", door=stage.door())
        found: dict[tuple[str, str], list[Run]] = {}
        for number in range(max(runs, peers)):
            for position, each in enumerate(contenders):
                if number >= (runs if each.ours else peers):
                    continue
                there = each.spell(account, f"small/{number}-{position}")
                back = stage.folder / "back"
                up = each.run(stage, door, str(source), there)
                down = each.run(stage, door, there, str(back))
                if not same_trees(source, back):
                    raise Failed(f"{each.name} changed something between here and {cloud}")
                shutil.rmtree(back)
                found.setdefault(("up", each.name), []).append(up)
                found.setdefault(("down", each.name), []).append(down)
        for way in ("up", "down"):
            rows += [
                Row(
                    f"small {cloud} {way} ({count} files, {RTT * 1000:.0f} ms)",
                    each.name,
                    tuple(found[way, each.name]),
                    files=count,
                    peer="rclone",
                )
                for each in contenders
            ]
    return rows


def limits(stage: Stage, *, count: int, clouds: tuple[str, ...] = CLOUDS) -> list[Row]:
    """Small files up and down on a server that allows so many calls a second."""
    source = make_files(stage.folder / "few", count)
    rows: list[Row] = []
    for cloud in clouds:
        account = OURS[cloud]
        stage.cloudtui("mkdir", f"{account}:/few", door=stage.door())
        back = stage.folder / "back"
        pace = stage.home.folder / "cloudtui" / "state" / "pace"
        for way in ("up", "down"):
            if pace.exists():
                shutil.rmtree(pace)
            stage.admin.clear_faults()
            stage.admin.fault(**_limit(cloud, stage.region))
            since = max((entry["seq"] for entry in stage.admin.log()), default=0)
            began = time.time()
            if way == "up":
                run = stage.cloudtui(
                    "cp", "-r", f"{source}/", f"{account}:/few/", door=stage.door()
                )
            else:
                run = stage.cloudtui("cp", "-r", f"{account}:/few/", back, door=stage.door())
            stage.admin.clear_faults()
            log = [
                entry
                for entry in stage.admin.log(since)
                if entry["listener"] in (f"pcloud.{stage.region}", "pikpak.drive")
            ]
            refused = [entry for entry in log if "api_code" in entry["faults"]]
            late = [
                entry
                for entry in log
                if entry["time"] - began > 30 and "api_code" not in entry["faults"]
            ]
            seconds = run.wall - 30
            rows.append(
                Row(
                    f"limit {cloud} {way} ({count} files, {LIMITED:g} calls/s)",
                    "cloudtui",
                    (run,),
                    files=count,
                    facts={
                        "calls": len(log),
                        "refused": len(refused) / max(1, len(log)),
                        "share after 30 s": len(late) / (seconds * LIMITED) if seconds > 0 else 0,
                    },
                )
            )
        if not same_trees(source, back):
            raise Failed(f"something is missing after the limited run on {cloud}")
        shutil.rmtree(back)
    return rows


def _limit(cloud: str, region: str) -> dict[str, object]:
    common = {"kind": "api_code", "times": -1, "per_second": LIMITED, "burst": 10.0}
    if cloud == "pcloud":
        return {**common, "listener": f"pcloud.{region}", "code": 4006}
    return {
        **common,
        "listener": "pikpak.drive",
        "code": {"error": "too_many_requests", "error_code": 10, "status": 429},
    }
