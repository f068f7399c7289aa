"""Reading of multipart/form-data, for the old form uploads."""

from __future__ import annotations

import re

BOUNDARY = re.compile(r'boundary="?([^";]+)"?')
NAME = re.compile(rb'name="([^"]*)"')


def file_of_form(body: bytes, content_type: str) -> tuple[dict[str, str], bytes | None]:
    """The text fields of a form and the content of its part called `file`, None without one."""
    found = BOUNDARY.search(content_type)
    if found is None:
        return {}, None
    mark = b"\r\n--" + found[1].encode("latin-1")
    fields: dict[str, str] = {}
    content: bytes | None = None
    for part in (b"\r\n" + body).split(mark)[1:]:
        head, gap, rest = part.partition(b"\r\n\r\n")
        name = NAME.search(head)
        if not gap or name is None:
            continue
        if name[1] == b"file":
            content = rest
        else:
            fields[name[1].decode("utf-8", "replace")] = rest.decode("utf-8", "replace")
    return fields, content
