"""kill -9 at every named failpoint of every operation, then the same again: trees are equal,
nothing is half, nothing is there twice, nothing is left lying about."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloudtui.services.failpoints import NAMES
from tests.cloud_stage import Stage
from tests.crash import between, calling, copying, removing
from tests.crash.scenarios import Scenario
from tests.crash.steps import STEPS, unmarked

pytestmark = pytest.mark.crash

SIGN_IN = ("pikpak.signin.answered", "pikpak.refresh.stored")
"""Passed by whatever comes first; they have scenarios of their own."""

PLANNED = ("engine.job.created", "plan.page", "plan.rooted", "plan.counted")
ENDED = ("engine.item.done", "engine.job.finished")
JOB = (*PLANNED, *ENDED)
STREAM = (
    *("engine.write.intent", "engine.write.opened", "engine.write.noted"),
    *("mover.before_finish", "mover.after_finish", "engine.copied"),
)
TREE = ("plan.mkdir.intent", "plan.mkdir.made", "plan.mkdir.noted", "plan.folder")
LEAVE = (
    *("engine.remove.durable", "engine.remove.intent", "engine.remove.done"),
    "engine.folder.removed",
)
SENT = ("mover.part_sent", "engine.receipt")
TO_PK = (
    *("pikpak.upload.begun", "pikpak.upload.parts"),
    *("pikpak.upload.completed", "pikpak.upload.finished"),
)
SESSION = tuple(f"pcloud.upload.{step}" for step in ("created", "written", "checked", "saved"))
TO_PC = ("pcloud.put", *SESSION)
TO_DISK = (
    *("disk.part_created", "disk.before_commit", "disk.after_commit"),
    "mover.part_received",
)
SERVER = ("engine.server.intent", "engine.server.done")
REPLACE = tuple(f"engine.replace.{step}" for step in ("copied", "cleared", "named"))
SPOOL = tuple(f"engine.spool.{step}" for step in ("filled", "hashed", "sent"))
FETCH = (
    *(f"engine.fetch.{step}" for step in ("intent", "noted", "ordered", "arrived", "finished")),
    *("pcloud.fetch.ordered", "pcloud.fetch.timed"),
)
PK_REPLACE = tuple(f"pikpak.replace.{step}" for step in ("checked", "trashed", "named"))
PK_TRASH = ("pikpak.batch.started", "pikpak.trash.done")
PC_TRASH = tuple(f"pcloud.trash.{step}" for step in ("batch", "manifest", "moved"))
PK_HIDDEN = tuple(f"pikpak.copy.{step}" for step in ("started", "hidden", "named", "placed"))
DISK_TRASH = ("disk.trash.noted", "disk.trash.moved")


@dataclass(frozen=True)
class Row:
    """A scenario and the failpoints at which it is killed; `late` are passes after the first that
    are worth a death of their own. `whole`: together with `spared` these are all it passes,
    otherwise only what is new in it. Spared are steps that another row of the same operation dies
    at, and that know nothing of which cloud they work for."""

    scenario: Scenario
    names: tuple[str, ...]
    late: tuple[str, ...] = ()
    whole: bool = True
    spared: tuple[str, ...] = ()


LATE_TREE = ("plan.mkdir.made:3", "plan.folder:2", "engine.item.done:3", "engine.write.opened:4")
ROWS: dict[str, Row] = {
    "up-pk": Row(
        copying.up("pk"),
        (*JOB, *TREE, *STREAM, *SENT, *TO_PK, "pikpak.mkdir.made"),
        (*LATE_TREE, "mover.part_sent:4", "engine.receipt:5", "pikpak.upload.finished:3"),
    ),
    "up-pc": Row(
        copying.up("pc"),
        (*ENDED, *TREE, *STREAM, *SENT, *TO_PC, "pcloud.mkdir"),
        (*LATE_TREE, "pcloud.upload.written:4", "engine.receipt:6", "pcloud.put:3"),
        spared=PLANNED,
    ),
    "up-new-pk": Row(
        copying.up_renamed("pk"), ("plan.mkdir.made", "engine.item.done"), whole=False
    ),
    "up-new-pc": Row(
        copying.up_renamed("pc"), ("plan.mkdir.made", "engine.item.done"), whole=False
    ),
    "up-resumed-pk": Row(
        copying.up("pk", resumed=True), (*SENT, "pikpak.upload.completed"), whole=False
    ),
    "up-resumed-pc": Row(
        copying.up("pc", resumed=True), (*SENT, "pcloud.upload.saved"), whole=False
    ),
    "up-forgetful-pk": Row(
        copying.forgetful(copying.up("pk")), (*SENT, *TO_PK, "engine.write.opened"), whole=False
    ),
    "down-pk": Row(copying.down("pk"), (*JOB, *TREE, *STREAM, *TO_DISK), LATE_TREE),
    "down-pc": Row(copying.down("pc"), (*ENDED, *STREAM, *TO_DISK), spared=(*PLANNED, *TREE)),
    "down-new-pk": Row(
        copying.down("pk", renamed=True), ("plan.mkdir.made", "engine.item.done"), whole=False
    ),
    "down-new-pc": Row(
        copying.down("pc", renamed=True), ("plan.mkdir.made", "engine.item.done"), whole=False
    ),
    "down-resumed-pk": Row(copying.down("pk", resumed=True), TO_DISK, whole=False),
    "move-up-pk": Row(
        copying.move_up("pk"),
        (*JOB, *TREE, *STREAM, *SENT, *TO_PK, *LEAVE, "pikpak.mkdir.made"),
        ("engine.remove.done:3", "engine.folder.removed:3"),
    ),
    "move-up-pc": Row(
        copying.move_up("pc"),
        (*ENDED, *TO_PC, *LEAVE, "engine.copied", "pcloud.mkdir"),
        ("engine.remove.done:3", "engine.folder.removed:3"),
        spared=(*PLANNED, *TREE, *STREAM, *SENT),
    ),
    "move-down-pk": Row(
        copying.move_down("pk"),
        (*LEAVE, *PK_TRASH, "engine.copied", "engine.item.done", "engine.job.finished"),
        whole=False,
    ),
    "move-down-pc": Row(
        copying.move_down("pc"),
        (*LEAVE, "pcloud.delete", "engine.copied", "engine.item.done", "engine.job.finished"),
        whole=False,
    ),
    "replace-small-pk": Row(
        copying.replace_up("pk", 1_000),
        (
            *(*JOB, *STREAM, *SENT, *PK_REPLACE, "pikpak.batch.started", "pikpak.rename.done"),
            *("pikpak.upload.begun", "pikpak.upload.completed", "pikpak.upload.finished"),
        ),
    ),
    "replace-large-pk": Row(
        copying.replace_up("pk", 300_000),
        (*SENT, *TO_PK, *PK_REPLACE),
        ("engine.receipt:3",),
        whole=False,
    ),
    "replace-pc": Row(
        copying.replace_up("pc", 300_000),
        (*ENDED, *STREAM, *SENT, *SESSION),
        ("engine.receipt:4",),
        spared=PLANNED,
    ),
    "replace-disk": Row(
        copying.replace_down,
        (*ENDED, *STREAM, *TO_DISK, *DISK_TRASH, "disk.replace_trashed"),
        spared=PLANNED,
    ),
    "rm-pk": Row(removing.remove("pk"), PK_TRASH),
    "rm-pc": Row(removing.remove("pc"), PC_TRASH, ("pcloud.trash.moved:2",)),
    "rm-disk": Row(removing.remove(""), DISK_TRASH, ("disk.trash.noted:2", "disk.trash.moved:2")),
    "rm-linked-pc": Row(removing.unlinked, (*PC_TRASH, "pcloud.trash.unlinked")),
    "restore-pk": Row(
        removing.restore("pk"),
        ("pikpak.batch.started", "pikpak.restore.untrashed", "pikpak.restore.moved"),
        ("pikpak.batch.started:2", "pikpak.restore.moved:2"),
    ),
    "restore-pc": Row(
        removing.restore("pc"),
        ("pcloud.mkdir", "pcloud.restore.moved", "pcloud.delete", "pcloud.trash.tidied"),
        ("pcloud.restore.moved:2",),
    ),
    "restore-disk": Row(removing.restore(""), ("disk.restore.moved",), ("disk.restore.moved:2",)),
    "forever-pk": Row(removing.forever("pk"), ("pikpak.batch.started",)),
    "forever-pc": Row(removing.forever("pc"), ("pcloud.delete",), ("pcloud.delete:2",)),
    "forget-pk": Row(removing.forget("pk"), ("pikpak.batch.started",)),
    "forget-pc": Row(removing.forget("pc"), ("pcloud.delete", "pcloud.trash.deleted")),
    "empty-pk": Row(removing.empty("pk"), ("pikpak.trash.emptied",)),
    "empty-pc": Row(
        removing.empty("pc"), ("pcloud.delete", "pcloud.trash.emptied"), ("pcloud.trash.emptied:2",)
    ),
    "mkdir-pk": Row(calling.make("pk"), ("pikpak.mkdir.made",), ("pikpak.mkdir.made:2",)),
    "mkdir-pc": Row(calling.make("pc"), ("pcloud.mkdir",), ("pcloud.mkdir:2",)),
    "rename-pk": Row(calling.rename("pk"), ("pikpak.rename.done",)),
    "rename-pc": Row(calling.rename("pc"), ("pcloud.rename",)),
    "copy-inside-pk": Row(
        between.inside("pk", "cp"), (*JOB, *SERVER, "pikpak.copy.started", "pikpak.copy.done")
    ),
    "copy-inside-pc": Row(
        between.inside("pc", "cp"),
        (*ENDED, *SERVER, "pcloud.mkdir", "pcloud.copy"),
        spared=PLANNED,
    ),
    "move-inside-pk": Row(
        between.inside("pk", "mv"), (*JOB, *SERVER, "pikpak.batch.started", "pikpak.move.done")
    ),
    "move-inside-pc": Row(
        between.inside("pc", "mv"), (*ENDED, *SERVER, "pcloud.move"), spared=PLANNED
    ),
    "copy-renamed-pk": Row(
        between.inside_renamed("pk", "cp"), (*PK_HIDDEN, "pikpak.copy.done"), whole=False
    ),
    "move-renamed-pk": Row(
        between.inside_renamed("pk", "mv"),
        ("pikpak.batch.started", "pikpak.move.done", "pikpak.rename.done"),
        whole=False,
    ),
    "copy-over-pk": Row(
        between.inside_replace("pk", "cp"),
        (*REPLACE, *PK_TRASH, *PK_HIDDEN, "pikpak.copy.done", "pikpak.rename.done"),
        ("pikpak.rename.done:2",),
        whole=False,
    ),
    "copy-over-pc": Row(
        between.inside_replace("pc", "cp"), (*REPLACE, *PC_TRASH, "pcloud.rename"), whole=False
    ),
    "move-over-pk": Row(
        between.inside_replace("pk", "mv"),
        (*REPLACE, *PK_TRASH, "pikpak.move.done", "pikpak.rename.done"),
        ("pikpak.batch.started:2", "pikpak.rename.done:2"),
        whole=False,
    ),
    "move-over-pc": Row(
        between.inside_replace("pc", "mv"),
        (*REPLACE, *PC_TRASH, "pcloud.move", "pcloud.rename"),
        whole=False,
    ),
    "relay": Row(
        between.across("pk", "pc", "cp"),
        (*JOB, *TREE, *STREAM, *SENT, *TO_PC, "pcloud.mkdir"),
    ),
    "relay-move": Row(
        between.across("pk", "pc", "mv"),
        (*LEAVE, *PK_TRASH, "mover.after_finish", "engine.item.done"),
        ("mover.after_finish:2", "engine.remove.durable:2"),
        whole=False,
    ),
    "fetch": Row(between.fetched("cp"), (*FETCH, "engine.copied", "engine.item.done"), whole=False),
    "fetch-move": Row(between.fetched("mv"), (*LEAVE, *PK_TRASH), whole=False),
    "spool": Row(
        between.across("pc", "pk", "cp"),
        (*JOB, *TREE, *SPOOL, *STREAM, *SENT, *TO_PK, *TO_DISK, "pikpak.mkdir.made"),
        ("engine.spool.filled:3", "mover.part_sent:3", "engine.write.noted:4"),
        spared=("engine.held",),  # the empty file
    ),
    "spool-move": Row(
        between.across("pc", "pk", "mv"),
        (*LEAVE, "engine.spool.sent", "pcloud.delete"),
        whole=False,
    ),
    "held": Row(
        between.across("pc", "pk", "cp", held=True),
        ("engine.held", "engine.write.noted", "mover.part_sent"),
        ("engine.held:3",),
        whole=False,
    ),
    "twin": Row(copying.twin, ("pcloud.put.twin",), whole=False),
    "drop-pk": Row(copying.dropped("pk"), ("pikpak.upload.removed",), whole=False),
    "drop-pc": Row(copying.dropped("pc"), ("pcloud.upload.aborted",), whole=False),
    "offline-pk": Row(calling.offline("pk"), ("pikpak.offline.added",)),
    "offline-pc": Row(calling.offline("pc"), ("pcloud.offline.added",)),
    "extract-pk": Row(calling.extract, ("pikpak.extract.started",)),
    "extract-delete": Row(
        calling.extract_and_delete, ("pikpak.extract.started", "pikpak.batch.started")
    ),
    "pack": Row(calling.pack, ("pikpak.pack.started",)),
    "unpack": Row(calling.unpack, ("pikpak.unpack.done",)),
    "share-pk": Row(calling.share("pk"), ("pikpak.share.made",)),
    "share-pc": Row(calling.share("pc"), ("pcloud.share.made",)),
    "save": Row(calling.save, ("pikpak.save.started",), ("pikpak.save.started:2",)),
    "sign-in": Row(calling.sign_in, SIGN_IN),
    "refresh": Row(calling.refresh, ("pikpak.refresh.answered", "pikpak.refresh.stored")),
}

ELSEWHERE = {"mover.range_durable", "pcloud.fetch.twin"}
"""In `test_large.py`, for it takes some seconds to pass it, and in `tests/routes`."""


def deaths() -> list[tuple[str, str]]:
    return [
        (title, name) for title, row in ROWS.items() for name in sorted({*row.names, *row.late})
    ]


def test_no_failpoint_is_left_out() -> None:
    assert {name.partition(":")[0] for _, name in deaths()} | ELSEWHERE == NAMES


def test_a_step_without_a_failpoint_is_found() -> None:
    told = {"user_agent": "cloudtui", "status": 200, "result": None, "query": ""}
    made = {**told, "listener": "pcloud.us", "method": "POST", "path": "/createfolder"}
    read = {**told, "listener": "pcloud.us", "method": "GET", "path": "/listfolder"}
    strange = {**made, "path": "/savezip"}
    assert unmarked([made, made, read], ["pcloud.mkdir"]) == ["POST /createfolder"]
    assert unmarked([made, strange], ["pcloud.mkdir", "plan.page"]) == ["POST /savezip"]
    assert unmarked([{**made, "result": 2004}, read], []) == []
    assert {name for names in STEPS.values() for name in names} <= NAMES


@pytest.mark.parametrize("title", ROWS)
def test_the_table_names_what_is_passed(stage: Stage, tmp_path: Path, title: str) -> None:
    row = ROWS[title]
    case = row.scenario(stage)
    record = tmp_path / "passed"
    before = max((each["seq"] for each in stage.admin.log()), default=0)
    ended = subprocess.run(
        [sys.executable, "-m", "tests.crash.recorder", str(record), *case.words],
        env=stage.home.environment(),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    passes = record.read_text().split()
    assert unmarked(stage.admin.log(before), passes) == []
    passed = set(passes)
    if row.whole:
        assert passed - set(SIGN_IN) == {*row.names, *row.spared} - set(SIGN_IN)
    assert set(row.names) <= passed | set(SIGN_IN)
    case.check()


# not `spool`: once it came through, the two clouds share neither digest nor time, so the same
# words again rightly leave the finished copies alone with a question
@pytest.mark.parametrize("title", ["up-pk", "up-pc", "down-pk", "down-pc", "relay"])
def test_killed_again_and_again(stage: Stage, title: str) -> None:
    """Up to eight deaths of one job, each a little later, some while it recovers."""
    case = ROWS[title].scenario(stage)
    for name in ("plan.mkdir.made", "engine.write.opened", "mover.before_finish", "engine.copied"):
        for count in (1, 2):
            extra = {"CLOUDTUI_FAILPOINT": f"{name}:{count}"}
            ended = stage.home.run(*case.words, extra=extra)
            assert ended.code in (0, -signal.SIGKILL), ended.err
            if ended.code == 0:
                break
    stage.home.run(*case.words).ok()
    case.check()


@pytest.mark.parametrize(("title", "failpoint"), deaths())
def test_killed_there_and_run_again(stage: Stage, title: str, failpoint: str) -> None:
    case = ROWS[title].scenario(stage)
    stage.die(failpoint, *case.words)
    again = stage.home.run(*(case.again or case.words))
    assert again.code in case.codes, f"exit {again.code}\n{again.out}{again.err}"
    if case.words[0] == "mv":
        assert again.code == 0  # a move that was over already is known from the journal
    assert "Traceback" not in again.err
    case.check()
    left = stage.jobs()
    assert set(left) <= {"done", "cancelled"}, left
