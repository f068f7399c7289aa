"""Multipart forms with one file, built by hand so that the file may be streamed between two ends.

pCloud wants all fields before the file and takes the file's name from the part itself. Must not do
I/O.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from msgspec import Struct


class Form(Struct, frozen=True):
    """What stands before and after the file's bytes, and the header that names the boundary."""

    content_type: str
    head: bytes
    tail: bytes


def file_form(fields: Mapping[str, str | int], filename: str) -> Form:
    """A form with `fields` and one file called `filename`.

    The name goes as raw UTF-8 with backslashes before quotes and backslashes, as Go's library
    (and so rclone) writes it; line ends cannot occur in a name that pCloud takes.
    """
    boundary = secrets.token_hex(16)
    lines: list[str] = []
    for name, value in fields.items():
        lines += (
            f"--{boundary}",
            f'Content-Disposition: form-data; name="{name}"',
            "",
            str(value),
        )
    quoted = filename.replace("\\", "\\\\").replace('"', '\\"')
    quoted = quoted.replace("\r", "%0D").replace("\n", "%0A")
    lines += (
        f"--{boundary}",
        f'Content-Disposition: form-data; name="content"; filename="{quoted}"',
        "Content-Type: application/octet-stream",
        "",
        "",
    )
    return Form(
        content_type=f"multipart/form-data; boundary={boundary}",
        head="\r\n".join(lines).encode(),
        tail=f"\r\n--{boundary}--\r\n".encode(),
    )
