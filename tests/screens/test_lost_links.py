"""Deleting what has public links: they are shown before they are taken back."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from textual.pilot import Pilot

from cloudtui.app import CloudApp
from cloudtui.services.models import Found
from tests.screens.driving import opened, picture, press, settle
from tests.screens.fake_runtime import FakePlace, FakeRuntime, sample_runtime


class LinkedPlace(FakePlace):
    """A place with public links on some names; `links` None: it does not show them."""

    links: dict[str, list[str]] | None

    async def public_links_on(self, items: Sequence[Found]) -> list[str] | None:
        if self.links is None:
            return None
        return [link for item in items for link in self.links.get(item.entry.name, [])]


def linked(links: dict[str, list[str]] | None) -> FakeRuntime:
    runtime = sample_runtime()
    cloud = LinkedPlace("pikpak", "pikpak", "PikPak", runtime.places["pikpak"].tree)
    cloud.links = links
    runtime.places["pikpak"] = cloud
    return runtime


async def delete(pilot: Pilot[int], app: CloudApp, *names: str) -> None:
    """F8 on these rows of the right pane."""
    view = app.main.right.view
    await press(pilot, "tab")
    for row in range(view.rows):
        entry = view.entry_at(row)
        if entry is not None and entry.name in names:
            view.set_mark(row, on=True)
    await press(pilot, "f8")


def shows(app: CloudApp, words: str) -> bool:
    return any(words in line for line in picture(app))


async def test_the_links_of_one_file_are_shown_first() -> None:
    urls = [f"https://u.pcloud.link/publink/show?code=X{n}" for n in range(5)]
    runtime = linked({"untitled": urls})
    async with opened(runtime, size=(100, 30)) as (app, pilot):
        await delete(pilot, app, "untitled")
        await settle(pilot, lambda: shows(app, "5 public links will be taken back:"))
        assert [shows(app, url) for url in urls] == [True, True, True, False, False]
        assert shows(app, "2 more")
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)
        assert runtime.places["pikpak"].trashed == []
        await press(pilot, "f8")
        await settle(pilot, lambda: shows(app, "will be taken back"))
        await press(pilot, "t")
        await settle(pilot, lambda: len(runtime.places["pikpak"].trashed) == 1)


@pytest.mark.parametrize("links", [{}, None])
async def test_one_file_without_known_links_goes_at_once(
    links: dict[str, list[str]] | None,
) -> None:
    runtime = linked(links)
    async with opened(runtime) as (app, pilot):
        await delete(pilot, app, "untitled")
        await settle(pilot, lambda: len(runtime.places["pikpak"].trashed) == 1)


async def test_it_says_when_links_are_not_known() -> None:
    runtime = linked(None)
    async with opened(runtime, size=(100, 30)) as (app, pilot):
        await delete(pilot, app, "untitled", "Series")
        await settle(pilot, lambda: shows(app, "does not show programs whether public links"))


async def test_a_delete_for_ever_tells_of_links_too() -> None:
    url = "https://u.pcloud.link/publink/show?code=XZ1"
    async with opened(linked({"untitled": [url]}), size=(100, 30)) as (app, pilot):
        await press(pilot, "tab")
        view = app.main.right.view
        rows = {getattr(view.entry_at(row), "name", ""): row for row in range(view.rows)}
        view.set_mark(rows["untitled"], on=True)
        await press(pilot, "D")
        await settle(pilot, lambda: shows(app, "1 public link will be taken back:"))
        assert shows(app, url)
        await press(pilot, "escape")
        await settle(pilot, lambda: app.screen is app.main)
