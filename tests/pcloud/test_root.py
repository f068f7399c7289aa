"""An account whose top is a folder of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudtui.services.errors import NotFound, UsageError
from cloudtui.services.models import Location
from tests.pcloud.conftest import Open
from tests.pcloud.rig import names, place, tree, upload

ROOT = Location("pc")


@pytest.mark.parametrize("form", ["d{}", "{}"])
async def test_a_folder_can_be_the_top(opened: Open, tmp_path: Path, form: str) -> None:
    whole = await opened()
    top = await whole.mkdir(ROOT, "top")
    await upload(whole, ROOT, "outside", b"o")
    outside = await whole.stat(ROOT.child("outside"))
    kept = await whole.share(outside)
    below = await place(
        tmp_path / "below",
        whole.client.base,
        token=await whole.client.token(),
        options={"root_folder_id": form.format(top.id[1:])},
    )
    await below.mkdir(ROOT, "in")
    await upload(below, ROOT.child("in"), "a", b"a")
    assert await tree(below, ROOT) == {"in/": {"a": b"a"}}
    assert await tree(whole, ROOT.child("top")) == {"in/": {"a": b"a"}}
    a = await below.stat(ROOT.child("in").child("a"))
    assert (await below.stat(Location("pc", (), a.entry.id))).at.parts == ("in", "a")
    # its trash is its own, and things come back to their place below the top
    (item,) = await below.trash([a])
    assert item.origin is not None
    assert item.origin.parts == ("in", "a")
    assert await names(below, ROOT) == ["in/"]
    listed = [one async for page in below.scan_trash() for one in page]
    await below.restore(listed)
    assert await tree(below, ROOT) == {"in/": {"a": b"a"}}
    # what lies outside has no path there
    shared = await below.share(await below.stat(ROOT.child("in").child("a")))
    places = {share.id: share.at async for page in below.scan_shares() for share in page}
    assert places[kept.id] is None
    found = places[shared.id]
    assert found is not None
    assert found.parts == ("in", "a")
    with pytest.raises(NotFound, match="does not lie"):
        await below.stat(Location("pc", (), "d0"))
    with pytest.raises(NotFound):
        await below.stat(ROOT.child("outside"))
    with pytest.raises(UsageError):
        await below.remove([await below.stat(ROOT)])
    await below.close()
