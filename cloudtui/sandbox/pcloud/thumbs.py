"""Methods that give thumbnails. The picture is made up from the file's id: only its size is
true.
"""

from __future__ import annotations

import re

from cloudtui.sandbox.http import Response
from cloudtui.sandbox.pcloud.call import Call, method
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.links import make_link
from cloudtui.sandbox.pcloud.metadata import kind_of
from cloudtui.sandbox.pcloud.nodes import File
from cloudtui.sandbox.seed import picture

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


def _thumb(file: File, size: tuple[int, int]) -> bytes:
    """Refusal 1014 for what is neither picture nor film."""
    if kind_of(file.name)[1][1] not in (1, 2):
        raise Refusal(1014)
    # At most 256 wide: painting a large gradient in Python takes seconds.
    scale = max(size[0] / 256, 1)
    return picture(file.id % 97, int(size[0] / scale), max(int(size[1] / scale), 1))


@method("getthumb", locked=False)
def getthumb(call: Call) -> Response:
    """The picture itself."""
    with call.estate.world.lock:
        file = call.file()
    return Response(200, _thumb(file, _size(call)), [("Content-Type", "image/png")])


def _linked(call: Call, file: File) -> dict[str, object]:
    size = _size(call)
    body = _thumb(file, size)
    link = make_link(call, call.account, file, file.content, body=body, content_type="image/png")
    return {**link, "size": f"{size[0]}x{size[1]}"}


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
