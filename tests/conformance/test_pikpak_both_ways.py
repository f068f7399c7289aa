"""What our program put on PikPak the real rclone reads, and the other way round, under the real
host names through a CONNECT front: contents and local names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cloudtui_process import Home, make_tree, tree
from tests.conformance.connect_front import ConnectFront
from tests.conformance.foreign import Rclone
from tests.conformance.names import FOLDERS, NAMES
from tests.sandbox_process import SandboxProcess, start_sandbox

pytestmark = [
    pytest.mark.conformance,
    pytest.mark.xdist_group("pikpak-both-ways"),
]


@dataclass
class Both:
    """Our program and rclone, each signed in to the same account."""

    home: Home
    rclone: Rclone
    sandbox: SandboxProcess


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("both-ways")
    with (
        start_sandbox(folder / "sandbox") as sandbox,
        ConnectFront(sandbox.endpoints, folder) as front,
    ):
        told = sandbox.endpoints["pikpak"]
        rclone = Rclone(
            folder / "rclone",
            {
                "HTTPS_PROXY": front.url,
                "RCLONE_CA_CERT": str(front.ca_file),
                # its local side maps some names too; only PikPak's mapping is the subject
                "RCLONE_LOCAL_ENCODING": "Raw",
            },
        )
        rclone.ok(
            *("config", "create", "pk", "pikpak", "--obscure"),
            *(f"user={told['username']}", f"pass={told['password']}"),
        )
        home = Home(folder / "home")
        settings = folder / "home" / "cloudtui" / "settings.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text(
            f'format = 1\n[accounts.pk]\nkind = "pikpak"\nusername = "{told["username"]}"\n'
        )
        home.environ |= {
            "HTTPS_PROXY": front.url,
            "CLOUDTUI_CA_FILE": str(front.ca_file),
            "CLOUDTUI_ACCOUNT__PK__PASSWORD": told["password"],
        }
        yield Both(home, rclone, sandbox)
        assert {"user.mypikpak.com", "api-drive.mypikpak.com"} <= set(front.seen)


def named(mark: str) -> dict[str, bytes]:
    """A file under every awkward name and one in every awkward folder; contents tell them apart."""
    files = {f"names/{name}": f"{mark} {number}" for number, name in enumerate(NAMES)}
    files |= {f"in/{name}/f": f"{mark} in {number}" for number, name in enumerate(FOLDERS)}
    return {path: text.encode() for path, text in files.items()}


def tree_for(folder: Path, both: Both, mark: str) -> Path:
    """Sizes around the limits, and every awkward name."""
    files = named(mark)
    for number, content in enumerate(files.values()):
        # What the service knows takes half the calls, and each of rclone's takes 0.1 s.
        both.sandbox.admin.order(
            "pikpak", "put", path=f"known/{mark}/{number}", text=content.decode()
        )
    sizes = {
        "empty.bin": b"",
        "one.bin": mark[:1].encode(),
        "five.bin": os.urandom(5 << 20),
        "parts.bin": os.urandom((21 << 20) + 7),
    }
    return make_tree(folder, files | sizes, ["hollow"])


def test_what_we_wrote_rclone_reads_and_deletes(both: Both, tmp_path: Path) -> None:
    up = tree_for(tmp_path / "up", both, "ours")
    both.home.run("--set", "pk.upload_cutoff=20M", "cp", "-r", up, "pk:/from us").ok()
    both.rclone.ok("copy", "--create-empty-src-dirs", "pk:from us", str(tmp_path / "down"))
    assert tree(tmp_path / "down") == tree(up)
    both.rclone.ok("purge", "pk:from us/in")
    left = both.home.run("--json", "ls", "pk:/from us").ok()
    assert sorted(row["name"] for row in left.values if row["type"] == "folder") == [
        "hollow",
        "names",
    ]


def test_what_rclone_wrote_we_read_and_delete(both: Both, tmp_path: Path) -> None:
    up = tree_for(tmp_path / "up", both, "rclone")
    both.rclone.ok(
        *("copy", "--create-empty-src-dirs", "--pikpak-upload-cutoff", "20M"),
        *(str(up), "pk:from rclone"),
    )
    both.home.run("cp", "-r", "pk:/from rclone/", tmp_path / "down").ok()
    assert tree(tmp_path / "down") == tree(up)
    listed = both.home.run("--json", "ls", "pk:/from rclone/names").ok()
    assert sorted(row["name"] for row in listed.values) == sorted(NAMES)
    both.home.run("rm", *(f"pk:/from rclone/names/{name}" for name in NAMES)).ok()
    assert both.rclone.ok("lsf", "pk:from rclone/names") == ""


def test_folders_made_by_either_are_the_same_to_both(both: Both, tmp_path: Path) -> None:
    made = {"made", *(f"made/{name}" for name in FOLDERS)}
    both.home.run("mkdir", "-p", *(f"pk:/{name}" for name in sorted(made))).ok()
    both.rclone.ok("copy", "--create-empty-src-dirs", "pk:made", str(tmp_path / "down"))
    assert {f"made/{name}" for name in tree(tmp_path / "down")} == made - {"made"}
    # rclone finds each of them there already: nothing is made a second time
    both.rclone.ok("copy", "--create-empty-src-dirs", str(tmp_path / "down"), "pk:made")
    listed = both.home.run("--json", "ls", "pk:/made").ok()
    assert sorted(row["name"] for row in listed.values) == sorted(FOLDERS)


def test_each_sees_what_the_other_changes(both: Both, tmp_path: Path) -> None:
    make_tree(tmp_path / "up", {"a: one": b"1", "b* two": b"2", "c? three": b"3"})
    both.home.run("cp", "-r", tmp_path / "up", "pk:/changes").ok()
    both.rclone.ok("moveto", "pk:changes/a: one", "pk:changes/renamed | by rclone")
    both.home.run("rename", "pk:/changes/b* two", "renamed < by us").ok()
    both.home.run("rm", "pk:/changes/c? three").ok()
    assert both.rclone.lines("lsf", "pk:changes") == ["renamed < by us", "renamed | by rclone"]
    shown = both.home.run("--json", "ls", "pk:/changes").ok()
    assert sorted(entry["name"] for entry in shown.values) == [
        "renamed < by us",
        "renamed | by rclone",
    ]
    assert both.rclone.lines("lsf", "--pikpak-trashed-only", "pk:changes") == ["c? three"]


def test_rclone_checks_what_we_replaced(both: Both, tmp_path: Path) -> None:
    first = make_tree(tmp_path / "first", {"same.bin": b"old" * 1000})
    both.home.run("cp", "-r", first, "pk:/replaced").ok()
    second = make_tree(tmp_path / "second", {"same.bin": os.urandom(4000)})
    both.home.run("cp", "-r", "--on-conflict", "overwrite", f"{second}/", "pk:/replaced").ok()
    both.rclone.ok("copy", "pk:replaced", str(tmp_path / "down"))
    assert tree(tmp_path / "down") == tree(second)
