"""Download links and the content servers that honour them.

A link is good for one version of one file at one client address until it expires; everything else
is 410, which is no API envelope.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from cloudtui.sandbox.content import serve_blob
from cloudtui.sandbox.faults import FaultKind
from cloudtui.sandbox.http import Request, Response
from cloudtui.sandbox.pcloud.call import Call, method
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.estate import Account, Estate, Link, Publink
from cloudtui.sandbox.pcloud.files import version_of
from cloudtui.sandbox.pcloud.metadata import kind_of
from cloudtui.sandbox.pcloud.nodes import Content, File, is_live

LINK_LIFE = 6 * 3600
FILM, MUSIC = 2, 3
SHARE = 4
"""A form of a film has this part of its bytes, and `LONGEST` at most: it is held in memory."""
LONGEST = 1 << 20


def check_referer(request: Request) -> None:
    """Refusal 7010 when a web page of somebody else asks."""
    for name in ("referer", "origin"):
        value = request.headers.get(name)
        if value is None:
            continue
        host = urlsplit(value).hostname or ""
        if host != "pcloud.com" and not host.endswith(".pcloud.com"):
            raise Refusal(7010)


def life_of(call: Call) -> int:
    """Seconds a new link is said to live: switch `pcloud.link_seconds`."""
    seconds = call.estate.world.switch("pcloud.link_seconds", LINK_LIFE)
    return int(seconds) if isinstance(seconds, int | float) else LINK_LIFE


def make_link(
    call: Call,
    account: Account,
    file: File,
    content: Content,
    *,
    publink: Publink | None = None,
    body: bytes | None = None,
    content_type: str | None = None,
) -> dict[str, object]:
    """The fields every link answer shares: path, expires, hosts, dwltag, hash, size."""
    check_referer(call.request)
    code = call.estate.world.new_secret("c", 24)
    expires = call.now + life_of(call)
    # The fault hands out a link that is dead already, though its date says otherwise.
    dead = call.request.fault(FaultKind.EXPIRE_LINK) is not None
    call.estate.links[code] = Link(
        account=account,
        file_id=file.id,
        content=content,
        name=file.name,
        parent_id=file.parent.id,
        ip=call.request.client_ip,
        expires=-1 if dead else expires,
        content_type=content_type or call.params.text("contenttype") or kind_of(file.name)[0],
        attachment=call.params.flag("forcedownload"),
        publink=publink,
        revision=content is not file.content,
        body=body,
    )
    named = "" if call.params.flag("skipfilename") else quote(file.name, safe="")
    return {
        "path": f"/{code}/{named}",
        "expires": call.style.moment(expires),
        "hosts": call.estate.content_hosts(account.region, call.request),
        "dwltag": call.estate.world.new_secret(size=12),
        "hash": content.hash,
        "size": content.blob.size if body is None else len(body),
    }


@method("getfilelink")
def getfilelink(call: Call) -> dict[str, object]:
    """A link for the caller's address."""
    file = call.file()
    return make_link(call, call.account, file, version_of(call, file))


def _transcoded(call: Call, file: File, form: str, content_type: str) -> dict[str, object]:
    """A link to other, fewer bytes: what another form of the file would be."""
    blob = file.content.blob
    body = f"{form}\n".encode() + blob.read(0, min(blob.size // SHARE, LONGEST))[::-1]
    return make_link(call, call.account, file, file.content, body=body, content_type=content_type)


def _film(call: Call) -> File:
    """Refusal 2044 for anything but a film."""
    file = call.file()
    if kind_of(file.name)[1][1] != FILM:
        raise Refusal(2044, "File is not a video.")
    return file


@method("getvideolink")
def getvideolink(call: Call) -> dict[str, object]:
    """A film in another form."""
    form = call.params.text("resolution") or "stream"
    return _transcoded(call, _film(call), form, "video/mp4")


@method("getaudiolink")
def getaudiolink(call: Call) -> dict[str, object]:
    """The sound of music or a film. Refusal 2044 for anything else."""
    file = call.file()
    if kind_of(file.name)[1][1] not in (FILM, MUSIC):
        raise Refusal(2044, "File is not a video.")
    return _transcoded(call, file, "audio", "audio/mpeg")


@method("gethlslink")
def gethlslink(call: Call) -> dict[str, object]:
    """A playlist of one piece that says where the film is."""
    file = _film(call)
    piece = _transcoded(call, file, "piece", "video/mp2t")
    hosts = piece["hosts"]
    host = hosts[0] if isinstance(hosts, list) else ""
    scheme = urlsplit(call.estate.world.urls["pcloud.content"]).scheme
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:62", "#EXTINF:61.44,"]
    lines += [f"{scheme}://{host}{piece['path']}", "#EXT-X-ENDLIST", ""]
    playlist = "\n".join(lines).encode()
    kind = "application/vnd.apple.mpegurl"
    return make_link(call, call.account, file, file.content, body=playlist, content_type=kind)


@method("getvideolinks")
def getvideolinks(call: Call) -> dict[str, object]:
    """The original and two smaller forms; switch `pcloud.transcodes` off leaves the original."""
    file = _film(call)
    length: dict[str, object] = {"duration": "61.44", "fps": "25.00"}
    codecs: dict[str, object] = {"videocodec": "h264", "audiocodec": "aac", "isoriginal": True}
    rates = {"videobitrate": 9210, "audiobitrate": 128, "audiosamplerate": 48000, "rotate": 0}
    link = make_link(call, call.account, file, file.content)
    variants: list[dict[str, object]] = [
        {**link, "width": 1920, "height": 1080, **length, **codecs, **rates}
    ]
    if call.estate.world.enabled("pcloud.transcodes", default=True):
        for width, height, rate in ((1280, 720, 2500), (640, 360, 501)):
            link = _transcoded(call, file, f"{height}P", "video/mp4")
            shape = {"width": width, "height": height, "videobitrate": rate, "audiobitrate": 64}
            other = {"audiocodec": "mp3", "isoriginal": False}
            variants.append({**link, **length, **codecs, **shape, **other})
    return {"variants": variants}


@method("gettextfile", locked=False)
def gettextfile(call: Call) -> Response:
    """The text itself, from the API host."""
    check_referer(call.request)
    with call.estate.world.lock:
        file = call.file()
        blob = version_of(call, file).blob
    encoding = call.params.text("fromencoding") or "utf-8"
    try:
        text = blob.read().decode(encoding, "replace")
    except LookupError as exc:
        raise Refusal(2061, "Invalid encoding.") from exc
    return Response.text(text)


class ContentServer:
    """Handler of the content listener. No token is asked for or looked at: the link is the
    credential.

    Switch `pcloud.link_ip` (default on) binds links to the address that asked for them.
    """

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def __call__(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return Response.text("Method not allowed", 405)
        code = request.path.split("/")[1] if request.path.count("/") >= 2 else ""
        with self._estate.world.lock:
            link = self._estate.links.get(code)
            if link is None:
                return Response.html("<h1>404 Not Found</h1>", 404)
            refused = self._stale(link, request)
            if refused:
                return Response.html(f"<h1>410 Gone</h1><p>{refused}</p>", 410)
            if link.publink is not None and request.method == "GET":
                link.publink.downloads += 1
                link.publink.traffic += link.content.blob.size
        if link.body is not None:
            return Response(200, link.body, [("Content-Type", link.content_type)])
        extra: tuple[tuple[str, str], ...] = ()
        if link.attachment:
            extra = (("Content-Disposition", f"attachment; filename*=UTF-8''{quote(link.name)}"),)
        return serve_blob(
            request,
            link.content.blob,
            content_type=link.content_type,
            etag=str(link.content.hash),
            modified=link.content.created,
            headers=extra,
        )

    def _stale(self, link: Link, request: Request) -> str:
        world = self._estate.world
        if request.fault(FaultKind.EXPIRE_LINK) is not None or world.clock() > link.expires:
            return "This link has expired."
        if world.enabled("pcloud.link_ip", default=True) and request.client_ip != link.ip:
            return "This link was generated for another IP address."
        if not link.file_id:  # a zip, made when it was asked for
            return ""
        file = link.account.tree.files.get(link.file_id)
        if file is None or not is_live(file):
            return "The file is gone."
        if (file.name, file.parent.id) != (link.name, link.parent_id):
            return "The file was moved."
        if not link.revision and file.content.hash != link.content.hash:
            return "The file has changed."
        return ""
