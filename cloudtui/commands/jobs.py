"""`jobs`: the queue of all processes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output, human_size
from cloudtui.commands.session import Failures, GeneralGroup, run
from cloudtui.commands.transfer import conclude, follow, job_json
from cloudtui.services.errors import CloudError, NotFound
from cloudtui.services.naming import display_name
from cloudtui.services.transfers.orders import Answer, JobState, JobView, Resolution

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.transfers.engine import Transfers


@click.group(cls=GeneralGroup, invoke_without_command=True)
@click.pass_context
def jobs(context: click.Context) -> None:
    """See and steer transfers, whoever runs them."""
    if context.invoked_subcommand is None:
        context.invoke(jobs_ls)


def _line(output: Output, view: JobView) -> str:
    percent = "  ?%" if view.percent is None else f"{view.percent:>3}%"
    asks = view.state is JobState.ASKS
    state = "paused" if view.orphan and not asks else str(view.state)
    message = f"  {display_name(view.message, edges=False)}" if view.message else ""
    return (
        f"{view.id}  {state:<9}  {percent}  {view.files_done}/{view.files_total} files  "
        f"{human_size(view.bytes_done)}/{human_size(view.bytes_total)}  {view.verb}  "
        f"{output.name(', '.join(view.sources))} -> {output.name(view.target)}{message}"
    )


@jobs.command("ls")
@click.pass_context
def jobs_ls(context: click.Context) -> None:
    """List all jobs."""

    async def body(runtime: Runtime, output: Output) -> int:
        for view in runtime.transfers.views():
            if output.as_json:
                output.value(job_json(view))
            else:
                output.line(_line(output, view))
        return 0

    run(context, body)


def _views(transfers: Transfers, ids: tuple[str, ...], failures: Failures) -> list[JobView]:
    """The jobs whose ids (or unmistakable beginnings) were given; all when none were."""
    views = transfers.views()
    if not ids:
        return views
    picked: list[JobView] = []
    for each in ids:
        fitting = [view for view in views if view.id == each] or [
            view for view in views if view.id.startswith(each)
        ]
        if len(fitting) == 1:
            picked.append(fitting[0])
        else:
            failures.add(
                NotFound(f"There is no job {display_name(each)}.", hint="cloudtui jobs lists them.")
            )
    return picked


@jobs.command("pause")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.pass_context
def jobs_pause(context: click.Context, ids: tuple[str, ...]) -> None:
    """Pause jobs (all without an ID); parts are kept."""

    async def body(runtime: Runtime, output: Output) -> int:
        failures = Failures(output)
        for view in _views(runtime.transfers, ids, failures):
            if not view.state.is_final:
                await runtime.transfers.pause(view.id)
        return failures.exit_code

    run(context, body)


@jobs.command("resume")
@click.option(
    "--on-conflict",
    type=click.Choice([each.value for each in Answer if each is not Answer.RENAME]),
    help="The answer to all their questions, now and later.",
)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.pass_context
def jobs_resume(context: click.Context, ids: tuple[str, ...], *, on_conflict: str | None) -> None:
    """Go on with paused jobs; those nobody runs are run here until they end."""

    async def body(runtime: Runtime, output: Output) -> int:
        failures = Failures(output)
        transfers = runtime.transfers
        views = [view for view in _views(transfers, ids, failures) if not view.state.is_final]

        async def begin(job: str) -> None:
            if on_conflict is not None:
                answer = Resolution(Answer(on_conflict), for_all=True)
                await transfers.answer(job, 0, answer)
            await transfers.resume(job)

        return await _go_on(transfers, views, begin, failures, output)

    run(context, body)


@jobs.command("retry")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.pass_context
def jobs_retry(context: click.Context, ids: tuple[str, ...]) -> None:
    """Try what failed again, here, until it ends."""

    async def body(runtime: Runtime, output: Output) -> int:
        failures = Failures(output)
        transfers = runtime.transfers
        views = [
            view
            for view in _views(transfers, ids, failures)
            if view.files_failed or view.state is JobState.FAILED
        ]
        return await _go_on(transfers, views, transfers.retry, failures, output)

    run(context, body)


async def _go_on(
    transfers: Transfers,
    views: list[JobView],
    begin: Callable[[str], Awaitable[None]],
    failures: Failures,
    output: Output,
) -> int:
    """Begin jobs again and follow those that became ours to their end; the exit code."""
    here: list[str] = []
    for view in views:
        try:
            await begin(view.id)
        except CloudError as error:
            failures.add(error)
            continue
        if transfers.view(view.id).mine:
            here.append(view.id)
    code = await follow(transfers, here, output) if here else 0
    return code or failures.exit_code


@jobs.command("cancel")
@click.option("--drop-parts", is_flag=True, help="Remove unfinished parts, too.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.pass_context
def jobs_cancel(context: click.Context, ids: tuple[str, ...], *, drop_parts: bool) -> None:
    """End jobs for good; what is already copied stays."""

    async def body(runtime: Runtime, output: Output) -> int:
        failures = Failures(output)
        for view in _views(runtime.transfers, ids, failures):
            if not view.state.is_final:
                await runtime.transfers.cancel(view.id, keep_parts=not drop_parts)
        return failures.exit_code

    run(context, body)


@jobs.command("clear")
@click.pass_context
def jobs_clear(context: click.Context) -> None:
    """Forget jobs that are over."""

    async def body(runtime: Runtime, _output: Output) -> int:
        await runtime.transfers.clear()
        return 0

    run(context, body)


@jobs.command("run")
@click.option("--detach", is_flag=True, help="In the background, without a terminal.")
@click.pass_context
def jobs_run(context: click.Context, *, detach: bool) -> None:
    """Take up every job nobody runs and work until all are over."""

    async def body(runtime: Runtime, output: Output) -> int:
        return conclude(runtime.transfers, await runtime.transfers.run_queue(), output)

    if detach:
        _detach(context)
        return
    run(context, body)


def _detach(context: click.Context) -> None:
    """The same command in a session of its own, with no terminal attached."""
    import subprocess
    import sys

    from cloudtui.commands.session import general_of

    general = general_of(context)
    words = [sys.executable, "-m", "cloudtui", "jobs", "run"]
    if general.config is not None:
        words += ["--config", str(general.config)]
    for assignment in general.assignments:
        words += ["--set", assignment]
    child = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    child.returncode = 0  # it outlives this process on purpose: nobody is to wait for it
