"""The journal: durable, shared by processes, closed to newer formats."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from cloudtui.services.errors import Denied, Full, Refused
from cloudtui.services.models import Entry, Flag, Kind, Location
from cloudtui.services.transfers import ledger, shelves
from cloudtui.services.transfers.journal import Journal, network_filesystem
from cloudtui.services.transfers.journal_errors import journal_error
from cloudtui.services.transfers.orders import (
    Answer,
    JobState,
    OnConflict,
    Order,
    Resolution,
    Source,
    Verb,
)
from cloudtui.services.transfers.rows import (
    Action,
    Hold,
    JobRow,
    direction_of,
    fingerprint,
    pack_entry,
    pack_parts,
    unpack_entry,
    unpack_parts,
)
from cloudtui.services.transfers.schema import FORMAT
from cloudtui.services.transfers.seals import Envelope

ODD = ("caf\udce9", "\udcff", "日本", "a b", "🙂")


def job(id_: str = "j1", *, created_ns: int = 1) -> JobRow:
    order = Order(
        Verb.MOVE,
        (Source(Location("", ("home", *ODD)), contents=True), Source(Location("pc", ("x",), "7"))),
        Location("pk", ("in", "to"), "id9"),
        on_conflict=OnConflict.NEWER,
        include=("*.txt",),
        bandwidth=5,
    )
    return JobRow(
        id_, order, None, JobState.WAITING, Hold.NONE, direction_of(order), "t",
        fingerprint(order), created_ns,
    )  # fmt: skip


def add(row: JobRow, db: sqlite3.Connection) -> None:
    ledger.add_job(db, row)


def add_all(rows: list[JobRow], db: sqlite3.Connection) -> None:
    for row in rows:
        ledger.add_job(db, row)


def rows_in(table: str, db: sqlite3.Connection) -> int:
    found: int = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
    return found


def settle(id_: int, state: JobState, db: sqlite3.Connection) -> None:
    shelves.settle(db, id_, state, "m", "denied")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite"


def test_only_jobs_that_changed_are_decoded_anew(path: Path) -> None:
    count = 2 * 500 + 7  # more than one statement takes
    with contextlib.closing(Journal(path)) as journal:
        rows = [job(f"j{number:04}", created_ns=number) for number in range(count)]
        journal.run_blocking(partial(add_all, rows))
        jobs = ledger.Jobs()
        before = journal.look(jobs)
        assert before == journal.look(ledger.jobs)
        assert [len(row.order.sources) for row in before] == [2] * count
        journal.run_blocking(lambda db: ledger.set_state(db, "j0003", JobState.DONE, Hold.NONE, ""))
        journal.run_blocking(partial(add, job("new", created_ns=-1)))
        journal.run_blocking(lambda db: ledger.delete_job(db, "j0005"))
        after = journal.look(jobs)
        assert after == journal.look(ledger.jobs)
        assert after[0].id == "new"
        kept = {id(row) for row in before} & {id(row) for row in after}
        assert len(kept) == count - 2


def test_a_job_comes_back_as_it_was(path: Path) -> None:
    journal = Journal(path)
    row = job()
    journal.run_blocking(lambda db: ledger.add_job(db, row))
    journal.run_blocking(
        lambda db: ledger.set_answer(
            db, "j1", Resolution(Answer.RENAME, for_all=True, name="caf\udce9")
        )
    )
    journal.close()
    journal = Journal(path)
    (found,) = journal.look(ledger.jobs)
    journal.close()
    assert found.order == row.order
    assert found.answer == Resolution(Answer.RENAME, for_all=True, name="caf\udce9")
    assert found.fingerprint == row.fingerprint
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_names_that_are_no_text_survive() -> None:
    assert unpack_parts("", pack_parts("", ODD)) == ODD
    assert unpack_parts("pk", pack_parts("pk", ("a/b", "\ud800", "x"))) == ("a/b", "\ud800", "x")
    assert unpack_parts("", pack_parts("", ())) == ()
    entry = Entry("n\udce9", "id", Kind.FILE, None, -1, b"\xff", Flag.SHARED)
    assert unpack_entry(pack_entry(entry)) == entry


def test_equal_orders_have_equal_fingerprints_whatever_their_ids() -> None:
    order = job().order
    looked_up = Order(
        order.verb,
        (order.sources[0], Source(Location("pc", ("x",), None))),
        Location("pk", ("in", "to")),
        on_conflict=order.on_conflict,
        include=order.include,
        bandwidth=None if order.bandwidth else 5,
        paused=True,
    )
    assert fingerprint(order) == fingerprint(looked_up)
    other = Order(order.verb, order.sources, order.target, on_conflict=OnConflict.ASK)
    assert fingerprint(order) != fingerprint(other)


def test_a_newer_format_is_refused_untouched(path: Path) -> None:
    Journal(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {FORMAT + 1}")
    before = path.read_bytes()
    with pytest.raises(Refused, match=f"format {FORMAT + 1}"):
        Journal(path)
    assert path.read_bytes() == before


def test_one_failing_write_leaves_the_others(path: Path) -> None:
    journal = Journal(path)
    gate = threading.Event()
    first = journal.start(lambda _: gate.wait(100))  # holds the writer until all are queued
    good = journal.start(lambda db: ledger.add_job(db, job("a")))
    bad = journal.start(lambda db: db.execute("INSERT INTO jobs (id) VALUES ('a')"))
    late = journal.start(lambda db: ledger.add_job(db, job("b")))
    gate.set()
    assert first.result(10)
    good.result(10)
    late.result(10)
    with pytest.raises(Refused):
        bad.result(10)
    assert [row.id for row in journal.look(ledger.jobs)] == ["a", "b"]
    journal.close()


def test_writes_that_wait_together_are_synchronised_together(path: Path) -> None:
    journal = Journal(path)
    gate = threading.Event()
    opened = threading.Event()

    def hold(db: sqlite3.Connection) -> None:
        opened.set()
        gate.wait(100)

    first = journal.start(hold)
    assert opened.wait(100)
    early = journal.start(lambda db: ledger.add_job(db, job("early")))
    late = journal.start(lambda _: early.done())  # futures resolve when the commit is durable
    gate.set()
    first.result(10)
    early.result(10)
    assert late.result(10) is False
    journal.close()


def test_posted_writes_are_there_after_closing(path: Path) -> None:
    journal = Journal(path)
    for n in range(20):
        journal.post(partial(add, job(f"j{n:02}", created_ns=n)))
    journal.close()
    journal = Journal(path)
    assert [row.id for row in journal.look(ledger.jobs)] == [f"j{n:02}" for n in range(20)]
    journal.close()
    with pytest.raises(Refused):
        journal.start(ledger.jobs)


def test_a_posted_write_that_fails_is_told_at_the_next(path: Path) -> None:
    journal = Journal(path)
    journal.post(lambda db: db.execute("INSERT INTO nothing VALUES (1)"))
    journal.run_blocking(ledger.jobs)
    with pytest.raises(Refused, match="does not answer"):
        journal.run_blocking(ledger.jobs)
    journal.close()


_WRITER = """
import sys
from pathlib import Path
from cloudtui.services.transfers import ledger
from cloudtui.services.transfers.journal import Journal
from tests.transfers.test_journal import job
journal = Journal(Path(sys.argv[1]))
for n in range(30):
    journal.run_blocking(lambda db: ledger.add_job(db, job(f"{sys.argv[2]}{n}")))
journal.close()
"""


def test_many_processes_write_one_journal(path: Path) -> None:
    journal = Journal(path)
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path), name]) for name in ("a", "b")
    ]
    for n in range(30):
        journal.run_blocking(partial(add, job(f"c{n}")))
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert len(journal.look(ledger.jobs)) == 90
    journal.close()


def test_on_a_network_disk_one_process_holds_it_alone(path: Path) -> None:
    journal = Journal(path, shared=False)
    journal.run_blocking(lambda db: ledger.add_job(db, job()))
    assert len(journal.look(ledger.jobs)) == 1
    mode = journal.look(lambda db: db.execute("PRAGMA journal_mode").fetchone()[0])
    assert mode == "truncate"
    with pytest.raises(Refused, match="Another cloudtui"):
        Journal(path, shared=False)
    journal.close()
    Journal(path, shared=False).close()


def test_a_local_disk_is_no_network_disk(tmp_path: Path) -> None:
    assert network_filesystem(tmp_path / "not" / "there" / "yet") is None


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises((Denied, Refused, Full)) as caught:
        Journal(tmp_path / "file" / "journal.sqlite")
    assert "journal" in caught.value.text
    (tmp_path / "junk").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(Refused, match="journal"):
        Journal(tmp_path / "junk")
    assert (tmp_path / "junk").read_bytes().startswith(b"this is no database")


def test_a_folder_called_full_is_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "full").write_bytes(b"")
    with pytest.raises(Refused) as caught:
        Journal(tmp_path / "full" / "journal.sqlite")
    assert "does not answer" in caught.value.text
    assert "full" not in caught.value.text


def test_no_more_room_for_the_journal_is_told(path: Path) -> None:
    journal = Journal(path)

    def fill(db: sqlite3.Connection) -> None:
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
        db.execute("CREATE TABLE more (data BLOB)")
        db.execute("INSERT INTO more VALUES (zeroblob(1000000))")

    with pytest.raises(Full, match="is full"):
        journal.run_blocking(fill)
    journal.run_blocking(lambda db: db.execute("PRAGMA max_page_count = 1000000"))
    journal.run_blocking(lambda db: ledger.add_job(db, job()))  # it goes on when there is room
    journal.close()


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("SQLITE_IOERR_SHMSIZE", Full, "is full"),
        ("SQLITE_CANTOPEN", Full, "is full"),
        ("SQLITE_READONLY_DIRECTORY", Denied, "cannot be written"),
        ("SQLITE_LOCKED_SHAREDCACHE", Refused, "Another cloudtui"),
        ("SQLITE_CORRUPT", Refused, "SQLITE_CORRUPT"),
    ],
)
def test_what_the_database_says_is_told_by_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: type[Exception], words: str
) -> None:
    """Where it speaks of a failed input or output on a disk without room, that is the reason."""
    exc = sqlite3.OperationalError("some words")
    exc.sqlite_errorcode, exc.sqlite_errorname = getattr(sqlite3, name), name

    def no_room(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", no_room)
    error = journal_error(exc, tmp_path / "journal.sqlite")
    assert isinstance(error, kind)
    assert words in error.text
    assert list(tmp_path.iterdir()) == []


def test_a_failed_input_on_a_disk_with_room_is_no_full_disk(tmp_path: Path) -> None:
    exc = sqlite3.OperationalError("disk I/O error")
    exc.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
    exc.sqlite_errorname = "SQLITE_IOERR_READ"
    error = journal_error(exc, tmp_path / "journal.sqlite")
    assert isinstance(error, Refused)
    assert "SQLITE_IOERR_READ: disk I/O error" in error.text


def test_counts_follow_the_items(path: Path) -> None:
    journal = Journal(path)
    journal.run_blocking(lambda db: ledger.add_job(db, job()))
    new = shelves.NewFolder(
        root=0,
        walk=True,
        made=False,
        fresh=True,
        keep=False,
        source=Location("", ("s",)),
        target=Location("pk", ("t",)),
        inner=(),
    )
    row_id = journal.run_blocking(lambda db: shelves.add_folder(db, "j1", new))
    assert journal.run_blocking(lambda db: shelves.add_folder(db, "j1", new)) == row_id
    folder = journal.look(lambda db: shelves.folder(db, row_id))
    items = [
        shelves.NewItem(
            folder,
            tree=False,
            state=JobState.WAITING,
            entry=Entry(f"f{n}", f"f{n}", Kind.FILE, n),
            target_name=f"f{n}",
            existing=None,
            action=Action.NEW,
        )
        for n in range(10)
    ]
    added = journal.run_blocking(lambda db: shelves.add_items(db, items))
    assert (added.files, added.bytes_total) == (10, 45)
    twice = journal.run_blocking(lambda db: shelves.add_items(db, items))
    assert twice.files == 0
    first = journal.look(lambda db: shelves.waiting(db, "j1", 0, 3))
    for item, state in zip(first, (JobState.DONE, JobState.SKIPPED, JobState.FAILED), strict=True):
        journal.post(partial(settle, item.id, state))
    totals = journal.run_blocking(lambda db: shelves.count(db, "j1"))
    assert (totals.files, totals.done, totals.skipped, totals.failed) == (10, 1, 1, 1)
    assert (totals.waiting, totals.bytes_total, totals.bytes_done) == (7, 44, 0)
    assert journal.run_blocking(lambda db: shelves.codes(db, "j1")) == ("denied",)
    journal.run_blocking(lambda db: ledger.delete_job(db, "j1"))
    tables = ("jobs", "sources", "frontier", "items", "receipts", "intents")
    left = [journal.look(partial(rows_in, table)) for table in tables]
    assert left == [0] * 6
    journal.close()


class Box:
    """Seals by turning bytes around."""

    def __init__(self, *, lasting: bool) -> None:
        self.lasting = lasting

    async def prepare(self) -> bool:
        return self.lasting

    def seal(self, data: bytes) -> bytes:
        return data[::-1]

    def open(self, box: bytes) -> bytes:
        return box[::-1]


async def test_secrets_are_sealed_and_parts_of_this_disk_are_not() -> None:
    envelope = Envelope(Box(lasting=True))
    kept = await envelope.close(1, b"secret", secret=True)
    assert kept is not None
    assert b"secret" not in kept
    assert await Envelope(Box(lasting=True)).open(1, kept) == b"secret"
    part = await envelope.close(2, b"part", secret=False)
    assert part is not None
    assert await Envelope(None).open(2, part) == b"part"
    assert envelope.remembered == frozenset()


@pytest.mark.parametrize("seals", [None, Box(lasting=False)])
async def test_without_a_store_secrets_stay_in_memory(seals: Box | None) -> None:
    envelope = Envelope(seals)
    assert await envelope.close(1, b"secret", secret=True) is None
    assert envelope.remembered == {1}
    assert await envelope.open(1, None) == b"secret"
    envelope.forget(1)
    assert await envelope.open(1, None) is None


def test_a_journal_that_another_process_is_making_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.sqlite"
    with contextlib.closing(
        sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    ) as other:
        other.execute("BEGIN IMMEDIATE")  # in the middle of it
        monkeypatch.setattr("time.sleep", lambda _: other.execute("COMMIT"))
        Journal(path).close()
        assert not other.in_transaction


def test_a_folder_that_is_closed_to_us_is_asked_for_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, stat = tmp_path / "closed", Path.stat

    def refused(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.is_relative_to(closed):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", refused)
    assert network_filesystem(closed / "state") == network_filesystem(tmp_path)
