"""Leniency of decoding, times, refusals and their one mapping."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cloudtui.services.errors import (
    BadReply,
    CloudError,
    Exists,
    Full,
    LoginNeeded,
    NotFound,
    Refused,
    Retry,
    ServerTrouble,
    TooMany,
    UsageError,
    WrongPassword,
)
from cloudtui.services.pikpak import wire
from cloudtui.services.pikpak.errors import error_for, fault_of
from cloudtui.services.pikpak.links import expiry_of, links_of


@pytest.mark.parametrize("size", ["1000", 1000, 1000.0])
def test_sizes_may_be_numbers_or_digits(size: object) -> None:
    body = json.dumps({"files": [{"id": "V", "name": "n", "size": size}]}).encode()
    page = wire.decode(wire.FileList, body)
    assert page.files is not None
    assert page.files[0].size == 1000


def test_nulls_empty_texts_lists_and_numbers_become_defaults() -> None:
    body = json.dumps(
        {
            "files": [
                {
                    "id": "V",
                    "name": 7,
                    "size": "",
                    "hash": None,
                    "links": [],
                    "medias": None,
                    "audit": None,
                    "trashed": None,
                    "unknown": {"deep": [1]},
                }
            ],
            "next_page_token": None,
        }
    ).encode()
    page = wire.decode(wire.FileList, body)
    assert page.files is not None
    row = page.files[0]
    assert (row.name, row.size, row.hash, row.links, row.trashed) == ("7", None, "", None, False)
    assert page.next_page_token == ""


@pytest.mark.parametrize(
    "odd",
    [
        {"vip_types": "platinum"},
        {"vip_types": [{"name": "platinum"}]},
        {"video": {"duration": "61.5"}},
        {"video": "none"},
        {"need_more_quota": "perhaps"},
        {"media_name": {"en": "480P"}},
    ],
)
def test_an_odd_word_about_a_form_does_not_close_the_file(odd: dict[str, object]) -> None:
    form = {"link": {"url": "https://a/b"}, "is_origin": True, **odd}
    row = wire.decode(wire.File, json.dumps({"id": "V", "size": "9", "medias": [form]}).encode())
    assert (row.id, row.size) == ("V", 9)
    assert row.medias is not None
    assert row.medias[0].link == wire.Link("https://a/b")


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        (rb"a\ud800b", "a\ufffdb"),
        (rb"\ud83d", "\ufffd"),
        (rb"\ud83d\ude00", "\U0001f600"),
        (b"\xff!", "\ufffd!"),
        (b"\xed\xa0\x80", "\ufffd" * 3),
    ],
)
def test_a_name_that_is_no_text_does_not_close_its_folder(stored: bytes, read: str) -> None:
    body = b'{"files": [{"id": "1", "name": "%s"}, {"id": "2", "size": "7"}]}' % stored
    assert fault_of(200, {}, body) is None
    page = wire.decode(wire.FileList, body)
    assert page.files is not None
    assert [row.name for row in page.files] == [read, ""]
    assert page.files[1].size == 7


@pytest.mark.parametrize("body", [b"<html>", b'{"files": [', b"[1]", b'"text"'])
def test_what_is_no_object_is_a_bad_reply(body: bytes) -> None:
    with pytest.raises(BadReply):
        wire.decode(wire.FileList, body)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-09-17T14:31:06.056+08:00", 1663396266_056000000),
        ("2023-01-01T00:00:00Z", 1672531200_000000000),
        ("2023-01-01T00:00:00.123456789Z", 1672531200_123456000),
        ("0001-01-01T00:00:00Z", None),
        ("2023-01-01T00:00:00", None),
        ("", None),
        ("soon", None),
    ],
)
def test_times(text: str, expected: int | None) -> None:
    assert wire.time_ns(text) == expected


def refusal(status: int, name: str, code: int, text: str = "words", **more: Any) -> CloudError:
    body = {"error": name, "error_code": code, "error_description": text, **more}
    fault = fault_of(status, {}, json.dumps(body).encode())
    assert fault is not None
    return error_for(fault)


@pytest.mark.parametrize(
    ("status", "name", "code", "kind"),
    [
        (400, "invalid_account_or_password", 4022, WrongPassword),
        (400, "captcha_invalid", 4002, LoginNeeded),
        (400, "captcha_required", 9, LoginNeeded),
        (401, "unauthenticated", 16, LoginNeeded),
        (400, "invalid_grant", 4126, LoginNeeded),
        (400, "operation_too_frequent", 10, TooMany),
        (404, "file_not_found", 5, NotFound),
        (400, "file_in_recycle_bin", 9, NotFound),
        (400, "file_duplicated_name", 3, Exists),
        (400, "file_rename_uncompleted", 9, ServerTrouble),
        (400, "file_move_or_copy_to_cur", 9, Refused),
        (400, "file_space_not_enough", 8, Full),
        (403, "task_daily_create_limit_vip", 11, Refused),
        (400, "operating_file_count_exceeded", 11, Refused),
        (400, "task_url_unsupported", 2, UsageError),
        (400, "something_new", 77, Refused),
        (200, "file_not_found", 5, NotFound),
    ],
)
def test_each_code_has_its_error(status: int, name: str, code: int, kind: type) -> None:
    assert type(refusal(status, name, code)) is kind


def test_code_nine_is_captcha_by_name_only() -> None:
    for name, wants in (
        ("captcha_invalid", True),
        ("captcha_required", True),
        ("riskLimited", True),
        ("file_in_recycle_bin", False),
        ("unzip_password_required", False),
        ("file_restore_own", False),
    ):
        fault = fault_of(400, {}, json.dumps({"error": name, "error_code": 9}).encode())
        assert fault is not None
        assert fault.wants_captcha is wants, name


def test_too_many_files_are_not_too_many_tasks() -> None:
    assert "more files" in refusal(403, "task_sub_task_num_limit", 11).text
    assert "tasks at once" in refusal(403, "task_run_nums_limit", 11).text


def test_too_frequent_sign_ins_stop_at_once() -> None:
    error = refusal(400, "captcha_invalid", 4002, "Aborted - Your operation is too frequent")
    assert isinstance(error, TooMany)
    assert error.retry is Retry.NEVER
    assert "official app" in error.hint


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "retry"),
    [
        (429, {"retry-after": "7"}, b"{}", TooMany, Retry.SOON),
        (503, {}, b"<html>", ServerTrouble, Retry.SOON),
        (500, {}, b"<html>", ServerTrouble, Retry.RECONCILE),
        (200, {}, b"<html>login</html>", BadReply, Retry.RECONCILE),
        (302, {}, b"", BadReply, Retry.NEVER),
        (403, {}, b"<html>", BadReply, Retry.NEVER),
    ],
)
def test_answers_without_an_envelope(
    status: int, headers: dict[str, str], body: bytes, kind: type, retry: Retry
) -> None:
    fault = fault_of(status, headers, body)
    assert fault is not None
    error = error_for(fault)
    assert type(error) is kind
    assert error.retry is retry
    if status == 429:
        assert error.after == 7.0


def test_details_in_any_shape_are_read_and_made_safe() -> None:
    error = refusal(
        400,
        "strange",
        1,
        "bad \x1b[31m",
        details=[{"@type": "x", "metadata": []}, {"message": "for people"}],
        error_details="text",
    )
    assert "for people" in str(error)
    assert "\x1b" not in str(error)


def test_success_may_hold_an_empty_error() -> None:
    assert fault_of(200, {}, b'{"error":"","error_code":0,"files":[]}') is None
    assert fault_of(200, {}, b"") is None


def _row(**fields: Any) -> wire.File:
    return wire.decode(wire.File, json.dumps({"id": "V", **fields}).encode())


def test_the_players_link_is_preferred_only_for_the_same_bytes() -> None:
    plain = "https://dl.example/d?fid=A&expire=2000000000"
    row = _row(
        links={"application/octet-stream": {"url": plain}},
        medias=[
            {"link": {"url": "https://dl.example/small?fid=B"}},
            {"link": {"url": "https://dl.example/m?fid=A&media=1"}},
        ],
    )
    assert links_of(row, media=True) == ["https://dl.example/m?fid=A&media=1", plain]
    assert links_of(row, media=False) == [plain]
    assert expiry_of(plain) == 2000000000.0
    assert expiry_of("https://dl.example/d") is None
    assert links_of(_row(links={}, web_content_link=""), media=True) == []
