"""The signature against published examples, device identities, and what people paste."""

from __future__ import annotations

import pytest

from cloudtui.services.accounts import Account
from cloudtui.services.errors import UsageError
from cloudtui.services.pikpak.captcha import captcha_sign
from cloudtui.services.pikpak.identities import IDENTITIES, WEB, identity_of
from cloudtui.services.pikpak.profile import WEB_AGENT, device_sign, profile_of
from cloudtui.services.pikpak.signin import parse_captcha_paste

DEVICE = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("identity", "device", "stamp", "sign"),
    [
        ("web", DEVICE, "1700000000000", "1.81abef7a2a707b5e3bcb06b976d800c3"),
        ("android-153", DEVICE, "1700000000000", "1.aa511a2a9d7fc2f10c3f0e694b44a288"),
        ("android-147", DEVICE, "1700000000000", "1.315f371b61bf65a8d808a3e238bfb555"),
        ("android-121", DEVICE, "1700000000000", "1.b2ffc08c2c9ca50ed3a575b0bca30796"),
        ("pc", DEVICE, "1700000000000", "1.c37b7ca100c521a39e84607794debba2"),
        # one sent by rclone 1.75.2, one by pikpakapi 0.1.11
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
def test_sign_matches_examples(identity: str, device: str, stamp: str, sign: str) -> None:
    assert captcha_sign(IDENTITIES[identity], device, stamp) == sign


def test_device_sign_matches_the_example() -> None:
    assert device_sign(DEVICE, "com.pikcloud.pikpak") == (
        "div101.0123456789abcdef0123456789abcdef9f0d6867cca900f4647f686a1be1570b"
    )


def test_identities_are_found_by_name_and_id() -> None:
    assert identity_of("") is WEB
    assert identity_of("YNxT9w7GMdWvEOKa") is IDENTITIES["android-153"]
    assert identity_of("pc") is IDENTITIES["pc"]
    assert identity_of("nonsense") is None


def test_profile_defaults_are_the_web_client_on_pikpaks_hosts() -> None:
    profile = profile_of(Account("pk", "pikpak", {"username": "ana@example.com"}))
    assert profile.user_url == "https://user.mypikpak.com"
    assert profile.drive_url == "https://api-drive.mypikpak.com"
    assert profile.user_agent == WEB_AGENT
    assert profile.identity is WEB
    assert len(profile.device_id) == 32
    assert profile.use_trash
    assert profile.media_links
    again = profile_of(Account("pk", "pikpak", {"username": "ana@example.com"}))
    assert again.device_id == profile.device_id


def test_profile_takes_options() -> None:
    profile = profile_of(
        Account(
            "pk",
            "pikpak",
            {
                "identity": "android-153",
                "device_id": DEVICE,
                "root_folder_id": "root",
                "encoding": "raw",
                "chunk_size": 1 << 20,
            },
        )
    )
    assert profile.device_id == DEVICE
    assert profile.root_id == ""
    assert not profile.rules
    assert profile.chunk == 1 << 20
    assert "devicesign/div101." in profile.user_agent


def test_unknown_identity_is_told() -> None:
    with pytest.raises(UsageError, match="identity"):
        profile_of(Account("pk", "pikpak", {"client_id": "whatever"}))


@pytest.mark.parametrize(
    "text",
    [
        "ck0.abcdefghijklmnop",
        "  ck0.abcdefghijklmnop \n",
        "https://mypikpak.com/loading?state=getcaptcha1&captcha_token=ck0.abcdefghijklmnop",
        "xlaccsdk01://xbase.cloud/callback?captcha_token=ck0.abcdefghijklmnop&state=harbor",
        "https://x.example/#captcha_token=ck0.abcdefghijklmnop&a=b",
        '"captcha_token=ck0.abcdefghijklmnop"',
    ],
)
def test_pasted_answers_give_the_token(text: str) -> None:
    assert parse_captcha_paste(text).reveal() == "ck0.abcdefghijklmnop"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Nothing was pasted"),
        ("https://user.mypikpak.com/captcha/v2/spritePuzzle.html?a=b", "holds no"),
        ("https://mypikpak.com/loading?captcha_token=&state=1", "empty"),
        ("some words that are no token", "neither"),
        ("short", "neither"),
    ],
)
def test_a_bad_paste_says_what_is_missing(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_captcha_paste(text)
