"""The user's own keys: what of a keymap can be used beside the table and its presets.

Owns the rules of who may have which key. Imports no framework.
"""

from __future__ import annotations

from collections.abc import Mapping

from cloudtui.actions import ACTIONS, BY_ID, Place, key_name
from cloudtui.key_presets import DEFAULT, PRESETS


def check_keymap(
    wanted: Mapping[str, str], preset: str = DEFAULT
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Validate a user's keymap of action id to keys separated by bars or commas, on top of a
    preset.

    Returns what can be used, together with what the preset changes, and one sentence per refused
    line: an unknown action, or a key that another action of the same place has.
    """
    base = PRESETS[preset]
    good: dict[str, tuple[str, ...]] = {}
    complaints: list[str] = []
    for name, text in wanted.items():
        if name not in BY_ID:
            import difflib

            near = difflib.get_close_matches(name, BY_ID, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            complaints.append(f'keymap: there is no action "{name}".{hint}')
            continue
        keys = tuple(key.strip() for key in text.replace(",", "|").split("|") if key.strip())
        if not keys:
            complaints.append(f'keymap: "{name}" names no key.')
            continue
        good[name] = keys
    while True:
        found = _clash(good, base)
        if found is None:
            return {**base, **good}, complaints
        name, key, owner = found
        complaints.append(f'keymap: {key_name(key)} of "{name}" belongs to "{owner}".')
        del good[name]


_SHARED = frozenset({Place.APP, Place.LIST})
_ALONE = frozenset({Place.SIGN_IN, Place.DIALOG, Place.FIELD})


def _meet(one: Place, other: Place) -> bool:
    """Whether actions of two places can be reached by keys at the same time."""
    if one is other:
        return True
    return bool({one, other} & _SHARED) and not {one, other} & _ALONE


def _clash(
    good: Mapping[str, tuple[str, ...]], base: Mapping[str, tuple[str, ...]]
) -> tuple[str, str, str] | None:
    """The first key that two actions would have: who wants it, the key, whose it is. The first key
    of a sequence is taken, too."""
    for name, keys in good.items():
        for other in ACTIONS:
            if other.id == name or not _meet(BY_ID[name].place, other.place):
                continue
            theirs = good.get(other.id) or base.get(other.id, other.keys)
            firsts = {key.partition(" ")[0] for key in theirs if " " in key}
            for key in keys:
                first, _, second = key.partition(" ")
                if key in theirs or key in firsts or (second and first in theirs):
                    return name, key, other.id
    return None
