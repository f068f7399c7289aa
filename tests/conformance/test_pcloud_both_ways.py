"""What our pCloud client wrote the real rclone reads, and the other way round: over loopback TLS
and under the real host names of both regions."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cloudtui.services.models import Found, Location, Secret
from cloudtui.services.network import Network
from cloudtui.services.pcloud.storage import PCloudStorage
from tests.conformance.clients import AWKWARD, Rclone, read_tree
from tests.conformance.connect_front import ConnectFront, TlsFiles
from tests.conformance.names import FOLDERS, NAMES
from tests.pcloud.rig import download, place, upload
from tests.sandbox_process import start_sandbox

pytestmark = [
    pytest.mark.conformance,
    pytest.mark.xdist_group("pcloud-both-ways"),
]

ROOT = Location("pc")
FILES = {
    "empty.bin": b"",
    "one.bin": b"1",
    "five.bin": os.urandom(5 << 20),
    "twenty.bin": os.urandom(20 << 20),
    **{f"names/{name}": name.encode() for name in AWKWARD},
    "names/new\nline\ttab.txt": b"controls",
    "names/del\x7f.txt": b"del",
    "names/＼fullwidth ␉ look encoded.txt": b"looks encoded",
    os.fsdecode(b"names/bad\xff\xfe.txt"): b"no text",
}
ALL_NAMES = {f"all/{name}": f"file {number}".encode() for number, name in enumerate(NAMES)}
ALL_NAMES |= {f"in/{name}/f": f"in {number}".encode() for number, name in enumerate(FOLDERS)}
RAW = ("--local-encoding", "Raw")
"""rclone's local side maps some names, too; only pCloud's mapping is the subject."""


@dataclass
class Stage:
    """An rclone and what our client needs to reach the same account."""

    rclone: Rclone
    url: str
    token: str
    network: Network


@pytest.fixture(scope="module", params=["loopback", "us", "eu"])
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("both-ways")
    options = {"type": "pcloud"}
    if request.param == "loopback":
        tls = TlsFiles.make(folder / "tls")
        arguments = ("--tls-cert", str(tls.cert), "--tls-key", str(tls.key))
        with start_sandbox(folder / "sandbox", *arguments) as sandbox:
            told = sandbox.endpoints["pcloud"]
            options["hostname"] = urlsplit(told["us_url"]).netloc
            options["token"] = token_json(told["us_token"])
            network = Network(ca_file=str(tls.ca), environ={})
            yield Stage(Rclone("pc", options, tls.ca), told["us_url"], told["us_token"], network)
        return
    host = "api.pcloud.com" if request.param == "us" else "eapi.pcloud.com"
    with (
        start_sandbox(folder / "sandbox") as sandbox,
        ConnectFront(sandbox.endpoints, folder) as front,
    ):
        token = sandbox.endpoints["pcloud"][f"{request.param}_token"]
        options["hostname"] = host
        options["token"] = token_json(token)
        network = Network(ca_file=str(front.ca_file), environ={"HTTPS_PROXY": front.url})
        rclone = Rclone("pc", options, front.ca_file, front.url)
        yield Stage(rclone, f"https://{host}", token, network)
        assert host in front.seen


def token_json(token: str) -> str:
    return json.dumps(
        {"access_token": token, "token_type": "bearer", "expiry": "0001-01-01T00:00:00Z"}
    )


async def our_tree(storage: PCloudStorage, at: Location, under: str = "") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    async for page in storage.scan(at):
        for entry in page:
            there = Found.of(at, entry)
            if entry.is_folder:
                found |= await our_tree(storage, there.at, f"{under}{entry.name}/")
            else:
                found[under + entry.name] = await download(storage, there)
    return found


async def ours(stage: Stage, home: Path) -> PCloudStorage:
    return await place(home, stage.url, token=Secret(stage.token), network=stage.network)


async def test_what_we_wrote_rclone_reads(stage: Stage, tmp_path: Path) -> None:
    storage = await ours(stage, tmp_path)
    top = ROOT.child("from us")
    await storage.mkdir(ROOT, "from us")
    await storage.mkdir(top, "names")
    for path, content in FILES.items():
        *parents, name = path.split("/")
        parent = Location("pc", (*top.parts, *parents))
        await upload(storage, parent, name, content, mtime=1_600_000_000)
    await storage.close()
    run = stage.rclone.run
    await asyncio.to_thread(run, "copy", "pc:from us", str(tmp_path / "down"))
    assert read_tree(tmp_path / "down") == FILES
    assert (tmp_path / "down" / "one.bin").stat().st_mtime == 1_600_000_000
    await asyncio.to_thread(run, "check", str(tmp_path / "down"), "pc:from us")


async def test_every_name_we_give_rclone_has_on_its_disk(stage: Stage, tmp_path: Path) -> None:
    storage = await ours(stage, tmp_path)
    top = ROOT.child("names from us")
    await storage.mkdir(ROOT, top.name)
    for folder in ("all", "in"):
        await storage.mkdir(top, folder)
    for folder in FOLDERS:
        await storage.mkdir(top.child("in"), folder)
    for path, content in ALL_NAMES.items():
        *parents, name = path.split("/")
        await upload(storage, Location("pc", (*top.parts, *parents)), name, content)
    await storage.close()
    down = tmp_path / "down"
    await asyncio.to_thread(stage.rclone.run, "copy", *RAW, "pc:names from us", str(down))
    assert read_tree(down) == ALL_NAMES
    assert {path.name for path in (down / "in").iterdir()} == set(FOLDERS)


async def test_every_name_rclone_gives_we_have_on_our_disk(stage: Stage, tmp_path: Path) -> None:
    for path, content in ALL_NAMES.items():
        file = tmp_path / "up" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    await asyncio.to_thread(
        stage.rclone.run, "copy", *RAW, str(tmp_path / "up"), "pc:names from rclone"
    )
    storage = await ours(stage, tmp_path)
    assert await our_tree(storage, ROOT.child("names from rclone")) == ALL_NAMES
    # and each of its folders is found by its name
    for name in FOLDERS:
        found = await storage.stat(ROOT.child("names from rclone").child("in").child(name))
        assert found.entry.is_folder
    await storage.close()


async def test_what_rclone_wrote_we_read(stage: Stage, tmp_path: Path) -> None:
    for path, content in FILES.items():
        file = tmp_path / "up" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        os.utime(file, (1_500_000_000, 1_500_000_000))
    (tmp_path / "up" / "empty folder").mkdir()
    run = stage.rclone.run
    await asyncio.to_thread(
        run, "copy", "--create-empty-src-dirs", str(tmp_path / "up"), "pc:from rclone"
    )
    storage = await ours(stage, tmp_path)
    top = ROOT.child("from rclone")
    assert await our_tree(storage, top) == FILES
    one = await storage.stat(top.child("one.bin"))
    assert one.entry.mtime_ns == 1_500_000_000_000_000_000
    # and what we change there rclone sees
    await storage.rename(one, "renamed \\ by us")
    await storage.trash([await storage.stat(top.child("five.bin"))])
    await storage.close()
    left = await asyncio.to_thread(run, "lsf", "pc:from rclone")
    assert sorted(left.splitlines()) == [
        "empty folder/",
        "empty.bin",
        "names/",
        "renamed \\ by us",
        "twenty.bin",
    ]
