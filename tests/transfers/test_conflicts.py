"""The conflict table: every cell, and nothing lost in any of them."""

from __future__ import annotations

import itertools

import pytest

from cloudtui.services.models import Capabilities, Entry, HashType, Kind
from cloudtui.services.transfers.conflicts import (
    Sameness,
    Verdict,
    agree,
    decide,
    policy_of,
    sameness,
)
from cloudtui.services.transfers.orders import Answer, OnConflict

SECOND = 1_000_000_000
PLAIN = Capabilities(sets_mtime=True)
TIMELESS = Capabilities(sets_mtime=False)
WINNERS = (OnConflict.OVERWRITE, OnConflict.NEWER, OnConflict.LARGER)
"""Policies by which a source may take a target's place."""
SHA = Capabilities(sets_mtime=True, entry_hash=HashType.SHA1)
MARKS = Capabilities(entry_hash=HashType.CHANGE)


def entry(
    kind: Kind = Kind.FILE,
    size: int | None = 10,
    mtime: int | None = 100,
    digest: bytes = b"",
) -> Entry:
    return Entry("n", "n", kind, size, None if mtime is None else mtime * SECOND, digest)


ENTRIES = [
    entry(kind, size, mtime) for kind in Kind for size in (None, 0, 1, 2) for mtime in (None, 0, 5)
]


def test_every_cell_is_filled_and_safe() -> None:
    """All of them: every policy, every pair of entries, whatever is known of their bytes."""
    for policy, source, target, same in itertools.product(
        OnConflict, ENTRIES, [None, *ENTRIES], Sameness
    ):
        verdict = decide(policy, source, target, same)
        cell = (policy, source, target, same, verdict)
        assert (verdict is Verdict.NEW) == (target is None), cell
        if target is None:
            continue
        both_folders = source.is_folder and target.is_folder
        both_files = source.kind is target.kind is Kind.FILE
        assert (verdict is Verdict.MERGE) == both_folders, cell
        if both_folders:
            continue
        assert (verdict is Verdict.IDENTICAL) == (both_files and same is Sameness.SAME), cell
        assert (verdict is Verdict.REFUSE) == (not both_files and policy in WINNERS), cell
        if policy is OnConflict.SKIP:
            assert verdict in (Verdict.SKIP, Verdict.IDENTICAL), cell
        if verdict is Verdict.COMPARE:
            assert both_files, cell
            assert same is Sameness.UNKNOWN, cell
        if verdict is Verdict.REPLACE:
            assert both_files, cell
            assert same is Sameness.DIFFERENT, cell
            assert policy in WINNERS, cell
        if verdict is Verdict.KEEP_BOTH:
            assert policy is OnConflict.KEEP_BOTH, cell
        if verdict is Verdict.ASK:
            unknown = None in (source.size, target.size, source.mtime_ns, target.mtime_ns)
            assert policy is OnConflict.ASK or (policy in WINNERS and unknown), cell


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [
        (OnConflict.ASK, Verdict.ASK),
        (OnConflict.SKIP, Verdict.SKIP),
        (OnConflict.OVERWRITE, Verdict.REPLACE),
        (OnConflict.KEEP_BOTH, Verdict.KEEP_BOTH),
        (OnConflict.NEWER, Verdict.SKIP),
        (OnConflict.LARGER, Verdict.SKIP),
    ],
)
def test_different_files_of_one_age_and_size(policy: OnConflict, verdict: Verdict) -> None:
    assert decide(policy, entry(), entry(), Sameness.DIFFERENT) is verdict


@pytest.mark.parametrize("policy", OnConflict)
def test_identical_files_are_identical_whatever_the_policy(policy: OnConflict) -> None:
    assert decide(policy, entry(), entry(), Sameness.SAME) is Verdict.IDENTICAL


@pytest.mark.parametrize(
    ("policy", "kinds"),
    [
        (policy, kinds)
        for policy in OnConflict
        for kinds in ((Kind.FILE, Kind.FOLDER), (Kind.FOLDER, Kind.FILE), (Kind.FILE, Kind.LINK))
    ],
)
def test_a_kind_never_takes_the_place_of_another(
    policy: OnConflict, kinds: tuple[Kind, Kind]
) -> None:
    verdict = decide(policy, entry(kinds[0]), entry(kinds[1]), Sameness.DIFFERENT)
    expected = {
        OnConflict.ASK: Verdict.ASK,
        OnConflict.SKIP: Verdict.SKIP,
        OnConflict.KEEP_BOTH: Verdict.KEEP_BOTH,
    }
    assert verdict is expected.get(policy, Verdict.REFUSE)


def test_newer_and_larger_win_only_when_known_to() -> None:
    def newer(source: int | None, target: int | None) -> Verdict:
        return decide(
            OnConflict.NEWER, entry(mtime=source), entry(mtime=target), Sameness.DIFFERENT
        )

    assert newer(103, 100) is Verdict.REPLACE
    assert newer(102, 100) is Verdict.SKIP
    assert newer(100, 103) is Verdict.SKIP
    assert newer(None, 100) is newer(100, None) is Verdict.ASK

    def larger(source: int | None, target: int | None) -> Verdict:
        return decide(OnConflict.LARGER, entry(size=source), entry(size=target), Sameness.DIFFERENT)

    assert larger(11, 10) is Verdict.REPLACE
    assert larger(10, 10) is larger(9, 10) is Verdict.SKIP
    assert larger(None, 10) is Verdict.ASK


@pytest.mark.parametrize(
    ("source", "target", "here", "there", "expected"),
    [
        (entry(size=1), entry(size=2), PLAIN, PLAIN, Sameness.DIFFERENT),
        (entry(size=None), entry(), PLAIN, PLAIN, Sameness.UNKNOWN),
        (entry(mtime=100), entry(mtime=102), PLAIN, PLAIN, Sameness.SAME),
        (entry(mtime=100), entry(mtime=103), PLAIN, PLAIN, Sameness.UNKNOWN),
        (entry(mtime=100), entry(mtime=100), PLAIN, TIMELESS, Sameness.UNKNOWN),
        (entry(mtime=None), entry(), PLAIN, PLAIN, Sameness.UNKNOWN),
        (entry(digest=b"a"), entry(digest=b"b"), SHA, SHA, Sameness.DIFFERENT),
        (entry(digest=b"a", mtime=1), entry(digest=b"a"), SHA, SHA, Sameness.SAME),
        (entry(digest=b"a", mtime=1), entry(digest=b"b"), SHA, MARKS, Sameness.UNKNOWN),
        (entry(digest=b"a", mtime=1), entry(digest=b"a"), MARKS, MARKS, Sameness.SAME),
        (entry(digest=b"a", mtime=1), entry(digest=b"b"), MARKS, MARKS, Sameness.UNKNOWN),
        (entry(Kind.FOLDER), entry(Kind.FOLDER), PLAIN, PLAIN, Sameness.DIFFERENT),
    ],
)
def test_what_listings_tell(
    source: Entry, target: Entry, here: Capabilities, there: Capabilities, expected: Sameness
) -> None:
    assert sameness(source, target, source_caps=here, target_caps=there) is expected


def test_digests_agree_only_over_a_shared_type() -> None:
    sha, md5 = {HashType.SHA1: "ab"}, {HashType.MD5: "cd"}
    assert agree(sha, {HashType.SHA1: "AB", HashType.MD5: "x"}) is Sameness.SAME
    assert agree(sha, {HashType.SHA1: "ac"}) is Sameness.DIFFERENT
    assert agree(sha, md5) is Sameness.DIFFERENT
    assert agree({HashType.CHANGE: "1"}, {HashType.CHANGE: "1"}) is Sameness.DIFFERENT


def test_every_answer_has_a_policy() -> None:
    assert {policy_of(answer) for answer in Answer} == set(OnConflict) - {OnConflict.ASK}
