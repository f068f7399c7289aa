"""`cp` and `mv`: one order to the engine, run in the foreground."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct
from msgspec.structs import replace

from cloudtui import present
from cloudtui.cli_output import Output, human_size, human_time
from cloudtui.commands.asking import asked
from cloudtui.commands.finding import Finder
from cloudtui.commands.listing import wanted_kind
from cloudtui.commands.session import GeneralCommand, run
from cloudtui.services.addresses import Address
from cloudtui.services.errors import (
    ExitCode,
    NotFound,
    UsageError,
    exit_code_of_codes,
)
from cloudtui.services.models import DISK, Found, Kind, Location
from cloudtui.services.naming import display_name
from cloudtui.services.transfers.orders import (
    Answer,
    Follow,
    JobState,
    JobView,
    OnConflict,
    Order,
    Resolution,
    ServerSide,
    Source,
    Verb,
    Verify,
)

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.transfers.engine import Transfers

_TICK = 0.25
_FASTEST = 1 << 50


def _transfer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option("-n", "--dry-run", is_flag=True, help="Only show what would be done."),
        click.option(
            "--on-conflict",
            type=click.Choice([each.value for each in OnConflict]),
            help="What to do with a target that is there and differs.",
        ),
        click.option(
            "--server-side",
            type=click.Choice([each.value for each in ServerSide]),
            help="Whether a service may copy by itself.",
        ),
        click.option(
            "--follow",
            "follow_links",
            type=click.Choice([each.value for each in Follow]),
            help="Which links of the disk are followed; moves follow none.",
        ),
        click.option(
            "--verify",
            type=click.Choice([each.value for each in Verify]),
            help="How much is compared afterwards.",
        ),
        click.option("--include", multiple=True, metavar="GLOB", help="Only files that fit."),
        click.option("--exclude", multiple=True, metavar="GLOB", help="Leave out what fits."),
        click.option("--bwlimit", metavar="RATE", help="Bytes per second, such as 500K or 4M."),
        click.argument("words", nargs=-1, required=True, metavar="SRC... DST"),
        click.pass_context,
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command(cls=GeneralCommand)
@click.option("-r", "--recursive", is_flag=True, help="Folders with all they hold, too.")
@_transfer_options
def cp(context: click.Context, words: tuple[str, ...], *, recursive: bool, **rest: Any) -> None:
    """Copy files and folders between any two places.

    A source that ends in a slash means its contents. A target that ends in a slash is a folder,
    made when missing; an existing folder receives the source under its name; anything else is the
    new name.
    """
    _transfer(context, Verb.COPY, words, recursive=recursive, **rest)


@click.command(cls=GeneralCommand)
@click.option("-r", "--recursive", is_flag=True, help="Accepted; folders always move whole.")
@_transfer_options
def mv(context: click.Context, words: tuple[str, ...], **rest: Any) -> None:
    """Move files and folders: a source goes only after its copy is verified."""
    _transfer(context, Verb.MOVE, words, **{**rest, "recursive": True})


def parse_rate(text: str) -> int:
    """`500K`, `4M`, `1.5G` or plain bytes, per second. Raises UsageError."""
    units = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
    number, unit = text.rstrip("/sS").upper().removesuffix("IB").removesuffix("B"), ""
    if number[-1:] in ("K", "M", "G"):
        number, unit = number[:-1], number[-1]
    try:
        rate = int(float(number) * units[unit])
    except (ValueError, OverflowError):
        rate = 0
    if not 0 < rate <= _FASTEST:
        raise UsageError(f"{display_name(text)} is no rate.", hint="Write 500K or 4M.")
    return rate


def _transfer(
    context: click.Context,
    verb: Verb,
    words: tuple[str, ...],
    *,
    recursive: bool,
    dry_run: bool,
    on_conflict: str | None,
    server_side: str | None,
    verify: str | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    bwlimit: str | None,
    follow_links: str | None,
) -> None:
    async def body(runtime: Runtime, output: Output) -> int:
        if len(words) < 2:
            raise UsageError("A source and a target are needed.")
        order = Order(
            verb=verb,
            sources=(),
            target=Location(DISK),
            on_conflict=OnConflict(on_conflict or runtime.settings.text("on_conflict")),
            verify=Verify(verify or runtime.settings.text("verify")),
            server_side=ServerSide(server_side or runtime.settings.text("server_side")),
            include=include,
            exclude=exclude,
            bandwidth=parse_rate(bwlimit) if bwlimit else None,
            follow=Follow(follow_links or runtime.settings.text("follow")),
        )
        if not dry_run:
            job = await runtime.transfers.take_up(readings(runtime, words, order))
            if job is not None:
                return await follow(runtime.transfers, [job], output)
        try:
            meant = await plan_words(runtime, words[:-1], words[-1], recursive=recursive)
        except NotFound:
            if dry_run or verb is not Verb.MOVE:
                raise
            job = await runtime.transfers.ended_unseen(readings(runtime, words, order))
            if job is None:
                raise
            return await follow(runtime.transfers, [job], output)
        order = replace(order, sources=meant.sources, target=meant.target)
        if dry_run:
            for step in await runtime.transfers.plan(order):
                if output.as_json:
                    output.value(
                        {
                            "action": str(step.deed),
                            "source": str(step.source),
                            "path": str(step.target),
                            "type": str(step.kind),
                            "size": step.size,
                        }
                    )
                else:
                    note = f"  ({display_name(step.message, edges=False)})" if step.message else ""
                    output.line(f"{step.deed}  {output.name(str(step.target))}{note}")
            return 0
        job = await runtime.transfers.submit(order)
        code = await follow(runtime.transfers, [job], output)
        # Who names a link or a device does not get it: a script must hear of that.
        return code or (int(ExitCode.SOME_LEFT) if meant.leaves_out(order) else 0)

    run(context, body)


class Meant(Struct, frozen=True):
    """What the words of `cp` mean: sources with the names they get, the folder they go to."""

    sources: tuple[Source, ...]
    target: Location
    kinds: frozenset[Kind]
    """Of the sources."""

    def leaves_out(self, order: Order) -> bool:
        """Whether something that was named is left alone for what it is."""
        follows = order.verb is Verb.COPY and order.follow is not Follow.NEVER
        return Kind.SPECIAL in self.kinds or (Kind.LINK in self.kinds and not follows)


def readings(runtime: Runtime, words: Sequence[str], order: Order) -> list[Order]:
    """Every order these words can mean: the last one as a folder that is there, or as a new name.

    Which of them it was cannot be seen any more once a job cut short has made its target or moved
    its sources away. Raises UsageError.
    """
    *given, goal = [runtime.parse(word).at for word in words]
    contents = [word.endswith("/") or not at.parts for word, at in zip(words, given, strict=False)]
    into = tuple(Source(at, each) for at, each in zip(given, contents, strict=True))
    found = [replace(order, sources=into, target=goal)]
    if len(given) == 1 and goal.parts and not contents[0]:
        named = Source(given[0], name=goal.name)
        found.append(replace(order, sources=(named,), target=goal.parent))
    return found


async def plan_words(
    runtime: Runtime, words: Sequence[str], target: str, *, recursive: bool
) -> Meant:
    """Look up what the words of `cp` mean.

    Raises UsageError for folders without `recursive` and for several sources onto one name,
    NotFound for a missing source.
    """
    founds: list[tuple[Found, bool]] = []
    finder = Finder(runtime, words)
    for word in words:
        _, found, address = await finder.find(word)
        if found.entry.is_folder and not recursive:
            raise UsageError(
                f"{display_name(word)} is a folder; nothing was copied.", hint="-r copies folders."
            )
        # A trailing slash on a link to a folder or on the top of a place means what it holds.
        contents = found.entry.is_folder and (
            word.endswith("/") or (address.wants_folder and not found.at.parts)
        )
        founds.append((found, contents))

    kinds = frozenset(found.entry.kind for found, _ in founds)
    into = tuple(Source(found.at, contents) for found, contents in founds)
    goal = runtime.parse(target)
    place = await runtime.storage(goal.at.account)
    existing: Found | None
    try:
        existing = await place.stat(goal.at, want=_target_kind(goal))
    except NotFound:
        existing = None
    if existing is not None and existing.entry.is_folder:
        return Meant(into, existing.at, kinds)
    if existing is not None and goal.wants_folder and goal.at.account == DISK:
        raise UsageError(f"{display_name(target)} is a file, not a folder.")
    if goal.wants_folder:
        return Meant(into, goal.at, kinds)
    if any(contents for _, contents in founds):
        if existing is not None:
            raise UsageError(f"{display_name(target)} is a file, not a folder.")
        return Meant(into, goal.at, kinds)
    if len(founds) > 1:
        raise UsageError(
            f"{display_name(target)} is not a folder, and several things were to go there.",
            hint="A slash behind it makes the folder.",
        )
    found = founds[0][0]
    if existing is not None and found.entry.is_folder:
        raise UsageError(f"{display_name(target)} is a file; a folder cannot replace it.")
    return Meant((Source(found.at, name=goal.at.name),), goal.at.parent, kinds)


def _target_kind(goal: Address) -> Kind | None:
    """On the disk a link to a folder stands for the folder, as with `cp`."""
    return Kind.FOLDER if goal.at.account == DISK else wanted_kind(goal)


async def follow(transfers: Transfers, jobs: Sequence[str], output: Output) -> int:
    """Show progress until the jobs stand still; their exit code."""
    waiting = {asyncio.ensure_future(transfers.wait(job)): job for job in jobs}
    final: dict[str, JobView] = {}
    try:
        while waiting:
            done, _ = await asyncio.wait(
                waiting, timeout=_TICK, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                job = waiting.pop(task)
                view = task.result()
                if view.state is JobState.ASKS and await _ask(transfers, job, output):
                    waiting[asyncio.ensure_future(transfers.wait(job))] = job
                    continue
                final[job] = view
            for job in waiting.values():
                with contextlib.suppress(NotFound):  # somebody cleared it away
                    output.progress(progress_line(transfers.view(job)))
    finally:
        for task in waiting:
            task.cancel()
    return conclude(transfers, [final[job] for job in jobs], output)


def progress_line(view: JobView) -> str:
    """One line for one running job."""
    if view.percent is None:
        files = present.count(view.files_total, "file")
        head = f"counting {files}, {human_size(view.bytes_total)} so far"
    else:
        filled = view.percent * 24 // 100
        head = (
            f"[{'#' * filled}{'.' * (24 - filled)}] {view.percent:>3}%  "
            f"{human_size(view.bytes_done)} of {human_size(view.bytes_total)}"
        )
    parts = [f"{view.direction} {head}"]
    if view.speed is not None:
        parts.append(f"{human_size(view.speed)}/s")
        parts.append(human_time(view.left))
    if view.message:
        parts.append(display_name(view.message, edges=False))
    elif view.current:
        parts.append(display_name(view.current))
    return "  ".join(parts)


async def _ask(transfers: Transfers, job: str, output: Output) -> bool:
    """Ask about conflicts on a terminal. False where nobody can answer."""
    if not sys.stdin.isatty() or not output.talks_to_terminal:
        return False
    letters = {
        "s": Answer.SKIP,
        "k": Answer.KEEP_BOTH,
        "o": Answer.OVERWRITE,
        "n": Answer.NEWER,
        "l": Answer.LARGER,
    }
    for conflict in transfers.conflicts():
        if conflict.job != job:
            continue
        final = " for ever" if conflict.overwrite_is_final else ""
        output.say(f"{display_name(conflict.source.name)} is already in {conflict.where}.")
        question = f"(s)kip, (k)eep both, (o)verwrite{final}, (n)ewer, (l)arger; capital: for all"
        choice = click.Choice([*letters, *(each.upper() for each in letters)])
        reply = await asked(
            partial(click.prompt, question, type=choice, show_choices=False, err=True)
        )
        resolution = Resolution(letters[reply.lower()], for_all=reply.isupper())
        await transfers.answer(job, conflict.item, resolution)
        if resolution.for_all:
            break
    return True


def conclude(transfers: Transfers, views: Sequence[JobView], output: Output) -> int:
    """Say how jobs ended; their exit code."""
    codes: set[str] = set()
    left = False
    for view in views:
        if output.as_json:
            output.value(job_json(view))
        codes.update(view.error_codes)
        left = left or view.state is not JobState.DONE or view.files_asking > 0
        # A move whose message tells of links and devices left them where they were.
        left = left or (view.verb is Verb.MOVE and view.files_skipped > 0 and bool(view.message))
        for item in transfers.items(
            view.id, offset=0, limit=20, states=(JobState.FAILED, JobState.ASKS)
        ):
            message = item.message or "already there and different; it was left alone."
            output.say(f"{display_name(item.path)}: {display_name(message, edges=False)}")
        output.say(summary(view))
    code = exit_code_of_codes(codes)
    return code or (int(ExitCode.SOME_LEFT) if left else 0)


def summary(view: JobView) -> str:
    """The last line about a job."""
    done = "Copied" if view.verb is Verb.COPY else "Moved"
    parts = [f"{done} {view.files_done} of {view.files_total}, {human_size(view.bytes_done)}."]
    if view.files_skipped:
        parts.append(f"{view.files_skipped} skipped.")
    if view.files_failed and " failed." not in view.message:
        parts.append(f"{view.files_failed} failed.")
    if view.files_asking:
        parts.append(f"{view.files_asking} already there and left alone.")
    if view.state is JobState.CANCELLED:
        parts.append("It was cancelled.")
    if view.state is JobState.ASKS:
        parts.append("The job is kept: cloudtui jobs resume --on-conflict decides.")
    if view.state is JobState.PAUSED:
        parts.append("The job is kept: cloudtui jobs resume goes on.")
    if view.message:
        parts.append(display_name(view.message, edges=False))
    return " ".join(parts)


def job_json(view: JobView) -> dict[str, object]:
    """`id, verb, sources, target, state, files_*, bytes_*, message`."""
    return {
        "id": view.id,
        "verb": str(view.verb),
        "sources": list(view.sources),
        "target": view.target,
        "state": str(view.state),
        "files_done": view.files_done,
        "files_total": view.files_total,
        "files_failed": view.files_failed,
        "files_skipped": view.files_skipped,
        "files_asking": view.files_asking,
        "bytes_done": view.bytes_done,
        "bytes_total": view.bytes_total,
        "message": view.message,
        "orphan": view.orphan,
    }
