"""Names, filters and arrangements of a plan: nothing lost, nothing doubled."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudtui.services.models import DISK, Capabilities, Entry, Kind
from cloudtui.services.transfers.arrange import Part, Rules, arrange
from cloudtui.services.transfers.claims import Claims
from cloudtui.services.transfers.filters import Filters
from cloudtui.services.transfers.orders import JobState, OnConflict, Verb

NAMES = st.lists(st.sampled_from(["a", "A", "a (1)", "A (1)", "e\u0301", "\u00e9", "b.tar.gz"]))


def rules(caps: Capabilities, policy: OnConflict = OnConflict.SKIP) -> Rules:
    return Rules(Verb.COPY, policy, caps, caps, "Place", trees=False)


@given(NAMES, NAMES, st.booleans(), st.sampled_from([OnConflict.SKIP, OnConflict.KEEP_BOTH]))
def test_no_two_sources_ever_get_one_name(
    sources: list[str], standing: list[str], blind: bool, policy: OnConflict
) -> None:
    caps = Capabilities(case_sensitive=not blind)
    claims = Claims("pc", caps)
    claims.stand(Entry(name, f"t{n}", Kind.FILE, 1) for n, name in enumerate(standing))
    plans = [
        arrange(Entry(name, f"s{n}", Kind.FILE, 2), rules(caps, policy), claims)
        for n, name in enumerate(sources)
    ]

    def key(name: str) -> str:
        return unicodedata.normalize("NFC", name).casefold() if blind else name

    given_away = [key(plan.target_name) for plan in plans]
    assert len(set(given_away)) == len(sources)
    if policy is OnConflict.KEEP_BOTH:
        assert not set(given_away) & {key(name) for name in standing}
    for name, plan in zip(sources, plans, strict=True):
        renamed = plan.target_name != name
        assert bool(plan.message.startswith("Arrives as")) == (
            renamed and plan.state is JobState.WAITING
        )


def test_characters_the_disk_refuses_are_mapped_and_told_apart() -> None:
    claims = Claims(DISK, Capabilities())
    first = arrange(Entry("a/b", "1", Kind.FILE, 1), rules(Capabilities()), claims)
    second = arrange(Entry("a\uff0fb", "2", Kind.FILE, 1), rules(Capabilities()), claims)
    assert "/" not in first.target_name
    assert first.target_name != second.target_name


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        (Entry('a"b', "1", Kind.FILE, 1), '"'),
        (Entry("x" * 300, "1", Kind.FILE, 1), "too long"),
        (Entry("big", "1", Kind.FILE, 1000), "larger"),
    ],
)
def test_what_a_place_cannot_take_fails_with_a_sentence(entry: Entry, word: str) -> None:
    caps = Capabilities(forbidden='"', max_file=999)
    plan = arrange(entry, rules(caps), Claims("pc", caps))
    assert (plan.state, plan.code) == (JobState.FAILED, "bad_name")
    assert word in plan.message


def test_folders_meet_folders_and_never_files() -> None:
    caps = Capabilities()
    claims = Claims("pc", caps)
    claims.stand([Entry("d", "1", Kind.FOLDER), Entry("f", "2", Kind.FILE, 1)])
    merged = arrange(Entry("d", "s", Kind.FOLDER), rules(caps, OnConflict.OVERWRITE), claims)
    assert (merged.part, merged.state) == (Part.WALK, JobState.WAITING)
    refused = arrange(Entry("f", "s", Kind.FOLDER), rules(caps, OnConflict.OVERWRITE), claims)
    assert (refused.state, refused.code) == (JobState.FAILED, "exists")
    asked = Claims("pc", caps)
    asked.stand([Entry("f", "2", Kind.FILE, 1)])
    question = arrange(Entry("f", "s", Kind.FOLDER), rules(caps, OnConflict.ASK), asked)
    assert question.state is JobState.ASKS


@pytest.mark.parametrize(
    ("include", "exclude", "path", "folder", "expected"),
    [
        ((), (), "a/b.txt", False, True),
        (("*.txt",), (), "a/b.txt", False, True),
        (("*.txt",), (), "a/b.md", False, False),
        (("*.txt",), (), "a", True, True),
        ((), ("*.log",), "deep/er/x.log", False, False),
        ((), ("build/",), "build", True, False),
        ((), ("build/",), "build", False, True),
        ((), ("a/*.c",), "a/x.c", False, False),
        ((), ("a/*.c",), "a/b/x.c", False, True),
        ((), ("a/**",), "a/b/x.c", False, False),
        (("**/x.c",), (), "a/b/x.c", False, True),
        (("**/x.c",), (), "x.c", False, True),
        (("[ab].c",), (), "b.c", False, True),
        (("[!ab].c",), (), "b.c", False, False),
        (("a?c",), (), "abc", False, True),
        (("a+(b)",), (), "a+(b)", False, True),
        (("*.txt",), ("secret*",), "secret.txt", False, False),
    ],
)
def test_patterns(
    include: tuple[str, ...], exclude: tuple[str, ...], path: str, folder: bool, expected: bool
) -> None:
    assert Filters(include, exclude).takes(path.split("/"), folder=folder) is expected


@pytest.mark.parametrize("name", ["x" * 400 + ".mkv", "/" * 250])
def test_twins_of_long_names_each_get_one_of_their_own(name: str) -> None:
    claims = Claims(DISK, Capabilities())
    made = {claims.place(name)[0] for _ in range(12)} | {claims.free(name) for _ in range(12)}
    assert len(made) == 24
