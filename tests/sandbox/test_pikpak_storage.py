"""Uploads through the storage host, signed by botocore; download links and their limits."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from cloudtui.sandbox.pikpak.hashes import gcid
from tests.sandbox.pikpak_rig import Answer, Rig
from tests.sandbox.rig import connected, until

FILES = "/drive/v1/files"
KIB = 1024
UNSIGNED = "UNSIGNED-PAYLOAD"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "sandbox") as made:
        yield made


class Auth(S3SigV4Auth):  # type: ignore[misc]
    """Signs the payload hash it is told instead of hashing."""

    def __init__(self, credentials: Credentials, told: str) -> None:
        super().__init__(credentials, "s3", "pikpak")
        self._told = told

    def payload(self, request: AWSRequest) -> str:
        return self._told


@dataclass
class Ticket:
    """An upload answer, and signed requests for it."""

    rig: Rig
    answer: dict[str, Any]

    @property
    def params(self) -> dict[str, str]:
        found: dict[str, str] = self.answer["resumable"]["params"]
        return found

    @property
    def url(self) -> str:
        return (
            f"http://{self.params['endpoint']}/{self.params['bucket']}/{quote(self.params['key'])}"
        )

    def signed(
        self, method: str, query: dict[str, str], extra: dict[str, str], told: str = UNSIGNED
    ) -> dict[str, str]:
        credentials = Credentials(
            self.params["access_key_id"],
            self.params["access_key_secret"],
            self.params["security_token"],
        )
        url = self.url + (f"?{urlencode(query)}" if query else "")
        request = AWSRequest(method, url, headers=extra)
        Auth(credentials, told).add_auth(request)
        return dict(request.headers.items())

    def send(
        self,
        method: str,
        body: bytes | None = None,
        query: dict[str, str] | None = None,
        extra: dict[str, str] | None = None,
        told: str = UNSIGNED,
    ) -> Answer:
        headers = self.signed(method, query or {}, extra or {}, told)
        url = self.url + (f"?{urlencode(query)}" if query else "")
        return self.rig.send(method, url, body, headers)


def content_of(size: int, salt: int = 0) -> bytes:
    return bytes((index * 7 + salt) % 251 for index in range(1000)) * (size // 1000 + 1)


def gcid_of(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "content"
    path.write_bytes(content)
    return gcid(path, len(content))


def start(rig: Rig, name: str, content: bytes, told: str, **extra: object) -> Ticket:
    body = {
        "kind": "drive#file",
        "name": name,
        "size": len(content),
        "hash": told,
        "upload_type": "UPLOAD_TYPE_RESUMABLE",
        "resumable": {"provider": "PROVIDER_ALIYUN"},
        "parent_id": "",
        **extra,
    }
    return Ticket(rig, rig.good("POST", FILES, body))


def code(answer: Answer) -> tuple[int, str]:
    found = re.search(r"<Code>(\w+)</Code>", answer.body.decode())
    assert found is not None, answer.body
    return answer.status, found[1]


def test_a_single_object_completes_file_and_task(rig: Rig, tmp_path: Path) -> None:
    content = content_of(70_000)[:70_000]
    told = gcid_of(tmp_path, content)
    ticket = start(rig, "a.bin", content, told)
    file, task = ticket.answer["file"], ticket.answer["task"]
    assert (file["phase"], file["name"]) == ("PHASE_TYPE_PENDING", "a.bin")
    # A pending file is listed, unless the listing asks for complete ones.
    assert rig.names() == ["a.bin"]
    assert rig.names(phase={"eq": "PHASE_TYPE_COMPLETE"}) == []
    answer = ticket.send("PUT", content, {"x-id": "PutObject"})
    assert answer.status == 200, answer.body
    assert answer.headers["ETag"] == f'"{hashlib.md5(content).hexdigest()}"'
    assert rig.good("GET", f"/drive/v1/tasks/{task['id']}")["phase"] == "PHASE_TYPE_COMPLETE"
    shown = rig.good("GET", f"{FILES}/{file['id']}")
    assert (shown["phase"], shown["hash"], shown["md5_checksum"]) == (
        "PHASE_TYPE_COMPLETE",
        told,
        "",
    )
    link = shown["links"]["application/octet-stream"]["url"]
    assert rig.send("GET", link).body == content
    assert rig.good("GET", "/vip/v1/quantity/list")["base"]["upload"]["assets"] == len(content)


def test_known_content_needs_no_bytes(rig: Rig, tmp_path: Path) -> None:
    content = content_of(5000)[:5000]
    told = gcid_of(tmp_path, content)
    rig.put("there.bin", content)
    answer = start(rig, "again.bin", content, told.lower()).answer
    assert (answer["file"]["phase"], answer["resumable"], answer["task"]) == (
        "PHASE_TYPE_COMPLETE",
        None,
        None,
    )
    rig.switch(instant=False)
    assert start(rig, "third.bin", content, told).answer["resumable"] is not None
    other = start(rig, "fourth.bin", content + b"x", told).answer
    assert other["file"]["phase"] == "PHASE_TYPE_PENDING"


def test_an_empty_file_is_complete_at_once_and_taken_names_get_numbers(rig: Rig) -> None:
    body = {
        "kind": "drive#file",
        "name": "empty.txt",
        "upload_type": "UPLOAD_TYPE_RESUMABLE",
        "parent_id": None,
    }
    names = [rig.good("POST", FILES, body)["file"]["name"] for _ in range(3)]
    assert names == ["empty.txt", "empty(1).txt", "empty(2).txt"]


def test_size_may_be_text_and_wrong_ones_are_refused(rig: Rig) -> None:
    body = {
        "kind": "drive#file",
        "name": "a",
        "size": "17",
        "upload_type": "UPLOAD_TYPE_RESUMABLE",
    }
    assert rig.good("POST", FILES, body)["file"]["size"] == "17"
    body["size"] = "many"
    assert rig.refused("POST", FILES, body) == (3, "invalid_argument")


def test_storage_full(rig: Rig) -> None:
    rig.switch(quota=1000)
    body = {
        "kind": "drive#file",
        "name": "a",
        "size": 1001,
        "upload_type": "UPLOAD_TYPE_RESUMABLE",
    }
    assert rig.refused("POST", FILES, body) == (8, "file_space_not_enough")


def test_signatures(rig: Rig) -> None:
    content = b"hello"
    ticket = start(rig, "a.bin", content, "")
    good = ticket.signed(
        "PUT",
        {},
        {"accept-encoding": "identity", "amz-sdk-request": "attempt=1; max=1"},
    )
    assert "amz-sdk-request" in good["Authorization"]
    lost = {name: value for name, value in good.items() if name.lower() != "amz-sdk-request"}
    assert code(rig.send("PUT", ticket.url, content, lost)) == (403, "AccessDenied")
    changed = {**good, "amz-sdk-request": "attempt=2; max=1"}
    assert code(rig.send("PUT", ticket.url, content, changed)) == (403, "SignatureDoesNotMatch")
    other = ticket.url + "x"
    assert code(rig.send("PUT", other, content, good)) == (403, "SignatureDoesNotMatch")
    bare = {name: value for name, value in good.items() if "token" not in name.lower()}
    assert code(rig.send("PUT", ticket.url, content, bare)) == (403, "InvalidSecurityToken")
    assert code(rig.send("PUT", ticket.url, content, {})) == (403, "InvalidAccessKeyId")
    assert rig.send("PUT", ticket.url, content, good).status == 200


def test_signed_payload_hashes_are_checked(rig: Rig) -> None:
    ticket = start(rig, "a.bin", b"hello", "")
    told = hashlib.sha256(b"other").hexdigest()
    assert code(ticket.send("PUT", b"hello", told=told)) == (400, "BadDigest")


def test_old_credentials_and_wrong_clocks(rig: Rig) -> None:
    ticket = start(rig, "a.bin", b"hello", "")
    rig.switch(s3_skew=3600)
    answer = ticket.send("PUT", b"hello")
    assert code(answer) == (403, "RequestTimeTooSkewed")
    rig.switch(s3_skew=0)
    rig.world.advance(11 * 3600)
    assert ticket.send("PUT", b"hello").status == 200
    rig.world.advance(3600)
    assert code(ticket.send("PUT", b"hello")) == (403, "SecurityTokenExpired")


def begin(ticket: Ticket) -> str:
    answer = ticket.send("POST", b"", {"uploads": ""})
    text = answer.body.decode()
    assert f"<Key>{ticket.params['key']}</Key>" in text
    found = re.search(r"<UploadId>(.+)</UploadId>", text)
    assert found is not None
    return found[1]


def put_part(ticket: Ticket, upload: str, number: int, content: bytes) -> str:
    query = {"partNumber": str(number), "uploadId": upload, "x-id": "UploadPart"}
    answer = ticket.send("PUT", content, query)
    assert answer.status == 200
    return answer.headers["ETag"]


def complete(ticket: Ticket, upload: str, parts: list[tuple[int, str]]) -> Answer:
    rows = "".join(
        f"<Part><ETag>{escape(etag)}</ETag><PartNumber>{number}</PartNumber></Part>"
        for number, etag in parts
    )
    body = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()
    return ticket.send("POST", body, {"uploadId": upload}, {"Content-Type": "application/xml"})


def test_parts_in_any_order_become_one_object(rig: Rig, tmp_path: Path) -> None:
    pieces = [content_of(200 * KIB, salt)[: 200 * KIB] for salt in range(3)] + [b"tail"]
    whole = b"".join(pieces)
    ticket = start(rig, "big.bin", whole, gcid_of(tmp_path, whole))
    upload = begin(ticket)
    etags = {
        number: put_part(ticket, upload, number, pieces[number - 1]) for number in (3, 1, 4, 2)
    }
    listed = ticket.send("GET", None, {"uploadId": upload, "max-parts": "3"}).body.decode()
    assert re.findall(r"<PartNumber>(\d+)<", listed) == ["1", "2", "3"]
    assert "<IsTruncated>true</IsTruncated>" in listed
    query = {"uploadId": upload, "part-number-marker": "3"}
    rest = ticket.send("GET", None, query).body.decode()
    assert re.findall(r"<PartNumber>(\d+)<", rest) == ["4"]
    assert complete(ticket, upload, sorted(etags.items())).status == 200
    node = ticket.answer["file"]["id"]
    link = rig.good("GET", f"{FILES}/{node}")["web_content_link"]
    assert rig.send("GET", link).body == whole
    # After a lost answer the upload is gone, though the file is fine.
    assert code(complete(ticket, upload, sorted(etags.items()))) == (404, "NoSuchUpload")
    (state,) = rig.service.state()["accounts"].values()  # type: ignore[attr-defined]
    (stored,) = state["nodes"]
    assert stored["gcid"] == stored["gcid_of_bytes"]


@pytest.mark.parametrize("order", [(3, 1, 2), (2, 2, 1, 3), (1, 2, 3, 1)])
def test_odd_orders_and_repeats_join_rightly(rig: Rig, order: tuple[int, ...]) -> None:
    pieces = {number: content_of(110 * KIB, number)[: 110 * KIB] for number in (1, 2)}
    pieces[3] = b"the last one"
    whole = b"".join(pieces[number] for number in (1, 2, 3))
    ticket = start(rig, "big.bin", whole, "")
    upload = begin(ticket)
    etags = {number: put_part(ticket, upload, number, pieces[number]) for number in order}
    assert complete(ticket, upload, sorted(etags.items())).status == 200
    link = rig.link(ticket.answer["file"]["id"])
    assert rig.send("GET", link).body == whole


def test_multipart_refusals(rig: Rig) -> None:
    content = b"x" * (150 * KIB)
    ticket = start(rig, "big.bin", content, "")
    upload = begin(ticket)
    first = put_part(ticket, upload, 1, content[: 50 * KIB])
    second = put_part(ticket, upload, 2, content[50 * KIB :])
    assert code(complete(ticket, upload, [(2, '"0"')])) == (400, "InvalidPart")
    assert code(complete(ticket, upload, [(2, second), (1, first)])) == (400, "InvalidPartOrder")
    assert code(complete(ticket, upload, [(1, first), (2, second)])) == (400, "EntityTooSmall")
    assert ticket.send("DELETE", None, {"uploadId": upload}).status == 204
    assert code(ticket.send("GET", None, {"uploadId": upload})) == (404, "NoSuchUpload")


def test_one_request_carries_five_gibibytes_at_most(rig: Rig) -> None:
    ticket = start(rig, "a.bin", b"hello", "")
    length = 5 * 1024**3 + 1
    lines = [f"{name}: {value}" for name, value in ticket.signed("PUT", {}, {}).items()]
    parts = urlsplit(ticket.url)
    head = [f"PUT {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *lines]
    with connected(ticket.url) as sock:
        sock.sendall("\r\n".join([*head, f"Content-Length: {length}", "", ""]).encode())
        told = until(sock, b"</Error>")
    assert told.startswith(b"HTTP/1.1 400 ")
    assert b"<Code>EntityTooLarge<" in told


def test_a_completed_upload_may_answer_in_json(rig: Rig) -> None:
    rig.switch(complete_answer="json")
    ticket = start(rig, "a.bin", b"hello", "")
    upload = begin(ticket)
    answer = complete(ticket, upload, [(1, put_part(ticket, upload, 1, b"hello"))])
    assert answer.json()["Key"] == ticket.params["key"]


def test_tags_of_parts_may_say_nothing_of_their_bytes(rig: Rig) -> None:
    rig.switch(part_tags="opaque")
    content = content_of(220 * KIB)[: 220 * KIB]
    pieces = {1: content[: 110 * KIB], 2: content[110 * KIB :]}
    ticket = start(rig, "a.bin", content, "")
    upload = begin(ticket)
    tags = {number: put_part(ticket, upload, number, pieces[number]) for number in (1, 2, 1)}
    digests = {hashlib.md5(piece).hexdigest() for piece in pieces.values()}
    assert not digests & {tag.strip('"') for tag in tags.values()}
    assert complete(ticket, upload, [(1, '"0"')]).status == 400
    assert complete(ticket, upload, sorted(tags.items())).status == 200
    link = rig.link(ticket.answer["file"]["id"])
    assert rig.send("GET", link).body == content


def test_other_bytes_than_announced_end_in_an_error(rig: Rig) -> None:
    ticket = start(rig, "a.bin", b"hello", "")
    assert ticket.send("PUT", b"hello world").status == 200
    task = rig.good("GET", f"/drive/v1/tasks/{ticket.answer['task']['id']}")
    assert task["phase"] == "PHASE_TYPE_ERROR"
    assert rig.names(phase={"eq": "PHASE_TYPE_COMPLETE"}) == []


def test_completion_takes_its_time(rig: Rig) -> None:
    rig.switch(upload_seconds=10, link_delay=30)
    ticket = start(rig, "a.bin", b"hello", "")
    assert ticket.send("PUT", b"hello").status == 200
    node = ticket.answer["file"]["id"]
    assert rig.good("GET", f"{FILES}/{node}")["phase"] == "PHASE_TYPE_PENDING"
    rig.world.advance(10)
    shown = rig.good("GET", f"{FILES}/{node}")
    assert (shown["phase"], shown["links"]) == ("PHASE_TYPE_COMPLETE", {})
    rig.world.advance(30)
    assert rig.good("GET", f"{FILES}/{node}")["links"]


def oss(ticket: Ticket, method: str, resource: str, kind: str) -> dict[str, str]:
    params = ticket.params
    date = formatdate(usegmt=True)
    token = params["security_token"]
    text = f"{method}\n\n{kind}\n{date}\nx-oss-security-token:{token}\n{resource}"
    digest = hmac.new(params["access_key_secret"].encode(), text.encode(), hashlib.sha1).digest()
    sign = base64.b64encode(digest).decode()
    return {
        "Authorization": f"OSS {params['access_key_id']}:{sign}",
        "Date": date,
        "X-OSS-Security-Token": token,
        **({"Content-Type": kind} if kind else {}),
    }


def test_the_other_signature_works_as_well(rig: Rig) -> None:
    ticket = start(rig, "a.bin", b"hello", "")
    resource = f"/{ticket.params['bucket']}/{ticket.params['key']}"
    kind = "application/octet-stream"
    headers = oss(ticket, "POST", f"{resource}?uploads", kind)
    begun = rig.send("POST", ticket.url + "?uploads", b"", headers)
    found = re.search(r"<UploadId>(.+)</UploadId>", begun.body.decode())
    assert found is not None
    query = f"partNumber=1&uploadId={found[1]}"
    headers = oss(ticket, "PUT", f"{resource}?{query}", kind)
    assert rig.send("PUT", f"{ticket.url}?{query}", b"hello", headers).status == 200
    headers["Authorization"] = headers["Authorization"][:-4] + "AAA="
    wrong = rig.send("PUT", f"{ticket.url}?{query}", b"hello", headers)
    assert code(wrong) == (403, "SignatureDoesNotMatch")


def test_form_uploads(rig: Rig) -> None:
    body = {
        "kind": "drive#file",
        "name": "a.txt",
        "size": 5,
        "upload_type": "UPLOAD_TYPE_FORM",
    }
    answer = rig.good("POST", FILES, body)
    form = answer["form"]
    mark = "boundary123"
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form["multi_parts"].items()
    ]
    parts.append(
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        f"hello\r\n--{mark}--\r\n"
    )
    kind = {"Content-Type": f"multipart/form-data; boundary={mark}"}
    assert rig.send("POST", form["url"], "".join(parts).encode(), kind).status == 204
    assert rig.names(phase={"eq": "PHASE_TYPE_COMPLETE"}) == ["a.txt"]


def test_planned_faults_of_links_and_storage(rig: Rig) -> None:
    link = rig.link(rig.put("a.txt", "hello"))
    rig.world.faults.add({"kind": "expire_link", "listener": "pikpak.content"})
    rig.world.faults.add({"kind": "ignore_range", "listener": "pikpak.content", "skip": 1})
    assert [rig.send("GET", link, None, {"Range": "bytes=1-1"}).status for _ in range(3)] == [
        403,
        200,
        206,
    ]
    ticket = start(rig, "b.bin", b"hello", "")
    rig.world.faults.add({"kind": "api_code", "listener": "pikpak.upload", "code": "AccessDenied"})
    assert code(ticket.send("PUT", b"hello")) == (403, "AccessDenied")
    assert ticket.send("PUT", b"hello").status == 200
