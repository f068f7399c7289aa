"""Lookups without a drive: content by samples, and what an address would bring."""

from __future__ import annotations

from cloudtui.sandbox.pikpak.call import Answer, Call, Route, strings
from cloudtui.sandbox.pikpak.cloud import Cloud, gcid_of
from cloudtui.sandbox.pikpak.errors import Refusal, refusal
from cloudtui.sandbox.pikpak.fetch import name_of
from cloudtui.sandbox.pikpak.magnets import NOISE_LIMIT, Plan, content, plan_of
from cloudtui.sandbox.pikpak.node import mime_type_of

PAGE = 500


class Resources:
    """Endpoints under /drive/v1/resource."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self) -> list[Route]:
        """Both read or make bytes, so neither holds the lock."""
        return [
            Route("GET", "/drive/v1/resource/cid", self.by_samples, locked=False),
            Route("POST", "/drive/v1/resource/list", self.preview, locked=False),
        ]

    def by_samples(self, call: Call) -> Answer:
        """The hash of known content with these samples: a hint, three samples prove nothing."""
        cid = call.param("cid")
        size = call.number("file_size", 0)
        if not cid or not size:
            raise Refusal("invalid_argument", 400, "cid and file_size is required")
        blob = self._cloud.known_by_sample(cid, size)
        return {"gcid": gcid_of(blob) if blob is not None else ""}

    def preview(self, call: Call) -> Answer:
        """What the files behind addresses are, without a task."""
        # one text holds several, apart by blanks
        urls = [url for value in strings(call.body, "urls") for url in value.split()]
        if not urls:
            raise refusal("invalid_argument", "urls is required")
        size = call.body.get("page_size")
        most = size if isinstance(size, int) and 0 < size < PAGE else PAGE
        rows = [self._row(url, index, most) for index, url in enumerate(urls)]
        return {"list_id": call.account.ids.new("VL"), "list": _page(rows, most)}

    def _row(self, url: str, index: int, most: int) -> dict[str, object]:
        if url.lower().startswith(("magnet:", "ed2k:")):
            plan = plan_of(url, self._cloud.switches.value("magnets"))
            return self._planned(plan, index, most)
        if not url.lower().startswith(("http://", "https://")):
            raise refusal("task_url_unsupported")
        return _resource(f"r{index}", name_of(url), 0)

    def _planned(self, plan: Plan, index: int, most: int) -> dict[str, object]:
        if not plan.known:
            # Nobody has fetched it yet: the service knows the hash and nothing else.
            return _resource(f"r{index}", plan.name, 0)
        files = [
            _resource(
                f"r{index}.{number}",
                path,
                size,
                file_index=number,
                gcid=self._gcid(plan.key, path, size),
            )
            for number, (path, size) in enumerate(plan.files[:most])
        ]
        if plan.single:
            return files[0]
        row = _resource(f"r{index}", plan.name, plan.size)
        row["is_dir"] = True
        row["file_count"] = len(plan.files)
        row["dir"] = _page(files, most, more=len(plan.files) > most)
        return row

    def _gcid(self, key: str, path: str, size: int) -> str:
        """The hash of planned content; of what would take long to make none is told."""
        if size > NOISE_LIMIT:
            return ""
        return gcid_of(content(self._cloud.world.blobs, key, path, size))


def _page(rows: list[dict[str, object]], most: int, *, more: bool = False) -> dict[str, object]:
    return {"page_size": most, "next_page_token": str(most) if more else "", "resources": rows}


def _resource(
    key: str, name: str, size: int, *, file_index: int = 0, gcid: str = ""
) -> dict[str, object]:
    meta: dict[str, object] = {}
    if gcid:
        meta = {"hash": gcid, "mime_type": mime_type_of(name), "status": "COMPLETE"}
    return {
        "id": key,
        "name": name,
        "is_dir": False,
        "file_size": str(size),
        "file_count": 1,
        "file_index": file_index,
        "meta": meta,
        "resolver": "DIRECT",
    }
