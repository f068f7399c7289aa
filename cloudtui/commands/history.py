"""`history`: what was done in an account lately."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cloudtui import present
from cloudtui.cli_output import Output, rfc3339
from cloudtui.commands.removal import confirm
from cloudtui.commands.rows import moment
from cloudtui.commands.session import GeneralCommand, run
from cloudtui.services.errors import NotSupported, UsageError
from cloudtui.services.history import Deed, Happened, KeepsHistory

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime

_KINDS = [str(deed) for deed in Deed if deed is not Deed.OTHER]
_ACTIONS = ("ls", "rm", "clear")


@click.command(cls=GeneralCommand)
@click.option("--kind", "kinds", multiple=True, type=click.Choice(_KINDS), help="Only these lines.")
@click.option("--limit", type=click.IntRange(min=1), help="The newest so many; else all.")
@click.option("--yes", is_flag=True, help="Do not ask before `clear`.")
@click.argument("place", metavar="NAME:")
@click.argument("words", nargs=-1, metavar="[ls|rm ID...|clear]")
@click.pass_context
def history(
    context: click.Context,
    place: str,
    words: tuple[str, ...],
    *,
    kinds: tuple[str, ...],
    limit: int | None,
    yes: bool,
) -> None:
    """Tell what was uploaded, saved, fetched and played, newest first.

    `rm` and `clear` make the service forget lines; the files they tell of stay.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        action = words[0] if words else "ls"
        if action not in _ACTIONS or (action == "rm") is (len(words) < 2):
            raise UsageError("After NAME: come `ls`, `rm ID`, `clear`, or nothing.")
        storage = await runtime.storage(runtime.parse(place).at.account)
        keeper: object = storage
        if not isinstance(keeper, KeepsHistory):
            raise NotSupported(f"{storage.title} keeps no history.")
        if action == "clear":
            await confirm(f"Forget the whole history of {storage.title}? Files stay.", yes=yes)
            await keeper.clear_history()
        elif action == "rm":
            await keeper.forget_history(words[1:])
        else:
            await _list(keeper, output, [Deed(kind) for kind in kinds], limit)
        return 0

    run(context, body)


async def _list(keeper: KeepsHistory, output: Output, deeds: list[Deed], limit: int | None) -> None:
    told = 0
    async for page in keeper.scan_history(deeds):
        for line in page:
            if told == limit:
                output.say(f"These are the newest {present.count(told, 'line')}; more follow.")
                return
            told += 1
            if output.as_json:
                output.value(_json(line))
            else:
                output.line(
                    f"{output.name(line.id)}  {moment(line.when_ns)}  {line.words:<9}"
                    f"  {output.name(line.name)}"
                )


def _json(line: Happened) -> dict[str, object]:
    """`id, kind, what, time, name, file_id, type, size, trashed`; the last three are null where the
    service does not tell, or the entry is gone."""
    entry = line.entry
    return {
        "id": line.id,
        "kind": str(line.deed),
        "what": line.words,
        "time": rfc3339(line.when_ns),
        "name": line.name,
        "file_id": line.at.node if line.at is not None else None,
        "type": None if entry is None else str(entry.kind),
        "size": None if entry is None else entry.size,
        "trashed": None if entry is None else line.in_trash,
    }
