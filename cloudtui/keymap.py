"""Bindings of the screen framework, made from the one action table."""

from __future__ import annotations

from collections.abc import Mapping

from textual.binding import Binding, BindingType

from cloudtui.actions import Place, in_place, sequences

_NO_KEYS: Mapping[str, tuple[str, ...]] = {}


def bindings_of(*places: Place) -> list[BindingType]:
    """Bindings with ids for all actions of `places`; sequences get their first key bound to
    `prefix`."""
    made: list[BindingType] = []
    prefixes: set[str] = set()
    for place in places:
        for action in in_place(place):
            single = [key for key in action.keys if " " not in key]
            if single:
                made.append(
                    Binding(",".join(single), action.run, action.words, show=False, id=action.id)
                )
        prefixes.update(sequences(place, _NO_KEYS))
    made.extend(
        Binding(key, f"prefix('{key}')", "first key of two", show=False) for key in sorted(prefixes)
    )
    return made


def textual_keymap(good: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """A checked keymap in the framework's shape: action id to keys joined by commas."""
    return {
        name: ",".join(key for key in keys if " " not in key)
        for name, keys in good.items()
        if any(" " not in key for key in keys)
    }
