"""`import`: accounts of rclone and putil."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output
from cloudtui.commands.session import Failures, GeneralCommand, run
from cloudtui.services.errors import CaptchaNeeded, CloudError, NotFound
from cloudtui.services.naming import display_name

if TYPE_CHECKING:
    from cloudtui.services.imports.remote import Remote
    from cloudtui.services.runtime import Runtime


@click.command("import", cls=GeneralCommand)
@click.option(
    "--take-token", is_flag=True, help="PikPak: use rclone's token; rclone is then signed out."
)
@click.option("--force", is_flag=True, help="Replace accounts of the same names.")
@click.argument("program", type=click.Choice(["rclone", "putil"]))
@click.argument("words", nargs=-1, metavar="[FILE] [REMOTE...]")
@click.pass_context
def take_accounts(
    context: click.Context, program: str, words: tuple[str, ...], *, take_token: bool, force: bool
) -> None:
    """Take over accounts of another program; its files are only read.

    PikPak is signed in anew with the user name and password that rclone keeps. pCloud's sign-in is
    taken as it is. Without REMOTE all accounts of both services are taken.
    """

    async def body(runtime: Runtime, output: Output) -> int:
        from cloudtui.services.imports.takeover import take

        failures = Failures(output)
        for remote in await asyncio.to_thread(_remotes, runtime, program, words):
            if remote.kind == "pikpak" and take_token:
                output.say("PikPak's tokens are good for one use: rclone is signed out by this.")
            captcha = runtime.keys(remote.account).from_env("captcha_token")
            try:
                done = await take(runtime, remote, token=take_token, replace=force, captcha=captcha)
            except CloudError as error:
                if isinstance(error, CaptchaNeeded):
                    output.line(error.url)
                failures.add(error)
                continue
            left = ", ".join(display_name(key) for key in done.left_out)
            if output.as_json:
                told = {"name": done.name, "kind": done.kind, "username": done.who}
                output.value({**told, "left_out": list(done.left_out)})
            output.say(
                f"{done.name}: signed in to {done.kind} as {display_name(done.who)}."
                + (f" Not taken along: {left}." if left else "")
            )
        return failures.exit_code

    run(context, body)


def _remotes(runtime: Runtime, program: str, words: tuple[str, ...]) -> list[Remote]:
    """The remotes that were asked for. Blocks; rclone may ask for a password."""
    from cloudtui.services.imports import putil, rclone

    home = rclone if program == "rclone" else putil
    path, names = _file(words)
    path = path or home.find(runtime.environ)
    if path is None:
        raise NotFound(f"There is no settings file of {program}.", hint="Name it after the word.")
    found = rclone.read(path, runtime.environ) if program == "rclone" else putil.read(path)
    known = {remote.name: remote for remote in found}
    missing = [name for name in names if name not in known]
    if missing or not found:
        what = display_name(missing[0]) if missing else "account of PikPak or pCloud"
        raise NotFound(
            f"{display_name(str(path))} holds no {what}.",
            hint=f"It has: {', '.join(map(display_name, known))}." if known else "",
        )
    return [known[name] for name in names] if names else found


def _file(words: tuple[str, ...]) -> tuple[Path | None, list[str]]:
    """The first word is the file when it looks like a path; names of remotes may end in a colon."""
    names = [word.removesuffix(":") for word in words]
    if words and ("/" in words[0] or words[0].endswith((".conf", ".json")) or "\\" in words[0]):
        return Path(words[0]).expanduser(), names[1:]
    return None, names
