"""The storage host's checks of both signatures: published values, and botocore as the oracle."""

from __future__ import annotations

import time
from typing import cast
from urllib.parse import quote, urlencode

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from cloudtui.sandbox.http import Body, Headers, Request, Source, split_target
from cloudtui.sandbox.pikpak.signatures import BadSignature, Credential, access_key_of, check

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
KEYS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(
    lambda key: not key.startswith("/") and "." not in key.split("/") and ".." not in key.split("/")
)
WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


def request_of(method: str, target: str, headers: dict[str, str]) -> Request:
    """A request as the listener would hand it on."""
    path, query = split_target(target)
    body = Body(cast("Source", None), 0, chunked=False, expect=False)
    return Request(
        method=method,
        target=target,
        path=path,
        query=query,
        headers=Headers(headers.items()),
        body=body,
        client_ip="127.0.0.1",
        scheme="http",
        listener="pikpak.upload",
    )


@pytest.mark.parametrize(
    ("method", "target", "kind", "sign"),
    [
        (
            "PUT",
            "/b/k?partNumber=1&uploadId=U",
            "application/octet-stream",
            "to+ASfP2gyOWpAKuCl5dUrrP3V8=",
        ),
        ("POST", "/b/k?uploads", "application/xml", "8CDTYEAoSizKjH+kmMlHH/5Q35M="),
        ("GET", "/b/k?uploadId=U", "", "xw5vBbsJa8Fn731kNGF0H4qhKmw="),
        # paging does not take part in what is signed
        (
            "GET",
            "/b/k?uploadId=U&max-parts=5&part-number-marker=2",
            "",
            "xw5vBbsJa8Fn731kNGF0H4qhKmw=",
        ),
    ],
)
def test_the_older_signature_has_its_published_values(
    method: str, target: str, kind: str, sign: str
) -> None:
    credential = Credential("AK", "SK", "STS", 0.0)
    headers = {"Authorization": f"OSS AK:{sign}", "Date": DATE, "X-OSS-Security-Token": "STS"}
    if kind:
        headers["Content-Type"] = kind
    request = request_of(method, target, headers)
    assert access_key_of(request) == "AK"
    check(request, credential, "b", "k", [])
    with pytest.raises(BadSignature):
        check(request, Credential("AK", "other", "STS", 0.0), "b", "k", [])
    with pytest.raises(BadSignature):
        check(request, credential, "b", "other", [])


@given(
    key=KEYS,
    query=st.dictionaries(WORDS, st.one_of(WORDS, st.just("")), max_size=4),
    extra=st.dictionaries(st.sampled_from(["amz-sdk-request", "accept-encoding"]), WORDS),
    method=st.sampled_from(["PUT", "GET", "POST", "DELETE"]),
)
def test_what_botocore_signs_is_accepted_and_nothing_else(
    key: str, query: dict[str, str], extra: dict[str, str], method: str
) -> None:
    credential = Credential("STS.key", "the secret", "CAIS.token", 0.0)
    target = f"/bucket/{quote(key)}" + (f"?{urlencode(query)}" if query else "")
    signed = AWSRequest(method, f"http://127.0.0.1:1{target}", headers=extra)
    oracle = S3SigV4Auth(
        Credentials(credential.access_key, credential.secret, credential.token), "s3", "pikpak"
    )
    oracle.add_auth(signed)
    headers = {"Host": "127.0.0.1:1", **dict(signed.headers.items())}
    now = [time.time()]
    request = request_of(method, target, headers)
    assert access_key_of(request) == "STS.key"
    check(request, credential, "bucket", key, now)
    for changed in (
        request_of(method, target + ("&" if query else "?") + "more=1", headers),
        request_of("HEAD", target, headers),
        request_of(method, f"/bucket/{quote(key)}x", headers),
        request_of(method, target, {**headers, "Host": "127.0.0.1:2"}),
        request_of(method, target, {**headers, "X-Amz-Security-Token": "other"}),
    ):
        with pytest.raises(BadSignature):
            check(changed, credential, "bucket", key, now)
    with pytest.raises(BadSignature, match="too far"):
        check(request, credential, "bucket", key, [now[0] + 3600])
