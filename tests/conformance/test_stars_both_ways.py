"""Stars and the history between our commands and PyPI pikpakapi, signed in to one account."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from tests.cloudtui_process import Home, home_with_accounts
from tests.conformance.connect_front import ConnectFront
from tests.conformance.foreign import need_module
from tests.sandbox_process import start_sandbox

pytestmark = pytest.mark.conformance


async def exchange(home: Home, client: Any, folder: Path) -> None:
    for name in ("ours.txt", "theirs.txt"):
        (folder / name).write_text(name)
        home.run("cp", folder / name, "pk:/").ok()
    listed = home.run("ls", "--json", "pk:").ok().values
    ids = {each["name"]: each["id"] for each in listed}

    async def theirs() -> set[str]:
        return {item["name"] for item in (await client.file_star_list())["files"]}

    def ours() -> set[str]:
        return {each["name"] for each in home.run("star", "--list", "--json", "pk:").ok().values}

    home.run("star", "pk:/ours.txt").ok()
    assert await theirs() == {"ours.txt"}
    await client.file_batch_star([ids["theirs.txt"]])
    assert ours() == {"ours.txt", "theirs.txt"}
    home.run("star", "--off", "pk:/theirs.txt").ok()
    await client.file_batch_unstar([ids["ours.txt"]])
    assert await theirs() == set()
    assert ours() == set()
    events = (await client.events())["events"]
    told = home.run("history", "pk:", "--json").ok().values
    assert [line["id"] for line in told] == [event["id"] for event in events]
    assert {line["file_id"] for line in told} == set(ids.values())
    invited = home.run("quota", "pk:", "--invite", "--json").ok().value["invite"]
    assert invited == (await client.get_invite_code())


async def test_stars_and_history_are_the_same_for_both(tmp_path: Path) -> None:
    need_module("pikpakapi")
    from pikpakapi import PikPakApi

    with (
        start_sandbox(tmp_path / "sandbox") as box,
        ConnectFront(box.endpoints, tmp_path) as front,
    ):
        told = box.endpoints["pikpak"]
        trusted = ssl.create_default_context(cafile=front.ca_file)
        client = PikPakApi(
            username=told["username"],
            password=told["password"],
            httpx_client_args={"proxy": front.url, "verify": trusted, "trust_env": False},
        )
        try:
            await client.login()
            await exchange(home_with_accounts(tmp_path / "home", box), client, tmp_path)
        finally:
            await client.httpx_client.aclose()
