"""What lies behind links, and how far the files of a download are, for the commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cloudtui.cli_output import Output, human_size
from cloudtui.commands.session import Failures
from cloudtui.link_words import behind, is_one_file, room_words
from cloudtui.services.errors import CloudError, NotSupported, UsageError
from cloudtui.services.models import OfflineTask
from cloudtui.services.naming import display_name
from cloudtui.services.previews import (
    Preview,
    PreviewsLinks,
    Room,
    TaskFile,
    link_previewer,
    room_of,
    task_file_teller,
)

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.storage import Storage


async def files_of(storage: Storage, task: str) -> Sequence[TaskFile] | None:
    """The files of a task, None where the place does not tell. Raises CloudError."""
    teller = task_file_teller(storage)
    return await teller.task_files(task) if teller is not None else None


def file_json(file: TaskFile) -> dict[str, object]:
    """`name, phase, percent, size, message`."""
    return {
        "name": file.name,
        "phase": str(file.phase),
        "percent": file.percent,
        "size": file.size,
        "message": file.message,
    }


def show_whole(output: Output, task: OfflineTask, files: Sequence[TaskFile]) -> None:
    """What the line of a task leaves out, and its files."""
    output.line(f"link    {output.name(task.url)}")
    if task.size is not None:
        output.line(f"size    {human_size(task.size)}")
    if task.target is not None:
        output.line(f"target  {output.name(task.target.path)}")
    for each in files:
        percent = "" if each.percent is None else f"{each.percent}%"
        message = f"  {display_name(each.message)}" if each.message else ""
        size, name = human_size(each.size), output.name(each.name)
        output.line(f"{each.phase:<8}  {percent:>4}  {size:>9}  {name}{message}")


async def look_behind(runtime: Runtime, output: Output, words: Sequence[str]) -> int:
    """Show what lies behind links; `words` may begin with the account to ask."""
    failures = Failures(output)
    storage, looker, urls = await _looker(runtime, words)
    room = await room_of(storage)
    seen: list[Preview] = []
    for url in urls:
        try:
            preview = await looker.preview_link(url)
        except CloudError as error:
            failures.add(error)
            continue
        seen.append(preview)
        if output.as_json:
            output.value(_preview_json(preview, room))
        else:
            _show_preview(output, preview)
    said = room_words(seen, room, storage.title)
    if said and not output.as_json:
        output.say(said)
    return failures.exit_code


async def _looker(
    runtime: Runtime, words: Sequence[str]
) -> tuple[Storage, PreviewsLinks, Sequence[str]]:
    """The account to ask, and the links. Raises NotSupported, UsageError."""
    if words[0].endswith(":") and len(words) > 1:
        storage = await runtime.storage(runtime.parse(words[0]).at.account)
        place = link_previewer(storage)
        if place is None:
            raise NotSupported(
                f"{storage.title} does not tell what lies behind a link before it is fetched."
            )
        return storage, place, words[1:]
    able = []
    for name in runtime.accounts():
        storage = await runtime.storage(name)
        place = link_previewer(storage)
        if place is not None:
            able.append((storage, place))
    if not able:
        raise NotSupported("No account here tells what lies behind a link before it is fetched.")
    if len(able) > 1:
        names = ", ".join(f"{storage.account}:" for storage, _ in able)
        raise UsageError("Several accounts could tell that.", hint=f"Name one first: {names}.")
    return *able[0], words


def _preview_json(preview: Preview, room: Room) -> dict[str, object]:
    files = [
        {
            "path": each.path,
            "size": each.size,
            "hashes": {str(kind): digest for kind, digest in each.hashes.items()},
        }
        for each in preview.files
    ]
    return {
        "url": preview.url,
        "name": preview.name,
        "known": preview.size is not None,
        "size": preview.size,
        "count": preview.count,
        "files": files,
        "message": preview.message,
        "fits": None if preview.size is None else room.fits(preview.size),
    }


def _show_preview(output: Output, preview: Preview) -> None:
    output.line(f"{output.name(preview.name or preview.url)}  {behind(preview)}")
    if is_one_file(preview):
        return
    for each in preview.files:
        output.line(f"{human_size(each.size):>9}  {output.name(each.path)}")
    more = (preview.count or 0) - len(preview.files)
    if more > 0:
        output.say(f"and {more:,} more that are not listed.")
