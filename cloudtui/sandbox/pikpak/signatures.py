"""Checking of request signatures on the storage host: AWS version 4 and Aliyun's own.

Written from the public descriptions of both schemes. Every header a client signed must have arrived
unchanged; rclone signs accept-encoding and two amz-sdk headers besides the usual ones.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from calendar import timegm
from dataclasses import dataclass
from urllib.parse import quote, unquote

from cloudtui.sandbox.http import Request

REGION = "pikpak"
SERVICE = "s3"
MARGIN = 15 * 60
UNSIGNED = "UNSIGNED-PAYLOAD"
OSS_SUBRESOURCES = ("partNumber", "uploadId", "uploads")


@dataclass(frozen=True, slots=True)
class Credential:
    """What an upload answer handed out."""

    access_key: str
    secret: str
    token: str
    expires: float


class BadSignature(Exception):
    """The request is not signed as it must be; `code` is the storage host's word for it."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def access_key_of(request: Request) -> str:
    """The access key a request names; empty when it is not signed at all."""
    value = request.headers.get("authorization") or ""
    if value.startswith("AWS4-HMAC-SHA256 "):
        return _fields(value).get("Credential", "").partition("/")[0]
    if value.startswith("OSS "):
        return value[4:].partition(":")[0].strip()
    return ""


def check(
    request: Request, credential: Credential, bucket: str, key: str, clocks: list[float]
) -> None:
    """Raise BadSignature unless the request is signed with this credential.

    The time in an AWS signature must be near one of `clocks`. Whether the credential has expired
    is the caller's question.
    """
    value = request.headers.get("authorization") or ""
    if value.startswith("OSS "):
        _check_oss(request, credential, bucket, key, value)
    else:
        _check_v4(request, credential, value, clocks)


def _fields(authorization: str) -> dict[str, str]:
    parts = authorization.removeprefix("AWS4-HMAC-SHA256 ").split(",")
    pairs = (part.strip().partition("=") for part in parts)
    return {name: value for name, _, value in pairs}


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _query(request: Request) -> str:
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in request.query
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def _check_v4(request: Request, credential: Credential, value: str, clocks: list[float]) -> None:
    headers = request.headers
    fields = _fields(value)
    names = [name for name in fields.get("SignedHeaders", "").split(";") if name]
    scope = fields.get("Credential", "").split("/")
    moment = headers.get("x-amz-date") or ""
    payload = headers.get("x-amz-content-sha256") or ""
    if len(scope) != 5 or scope[0] != credential.access_key:
        raise BadSignature("InvalidAccessKeyId", "The access key is not known")
    if scope[2:] != [REGION, SERVICE, "aws4_request"] or not moment.startswith(scope[1]):
        raise BadSignature("AuthorizationHeaderMalformed", "The credential's scope is wrong")
    if "host" not in names or "x-amz-date" not in names:
        raise BadSignature("AccessDenied", "host and x-amz-date must be signed")
    if headers.get("x-amz-security-token") != credential.token:
        raise BadSignature("InvalidSecurityToken", "The security token is missing or wrong")
    if "x-amz-security-token" not in names:
        raise BadSignature("AccessDenied", "x-amz-security-token must be signed")
    if payload.startswith("STREAMING-"):
        raise BadSignature("NotImplemented", "Chunked signing is not supported")
    _check_time(moment, clocks)
    lines = []
    for name in names:
        given = headers.get(name)
        if given is None:
            raise BadSignature("AccessDenied", f"The signed header {name} did not arrive")
        lines.append(f"{name}:{' '.join(given.split())}\n")
    canonical = "\n".join(
        (
            request.method,
            quote(unquote(request.path, errors="surrogateescape"), safe="/-_.~"),
            _query(request),
            "".join(lines),
            ";".join(names),
            payload,
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(("AWS4-HMAC-SHA256", moment, "/".join(scope[1:]), digest))
    signing = f"AWS4{credential.secret}".encode()
    for part in scope[1:]:
        signing = _hmac(signing, part)
    if not hmac.compare_digest(_hmac(signing, to_sign).hex(), fields.get("Signature", "")):
        raise BadSignature("SignatureDoesNotMatch", "The signature does not match the request")


def _check_time(moment: str, clocks: list[float]) -> None:
    try:
        signed = timegm(time.strptime(moment, "%Y%m%dT%H%M%SZ"))
    except ValueError as exc:
        raise BadSignature("AccessDenied", "x-amz-date is not a time") from exc
    if all(abs(signed - clock) > MARGIN for clock in clocks):
        raise BadSignature("RequestTimeTooSkewed", "The request's time is too far off")


def _check_oss(request: Request, credential: Credential, bucket: str, key: str, value: str) -> None:
    headers = request.headers
    token = headers.get("x-oss-security-token") or ""
    if token != credential.token:
        raise BadSignature("InvalidSecurityToken", "The security token is missing or wrong")
    extras = sorted(
        f"{name.lower()}:{given.strip()}\n"
        for name, given in headers.items()
        if name.lower().startswith("x-oss-")
    )
    named = sorted(pair for pair in request.query if pair[0] in OSS_SUBRESOURCES)
    resource = f"/{bucket}/{key}"
    if named:
        joined = "&".join(f"{name}={given}" if given else name for name, given in named)
        resource = f"{resource}?{joined}"
    to_sign = (
        f"{request.method}\n{headers.get('content-md5') or ''}\n"
        f"{headers.get('content-type') or ''}\n{headers.get('date') or ''}\n"
        f"{''.join(extras)}{resource}"
    )
    digest = hmac.new(credential.secret.encode(), to_sign.encode(), hashlib.sha1).digest()
    expected = f"OSS {credential.access_key}:{base64.b64encode(digest).decode()}"
    if not hmac.compare_digest(expected.encode(), value.encode()):
        raise BadSignature("SignatureDoesNotMatch", "The signature does not match the request")
