"""PikPak's answers about what was done in an account. Owns shapes, no meaning."""

from __future__ import annotations

import msgspec

from cloudtui.services.pikpak.wire import File


class Event(msgspec.Struct):
    """One line of the history; `reference_resource` is the entry as it is now."""

    id: str = ""
    type: str = ""
    type_name: str = ""
    file_id: str = ""
    file_name: str = ""
    created_time: str = ""
    updated_time: str = ""
    reference_resource: File | None = None


class EventList(msgspec.Struct):
    """One page of the history."""

    events: list[Event] | None = None
    next_page_token: str = ""


class Invite(msgspec.Struct):
    """The code to invite others with."""

    code: str = ""
