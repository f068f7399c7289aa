"""Numbers and times as words."""

from __future__ import annotations

import calendar

import pytest

from cloudtui import present
from cloudtui.services.errors import Full


@pytest.mark.parametrize(
    ("size", "short", "long"),
    [
        (9, "9", "9 B"),
        (1000, "1.0K", "1.0 KiB"),
        (12_288, "12K", "12 KiB"),
        (754_974_720, "720M", "720 MiB"),
        (4_402_341_478, "4.1G", "4.1 GiB"),
        (103_512_000_000, "96G", "96.4 GiB"),
        (10 << 40, "10T", "10 TiB"),
    ],
)
def test_sizes(size: int, short: str, long: str) -> None:
    assert present.size_short(size) == short
    assert present.size_long(size) == long
    assert len(present.size_short(size)) <= 4


def test_sizes_by_thousand() -> None:
    numbers, complaints = present.check_numbers("si", ".", ",")
    assert complaints == []
    present.write_numbers(numbers)
    try:
        assert present.size_long(4_100_000_000) == "4,1 GB"
        assert present.size_long(4_100) == "4,1 kB"
        assert present.size_short(4_100_000) == "4,1M"
        assert present.count(1_204, "file") == "1.204 files"
    finally:
        present.write_numbers(present.Numbers())


def test_marks_in_numbers_that_cannot_be_are_told_and_not_used() -> None:
    numbers, complaints = present.check_numbers("iec", "12", "")
    assert numbers == present.Numbers()
    assert len(complaints) == 2
    assert present.check_numbers("iec", ",", ",")[0] == present.Numbers(thousands="", decimal=",")
    assert present.check_numbers("iec", "\x1b", ".")[0] == present.Numbers()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "-"), (0.4, "<1s"), (42, "42s"), (281, "4m41s"), (7800, "2h10m"), (273_600, "3d4h")],
)
def test_durations(seconds: float | None, words: str) -> None:
    assert present.duration(seconds) == words


def test_dates_name_the_year_only_when_it_is_another() -> None:
    when = calendar.timegm((2025, 5, 2, 12, 14, 0))
    later = calendar.timegm((2026, 5, 2, 12, 14, 0))
    assert present.date_compact(when * 10**9, now=when) == "02 May"
    assert present.date_compact(when * 10**9, now=later) == "2025-05"
    assert present.date_normal(when * 10**9, now=later) == "2025-05-02"
    assert present.date_normal(when * 10**9, now=when).startswith("02 May ")
    assert present.date_full(10**30) == ""


def test_errors_are_sentences_and_unknown_ones_quote_nothing() -> None:
    assert present.sentence(Full("PikPak is full.", hint="t opens the trash.")) == (
        "PikPak is full. t opens the trash."
    )
    assert "token" not in present.sentence(ValueError("token=abc"))
    assert "No space" in present.sentence(OSError(28, "No space left on device"))


def test_counts() -> None:
    assert present.count(1, "item") == "1 item"
    assert present.count(1204, "file") == "1,204 files"
    assert present.size_pair(2_040_109_465, 4_402_341_478, short=False) == "1.9/4.1 GiB"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "just now"),
        (5, "5 seconds ago"),
        (3000, "50 minutes ago"),
        (86_400 * 3, "3 days ago"),
        (-60, ""),
    ],
)
def test_how_long_ago(seconds: float, words: str) -> None:
    now = 1_800_000_000.0
    assert present.ago(int((now - seconds) * 1e9), now=now) == words
    assert present.ago(1 << 90) == ""
