"""Another set of keys: chosen in a box, in use at once and kept for the next run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cloudtui import present
from cloudtui.key_presets import PRESETS, TITLES
from cloudtui.screens.dialogs import Choose, Option

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen


async def choose_keys(screen: MainScreen) -> None:
    """Ask for a set of keys and use it. The settings keep it, where they can be written."""
    runtime = await screen.runtime()
    now = screen.cloud_app.preset
    options = [
        Option(title[0].upper() + title[1:], title[0], name) for name, title in TITLES.items()
    ]
    changed = {
        name: present.count(len(keys), "action") for name, keys in PRESETS.items() if name and keys
    }
    box = Choose(
        "Keys",
        [
            f"In use: {TITLES[now]}. ? lists all its keys.",
            f"Midnight Commander: Ctrl+U swaps the panes, Ctrl+T marks; {changed['mc']} differ.",
            "Desktop: Ctrl+C, Ctrl+X and Ctrl+V copy, cut and paste, F2 renames, F5 reloads; "
            f"{changed['desktop']} differ.",
            "Keys of your own in the settings stay as they are.",
        ],
        [*options, Option("Stay", "s", "")],
        safe="",
    )
    chosen = await screen.app.push_screen_wait(box)
    if not chosen:
        return
    complaints = screen.cloud_app.use_preset(chosen, runtime)
    await asyncio.to_thread(runtime.settings.set, "keys", chosen)
    screen.say(f"Keys are those of {TITLES[chosen]} from now on.")
    for complaint in complaints:
        screen.say(complaint, bad=True)
