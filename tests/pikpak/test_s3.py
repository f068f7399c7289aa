"""Signatures against botocore, addresses, part sizes and the store's small answers."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from cloudtui.services.errors import Full, Gone, Refused, ServerTrouble, TooMany
from cloudtui.services.pikpak import s3

KEYS = s3.Credentials("AKID", "SECRET", "SESSION+TOKEN/=")
NOW = 1_700_000_000.0


class _Boto(S3SigV4Auth):  # type: ignore[misc]
    """botocore's signer with the time held still and the payload left unsigned."""

    def payload(self, request: AWSRequest) -> str:
        return str(request.headers["X-Amz-Content-SHA256"])


def boto_authorization(
    method: str, url: str, params: s3.Params, headers: dict[str, str], payload: str
) -> str:
    query = s3.query_string(params)
    request = AWSRequest(method, f"{url}?{query}" if query else url, headers=dict(headers))
    request.context["timestamp"] = "20231114T221320Z"
    signer = _Boto(BotoCredentials(KEYS.key_id, KEYS.secret, KEYS.token), s3.SERVICE, s3.REGION)
    request.headers["X-Amz-Content-SHA256"] = payload
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    request.headers["X-Amz-Security-Token"] = KEYS.token
    canonical = signer.canonical_request(request)
    to_sign = signer.string_to_sign(request, canonical)
    signature = signer.signature(to_sign, request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    return (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)},"
        f" SignedHeaders={names}, Signature={signature}"
    )


def ours(method: str, url: str, params: s3.Params, headers: dict[str, str], payload: str) -> str:
    signed = s3.signed_headers(
        method, url, params, KEYS, NOW, headers=list(headers.items()), payload=payload
    )
    return dict(signed)["Authorization"]


@pytest.mark.parametrize(
    ("method", "params", "payload"),
    [
        ("PUT", (("x-id", "PutObject"),), s3.UNSIGNED),
        ("POST", (("uploads", ""),), s3.body_hash(b"")),
        ("PUT", (("partNumber", "3"), ("uploadId", "A/b+c="), ("x-id", "UploadPart")), s3.UNSIGNED),
        ("POST", (("uploadId", "u"),), s3.body_hash(b"<x/>")),
        ("DELETE", (("uploadId", "u"), ("x-id", "AbortMultipartUpload")), s3.body_hash(b"")),
    ],
)
def test_signature_is_botocores(method: str, params: s3.Params, payload: str) -> None:
    url = "http://127.0.0.1:4711/bucket/upload_tmp/37E7%20x"
    headers = {"Content-Type": "application/octet-stream"}
    assert ours(method, url, params, headers, payload) == boto_authorization(
        method, url, params, headers, payload
    )


text = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=20)


@given(
    key=text.filter(bool),
    params=st.dictionaries(text.filter(bool), text, max_size=4),
    kind=st.sampled_from(["text/plain", "application/xml", "a/b;  c=d"]),
    host=st.sampled_from(["https://b.mypikpak.com", "http://127.0.0.1:80", "https://h:8443"]),
)
def test_any_key_and_query_sign_as_botocore_does(
    key: str, params: dict[str, str], kind: str, host: str
) -> None:
    url = f"{host}/{quote(key, safe='/~')}"
    pairs = tuple(params.items())
    headers = {"Content-Type": kind}
    assert ours("PUT", url, pairs, headers, s3.UNSIGNED) == boto_authorization(
        "PUT", url, pairs, headers, s3.UNSIGNED
    )


@pytest.mark.parametrize(
    ("drive", "endpoint", "url"),
    [
        ("https://api-drive.mypikpak.com", "does.not.resolve", "https://bk.mypikpak.com/a/K"),
        ("https://api-drive.mypikpak.net", "mypikpak.com", "https://bk.mypikpak.net/a/K"),
        ("http://127.0.0.1:9", "127.0.0.1:4242", "http://127.0.0.1:4242/bk/a/K"),
        ("http://127.0.0.1:9", "https://localhost:4242/", "https://localhost:4242/bk/a/K"),
        ("https://notmypikpak.com", "store.example", "https://store.example/bk/a/K"),
    ],
)
def test_where_an_object_goes(drive: str, endpoint: str, url: str) -> None:
    assert s3.object_url("bk", "a/K", endpoint, drive) == url


def test_parts_grow_with_the_file() -> None:
    chunk = 8 * s3.MIB
    assert s3.part_size(0, chunk) == chunk
    assert s3.part_size(chunk * 10_000, chunk) == chunk
    assert s3.part_size(chunk * 10_000 + 1, chunk) == 9 * s3.MIB
    huge = 5 << 40
    assert -(-huge // s3.part_size(huge, chunk)) <= s3.MAX_PARTS


@given(st.integers(0, 48 << 40), st.integers(100 << 10, 64 << 20))
def test_never_more_than_ten_thousand_parts(size: int, chunk: int) -> None:
    assert -(-size // s3.part_size(size, chunk)) <= s3.MAX_PARTS


def test_started_and_parts_are_read() -> None:
    started = s3.read_started(
        b"<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>a&amp;b</Key>"
        b"<UploadId>U1</UploadId></InitiateMultipartUploadResult>"
    )
    assert started == s3.Started("b", "a&b", "U1")
    stored, marker = s3.read_parts(
        b"<ListPartsResult><IsTruncated>true</IsTruncated>"
        b"<NextPartNumberMarker>2</NextPartNumberMarker>"
        b"<Part><PartNumber>2</PartNumber><ETag>&quot;AB&quot;</ETag><Size>7</Size></Part>"
        b"</ListPartsResult>"
    )
    assert stored == [s3.Stored(2, 7, "AB")]
    assert marker == "2"


def test_complete_lists_parts_in_order_with_quotes() -> None:
    body = s3.complete_body([(2, "B"), (1, "A")]).decode()
    assert body.index("<PartNumber>1<") < body.index("<PartNumber>2<")
    assert "<ETag>&#34;A&#34;</ETag>" in body


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, b"<Error><Code>NoSuchUpload</Code></Error>", Gone),
        (403, b"<Error><Code>ExpiredToken</Code></Error>", Gone),
        (403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>", Refused),
        (503, b"<Error><Code>SlowDown</Code></Error>", TooMany),
        (500, b"oops", ServerTrouble),
        (200, b"<Error><Code>InternalError</Code></Error>", ServerTrouble),
        (400, b"<Error><Code>QuotaExceeded</Code></Error>", Full),
    ],
)
def test_errors_of_the_store(status: int, body: bytes, kind: type) -> None:
    assert type(s3.error_of(status, body)) is kind


def test_success_of_the_store_in_either_form() -> None:
    assert s3.error_of(200, b'{"ok":true}') is None
    assert s3.error_of(204, b"") is None
