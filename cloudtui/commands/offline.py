"""`offline`: URLs and magnets that the service fetches by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output
from cloudtui.commands.folders import make_folder
from cloudtui.commands.session import Failures, GeneralGroup, run
from cloudtui.services.errors import CloudError, NotFound, NotSupported
from cloudtui.services.models import OfflineTask
from cloudtui.services.naming import display_name
from cloudtui.services.storage import OfflineTasks

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.storage import Storage


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


def _show(output: Output, task: OfflineTask) -> None:
    if output.as_json:
        output.value(task_json(task))
        return
    message = f"  {display_name(task.message)}" if task.message else ""
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
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.pass_context
def offline_add(context: click.Context, urls: tuple[str, ...], target: str) -> None:
    """Hand links to the service; the folder is made when missing."""

    async def body(runtime: Runtime, output: Output) -> int:
        failures = Failures(output)
        address = runtime.parse(target)
        storage, fetcher = await _fetcher(runtime, address.at.account)
        folder = address.at
        if folder.parts and not folder.node:
            folder = (await make_folder(storage, folder, parents=True)).at
        for url in urls:
            try:
                _show(output, await fetcher.add_offline(url, folder))
            except CloudError as error:
                failures.add(error)
        return failures.exit_code

    run(context, body)


@offline.command("ls")
@click.argument("place", metavar="NAME:")
@click.pass_context
def offline_ls(context: click.Context, place: str) -> None:
    """List what the service fetches and fetched."""

    async def body(runtime: Runtime, output: Output) -> int:
        _, fetcher = await _fetcher(runtime, runtime.parse(place).at.account)
        async for page in fetcher.scan_offline():
            for task in page:
                _show(output, task)
        return 0

    run(context, body)


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
        known = {task.id async for page in fetcher.scan_offline() for task in page}
        missing = [each for each in ids if each not in known]
        if missing:
            raise NotFound(
                f"There is no task {display_name(missing[0])}; nothing was removed.",
                hint="cloudtui offline ls shows the tasks.",
            )
        await fetcher.remove_offline(ids, files=files)
        return 0

    run(context, body)
