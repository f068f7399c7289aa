"""Signing in to PikPak, for screens and commands alike: steps and words, no dialogs.

A puzzle is told as `CaptchaNeeded` with the whole address; the caller shows it and comes back with
what `parse_captcha_paste` made of the answer. With nothing pasted, the token inside the puzzle's
own address may be tried once: solving often makes that one good.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

from cloudtui.services.accounts import Account, Keys
from cloudtui.services.errors import CloudError, LoginNeeded, UsageError
from cloudtui.services.models import Secret
from cloudtui.services.network import Network
from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.auth import SPEAKING, TRYING, bare_token
from cloudtui.services.pikpak.client import Api
from cloudtui.services.pikpak.identities import Identity
from cloudtui.services.pikpak.profile import profile_of
from cloudtui.services.retry import Retries


class SignedIn(Struct, frozen=True):
    """Who was signed in: the service's id of the user, and a name to show (may be masked). `note`
    is a sentence when PikPak did not take the program it was asked as first."""

    user_id: str
    title: str
    note: str = ""


@asynccontextmanager
async def _api(
    account: Account, keys: Keys, network: Network, retries: Retries
) -> AsyncIterator[Api]:
    profile = profile_of(
        account, (keys.recall(TRYING) or keys.recall(SPEAKING)).decode(errors="replace")
    )
    api = Api(profile, keys, network, retries)
    try:
        yield api
    finally:
        await api.close()


async def sign_in(
    account: Account,
    keys: Keys,
    network: Network,
    retries: Retries,
    username: str,
    password: Secret,
    captcha_token: Secret | None = None,
) -> SignedIn:
    """Sign in with a password and store the tokens; the password is not stored.

    Raises CaptchaNeeded (its `url` is the whole puzzle), WrongPassword, TooMany, LoginNeeded when
    there is no store or this network is not let in.
    """
    if not username or not password:
        raise UsageError("PikPak needs a user name and a password.")
    async with _api(account, keys, network, retries) as api, keys.lock():
        first = api.profile.identity
        access = await api.auth.sign_in(username, password, captcha_token or None, insist=True)
        return SignedIn(access.user_id, username, _note(first, api.profile.identity))


async def take_refresh_token(
    account: Account,
    keys: Keys,
    network: Network,
    token: Secret,
    retries: Retries | None = None,
) -> SignedIn:
    """Sign in with a refresh token (bare, or rclone's token JSON). Whoever had it before is signed
    out by that: it is good for one use. Raises LoginNeeded when it is dead or nothing can store
    its successor."""
    bare = bare_token(token)
    if not bare:
        raise UsageError("The token is empty.")
    async with _api(account, keys, network, retries or Retries()) as api:
        first = api.profile.identity
        async with keys.lock():
            if not await keys.can_store():
                # spending it with no place for its successor would sign everybody out
                raise LoginNeeded(keys.reason)
            try:
                access = await api.auth.spend_as_any(bare)
            except LoginNeeded as error:
                raise LoginNeeded(
                    "PikPak does not take this token: it was used already, has ended, or belongs"
                    " to a program it does not know any more.",
                    hint="Take a fresh one, or sign in with the password.",
                    detail=error.detail,
                ) from error
        return SignedIn(access.user_id, await _title(api), _note(first, api.profile.identity))


def _note(first: Identity, taken: Identity) -> str:
    if first == taken:
        return ""
    return (
        f"PikPak does not take programs that sign in as `{first.name}`;"
        f" this one goes on as `{taken.name}`."
    )


async def _title(api: Api) -> str:
    """A name for the account; its id when the profile cannot be read."""
    try:
        me = await api.call(wire.Me, "GET", "/v1/user/me", host=api.profile.user_url)
    except CloudError:
        return api.profile.account
    return me.email or me.name or api.profile.account


def parse_captcha_paste(text: str) -> Secret:
    """The captcha token in what was pasted: the address the puzzle ended at, or the bare token.

    Raises UsageError that says what is missing.
    """
    pasted = text.strip().strip("\"'<>")
    if not pasted:
        raise UsageError("Nothing was pasted.", hint="Copy the whole address the puzzle ended at.")
    if "captcha_token=" in pasted:
        parts = urlsplit(pasted)
        for query in (parts.query, parts.fragment, pasted.partition("?")[2], pasted):
            value = parse_qs(query).get("captcha_token", [""])[0]
            if value:
                return Secret(value)
        raise UsageError(
            "The `captcha_token` in this address is empty.",
            hint="Solve the puzzle to its end, then copy the address again.",
        )
    if "://" in pasted or pasted.startswith("www."):
        raise UsageError(
            "This address holds no `captcha_token=`.",
            hint="Copy the address after the puzzle is solved, or only the token.",
        )
    if any(char.isspace() for char in pasted) or len(pasted) < 16:
        raise UsageError(
            "This is neither an address with `captcha_token=` nor a whole token.",
            hint="A token is one long word without spaces.",
        )
    return Secret(pasted)
