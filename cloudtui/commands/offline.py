"""`offline`: URLs and magnets that the service fetches by itself, and their way to this disk."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output
from cloudtui.commands.folders import make_folder
from cloudtui.commands.looking import file_json, files_of, look_behind, show_whole
from cloudtui.commands.session import Failures, GeneralGroup, run
from cloudtui.services.errors import CloudError, NotFound, NotSupported, Refused, UsageError
from cloudtui.services.models import DISK, Location, OfflineTask, TaskPhase
from cloudtui.services.naming import display_name
from cloudtui.services.storage import OfflineTasks
from cloudtui.services.wishes import Wish

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.storage import Storage


_SHOWS = "cloudtui offline ls shows the tasks."


@click.group(cls=GeneralGroup)
def offline() -> None:
    """Downloads made by the service."""


def task_json(task: OfflineTask) -> dict[str, object]:
    """`id, name, url, phase, percent, message, target`."""
    return {
        "id": task.id,
        "name": task.name,
        "url": task.url,
        "phase": str(task.phase),
        "percent": task.percent,
        "message": task.message,
        "target": task.target.path if task.target else None,
    }


def _show(output: Output, task: OfflineTask, wish: Wish | None = None) -> None:
    if output.as_json:
        output.value(task_json(task))
        return
    message = f"  {display_name(task.message)}" if task.message else ""
    if wish is not None:
        message += f"  then to {display_name(wish.target.path)}"
    output.line(
        f"{output.name(task.id)}  {task.phase:<8}  {task.percent:>3}%  "
        f"{output.name(task.name or task.url)}{message}"
    )


async def _fetcher(runtime: Runtime, account: str) -> tuple[Storage, OfflineTasks]:
    storage = await runtime.storage(account)
    fetcher: object = storage
    if not isinstance(fetcher, OfflineTasks):
        raise NotSupported(f"{storage.title} does not fetch links by itself.")
    return storage, fetcher


@offline.command("add")
@click.option("--to", "target", required=True, metavar="NAME:/DIR", help="Folder for the results.")
@click.option("--fetch", metavar="DIR", help="Note that the results are to come to this disk.")
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.pass_context
def offline_add(
    context: click.Context, urls: tuple[str, ...], target: str, fetch: str | None
) -> None:
    """Hand links to the service; the folder is made when missing.

    What lies behind a link to somebody's share on PikPak is saved; its pass code stands behind it
    as ?pwd=CODE.

    What --fetch notes is brought by the full screen whenever it runs, or by `offline fetch`.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        failures = Failures(output)
        codes: list[int] = []
        disk = _folder(runtime, fetch) if fetch is not None else None
        address = runtime.parse(target)
        storage, fetcher = await _fetcher(runtime, address.at.account)
        folder = address.at
        if folder.parts and not folder.node:
            folder = (await make_folder(storage, folder, parents=True)).at
        for url in urls:
            try:
                task = await fetcher.add_offline(url, folder)
            except CloudError as error:
                failures.add(error)
                continue
            _show(output, task)
            if disk is not None and not task.id and task.target is not None:
                # it was there at once, without a task that could be looked after
                job = await _submit(runtime, task.target, disk)
                codes.append(await _follow(runtime, job, output))
            elif disk is not None:
                await _wish(runtime, storage.account, task, disk)
        return failures.exit_code or max(codes, default=0)

    run(context, body)


@offline.command("ls")
@click.argument("place", metavar="NAME:")
@click.pass_context
def offline_ls(context: click.Context, place: str) -> None:
    """List what the service fetches and fetched."""

    async def body(runtime: Runtime, output: Output) -> int:
        storage, fetcher = await _fetcher(runtime, runtime.parse(place).at.account)
        wishes = {wish.task: wish for wish in await _wishes(runtime, storage.account)}
        async for page in fetcher.scan_offline():
            for task in page:
                _show(output, task, wishes.get(task.id))
        return 0

    run(context, body)


@offline.command("show")
@click.argument("place", metavar="NAME:")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.pass_context
def offline_show(context: click.Context, place: str, ids: tuple[str, ...]) -> None:
    """Tell all of a download: also how far each of its files is, where the service says so."""

    async def body(runtime: Runtime, output: Output) -> int:
        failures = Failures(output)
        storage, fetcher = await _fetcher(runtime, runtime.parse(place).at.account)
        known = {task.id: task for task in await _all(fetcher)}
        for each in ids:
            if each not in known:
                failures.add(NotFound(f"There is no task {display_name(each)}.", hint=_SHOWS))
                continue
            files = None
            try:
                files = await files_of(storage, each)
                if files is None:
                    output.say(f"{storage.title} does not tell how far single files are.")
            except CloudError as error:
                failures.add(error)
            if output.as_json:
                rows = None if files is None else [file_json(file) for file in files]
                task = known[each]
                output.value({**task_json(task), "size": task.size, "files": rows})
                continue
            _show(output, known[each])
            show_whole(output, known[each], files or ())
        return failures.exit_code

    run(context, body)


@offline.command("look")
@click.argument("words", nargs=-1, required=True, metavar="[NAME:] URL...")
@click.pass_context
def offline_look(context: click.Context, words: tuple[str, ...]) -> None:
    """Show what lies behind links, and whether it fits, without fetching anything.

    NAME: may be left out while one account tells that.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        return await look_behind(runtime, output, words)

    run(context, body)


@offline.command("fetch")
@click.option("--to", "target", metavar="DIR", help="Folder of this disk for the results of ID...")
@click.argument("place", metavar="NAME:")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.pass_context
def offline_fetch(
    context: click.Context, place: str, ids: tuple[str, ...], target: str | None
) -> None:
    """Wait for downloads and bring them to this disk, each as soon as it is done.

    Without ID all that was noted before is brought. Interrupted, it goes on when run again.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        storage, fetcher = await _fetcher(runtime, runtime.parse(place).at.account)
        failures = Failures(output)
        codes: list[int] = []
        told: set[str] = set()
        if bool(ids) != (target is not None):
            raise UsageError("Ids and --to go together.", hint="--to DIR says where they come to.")
        if target is not None:
            disk = _folder(runtime, target)
            known = {task.id: task for task in await _all(fetcher)}
            for each in ids:
                if each in known:
                    await _wish(runtime, storage.account, known[each], disk)
                else:
                    failures.add(NotFound(f"There is no task {display_name(each)}.", hint=_SHOWS))
        pause = min(5.0, 10 * runtime.retries.first_wait)
        while wishes := await _wishes(runtime, storage.account):
            tasks = {task.id: task for task in await _all(fetcher)}
            for wish in wishes:
                task = tasks.get(wish.task)
                if task is not None and task.phase is TaskPhase.DONE and task.target is not None:
                    codes.append(await _bring(runtime, wish, task.target, output))
                elif task is None or (task.phase is TaskPhase.FAILED and task.id not in told):
                    failures.add(await _given_up(runtime, wish, task))
                    told.add(wish.task)
            left = await _wishes(runtime, storage.account)
            if not any(wish.task not in told for wish in left):
                break
            output.progress(f"waiting for {len(left)}")
            await asyncio.sleep(pause)
        return failures.exit_code or max(codes, default=0)

    run(context, body)


async def _given_up(runtime: Runtime, wish: Wish, task: OfflineTask | None) -> CloudError:
    """Why nothing comes. What failed stays noted, for it may be tried again."""
    name = display_name(wish.name)
    if task is None:
        await asyncio.to_thread(runtime.wishes.remove, wish.account, wish.task)
        return NotFound(f"{name} is no longer in the list; nothing comes of it.")
    said = display_name(task.message, edges=False) or "no reason given"
    return Refused(f"{name} was not fetched: {said}.", hint="offline retry tries it again.")


async def _bring(runtime: Runtime, wish: Wish, result: Location, output: Output) -> int:
    """Make the copy a job, unless another process is faster, and follow it to its end."""
    async with runtime.wishes.carrying():
        if wish not in await _wishes(runtime, wish.account):
            return 0
        job = await _submit(runtime, result, wish.target)
        # only now: a kill before leaves the wish, and the same order is adopted
        await asyncio.to_thread(runtime.wishes.remove, wish.account, wish.task)
    return await _follow(runtime, job, output)


async def _follow(runtime: Runtime, job: str, output: Output) -> int:
    from cloudtui.commands.transfer import follow

    return await follow(runtime.transfers, [job], output)


async def _submit(runtime: Runtime, result: Location, disk: Location) -> str:
    from cloudtui.services.transfers.orders import OnConflict, Order, Source, Verb

    policy = OnConflict(runtime.settings.text("on_conflict"))
    return await runtime.transfers.submit(
        Order(verb=Verb.COPY, sources=(Source(result),), target=disk, on_conflict=policy)
    )


def _folder(runtime: Runtime, text: str) -> Location:
    at = runtime.parse(text).at
    if at.account != DISK:
        raise UsageError(f"{display_name(text)} is no folder of this disk.")
    return at


async def _all(fetcher: OfflineTasks) -> list[OfflineTask]:
    return [task async for page in fetcher.scan_offline() for task in page]


async def _wishes(runtime: Runtime, account: str) -> list[Wish]:
    known = await asyncio.to_thread(runtime.wishes.all)
    return [wish for wish in known if wish.account == account]


async def _wish(runtime: Runtime, account: str, task: OfflineTask, disk: Location) -> None:
    wish = Wish(account, task.id, task.name or task.url, disk.parts)
    await asyncio.to_thread(runtime.wishes.add, wish)


@offline.command("retry")
@click.argument("place", metavar="NAME:")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.pass_context
def offline_retry(context: click.Context, place: str, ids: tuple[str, ...]) -> None:
    """Try failed downloads again."""

    async def body(runtime: Runtime, output: Output) -> int:
        failures = Failures(output)
        _, fetcher = await _fetcher(runtime, runtime.parse(place).at.account)
        for each in ids:
            try:
                _show(output, await fetcher.retry_offline(each))
            except CloudError as error:
                failures.add(error)
        return failures.exit_code

    run(context, body)


@offline.command("rm")
@click.option("--files", is_flag=True, help="Remove what was fetched, too.")
@click.argument("place", metavar="NAME:")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.pass_context
def offline_rm(context: click.Context, place: str, ids: tuple[str, ...], *, files: bool) -> None:
    """Forget downloads; their results stay unless --files."""

    async def body(runtime: Runtime, _output: Output) -> int:
        _, fetcher = await _fetcher(runtime, runtime.parse(place).at.account)
        known = {task.id for task in await _all(fetcher)}
        missing = [each for each in ids if each not in known]
        if missing:
            raise NotFound(
                f"There is no task {display_name(missing[0])}; nothing was removed.",
                hint=_SHOWS,
            )
        await fetcher.remove_offline(ids, files=files)
        return 0

    run(context, body)


@offline.command("clear")
@click.option("--failed", is_flag=True, help="Forget those that failed, too.")
@click.argument("place", metavar="NAME:")
@click.pass_context
def offline_clear(context: click.Context, place: str, *, failed: bool) -> None:
    """Forget all downloads that are done; their results stay.

    What is still to come to this disk is kept in the list.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        storage, fetcher = await _fetcher(runtime, runtime.parse(place).at.account)
        wanted = {wish.task for wish in await _wishes(runtime, storage.account)}
        over = {TaskPhase.DONE, *({TaskPhase.FAILED} if failed else ())}
        ids = [
            task.id
            for task in await _all(fetcher)
            if task.phase in over and task.id and task.id not in wanted
        ]
        if ids:
            await fetcher.remove_offline(ids, files=False)
        output.say(f"{len(ids):,} forgotten; their results stay.")
        return 0

    run(context, body)
