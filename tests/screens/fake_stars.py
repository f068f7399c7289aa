"""A place in memory that keeps stars and a history, for the screens about both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence

from msgspec.structs import replace

from cloudtui.services.errors import CloudError, NotFound
from cloudtui.services.history import Deed, Happened
from cloudtui.services.models import Capabilities, Flag, Found, Kind, Location
from tests.screens.fake_runtime import MAY_2025, FakePlace, FakeRuntime, file, sample_runtime

DAY = 86_400 * 10**9


class StarryPlace(FakePlace):
    """PikPak of the sample runtime, with stars on its entries and things that happened."""

    def __init__(self, place: FakePlace) -> None:
        super().__init__(place.account, place.kind, place.title, place.tree)
        self._caps = replace(place.caps, stars=True, history=True)
        self.star_fails: CloudError | None = None
        self.asked: list[tuple[list[str], bool]] = []
        self.happened = [
            happened("1", Deed.UPLOADED, "report.pdf"),
            happened("2", Deed.PLAYED, "untitled", in_trash=True),
            Happened("3", Deed.OTHER, "hand over", "bad\x1b[31m", None),
            Happened(
                "4", Deed.SAVED, "saved", "gone.bin", MAY_2025, Location("pikpak", ("#g",), "g")
            ),
        ]

    @property
    def caps(self) -> Capabilities:
        return self._caps

    async def stat(self, at: Location, *, want: Kind | None = None) -> Found:
        if at.node is None:
            return await super().stat(at, want=want)
        for parts, rows in self.tree.items():
            for entry in rows:
                if entry.id == at.node:
                    return Found.of(Location(self.account, parts), entry)
        raise NotFound("That is no longer on PikPak.")

    async def star(self, items: Sequence[Found], *, on: bool) -> None:
        if self.star_fails is not None:
            raise self.star_fails
        ids = [item.entry.id for item in items]
        self.asked.append((ids, on))
        for rows in self.tree.values():
            for row, entry in enumerate(rows):
                if entry.id in ids:
                    flags = entry.flags | Flag.STARRED if on else entry.flags & ~Flag.STARRED
                    rows[row] = replace(entry, flags=flags)

    async def scan_starred(self) -> AsyncIterator[Sequence[Found]]:
        for parts, rows in self.tree.items():
            at = Location(self.account, parts)
            yield [Found.of(at, entry) for entry in rows if entry.is_starred]

    async def scan_history(self, deeds: Collection[Deed] = ()) -> AsyncIterator[Sequence[Happened]]:
        for line in list(self.happened):
            yield [line]

    async def forget_history(self, ids: Sequence[str]) -> None:
        self.happened = [line for line in self.happened if line.id not in ids]

    async def clear_history(self) -> None:
        self.happened = []

    async def invite_code(self) -> str:
        return "JOIN42"


def happened(id: str, deed: Deed, name: str, *, in_trash: bool = False) -> Happened:
    """A line about a file that is still there; later ids are older."""
    at = Location("pikpak", (f"#{name}",), name)
    when = MAY_2025 - int(id) * DAY
    return Happened(id, deed, str(deed), name, when, at, file(name, 655_360), in_trash)


def starry_runtime() -> tuple[FakeRuntime, StarryPlace]:
    """The sample runtime whose PikPak keeps stars."""
    runtime = sample_runtime()
    place = StarryPlace(runtime.places["pikpak"])
    runtime.places["pikpak"] = place
    return runtime, place
