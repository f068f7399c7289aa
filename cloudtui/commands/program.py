"""Commands about the program itself: `doctor`, `paths`, `keys`, `completion`, `sandbox`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloudtui.cli_output import Output
from cloudtui.commands.session import GeneralCommand, general_of, run
from cloudtui.services.errors import ExitCode
from cloudtui.services.naming import display_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cloudtui.services.runtime import Runtime
    from cloudtui.services.settings import Settings


@click.command(cls=GeneralCommand)
@click.pass_context
def paths(context: click.Context) -> None:
    """Name every folder and file the program uses."""
    from cloudtui.services.paths import Paths

    general = general_of(context)
    output = general.output()
    named = Paths.find(settings_file=general.config).named()
    if output.as_json:
        output.value({name: str(path) for name, path in named.items()})
        return
    width = max(len(name) for name in named)
    for name, path in named.items():
        output.line(f"{name:<{width}}  {output.name(str(path))}")


@click.command(cls=GeneralCommand)
@click.pass_context
def keys(context: click.Context) -> None:
    """Show what every key does."""
    from cloudtui.actions import key_table, use_keys
    from cloudtui.services.paths import Paths
    from cloudtui.services.settings import Settings

    general = general_of(context)
    output = general.output()
    found = Paths.find(settings_file=general.config)
    settings = Settings(found, assignments=tuple(general.assignments))
    use_keys(_own_keys(settings, output))
    last = ""
    for place, group, names, words in key_table():
        if output.as_json:
            output.value({"place": place, "group": group, "keys": names, "words": words})
            continue
        if place != last:
            if last:
                output.line()
            output.line(place)
            last = place
        output.line(f"  {names:<32}  {words}")


def _own_keys(settings: Settings, output: Output) -> Mapping[str, tuple[str, ...]]:
    """The keys of the set that is chosen, with the user's own on top; what of these cannot be used
    is told."""
    preset = settings.text("keys")
    if not settings.keymap:
        from cloudtui.key_presets import PRESETS

        return PRESETS[preset]
    from cloudtui.keymap import read_keymap  # names of keys are the screen framework's

    found, complaints = read_keymap(settings.keymap, preset)
    for complaint in complaints:
        output.say(display_name(complaint, edges=False))
    return found


@click.command(cls=GeneralCommand)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete cloudtui's commands."""
    from click.shell_completion import get_completion_class

    from cloudtui.cli import cloudtui

    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(cloudtui, {}, "cloudtui", "_CLOUDTUI_COMPLETE").source())


@click.command(cls=GeneralCommand)
@click.pass_context
def doctor(context: click.Context) -> None:
    """Check the installation: folders, keyring, journal, accounts."""

    async def body(runtime: Runtime, output: Output) -> int:
        from cloudtui.services.doctor import examine

        worst = 0
        async for finding in examine(runtime):
            if output.as_json:
                output.value({"check": finding.name, "ok": finding.ok, "message": finding.text})
            else:
                output.line(f"{'ok ' if finding.ok else '!! '} {finding.name}: {finding.text}")
            worst = worst or (0 if finding.ok else int(ExitCode.SOME_LEFT))
        return worst

    run(context, body)


@click.command(cls=GeneralCommand)
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Keep bytes here.")
@click.option(
    "--endpoints",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write addresses and credentials here when ready.",
)
@click.option("--port-base", type=click.IntRange(0, 65500), default=0, help="First port; 0: any.")
@click.option("--seed", "seeds", multiple=True, metavar="SPEC", help="What the drives hold.")
@click.option("--allow-fetch", multiple=True, metavar="HOST", help="Hosts links may point to.")
@click.option("--tls-cert", type=click.Path(exists=True, path_type=Path), help="Serve TLS.")
@click.option("--tls-key", type=click.Path(exists=True, path_type=Path), help="Its key.")
def sandbox(
    data: Path | None,
    endpoints: Path | None,
    port_base: int,
    seeds: tuple[str, ...],
    allow_fetch: tuple[str, ...],
    tls_cert: Path | None,
    tls_key: Path | None,
) -> None:
    """Serve both clouds on this machine, for trying out and for tests."""
    import os

    from cloudtui.sandbox.command import run as serve

    try:
        code = serve(
            data,
            endpoints,
            port_base,
            seeds,
            allow_fetch,
            tls_cert,
            tls_key,
            parent_pid=os.getppid(),
        )
    except (ValueError, OSError) as exc:
        Output().say(f"The servers could not start: {exc}")
        code = int(ExitCode.USAGE if isinstance(exc, ValueError) else ExitCode.REFUSED)
    sys.exit(code)
