"""The same work for many items, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from cloudtui.services.errors import CloudError, Full, LoginNeeded, Offline

AT_ONCE: Final = 4

X = TypeVar("X")
Y = TypeVar("Y")


async def each(
    items: Sequence[X], work: Callable[[X], Awaitable[Y]], *, at_once: int = AT_ONCE
) -> list[Y]:
    """`work` for every item; the results in the order of the items.

    A failing item does not stop the others, unless the failure concerns all (no connection, no
    sign-in, no room). The first failure is raised when nothing is under way any more.
    """
    results: dict[int, Y] = {}
    failures: list[CloudError] = []
    rest = iter(enumerate(items))

    async def worker() -> None:
        for index, item in rest:
            try:
                results[index] = await work(item)
            except CloudError as error:
                failures.append(error)
                if isinstance(error, Offline | LoginNeeded | Full):
                    return
            if any(isinstance(error, Offline | LoginNeeded | Full) for error in failures):
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(items))):
            group.create_task(worker())
    if failures:
        raise failures[0]
    return [results[index] for index in range(len(items))]
