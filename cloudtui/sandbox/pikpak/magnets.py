"""What a magnet or ed2k address stands for in the sandbox: the same files for the same address.

There is no swarm here. A plan is derived from the address, or set through the `magnets` switch.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import random
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from cloudtui.sandbox.blobs import Blob, Blobs
from cloudtui.sandbox.pikpak.errors import refusal

KIB = 1024
# Larger contents are left sparse: nobody wants a test to write a gigabyte of noise.
NOISE_LIMIT = 64 * KIB * KIB


@dataclass(frozen=True, slots=True)
class Plan:
    """What a task will produce: `files` holds relative paths and sizes."""

    name: str
    key: str
    files: tuple[tuple[str, int], ...]
    single: bool
    state: str = "ok"
    known: bool = True

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(size for _, size in self.files)


def plan_of(url: str, configured: object) -> Plan:
    """The plan of a magnet or ed2k address.

    Raises:
        Refusal: `task_url_resolve_error` for an address without a usable hash.
    """
    if url.lower().startswith("ed2k:"):
        return _ed2k(url)
    query = parse_qs(urlsplit(url).query)
    key = _info_hash(next((xt for xt in query.get("xt", ()) if "btih:" in xt.lower()), ""))
    title = query.get("dn", [""])[0].replace("/", "_")
    known = configured.get(key) if isinstance(configured, dict) else None
    if isinstance(known, dict):
        files = known.get("files") or {}
        pairs = tuple((str(path), int(size)) for path, size in files.items())
        single = len(pairs) == 1 and "/" not in pairs[0][0]
        name = str(known.get("name") or title or key)
        return Plan(name, key, pairs, single, str(known.get("state") or "ok"))
    if not title:
        return Plan(key, key, _derived(key, key), single=False, known=False)
    if "." in title.strip("."):
        return Plan(title, key, ((title, _size(key, 1024)),), single=True)
    return Plan(title, key, _derived(title, key), single=False)


def content(blobs: Blobs, key: str, path: str, size: int) -> Blob:
    """The bytes of one planned file, the same every time."""
    if size <= NOISE_LIMIT:
        return blobs.put_bytes(random.Random(f"{key}/{path}").randbytes(size))
    target = blobs.new_path()
    with target.open("wb") as file:
        file.write(random.Random(f"{key}/{path}").randbytes(KIB * KIB))
        file.truncate(size)
    return Blob(target, size)


def _derived(name: str, key: str) -> tuple[tuple[str, int], ...]:
    return (
        (f"{name}.mp4", _size(key, 2048)),
        ("readme.txt", 1 + _size(key, 2)),
        ("extras/cover.png", _size(key, 64)),
    )


def _size(key: str, kib: int) -> int:
    """Between half and all of `kib` KiB, odd so that nothing divides it by accident."""
    part = int(hashlib.sha256(f"{key}{kib}".encode()).hexdigest()[:6], 16) / 0xFFFFFF
    return int(kib * KIB * (0.5 + part / 2)) | 1


def _info_hash(xt: str) -> str:
    value = xt.rpartition(":")[2].lower()
    if len(value) == 40 and all(letter in "0123456789abcdef" for letter in value):
        return value
    if len(value) == 32:
        try:
            return base64.b32decode(value.upper()).hex()
        except binascii.Error:
            pass  # not base 32 either: refused below like any other text
    raise refusal("task_url_resolve_error")


def _ed2k(url: str) -> Plan:
    parts = unquote(url).split("|")
    if len(parts) < 5 or parts[1] != "file" or not parts[3].isdigit():
        raise refusal("task_url_resolve_error")
    name = parts[2].replace("/", "_")
    return Plan(name, parts[4].lower(), ((name, int(parts[3])),), single=True)
