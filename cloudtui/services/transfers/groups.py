"""The one error to report when several pieces of work failed together."""

from __future__ import annotations

from collections.abc import Iterator

from cloudtui.services.errors import CloudError, Interrupted
from cloudtui.services.transfers.answers import RangeIgnored


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from _leaves(each)
        else:
            yield each


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What to raise for the whole: a bug before a refusal, a refusal before an interruption."""
    leaves = list(_leaves(group))

    def rank(each: BaseException) -> int:
        if isinstance(each, Interrupted):
            return 3
        if isinstance(each, CloudError):
            return 2
        return 1 if isinstance(each, RangeIgnored) else 0

    return min(leaves, key=rank)
