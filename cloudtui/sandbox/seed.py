"""What a fresh account holds: deterministic folders and files for demos and tests.

Owns names, times and contents. Knows no cloud: each cloud plants the entries in its own tree.

A spec is `library`, `wide=N`, `deep=N`, `hostile-names`, `trash` or `empty`, optionally with
`pikpak:` or `pcloud:` before it for one cloud only.
"""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from cloudtui.sandbox.blobs import Blob, Blobs

# 2026-01-05 08:00:00 UTC; every planted time is counted from here.
EPOCH = 1_767_600_000
HOUR = 3600
CLOUDS = ("pikpak", "pcloud")
ZIP_PASSWORD = "harbour"

WORDS = (
    *("anchor", "bridge", "candle", "drift", "ember", "ferry", "gable", "harbour", "island"),
    *("jetty", "kettle", "lantern", "mast", "north", "oar", "pier", "quay", "rope", "sail"),
    *("tide", "umbra", "vessel", "wharf", "yard"),
)

HOSTILE = (
    "plain.txt",
    "with space.txt",
    " leading and trailing ",
    "trail.",
    "..dots",
    ".hidden",
    "~tilde",
    "CON",
    "aux.txt",
    "colon:name",
    'star*q? "quoted" pipe|lt<gt>',
    "it's",
    "-rf",
    "--help",
    "percent%41%2F",
    "hash#amp&plus+eq=",
    "a [/b]",
    "[bold red]markup[/]",
    "esc\x1b[31mred\x1b[0m",
    "osc\x1b]0;title\x07",
    "bell\x07",
    "tab\there",
    "new\nline",
    "return\rover",
    "c1\x9b31m",
    "del\x7f",
    "rtl\u202egnp.exe",
    "zero\u200bwidth",
    "line\u2028separator",
    "nfd e\u0301",
    "nfc \u00e9",
    "\u6f22\u5b57\u306e\u540d\u524d.txt",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "emoji \U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467.png",
    "Case.txt",
    "case.TXT",
    "x" * 250 + ".txt",
    "\u00fc" * 300,
    "$(touch pwned)",
    "`id`",
    "; rm -rf x",
    "${HOME}",
)


@dataclass(frozen=True, slots=True)
class SeedEntry:
    """One thing to plant. `blob` is None for a folder; parents always come before children.

    `trashed` entries are planted and then deleted, so that they carry an origin.
    """

    path: tuple[str, ...]
    blob: Blob | None
    modified: int
    trashed: bool = False


@dataclass(frozen=True, slots=True)
class Seed:
    """A parsed spec: which clouds, which kind, how many."""

    clouds: tuple[str, ...]
    kind: str
    count: int = 0

    @property
    def spec(self) -> str:
        """The spec without its cloud."""
        return f"{self.kind}={self.count}" if self.count else self.kind


def parse(spec: str) -> Seed:
    """Raises ValueError for a spec that names nothing known."""
    clouds: tuple[str, ...] = CLOUDS
    before, colon, rest = spec.partition(":")
    if colon and before in CLOUDS:
        clouds, spec = (before,), rest
    kind, equals, number = spec.partition("=")
    if kind in ("wide", "deep"):
        if not equals or not number.isdigit() or int(number) < 1:
            raise ValueError(f"seed {kind!r} needs a number, as in {kind}=100")
        return Seed(clouds, kind, int(number))
    if kind in ("library", "hostile-names", "trash", "empty") and not equals:
        return Seed(clouds, kind)
    raise ValueError(f"unknown seed {spec!r}")


def entries(spec: str, blobs: Blobs) -> Iterator[SeedEntry]:
    """The entries of one spec (with or without its cloud), parents first."""
    seed = parse(spec)
    match seed.kind:
        case "library":
            yield from library(blobs)
        case "wide":
            yield from wide(blobs, seed.count)
        case "deep":
            yield from deep(blobs, seed.count)
        case "hostile-names":
            yield from hostile(blobs)
        case "trash":
            yield from trash(blobs)
        case _:
            return


def library(blobs: Blobs) -> Iterator[SeedEntry]:
    """Documents, Pictures, Music, Films and Archives: about 40 files, 20 MiB."""
    yield from blobs.remembered("library", lambda: list(_library(blobs)))


def wide(blobs: Blobs, count: int) -> Iterator[SeedEntry]:
    """One folder `wide-N` with N entries, one in fifty a folder; all files share one small blob."""
    blob = blobs.remembered("wide", lambda: blobs.put_bytes(b"wide\n" * 200))
    root = f"wide-{count}"
    yield SeedEntry((root,), None, EPOCH)
    for number in range(count):
        if number % 50 == 49:
            yield SeedEntry((root, f"folder {number:06d}"), None, EPOCH + number)
        else:
            yield SeedEntry((root, f"file {number:06d}.txt"), blob, EPOCH + number)


def deep(blobs: Blobs, count: int) -> Iterator[SeedEntry]:
    """A chain of N folders below `deep-N`, a small file on each level."""
    blob = blobs.remembered("deep", lambda: blobs.put_bytes(b"level\n"))
    path: tuple[str, ...] = (f"deep-{count}",)
    yield SeedEntry(path, None, EPOCH)
    for level in range(1, count + 1):
        yield SeedEntry((*path, f"at level {level}.txt"), blob, EPOCH + level)
        path = (*path, f"level {level}")
        yield SeedEntry(path, None, EPOCH + level)


def hostile(blobs: Blobs) -> Iterator[SeedEntry]:
    """A folder of names that break terminals, shells, file systems and markup."""
    blob = blobs.remembered("hostile", lambda: blobs.put_bytes(b"harmless\n"))
    yield SeedEntry(("hostile-names",), None, EPOCH)
    for number, name in enumerate(HOSTILE):
        yield SeedEntry(("hostile-names", name), blob, EPOCH + number)
    yield SeedEntry(("hostile-names", "folder [/b] \x1b[7m"), None, EPOCH)
    yield SeedEntry(("hostile-names", "folder [/b] \x1b[7m", "inside.txt"), blob, EPOCH)


def trash(blobs: Blobs) -> Iterator[SeedEntry]:
    """A folder whose parts lie in the trash: two files and a folder with a file."""
    blob = blobs.remembered("trash", lambda: blobs.put_bytes(text_of("drafts", 40)))
    yield SeedEntry(("Drafts",), None, EPOCH)
    yield SeedEntry(("Drafts", "kept.txt"), blob, EPOCH + HOUR)
    yield SeedEntry(("Drafts", "old letter.txt"), blob, EPOCH + 2 * HOUR, trashed=True)
    yield SeedEntry(("thrown away.txt",), blob, EPOCH + 3 * HOUR, trashed=True)
    yield SeedEntry(("Drafts", "chapter one"), None, EPOCH + 4 * HOUR, trashed=True)
    yield SeedEntry(("Drafts", "chapter one", "notes.txt"), blob, EPOCH + 5 * HOUR)


def _library(blobs: Blobs) -> Iterator[SeedEntry]:
    planted: list[tuple[tuple[str, ...], bytes | None]] = []

    def folder(*path: str) -> None:
        planted.append((path, None))

    def file(content: bytes, *path: str) -> None:
        planted.append((path, content))

    folder("Documents")
    file(text_of("welcome", 12), "Documents", "Welcome.txt")
    for name in ("Budget 2026.csv", "Letter to the harbour.txt", "Meeting notes.md"):
        file(text_of(name, 60), "Documents", name)
    folder("Documents", "Reports")
    for quarter in range(1, 5):
        file(text_of(f"report {quarter}", 400), "Documents", "Reports", f"Report Q{quarter}.txt")
    folder("Documents", "Reports", "Drafts")
    file(b"", "Documents", "Reports", "Drafts", "empty.txt")
    folder("Pictures")
    for number in range(1, 9):
        file(
            picture(number, 96 + 16 * number, 64 + 12 * number), "Pictures", f"IMG_{number:04d}.png"
        )
    folder("Pictures", "Summer \u590f 2025")
    for number, name in enumerate(("beach", "caf\u00e9", "\u6d77\u8fba", "sunset \U0001f305")):
        file(picture(20 + number, 160, 120), "Pictures", "Summer \u590f 2025", f"{name}.png")
    folder("Music")
    folder("Music", "First Takes")
    for number in range(1, 6):
        file(tone(number), "Music", "First Takes", f"{number:02d} Take {number}.wav")
    folder("Films")
    for number, (name, size) in enumerate(
        (("Harbour at dawn", 6), ("The long ferry", 4), ("Credits", 1))
    ):
        file(film(number, size * 1024 * 1024), "Films", f"{name}.mp4")
    folder("Archives")
    file(archive(), "Archives", "project.zip")
    file(archive(ZIP_PASSWORD), "Archives", "locked.zip")
    for number, (path, content) in enumerate(planted):
        blob = None if content is None else blobs.put_bytes(content)
        yield SeedEntry(path, blob, EPOCH + number * HOUR)


def text_of(topic: str, lines: int) -> bytes:
    """Readable filler, the same for the same topic."""
    dice = random.Random(topic)
    rows = [f"{topic}", ""]
    rows += [" ".join(dice.choice(WORDS) for _ in range(12)) for _ in range(lines)]
    return ("\n".join(rows) + "\n").encode()


def picture(number: int, width: int, height: int) -> bytes:
    """A small true-colour PNG with a gradient."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows += bytes(
                ((x * 255 // width + 31 * number) & 255, y * 255 // height, (97 * number) & 255)
            )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(rows), 6))
        + chunk(b"IEND", b"")
    )


def tone(number: int) -> bytes:
    """A WAV file of noise, 8-bit mono, about 300 KiB."""
    samples = random.Random(f"tone {number}").randbytes(300 * 1024 + number)
    samples += b"\x80" * (len(samples) % 2)
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(samples),
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        8000,
        8000,
        1,
        8,
        b"data",
        len(samples),
    )
    return head + samples


def film(number: int, size: int) -> bytes:
    """MP4 boxes around incompressible bytes: a video to anything that reads only the start."""
    brand = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"isom", 512, b"isom", b"mp42")
    data = random.Random(f"film {number}").randbytes(size - len(brand) - 8)
    return brand + struct.pack(">I4s", len(data) + 8, b"mdat") + data


def archive(password: str = "") -> bytes:
    """A zip with a folder, a text and a picture; with a password, encrypted the traditional way."""
    members = {
        "project/readme.txt": text_of("project", 30),
        "project/data/numbers.csv": b"".join(b"%d,%d\n" % (n, n * n) for n in range(500)),
        "project/picture.png": picture(40, 80, 60),
    }
    if password:
        return _locked_zip(members, password.encode())
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(zipfile.ZipInfo(name, (2026, 1, 5, 8, 0, 0)), content)
    return target.getvalue()


class _ZipCipher:
    """PKWARE's traditional stream cipher; the standard library can read it but not write it."""

    def __init__(self, password: bytes) -> None:
        self._keys = [0x12345678, 0x23456789, 0x34567890]
        for byte in password:
            self._update(byte)

    def _update(self, byte: int) -> None:
        keys = self._keys
        keys[0] = _crc(keys[0], byte)
        keys[1] = ((keys[1] + (keys[0] & 255)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = _crc(keys[2], keys[1] >> 24)

    def encrypt(self, data: bytes) -> bytes:
        result = bytearray()
        for byte in data:
            mix = (self._keys[2] | 2) & 0xFFFF
            result.append(byte ^ (((mix * (mix ^ 1)) >> 8) & 255))
            self._update(byte)
        return bytes(result)


def _crc(value: int, byte: int) -> int:
    return _CRC_TABLE[(value ^ byte) & 255] ^ (value >> 8)


def _crc_row(index: int) -> int:
    for _ in range(8):
        index = (index >> 1) ^ (0xEDB88320 if index & 1 else 0)
    return index


_CRC_TABLE = tuple(_crc_row(index) for index in range(256))


def _locked_zip(members: dict[str, bytes], password: bytes) -> bytes:
    """A stored, encrypted zip built by hand: local headers, data, central directory."""
    body = bytearray()
    directory = bytearray()
    moment = (8 << 11, ((2026 - 1980) << 9) | (1 << 5) | 5)
    for name, content in members.items():
        crc = zlib.crc32(content)
        # The twelfth byte lets a reader notice a wrong password: the top byte of the checksum.
        salt = random.Random(name).randbytes(11) + bytes([crc >> 24])
        data = _ZipCipher(password).encrypt(salt + content)
        encoded = name.encode()
        offset = len(body)
        fields = (20, 1, 0, *moment, crc, len(data), len(content), len(encoded), 0)
        body += struct.pack("<4s5H3I2H", b"PK\x03\x04", *fields) + encoded + data
        directory += struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, *fields, 0, 0, 0, 0, offset)
        directory += encoded
    count = len(members)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body) + bytes(directory) + end
