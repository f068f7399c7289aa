"""Answers with a file's bytes, whole or in part; both clouds' content listeners use it.

Owns the Range rules. Knows nothing of links, tokens or expiry.
"""

from __future__ import annotations

from email.utils import formatdate

from cloudtui.sandbox.blobs import Blob
from cloudtui.sandbox.faults import FaultKind
from cloudtui.sandbox.http import FileBody, Request, Response


def parse_range(value: str, size: int) -> tuple[int, int] | None:
    """First and last+1 byte of a `Range: bytes=` header with one range; None when it asks for
    several or makes no sense as a header (such a header is ignored).

    Raises:
        ValueError: no byte of the range exists; the answer is 416.
    """
    unit, _, spec = value.partition("=")
    first, dash, last = spec.strip().partition("-")
    if unit.strip().lower() != "bytes" or not dash or "," in spec:
        return None
    if not first:
        if not last.isdigit():
            return None
        count = int(last)
        if count == 0 or size == 0:
            raise ValueError("no byte in range")
        return max(size - count, 0), size
    if not first.isdigit() or (last and not last.isdigit()):
        return None
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return None
    if start >= size:
        raise ValueError("no byte in range")
    return start, end


def serve_blob(
    request: Request,
    blob: Blob,
    *,
    content_type: str = "application/octet-stream",
    etag: str = "",
    modified: float | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Response:
    """200, 206 or 416 for a GET or HEAD of these bytes. The `ignore_range` fault makes it always
    200.
    """
    fields = [("Content-Type", content_type), ("Accept-Ranges", "bytes"), *headers]
    if etag:
        fields.append(("ETag", f'"{etag}"'))
    if modified is not None:
        fields.append(("Last-Modified", formatdate(modified, usegmt=True)))
    asked = request.headers.get("range")
    condition = request.headers.get("if-range")
    if condition is not None and condition != f'"{etag}"':
        asked = None
    if asked is None or request.fault(FaultKind.IGNORE_RANGE) is not None:
        return Response(200, FileBody(blob.path, 0, blob.size), fields)
    try:
        span = parse_range(asked, blob.size)
    except ValueError:
        return Response(416, b"", [*fields, ("Content-Range", f"bytes */{blob.size}")])
    if span is None:
        return Response(200, FileBody(blob.path, 0, blob.size), fields)
    start, end = span
    fields.append(("Content-Range", f"bytes {start}-{end - 1}/{blob.size}"))
    return Response(206, FileBody(blob.path, start, end - start), fields)
