"""`share`: public links of one's own; what others share is in `shared`."""

from __future__ import annotations

import contextlib
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from cloudtui import present
from cloudtui.cli_output import Output, rfc3339
from cloudtui.commands.asking import asked, asked_line
from cloudtui.commands.listing import find
from cloudtui.commands.rows import moment
from cloudtui.commands.session import Failures, GeneralGroup, run
from cloudtui.services.errors import CloudError, LoginNeeded, NotFound, NotSupported, UsageError
from cloudtui.services.models import Secret, Share
from cloudtui.services.naming import display_name
from cloudtui.services.shares import ChangesShares, new_password
from cloudtui.services.storage import HasShares

if TYPE_CHECKING:
    from cloudtui.services.runtime import Runtime

_SHOWS: Final = "cloudtui share ls shows the links."


@click.group(cls=GeneralGroup)
def share() -> None:
    """Public links."""


def share_json(one: Share, *, secret: bool = False) -> dict[str, object]:
    """`id, url, name, path, created, expires, downloads, max_downloads, views, files, size,
    protected, message`; with `secret` also the `password`."""
    told: dict[str, object] = {
        "id": one.id,
        "url": one.url,
        "name": one.name,
        "path": one.at.path if one.at else None,
        "created": rfc3339(one.created_ns),
        "expires": rfc3339(one.expires_ns),
        "downloads": one.downloads,
        "max_downloads": one.most_downloads,
        "views": one.views,
        "files": one.files,
        "size": one.size,
        "protected": one.protected,
        "message": one.note,
    }
    if secret:
        told["password"] = one.password.reveal() if one.password else None
    return told


@share.command("add")
@click.option("--days", type=click.IntRange(min=0), help="Days until it ends; 0: no end.")
@click.option(
    "--password-stdin", is_flag=True, help="It asks for the password that is stdin's first line."
)
@click.option(
    "--downloads", type=click.IntRange(min=0), help="How often it may be used; 0: no limit."
)
@click.argument("loc")
@click.pass_context
def share_add(
    context: click.Context,
    loc: str,
    *,
    days: int | None,
    password_stdin: bool,
    downloads: int | None,
) -> None:
    """Make a public link and print it.

    Where there is a link already, the limits given are put on that one.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        password = await password_given() if password_stdin else None
        storage, found, _ = await find(runtime, loc)
        place: object = storage
        if not isinstance(place, HasShares):
            raise NotSupported(f"{storage.title} makes no public links.")
        made = await place.share(found, days=days, password=password, most_downloads=downloads)
        if output.as_json:
            output.value(share_json(made, secret=True))
            return 0
        output.line(made.url)
        if made.password and not password_stdin:
            output.say(f"Its password is {made.password.reveal()}")
        return 0

    run(context, body)


async def password_given() -> Secret:
    """The password that is stdin's first line. Raises LoginNeeded when nothing comes."""
    line = await asked_line()
    if not line:
        raise LoginNeeded("No password came on stdin; nothing was done.")
    return Secret(line.rstrip("\r\n"))


async def _sharer(runtime: Runtime, text: str) -> HasShares:
    storage = await runtime.storage(runtime.parse(text).at.account)
    place: object = storage
    if not isinstance(place, HasShares):
        raise NotSupported(f"{storage.title} makes no public links.")
    return place


@share.command("ls")
@click.option("--passwords", is_flag=True, help="Show the passwords that the service tells.")
@click.argument("place", metavar="NAME:")
@click.pass_context
def share_ls(context: click.Context, place: str, *, passwords: bool) -> None:
    """List the account's public links, newest first."""

    async def body(runtime: Runtime, output: Output) -> int:
        async for page in (await _sharer(runtime, place)).scan_shares():
            for one in page:
                if output.as_json:
                    output.value(share_json(one, secret=passwords))
                    continue
                where = str(one.at) if one.at else one.name or "(not known)"
                limits = ", ".join(_limits(output, one, passwords=passwords))
                output.line(
                    f"{output.name(one.id)}  {output.name(one.url)}  {output.name(where)}  "
                    f"({limits})"
                )
        return 0

    run(context, body)


def _limits(output: Output, one: Share, *, passwords: bool = False) -> list[str]:
    """What limits a link and what became of it, in few words each."""
    words = [f"until {moment(one.expires_ns)}" if one.expires_ns else "without end"]
    if one.protected:
        told = one.password if passwords else None
        words.append(f"password {output.name(told.reveal())}" if told else "password")
    if one.most_downloads:
        words.append(f"{one.downloads or 0} of {one.most_downloads} downloads")
    elif one.downloads:
        words.append(f"used {present.count(one.downloads, 'time')}")
    if one.views:
        words.append(f"seen {present.count(one.views, 'time')}")
    if one.note:
        words.append(display_name(one.note))
    return words


@share.command("set")
@click.option("--days", type=click.IntRange(min=0), help="Days until it ends; 0: no end.")
@click.option(
    "--downloads", type=click.IntRange(min=0), help="How often it may be used; 0: no limit."
)
@click.option("--ask-password", "how", flag_value="ask", help="Ask for its new password here.")
@click.option("--password-stdin", "how", flag_value="stdin", help="It is stdin's first line.")
@click.option("--new-password", "how", flag_value="new", help="Make one up, and print it.")
@click.option("--no-password", "how", flag_value="none", help="It opens without one.")
@click.argument("place", metavar="NAME:")
@click.argument("which", metavar="ID|URL")
@click.pass_context
def share_set(
    context: click.Context,
    place: str,
    which: str,
    *,
    days: int | None,
    downloads: int | None,
    how: str | None,
) -> None:
    """Change the limits of a public link that is there, known by its id or address.

    What is told afterwards is what the service says of the link then.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        if how is None and days is None and downloads is None:
            raise UsageError("Nothing was named to change.", hint="--help names what can be.")
        storage = await runtime.storage(runtime.parse(place).at.account)
        changer: object = storage
        if not isinstance(changer, ChangesShares) or not storage.caps.share_changes:
            raise NotSupported(f"{storage.title} changes no public links.")
        one = await _known(await _sharer(runtime, place), which)
        password = await _password(how)
        changed = await changer.change_share(
            one, days=days, password=password, most_downloads=downloads
        )
        if output.as_json:
            output.value(share_json(changed, secret=True))
            return 0
        output.line(f"{output.name(changed.url)}  ({', '.join(_limits(output, changed))})")
        if password and how == "new":
            output.say(f"Its password is {password.reveal()}")
        return 0

    run(context, body)


async def _known(sharer: HasShares, which: str) -> Share:
    """The link of an id or address."""
    plain = which.partition("?")[0]
    async for page in sharer.scan_shares():
        for one in page:
            if which in (one.id, one.url) or (one.url and plain == one.url):
                return one
    raise NotFound(f"There is no link {display_name(plain)}.", hint=_SHOWS)


async def _password(how: str | None) -> Secret | None:
    """The new password, empty for none; None leaves it as it is."""
    match how:
        case "stdin":
            return await password_given()
        case "ask":
            return await password_asked("New password of the link")
        case "new":
            return new_password()
        case "none":
            return Secret("")
    return None


async def password_asked(question: str) -> Secret:
    """A password typed at the terminal. Raises LoginNeeded where there is none."""
    if not sys.stdin.isatty():
        raise LoginNeeded(
            "A password is needed and nobody is there to type it.",
            hint="--password-stdin reads it from stdin.",
        )
    return Secret(str(await asked(partial(click.prompt, question, hide_input=True, err=True))))


@share.command("rm")
@click.argument("place", metavar="NAME:")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.pass_context
def share_rm(context: click.Context, place: str, ids: tuple[str, ...]) -> None:
    """Take public links back, by the ids that `share ls` shows."""

    async def body(runtime: Runtime, output: Output) -> int:
        failures = Failures(output)
        sharer = await _sharer(runtime, place)
        known: set[str] | None = None
        with contextlib.suppress(NotSupported):  # a list closed to programs: the service tells
            known = {one.id async for page in sharer.scan_shares() for one in page}
        for one in ids:
            try:
                if known is not None and one not in known:
                    raise NotFound(f"There is no link {display_name(one)}.", hint=_SHOWS)
                await sharer.unshare([one])
            except CloudError as error:
                failures.add(error)
        return failures.exit_code

    run(context, body)
