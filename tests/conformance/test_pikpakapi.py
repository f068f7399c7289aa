"""PyPI pikpakapi 0.1.11, unmodified: over loopback, and under the real names through a front."""

from __future__ import annotations

import ast
import inspect
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conformance.connect_front import ConnectFront, TlsFiles
from tests.conformance.foreign import need_module
from tests.sandbox_process import SandboxProcess, start_sandbox

pytestmark = [
    pytest.mark.conformance,
    pytest.mark.xdist_group("pikpakapi"),
]
MAGNET = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=Long%20ferry"


@dataclass
class Way:
    """How the client reaches the sandbox."""

    sandbox: SandboxProcess
    user_host: str
    drive_host: str
    options: dict[str, Any]


@pytest.fixture(scope="module", params=["loopback", "real names"])
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    need_module("pikpakapi")
    folder = tmp_path_factory.mktemp("pikpakapi")
    if request.param == "loopback":
        files = TlsFiles.make(folder / "tls")
        tls = ("--tls-cert", str(files.cert), "--tls-key", str(files.key))
        with start_sandbox(folder / "sandbox", *tls) as sandbox:
            told = sandbox.endpoints["pikpak"]
            user, drive = urlsplit(told["user_url"]).netloc, urlsplit(told["drive_url"]).netloc
            trusted = ssl.create_default_context(cafile=files.ca)
            yield Way(sandbox, user, drive, {"verify": trusted, "trust_env": False})
        return
    with (
        start_sandbox(folder / "sandbox") as sandbox,
        ConnectFront(sandbox.endpoints, folder) as front,
    ):
        options = {
            "proxy": front.url,
            "verify": ssl.create_default_context(cafile=front.ca_file),
            "trust_env": False,
        }
        yield Way(sandbox, "user.mypikpak.com", "api-drive.mypikpak.com", options)


def client_of(way: Way, password: str | None = None, username: str | None = None) -> Any:
    from pikpakapi import PikPakApi

    told = way.sandbox.endpoints["pikpak"]
    return PikPakApi(
        username=username or told["username"],
        password=password or told["password"],
        httpx_client_args=way.options,
        request_max_retries=1,
        request_initial_backoff=0,
    )


@pytest.fixture
async def client(way: Way, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    from pikpakapi import PikPakApi

    monkeypatch.setattr(PikPakApi, "PIKPAK_USER_HOST", way.user_host)
    monkeypatch.setattr(PikPakApi, "PIKPAK_API_HOST", way.drive_host)
    made = client_of(way)
    await made.login()
    yield made
    await made.httpx_client.aclose()


def put(way: Way, path: str, content: str) -> str:
    made: dict[str, str] = way.sandbox.admin.order("pikpak", "put", path=path, text=content)
    return made["id"]


async def names(client: Any, parent: str | None = None) -> list[str]:
    listed = await client.file_list(parent_id=parent)
    return [item["name"] for item in listed["files"]]


async def fetch(way: Way, url: str) -> bytes:
    async with httpx.AsyncClient(**way.options) as plain:
        answer = await plain.get(url)
        assert answer.status_code == 200
        return answer.content


def test_no_public_method_is_called_nowhere() -> None:
    """Every public method of the installed package is called by a test below."""
    need_module("pikpakapi")
    from pikpakapi import PikPakApi

    public = {
        name
        for name, value in inspect.getmembers(PikPakApi)
        if callable(value) and not name.startswith("_")
    }
    tests = [
        node
        for node in ast.parse(Path(__file__).read_text()).body
        if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]
    called = {
        call.func.attr
        for test in tests
        for call in ast.walk(test)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
    }
    assert len(public) > 30
    assert public - called == set()


async def test_signing_in(way: Way, client: Any) -> None:
    assert client.user_id.startswith("ZU")
    assert way.sandbox.admin.state("pikpak")["counters"].get("bad_signs", 0) == 0


async def test_a_wrong_password(way: Way, client: Any) -> None:
    from pikpakapi.PikpakException import PikpakException

    other = client_of(way, password="wrong")
    with pytest.raises(PikpakException, match="Invalid username or password"):
        await other.login()
    await other.httpx_client.aclose()


async def test_a_client_that_was_written_down_goes_on(way: Way, client: Any) -> None:
    from pikpakapi import PikPakApi

    client.encode_token()
    kept = client.to_dict()
    assert "httpx_client" not in kept
    other = PikPakApi.from_dict({**kept, "httpx_client_args": way.options})
    other.access_token = other.refresh_token = None
    other.decode_token()
    told = other.get_user_info()
    assert told == client.get_user_info()
    assert (told["user_id"], bool(told["encoded_token"])) == (client.user_id, True)
    assert "quota" in await other.get_quota_info()
    await other.httpx_client.aclose()


async def test_a_captcha_token_and_the_app_that_sends_it(way: Way, client: Any) -> None:
    node = put(way, "captcha/a.txt", "x")
    client.captcha_token = (await client.captcha_init(f"GET:/drive/v1/files/{node}"))[
        "captcha_token"
    ]
    headers = client.get_headers()
    assert headers["User-Agent"] == client.build_custom_user_agent()
    assert headers["X-Captcha-Token"] == client.captcha_token
    assert (await client.offline_file_info(node))["name"] == "a.txt"


async def test_an_expired_token_is_renewed_on_the_way(way: Way, client: Any) -> None:
    before = client.access_token
    client.max_retries = 2
    way.sandbox.admin.fault(kind="expire_token", listener="pikpak.drive")
    assert "quota" in await client.get_quota_info()
    assert client.access_token != before


async def test_folders_names_and_pages(way: Way, client: Any) -> None:
    top = (await client.create_folder("pages"))["file"]["id"]
    for number in range(7):
        await client.create_folder(f"\u6f22\u5b57 {number}", top)
    first = await client.file_list(size=3, parent_id=top)
    second = await client.file_list(size=3, parent_id=top, next_page_token=first["next_page_token"])
    third = await client.file_list(size=3, parent_id=top, next_page_token=second["next_page_token"])
    shown = [item["name"] for page in (first, second, third) for item in page["files"]]
    assert shown == [f"\u6f22\u5b57 {number}" for number in range(7)]
    renamed = await client.file_rename(first["files"][0]["id"], "other name")
    assert renamed["name"] == "other name"
    path = await client.path_to_id("/pages/deep/deeper", create=True)
    assert [item["name"] for item in path] == ["pages", "deep", "deeper"]


async def test_what_another_client_put_is_read_byte_equal(way: Way, client: Any) -> None:
    content = "written elsewhere \U0001f600 " * 5000
    node = put(way, "reading/a file.txt", content)
    told = await client.get_download_url(node)
    # Only here does this client send a captcha token, made with its own sign.
    assert way.sandbox.admin.state("pikpak")["counters"]["signs_android-147"] >= 1
    assert await fetch(way, told["web_content_link"]) == content.encode()
    assert await fetch(way, told["links"]["application/octet-stream"]["url"]) == content.encode()


async def test_moving_copying_deleting_and_restoring(way: Way, client: Any) -> None:
    node = put(way, "source/a.txt", "moved about")
    source = (await client.path_to_id("/source"))[-1]["id"]
    target = (await client.create_folder("target"))["file"]["id"]
    await client.file_batch_copy([node], target)
    await client.file_batch_move([node], target)
    assert sorted(await names(client, target)) == ["a(1).txt", "a.txt"]
    assert await names(client, source) == []
    await client.delete_to_trash([node])
    assert await names(client, target) == ["a.txt"]
    await client.untrash([node])
    assert len(await names(client, target)) == 2
    await client.delete_forever([node])
    assert await names(client, target) == ["a.txt"]
    # A target of nothing is the root.
    other = put(way, "source/to the root.txt", "x")
    await client.file_batch_move([other])
    assert "to the root.txt" in await names(client)


async def test_moving_and_copying_by_path(way: Way, client: Any) -> None:
    put(way, "paths/from/a.txt", "a")
    put(way, "paths/from/b.txt", "b")
    await client.file_move_or_copy_by_path(["/paths/from/a.txt"], "/paths/copies/new", create=True)
    await client.file_move_or_copy_by_path(["/paths/from/b.txt"], "/paths/copies/new", move=True)
    for path, expected in (("/paths/copies/new", ["a.txt", "b.txt"]), ("/paths/from", ["a.txt"])):
        folder = (await client.path_to_id(path))[-1]["id"]
        assert sorted(await names(client, folder)) == expected


async def test_the_state_of_one_download(way: Way, client: Any) -> None:
    from pikpakapi.enums import DownloadStatus

    way.sandbox.admin.switch("pikpak.offline_seconds", 100)
    task = (await client.offline_download(MAGNET))["task"]["id"]
    way.sandbox.admin.age(50)
    assert await client.get_task_status(task, "") is DownloadStatus.downloading
    way.sandbox.admin.age(100)
    done = await client.offline_list(phase=["PHASE_TYPE_COMPLETE"])
    node = next(item["file_id"] for item in done["tasks"] if item["id"] == task)
    assert await client.get_task_status(task, node) is DownloadStatus.done
    assert await client.get_task_status(task, "VNnone") is DownloadStatus.error


async def test_shares_are_looked_into_and_saved_by_another(way: Way, client: Any) -> None:
    from pikpakapi.PikpakException import PikpakException

    node = put(way, "shared/folder/a.txt", "for others")
    folder = (await client.path_to_id("/shared/folder"))[-1]["id"]
    made = await client.file_batch_share([folder], expiration_days=7)
    way.sandbox.admin.account("pikpak", username="other@example.com", password="other-pass")
    other = client_of(way, "other-pass", "other@example.com")
    await other.login()
    opened = await other.get_share_info(made["share_url"])
    token = opened["pass_code_token"]
    inside = await other.get_share_folder(made["share_id"], token, folder)
    assert [item["id"] for item in inside["files"]] == [node]
    saved = await other.restore(made["share_id"], token, [folder])
    assert saved["restore_status"] == "RESTORE_START"
    path = await other.path_to_id("/Pack From Shared/folder/a.txt")
    link = (await other.get_download_url(path[-1]["id"]))["web_content_link"]
    assert await fetch(way, link) == b"for others"
    with pytest.raises(PikpakException, match="own share"):
        await client.restore(made["share_id"], token, [folder])
    await other.httpx_client.aclose()


async def test_offline_downloads(way: Way, client: Any) -> None:
    link = (await client.get_download_url(put(way, "origin/o.txt", "from afar")))[
        "web_content_link"
    ]
    folder = (await client.create_folder("offline"))["file"]["id"]
    way.sandbox.admin.switch("pikpak.offline_seconds", 100)
    running = (await client.offline_download(MAGNET, folder))["task"]["id"]
    listed = await client.offline_list(phase=["PHASE_TYPE_PENDING", "PHASE_TYPE_RUNNING"])
    assert running in [task["id"] for task in listed["tasks"]]
    way.sandbox.admin.age(100)
    done = await client.offline_list(phase=["PHASE_TYPE_COMPLETE"])
    assert running in [task["id"] for task in done["tasks"]]
    packed = (await client.offline_download(MAGNET))["task"]["id"]
    await client.delete_tasks([packed, running])
    left = await client.offline_list(phase=["PHASE_TYPE_COMPLETE", "PHASE_TYPE_RUNNING"])
    assert {packed, running}.isdisjoint(task["id"] for task in left["tasks"])
    assert "My Pack" in await names(client)
    fetched = (await client.offline_download(link, folder, "fetched.txt"))["task"]
    while fetched["phase"] not in ("PHASE_TYPE_COMPLETE", "PHASE_TYPE_ERROR"):
        everything = [f"PHASE_TYPE_{name}" for name in ("PENDING", "RUNNING", "COMPLETE", "ERROR")]
        shown = (await client.offline_list(phase=everything))["tasks"]
        fetched = next(task for task in shown if task["id"] == fetched["id"])
    told = await client.get_download_url(fetched["file_id"])
    assert (told["name"], await fetch(way, told["web_content_link"])) == (
        "fetched.txt",
        b"from afar",
    )


async def test_a_failed_task_is_retried(way: Way, client: Any) -> None:
    way.sandbox.admin.switch("pikpak.offline", "error")
    way.sandbox.admin.switch("pikpak.offline_seconds", 1)
    task = (await client.offline_download(MAGNET))["task"]["id"]
    way.sandbox.admin.age(2)
    assert task in [item["id"] for item in (await client.offline_list())["tasks"]]
    way.sandbox.admin.switch("pikpak.offline", "ok")
    again = await client.offline_task_retry(task)
    assert again["task"]["params"]["retry_times"] == "1"


async def test_renewing_an_old_token(way: Way, client: Any) -> None:
    before = client.refresh_token
    await client.refresh_access_token()
    assert client.refresh_token != before
    assert "quota" in await client.get_quota_info()


async def test_stars_shares_and_the_account(way: Way, client: Any) -> None:
    node = put(way, "stars/a.txt", "x")
    await client.file_batch_star([node])
    assert [item["id"] for item in (await client.file_star_list())["files"]] == [node]
    await client.file_batch_unstar([node])
    assert (await client.file_star_list())["files"] == []
    share = await client.file_batch_share([node], need_password=True)
    opened = await client.get_share_info(share["share_url"], share["pass_code"])
    assert [item["name"] for item in opened["files"]] == ["a.txt"]
    assert (await client.vip_info())["data"]["type"] == "platinum"
    assert (await client.get_transfer_quota())["base"]["vip_status"] == "ok"
    assert await client.get_invite_code()
    assert isinstance((await client.events())["events"], list)
