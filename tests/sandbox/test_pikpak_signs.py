"""Signs, block hashes and sample hashes against published values."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudtui.sandbox.pikpak.hashes import block_size, cid, gcid
from cloudtui.sandbox.pikpak.identities import IDENTITIES, captcha_sign, signer

DEVICE = "0123456789abcdef0123456789abcdef"
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("name", "device", "timestamp", "sign"),
    [
        ("web", DEVICE, "1700000000000", "1.81abef7a2a707b5e3bcb06b976d800c3"),
        ("android-153", DEVICE, "1700000000000", "1.aa511a2a9d7fc2f10c3f0e694b44a288"),
        ("android-147", DEVICE, "1700000000000", "1.315f371b61bf65a8d808a3e238bfb555"),
        ("android-121", DEVICE, "1700000000000", "1.b2ffc08c2c9ca50ed3a575b0bca30796"),
        ("pc", DEVICE, "1700000000000", "1.c37b7ca100c521a39e84607794debba2"),
        (
            "web",
            "d225d2b6639345f1b108dd938743696a",
            "1795306451025",
            "1.3e9f4094597095396a2a70919717d1bc",
        ),
        (
            "android-147",
            "0751090d89813451ec0c18402381dfe6",
            "1795306653258",
            "1.2c09efb4c680237a57457d2dfbc771dd",
        ),
    ],
)
def test_captcha_sign_of_each_identity(name: str, device: str, timestamp: str, sign: str) -> None:
    identity = next(item for item in IDENTITIES if item.name == name)
    assert captcha_sign(identity, device, timestamp) == sign
    found = signer(identity.client_id, identity.version, identity.package, device, timestamp, sign)
    assert found is identity


def test_a_sign_of_another_identity_is_not_recognised() -> None:
    web, android = IDENTITIES[0], IDENTITIES[1]
    sign = captcha_sign(web, DEVICE, "1")
    assert signer(android.client_id, android.version, android.package, DEVICE, "1", sign) is None


def zero(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def pattern(path: Path, size: int) -> Path:
    unit = bytes(range(251)) * 4096
    with path.open("wb") as file:
        left = size
        while left > 0:
            left -= file.write(unit[: min(left, len(unit))])
    return path


@pytest.mark.parametrize(
    ("size", "of_zero", "of_pattern"),
    [
        (
            0,
            "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
            "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
        ),
        (
            1000,
            "B8117EAE62571948C13B7A2709FB7FA41E1D1462",
            "D138DC3DDB4CB82BBE04457119AB134D2B376092",
        ),
        (
            262143,
            "0D0DCC599B267FD8C59BFF2B9F1DA25B8C68D29E",
            "F3A2799D7AFDD7AF1C4C2851D1B329C5997BF8FA",
        ),
        (
            262145,
            "D00CAFA958F037C1093D8F45C7675CAF6EACACC1",
            "B49C2F0058570F636C866EA282DD5CC9463416E8",
        ),
        (
            1000000,
            "670A2DD6F315E0C78977B22373BFAD794B071445",
            "37E7E2D62F86EA0BE29A12DC14932FD86F3F0C71",
        ),
        (
            128 * MIB,
            "239FE6CB403FF3498686FC3172EF958499B161F2",
            "9B84D1F47CD29D705A00D68ADF0F91930B35E33D",
        ),
        (
            128 * MIB + 1,
            "07A062B60C0BCCDEBA1F220FD6D1B28326AFF01B",
            "6F88A56B3716096BD032A0A8D04604687205EBDE",
        ),
    ],
)
def test_gcid_of_zeros_and_of_a_pattern(
    tmp_path: Path, size: int, of_zero: str, of_pattern: str
) -> None:
    assert gcid(zero(tmp_path / "z", size), size) == of_zero
    assert gcid(pattern(tmp_path / "p", size), size) == of_pattern


@pytest.mark.parametrize(
    ("size", "of_zero"),
    [
        (256 * MIB, "C72B8E76397AEBF6DB043FE5E72F2E77E4890A08"),
        (256 * MIB + 1, "BF90FC6E1B6AB6B85D73B0A7E0ADB4593CDBFDDE"),
        (512 * MIB, "78D861590C06C6A32849A7B4212EC0FF00F0A8C0"),
        (512 * MIB + 1, "52F22B76949074BB049C1EA0A105EA13BA85BF43"),
    ],
)
def test_gcid_at_the_edges_of_the_block_sizes(tmp_path: Path, size: int, of_zero: str) -> None:
    assert gcid(zero(tmp_path / "z", size), size) == of_zero


def test_block_sizes() -> None:
    edges = (1, 128 * MIB, 128 * MIB + 1, 256 * MIB + 1, 512 * MIB + 1, 100 * 1024 * MIB)
    assert [block_size(size) // 1024 for size in edges] == [256, 256, 512, 1024, 2048, 2048]


@pytest.mark.parametrize(
    ("size", "of_zero", "of_pattern"),
    [
        (
            1000,
            "C577F7A37657053275F3E3ECC06EC22E6B909366",
            "C9C960A0B925474FAB83942CC27D504FC24AC37B",
        ),
        (
            61440,
            "D2258CFECEFDE0E3AD67DD5B9883A2BBC60890E8",
            "A97217016EE754926A348EABBE522346E6992150",
        ),
        (
            61441,
            "D2258CFECEFDE0E3AD67DD5B9883A2BBC60890E8",
            "01C826DCA4B556F1AD09AE847423360941DD287F",
        ),
        (
            1000000,
            "D2258CFECEFDE0E3AD67DD5B9883A2BBC60890E8",
            "D1301499E850891B8B28CC08D866FC5FEC6B5693",
        ),
    ],
)
def test_cid(tmp_path: Path, size: int, of_zero: str, of_pattern: str) -> None:
    assert cid(zero(tmp_path / "z", size), size) == of_zero
    assert cid(pattern(tmp_path / "p", size), size) == of_pattern
