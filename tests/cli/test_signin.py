"""Sign-ins by command, without a browser: each outcome a sentence and a fitting exit code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.cloudtui_process import Ended, Home
from tests.pikpak.stage import solve, switch
from tests.sandbox_process import SandboxProcess

PASSWORD: Final = "pw-of-these-tests"
BACKEND: Final = """
import json, os, pathlib
from keyring.backend import KeyringBackend

class PlaintextKeyring(KeyringBackend):
    priority = 0.1
    file = pathlib.Path(os.environ["HOME"]) / "plain.json"

    def _all(self):
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def get_password(self, service, username):
        return self._all().get(f"{service} {username}")

    def set_password(self, service, username, password):
        self.file.write_text(json.dumps({**self._all(), f"{service} {username}": password}))

    def delete_password(self, service, username):
        rest = self._all()
        del rest[f"{service} {username}"]
        self.file.write_text(json.dumps(rest))
"""


@pytest.fixture
def home(tmp_path: Path, box: SandboxProcess) -> Iterator[Home]:
    """A home without accounts, with a vault; `pk` will know where the sandbox is."""
    made = Home(tmp_path / "home")
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("a passphrase for tests\n")
    passphrase.chmod(0o600)
    made.environ["CLOUDTUI_SECRETS"] = "vault"
    made.environ["CLOUDTUI_VAULT_PASSPHRASE_FILE"] = str(passphrase)
    know(made, box, "pk")
    yield made
    box.admin.clear_faults()
    switch(box, captcha_puzzle="off", signin_prohibited=False, refresh_dead=False)


def know(home: Home, box: SandboxProcess, name: str) -> None:
    """Tell an account that is to come where the sandbox is, and of the user's app."""
    pcloud = ("us_url", "eu_url", "authorize_url", "client_id", "client_secret")
    cloud = "pcloud" if name.startswith("pc") else "pikpak"
    for option in pcloud if cloud == "pcloud" else ("user_url", "drive_url"):
        variable = f"CLOUDTUI_ACCOUNT__{name.upper()}__{option.upper()}"
        home.environ[variable] = box.endpoints[cloud][option]


@pytest.fixture
def app(home: Home, box: SandboxProcess) -> None:
    """`pc` will know where the sandbox is, and the user's app."""
    know(home, box, "pc")


@pytest.fixture
def username(box: SandboxProcess, tmp_path: Path) -> str:
    """A PikPak account of this test's own, with one folder."""
    return pikpak_account(box, f"{tmp_path.name}@example.com", "First")


def pikpak_account(box: SandboxProcess, username: str, folder: str) -> str:
    box.admin.account("pikpak", username=username, password=PASSWORD)
    box.admin.order("pikpak", "put", username=username, path=f"/{folder}/")
    return username


def sign_in(home: Home, username: str, name: str = "pk", password: str = PASSWORD) -> Ended:
    words = ("login", name, "--kind", "pikpak", "--username", username, "--password-stdin")
    return home.run(*words, given=password + "\n")


def listed(home: Home, place: str) -> list[str]:
    return home.run("ls", place).ok().out.splitlines()


def refused(ended: Ended, code: int, sentence: str) -> None:
    """It ended with a sentence for people, and with this code."""
    assert ended.code == code, ended.err
    assert re.search(sentence, ended.err), ended.err
    assert "Traceback" not in ended.out + ended.err
    assert PASSWORD not in ended.out + ended.err


def issued(box: SandboxProcess, start: str) -> set[str]:
    return {secret for secret in box.admin.secrets() if secret.startswith(start)}


def calls(box: SandboxProcess, since: int, path: str) -> int:
    return sum(1 for entry in box.admin.log(since) if entry["path"] == path)


def seen(box: SandboxProcess) -> int:
    return max((entry["seq"] for entry in box.admin.log()), default=0)


# --- PikPak ----------------------------------------------------------------------------------


def test_a_password_signs_in_and_is_not_kept(home: Home, username: str) -> None:
    ended = sign_in(home, username).ok()
    assert username in ended.err
    assert listed(home, "pk:/") == ["First/"]
    for file in home.folder.rglob("*"):
        if file.is_file():
            assert PASSWORD.encode() not in file.read_bytes()
    again = sign_in(home, username).ok()
    assert username in again.err
    assert listed(home, "pk:/") == ["First/"]


def test_a_wrong_password_is_told(home: Home, username: str) -> None:
    refused(sign_in(home, username, password="not-this-one"), 4, "password")
    assert home.run("accounts").ok().out == ""


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_puzzle_nobody_can_solve_prints_its_link(
    home: Home, username: str, box: SandboxProcess, words: tuple[str, ...]
) -> None:
    switch(box, captcha_puzzle="demand")
    command = ("login", "pk", "--kind", "pikpak", "--username", username, "--password-stdin")
    ended = home.run(*command, *words, given=PASSWORD + "\n")
    refused(ended, 4, "puzzle")
    link = ended.out.splitlines()[0]
    assert link.startswith(box.endpoints["pikpak"]["user_url"])
    assert "captcha_token=" in link


def test_a_solved_puzzle_is_pasted(home: Home, username: str, box: SandboxProcess) -> None:
    switch(box, captcha_puzzle="demand")
    words = ("--kind", "pikpak", "--username", username, "--password-stdin", "--paste")
    with home.talk("login", "pk", *words) as login:
        login.say(PASSWORD)
        login.say(solve(box, login.line()))
        login.ended().ok()
    assert listed(home, "pk:/") == ["First/"]


def test_a_bad_paste_says_what_is_missing(home: Home, username: str, box: SandboxProcess) -> None:
    switch(box, captcha_puzzle="demand")
    words = ("--kind", "pikpak", "--username", username, "--password-stdin", "--paste")
    with home.talk("login", "pk", *words) as login:
        login.say(PASSWORD)
        login.line()
        login.say("https://mypikpak.com/loading")
        refused(login.ended(), 2, "captcha_token=")


def test_a_captcha_token_may_stand_in_the_environment(
    home: Home, username: str, box: SandboxProcess
) -> None:
    switch(box, captcha_puzzle="demand")
    words = ("login", "pk", "--kind", "pikpak", "--username", username, "--password-stdin")
    link = home.run(*words, given=PASSWORD + "\n").out.splitlines()[0]
    token = httpx.URL(solve(box, link)).params["captcha_token"]
    extra = {"CLOUDTUI_ACCOUNT__PK__CAPTCHA_TOKEN": token}
    home.run(*words, given=PASSWORD + "\n", extra=extra).ok()
    assert listed(home, "pk:/") == ["First/"]


@pytest.mark.parametrize("form", ["bare", "json"])
def test_a_refresh_token_signs_in(
    home: Home, username: str, box: SandboxProcess, form: str
) -> None:
    token = box.admin.token("pikpak", username=username)["refresh_token"]
    given = token if form == "bare" else json.dumps({"refresh_token": token, "access_token": "x"})
    home.run("login", "pk", "--kind", "pikpak", "--token-stdin", given=given + "\n").ok()
    assert listed(home, "pk:/") == ["First/"]
    again = home.run("login", "pk", "--token-stdin", given=given + "\n")
    refused(again, 4, "used already")
    assert listed(home, "pk:/") == ["First/"]  # the good sign-in is still there


def test_a_client_that_is_let_in_no_longer_is_left_for_another(
    home: Home, username: str, box: SandboxProcess
) -> None:
    switch(box, clients_refused=["web"])
    said = sign_in(home, username).ok().err
    assert "not take programs that sign in as `web`; this one goes on as `android-153`" in said
    assert listed(home, "pk:/") == ["First/"]
    switch(box, clients_refused=["web", "android-153", "android-147", "android-121"])
    box.admin.age(7300)
    told = home.run("ls", "pk:/")
    refused(told, 4, "no longer takes programs that sign in as `android-153`")
    sign_in(home, username).ok()
    assert listed(home, "pk:/") == ["First/"]
    switch(box, clients_refused=[])
    box.admin.age(7300)
    assert listed(home, "pk:/") == ["First/"]


def test_a_password_refused_from_this_network_is_told(
    home: Home, username: str, box: SandboxProcess
) -> None:
    switch(box, signin_prohibited=True)
    refused(sign_in(home, username), 4, "takes no password from this network")


def test_an_expired_token_is_renewed_unseen(home: Home, username: str, box: SandboxProcess) -> None:
    sign_in(home, username).ok()
    box.admin.age(7300)
    since = seen(box)
    ended = home.run("ls", "pk:/").ok()
    assert (ended.out, ended.err) == ("First/\n", "")
    assert calls(box, since, "/v1/auth/token") == 1
    assert calls(box, since, "/v1/auth/signin") == 0


def test_three_commands_with_one_expired_token_renew_it_once(
    home: Home, username: str, box: SandboxProcess
) -> None:
    sign_in(home, username).ok()
    box.admin.age(7300)
    # long enough for the two others to arrive while the first one is at it
    box.admin.fault(kind="delay", match="POST /v1/auth/token", seconds=3)
    since = seen(box)
    runs = [home.talk("ls", "pk:/") for _ in range(3)]
    for run in runs:
        with run:
            assert run.ended().ok().out == "First/\n"
    assert calls(box, since, "/v1/auth/token") == 1


def test_a_refresh_token_spent_elsewhere_is_told(
    home: Home, username: str, box: SandboxProcess
) -> None:
    before = issued(box, "os.")
    sign_in(home, username).ok()
    (ours,) = issued(box, "os.") - before
    spent = httpx.post(
        box.endpoints["pikpak"]["user_url"] + "/v1/auth/token",
        data={
            "client_id": "YUMx5nI8ZU8Ap8pm",
            "grant_type": "refresh_token",
            "refresh_token": ours,
        },
        trust_env=False,
        timeout=60,
    )
    assert spent.status_code == 200, spent.text
    box.admin.age(7300)
    ended = home.run("ls", "pk:/")
    refused(ended, 4, "another program may have used the same sign-in")
    assert "`cloudtui login` or @ signs in again" in ended.err


def test_what_a_sign_in_lacks_is_told(home: Home, username: str) -> None:
    kind = ("--kind", "pikpak")
    refused(home.run("login", "pk", *kind), 2, "user name")
    refused(home.run("login", "pk", *kind, "--username", username), 4, "--password-stdin")
    refused(home.run("login", "pk"), 2, "--kind")
    refused(home.run("login", "Ä!", *kind), 2, "cannot be the name")
    refused(home.run("login", "pk", *kind, "--poll"), 2, "password or a token")
    refused(home.run("login", "pk", *kind, "--token-stdin", given="{}\n"), 4, "no refresh token")
    refused(home.run("login", "pk", *kind, "--token-stdin", given="\n"), 2, "empty")


# --- pCloud ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("form", ["bare", "json"])
@pytest.mark.parametrize("region", ["us", "eu"])
def test_a_token_finds_its_region(home: Home, box: SandboxProcess, region: str, form: str) -> None:
    token = box.endpoints["pcloud"][f"{region}_token"]
    given = token if form == "bare" else json.dumps({"access_token": token, "token_type": "bearer"})
    words = ("login", "pc", "--kind", "pcloud", "--token-stdin")
    home.run(*words, "--set", "pc.region=us", given=given).ok()
    assert home.run("config", "get", "pc.region").ok().out == f"{region}\n"
    home.run("ls", "pc:/").ok()


@pytest.mark.usefixtures("app")
def test_a_token_nobody_knows_is_told(home: Home) -> None:
    words = ("login", "pc", "--kind", "pcloud")
    refused(home.run(*words, "--token-stdin", given="nobodys-token\n"), 4, "pCloud")
    refused(home.run(*words, "--token-stdin", given="two words\n"), 2, "no token")
    refused(home.run(*words, "--token-stdin", given='{"x": 1}'), 2, "no token")
    refused(home.run(*words, "--paste", given="nobodys-token\n"), 4, "pCloud")
    refused(home.run(*words, "--paste", given="\n"), 4, "Nothing was pasted")
    refused(home.run(*words, "--paste", given="https://localhost/?x=1\n"), 2, "code=")
    assert home.run("accounts").ok().out == ""


@pytest.mark.usefixtures("app")
def test_a_token_may_be_pasted_in_place_of_a_code(home: Home, box: SandboxProcess) -> None:
    token = box.endpoints["pcloud"]["eu_token"]
    ended = home.run("login", "pc", "--kind", "pcloud", "--paste", given=token + "\n").ok()
    assert ended.out.startswith(box.endpoints["pcloud"]["authorize_url"])
    home.run("ls", "pc:/").ok()


@pytest.mark.usefixtures("app")
def test_the_code_of_a_copied_address_is_taken(home: Home, box: SandboxProcess) -> None:
    with home.talk("login", "pc", "--kind", "pcloud", "--paste") as login:
        link = httpx.URL(login.line())
        asked = {**dict(link.params), "answer": "approve", "redirect_uri": "http://localhost:1/"}
        page = httpx.get(link, trust_env=False, timeout=60).text
        account = re.search(r'<option value="(\d+)">[^<]*\(eu\)', page)
        assert account is not None
        asked["account"] = account[1]
        where = str(link.copy_with(query=None))
        answer = httpx.post(where, data=asked, trust_env=False, timeout=60)
        login.say(answer.headers["location"])
        ended = login.ended().ok()
    assert "@" in ended.err
    assert home.run("config", "get", "pc.region").ok().out == "eu\n"


@pytest.mark.usefixtures("app")
def test_what_a_pcloud_sign_in_lacks_is_told(home: Home) -> None:
    words = ("login", "pc", "--kind", "pcloud")
    refused(home.run(*words), 4, "needs a way")
    refused(home.run(*words, "--password-stdin", given="x\n"), 2, "no longer lets programs in")
    bare = {
        "CLOUDTUI_ACCOUNT__PC__CLIENT_ID": "",
        "CLOUDTUI_ACCOUNT__PC__CLIENT_SECRET": "",
    }
    refused(home.run(*words, "--poll", extra=bare), 4, "my_apps")
    bare.pop("CLOUDTUI_ACCOUNT__PC__CLIENT_ID")
    refused(home.run(*words, "--browser", extra=bare), 4, "client secret")


# --- accounts and where sign-ins are kept --------------------------------------------------------


def test_several_accounts_live_side_by_side(
    home: Home, username: str, box: SandboxProcess, tmp_path: Path
) -> None:
    other = pikpak_account(box, f"other-{tmp_path.name}@example.com", "Second")
    sign_in(home, username).ok()
    for name in ("pk2", "pc", "pc2"):
        know(home, box, name)
    sign_in(home, other, name="pk2").ok()
    for name, region in (("pc", "us"), ("pc2", "eu")):
        token = box.endpoints["pcloud"][f"{region}_token"]
        home.run("login", name, "--kind", "pcloud", "--token-stdin", given=token).ok()
    names = [row["name"] for row in home.run("accounts", "--json").ok().values]
    assert names == ["pk", "pk2", "pc", "pc2"]
    assert (listed(home, "pk:/"), listed(home, "pk2:/")) == (["First/"], ["Second/"])
    home.run("logout", "pk").ok()
    refused(home.run("ls", "pk:/"), 2, "no account called pk")
    assert listed(home, "pk2:/") == ["Second/"]
    home.run("ls", "pc:/").ok()


def test_after_logout_nothing_is_left_of_the_sign_in(home: Home, username: str) -> None:
    sign_in(home, username).ok()
    home.run("logout", "pk", "--keep-settings").ok()
    refused(home.run("ls", "pk:/"), 4, "not signed in")
    assert not list((home.folder / "cloudtui" / "state" / "accounts").glob("pk.*.sealed"))
    sign_in(home, username).ok()
    assert listed(home, "pk:/") == ["First/"]


def test_an_account_keeps_its_kind(home: Home, username: str) -> None:
    sign_in(home, username).ok()
    refused(home.run("login", "pk", "--kind", "pcloud", "--poll"), 2, "account of pikpak")


def test_login_speaks_json(home: Home, username: str) -> None:
    words = ("login", "pk", "--kind", "pikpak", "--username", username, "--password-stdin")
    told = home.run(*words, "--json", given=PASSWORD + "\n").ok().value
    assert told == {"name": "pk", "kind": "pikpak", "username": username}
    wrong = home.run(*words, "--json", given="not-this-one\n")
    assert wrong.code == 4
    assert wrong.value["error"]["message"]


@pytest.mark.usefixtures("app")
def test_without_a_store_nothing_is_spent_and_the_reason_told(
    home: Home, username: str, box: SandboxProcess
) -> None:
    token = box.admin.token("pikpak", username=username)["refresh_token"]
    none = {
        "CLOUDTUI_SECRETS": "auto",
        "CLOUDTUI_VAULT_PASSPHRASE_FILE": "",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    words = ("login", "pk", "--kind", "pikpak", "--token-stdin")
    since = seen(box)
    ended = home.run(*words, given=token + "\n", extra=none)
    refused(ended, 4, "cannot be kept: this machine has no keyring")
    assert calls(box, since, "/v1/auth/token") == 0
    pcloud = ("login", "pc", "--kind", "pcloud", "--token-stdin")
    ended = home.run(*pcloud, given=box.endpoints["pcloud"]["us_token"], extra=none)
    refused(ended, 4, "cannot be kept: this machine has no keyring")
    assert home.run("accounts").ok().out == ""
    home.run(*words, given=token + "\n").ok()
    assert listed(home, "pk:/") == ["First/"]


def test_a_wrong_passphrase_is_told(home: Home, username: str, tmp_path: Path) -> None:
    sign_in(home, username).ok()
    other = tmp_path / "other"
    other.write_text("another passphrase\n")
    other.chmod(0o600)
    wrong = home.run("ls", "pk:/", extra={"CLOUDTUI_VAULT_PASSPHRASE_FILE": str(other)})
    refused(wrong, 4, "passphrase")
    none = home.run("ls", "pk:/", extra={"CLOUDTUI_VAULT_PASSPHRASE_FILE": ""})
    refused(none, 4, "vault is locked")


def test_a_named_keyring_is_taken_at_the_users_word(
    home: Home, username: str, tmp_path: Path
) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "plain_backend.py").write_text(BACKEND)
    named = {
        "CLOUDTUI_SECRETS": "auto",
        "CLOUDTUI_VAULT_PASSPHRASE_FILE": "",
        "PYTHONPATH": str(tmp_path / "modules"),
        "PYTHON_KEYRING_BACKEND": "plain_backend.PlaintextKeyring",
    }
    home.environ.update(named)
    home.folder.mkdir()
    sign_in(home, username).ok()
    kept = json.loads((home.folder / "plain.json").read_text())
    assert "cloudtui pk/token" in kept
    assert listed(home, "pk:/") == ["First/"]
    home.run("logout", "pk").ok()
    assert "cloudtui pk/token" not in json.loads((home.folder / "plain.json").read_text())
