"""What lies behind links, and how far their files are, in words for screens and commands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from cloudtui import present
from cloudtui.services.models import TaskPhase
from cloudtui.services.naming import display_name
from cloudtui.services.previews import Preview, Room, TaskFile, needed


def behind(preview: Preview) -> str:
    """`12 files  1.3 GiB`, or why nothing is known."""
    if preview.size is None:
        return display_name(preview.message, edges=False) or "not known yet"
    size = present.size_long(preview.size)
    return size if preview.count is None else f"{present.count(preview.count, 'file')}  {size}"


def is_one_file(preview: Preview) -> bool:
    """Whether the link leads to a single file of its own name: it is told once, not twice."""
    return [each.path for each in preview.files] == [preview.name]


def room_words(previews: Sequence[Preview], room: Room, title: str) -> str:
    """How what the links hold fits into the account; `title` is the service's name."""
    size, all_known = needed(previews)
    if not size:
        return ""
    need = f"{'' if all_known else 'at least '}{present.size_long(size)}"
    if room.free is not None and size > room.free:
        left = present.size_long(room.free)
        return f"It does not fit: {need} to come, {left} free on {title}."
    if room.fetchable is not None and size > room.fetchable:
        left = present.size_long(room.fetchable)
        return f"More than {title} fetches now: {need} to come, {left} left of the plan's share."
    free = "" if room.free is None else f", {present.size_long(room.free)} free on {title}"
    return f"{need[0].upper()}{need[1:]} to come{free}."


def file_row(name: str, size: int | None) -> str:
    """`   12K  sub/a.txt`, for lists on the screen."""
    return f"{'?' if size is None else present.size_short(size):>5}  {display_name(name)}"


_NEED = {TaskPhase.FAILED: 0, TaskPhase.FETCHING: 1, TaskPhase.WAITING: 2}


def in_need(files: Sequence[TaskFile]) -> list[TaskFile]:
    """The files of a download, those that are not there first."""
    return sorted(files, key=lambda each: _NEED.get(each.phase, len(_NEED)))


def states(files: Sequence[TaskFile]) -> str:
    """`3 files: 1 done, 2 fetching`."""
    counts = Counter(each.phase for each in files)
    told = [f"{present.exact(counts[phase])} {phase.value}" for phase in TaskPhase if counts[phase]]
    return f"{present.count(len(files), 'file')}: {', '.join(told)}"
