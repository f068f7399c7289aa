"""Plan, storage, transfer allowances and history: the small calls about an account."""

from __future__ import annotations

from urllib.parse import quote, unquote

from cloudtui.sandbox.pikpak.call import Answer, Call, Route, mapping, text
from cloudtui.sandbox.pikpak.cloud import Cloud
from cloudtui.sandbox.pikpak.errors import refusal
from cloudtui.sandbox.pikpak.files import Files
from cloudtui.sandbox.pikpak.filters import parse_filters
from cloudtui.sandbox.pikpak.stamps import stamp

DAY = 86400
YEAR = 365 * DAY
TIB = 1024**4
GIB = 1024**3
ALLOWANCES = {"offline": 40 * TIB, "download": 4 * TIB, "upload": TIB}
FREE_ALLOWANCES = {"offline": 0, "download": 0, "upload": 0}
PLAY = "TYPE_PLAY"


class Profile:
    """About, plan, allowances and events."""

    def __init__(self, cloud: Cloud, files: Files) -> None:
        self._cloud = cloud
        self._files = files

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("GET", "/drive/v1/about", self.about),
            Route("GET", "/drive/v1/privilege/vip", self.vip),
            Route("GET", "/vip/v1/quantity/list", self.allowances),
            Route("GET", "/vip/v1/activity/inviteCode", self.invite),
            Route("GET", "/drive/v1/events", self.events),
            Route("POST", "/drive/v1/events", self.add_event),
            Route("POST", "/drive/v1/events:delete", self.delete_events),
            Route("POST", "/drive/v1/events:clear", self.delete_events),
        ]

    def about(self, call: Call) -> Answer:
        """Storage: numbers as texts, `quotas` an object; rclone reads nothing else."""
        account = call.account
        used, trashed = account.seen_usage(call.now)
        daily = self._cloud.switches.limit("daily_tasks")
        started = [at for at in account.offline_starts if at > call.now - DAY]
        quotas: dict[str, object] = {}
        if daily is not None:
            quotas["cloud_download"] = {
                "kind": "drive#quota",
                "limit": str(daily),
                "usage": str(len(started)),
                "usage_in_trash": "0",
                "play_times_limit": "0",
                "play_times_usage": "0",
                "is_unlimited": False,
            }
        return {
            "kind": "drive#about",
            "quota": {
                "kind": "drive#quota",
                "limit": str(self._cloud.switches.limit("quota") or 0),
                "usage": str(used),
                "usage_in_trash": str(trashed),
                "play_times_limit": "-1",
                "play_times_usage": "0",
                "is_unlimited": False,
                "complimentary": "",
            },
            "expires_at": "",
            "quotas": quotas,
            "user_type": 1,
        }

    def vip(self, call: Call) -> Answer:
        """The plan."""
        paid = self._cloud.switches.on("vip")
        return {
            "result": "ACCEPTED",
            "message": "",
            "redirect_uri": "",
            "data": {
                "expire": stamp(call.account.created + YEAR),
                "status": "ok" if paid else "invalid",
                "type": "platinum" if paid else "novip",
                "user_id": call.account.user_id,
            },
        }

    def allowances(self, call: Call) -> Answer:
        """What may be moved this month, and what was."""
        account = call.account
        paid = self._cloud.switches.on("vip")
        totals = ALLOWANCES if paid else FREE_ALLOWANCES
        used = {
            "offline": account.offline_transfer,
            "download": account.download_transfer,
            "upload": account.upload_transfer,
        }
        none = {"total_assets": 0, "assets": 0, "size": 0}
        base: dict[str, object] = {
            name: {"total_assets": total, "assets": used[name], "size": used[name]}
            for name, total in totals.items()
        }
        base["download_daily"] = none if paid else {**none, "total_assets": 20 * GIB}
        base["vip_status"] = "ok" if paid else "invalid"
        base["expire_time"] = stamp(account.created + YEAR)
        return {
            "base": base,
            "transfer": dict.fromkeys(totals, none),
            "data": [],
            "apps_summary": {},
            "has_more": False,
        }

    def invite(self, call: Call) -> Answer:
        """The code to invite others with."""
        return {"code": call.account.user_id[-8:].upper()}

    def events(self, call: Call) -> Answer:
        """History, newest first; plays only when asked for. The page token is an encoded time."""
        account = call.account
        given = call.param("filters")
        wanted = parse_filters(given)
        before = unquote(call.param("page_token")).rpartition("#")[2]
        limit = max(1, min(call.number("limit", 100), 100))
        shown: list[dict[str, object]] = []
        following = ""
        last = account.events[-1] if account.events else None
        for event in reversed(account.events):
            if before.isdigit() and event.number >= int(before):
                continue
            kind = event.type
            if (kind == PLAY and not given) or not wanted.admits(
                lambda field, kind=kind: kind if field == "type" else None  # type: ignore[misc]
            ):
                continue
            if len(shown) == limit and last is not None:
                following = quote(f"{stamp(last.created)}#{last.number}")
                break
            last = event
            node = account.tree.nodes.get(event.file_id)
            shown.append(
                {
                    "type": kind,
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
            )
        return {"events": shown, "next_page_token": following}

    def add_event(self, call: Call) -> Answer:
        """Record that something was played."""
        event = mapping(call.body, "event") or call.body
        node = call.account.tree.get(text(event, "file_id"))
        kind = text(event, "type")
        if not kind:
            raise refusal("invalid_argument", "type is required")
        call.account.record(kind, node, call.now)
        call.account.events[-1].params = dict(mapping(event, "params"))
        return {}

    def delete_events(self, call: Call) -> Answer:
        """Forget the history, or the lines named."""
        named = call.body.get("ids")
        ids = {str(item) for item in named} if isinstance(named, list) else None
        account = call.account
        account.events = [
            event for event in account.events if ids is not None and event.id not in ids
        ]
        return {}
