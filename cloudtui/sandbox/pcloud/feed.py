"""`diff`: the change feed, with long polling."""

from __future__ import annotations

import time

from cloudtui.sandbox.pcloud.call import Call, method
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.estate import Account
from cloudtui.sandbox.pcloud.metadata import describe, restyle
from cloudtui.sandbox.pcloud.tree import Event

# Real clients give up after 60 to 90 s of silence; an early empty answer is normal to them.
BLOCK_SECONDS = 45.0


def whole_state(call: Call, account: Account) -> list[dict[str, object]]:
    """`reset` and then one create event for everything there is: what a start from 0 gets."""
    tree = account.tree
    now = call.style.moment(call.now)
    found: list[dict[str, object]] = [{"event": "reset", "time": now, "diffid": tree.oldest_diffid}]
    stack = [tree.root]
    while stack:
        folder = stack.pop()
        for below in folder.folders.values():
            found.append(_created("createfolder", describe(below, call.style), now, tree.diffid))
            stack.append(below)
        for file in folder.files.values():
            found.append(_created("createfile", describe(file, call.style), now, tree.diffid))
    return found


def _created(
    event: str, metadata: dict[str, object], now: str | int, diffid: int
) -> dict[str, object]:
    return {"event": event, "time": now, "diffid": diffid, "metadata": metadata}


def _entry(call: Call, event: Event) -> dict[str, object]:
    return {
        "event": event.event,
        "time": call.style.moment(event.time),
        "diffid": event.diffid,
        "metadata": restyle(event.metadata, call.style),
    }


@method("diff", locked=False)
def diff(call: Call) -> dict[str, object]:
    """Events after `diffid`, the `last` N, or all `after` a time; `block=1` waits for the first
    one.

    Switch `pcloud.diff_seconds` sets how long a blocked call waits for news.
    """
    world = call.estate.world
    params = call.params
    account = call.account
    tree = account.tree
    start, last = params.number("diffid"), params.number("last")
    limit = params.number("limit")
    with world.changed:
        if last is not None:
            events = tree.events[-last:] if last else []
            return {"diffid": tree.diffid, "entries": [_entry(call, event) for event in events]}
        after = params.moment("after")
        if start is None and after is not None:
            events = [event for event in tree.events if event.time > after]
            return {"diffid": tree.diffid, "entries": [_entry(call, event) for event in events]}
        if start is None or start < tree.oldest_diffid:
            return {"diffid": tree.diffid, "entries": whole_state(call, account)}
        if start > tree.diffid:
            raise Refusal(1000 if call.token is None else 2000, "Invalid diffid.")
        if params.flag("block") and tree.diffid == start:
            seconds = world.switch("pcloud.diff_seconds", BLOCK_SECONDS)
            wait = float(seconds) if isinstance(seconds, int | float) else BLOCK_SECONDS
            end = time.monotonic() + wait
            while tree.diffid == start and not world.stopping.is_set():
                left = end - time.monotonic()
                if left <= 0:
                    break
                world.changed.wait(left)
        events = [event for event in tree.events if event.diffid > start]
        if limit:
            events = events[:limit]
        newest = events[-1].diffid if limit and events else tree.diffid
        return {"diffid": newest, "entries": [_entry(call, event) for event in events]}
