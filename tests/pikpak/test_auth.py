"""Signing in and staying signed in, against the sandbox."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cloudtui.services.accounts import Account
from cloudtui.services.errors import (
    CaptchaNeeded,
    LoginNeeded,
    WrongPassword,
)
from cloudtui.services.models import Secret
from cloudtui.services.network import Network
from cloudtui.services.pikpak.signin import parse_captcha_paste, sign_in, take_refresh_token
from cloudtui.services.pikpak.storage import PikPakStorage
from cloudtui.services.secrets import MemoryStore
from tests.pikpak.stage import FAST, Stage, keys_in, options_of, solve, switch
from tests.sandbox_process import SandboxProcess

PASSWORD = Secret("pass word")


def account_in(sandbox: SandboxProcess, username: str, **options: object) -> Account:
    sandbox.admin.account("pikpak", username=username, password=PASSWORD.reveal())
    return Account("pk", "pikpak", options_of(sandbox, username, **options))


def calls(sandbox: SandboxProcess, since: int, path: str) -> list[dict[str, Any]]:
    return [each for each in sandbox.admin.log(since) if each["path"] == path]


def seen(sandbox: SandboxProcess) -> int:
    log = sandbox.admin.log()
    return int(log[-1]["seq"]) if log else 0


async def test_wrong_password_is_one_plain_sentence(
    sandbox: SandboxProcess, tmp_path: Path, username: str
) -> None:
    account = account_in(sandbox, username)
    with pytest.raises(WrongPassword) as caught:
        await sign_in(
            account, keys_in(tmp_path), Network(environ={}), FAST, username, Secret("wrong")
        )
    assert "wrong" not in str(caught.value)


async def test_salts_that_are_refused_are_told_and_the_next_client_goes_on(
    sandbox: SandboxProcess, tmp_path: Path, username: str
) -> None:
    account = account_in(sandbox, username)
    switch(sandbox, signs_refused=["web", "android-153"])
    keys, network = keys_in(tmp_path), Network(environ={})
    signed = await sign_in(account, keys, network, FAST, username, PASSWORD)
    assert signed.note == (
        "PikPak does not take programs that sign in as `web`; this one goes on as `pc`."
    )
    storage = PikPakStorage(account, keys, network, FAST)
    since = seen(sandbox)
    assert (await storage.quota()).total
    asked = {each["path"] for each in sandbox.admin.log(since)}
    assert "/v1/auth/signin" not in asked  # the one that is taken is remembered
    await storage.close()


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("fault", [False, True])
async def test_salts_that_are_refused_in_the_middle_of_work(
    sandbox: SandboxProcess, tmp_path: Path, username: str, known: bool, fault: bool
) -> None:
    """Whether the token had ended by itself, or is refused by a call."""
    account = account_in(sandbox, username)
    environ = {"CLOUDTUI_ACCOUNT__PK__PASSWORD": PASSWORD.reveal()} if known else {}
    keys, network = keys_in(tmp_path, environ), Network(environ={})
    signed = await sign_in(account, keys, network, FAST, username, PASSWORD)
    assert signed.note == ""
    storage = PikPakStorage(account, keys, network, FAST)
    assert (await storage.quota()).total
    switch(sandbox, signs_refused=["web"])
    if fault:
        sandbox.admin.fault(
            listener="pikpak.drive", match="GET /drive/v1/about", kind="expire_captcha", times=1
        )
    else:
        await storage.close()
        await keys.delete_sealed("captcha")
        storage = PikPakStorage(account, keys, network, FAST)
    if known:
        assert (await storage.quota()).total
        assert keys.recall("identity") == b"android-153"
    else:
        with pytest.raises(LoginNeeded, match="no longer takes programs that sign in as `web`"):
            await storage.quota()
    await storage.close()


async def test_a_token_of_another_action_is_cured_once(
    sandbox: SandboxProcess, tmp_path: Path, username: str
) -> None:
    account = account_in(sandbox, username)
    since = seen(sandbox)
    stale = Secret("ck0.this-was-never-issued")
    signed = await sign_in(
        account, keys_in(tmp_path), Network(environ={}), FAST, username, PASSWORD, stale
    )
    assert signed.user_id
    assert len(calls(sandbox, since, "/v1/auth/signin")) == 2


async def test_a_puzzle_is_told_whole_and_its_answer_taken(
    sandbox: SandboxProcess, tmp_path: Path, username: str
) -> None:
    account = account_in(sandbox, username)
    switch(sandbox, captcha_puzzle="demand")
    keys, network = keys_in(tmp_path), Network(environ={})
    with pytest.raises(CaptchaNeeded) as caught:
        await sign_in(account, keys, network, FAST, username, PASSWORD)
    assert caught.value.url.startswith(sandbox.endpoints["pikpak"]["user_url"])
    assert "captcha_token=" in caught.value.url
    answer = await asyncio.to_thread(solve, sandbox, caught.value.url)
    token = parse_captcha_paste(answer)
    signed = await sign_in(account, keys, network, FAST, username, PASSWORD, token)
    assert signed.title == username


async def test_a_password_refused_from_this_network_offers_the_token(
    sandbox: SandboxProcess, tmp_path: Path, username: str
) -> None:
    account = account_in(sandbox, username)
    switch(sandbox, signin_prohibited=True)
    with pytest.raises(LoginNeeded, match="network") as caught:
        await sign_in(account, keys_in(tmp_path), Network(environ={}), FAST, username, PASSWORD)
    assert "refresh token" in caught.value.hint


async def test_without_anything_login_is_needed(
    sandbox: SandboxProcess, tmp_path: Path, username: str
) -> None:
    account = account_in(sandbox, username)
    storage = PikPakStorage(account, keys_in(tmp_path), Network(environ={}), FAST)
    with pytest.raises(LoginNeeded, match="not signed in") as caught:
        await storage.quota()
    assert "cloudtui login pk" in caught.value.hint
    await storage.close()


async def test_a_password_from_the_environment_signs_in_by_itself(
    sandbox: SandboxProcess, tmp_path: Path, username: str
) -> None:
    account = account_in(sandbox, username)
    environ = {"CLOUDTUI_ACCOUNT__PK__PASSWORD": PASSWORD.reveal()}
    storage = PikPakStorage(account, keys_in(tmp_path, environ), Network(environ={}), FAST)
    assert (await storage.quota()).total
    await storage.close()


async def test_an_ended_access_token_is_renewed_unseen(stage: Stage) -> None:
    since = seen(stage.sandbox)
    await stage.storage.quota()
    stage.admin.age(7200)
    assert (await stage.storage.quota()).used == 0
    assert len(calls(stage.sandbox, since, "/v1/auth/token")) == 1


async def test_a_refused_access_token_is_renewed_unseen(stage: Stage) -> None:
    await stage.storage.quota()
    since = seen(stage.sandbox)
    stage.admin.fault(listener="pikpak.drive", match="GET /drive/v1/about", kind="expire_token")
    assert (await stage.storage.quota()).used == 0
    assert len(calls(stage.sandbox, since, "/v1/auth/token")) == 1


async def test_an_expired_captcha_is_renewed_for_the_action(stage: Stage) -> None:
    await stage.storage.quota()
    since = seen(stage.sandbox)
    stage.switch(captcha_required=True)
    stage.switch(captcha_scope="action")
    assert await stage.names() == []
    assert len(calls(stage.sandbox, since, "/v1/shield/captcha/init")) == 1
    stage.admin.age(300)
    assert await stage.names() == []


async def test_captcha_is_fetched_once_for_many_calls_at_once(stage: Stage) -> None:
    stage.admin.age(301)
    since = seen(stage.sandbox)
    await asyncio.gather(*(stage.storage.quota() for _ in range(12)))
    assert len(calls(stage.sandbox, since, "/v1/shield/captcha/init")) == 1


async def test_a_spent_refresh_token_is_told_in_those_words(
    stage: Stage, sandbox: SandboxProcess
) -> None:
    switch(sandbox, refresh_dead=True)
    stage.admin.age(7300)
    with pytest.raises(LoginNeeded, match="another program may have used the same sign-in"):
        await stage.storage.quota()


async def test_a_spent_refresh_token_falls_back_to_a_known_password(
    sandbox: SandboxProcess, tmp_path: Path, username: str
) -> None:
    account = account_in(sandbox, username)
    environ = {"CLOUDTUI_ACCOUNT__PK__PASSWORD": PASSWORD.reveal()}
    keys, network = keys_in(tmp_path, environ), Network(environ={})
    await sign_in(account, keys, network, FAST, username, PASSWORD)
    switch(sandbox, refresh_dead=True)
    sandbox.admin.age(7300)
    storage = PikPakStorage(account, keys, network, FAST)
    assert (await storage.quota()).used == 0
    await storage.close()


async def test_work_goes_on_while_the_access_token_lives(
    stage: Stage, sandbox: SandboxProcess
) -> None:
    switch(sandbox, refresh_dead=True)
    stage.admin.age(7200 - 40)  # inside the margin: renewing fails, the token still holds
    assert (await stage.storage.quota()).used == 0


async def test_a_seed_from_the_environment_is_stored_on_first_use(
    sandbox: SandboxProcess, tmp_path: Path, username: str
) -> None:
    account = account_in(sandbox, username)
    seed = sandbox.admin.token("pikpak", username=username)["refresh_token"]
    environ = {"CLOUDTUI_ACCOUNT__PK__TOKEN": json.dumps({"refresh_token": seed})}
    store = MemoryStore()
    for _ in range(2):  # the second process finds what the first one stored
        storage = PikPakStorage(
            account, keys_in(tmp_path, environ, store), Network(environ={}), FAST
        )
        assert (await storage.quota()).used == 0
        await storage.close()
        sandbox.admin.age(7300)


async def test_a_pasted_refresh_token_signs_in(
    sandbox: SandboxProcess, tmp_path: Path, username: str
) -> None:
    account = account_in(sandbox, username)
    keys, network = keys_in(tmp_path), Network(environ={})
    seed = Secret(sandbox.admin.token("pikpak", username=username)["refresh_token"])
    signed = await take_refresh_token(account, keys, network, seed, FAST)
    assert signed.user_id
    assert "@" in signed.title
    with pytest.raises(LoginNeeded, match="used already"):
        await take_refresh_token(account, keys, network, seed, FAST)
    # the good sign-in from before is still there
    storage = PikPakStorage(account, keys, network, FAST)
    sandbox.admin.age(7300)
    assert (await storage.quota()).used == 0
    await storage.close()


_WORKER = """
import asyncio, json, sys
from pathlib import Path
from cloudtui.services.accounts import Account, Keys
from cloudtui.services.network import Network
from cloudtui.services.paths import Paths
from cloudtui.services.pikpak.storage import PikPakStorage
from cloudtui.services.sealing import Sealer
from cloudtui.services.secrets import Secrets
from tests.pikpak.stage import FAST

async def main():
    job = json.loads(sys.argv[1])
    import os
    paths = Paths.find(os.environ)
    secrets = Secrets(paths, choice="vault", environ=os.environ)
    keys = Keys("pk", paths=paths, secrets=secrets,
                sealer=Sealer(secrets, paths.state_dir / "sealing.lock"), environ=os.environ)
    account = Account("pk", "pikpak", job["options"])
    network = Network(environ={})
    if job["password"]:
        from cloudtui.services.models import Secret
        from cloudtui.services.pikpak.signin import sign_in
        await sign_in(account, keys, network, FAST, job["options"]["username"],
                      Secret(job["password"]))
        return
    storage = PikPakStorage(account, keys, network, FAST)
    print("ready", flush=True)
    sys.stdin.readline()
    print((await storage.quota()).used, flush=True)
    await storage.close()

asyncio.run(main())
"""


def test_three_processes_with_one_expired_token_refresh_once(
    sandbox: SandboxProcess, tmp_path: Path, username: str
) -> None:
    account = account_in(sandbox, username)
    phrase = tmp_path / "phrase"
    phrase.write_text("a long enough passphrase\n")
    phrase.chmod(0o600)
    environ = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "CLOUDTUI_HOME": str(tmp_path / "home"),
        "CLOUDTUI_VAULT_PASSPHRASE_FILE": str(phrase),
    }

    def start(password: str) -> subprocess.Popen[str]:
        job = json.dumps({"options": dict(account.options), "password": password})
        return subprocess.Popen(
            [sys.executable, "-c", _WORKER, job],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environ,
        )

    first = start(PASSWORD.reveal())
    first.communicate(timeout=60)
    assert first.returncode == 0
    sandbox.admin.age(7300)
    since = seen(sandbox)
    workers = [start("") for _ in range(3)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        out, _ = worker.communicate(timeout=60)
        assert (worker.returncode, out) == (0, "0\n")
    assert len(calls(sandbox, since, "/v1/auth/token")) == 1
