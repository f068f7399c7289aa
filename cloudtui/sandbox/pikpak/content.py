"""Signed download links and the host that answers them.

A link names content, not an entry: it outlives trashing and deletion of the file. Anything changed
in it, or its `expire` passed, gives 403 with an empty body.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from threading import Lock
from urllib.parse import quote, urlencode

from cloudtui.sandbox.blobs import Blob
from cloudtui.sandbox.content import serve_blob
from cloudtui.sandbox.http import Request, Response
from cloudtui.sandbox.names import PIKPAK_ROOTS
from cloudtui.sandbox.pikpak.account import Account
from cloudtui.sandbox.pikpak.addresses import Addresses, root_of
from cloudtui.sandbox.pikpak.cloud import Cloud
from cloudtui.sandbox.pikpak.node import Node
from cloudtui.sandbox.thumbs import thumbnail

DOWNLOAD = "/download/"
UNSIGNED = ("sign", "media")
TRANSCODE_SHARE = 4


@dataclass(frozen=True, slots=True)
class Target:
    """What a fid leads to. A picture of it has `side` pixels, is made when it is fetched, and
    counts as no download."""

    blob: Blob
    mime_type: str
    side: int = 0


class Content:
    """All links, and the content listener's handler."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._key = secrets.token_bytes(32)
        self._targets: dict[str, Target] = {}
        self._transcodes: dict[str, Blob] = {}
        self._open: dict[str, int] = {}
        self._lock = Lock()

    # ---- handing out

    def link(self, addresses: Addresses, account: Account, node: Node) -> tuple[str, float]:
        """A signed address of the file's bytes, and when it ends."""
        assert node.blob is not None
        fid = self._fid(node.blob, "origin")
        self._targets[fid] = Target(node.blob, node.mime_type)
        return self._signed(addresses, account, node, fid, node.blob.size)

    def transcode(self, addresses: Addresses, account: Account, node: Node) -> tuple[str, float]:
        """A signed address of other, fewer bytes: what a smaller picture size would be."""
        assert node.blob is not None
        fid = self._fid(node.blob, "720P")
        small = self._transcodes.get(fid)
        if small is None:
            head = node.blob.read(0, max(1, node.blob.size // TRANSCODE_SHARE))
            small = self._cloud.world.blobs.put_bytes(head[::-1])
            self._transcodes[fid] = small
        self._targets[fid] = Target(small, "video/mp4")
        return self._signed(addresses, account, node, fid, small.size)

    def thumbnail(
        self, addresses: Addresses, account: Account, node: Node, side: int
    ) -> tuple[str, float]:
        """A signed address of a small picture."""
        assert node.blob is not None
        fid = self._fid(node.blob, f"picture {side}")
        self._targets[fid] = Target(node.blob, "image/jpeg", side)
        return self._signed(addresses, account, node, fid, 0)

    # ---- answering

    def handle(self, request: Request) -> Response:
        """GET and HEAD of a signed address."""
        if request.method not in ("GET", "HEAD"):
            return Response.empty(405, [("Allow", "GET, HEAD")])
        if request.path != DOWNLOAD:
            return Response.empty(404)
        if request.fault("refuse") is not None or request.fault("expire_link") is not None:
            return Response.empty(403)
        given = request.params
        sign = given.get("sign", "")
        root = root_of(request.hostname)
        if not hmac.compare_digest(self._sign(request.query, root).encode(), sign.encode()):
            # The same address under another of the service's roots is an address of nothing.
            foreign = root and any(
                hmac.compare_digest(self._sign(request.query, other).encode(), sign.encode())
                for other in PIKPAK_ROOTS
            )
            return Response.empty(404 if foreign else 403)
        if float(given.get("expire", "0")) <= self._cloud.world.clock():
            return Response.empty(403)
        if (request.headers.get("accept") or "").strip() == "application/json":
            return Response.empty(406)
        target = self._targets.get(given.get("fid", ""))
        if target is None:
            return Response.empty(404)
        if target.side:
            body, _ = thumbnail(target.blob, (target.side, target.side))
            self._cloud.count("thumbnails")
            return Response(200, body, [("Content-Type", target.mime_type)])
        user = given.get("ui", "")
        if not self._enter(sign, user):
            return Response.empty(503)
        response = serve_blob(
            request,
            target.blob,
            content_type=target.mime_type,
            headers=(("Content-Disposition", _attachment(given.get("filename", ""))),),
        )
        response.done = lambda: self._leave(sign, user)
        self._cloud.count("downloads")
        if request.method == "GET":
            self._charge(user, response.length)
        return response

    # ---- inside

    def _enter(self, sign: str, user: str) -> bool:
        """Count a connection in, for its link and its account, unless either has its fill."""
        limits = {sign: "link_connections", user: "account_connections"}
        with self._lock:
            for key, limit in limits.items():
                if self._open.get(key, 0) >= self._cloud.switches.number(limit):
                    return False
            for key in limits:
                self._open[key] = self._open.get(key, 0) + 1
            return True

    def _leave(self, *keys: str) -> None:
        with self._lock:
            for key in keys:
                left = self._open.get(key, 1) - 1
                if left > 0:
                    self._open[key] = left
                else:
                    self._open.pop(key, None)

    def _charge(self, user: str, size: int) -> None:
        with self._cloud.world.lock:
            account = self._cloud.by_user(user)
            if account is not None:
                account.download_transfer += size

    def _fid(self, blob: Blob, form: str) -> str:
        digest = hashlib.sha256(self._key + f"{blob.path}:{form}".encode()).hexdigest()
        return digest[:32].upper()

    def _signed(
        self, addresses: Addresses, account: Account, node: Node, fid: str, size: int
    ) -> tuple[str, float]:
        expire = int(self._cloud.world.clock() + self._cloud.switches.number("link_seconds"))
        query = [
            ("fid", fid),
            ("from", "5"),
            ("verno", "3"),
            ("prod", "pikpak"),
            ("expire", str(expire)),
            ("g", node.hash),
            ("ui", account.user_id),
            ("t", "0"),
            ("ms", "6144000"),
            ("th", "6144000"),
            ("f", str(size)),
            ("alt", "0"),
            ("us", "0"),
            ("hspu", ""),
            ("po", "0"),
            ("fileid", node.id),
            ("userid", account.user_id),
            ("pr", "XPAN"),
            ("tk", ""),
            ("filename", node.name),
        ]
        sign = self._cloud.world.issue(self._sign(query, addresses.root))
        encoded = urlencode([*query, ("sign", sign)], errors="surrogatepass")
        return f"{addresses.content(fid)}{DOWNLOAD}?{encoded}", float(expire)

    def _sign(self, query: list[tuple[str, str]], root: str) -> str:
        covered = [pair for pair in query if pair[0] not in UNSIGNED]
        text = root + "&" + urlencode(covered, errors="surrogatepass")
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest().upper()


def _attachment(name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
