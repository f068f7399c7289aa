"""Another set of keys: chosen in a box, in use at once and kept for the next run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cloudtui.key_presets import PRESETS, TITLES
from cloudtui.screens.dialogs import Dialog, Option

if TYPE_CHECKING:
    from cloudtui.screens.main import MainScreen


async def choose_keys(screen: MainScreen) -> None:
    """Ask for a set of keys and use it. The settings keep it, where they can be written."""
    runtime = await screen.runtime()
    now = screen.cloud_app.preset
    options = [
        Option(title[0].upper() + title[1:], title[0], name) for name, title in TITLES.items()
    ]
    changed = {name: f"{len(keys)} keys differ" for name, keys in PRESETS.items()}
    box = Dialog(
        "Keys",
        [
            f"In use: {TITLES[now]}. ? lists all its keys.",
            f"Midnight Commander: Ctrl+U swaps the panes, Ctrl+T marks ({changed['mc']}).",
            "Desktop: Ctrl+C, Ctrl+X and Ctrl+V copy, cut and paste, F2 renames, F5 reloads "
            f"({changed['desktop']}).",
            "Keys of your own in the settings stay as they are.",
        ],
        [*options, Option("Stay", "s", "")],
        safe="",
        focus=list(TITLES).index(now),
    )
    chosen = await screen.app.push_screen_wait(box)
    if not chosen:
        return
    complaints = screen.cloud_app.use_preset(chosen, runtime)
    await asyncio.to_thread(runtime.settings.set, "keys", chosen)
    screen.say(f"Keys in use from now on: {TITLES[chosen]}.")
    for complaint in complaints:
        screen.say(complaint, bad=True)
