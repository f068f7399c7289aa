"""Decoding foreign pictures: what is drawn, and what is only told about."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image

from cloudtui.services.addresses import local_location
from cloudtui.services.decoding import decoded
from cloudtui.services.errors import NotFound, Refused
from cloudtui.services.local.storage import LocalStorage
from cloudtui.services.media import LARGEST_FILE, has_thumbnail, is_picture, is_played
from cloudtui.services.models import Entry, Kind
from cloudtui.services.network import Network
from cloudtui.services.pictures import picture_bytes
from cloudtui.services.retry import Retries

GROUND = (1, 2, 3)
BOX = (48, 40)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_the_four_formats_are_made_to_fit(kind: str) -> None:
    shown = decoded(encoded(Image.new("RGB", (400, 200), (250, 10, 20)), kind), BOX, GROUND)
    assert (shown.format, shown.original) == (kind, (400, 200))
    assert (shown.width, shown.height) == (48, 24)
    assert len(shown.pixels) == 48 * 24 * 3
    red, green, blue = shown.pixels[:3]
    assert red > 240
    assert green < 20
    assert blue < 30


def test_small_pictures_are_not_made_larger() -> None:
    shown = decoded(encoded(Image.new("L", (7, 3), 9), "PNG"), BOX, GROUND)
    assert (shown.width, shown.height, shown.pixels[:3]) == (7, 3, b"\x09\x09\x09")


def test_what_is_transparent_shows_the_ground() -> None:
    clear = Image.new("RGBA", (4, 4), (200, 0, 0, 0))
    for kind in ("PNG", "WEBP"):
        assert decoded(encoded(clear, kind), BOX, GROUND).pixels == bytes(GROUND) * 16
    half = Image.new("RGBA", (4, 4), (201, 0, 0, 128))
    assert decoded(encoded(half, "PNG"), BOX, (1, 0, 0)).pixels[0] == pytest.approx(101, abs=2)
    palette = Image.new("P", (4, 4))
    assert decoded(encoded(palette, "GIF", transparency=0), BOX, GROUND).pixels[:3] == bytes(GROUND)


def test_the_first_frame_of_several_is_shown() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("#ff0000", "#00ff00")]
    moving = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decoded(moving, BOX, GROUND).pixels[:3] == b"\xff\x00\x00"


def test_a_picture_that_lies_on_its_side_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    shown = decoded(encoded(Image.new("RGB", (40, 20)), "JPEG", exif=exif), BOX, GROUND)
    assert (shown.width, shown.height, shown.original) == (20, 40, (20, 40))


def test_a_picture_of_too_many_pixels_is_not_unpacked() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        sums = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + sums

    for size in ((20_000, 20_000), (2, 2_000_000_000)):
        head = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0))
        body = chunk(b"IDAT", zlib.compress(bytes(1_000_000)))
        bomb = b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")
        with pytest.raises(Refused, match="too large"):
            decoded(bomb, BOX, GROUND)


def test_a_large_jpeg_is_halved_while_it_is_unpacked() -> None:
    large = encoded(Image.new("RGB", (9000, 6000)), "JPEG")
    assert decoded(large, BOX, GROUND).original == (9000, 6000)


def test_whatever_is_wrong_is_one_sentence() -> None:
    dice = random.Random(5)
    whole = [
        encoded(Image.effect_noise((60, 40), 90), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF")
    ]
    broken = [b"", b"no picture", b"<svg/>", *(data[: len(data) // 3] for data in whole)]
    for data in whole:
        for _ in range(150):
            odd = bytearray(data)
            for _ in range(dice.randint(1, 12)):
                odd[dice.randrange(len(odd))] = dice.randrange(256)
            broken.append(bytes(odd))
    for data in broken:
        sentence, held = "", (0, 0)
        try:
            shown = decoded(data, BOX, GROUND)
            held = (len(shown.pixels), shown.width * shown.height * 3)
        except Refused as error:
            sentence = str(error)
        assert held[0] == held[1]
        assert bool(held[0]) != ("picture" in sentence)
        assert "\n" not in sentence


def test_formats_that_are_not_shown_are_not_looked_at() -> None:
    for kind in ("BMP", "TIFF", "PPM", "ICO"):
        with pytest.raises(Refused, match="cannot be drawn"):
            decoded(encoded(Image.new("RGB", (20, 20)), kind), BOX, GROUND)


def test_files_are_told_by_their_names() -> None:
    def file(name: str) -> Entry:
        return Entry(name, name, Kind.FILE, 1)

    assert all(is_picture(file(name)) for name in ("a.jpg", "B.JPEG", "c.webp", "d.PnG", "e.gif"))
    assert not is_picture(file("a.heic"))
    assert has_thumbnail(file("a.heic"))
    assert has_thumbnail(file("a.mkv"))
    assert is_played(file("a.mkv"))
    assert is_played(file("a.mp3"))
    assert not has_thumbnail(file("a.mp3"))
    for name in ("jpg", "a.txt", "a.jpg.txt", "a."):
        assert not has_thumbnail(file(name))
    assert not has_thumbnail(Entry("a.jpg", "1", Kind.FOLDER))


async def test_a_picture_of_this_disk_is_its_own_bytes_while_it_is_small(tmp_path: Path) -> None:
    data = encoded(Image.new("RGB", (30, 20)), "PNG")
    (tmp_path / "a.png").write_bytes(data)
    (tmp_path / "a.txt").write_bytes(data)
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    disk = LocalStorage({"HOME": str(tmp_path)})
    network, retries = Network(environ={}), Retries(attempts=1)

    async def looked_at(name: str) -> bytes:
        found = await disk.stat(local_location(str(tmp_path / name)))
        return await picture_bytes(disk, found, 256, network, retries)

    assert await looked_at("a.png") == data
    with pytest.raises(NotFound, match="no picture"):
        await looked_at("a.txt")
    with pytest.raises(Refused, match="16 MiB"):
        await looked_at("large.png")
    await disk.close()


def test_the_decoder_is_loaded_by_the_first_picture() -> None:
    code = (
        "import sys, cloudtui.services.pictures, cloudtui.services.decoding;"
        "import cloudtui.widgets.half_blocks;"
        "print([name for name in sys.modules if name.split('.')[0] == 'PIL'])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
