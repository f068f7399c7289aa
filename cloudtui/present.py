"""Numbers, times and errors as words.

Functions for screens and commands; no framework, no locale. How numbers are written is set once by
`write_numbers`; without it sizes count by 1024, with commas between thousands. Text from elsewhere
must already have passed `display_name`.
"""

from __future__ import annotations

import time
from typing import Final, NamedTuple, Protocol

from cloudtui.services.errors import CloudError

_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_LETTERS: Final = "KMGTPE"


class Numbers(NamedTuple):
    """How numbers are written: sizes by 1000 (kB MB) or by 1024, and the two marks."""

    si: bool = False
    thousands: str = ","
    decimal: str = "."


_numbers = Numbers()


def write_numbers(numbers: Numbers) -> None:
    """Write numbers so from now on."""
    global _numbers
    _numbers = numbers


def check_numbers(units: str, thousands: str, decimal: str) -> tuple[Numbers, list[str]]:
    """The way of writing that these settings ask for, and a sentence for each that cannot be."""
    complaints = []
    if len(thousands) > 1 or thousands.isalnum() or not (thousands + " ").isprintable():
        complaints.append("thousands must be one mark or nothing; a comma is used.")
        thousands = ","
    if len(decimal) != 1 or decimal.isalnum() or decimal.isspace() or not decimal.isprintable():
        complaints.append("decimal must be one mark; a dot is used.")
        decimal = "."
    if thousands == decimal:
        complaints.append("thousands and decimal cannot be the same mark; thousands go without.")
        thousands = ""
    return Numbers(units == "si", thousands, decimal), complaints


class NumberSettings(Protocol):
    """Settings, as far as numbers are concerned."""

    def text(self, name: str, /) -> str:
        """An option that is a word."""
        ...


def write_numbers_as(settings: NumberSettings) -> list[str]:
    """Write numbers as the settings say from now on; a sentence for each that cannot be."""
    numbers, complaints = check_numbers(
        settings.text("units"), settings.text("thousands"), settings.text("decimal")
    )
    write_numbers(numbers)
    return complaints


def _fraction(value: float) -> str:
    return f"{value:.1f}".replace(".", _numbers.decimal)


def _scaled(size: int, step: int) -> tuple[float, int]:
    value = float(size)
    power = 0
    while value >= 999.5 and power < len(_LETTERS):
        value /= step
        power += 1
    return value, power


def size_short(size: int) -> str:
    """At most four cells: `9`, `12K`, `4.1G`, `720M`."""
    value, power = _scaled(size, 1000 if _numbers.si else 1024)
    if power == 0:
        return str(size)
    number = _fraction(value) if value < 9.95 else f"{value:.0f}"
    return number + _LETTERS[power - 1]


def size_long(size: int) -> str:
    """Three digits and the unit's name: `88 KiB`, `4.1 GiB`, `96.4 GiB`; `88 kB` by 1000."""
    value, power = _scaled(size, 1000 if _numbers.si else 1024)
    if power == 0:
        return f"{size} B"
    decimals = value < 9.95 or (value < 99.95 and power >= 3)
    number = _fraction(value) if decimals else f"{value:.0f}"
    if value >= 9.95:
        number = number.removesuffix(_numbers.decimal + "0")
    letter = _LETTERS[power - 1]
    if _numbers.si:
        return f"{number} {'k' if letter == 'K' else letter}B"
    return f"{number} {letter}iB"


def size_pair(done: int, total: int, *, short: bool) -> str:
    """Done of total in one unit: `1.9G/4.1G` or `1.9/4.1 GiB`."""
    if short:
        return f"{size_short(done)}/{size_short(total)}"
    left, _, left_unit = size_long(done).partition(" ")
    right = size_long(total)
    if right.endswith(left_unit):
        return f"{left}/{right}"
    return f"{size_long(done)}/{right}"


def exact(number: int) -> str:
    """A whole number with marks between thousands."""
    return f"{number:,}".replace(",", _numbers.thousands)


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 file`, `2 files`, `1,204 files`."""
    return f"{exact(number)} {noun if number == 1 else plural or noun + 's'}"


def date_compact(mtime_ns: int, *, now: float | None = None) -> str:
    """Seven cells at most: ` 02 May` this year, else `2024-05`."""
    when = _local(mtime_ns)
    if when is None:
        return ""
    if when.tm_year == time.localtime(now).tm_year:
        return f"{when.tm_mday:02d} {_MONTHS[when.tm_mon - 1]}"
    return f"{when.tm_year:04d}-{when.tm_mon:02d}"


def date_normal(mtime_ns: int, *, now: float | None = None) -> str:
    """Twelve cells at most: `02 May 21:14` this year, else `2024-05-02`."""
    when = _local(mtime_ns)
    if when is None:
        return ""
    if when.tm_year == time.localtime(now).tm_year:
        return f"{when.tm_mday:02d} {_MONTHS[when.tm_mon - 1]} {when.tm_hour:02d}:{when.tm_min:02d}"
    return f"{when.tm_year:04d}-{when.tm_mon:02d}-{when.tm_mday:02d}"


def date_full(mtime_ns: int) -> str:
    """`2025-05-02 21:14`, local time."""
    when = _local(mtime_ns)
    if when is None:
        return ""
    return (
        f"{when.tm_year:04d}-{when.tm_mon:02d}-{when.tm_mday:02d} "
        f"{when.tm_hour:02d}:{when.tm_min:02d}"
    )


def _local(mtime_ns: int) -> time.struct_time | None:
    try:
        return time.localtime(mtime_ns // 1_000_000_000)
    except (OverflowError, ValueError, OSError):
        return None  # a time stamp outside the calendar is shown as unknown


def ago(mtime_ns: int, *, now: float | None = None) -> str:
    """`3 days ago`; empty for times ahead and outside the calendar."""
    import humanize  # counts of days and months in words; loaded by the first box that wants one

    seconds = (time.time() if now is None else now) - mtime_ns / 1e9
    if seconds < 0 or _local(mtime_ns) is None:
        return ""
    return "just now" if seconds < 1 else f"{humanize.naturaldelta(seconds)} ago"


def duration(seconds: float | None) -> str:
    """`<1s`, `42s`, `4m41s`, `2h10m`, `3d4h`; `-` when unknown."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return "<1s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600}h"


def speed(rate: float | None, *, short: bool) -> str:
    """`8.0M/s` or `8.0 MiB/s`; empty when unknown."""
    if rate is None:
        return ""
    return f"{size_short(int(rate))}/s" if short else f"{size_long(int(rate))}/s"


def sentence(error: BaseException) -> str:
    """What an error says to people; never a traceback. Unknown kinds are named, not quoted: their
    text may hold anything."""
    if isinstance(error, CloudError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"The system said: {error.strerror}."
    return f"That failed in an unexpected way ({type(error).__name__}). Nothing was removed."
