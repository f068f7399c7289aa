"""Methods that give thumbnails: a picture made smaller, or for a film one that is made up."""

from __future__ import annotations

import re

from cloudtui.sandbox.http import Response
from cloudtui.sandbox.pcloud.call import Call, method
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.links import make_link
from cloudtui.sandbox.pcloud.metadata import kind_of
from cloudtui.sandbox.pcloud.nodes import File
from cloudtui.sandbox.thumbs import thumbnail

LARGEST = (2048, 1024)


def _size(call: Call) -> tuple[int, int]:
    """Refusal 1015 for a size out of bounds or not divisible by 4 or 5."""
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", call.params.text("size") or "")
    if found is None:
        raise Refusal(1015)
    width, height = int(found[1]), int(found[2])
    fits = 16 <= width <= LARGEST[0] and 16 <= height <= LARGEST[1]
    if not fits or any(side % 4 and side % 5 for side in (width, height)):
        raise Refusal(1015)
    return width, height


def _thumb(call: Call, file: File) -> tuple[bytes, str, tuple[int, int]]:
    """The picture, its type and its real size. Refusal 1014 for what is neither picture nor
    film."""
    if kind_of(file.name)[1][1] not in (1, 2):
        raise Refusal(1014)
    png = call.params.text("type") == "png"
    crop = call.params.flag("crop")
    body, real = thumbnail(file.content.blob, _size(call), crop=crop, png=png)
    return body, f"image/{'png' if png else 'jpeg'}", real


@method("getthumb", locked=False)
def getthumb(call: Call) -> Response:
    """The picture itself."""
    with call.estate.world.lock:
        file = call.file()
    body, content_type, _ = _thumb(call, file)
    return Response(200, body, [("Content-Type", content_type)])


def _linked(call: Call, file: File) -> dict[str, object]:
    body, content_type, real = _thumb(call, file)
    link = make_link(call, call.account, file, file.content, body=body, content_type=content_type)
    return {**link, "size": f"{real[0]}x{real[1]}"}


@method("getthumblink")
def getthumblink(call: Call) -> dict[str, object]:
    return _linked(call, call.file())


@method("getthumbslinks")
def getthumbslinks(call: Call) -> dict[str, object]:
    """One result per id of `fileids`; errors stay with their file."""
    thumbs: list[dict[str, object]] = []
    for number in call.params.numbers("fileids"):
        try:
            found = _linked(call, call.account.tree.file(number))
        except Refusal as refusal:
            thumbs.append({**refusal.body(), "fileid": number})
        else:
            thumbs.append({"result": 0, "fileid": number, **found})
    return {"thumbs": thumbs}
