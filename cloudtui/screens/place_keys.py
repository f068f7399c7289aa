"""Keys that lead from the panes to everything beside them."""

from __future__ import annotations

from cloudtui.screens.pane_keys import PaneKeys, of_files, of_row
from cloudtui.services.models import Found


class PlaceKeys(PaneKeys):
    """The doors of `places`, for the pane with focus."""

    def action_go(self) -> None:
        """`g Space`: a typed path."""
        self.places.go(self.active)

    def action_go_to(self, text: str) -> None:
        """A path or address that was typed already."""
        self.places.go_to(self.active, text)

    def action_choose_keys(self) -> None:
        """`g k`."""
        self.places.choose_keys()

    def action_recent(self) -> None:
        """`z`: folders of this run."""
        self.places.recent(self.active)

    def action_sources(self, side: str) -> None:
        """`@`."""
        browser = {"left": self.left, "right": self.right}.get(side, self.active)
        self.places.sources(browser)

    def action_transfers(self) -> None:
        """`w`."""
        self.places.transfers()

    def action_trash_screen(self) -> None:
        """`t`."""
        self.places.trash(self.active)

    def action_offline(self) -> None:
        """`O`."""
        self.places.offline(self.active, paste=False)

    def action_paste_link(self) -> None:
        """`m`."""
        self.places.offline(self.active, paste=True)

    def action_log(self) -> None:
        """`g l`."""
        self.places.log()

    def action_shares(self) -> None:
        """`g s`."""
        self.places.shares(self.active)

    @of_files
    def action_star(self) -> None:
        """`S`."""
        from cloudtui.screens.starred import toggle_stars

        self.places.ask(toggle_stars(self.places.screen, self.active, self.active.taken()))

    def action_starred(self) -> None:
        """`g f`."""
        from cloudtui.screens.starred import show_starred

        self.places.ask(show_starred(self.places.screen, self.active))

    def action_history(self) -> None:
        """`g e`."""
        from cloudtui.screens.history import show_history

        self.places.ask(show_history(self.places.screen, self.active))

    @of_row
    def action_versions(self) -> None:
        """`g v`."""
        from cloudtui.screens.versions import show_versions

        entry, at = self.active.view.current, self.active.at
        item = None if entry is None or at is None else Found.of(at, entry)
        self.places.ask(show_versions(self.places.screen, self.active, item))

    def action_playlists(self) -> None:
        """`g p`."""
        self.places.playlists()

    @of_files
    def action_unpack(self) -> None:
        """`X`."""
        self.places.unpack(self.active)

    @of_files
    def action_pack(self) -> None:
        """`A`."""
        from cloudtui.screens.packing import pack

        self.places.ask(pack(self.places.screen, self.active, self.active.taken()))
