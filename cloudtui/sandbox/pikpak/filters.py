"""The `filters` query parameter: JSON of fields, operators and values, as clients send it.

Parsed as JSON, never compared as text: pikpakapi puts spaces in, rclone does not. Fields nobody
knows are ignored; asking for `name` is an error on the real service, measured.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from cloudtui.sandbox.pikpak.errors import refusal
from cloudtui.sandbox.pikpak.stamps import read_stamp

READ_FIELDS = (
    "phase",
    "trashed",
    "kind",
    "starred",
    "system_tag",
    "modified_time",
    "created_time",
    "mime_type",
    "file_category",
    "type",
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One field, one operator, one value."""

    field: str
    op: str
    value: object

    def holds(self, have: object) -> bool:
        """Whether a value of the entry satisfies it; unknown operators do not filter."""
        match self.op:
            case "eq":
                return have == _as(self.value, have)
            case "ne":
                return have != _as(self.value, have)
            case "in":
                return have in _options(self.value)
            case "gt" | "lt":
                if not isinstance(have, float):
                    return True
                try:
                    limit = read_stamp(str(self.value))
                except ValueError as exc:
                    raise refusal("invalid_argument", f"{self.field} is not a time") from exc
                return have > limit if self.op == "gt" else have < limit
            case _:
                return True


class Filter:
    """All conditions of one listing."""

    def __init__(self, conditions: list[Condition]) -> None:
        self.conditions = conditions

    @property
    def starred(self) -> bool:
        """Whether only starred entries are wanted."""
        return any(
            (item.field == "system_tag" and "STAR" in _options(item.value))
            or (item.field == "starred" and item.value in (True, "true"))
            for item in self.conditions
        )

    def admits(self, read: Callable[[str], object]) -> bool:
        """Whether an entry passes; `read` gives its value of a field."""
        return all(
            item.holds(read(item.field))
            for item in self.conditions
            if item.field not in ("system_tag", "starred")
        )


def parse_filters(text: str, *, refused: tuple[str, ...] = ()) -> Filter:
    """The filter a query parameter stands for; empty text filters nothing.

    Raises:
        Refusal: `invalid_argument` for what is no JSON object or for a field in `refused`,
            `not_found` for `name`.
    """
    if not text:
        return Filter([])
    try:
        parsed = json.loads(text)
    except ValueError as exc:
        raise refusal("invalid_argument", "filters is not JSON") from exc
    if not isinstance(parsed, dict):
        raise refusal("invalid_argument", "filters is not an object")
    if "name" in parsed:
        raise refusal("not_found", "filter not found")
    conditions: list[Condition] = []
    for field, tests in parsed.items():
        if field in refused:
            raise refusal("invalid_argument", f"{field} cannot be filtered")
        if field not in READ_FIELDS or not isinstance(tests, dict):
            continue
        conditions += [Condition(field, op, value) for op, value in tests.items()]
    return Filter(conditions)


def _options(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(item) for item in value]
    return [part.strip() for part in str(value).split(",")]


def _as(value: object, have: object) -> object:
    if isinstance(have, bool) and isinstance(value, str):
        return value.lower() == "true"
    return value
