"""`check` and `sync`: two folders compared, and one made like the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output, human_size
from cloudtui.commands.listing import wanted_kind
from cloudtui.commands.removal import confirm
from cloudtui.commands.session import Failures, GeneralCommand, run
from cloudtui.services.errors import ExitCode, NotFound, NotSupported, UsageError
from cloudtui.services.models import Found, Kind, Location
from cloudtui.services.naming import display_name
from cloudtui.services.storage import HasTrash
from cloudtui.services.transfers.orders import OnConflict, Order, Source, Verb

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.transfers.filters import Filters
    from cloudtui.services.transfers.mirror import Compared, Difference

_WORDS = {
    "missing": "only in the source",
    "extra": "only in the target",
    "different": "different",
    "unlike": "folder and file",
    "size only": "equal size, no digest in common",
    "failed": "failed",
}


async def _pair(runtime: Runtime, source: str, target: str) -> tuple[Found, Found | None, Location]:
    """The two things to compare; the target may be missing."""
    here, there = runtime.parse(source), runtime.parse(target)
    found = await (await runtime.storage(here.at.account)).stat(here.at, want=wanted_kind(here))
    place = await runtime.storage(there.at.account)
    want = Kind.FOLDER if found.entry.is_folder else wanted_kind(there)
    try:
        other = await place.stat(there.at, want=want)
    except NotFound:
        return found, None, there.at
    return found, other, other.at


@click.command(cls=GeneralCommand)
@click.option("--size", "by_size", is_flag=True, help="By size and time only; reads no file.")
@click.option("--one-way", is_flag=True, help="What is only in the target does not matter.")
@click.option("--include", multiple=True, metavar="GLOB", help="Only files that fit.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave out what fits.")
@click.argument("source", metavar="SRC")
@click.argument("target", metavar="DST")
@click.pass_context
def check(
    context: click.Context,
    source: str,
    target: str,
    *,
    by_size: bool,
    one_way: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
) -> None:
    """Compare two files, or what two folders hold, without changing anything.

    Digests are compared where both sides have one in common, this disk being read for it. Ends
    with 7 when something differs.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        from cloudtui.services.transfers.filters import Filters
        from cloudtui.services.transfers.mirror import Comparer

        found, other, at = await _pair(runtime, source, target)
        if other is None:
            raise NotFound(f"There is no {display_name(str(at))} to compare with.")
        if found.entry.is_folder is not other.entry.is_folder:
            raise UsageError("A folder and a file cannot be compared.")
        failures = Failures(output)
        counts: Counter[Difference] = Counter()
        comparer = Comparer(runtime.storage, proof=not by_size, filters=Filters(include, exclude))
        try:
            if not found.entry.is_folder:
                rows = [await comparer.files(found, other)]
                for row in rows:
                    _tell(output, row, counts, failures, one_way=one_way)
            else:
                async for row in comparer.trees(found, other):
                    _tell(output, row, counts, failures, one_way=one_way)
                    output.progress(f"{sum(counts.values()):,} compared so far")
        finally:
            comparer.close()
        return _judge(output, counts, failures)

    run(context, body)


def _tell(
    output: Output,
    row: Compared,
    counts: Counter[Difference],
    failures: Failures,
    *,
    one_way: bool,
) -> None:
    from cloudtui.services.transfers.mirror import Difference

    if row.difference is Difference.EXTRA and one_way:
        return
    if row.error is not None:
        failures.add(row.error)
    if row.kind is Kind.FOLDER and row.difference is Difference.SAME:
        return
    counts[row.difference] += 1
    path = "/".join(row.inner) + ("/" if row.kind is Kind.FOLDER else "")
    if output.as_json:
        output.value(
            {
                "path": "/".join(row.inner),
                "result": str(row.difference),
                "type": "folder" if row.kind is Kind.FOLDER else "file",
                "source_size": row.source.entry.size if row.source else None,
                "target_size": row.target.entry.size if row.target else None,
            }
        )
    elif row.difference is not Difference.SAME:
        output.line(f"{_WORDS[row.difference]}: {output.name(path)}")


def _judge(output: Output, counts: Counter[Difference], failures: Failures) -> int:
    from cloudtui.services.transfers.mirror import Difference

    same, alike = counts[Difference.SAME], counts[Difference.SIZE_ONLY]
    differ = sum(counts.values()) - same - alike - counts[Difference.FAILED]
    text = f"{same:,} the same, {differ:,} different."
    if alike:
        text += f" {alike:,} could be compared by size only."
    if counts[Difference.FAILED]:
        text += f" {counts[Difference.FAILED]:,} could not be looked at."
    output.say(text)
    return int(ExitCode.VERIFY) if differ else failures.exit_code


@click.command(cls=GeneralCommand)
@click.option("-n", "--dry-run", is_flag=True, help="Only show what would be done.")
@click.option("--include", multiple=True, metavar="GLOB", help="Only files that fit.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave out what fits.")
@click.option("--bwlimit", metavar="RATE", help="Bytes per second, such as 500K or 4M.")
@click.option("--yes", is_flag=True, help="Do not ask before things are removed.")
@click.argument("source", metavar="SRC")
@click.argument("target", metavar="DST")
@click.pass_context
def sync(
    context: click.Context,
    source: str,
    target: str,
    *,
    dry_run: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    bwlimit: str | None,
    yes: bool,
) -> None:
    """Make the folder DST hold what the folder SRC holds, and nothing else.

    What is only in DST goes to the trash of its place, after everything else has arrived. What
    --include and --exclude leave out is left alone on both sides.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        from cloudtui.services.transfers.filters import Filters

        found, other, at = await _pair(runtime, source, target)
        _refuse_nonsense(found, other, at)
        filters = Filters(include, exclude)
        extras, clashes = await _to_remove(runtime, found, other, filters)
        place = await runtime.storage(at.account)
        if (extras or clashes) and not isinstance(place, HasTrash):
            raise NotSupported(
                f"{place.title} has no trash, and something would have to be removed.",
                hint="`cp` copies without removing anything.",
            )
        order = _order(found, at, include, exclude, bwlimit)
        if dry_run:
            for item in (*clashes, *extras):
                _say_deed(output, "trash", item.at, item.entry.kind, item.entry.size)
            for step in await runtime.transfers.plan(order):
                _say_deed(output, str(step.deed), step.target, step.kind, step.size)
            return 0
        if extras or clashes:
            count = len(extras) + len(clashes)
            await confirm(
                f"Move {count:,} that are only in {display_name(target)} to the trash?", yes=yes
            )
        if clashes:
            # a folder never takes a file's place by itself, nor a file a folder's
            await _trash(runtime, at, clashes)
        from cloudtui.commands.transfer import follow

        code = await follow(runtime.transfers, [await runtime.transfers.submit(order)], output)
        if code:
            if extras:
                output.say("Nothing was removed, because not everything has arrived.")
            return code
        if extras:
            await _trash(runtime, at, extras)
            output.say(f"{len(extras):,} moved to the trash.")
        return 0

    run(context, body)


def _refuse_nonsense(found: Found, other: Found | None, at: Location) -> None:
    if not found.entry.is_folder or (other is not None and not other.entry.is_folder):
        raise UsageError("Only folders are made like one another.", hint="`cp` copies files.")
    if found.at.is_inside(at) or at.is_inside(found.at):
        raise UsageError("One of the two folders lies in the other; nothing was done.")


def _order(
    found: Found, at: Location, include: tuple[str, ...], exclude: tuple[str, ...], rate: str | None
) -> Order:
    from cloudtui.commands.transfer import parse_rate

    return Order(
        verb=Verb.COPY,
        sources=(Source(found.at, contents=True),),
        target=at,
        on_conflict=OnConflict.OVERWRITE,
        include=include,
        exclude=exclude,
        bandwidth=parse_rate(rate) if rate else None,
    )


async def _to_remove(
    runtime: Runtime, found: Found, other: Found | None, filters: Filters
) -> tuple[list[Found], list[Found]]:
    """What is only in the target, and what stands there as another kind. Raises whatever kept a
    folder from being listed: what was not seen must not be taken for missing."""
    from cloudtui.services.transfers.mirror import Comparer, Difference

    extras: list[Found] = []
    clashes: list[Found] = []
    if other is None:
        return extras, clashes
    comparer = Comparer(runtime.storage, proof=False, filters=filters)
    try:
        async for row in comparer.trees(found, other, contents=False):
            if row.error is not None:
                raise row.error
            if row.difference is Difference.EXTRA and row.target is not None:
                if row.kind is Kind.FOLDER and filters.any:
                    extras += await _taken(runtime, row.target, row.inner, filters)
                else:
                    extras.append(row.target)
            elif row.difference is Difference.UNLIKE and row.target is not None:
                clashes.append(row.target)
    finally:
        comparer.close()
    return extras, clashes


async def _taken(
    runtime: Runtime, folder: Found, inner: tuple[str, ...], filters: Filters
) -> list[Found]:
    """The files below an extra folder that the patterns mean; all else in it is left alone."""
    storage = await runtime.storage(folder.at.account)
    found: list[Found] = []
    pending = [(folder, inner)]
    while pending:
        here, path = pending.pop()
        async for page in storage.scan(here.at):
            for entry in page:
                below = (*path, entry.name)
                if not filters.takes(below, folder=entry.is_folder):
                    continue
                if entry.is_folder:
                    pending.append((Found.of(here.at, entry), below))
                elif entry.kind is Kind.FILE:
                    found.append(Found.of(here.at, entry))
    return found


async def _trash(runtime: Runtime, at: Location, items: Sequence[Found]) -> None:
    place: object = await runtime.storage(at.account)
    assert isinstance(place, HasTrash)
    await place.trash(items)


def _say_deed(output: Output, deed: str, at: Location, kind: Kind, size: int | None) -> None:
    if output.as_json:
        output.value({"action": deed, "path": str(at), "type": str(kind), "size": size})
        return
    amount = f"  {human_size(size)}" if size is not None and kind is Kind.FILE else ""
    output.line(f"{deed}  {output.name(str(at))}{amount}")
