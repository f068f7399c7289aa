"""Commands that name many things at once."""

from __future__ import annotations

from pathlib import Path

from tests.cloudtui_process import Home
from tests.sandbox_process import SandboxProcess

COUNT = 200


def wide(home: Home, box: SandboxProcess, email: str) -> list[str]:
    """Let `pc` be an account of this test alone, with one large folder; what is in it."""
    told = box.admin.order("pcloud", "add_accounts", email=email, seed=f"wide={COUNT}")
    home.environ["CLOUDTUI_ACCOUNT__PC__TOKEN"] = told["token"]
    top = f"pc:/wide-{COUNT}"
    return [f"{top}/{name}" for name in home.run("ls", top).ok().out.splitlines()]


def asked(box: SandboxProcess, since: int) -> list[str]:
    return [entry["path"] for entry in box.admin.log()[since:]]


def test_a_delete_by_names_costs_a_call_for_each_and_ten_more(
    home: Home, box: SandboxProcess
) -> None:
    rows = wide(home, box, "many-rm@example.com")
    assert len(rows) == COUNT
    since = len(box.admin.log())
    home.run("rm", "-r", *rows).ok()
    assert len(asked(box, since)) <= COUNT + 10
    assert home.run("ls", f"pc:/wide-{COUNT}").ok().out == ""
    assert len(home.run("trash", "ls", "pc:").ok().out.splitlines()) == COUNT
    since = len(box.admin.log())
    home.run("trash", "restore", *rows).ok()
    assert len(asked(box, since)) <= COUNT + 20
    assert len(home.run("ls", f"pc:/wide-{COUNT}").ok().out.splitlines()) == COUNT


def test_what_is_missing_or_ambiguous_among_many_is_told(
    home: Home, box: SandboxProcess, tmp_path: Path
) -> None:
    rows = [row for row in wide(home, box, "many-cp@example.com") if not row.endswith("/")]
    top = f"pc:/wide-{COUNT}"
    (twin, other), name = rows[:2], rows[0].rpartition("/")[2]
    home.run("mkdir", f"{top}/{name}").ok()
    since = len(box.admin.log())
    missing = home.run("cp", *rows[1:], f"{top}/none", tmp_path)
    assert (missing.code, "none" in missing.err) == (3, True)
    assert asked(box, since).count("/listfolder") <= 6
    unclear = home.run("rm", other, twin, rows[2], f"{top}/none")
    assert unclear.code == 3
    assert "Several entries" in unclear.err
    assert "none" in unclear.err
    left = home.run("ls", top).ok().out.splitlines()
    assert [row for row in rows if row.rpartition("/")[2] not in left] == [other, rows[2]]
    # a slash means the folder of the two, nothing the file
    home.run("rm", "-r", f"{twin}/", *rows[3:6]).ok()
    assert name in home.run("ls", top).ok().out.splitlines()
    home.run("rm", twin).ok()
    home.run("trash", "restore", f"{twin}/").ok()
    assert f"{name}/" in home.run("ls", top).ok().out.splitlines()
    home.run("cp", *rows[6:10], f"{tmp_path}/in/").ok()
    assert len(list((tmp_path / "in").iterdir())) == 4
