"""Fields of boxes: one line of text with the keys of a shell's, and addresses that complete.

What was typed before is kept per kind of field for one run, never of passwords.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar, Final

from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.widgets import Input

from cloudtui.actions import Place
from cloudtui.keymap import bindings_of
from cloudtui.services.errors import CloudError
from cloudtui.services.naming import display_name

if TYPE_CHECKING:
    from cloudtui.ports import RuntimePort

_KEPT: Final = 50
_LOOKED_AT: Final = 20_000
"""Entries of a folder that are looked at for one completion."""

_typed: dict[str, list[str]] = {}
"""Kind of field -> what was typed into it, oldest first."""


class Field(Input):
    """A line of text. `kind` names what was typed before: Up and Down go through it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.FIELD)

    def __init__(self, value: str = "", *, id: str, kind: str = "", password: bool = False) -> None:
        super().__init__(value, id=id, compact=True, password=password)
        self._kind = kind
        self._back = 0
        self._own = value

    def keep(self) -> None:
        """What stands here was used: it can be had again."""
        if self._kind and self.value:
            known = _typed.setdefault(self._kind, [])
            if self.value in known:
                known.remove(self.value)
            known.append(self.value)
            del known[:-_KEPT]

    def action_before(self, step: int) -> None:
        """Up and Down."""
        known = _typed.get(self._kind, [])
        back = max(0, min(self._back + step, len(known)))
        if back == self._back:
            if not known:
                raise SkipAction
            return
        if self._back == 0:
            self._own = self.value
        self._back = back
        self.value = known[-back] if back else self._own
        self.cursor_position = len(self.value)


class AddressField(Field):
    """A path or address; Tab completes the names of folders while there is one way to go on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "complete", show=False),
    ]

    def __init__(self, value: str = "", *, id: str) -> None:
        super().__init__(value, id=id, kind="address")

    def action_complete(self) -> None:
        """Tab: on to the next thing where nothing is to be completed, or no letter of it is typed:
        who only wants to leave the field must not change a target by that."""
        _, slash, start = self.value.rpartition("/")
        if not (slash and start) or self.cursor_position < len(self.value):
            self.screen.focus_next()
        else:
            self.run_worker(self._complete(), group="completing", exclusive=True)

    async def _complete(self) -> None:
        from cloudtui.app import CloudApp

        app, before = self.app, self.value
        assert isinstance(app, CloudApp)
        try:
            longer = await completed(await app.door.open(), before)
        except CloudError:
            longer = before  # not there, or not to be read: whoever takes the address says so
        if self.value != before or not self.has_focus:
            return
        if longer == before:
            self.screen.focus_next()
        else:
            self.value = longer
            self.cursor_position = len(longer)


async def completed(runtime: RuntimePort, text: str) -> str:
    """An address as far as its last name can be meant by one folder, or by several that begin
    alike; itself where it cannot. Raises CloudError."""
    head, slash, start = text.rpartition("/")
    at = runtime.parse(head + slash).at
    storage = await runtime.storage(at.account)
    fits: list[str] = []
    seen = 0
    async for page in storage.scan(at):
        fits += [each.name for each in page if each.is_folder and each.name.startswith(start)]
        seen += len(page)
        if seen >= _LOOKED_AT:
            break
    shown = [name for name in fits if display_name(name) == name]
    if not shown:
        return text
    end = "/" if len(shown) == 1 else ""
    common = os.path.commonprefix(shown)  # noqa: RUF071 - letters are meant, not parts
    return head + slash + common + end
