"""Text that is typed over a list, without a field of its own: what each key makes of it."""

from __future__ import annotations

from textual import events


def typed_after(text: str, event: events.Key) -> str | None:
    """`text` after a key; None when the key is none of those that change text."""
    if event.key in ("backspace", "ctrl+h"):
        return text[:-1]
    if event.key in ("ctrl+u", "ctrl+k"):
        return ""
    if event.key == "ctrl+w":
        return text.rstrip().rpartition(" ")[0]
    if event.is_printable and event.character:
        return text + event.character
    return None


def pasted_after(text: str, event: events.Paste) -> str:
    """`text` with what was pasted behind it, as one line."""
    return text + " ".join(event.text.split())
