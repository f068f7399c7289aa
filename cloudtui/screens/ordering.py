"""From what shall be copied or moved to an order for the engine: asked in a box, or at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cloudtui.screens.browser import Browser
from cloudtui.services.naming import display_name
from cloudtui.services.transfers.orders import (
    Follow,
    OnConflict,
    Order,
    ServerSide,
    Source,
    Verb,
    Verify,
)

if TYPE_CHECKING:
    from cloudtui.ports import RuntimePort
    from cloudtui.screens.main import MainScreen
    from cloudtui.services.models import Location

_THIS_FOLDER = "(this folder)"
"""Stands for a folder whose address cannot be shown as it is."""


def configured(runtime: RuntimePort) -> dict[str, str]:
    """What the settings say of transfers, by option."""
    names = ("on_conflict", "verify", "server_side", "follow")
    return {name: runtime.settings.text(name) for name in names}


def order_of(
    verb: Verb,
    sources: Sequence[Source],
    target: Location,
    chosen: dict[str, str],
    *,
    paused: bool = False,
) -> Order:
    """An order with these words for its options."""
    return Order(
        verb=verb,
        sources=tuple(sources),
        target=target,
        on_conflict=OnConflict(chosen["on_conflict"]),
        paused=paused,
        verify=Verify(chosen["verify"]),
        server_side=ServerSide(chosen["server_side"]),
        follow=Follow(chosen["follow"]),
    )


async def ordered(
    screen: MainScreen,
    verb: Verb,
    sources: Sequence[Source],
    sentences: Sequence[str],
    target: Browser,
    *,
    options: bool = False,
) -> Order | None:
    """The box, and the order that its answer makes; None when nothing is to be done. With
    `options` all that can be chosen is shown."""
    from cloudtui.screens.transfer_box import CONFLICTS, OPTIONS, TransferBox

    runtime = await screen.runtime()
    address = target.address()
    shown = address if display_name(address, edges=False) == address else ""
    box = TransferBox(
        f"{'Copy' if verb is Verb.COPY else 'Move'} to {target.place}",
        sentences,
        target=shown or _THIS_FOLDER,
        chosen=configured(runtime),
        choices=OPTIONS if options else (CONFLICTS,),
    )
    answer = await screen.app.push_screen_wait(box)
    if answer is None:
        return None
    if answer.target in (_THIS_FOLDER, address) and target.at is not None:
        folder = target.at
    else:
        folder = runtime.parse(answer.target).at
    return order_of(verb, sources, folder, answer.chosen, paused=answer.paused)
