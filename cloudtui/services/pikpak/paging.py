"""Lists that come in pages: followed to their end, whatever lies in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeVar

from cloudtui.services.errors import BadReply


class Page(Protocol):
    """An answer that says where the list goes on; empty at its end."""

    next_page_token: str


P = TypeVar("P", bound=Page)


async def paged(page_at: Callable[[str], Awaitable[P]]) -> AsyncIterator[P]:
    """All pages from the first. An empty one in between does not end the list.

    Raises BadReply when the service hands out a page it gave before: to stop there would pass off a
    part for the whole.
    """
    token = ""
    seen = {token}
    while True:
        page = await page_at(token)
        yield page
        token = page.next_page_token
        if not token:
            return
        if token in seen:
            raise BadReply(
                "PikPak's list goes in circles; what is shown may be incomplete.",
                hint="Try again in a while.",
            )
        seen.add(token)
