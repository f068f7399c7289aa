"""Rows of results: printed as a table, written as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.benchmarks.measuring import Run, median


@dataclass(frozen=True, slots=True)
class Row:
    """One contender of one benchmark. `bare` is the median of the bare mover in seconds, `peer`
    names the row that ratios are made against, `facts` are further figures."""

    bench: str
    who: str
    runs: tuple[Run, ...] = ()
    bytes: int = 0
    files: int = 0
    bare: float = 0.0
    peer: str = ""
    facts: dict[str, float] = field(default_factory=dict)

    def value(self) -> dict[str, object]:
        """For JSON."""
        middle = median(self.runs) if self.runs else None
        return {
            "bench": self.bench,
            "who": self.who,
            "bytes": self.bytes,
            "files": self.files,
            "wall": None if middle is None else round(middle.wall, 4),
            "cpu": None if middle is None else round(middle.cpu, 4),
            "rss_mib": None if middle is None else round(middle.rss, 1),
            "bare_wall": round(self.bare, 4) or None,
            "walls": [round(run.wall, 4) for run in self.runs],
            "cpus": [round(run.cpu, 4) for run in self.runs],
            **self.facts,
        }


def text(rows: Sequence[Row]) -> str:
    """A table with ratios: `speed` is the peer's time over ours, `cpu` ours over the peer's,
    and `room` how much faster the bare mover is."""
    lines = []
    bench = ""
    for row in rows:
        if row.bench != bench:
            bench = row.bench
            lines += ["", bench]
            lines.append(
                f"  {'':24} {'wall s':>8} {'spread':>13} {'cpu s':>7} {'MiB':>6}"
                f" {'speed':>6} {'cpu ×':>6} {'room':>5}"
            )
        lines.append(_line(row, rows))
    return "\n".join(lines)


def _line(row: Row, rows: Sequence[Row]) -> str:
    facts = "  ".join(f"{name} {value:.4g}" for name, value in row.facts.items())
    if not row.runs:
        return f"  {row.who:24} {facts}"
    middle = median(row.runs)
    walls = [run.wall for run in row.runs]
    spread = f"{min(walls):.2f}-{max(walls):.2f}"
    peers = [each for each in rows if each.bench == row.bench and each.who == row.peer]
    speed = cpu = ""
    if peers and peers[0].runs:
        peer = median(peers[0].runs)
        speed, cpu = f"{peer.wall / middle.wall:.2f}", f"{middle.cpu / peer.cpu:.2f}"
    room = f"{middle.wall / row.bare:.2f}" if row.bare else ""
    return (
        f"  {row.who:24} {middle.wall:8.3f} {spread:>13} {middle.cpu:7.3f} {middle.rss:6.0f}"
        f" {speed:>6} {cpu:>6} {room:>5}  {facts}"
    )
