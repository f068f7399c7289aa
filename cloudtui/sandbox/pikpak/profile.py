"""Plan, storage and transfer allowances: the small calls about an account."""

from __future__ import annotations

from cloudtui.sandbox.pikpak.call import Answer, Call, Route
from cloudtui.sandbox.pikpak.cloud import Cloud
from cloudtui.sandbox.pikpak.stamps import stamp

DAY = 86400
YEAR = 365 * DAY
TIB = 1024**4
GIB = 1024**3
ALLOWANCES = {"offline": 40 * TIB, "download": 4 * TIB, "upload": TIB}
FREE_ALLOWANCES = {"offline": 0, "download": 0, "upload": 0}


class Profile:
    """About, plan, allowances and the code to invite with."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self) -> list[Route]:
        """The endpoints."""
        return [
            Route("GET", "/drive/v1/about", self.about),
            Route("GET", "/drive/v1/privilege/vip", self.vip),
            Route("GET", "/vip/v1/quantity/list", self.allowances),
            Route("GET", "/vip/v1/activity/inviteCode", self.invite),
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
