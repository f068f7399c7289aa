"""The object store behind PikPak's uploads: addresses, signatures, and its small answers.

AWS Signature Version 4 as the S3 protocol uses it, written out by hand: it is forty lines, and the
requests are sent by the byte pump, not by an SDK. Pure functions; no I/O.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlsplit

from msgspec import Struct

from cloudtui.services.errors import (
    BadReply,
    CloudError,
    Full,
    Gone,
    Refused,
    ServerTrouble,
    TooMany,
)
from cloudtui.services.naming import display_name
from cloudtui.services.pikpak.profile import ROOT_DOMAINS

REGION: Final = "pikpak"
"""The region rclone signs for."""
SERVICE: Final = "s3"
UNSIGNED: Final = "UNSIGNED-PAYLOAD"
"""The payload hash for file bytes: they are sent as they are read, never `aws-chunked`."""
_EMPTY: Final = hashlib.sha256(b"").hexdigest()

MAX_PARTS: Final = 10_000
MIB: Final = 1 << 20

Params = Sequence[tuple[str, str]]


class Credentials(Struct, frozen=True):
    """Short-lived keys of one upload."""

    key_id: str
    secret: str
    token: str

    def __repr__(self) -> str:
        return f"Credentials({self.key_id!r})"


def object_url(bucket: str, key: str, endpoint: str, drive_url: str) -> str:
    """Where an object goes.

    On PikPak's own domains the bucket's host under the domain that was asked: the endpoint an
    answer names often does not resolve, and rclone ignores it too. Elsewhere the endpoint as given,
    path style, with the scheme of `drive_url` when it has none. Raises BadReply without a key.
    """
    if not key or not bucket:
        raise BadReply("PikPak's upload answer does not say where to.", hint="Try again.")
    drive = urlsplit(drive_url)
    host = drive.hostname or ""
    path = quote(key, safe="/~")
    for root in ROOT_DOMAINS:
        if host == root or host.endswith("." + root):
            return f"https://{bucket}.{root}/{path}"
    endpoint = endpoint.rstrip("/")
    if not endpoint:
        raise BadReply("PikPak's upload answer does not say where to.", hint="Try again.")
    if "://" not in endpoint:
        endpoint = f"{drive.scheme}://{endpoint}"
    return f"{endpoint}/{quote(bucket, safe='~')}/{path}"


def part_size(size: int, chunk: int) -> int:
    """The part size for a file: `chunk`, grown by whole MiB so that 10,000 parts hold it."""
    if size <= chunk * MAX_PARTS:
        return chunk
    smallest = -(-size // MAX_PARTS)
    return -(-smallest // MIB) * MIB


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _encoded(text: str) -> str:
    return quote(text, safe="~")


def query_string(params: Params) -> str:
    """The query in the order and encoding that the signature covers: sorted as encoded."""
    return "&".join(f"{k}={v}" for k, v in sorted((_encoded(k), _encoded(v)) for k, v in params))


def signed_headers(
    method: str,
    url: str,
    params: Params,
    credentials: Credentials,
    now: float,
    *,
    headers: Sequence[tuple[str, str]] = (),
    payload: str = UNSIGNED,
) -> list[tuple[str, str]]:
    """`headers` plus everything a signed request carries. `url` has no query, its path is encoded
    once; `now` is in seconds since the epoch by the store's clock; `payload` is the SHA-256 of the
    body in hex, or `UNSIGNED`. The `Host` header is covered but not in the answer."""
    parts = urlsplit(url)
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    carried = [
        *headers,
        ("x-amz-content-sha256", payload),
        ("x-amz-date", stamp),
    ]
    if credentials.token:
        carried.append(("x-amz-security-token", credentials.token))
    covered = sorted(
        (name.lower(), " ".join(value.split())) for name, value in [*carried, ("host", _host(url))]
    )
    names = ";".join(name for name, _ in covered)
    canonical = "\n".join(
        [
            method,
            parts.path or "/",
            query_string(params),
            *(f"{name}:{value}" for name, value in covered),
            "",
            names,
            payload,
        ]
    )
    scope = f"{stamp[:8]}/{REGION}/{SERVICE}/aws4_request"
    to_sign = "\n".join(
        ["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()]
    )
    key = _hmac(f"AWS4{credentials.secret}".encode(), stamp[:8])
    for step in (REGION, SERVICE, "aws4_request"):
        key = _hmac(key, step)
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    carried.append(
        (
            "Authorization",
            f"AWS4-HMAC-SHA256 Credential={credentials.key_id}/{scope},"
            f" SignedHeaders={names}, Signature={signature}",
        )
    )
    return carried


def _host(url: str) -> str:
    """The `Host` header of a request: the port only where it is not the scheme's own."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return host if parts.port in (None, usual) else f"{host}:{parts.port}"


def body_hash(body: bytes) -> str:
    """The payload hash of a small body."""
    return hashlib.sha256(body).hexdigest() if body else _EMPTY


# --- answers ---------------------------------------------------------------------------------


def _tag(text: str, name: str) -> str:
    match = re.search(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
    return html.unescape(match[1].strip()) if match else ""


class Started(Struct, frozen=True):
    """A multipart upload: parts go to the bucket and key that this answer names."""

    bucket: str
    key: str
    upload_id: str


def read_started(body: bytes) -> Started:
    """The answer to CreateMultipartUpload. Raises BadReply."""
    text = body.decode("utf-8", "replace")
    upload_id = _tag(text, "UploadId")
    if not upload_id:
        raise BadReply("PikPak's store started no upload.", hint="Try again in a while.")
    return Started(_tag(text, "Bucket"), _tag(text, "Key"), upload_id)


class Stored(Struct, frozen=True):
    """A part the store holds; numbers start at 1."""

    number: int
    size: int
    etag: str


def read_parts(body: bytes) -> tuple[list[Stored], str]:
    """One page of ListParts and the marker of the next (empty: that was all). Raises BadReply."""
    text = body.decode("utf-8", "replace")
    if "ListPartsResult" not in text:
        raise BadReply("PikPak's store did not list the parts.", hint="Try again in a while.")
    stored = [
        Stored(int(_tag(part, "PartNumber")), int(_tag(part, "Size")), unquoted(_tag(part, "ETag")))
        for part in re.findall(r"<Part>(.*?)</Part>", text, re.DOTALL)
    ]
    more = _tag(text, "IsTruncated").lower() == "true"
    return stored, _tag(text, "NextPartNumberMarker") if more else ""


def unquoted(etag: str) -> str:
    """An ETag without its quotes."""
    return etag.strip().removeprefix("W/").strip('"')


def complete_body(parts: Sequence[tuple[int, str]]) -> bytes:
    """The body of CompleteMultipartUpload for (number from 1, ETag without quotes)."""
    rows = "".join(
        f"<Part><ETag>&#34;{html.escape(etag)}&#34;</ETag><PartNumber>{number}</PartNumber></Part>"
        for number, etag in sorted(parts)
    )
    xmlns = "http://s3.amazonaws.com/doc/2006-03-01/"
    return f'<CompleteMultipartUpload xmlns="{xmlns}">{rows}</CompleteMultipartUpload>'.encode()


_EXPIRED: Final = frozenset(
    {"ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SecurityTokenExpired", "NoSuchUpload"}
)


def error_of(status: int, body: bytes) -> CloudError | None:
    """The error in an answer of the store, or None for a success.

    An S3 error may come under HTTP 200 after a long completion. Gone means that the upload cannot
    be continued: it was forgotten, or its credentials ended.
    """
    text = body.decode("utf-8", "replace") if len(body) < 65536 else ""
    if status < 300 and text.lstrip()[:14].lower().startswith(("<!doctype html", "<html")):
        # somebody between us and the store answered, and nothing was stored
        return BadReply(
            "A web page came in place of the answer of PikPak's store.",
            hint="Is a sign-in page of this network in the way?",
        )
    failed = status >= 300 or re.search(r"<Error[\s>]", text) is not None
    if not failed:
        return None
    code, message = _tag(text, "Code"), _tag(text, "Message")
    detail = display_name(f"HTTP {status} {code} {message}".strip()[:300])
    if code in _EXPIRED or (status in (403, 404) and not code):
        return Gone(
            "PikPak's store no longer knows this upload.",
            hint="It starts again from the beginning.",
            detail=detail,
        )
    if status == 429 or code in ("SlowDown", "TooManyRequests"):
        return TooMany("PikPak's store asks to slow down.", detail=detail)
    if status >= 500 or status == 408 or code in ("RequestTimeout", "InternalError"):
        return ServerTrouble(
            "PikPak's store has trouble of its own.", hint="Try again in a while.", detail=detail
        )
    if code in ("QuotaExceeded", "InsufficientStorage"):
        return Full("PikPak is full.", hint="Make room or empty its trash.", detail=detail)
    if code == "NoSuchKey":
        return Gone("PikPak's store no longer knows this object.", detail=detail)
    return Refused(
        f"PikPak's store refused: {display_name(message or code) or f'HTTP {status}'}.",
        detail=detail,
    )
