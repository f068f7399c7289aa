"""Keys that do something to files: each hands the pane with focus to whoever knows how."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from cloudtui.screens.pane_keys import of_files, of_row
from cloudtui.screens.place_keys import PlaceKeys
from cloudtui.screens.taking import Hand

if TYPE_CHECKING:
    from cloudtui.screens.file_actions import FileActions


class FileKeys(PlaceKeys):
    """Actions on the files of `active`."""

    hand: Hand

    @cached_property
    def files(self) -> FileActions:
        """What the keys do to files."""
        raise AssertionError("nobody does anything to files")

    def refresh_words(self) -> None:
        """Facts beside the panes changed."""

    @of_files
    def action_transfer(self, verb: str) -> None:
        """F5, F6."""
        from cloudtui.services.transfers.orders import Verb

        self.files.transfer(Verb(verb), self.active.taken(), self.other, self.active)

    @of_files
    def action_take(self, verb: str) -> None:
        """`y`, `x`: remember what `p` will put."""
        from cloudtui.services.transfers.orders import Verb

        self.hand.take(Verb(verb), self.active)
        self.refresh_words()

    @of_files
    def action_take_more(self) -> None:
        """`Y`."""
        from cloudtui.services.transfers.orders import Verb

        self.hand.add(Verb.COPY, self.active)
        self.refresh_words()

    def action_put(self, options: bool) -> None:
        """`p` and `P`."""
        self.hand.put(self.active, options=options)
        self.refresh_words()

    @of_files
    def action_rename(self) -> None:
        """`r`."""
        self.files.rename(self.active)

    def action_mkdir(self) -> None:
        """F7."""
        self.files.mkdir(self.active)

    @of_files
    def action_trash(self) -> None:
        """F8."""
        self.files.trash(self.active)

    @of_files
    def action_delete(self) -> None:
        """`D`."""
        self.files.delete(self.active)

    def action_undo(self) -> None:
        """`u`."""
        self.files.undo()

    @of_row
    def action_properties(self) -> None:
        """`i`."""
        self.places.properties(self.active)

    @of_row
    def action_copy_words(self, what: str) -> None:
        """`c p`, `c n`, `c l`, `c s`."""
        self.places.copy_words(self.active, what)
