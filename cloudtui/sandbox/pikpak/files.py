"""File and folder objects as JSON. Owns the shape that rclone decodes strictly.

Sizes and counters are texts of digits, `links` is always an object, times carry a zone: each of
these, broken, makes rclone fail or panic.
"""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from cloudtui.sandbox.pikpak.account import Account
from cloudtui.sandbox.pikpak.addresses import Addresses
from cloudtui.sandbox.pikpak.cloud import Cloud
from cloudtui.sandbox.pikpak.content import Content
from cloudtui.sandbox.pikpak.node import Node, Phase
from cloudtui.sandbox.pikpak.stamps import stamp
from cloudtui.sandbox.pikpak.tree import View

DAY = 86400
OCTETS = "application/octet-stream"
SIDES = {"SIZE_SMALL": 128, "SIZE_MEDIUM": 256, "SIZE_LARGE": 1024}
"""Pixels of the longer side of a picture."""
VIDEO = {
    "height": 1080,
    "width": 1920,
    "duration": 61,
    "bit_rate": 131147,
    "frame_rate": 30,
    "video_codec": "h264",
    "audio_codec": "aac",
    "video_type": "mp4",
    "hdr_type": "",
}


class Files:
    """Builds the JSON of entries."""

    def __init__(self, cloud: Cloud, content: Content) -> None:
        self._cloud = cloud
        self._content = content

    def entry(self, account: Account, node: Node, view: View | None = None) -> dict[str, object]:
        """An entry as listings show it: without links. `view` overrides place and name."""
        blocked = self._blocked(node)
        trashed = view.trashed if view else node.trashed or self._inherits(account, node)
        days = self._cloud.switches.number("trash_days")
        md5 = ""
        if node.blob is not None and self._cloud.switches.word("md5") == "always":
            md5 = node.blob.md5()
        return {
            "kind": node.kind,
            "id": node.id,
            "parent_id": (view.parent_id or "") if view else node.parent_id,
            "name": view.name if view else node.name,
            "user_id": account.user_id,
            "size": str(node.size),
            "revision": "0",
            "file_extension": node.extension,
            "mime_type": node.mime_type,
            "starred": False,
            "web_content_link": "",
            "created_time": stamp(node.created),
            "modified_time": stamp(node.modified),
            "icon_link": "",
            "thumbnail_link": "",
            "md5_checksum": md5,
            "hash": self._hash(node),
            "links": {},
            "phase": str(node.phase),
            "audit": {
                "status": "STATUS_SENSITIVE_RESOURCE" if blocked else "STATUS_OK",
                "message": "The content is blocked" if blocked else "Normal resource",
                "title": "",
            },
            "medias": [],
            "trashed": trashed,
            "delete_time": stamp(node.trashed_at + days * DAY) if node.trashed else "",
            "original_url": node.original_url,
            "params": {"platform_icon": "", "url": node.original_url, **node.params},
            "original_file_index": 0,
            "space": "",
            "apps": [],
            "writable": True,
            "folder_type": node.folder_type,
            "collection": "",
            "sort_name": "",
            "user_modified_time": stamp(node.modified),
            "spell_name": [],
            "file_category": node.category,
            "tags": [{"name": "STAR"}] if node.starred else [],
            "reference_events": [],
            "reference_resource": None,
        }

    def detail(
        self, account: Account, node: Node, addresses: Addresses, thumbnail_size: str = ""
    ) -> dict[str, object]:
        """An entry with links, and for films media links; the picture of it is of that size."""
        shown = self.entry(account, node)
        if node.blob is None or node.phase is not Phase.COMPLETE or self._blocked(node):
            return shown
        now = self._cloud.world.clock()
        if node.completed + self._cloud.switches.number("link_delay") > now:
            return shown
        if self._cloud.switches.word("md5") == "detail":
            shown["md5_checksum"] = node.blob.md5()
        url, expire = self._content.link(addresses, account, node)
        link = _link(url, expire)
        shown["links"] = {OCTETS: link}
        shown["web_content_link"] = url
        if node.category in ("IMAGE", "VIDEO") and self._cloud.switches.on("thumbnails"):
            side = SIDES.get(thumbnail_size, SIDES["SIZE_MEDIUM"])
            shown["thumbnail_link"], _ = self._content.thumbnail(addresses, account, node, side)
        if node.category == "VIDEO" and self._cloud.switches.on("media"):
            small, small_expire = self._content.transcode(addresses, account, node)
            shown["medias"] = [
                _media("Original", _link(url + "&media=origin", expire), origin=True),
                _media("720P", _link(small, small_expire), origin=False),
            ]
            self._lock(shown["medias"])
            params = shown["params"]
            if isinstance(params, dict):
                params.update({"duration": "61", "height": "1080", "width": "1920"})
        return shown

    def _lock(self, medias: object) -> None:
        """Take the links of the forms that the account may not play."""
        locked = self._cloud.switches.value("media_locked")
        for media in medias if isinstance(medias, list) else []:
            if isinstance(locked, list) and media["media_name"] in locked:
                media |= {"link": None, "need_more_quota": True, "vip_types": ["platinum"]}

    def _hash(self, node: Node) -> str:
        """What the client told; after a while, by the switch, something else: seen by users."""
        if node.folder:
            return ""
        drift = self._cloud.switches.limit("hash_drift")
        if drift is None or node.completed + drift > self._cloud.world.clock():
            return node.hash
        return hashlib.sha1(node.hash.encode()).hexdigest().upper()

    def _blocked(self, node: Node) -> bool:
        names = self._cloud.switches.value("audit_blocked")
        return isinstance(names, list) and (node.name in names or node.id in names)

    def _inherits(self, account: Account, node: Node) -> bool:
        if not self._cloud.switches.on("trash_marks_children"):
            return False
        # What lies inside an archive belongs to no folder of the drive.
        return node.id in account.tree.nodes and account.tree.buried(node)


def _link(url: str, expire: float) -> dict[str, object]:
    return {"url": url, "token": "", "expire": stamp(expire), "type": ""}


def _media(name: str, link: dict[str, object], *, origin: bool) -> dict[str, object]:
    video = dict(VIDEO)
    if not origin:
        video |= {"height": 720, "width": 1280, "video_type": "mpegts"}
    return {
        "media_id": "" if origin else urlsplit(str(link["url"])).query[4:20],
        "media_name": name,
        "video": video,
        "link": link,
        "need_more_quota": False,
        "vip_types": [],
        "redirect_link": "",
        "icon_link": "",
        "is_default": origin,
        "priority": 0 if origin else 10,
        "is_origin": origin,
        "resolution_name": "" if origin else name,
        "is_visible": True,
        "category": "category_origin" if origin else "category_transcode",
        "audio": None,
    }
