"""`import`: accounts of rclone and putil taken over."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cloudtui.services.imports.obscured import reveal
from cloudtui.services.imports.rclone import read
from cloudtui.services.imports.remote import Remote
from tests.cloudtui_process import Home
from tests.sandbox_process import SandboxProcess

RCLONE = shutil.which("rclone", path=f"{Path(os.sys.executable).parent}:{os.environ['PATH']}")  # type: ignore[attr-defined]


# made by rclone 1.75.2: `rclone obscure 'pä ss"word'`, `rclone obscure harbor-demo-pass`
OBSCURED = "D4eTMdLIXYw1SYONTZrQZjP7nfk1iGNyxhSy"


def test_obscured_values_are_turned_back() -> None:
    assert reveal(OBSCURED).reveal() == 'pä ss"word'
    for wrong in ("", "abc", "not base64!", "AAAA"):
        with pytest.raises(ValueError, match=r"obscured|padding|decode"):
            reveal(wrong)


def obscure(text: str) -> str:
    """As rclone does it."""
    import base64

    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    from cloudtui.services.imports.obscured import _KEY

    start = bytes(range(16))
    encryptor = Cipher(algorithms.AES(_KEY), modes.CTR(start)).encryptor()
    return base64.urlsafe_b64encode(start + encryptor.update(text.encode())).decode().rstrip("=")


def write_conf(path: Path, box: SandboxProcess) -> Path:
    """A configuration with remotes of both services and of a third."""
    pikpak, pcloud = box.endpoints["pikpak"], box.endpoints["pcloud"]
    token = json.dumps({"access_token": pcloud["eu_token"], "token_type": "bearer"})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"""[My Pik]
type = pikpak
user = {pikpak["username"]}
pass = {obscure(pikpak["password"])}
use_trash = false
description = the one at home
hash_memory_limit = 20Mi
chunk_size = 2048
pacer_min_sleep = 100ms

[cloud]
type = pcloud
client_id = own-app
client_secret = own%secret
hostname = eapi.pcloud.com
token = {token}

; another service
[photos]
type = drive
scope = drive
"""
    )
    return path


def fresh(tmp_path: Path, box: SandboxProcess) -> tuple[Home, list[str]]:
    """A home without accounts, and where both services answer."""
    pikpak, pcloud = box.endpoints["pikpak"], box.endpoints["pcloud"]
    where = {
        "my-pik.drive_url": pikpak["drive_url"],
        "my-pik.user_url": pikpak["user_url"],
        **{f"{name}.us_url": pcloud["us_url"] for name in ("cloud", "pcloud")},
        **{f"{name}.eu_url": pcloud["eu_url"] for name in ("cloud", "pcloud")},
    }
    words = [word for key, url in where.items() for word in ("--set", f"{key}={url}")]
    home = Home(tmp_path / "empty")
    vault = tmp_path / "passphrase"
    vault.write_text("a passphrase for tests\n")
    home.environ["CLOUDTUI_SECRETS"] = "vault"
    home.environ["CLOUDTUI_VAULT_PASSPHRASE_FILE"] = str(vault)
    return home, words


def test_remotes_of_rclone_become_accounts(tmp_path: Path, box: SandboxProcess) -> None:
    home, where = fresh(tmp_path, box)
    write_conf(home.folder / ".config" / "rclone" / "rclone.conf", box)
    done = home.run("import", "rclone", "--json", *where).ok()
    told = {each["name"]: each for each in done.values}
    assert set(told) == {"my-pik", "cloud"}
    assert told["my-pik"]["username"] == box.endpoints["pikpak"]["username"]
    assert told["my-pik"]["left_out"] == ["pacer_min_sleep"]
    assert told["cloud"]["username"] == "bela@example.com"
    # they are signed in for good, with the settings that came along
    home.run("quota", "cloud:").ok()
    home.run("quota", "my-pik:").ok()
    assert home.run("config", "get", "my-pik.use_trash").ok().out.strip() == "False"
    assert "my-pik:  pikpak" in home.run("accounts").ok().out
    assert "the one at home" in home.run("accounts").ok().out
    assert home.run("config", "get", "my-pik.hash_memory_limit").ok().out.strip() == str(20 << 20)
    assert home.run("config", "get", "my-pik.chunk_size").ok().out.strip() == str(2 << 20)
    assert home.run("config", "get", "cloud.client_id").ok().out.strip() == "own-app"
    assert home.run("config", "get", "cloud.region").ok().out.strip() == "eu"
    settings = (home.folder / "cloudtui" / "settings.toml").read_text()
    for secret in (box.endpoints["pikpak"]["password"], box.endpoints["pcloud"]["eu_token"]):
        assert secret not in settings + done.out + done.err
    # a second time nothing is replaced unasked
    again = home.run("import", "rclone", *where)
    assert again.code == 2
    assert "left alone" in again.err
    home.run("import", "rclone", "cloud:", "--force", *where).ok()


def test_login_tells_of_a_sign_in_that_rclone_has(tmp_path: Path, box: SandboxProcess) -> None:
    home, where = fresh(tmp_path, box)
    words = ("login", "pcloud", "--kind", "pcloud", "--paste", "--set", "pcloud.client_id=x")
    assert "rclone" not in home.run(*words, *where, given="").err
    conf = write_conf(home.folder / ".config" / "rclone" / "rclone.conf", box)
    assert "`cloudtui import rclone cloud` takes that" in home.run(*words, *where, given="").err
    for unreadable in ("RCLONE_ENCRYPT_V0:\nx\n", "no sections at all\n"):
        conf.write_text(unreadable)
        assert "import rclone" not in home.run(*words, *where, given="").err


def test_a_named_remote_of_a_named_file(tmp_path: Path, box: SandboxProcess) -> None:
    home, where = fresh(tmp_path, box)
    conf = write_conf(tmp_path / "other.conf", box)
    home.run("import", "rclone", conf, "cloud", *where).ok()
    assert home.run("accounts", "--json").ok().value["name"] == "cloud"
    missing = home.run("import", "rclone", conf, "nothing", *where)
    assert (missing.code, "My Pik" in missing.err) == (3, True)
    assert home.run("import", "rclone", tmp_path / "none.conf").code == 3
    assert home.run("import", "rclone").code == 3
    assert home.run("import", "elsewhere").code == 2


def test_what_fails_leaves_no_account(tmp_path: Path, box: SandboxProcess) -> None:
    home, where = fresh(tmp_path, box)
    conf = tmp_path / "bad.conf"
    conf.write_text(
        '[cloud]\ntype = pcloud\ntoken = {"access_token":"dead"}\n'
        f"[my-pik]\ntype = pikpak\nuser = x@example.com\npass = {obscure('wrong')}\n"
    )
    ended = home.run("import", "rclone", conf, *where)
    assert ended.code == 4
    assert home.run("accounts").ok().out == ""
    conf.write_bytes(b"\xff\xfe no text")
    assert home.run("import", "rclone", conf).code == 8
    conf.write_text("no sections at all\n")
    assert home.run("import", "rclone", conf).code == 2


def test_putils_token_is_taken(tmp_path: Path, box: SandboxProcess) -> None:
    home, where = fresh(tmp_path, box)
    file = home.folder / ".config" / "pcloud.json"
    file.parent.mkdir(parents=True)
    told = {
        "endpoint": "https://eapi.pcloud.com",
        "access-token": box.endpoints["pcloud"]["eu_token"],
    }
    file.write_text(json.dumps(told))
    home.run("import", "putil", *where).ok()
    home.run("quota", "pcloud:").ok()
    file.write_text(json.dumps({"access_token": box.endpoints["pcloud"]["us_token"]}))
    home.run("import", "putil", file, "--force", *where).ok()
    assert home.run("config", "get", "pcloud.region").ok().out.strip() == "us"
    file.write_text("{}")
    assert home.run("import", "putil", file).code == 3
    file.write_text("[")
    assert home.run("import", "putil", file).code == 2


def test_a_pikpak_token_is_taken_only_when_asked_for(tmp_path: Path, box: SandboxProcess) -> None:
    home, where = fresh(tmp_path, box)
    username = box.endpoints["pikpak"]["username"]
    issued = box.admin.token("pikpak", username=username)
    conf = tmp_path / "token.conf"
    conf.write_text(f"[My Pik]\ntype = pikpak\nuser = {username}\ntoken = {json.dumps(issued)}\n")
    assert home.run("import", "rclone", conf, *where).code == 4
    done = home.run("import", "rclone", conf, "--take-token", *where).ok()
    assert "rclone is signed out" in done.err
    home.run("quota", "my-pik:").ok()


@pytest.mark.conformance
def test_an_encrypted_configuration_is_opened_by_rclone_itself(
    tmp_path: Path, box: SandboxProcess
) -> None:
    assert RCLONE is not None
    conf = write_conf(tmp_path / "rclone.conf", box)
    secret = {"RCLONE_CONFIG_PASS": "the password", "PATH": os.environ["PATH"]}
    env = {**os.environ, **secret, "PATH": f"{Path(RCLONE).parent}:{os.environ['PATH']}"}
    command = [RCLONE, "--config", str(conf), "config", "encryption", "set"]
    subprocess.run(
        [*command, "--password-command", "echo the password"],
        env=env,
        check=True,
        capture_output=True,
    )
    assert b"RCLONE_ENCRYPT_V0:" in conf.read_bytes()
    assert read(conf, env)[0] == read(write_conf(tmp_path / "plain.conf", box), env)[0]
    home, where = fresh(tmp_path, box)
    closed = home.run("import", "rclone", conf, *where, extra={"PATH": env["PATH"]})
    assert (closed.code, "RCLONE_CONFIG_PASS" in closed.err) == (8, True)
    home.run("import", "rclone", conf, "cloud", *where, extra=env).ok()


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("My Pik", "my-pik"),
        ("Ünï", "pikpak-n"),
        ("a", "pikpak-a"),
        ("9 lives", "lives"),
        ("-", "pikpak"),
    ],
)
def test_names_that_remotes_get(name: str, account: str) -> None:
    assert Remote(name, "pikpak").account == account
