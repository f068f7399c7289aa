"""`share look` and `share save`: public links of other people, looked into and saved from.

Takes the group from `shares`, so that loading this loads all of it.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click
from msgspec.structs import replace

from cloudtui.cli_output import Output
from cloudtui.commands.folders import make_folder
from cloudtui.commands.offline import task_json
from cloudtui.commands.rows import entry_json, entry_line
from cloudtui.commands.session import run
from cloudtui.commands.shares import password_asked, password_given, share
from cloudtui.services.errors import NotSupported, PasswordNeeded, UsageError
from cloudtui.services.listing import order
from cloudtui.services.models import DISK, Found, Location, OfflineTask, TaskPhase
from cloudtui.services.naming import display_name
from cloudtui.services.shares import OpensShares, SharedItem, ShareLink, found_in

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime
    from cloudtui.services.storage import Storage

T = TypeVar("T")


@share.command("look")
@click.option("-l", "--long", is_flag=True, help="Size and time of each entry.")
@click.option("--ids", is_flag=True, help="Show the service's ids.")
@click.option("--link", is_flag=True, help="Print a direct link to the one file PATH.")
@click.option("--as", "account", metavar="NAME:", help="The account that looks.")
@click.option("--password-stdin", is_flag=True, help="The pass code is the first line of stdin.")
@click.argument("url")
@click.argument("path", default="/")
@click.pass_context
def share_look(
    context: click.Context,
    url: str,
    path: str,
    *,
    account: str | None,
    long: bool,
    ids: bool,
    link: bool,
    password_stdin: bool,
) -> None:
    """List what somebody's public link shows, or a folder in it. Nothing is saved.

    A part of PATH may be #ID, as --ids shows them. A pass code may stand behind the link as
    ?pwd=CODE; else it is asked for.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        name = runtime.parse(account).at.account if account else None
        storage, place, known = await _opener(runtime, url, name)

        async def look(opened: ShareLink) -> list[SharedItem]:
            item = await found_in(place, opened, path)
            if link:
                if item is None:
                    raise UsageError("--link wants the path of one file.")
                direct = await place.shared_content(opened, item)
                if output.as_json:
                    output.value({"url": direct})
                else:
                    output.line(direct)
                return []
            return [row async for page in place.scan_share(opened, item) for row in page]

        rows = await _unlocked(output, known, look, given=password_stdin)
        for index in order([row.entry for row in rows]):
            row = rows[index]
            at = Location(DISK, row.parts)
            if output.as_json:
                output.value(entry_json(at, row.entry, storage.caps))
            else:
                found = Found(at, row.entry)
                output.line(entry_line(found, output, shown=row.entry.name, long=long, ids=ids))
        return 0

    run(context, body)


@share.command("save")
@click.option("--password-stdin", is_flag=True, help="The pass code is the first line of stdin.")
@click.argument("url")
@click.argument("words", nargs=-1, required=True, metavar="[PATH]... NAME:/DIR")
@click.pass_context
def share_save(
    context: click.Context, url: str, words: tuple[str, ...], *, password_stdin: bool
) -> None:
    """Save what somebody's public link shows into a folder, which is made when missing.

    With PATH only those parts of it; `share look` shows them. The service copies by itself.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        *paths, target = words
        folder = runtime.parse(target).at
        storage, place, known = await _opener(runtime, url, folder.account)

        async def save(opened: ShareLink) -> OfflineTask:
            items = [await found_in(place, opened, path) for path in paths]
            some = [item for item in items if item is not None]
            into = folder
            if folder.parts and not folder.node:
                into = (await make_folder(storage, folder, parents=True)).at
            whole = len(some) < len(items) or not paths
            return await place.save_share(opened, into, None if whole else some)

        task = await _unlocked(output, known, save, given=password_stdin)
        if output.as_json:
            output.value(task_json(task))
            return 0
        done = "saved" if task.phase is TaskPhase.DONE else f"{storage.title} goes on saving"
        where = f"  {output.name(str(task.target))}" if task.target is not None else ""
        there = f"  (already there: {task.there})" if task.there else ""
        output.line(f"{done}  {output.name(task.name)}{where}{there}")
        return 0

    run(context, body)


async def _opener(
    runtime: Runtime, url: str, account: str | None
) -> tuple[Storage, OpensShares, ShareLink]:
    """The account that reads a link (the first that can, where none is named), and what the link
    says."""
    opens = False
    for name in runtime.accounts() if account is None else [account]:
        storage = await runtime.storage(name)
        place: object = storage
        if not isinstance(place, OpensShares) or not storage.caps.opens_shares:
            continue
        opens = True
        link = place.share_link(url)
        if link is not None:
            return storage, place, link
    if not opens:
        title = (await runtime.storage(account)).title if account is not None else "No account here"
        looks = "looks" if account is None else "does not look"
        raise NotSupported(
            f"{title} {looks} into public links of others.",
            hint="A PikPak account does: cloudtui login NAME --kind pikpak",
        )
    shown = display_name(url.partition("?")[0])
    raise UsageError(f"{shown} is no link to a share.", hint="https://mypikpak.com/s/… is one.")


async def _unlocked(
    output: Output,
    link: ShareLink,
    ask: Callable[[ShareLink], Awaitable[T]],
    *,
    given: bool,
) -> T:
    """The answer of `ask`, which gets the link with its pass code: `given` on stdin, or asked for
    until it is right. Raises PasswordNeeded where nobody sits there."""
    if given:
        link = replace(link, code=await password_given())
    while True:
        try:
            return await ask(link)
        except PasswordNeeded as error:
            if given or not sys.stdin.isatty():
                raise
            output.say(error.text)
            link = replace(link, code=await password_asked("Pass code"))
