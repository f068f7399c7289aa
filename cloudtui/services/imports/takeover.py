"""Making an account of ours out of one of another program's.

pCloud's tokens do not expire and are taken as they are. PikPak's are good for one use: taking one
signs the other program out, so the password is used instead unless the token is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from cloudtui.services.accounts import Account, Keys, check_name
from cloudtui.services.errors import CloudError, LoginNeeded, UsageError
from cloudtui.services.imports.remote import Remote
from cloudtui.services.models import Secret
from cloudtui.services.naming import display_name
from cloudtui.services.network import Network
from cloudtui.services.options import ACCOUNT, Value, parse
from cloudtui.services.runtime import Runtime


class Taken(Struct, frozen=True):
    """An account that is signed in now. `left_out` names what could not be taken along."""

    name: str
    kind: str
    who: str
    left_out: tuple[str, ...]


async def take(
    runtime: Runtime,
    remote: Remote,
    *,
    token: bool = False,
    replace: bool = False,
    captcha: Secret | None = None,
) -> Taken:
    """Sign in as another program is signed in, and keep it as the account `remote.account`.

    With `token` PikPak's token is taken instead of signing in anew. Raises UsageError when there is
    an account of that name and it is not to be replaced; LoginNeeded, CaptchaNeeded. Nothing is
    kept of what failed.
    """
    name = remote.account
    check_name(name)
    before = runtime.accounts().get(name)
    if before is not None and not replace:
        raise UsageError(
            f"There is an account called {name} already; it was left alone.",
            hint="--force replaces it.",
        )
    options, wrong = _options(remote)
    if before is not None:
        await runtime.keys(name).forget()
        runtime.settings.remove_account(name)
    runtime.settings.set_account(name, {"kind": remote.kind, **options})
    keys = runtime.keys(name)
    try:
        account = runtime.account_to_sign_in(name, remote.kind)
        if not await keys.can_store():
            raise LoginNeeded(keys.reason)
        if remote.kind == "pcloud":
            who, learned = await _pcloud(runtime.network, account, keys, remote)
            runtime.settings.set_account(name, learned)
        else:
            who = await _pikpak(runtime, account, keys, remote, token=token, captcha=captcha)
    except CloudError:
        if before is None:
            runtime.settings.remove_account(name)
        raise
    for key, value in runtime.settings.set_for_accounts.get(name, {}).items():
        # what was said for this run belongs to the account from now on
        if key in ACCOUNT[remote.kind]:
            runtime.settings.set(f"{name}.{key}", value)
    return Taken(name, remote.kind, who, (*remote.left_out, *wrong))


def _options(remote: Remote) -> tuple[Mapping[str, Value], tuple[str, ...]]:
    """The remote's settings as values of ours, and the names of those that make none."""
    known = ACCOUNT[remote.kind]
    taken: dict[str, Value] = {}
    wrong: list[str] = []
    for key, text in remote.options.items():
        try:
            taken[key] = parse(known[key], text)
        except ValueError:
            wrong.append(key)
    return taken, tuple(wrong)


async def _pcloud(
    network: Network, account: Account, keys: Keys, remote: Remote
) -> tuple[str, Mapping[str, Value]]:
    from cloudtui.services.pcloud import signin
    from cloudtui.services.pcloud.regions import AUTHORIZE

    if not remote.token:
        raise LoginNeeded(
            f"{display_name(remote.name)} holds no sign-in to pCloud.",
            hint=f"Sign in by `cloudtui login {account.name} --kind pcloud`.",
        )
    token = signin.parse_token(remote.token.reveal())
    done = await signin.check_token(account, network, token)
    await signin.store(keys, done)
    if remote.client_secret:
        page = account.origin("authorize_url", AUTHORIZE)
        await keys.write("client_secret", page, remote.client_secret)
    where: dict[str, Value] = {"region": done.region} if done.region else {"api_url": done.api_url}
    if done.email:
        where["username"] = done.email
    return done.email, where


async def _pikpak(
    runtime: Runtime,
    account: Account,
    keys: Keys,
    remote: Remote,
    *,
    token: bool,
    captcha: Secret | None,
) -> str:
    from cloudtui.services.pikpak import signin

    network, retries = runtime.network, runtime.retries
    if token:
        if not remote.token:
            raise LoginNeeded(f"{display_name(remote.name)} holds no token.")
        done = await signin.take_refresh_token(account, keys, network, remote.token, retries)
        return remote.username or done.title
    if not remote.username or not remote.password:
        raise LoginNeeded(
            f"{display_name(remote.name)} holds no user name and password.",
            hint="--take-token takes its token; rclone is then signed out.",
        )
    await signin.sign_in(account, keys, network, retries, remote.username, remote.password, captcha)
    return remote.username
