"""One large file up and down: cloudtui against rclone's own back end, and the bare mover."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measuring import Failed, Run
from tests.benchmarks.stage import CLOUDS, OURS, Stage
from tests.benchmarks.table import Row

MIB = 1024 * 1024


def make_file(path: Path, size: int) -> Path:
    """A file of random bytes."""
    with path.open("wb") as file:
        left = size
        while left:
            left -= file.write(os.urandom(min(left, 8 * MIB)))
    return path


def touch_up(path: Path) -> None:
    """Make it another file: no service may know it from the run before."""
    with path.open("r+b") as file:
        file.write(os.urandom(64))


def same(left: Path, right: Path) -> bool:
    """Whether two files are byte-equal."""
    if left.stat().st_size != right.stat().st_size:
        return False
    with left.open("rb") as one, right.open("rb") as other:
        while True:
            a, b = one.read(8 * MIB), other.read(8 * MIB)
            if a != b:
                return False
            if not a:
                return True


@dataclass(frozen=True, slots=True)
class Contender:
    """Who moves the file. `run` gets its source and its target as each program spells them."""

    name: str
    run: Callable[[Stage, str, str], Run]


def _ours(verify: str) -> Callable[[Stage, str, str], Run]:
    def run(stage: Stage, source: str, target: str) -> Run:
        return stage.cloudtui("cp", "--verify", verify, source, target, door=stage.door())

    return run


def _theirs(*flags: str) -> Callable[[Stage, str, str], Run]:
    def run(stage: Stage, source: str, target: str) -> Run:
        return stage.rclone("copyto", source, target, door=stage.door(), flags=flags)

    return run


CONTENDERS = (
    Contender("rclone", _theirs()),
    Contender("rclone, no checksum", _theirs("--ignore-checksum")),
    Contender("cloudtui, size", _ours("size")),
    Contender("cloudtui, hash", _ours("hash")),
)


def room_needed(size: int) -> int:
    """Bytes that one cloud's rows take up: the source, what arrived, and the sandbox's copies of
    the file that is fetched and of the one that is being sent."""
    return 5 * size


def large(stage: Stage, *, size: int, runs: int, clouds: tuple[str, ...] = CLOUDS) -> list[Row]:
    """The rows of all services, both ways."""
    rows: list[Row] = []
    source = make_file(stage.folder / "large.bin", size)
    target = stage.folder / "arrived.bin"
    for cloud in clouds:
        account = OURS[cloud]
        stage.cloudtui("mkdir", f"{account}:/up", door=stage.door())
        stage.cloudtui("cp", source, f"{account}:/down.bin", door=stage.door())
        kept = stage.folder / "kept.bin"
        source.replace(kept)
        down: dict[str, list[Run]] = {each.name: [] for each in CONTENDERS}
        up: dict[str, list[Run]] = {each.name: [] for each in CONTENDERS}
        bare_down: list[Run] = []
        bare_up: list[Run] = []
        for _ in range(runs):
            for each in CONTENDERS:
                target.unlink(missing_ok=True)
                slash = "/" if each.name.startswith("cloudtui") else ""
                down[each.name].append(each.run(stage, f"{account}:{slash}down.bin", str(target)))
                if not same(target, kept):
                    raise Failed(f"{each.name} brought other bytes from {cloud}")
            bare_down.append(_best_down(stage, account))
        target.unlink()
        for number in range(runs):
            for position, each in enumerate(CONTENDERS):
                with stage.emptied():
                    name = f"{number}-{position}.bin"
                    up[each.name].append(_sent(stage, each, cloud, kept, name))
                    if not number:
                        stage.cloudtui("cp", f"{account}:/up/{name}", target, door=stage.door())
                        if not same(target, kept):
                            raise Failed(f"{each.name} sent other bytes to {cloud}")
                        target.unlink()
                    stage.cloudtui(
                        "rm", "--forever", "--yes", f"{account}:/up/{name}", door=stage.door()
                    )
            bare_up.append(_best_up(stage, f"{account}:/up/bare-{number}", size))
        kept.replace(source)
        for way, found, bare in (("down", down, bare_down), ("up", up, bare_up)):
            fastest = statistics.median(run.wall for run in bare)
            for each in CONTENDERS:
                rows.append(
                    Row(
                        bench=f"large {cloud} {way}",
                        who=each.name,
                        runs=tuple(found[each.name]),
                        bytes=size,
                        bare=fastest,
                        peer="rclone",
                    )
                )
            rows.append(
                Row(f"large {cloud} {way}", "bare mover", tuple(bare), bytes=size, peer="rclone")
            )
    return rows


def _sent(stage: Stage, who: Contender, cloud: str, source: Path, name: str) -> Run:
    """One upload, of content that no service has seen."""
    touch_up(source)
    if cloud == "pcloud":
        stage.announce(source)
    stage.set_aside(source.stat().st_size)
    slash = "/" if who.name.startswith("cloudtui") else ""
    return who.run(stage, str(source), f"{OURS[cloud]}:{slash}up/{name}")


def _best_down(stage: Stage, account: str) -> Run:
    """The bare mover with the number of connections that suits it better."""
    return _quicker(
        stage.bare("down", f"{account}:/down.bin", str(connections), door=stage.door())
        for connections in (1, 4)
    )


def _best_up(stage: Stage, where: str, size: int) -> Run:
    """The bare mover, the quicker of two runs: the service says how many connections it takes."""

    def run(name: str) -> dict[str, float]:
        with stage.emptied():
            stage.set_aside(size)
            return stage.bare("up", name, str(size), door=stage.door())

    return _quicker(run(f"{where}-{number}") for number in range(2))


def _quicker(told: Iterable[dict[str, float]]) -> Run:
    return min((Run(each["wall"], each["cpu"], 0.0) for each in told), key=lambda run: run.wall)
