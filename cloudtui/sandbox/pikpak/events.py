"""The history of an account: what was uploaded, saved, fetched and played.

A page ends in a token that is a time, percent-encoded already (seen by one client of the real
service). How it wants that token back is not known: a switch decides.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from cloudtui.sandbox.pikpak.account import Account, Event
from cloudtui.sandbox.pikpak.call import Answer, Call, Route, mapping, strings, text
from cloudtui.sandbox.pikpak.cloud import Cloud
from cloudtui.sandbox.pikpak.errors import refusal
from cloudtui.sandbox.pikpak.files import Files
from cloudtui.sandbox.pikpak.filters import Filter, parse_filters
from cloudtui.sandbox.pikpak.stamps import stamp

PLAY = "TYPE_PLAY"
LARGEST = 100


class Events:
    """Endpoints under /drive/v1/events."""

    def __init__(self, cloud: Cloud, files: Files) -> None:
        self._cloud = cloud
        self._files = files

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("GET", "/drive/v1/events", self.page),
            Route("POST", "/drive/v1/events", self.add),
            Route("POST", "/drive/v1/events:delete", self.delete),
            Route("POST", "/drive/v1/events:clear", self.clear),
        ]

    def page(self, call: Call) -> Answer:
        """A page of the history, newest first; plays only when asked for."""
        account = call.account
        given = call.param("filters")
        wanted = parse_filters(given)
        most = int(self._cloud.switches.number("events_limit"))
        limit = max(1, min(call.number("limit", LARGEST), most))
        before = self._before(call.param("page_token"))
        found = [
            event
            for event in reversed(account.events)
            if (before is None or event.number < before)
            and (event.type != PLAY or given)
            and _fits(wanted, event)
        ]
        shown = found[:limit]
        following = ""
        if len(found) > limit:
            following = quote(f"{stamp(shown[-1].created)}#{shown[-1].number}")
        return {
            "events": [self._shape(account, event) for event in shown],
            "next_page_token": following,
        }

    def add(self, call: Call) -> Answer:
        """Record that something was played."""
        event = mapping(call.body, "event") or call.body
        node = call.account.tree.get(text(event, "file_id"))
        kind = text(event, "type")
        if not kind:
            raise refusal("invalid_argument", "type is required")
        call.account.record(kind, node, call.now)
        call.account.events[-1].params = dict(mapping(event, "params"))
        return {}

    def delete(self, call: Call) -> Answer:
        """Forget the lines named; what is gone already is passed over."""
        ids = strings(call.body, "ids")
        if not ids:
            raise refusal("invalid_argument", "ids is required")
        account = call.account
        account.events = [event for event in account.events if event.id not in ids]
        return {}

    def clear(self, call: Call) -> Answer:
        """Forget everything."""
        call.account.events = []
        return {}

    def _before(self, token: str) -> int | None:
        """The number of the last event of the page before; None for the first page."""
        if not token:
            return None
        encoded = "%" in token
        match self._cloud.switches.word("event_tokens"):
            case "encoded" if not encoded:
                raise refusal("invalid_argument", "page_token is not known")
            case "decoded" if encoded:
                return None
        number = unquote(token).rpartition("#")[2]
        if not number.isdigit():
            raise refusal("invalid_argument", "page_token is not known")
        return int(number)

    def _shape(self, account: Account, event: Event) -> dict[str, object]:
        node = account.tree.nodes.get(event.file_id)
        return {
            "type": event.type,
            "type_name": "",
            "source": "",
            "id": event.id,
            "device": "",
            "created_time": stamp(event.created),
            "updated_time": stamp(event.created),
            "file_id": event.file_id,
            "file_name": event.file_name,
            "subject": "",
            "params": dict(event.params),
            "reference_resource": self._files.entry(account, node) if node else None,
        }


def _fits(wanted: Filter, event: Event) -> bool:
    return wanted.admits(lambda field: event.type if field == "type" else None)
