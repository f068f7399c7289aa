"""The words of the top line: program, accounts with their room, jobs. Pure functions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cloudtui import present
from cloudtui.services.models import Quota
from cloudtui.widgets.line import Piece

if TYPE_CHECKING:
    from cloudtui.services.transfers.orders import JobView


def quota_words(quota: Quota, *, short: bool) -> str:
    """`3.1T of 10T` or `3.1 of 10 TiB used`."""
    if quota.used is None:
        return ""
    if quota.total is None:
        used = present.size_short(quota.used) if short else present.size_long(quota.used)
        return f"{used} used"
    if short:
        return f"{present.size_short(quota.used)} of {present.size_short(quota.total)}"
    return present.size_pair(quota.used, quota.total, short=False).replace("/", " of ") + " used"


def header_pieces(
    *, width: int, accounts: Sequence[str], views: Sequence[JobView]
) -> tuple[list[Piece], list[Piece]]:
    """Left and right part of the top line."""
    left: list[Piece] = [(" cloudtui ", "strong")]
    for words in accounts:
        left.append((f"   {words}", "text"))
    right: list[Piece] = []
    if width >= 100:
        right.append((time.strftime("%H:%M   "), "dim"))
    return left, [*right, *job_pieces(views, short=width < 100)]


def job_pieces(views: Sequence[JobView], *, short: bool) -> list[Piece]:
    """`2 jobs  11.4 MiB/s`, and how many ask something; nothing without jobs."""
    right: list[Piece] = []
    if not views:
        return right
    from cloudtui.widgets import job_rows

    sums = job_rows.totals(views)
    open_jobs = sums["running"] + sums["waiting"] + sums["paused"]
    if sums["running"]:
        words = present.count(sums["running"], "job")
        if sums["speed"]:
            words += "  " + present.speed(float(sums["speed"]), short=short)
        right.append((words + " ", "key"))
    elif open_jobs:
        right.append((f"{present.count(open_jobs, 'job')} paused or waiting ", "key"))
    if sums["asking"]:
        verb = "asks" if sums["asking"] == 1 else "ask"
        right.append((f" {sums['asking']} {verb}: w ", "key"))
    return right
