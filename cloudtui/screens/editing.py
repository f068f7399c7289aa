"""F4: a text in the user's editor. Files of the disk are edited where they are; texts of clouds as
private drafts that go back only when they changed.

The way back is an ordinary copy job that replaces the old text. What changed there meanwhile is
never overwritten unasked, and a draft that could not go back is kept.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cloudtui import present
from cloudtui.screens.outside import editor_command, run_outside
from cloudtui.services import drafts
from cloudtui.services.addresses import local_location, local_path
from cloudtui.services.errors import NotFound, SourceChanged
from cloudtui.services.models import DISK, Entry, Found, Kind
from cloudtui.services.naming import display_name
from cloudtui.services.transfers.orders import (
    JobState,
    OnConflict,
    Order,
    Source,
    Verb,
)

if TYPE_CHECKING:
    from cloudtui.screens.browser import Browser
    from cloudtui.screens.main import MainScreen
    from cloudtui.services.storage import Storage

_SAME_TIME_NS: Final = 2_000_000_000


def is_same(before: Entry, now: Entry) -> bool:
    """Whether an entry is what it was, as far as anybody can tell."""
    apart = abs((before.mtime_ns or 0) - (now.mtime_ns or 0))
    return (before.id, before.size, before.hash) == (now.id, now.size, now.hash) and (
        apart <= _SAME_TIME_NS
    )


async def edit(screen: MainScreen, browser: Browser, entry: Entry) -> None:
    """Edit a file of a pane and tell what became of it. Raises CloudError for what cannot be
    edited, and whatever the place raises."""
    if browser.at is None or browser.storage is None:
        return
    item, storage = Found.of(browser.at, entry), browser.storage
    twins = sum(one.name == entry.name for one in browser.view.entries)
    if twins > 1:
        # the way back is by name: it must not replace the other one
        screen.say(f"{twins} entries have this name. r renames one, then it can be edited.")
        return
    command = editor_command()
    name = display_name(item.entry.name)
    if item.at.account == DISK:
        path = local_path(item.at)
        code = await run_outside(screen.app, [*command, "--", str(path)])
        screen.folder_changed(item.at.parent)
        ended = "" if not code else f" The editor ended with {code}."
        screen.say(f"Edited {name}.{ended}")
        return
    drafts.refuse_no_text(item.entry.name, item.entry.size)
    runtime = await screen.runtime()
    screen.say(f"Fetching {name}...")
    old = await runtime.first_bytes(item, drafts.LARGEST)
    if len(old) != item.entry.size:
        raise SourceChanged(f"{name} changed on the way. Ctrl+R shows it as it is now.")
    drafts.refuse_no_text(item.entry.name, item.entry.size, old)
    path = await asyncio.to_thread(drafts.begin, runtime.drafts_dir, item.entry.name, old)
    said = ""
    try:
        code = await run_outside(screen.app, [*command, "--", str(path)])
        new = await asyncio.to_thread(path.read_bytes)
        if new == old:
            ended = "" if not code else f" The editor ended with {code}."
            said = f"{name} was not changed, so nothing is sent.{ended}"
        else:
            policy = await _policy(screen, storage, item)
            if policy is not None and await _send(screen, item, path, policy):
                said = f"{name} was sent back."
    finally:
        if bool(said) or await asyncio.to_thread(drafts.holds, path, old):
            await asyncio.to_thread(drafts.end, path)
        else:
            screen.say(f"{name} was not sent back. Your text is in {path}", bad=True)
    if said:  # only now, when no copy of the text is left here: who reads it may leave at once
        screen.say(said)


async def _policy(screen: MainScreen, storage: Storage, item: Found) -> OnConflict | None:
    """What may become of the file that stands there; None for nothing."""
    name = display_name(item.entry.name)
    try:
        now = (await storage.stat(item.at, want=Kind.FILE)).entry
    except NotFound:
        return OnConflict.KEEP_BOTH
    if is_same(item.entry, now):
        return OnConflict.OVERWRITE
    from cloudtui.screens.dialogs import Choose, Option

    size = "not known" if now.size is None else present.size_long(now.size)
    when = "not known" if now.mtime_ns is None else present.date_full(now.mtime_ns)
    answer = await screen.app.push_screen_wait(
        Choose(
            "Changed meanwhile",
            [f"{name} became another one while you edited it: {size}, changed {when}."],
            [
                Option("Keep both", "k", "keep-both"),
                Option("Overwrite", "o", "overwrite"),
                Option("Send nothing", "n", ""),
            ],
            safe="",
        )
    )
    return OnConflict(answer) if answer else None


async def _send(screen: MainScreen, item: Found, path: Path, policy: OnConflict) -> bool:
    """Let a job take the text back; whether it arrived."""
    runtime = await screen.runtime()
    name = display_name(item.entry.name)
    screen.say(f"Sending {name} back...")
    order = Order(
        Verb.COPY,
        (Source(local_location(str(path)), name=item.entry.name),),
        item.at.parent,
        on_conflict=policy,
    )
    job = await runtime.transfers.submit(order)
    screen.bridge.leave_to_others(job)
    screen.bridge.wake()
    view = await runtime.transfers.wait(job)
    done = view.state is JobState.DONE and not (view.files_failed or view.files_skipped)
    if done:
        screen.folder_changed(item.at.parent, want=item.entry.id)
    return done
