"""A tiny stand-in for the engine: carries out what a storage describes, one part after the other,
with the standard library's own client."""

from __future__ import annotations

import http.client
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from cloudtui.services.fetches import FetchWrite
from cloudtui.services.hashes import hasher
from cloudtui.services.models import Entry, Found, HashType, Location
from cloudtui.services.storage import (
    DiskWrite,
    LocalFile,
    PartReply,
    PartRequest,
    Receipt,
    RemoteWrite,
    SourceFacts,
    Storage,
    WriteHandle,
)

JOB = "0a1b2c3d4e5f"
MTIME = 1_700_000_000_000_000_000


def digest(data: bytes, kind: HashType) -> str:
    """The digest of some bytes as facts carry it."""
    made = hasher(kind, len(data))
    made.update(data)
    return made.hexdigest()


def facts_of(data: bytes, kinds: Iterable[HashType | None] = ()) -> SourceFacts:
    """What is known of some bytes."""
    hashes = {kind: digest(data, kind) for kind in kinds if kind is not None}
    return SourceFacts(len(data), MTIME, hashes)


def on_disk(handle: WriteHandle | FetchWrite) -> DiskWrite | None:
    """The handle when it writes to this disk."""
    return cast("DiskWrite", handle) if hasattr(handle, "fd") else None


def remote(handle: WriteHandle | FetchWrite) -> RemoteWrite:
    """The handle of a write to a service."""
    assert on_disk(handle) is None
    return cast("RemoteWrite", handle)


async def begin(
    storage: Storage, parent: Location, name: str, data: bytes, replace: Found | None = None
) -> WriteHandle:
    """Open a file for writing, with the digest that the place wants beforehand."""
    facts = facts_of(data, [storage.caps.upload_hash])
    return await storage.open_write(parent, name, facts, replace=replace, job=JOB)


async def send_parts(
    handle: WriteHandle, data: bytes, *, held: Sequence[Receipt] = (), most: int | None = None
) -> list[Receipt]:
    """Send what is not `held` yet, at most `most` parts; every receipt, in order."""
    receipts = list(held)
    disk = on_disk(handle)
    if disk is not None:
        os.pwrite(disk.fd(), data, 0)
        disk.sync()
        return receipts
    service = remote(handle)
    if service.instant:
        return receipts
    known = {receipt.number for receipt in held}
    step = service.part_size or max(1, len(data))
    sent = 0
    for number, offset in enumerate(range(0, max(1, len(data)), step)):
        if number in known or (most is not None and sent >= most):
            continue
        length = min(step, len(data) - offset)
        request = await service.part_request(number, offset, length)
        receipts.append(service.receipt(request, number, exchange(request, data)))
        sent += 1
    return sorted(receipts, key=lambda receipt: receipt.number)


async def finish(
    storage: Storage, handle: WriteHandle | FetchWrite, receipts: Sequence[Receipt], data: bytes
) -> Entry:
    """Commit."""
    disk = on_disk(handle)
    if disk is not None:
        return disk.finish(facts_of(data))
    facts = facts_of(data, {storage.caps.upload_hash, remote(handle).verify_hash})
    return await remote(handle).finish(receipts, facts)


async def write(
    storage: Storage, parent: Location, name: str, data: bytes, replace: Found | None = None
) -> Found:
    """A whole file."""
    handle = await begin(storage, parent, name, data, replace)
    receipts = await send_parts(handle, data)
    return Found.of(parent, await finish(storage, handle, receipts, data))


async def abort(handle: WriteHandle) -> None:
    """Give a write up."""
    disk = on_disk(handle)
    if disk is not None:
        disk.abort()
    else:
        await remote(handle).abort()


async def read(storage: Storage, item: Found, start: int = 0, count: int | None = None) -> bytes:
    """The bytes of a file, or a range of them."""
    source = await storage.open_read(item)
    if isinstance(source, LocalFile):
        data = content_of(source)
        return data[start:] if count is None else data[start : start + count]
    if source.size == 0:
        return b""
    headers = dict(source.headers)
    if count is not None:
        headers["Range"] = f"bytes={start}-{start + count - 1}"
    status, body = get(source.urls[0], headers)
    assert status == (200 if count is None else 206)
    return body


def content_of(file: LocalFile) -> bytes:
    """The bytes of a file on this disk."""
    return Path(os.fsdecode(file.path)).read_bytes()


def get(url: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body of a plain GET."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=100)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}", headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def exchange(request: PartRequest, data: bytes) -> PartReply:
    """Send one part exactly as it is described."""
    parts = urlsplit(request.url)
    body = request.head + data[request.offset : request.offset + request.length] + request.tail
    connection = http.client.HTTPConnection(parts.netloc, timeout=100)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(request.method, target, body, dict(request.headers))
        response = connection.getresponse()
        headers = {key.lower(): value for key, value in response.getheaders()}
        return PartReply(response.status, headers, response.read())
    finally:
        connection.close()
