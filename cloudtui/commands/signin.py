"""`login` and `logout`."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import click
from msgspec import Struct

from cloudtui.cli_output import Output
from cloudtui.commands.asking import asked, asked_line
from cloudtui.commands.session import GeneralCommand, run
from cloudtui.services.errors import CaptchaNeeded, CloudError, LoginNeeded, UsageError
from cloudtui.services.models import Secret
from cloudtui.services.naming import display_name

if TYPE_CHECKING:
    from cloudtui.services.accounts import Account, Keys
    from cloudtui.services.pcloud.signin import SignedIn as PCloudSignedIn
    from cloudtui.services.runtime import Runtime


class Way(Struct, frozen=True):
    """How the sign-in is to go, as the options say."""

    username: str
    password_stdin: bool
    token_stdin: bool
    paste: bool
    poll: bool
    browser: bool
    force: bool

    @property
    def may_ask(self) -> bool:
        """Whether somebody sits there and no option forbids a question."""
        return sys.stdin.isatty() and not (self.password_stdin or self.token_stdin)


async def _line() -> str:
    """The next line of stdin without its end; empty at the end of input."""
    return (await asked_line()).rstrip("\r\n")


async def _ask(question: str, *, hidden: bool = False) -> str:
    return str(await asked(partial(click.prompt, question, hide_input=hidden, err=True)))


@click.command(cls=GeneralCommand)
@click.option("--kind", type=click.Choice(["pikpak", "pcloud"]), help="What kind of account.")
@click.option("--username", default="", help="E-mail, +phone or user name (PikPak).")
@click.option("--password-stdin", is_flag=True, help="The password is the first line of stdin.")
@click.option("--token-stdin", is_flag=True, help="A token (bare or rclone's JSON) on stdin.")
@click.option("--paste", is_flag=True, help="Print the link, then read what it led to.")
@click.option("--poll", is_flag=True, help="pCloud: print a link to approve anywhere, and wait.")
@click.option("--browser", is_flag=True, help="pCloud: open the browser of this machine.")
@click.option("--force", is_flag=True, help="Ask again even if it was allowed before.")
@click.argument("name")
@click.pass_context
def login(
    context: click.Context,
    name: str,
    *,
    kind: str | None,
    username: str,
    password_stdin: bool,
    token_stdin: bool,
    paste: bool,
    poll: bool,
    browser: bool,
    force: bool,
) -> None:
    """Sign in to an account called NAME; it is added when it is new.

    Options of the account given with --set are kept in the settings, too.
    """
    way = Way(username, password_stdin, token_stdin, paste, poll, browser, force)

    async def body(runtime: Runtime, output: Output) -> int:
        if way.password_stdin and way.token_stdin:
            raise UsageError("Either a password or a token comes on stdin, not both.")
        known = runtime.accounts().get(name)
        chosen = kind or (known.kind if known else None)
        if chosen is None:
            raise UsageError(f"{name} is new; --kind pikpak or --kind pcloud says what it is.")
        if known is not None and chosen != known.kind:
            raise UsageError(f"{name} is an account of {known.kind}.", hint="Use another name.")
        account = runtime.account_to_sign_in(name, chosen)
        keys = runtime.keys(name)
        signer = _pikpak if chosen == "pikpak" else _pcloud
        learned, who = await signer(runtime, output, account, keys, way)
        if not await keys.can_store():
            raise LoginNeeded(keys.reason)
        runtime.settings.set_account(name, {"kind": chosen, **learned})
        said = runtime.settings.set_for_accounts.get(name, {})
        for key in said:
            if key in account.options and key not in learned:
                runtime.settings.set(f"{name}.{key}", said[key])
        if output.as_json:
            output.value({"name": name, "kind": chosen, "username": who})
        output.say(f"Signed in to {name} as {display_name(who)}." if who else "Signed in.")
        return 0

    run(context, body, new_account=name)


Learned = tuple[Mapping[str, str], str]


async def _pikpak(
    runtime: Runtime, output: Output, account: Account, keys: Keys, way: Way
) -> Learned:
    from cloudtui.services.pikpak import signin

    if way.poll or way.browser:
        raise UsageError("PikPak signs in with a password or a token.")
    username = way.username or account.text("username")
    if way.token_stdin:
        token = Secret(await _line())
        done = await signin.take_refresh_token(
            account, keys, runtime.network, token, runtime.retries
        )
        if done.note:
            output.say(done.note)
        return ({"username": username} if username else {}), username or done.title
    if not username and way.may_ask:
        username = await _ask("E-mail or +phone")
    if not username:
        raise UsageError("PikPak needs a user name.", hint="--username gives it.")
    password = await _password(keys, way)
    captcha = keys.from_env("captcha_token")
    while True:
        try:
            done = await signin.sign_in(
                account, keys, runtime.network, runtime.retries, username, password, captcha
            )
        except CaptchaNeeded as puzzle:
            captcha = await _solve(output, puzzle, way)
        else:
            if done.note:
                output.say(done.note)
            return {"username": username}, username


async def _password(keys: Keys, way: Way) -> Secret:
    given = keys.from_env("password")
    if way.password_stdin:
        given = Secret(await _line())
    elif given is None and way.may_ask:
        given = Secret(await _ask("Password", hidden=True))
    if not given:
        raise LoginNeeded("A password is needed.", hint="--password-stdin reads it.")
    return given


async def _solve(output: Output, puzzle: CaptchaNeeded, way: Way) -> Secret:
    """Show the puzzle's link and take what it led to; the puzzle's own token when nothing was
    pasted. Raises the puzzle itself where nobody can answer."""
    from cloudtui.services.pikpak.signin import parse_captcha_paste

    output.line(puzzle.url)
    if not (way.paste or way.may_ask):
        raise puzzle
    output.say("Open the link, solve the puzzle, then paste the address it ends at (or the token):")
    pasted = await _line()
    if not pasted and not sys.stdin.isatty():
        raise puzzle
    return parse_captcha_paste(pasted or puzzle.url)


async def _pcloud(
    runtime: Runtime, output: Output, account: Account, keys: Keys, way: Way
) -> Learned:
    from cloudtui.services.pcloud import signin

    if way.password_stdin:
        raise UsageError(
            "pCloud no longer lets programs in with a password.",
            hint="--poll, --browser, --paste or --token-stdin.",
        )
    given = keys.from_env("token")
    if not (way.token_stdin or given):
        await _tell_of_rclone(runtime, output)
    if way.token_stdin:
        token = signin.parse_token(await asked(sys.stdin.read))
        done = await signin.check_token(account, runtime.network, token)
    elif way.paste:
        done = await _paste_code(runtime, output, account, keys, way)
    elif way.browser:
        done = await _browser(runtime, output, account, keys, way)
    elif way.poll or (given is None and way.may_ask):
        done = await _poll(runtime, output, account, way)
    elif given is not None:
        done = await signin.check_token(account, runtime.network, given)
    else:
        raise LoginNeeded(
            "A sign-in to pCloud needs a way.", hint="--poll, --browser, --paste or --token-stdin."
        )
    await signin.store(keys, done)
    learned = {"region": done.region} if done.region else {"api_url": done.api_url}
    who = {"username": done.email} if done.email else {}
    return {**learned, **who}, done.email


async def _tell_of_rclone(runtime: Runtime, output: Output) -> None:
    """Whoever has a sign-in already need not make one."""
    from cloudtui.services.imports.rclone import signed_in

    for remote in await asyncio.to_thread(signed_in, "pcloud", runtime.environ):
        name = display_name(remote.name)
        command = f"cloudtui import rclone {shlex.quote(name)}"
        output.say(f"rclone's {name} is signed in to pCloud: `{command}` takes that.")


async def _poll(runtime: Runtime, output: Output, account: Account, way: Way) -> PCloudSignedIn:
    from cloudtui.services.pcloud import signin

    request = signin.new_request_id()
    url = signin.authorize_url(
        account, response_type="poll_token", request_id=request, force=way.force
    )

    def show() -> None:
        output.line(url)
        output.say("Open the link on any device and approve; waiting.")

    return await signin.poll_token(account, runtime.network, request, on_open=show)


async def _client_secret(account: Account, keys: Keys, way: Way) -> Secret:
    from cloudtui.services.pcloud.regions import AUTHORIZE

    given = keys.from_env("client_secret") or await keys.read(
        "client_secret", account.origin("authorize_url", AUTHORIZE)
    )
    if given is None and way.may_ask:
        given = Secret(await _ask("Client secret of your app", hidden=True))
    if not given:
        raise LoginNeeded(
            "The client secret of your pCloud app is needed.",
            hint="Its variable ends in __CLIENT_SECRET.",
        )
    return given


async def _paste_code(
    runtime: Runtime, output: Output, account: Account, keys: Keys, way: Way
) -> PCloudSignedIn:
    from cloudtui.services.pcloud import signin

    output.line(signin.authorize_url(account, response_type="code", force=way.force))
    output.say("Open the link, approve, then paste the code it shows (or a token):")
    pasted = (await _line()).strip()
    if not pasted:
        raise LoginNeeded("Nothing was pasted.", hint="Run it again and paste the code.")
    code, hostname = pasted, ""
    if "://" in pasted:
        query = parse_qs(urlsplit(pasted).query)
        code = query.get("code", [""])[0]
        hostname = query.get("hostname", [""])[0]
        if not code:
            raise UsageError("That address holds no code=.", hint="Copy it after approving.")
    try:
        secret = await _client_secret(account, keys, way)
        return await signin.exchange_code(account, runtime.network, secret, code, hostname=hostname)
    except LoginNeeded as refused:
        if hostname or "://" in pasted:
            raise
        try:
            return await signin.check_token(account, runtime.network, signin.parse_token(pasted))
        except CloudError:
            raise refused from None


async def _browser(
    runtime: Runtime, output: Output, account: Account, keys: Keys, way: Way
) -> PCloudSignedIn:
    from cloudtui.services.browser import open_url
    from cloudtui.services.pcloud import signin
    from cloudtui.services.pcloud.redirect import LoopbackReceiver

    secret = await _client_secret(account, keys, way)
    state = signin.new_state()
    port, minutes = signin.redirect_port(account), signin.approve_minutes(account)
    async with LoopbackReceiver(state=state, port=port, minutes=minutes) as receiver:
        url = signin.authorize_url(
            account,
            response_type="code",
            state=state,
            redirect_uri=receiver.uri,
            force=way.force,
        )
        output.line(url)
        output.say(
            "Approve in the browser; waiting."
            if open_url(url)
            else "No browser could be opened: open the link on this machine and approve."
        )
        answer = await receiver.wait()
    done = await signin.exchange_code(
        account,
        runtime.network,
        secret,
        answer.code,
        hostname=answer.hostname,
        locationid=answer.locationid,
    )
    if not answer.state_seen:
        await _confirm_owner(output, done.email)
    return done


async def _confirm_owner(output: Output, email: str) -> None:
    """A redirect without `state` could come from somebody else's page: ask whose account it is."""
    if not sys.stdin.isatty():
        raise LoginNeeded("The answer of the browser cannot be tied to this sign-in.")
    output.say(f"The answer came for {display_name(email)}.")
    if not await asked(partial(click.confirm, "Is this your account?", err=True)):
        raise LoginNeeded("Nothing was stored.")


@click.command(cls=GeneralCommand)
@click.option("--keep-settings", is_flag=True, help="Forget the sign-in only.")
@click.argument("name")
@click.pass_context
def logout(context: click.Context, name: str, *, keep_settings: bool) -> None:
    """Forget an account's sign-in and settings on this machine."""

    async def body(runtime: Runtime, output: Output) -> int:
        name_ = name.rstrip(":")
        runtime.account(name_)
        await runtime.keys(name_).forget()
        if not keep_settings:
            runtime.settings.remove_account(name_)
        output.say(f"{name_} is signed out here; nothing was changed in the cloud.")
        return 0

    run(context, body)
