"""How large the parts of an upload to pCloud are."""

from __future__ import annotations

import pytest

from cloudtui.services.models import Location
from cloudtui.services.pcloud.upload import USUAL_PART, part_size
from cloudtui.services.pcloud.write import SessionWrite
from cloudtui.services.storage import SourceFacts
from tests.pcloud.conftest import Open

MIB = 1024 * 1024
ROOT = Location("pc")


@pytest.mark.parametrize(
    ("asked", "size", "part"),
    [
        (USUAL_PART, 50 * MIB, 16 * MIB),
        (USUAL_PART, 512 * MIB, 32 * MIB),
        (USUAL_PART, 100 * 1024 * MIB, 64 * MIB),
        (4 * MIB, 512 * MIB, 4 * MIB),
        (128 * MIB, 512 * MIB, 128 * MIB),
    ],
)
def test_large_files_go_in_larger_parts_unless_a_size_was_asked_for(
    asked: int, size: int, part: int
) -> None:
    assert part_size(asked, size) == part


async def test_an_upload_keeps_the_parts_it_began_with(opened: Open) -> None:
    storage = await opened()
    facts = SourceFacts(512 * MIB, None)
    handle = await storage.open_write(ROOT, "a", facts, replace=None, job="j")
    assert isinstance(handle, SessionWrite)
    assert handle.part_size == 32 * MIB
    again = await storage.reopen_write(handle.state())
    assert isinstance(again, SessionWrite)
    assert again.part_size == 32 * MIB
    await again.abort()
