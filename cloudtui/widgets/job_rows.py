"""Jobs as lines of text: bars, percents, states in words. Pure functions over `JobView`s."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.cells import cell_len

from cloudtui import present
from cloudtui.services.naming import display_name
from cloudtui.services.transfers.orders import Direction, ItemView, JobState, JobView, Verb
from cloudtui.widgets.frame import Frames, frames
from cloudtui.widgets.rows import cut_end, cut_middle, pad, pad_left

MOVING: Final = frozenset(
    {
        JobState.COUNTING,
        JobState.RUNNING,
        JobState.SLOWED,
        JobState.RETRYING,
        JobState.CHECKING,
    }
)
"""States in which a job is at work."""

_SOME_TIME: Final = 10.0

_FROM_TO: Final = 150
"""Cells from which on a row has room for where its job goes."""

_SIGNS: Final = {
    Direction.DOWN: "v",
    Direction.UP: "^",
    Direction.HERE: "=",
    Direction.ACROSS: "x",
}


def bar(percent: int | None, width: int) -> str:
    """`[####....]`; empty while nothing is known, and nothing where bars cannot be seen."""
    if frames() is Frames.BLANK:
        return ""
    inner = max(1, width - 2)
    filled = 0 if percent is None else inner * percent // 100
    return "[" + "#" * filled + "." * (inner - filled) + "]"


def percent_words(percent: int | None) -> str:
    """` 45%`, or `45 percent` to be read aloud."""
    return f"{percent} percent" if frames() is Frames.BLANK else f"{percent:3d}%"


def word(view: JobView) -> str:
    """What a job is doing, in the words of its state."""
    if view.orphan:
        return "paused"
    if view.state is JobState.RUNNING:
        return "move" if view.verb is Verb.MOVE else view.direction.value
    return view.state.value


def title(view: JobView) -> str:
    """What the job is about, with the place in a folder where there is one."""
    name = display_name(view.title)
    if view.files_total > 1:
        name += f" ({view.files_done}/{view.files_total})"
    return name


def style(view: JobView) -> str:
    """The short style name of a job's row."""
    if view.state is JobState.FAILED or view.files_failed:
        return "bad"
    if view.state is JobState.ASKS or view.files_asking:
        return "marked"
    if view.state is JobState.DONE:
        return "good"
    if view.state in MOVING:
        return "row"
    return "dim"


def sign(view: JobView) -> str:
    """`!` failed, `+` done, `?` asks, else the direction."""
    if view.state is JobState.FAILED or view.files_failed:
        return "!"
    if view.state is JobState.ASKS or view.files_asking:
        return "?"
    if view.state is JobState.DONE:
        return "+"
    return _SIGNS[view.direction]


def _tail(view: JobView, *, short: bool) -> str:
    """Right of the bar: percent, bytes, speed, time left, or the sentence that matters more."""
    if view.state is JobState.COUNTING or not view.counted:
        files = present.count(view.files_total, "file")
        size = (
            present.size_short(view.bytes_total) if short else present.size_long(view.bytes_total)
        )
        return f"counting {files}, {size} so far"
    if view.files_asking:
        return "asks you" if short else f"asks you about {present.count(view.files_asking, 'file')}"
    percent = percent_words(view.percent)
    if view.state is JobState.DONE:
        return f"{percent}  {view.message or 'done'}"
    if view.state in (JobState.FAILED, JobState.CANCELLED, JobState.SKIPPED):
        return view.message or view.state.value
    if view.state is JobState.PAUSED or view.orphan:
        return f"{percent}  paused  {view.message}".rstrip()
    if view.state in (JobState.RETRYING, JobState.SLOWED, JobState.CHECKING, JobState.WAITING):
        return f"{percent}  {view.message or view.state.value}"
    pair = present.size_pair(view.bytes_done, view.bytes_total, short=short)
    rate = present.speed(view.speed, short=short)
    left = present.duration(view.left)
    if view.stalled:
        idle = f"{view.stalled} s" if view.stalled < 60 else present.duration(view.stalled)
        words = f"stalled {idle}"
        return f"{percent} {pad_left(pair, 10 if short else 14)}  {words}"
    if short:
        return f"{percent} {pad_left(pair, 10)} {pad_left(rate, 7)} {pad_left(left, 6)}"
    return f"{percent}  {pad_left(pair, 14)}  {pad_left(rate, 11)}  {pad_left(left, 7)}"


def job_line(view: JobView, width: int, *, worded: bool = False) -> str:
    """One job in `width` cells: sign, word (where there is room, or always when `worded`), name,
    bar, numbers."""
    short = width < 96
    words = worded or not short
    lead = f" {sign(view)} {pad(word(view), 8)} " if words else f" {sign(view)} "
    tail = display_name(_tail(view, short=short), edges=False)
    numbers = view.counted and not view.files_asking and view.state in MOVING
    least = 22 if worded else 10
    name_width = max(least, width * (36 if short else 40) // 100 - len(lead))
    name = pad(cut_middle(title(view), name_width), name_width)
    room = width - len(lead) - name_width - 2 - cell_len(tail) - 1
    if not numbers and room < 14:
        tail = cut_end(tail, width - len(lead) - name_width - 2)
        return pad(f"{lead}{name}  {tail}", width)
    room = min(room, 44)
    goal = "" if width < _FROM_TO or not numbers else f"  to {display_name(view.target)}"
    tail += cut_end(goal, max(0, width - len(lead) - name_width - room - cell_len(tail) - 3))
    text = f"{lead}{name} {bar(view.percent, room)} {tail}" if room >= 8 else f"{lead}{name} {tail}"
    return pad(text, width)


def totals(views: Sequence[JobView]) -> dict[str, int]:
    """Sums over jobs that are not finished."""
    open_jobs = [view for view in views if not view.state.is_final]
    return {
        "running": sum(1 for view in open_jobs if view.state in MOVING and not view.orphan),
        "waiting": sum(1 for view in open_jobs if view.state is JobState.WAITING),
        "paused": sum(1 for view in open_jobs if view.state is JobState.PAUSED or view.orphan),
        "asking": sum(view.files_asking for view in open_jobs),
        "failed": sum(view.files_failed for view in views),
        "files_done": sum(view.files_done for view in open_jobs),
        "files_total": sum(view.files_total for view in open_jobs),
        "bytes_done": sum(view.bytes_done for view in open_jobs),
        "bytes_total": sum(view.bytes_total for view in open_jobs),
        "speed": int(sum(view.speed or 0 for view in open_jobs)),
    }


def total_percent(sums: dict[str, int]) -> int:
    """Percent by bytes, by files where there are none, 99 at most: the rest is not finished."""
    if sums["bytes_total"]:
        return min(99, sums["bytes_done"] * 100 // sums["bytes_total"])
    if sums["files_total"]:
        return min(99, sums["files_done"] * 100 // sums["files_total"])
    return 0


def totals_words(sums: dict[str, int]) -> str:
    """`2 running  4 waiting  1 asks you  1 failed`."""
    words = [f"{sums['running']} running"]
    if sums["waiting"]:
        words.append(f"{sums['waiting']} waiting")
    if sums["paused"]:
        words.append(f"{sums['paused']} paused")
    if sums["asking"]:
        words.append(
            f"{sums['asking']} asks you" if sums["asking"] == 1 else f"{sums['asking']} ask you"
        )
    if sums["failed"]:
        words.append(f"{sums['failed']} failed")
    return "  ".join(words)


def totals_line(views: Sequence[JobView], width: int) -> str:
    """The second line of the small dock: all open jobs together."""
    sums = totals(views)
    if sums["files_total"]:
        lead = f"   {sums['files_done']} of {present.count(sums['files_total'], 'file')}"
    else:
        lead = f"   {totals_words(sums)}"
    if sums["asking"]:
        tail = f"{sums['asking']} asks: press w"
    elif sums["paused"]:
        tail = f"{sums['paused']} paused: press w"
    elif sums["waiting"]:
        tail = f"{sums['waiting']} waits: press w"
    else:
        tail = "w shows jobs"
    pair = present.size_pair(sums["bytes_done"], sums["bytes_total"], short=True)
    percent = total_percent(sums)
    text = f" {percent_words(percent)} {pad_left(pair, 10)} {tail}"
    lead = pad(lead, max(22, width * 36 // 100))
    room = width - cell_len(lead) - cell_len(text) - 2
    if room < 8:
        return pad(f"{lead} {tail}", width)
    return pad(f"{lead} {bar(percent, min(room, 26))}{text}", width)


def summary(views: Sequence[JobView], *, short: bool) -> str:
    """All open jobs together, for a title: counts, files, bytes, percent, speed, time left."""
    sums = totals(views)
    words = ["Transfers", totals_words(sums)]
    if sums["files_total"] > 1:
        files = present.exact(sums["files_done"])
        words.append(f"{files} of {present.count(sums['files_total'], 'file')}")
    if sums["bytes_total"]:
        pair = present.size_pair(sums["bytes_done"], sums["bytes_total"], short=short)
        words.append(pair if short else pair.replace("/", " of "))
    if sums["files_total"]:
        words.append(f"{total_percent(sums)}%")
    if sums["speed"]:
        words.append(present.speed(float(sums["speed"]), short=short))
        left = time_left(views, sums)
        if left is not None:
            words.append(f"{present.duration(left)} left")
    return "  ".join(words)


def _at_home(place: str) -> str:
    """A path with the home folder as `~`."""
    home = str(Path.home())
    return "~" + place[len(home) :] if place == home or place.startswith(home + "/") else place


def journey(view: JobView) -> str:
    """From where to where a job goes, and what became of its files so far."""
    more = len(view.sources) - 1
    source = _at_home(view.sources[0]) + (f" and {present.exact(more)} more" if more else "")
    words = [f"{view.verb.value} {source} -> {_at_home(view.target)}"]
    if view.current and view.state in MOVING and view.files_total > 1:
        words.append(f"now {display_name(view.current)}")
    counts = (
        (view.files_skipped, "skipped"),
        (view.files_failed, "failed"),
        (view.files_asking, "asking"),
    )
    words += [f"{present.exact(number)} {what}" for number, what in counts if number]
    if view.message:
        words.append(display_name(view.message, edges=False))
    return "   ".join(words)


def log_lines(view: JobView, bad: Sequence[ItemView]) -> list[str]:
    """What is known of a job, for reading: both ends, counts, and the files that need a look."""
    done = present.size_pair(view.bytes_done, view.bytes_total, short=False)
    lines = [
        f"{word(view)}   {view.message or view.state.value}",
        *(f"from    {source}" for source in view.sources[:3]),
        f"to      {view.target}",
        f"files   {present.exact(view.files_done)} of {present.exact(view.files_total)} done",
        f"bytes   {done.replace('/', ' of ')}",
    ]
    if len(view.sources) > 3:
        lines.insert(4, f"        and {present.exact(len(view.sources) - 3)} more")
    for item in bad:
        lines.append(f"{item.state.value:8}{item.path}   {item.message}".rstrip())
    trouble = view.files_failed + view.files_asking + view.files_skipped
    if trouble > len(bad):
        lines.append(
            f"        and {present.count(trouble - len(bad), 'file')} more: Enter lists them"
        )
    return [display_name(line, edges=False) for line in lines]


def time_left(views: Sequence[JobView], sums: dict[str, int]) -> float | None:
    """Seconds until all open jobs are done at the present pace; None when that is not known."""
    moving = [view for view in views if view.state in MOVING]
    if not sums["speed"] or any(not view.counted for view in moving):
        return None
    if len(moving) == 1 and not sums["waiting"]:
        return moving[0].left
    return (sums["bytes_total"] - sums["bytes_done"]) / sums["speed"]


def ours_at_work(view: JobView) -> bool:
    """Whether quitting would interrupt this job."""
    return view.mine and (view.state in MOVING or view.state is JobState.WAITING)


def ended_words(view: JobView, seconds: float = 0.0) -> str:
    """What became of a job, in one line, and how long it took where that is some time."""
    name = display_name(view.title)
    if view.state is JobState.CANCELLED:
        return f"{name}: cancelled."
    verb = "Moved" if view.verb is Verb.MOVE else "Copied"
    size = f", {present.size_long(view.bytes_total)}" if view.bytes_total else ""
    size += f" in {present.duration(seconds)}" if seconds >= _SOME_TIME else ""
    if view.files_failed:
        verb += f" {view.files_done} of {present.count(view.files_total, 'file')}: {name}{size}."
    else:
        verb += f" {name}: {present.count(view.files_done, 'file')}{size}."
    extra = []
    if view.files_skipped:
        extra.append(f"{view.files_skipped} skipped.")
    if view.files_failed:
        extra.append(f"{view.files_failed} failed and stay.  w shows why")
    elif view.state is JobState.FAILED:
        return f"{name}: {display_name(view.message, edges=False) or 'failed.'}  w shows why"
    return " ".join([verb, *extra])
