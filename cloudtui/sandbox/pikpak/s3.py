"""The storage host: single objects, multipart uploads, form posts; XML as S3 and OSS speak it."""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from email.utils import formatdate
from html import escape, unescape
from urllib.parse import quote

from cloudtui.sandbox.blobs import Blob
from cloudtui.sandbox.http import Request, Response
from cloudtui.sandbox.pikpak.addresses import BUCKET, root_of
from cloudtui.sandbox.pikpak.cloud import Cloud
from cloudtui.sandbox.pikpak.form import file_of_form
from cloudtui.sandbox.pikpak.parts import Assembly, Part
from cloudtui.sandbox.pikpak.signatures import (
    UNSIGNED,
    BadSignature,
    access_key_of,
    check,
)
from cloudtui.sandbox.pikpak.stamps import stamp
from cloudtui.sandbox.pikpak.upload import Session, Uploads

XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"
LEAST_PART = 100 * 1024
MOST_BYTES = 5 * 1024**3
MOST_PARTS = 10_000
STATUS = {
    "NoSuchUpload": 404,
    "NoSuchKey": 404,
    "InvalidPart": 400,
    "InvalidPartOrder": 400,
    "InvalidArgument": 400,
    "EntityTooSmall": 400,
    "EntityTooLarge": 400,
    "MalformedXML": 400,
    "BadDigest": 400,
    "NotImplemented": 501,
    "MethodNotAllowed": 405,
}
PART = re.compile(r"<Part>(.*?)</Part>", re.DOTALL)
NUMBER = re.compile(r"<PartNumber>\s*(\d+)\s*</PartNumber>")
ETAG = re.compile(r"<ETag>(.*?)</ETag>", re.DOTALL)


class StorageError(Exception):
    """An error of the storage host, by its code."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Storage:
    """Handler of the upload listener."""

    def __init__(self, cloud: Cloud, uploads: Uploads) -> None:
        self._cloud = cloud
        self._uploads = uploads

    def handle(self, request: Request) -> Response:
        """Any request of the storage host."""
        try:
            response = self._answer(request)
        except (StorageError, BadSignature) as exc:
            response = _error(exc.code, str(exc), request)
        skew = self._cloud.switches.number("s3_skew")
        if skew:
            response.headers.append(("Date", formatdate(self._now(), usegmt=True)))
        return response

    def _now(self) -> float:
        return self._cloud.world.clock() + self._cloud.switches.number("s3_skew")

    def _answer(self, request: Request) -> Response:
        bucket, key = _place(request)
        fault = request.fault("api_code")
        if fault is not None:
            raise StorageError(str(fault.code), "planned by a test")
        if request.fault("refuse") is not None:
            raise StorageError("AccessDenied", "This method is closed")
        if request.fault("expire_token") is not None:
            raise StorageError("SecurityTokenExpired", "The security token has expired")
        if bucket != BUCKET:
            raise StorageError("NoSuchBucket", "The bucket does not exist")
        kind = request.headers.get("content-type") or ""
        if request.method == "POST" and kind.startswith("multipart/form-data"):
            return self._form(request, kind)
        session = self._session(request, bucket, key)
        return self._operation(request, session)

    def _session(self, request: Request, bucket: str, key: str) -> Session:
        session = self._uploads.by_access_key.get(access_key_of(request))
        if session is None:
            raise StorageError("InvalidAccessKeyId", "The access key is not known")
        clocks = [self._now()]
        if not self._cloud.switches.number("s3_skew"):
            # A test that ages the sandbox must not make honest clocks look wrong.
            clocks.append(time.time())
        if self._cloud.world.clock() >= session.credential.expires:
            raise StorageError("SecurityTokenExpired", "The security token has expired")
        check(request, session.credential, bucket, key, clocks)
        if key != session.key:
            raise StorageError("AccessDenied", "The credential is good for another key")
        return session

    def _operation(self, request: Request, session: Session) -> Response:
        query = request.params
        upload_id = query.get("uploadId")
        if (request.body.length or 0) > MOST_BYTES:
            raise StorageError("EntityTooLarge", "One request carries 5 GiB at most")
        match request.method:
            case "PUT" if upload_id is not None:
                return self._put_part(request, session, upload_id, query.get("partNumber", ""))
            case "PUT":
                return self._put(request, session)
            case "POST" if "uploads" in query:
                return self._begin(session)
            case "POST" if upload_id is not None:
                return self._complete(request, session, upload_id)
            case "GET" if upload_id is not None:
                return self._list_parts(session, upload_id, query)
            case "DELETE" if upload_id is not None:
                self._claimed(session, upload_id).discard()
                return Response.empty(204)
            case "HEAD" | "GET":
                if session.stored is None:
                    raise StorageError("NoSuchKey", "The object does not exist")
                return Response.empty(200, [("ETag", f'"{session.stored.md5()}"')])
            case _:
                raise StorageError("MethodNotAllowed", "This method does nothing here")

    # ---- operations

    def _put(self, request: Request, session: Session) -> Response:
        blob = self._receive(request)
        self._uploads.stored(session, blob)
        return Response.empty(200, [("ETag", f'"{blob.md5()}"')])

    def _begin(self, session: Session) -> Response:
        world = self._cloud.world
        opaque = self._cloud.switches.word("part_tags") == "opaque"
        multipart = Assembly(world.new_secret(size=16), world.clock(), world.blobs, opaque=opaque)
        with self._cloud.world.lock:
            session.multiparts[multipart.id] = multipart
        return _xml(
            "InitiateMultipartUploadResult",
            f"<Bucket>{BUCKET}</Bucket><Key>{escape(session.key)}</Key>"
            f"<UploadId>{multipart.id}</UploadId>",
        )

    def _put_part(
        self, request: Request, session: Session, upload_id: str, number: str
    ) -> Response:
        multipart = self._multipart(session, upload_id)
        if not number.isdigit() or not 1 <= int(number) <= MOST_PARTS:
            raise StorageError("InvalidArgument", "partNumber must be between 1 and 10000")
        payload = request.headers.get("x-amz-content-sha256") or UNSIGNED
        digest = hashlib.sha256()
        watch = None if payload == UNSIGNED else digest.update
        part = multipart.receive(int(number), request.body, watch)
        if watch is not None and payload != digest.hexdigest():
            raise StorageError("BadDigest", "The content is not what was signed")
        with self._cloud.world.lock:
            # The upload may have been completed or aborted while the bytes came in.
            self._multipart(session, upload_id).keep(part)
        return Response.empty(200, [("ETag", f'"{part.tag}"')])

    def _list_parts(self, session: Session, upload_id: str, query: dict[str, str]) -> Response:
        multipart = self._multipart(session, upload_id)
        after = int(query.get("part-number-marker") or 0)
        most = min(int(query.get("max-parts") or 1000), 1000)
        with self._cloud.world.lock:
            numbers = sorted(number for number in multipart.parts if number > after)
            shown = [(number, multipart.parts[number]) for number in numbers[:most]]
        rows = "".join(
            f"<Part><PartNumber>{number}</PartNumber>"
            f"<LastModified>{stamp(multipart.started)}</LastModified>"
            f"<ETag>&quot;{part.tag}&quot;</ETag><Size>{part.size}</Size></Part>"
            for number, part in shown
        )
        more = len(numbers) > most
        following = shown[-1][0] if shown else after
        return _xml(
            "ListPartsResult",
            f"<Bucket>{BUCKET}</Bucket><Key>{escape(session.key)}</Key>"
            f"<UploadId>{escape(upload_id)}</UploadId>"
            f"<PartNumberMarker>{after}</PartNumberMarker>"
            f"<NextPartNumberMarker>{following}</NextPartNumberMarker>"
            f"<MaxParts>{most}</MaxParts><IsTruncated>{str(more).lower()}</IsTruncated>{rows}",
        )

    def _complete(self, request: Request, session: Session, upload_id: str) -> Response:
        multipart = self._multipart(session, upload_id)
        named = _named_parts(request.body.read().decode("utf-8", "replace"))
        if not named:
            raise StorageError("MalformedXML", "No part is named")
        parts: list[Part] = []
        for position, (number, etag) in enumerate(named):
            part = multipart.parts.get(number)
            if part is None or part.tag != etag:
                raise StorageError("InvalidPart", f"Part {number} is missing or differs")
            if position and number <= named[position - 1][0]:
                raise StorageError("InvalidPartOrder", "Parts must be in ascending order")
            if part.size < LEAST_PART and position < len(named) - 1:
                raise StorageError("EntityTooSmall", f"Part {number} is too small")
            parts.append(part)
        self._uploads.stored(session, self._claimed(session, upload_id).join(parts))
        etag = f"{upload_id[:8]}-{len(parts)}"
        if self._cloud.switches.word("complete_answer") == "json":
            return Response.json({"Bucket": BUCKET, "Key": session.key, "ETag": etag})
        return _xml(
            "CompleteMultipartUploadResult",
            f"<Location>/{BUCKET}/{quote(session.key)}</Location><Bucket>{BUCKET}</Bucket>"
            f"<Key>{escape(session.key)}</Key><ETag>&quot;{etag}&quot;</ETag>",
        )

    def _form(self, request: Request, content_type: str) -> Response:
        fields, content = file_of_form(request.body.read(), content_type)
        session = self._uploads.by_access_key.get(fields.get("OSSAccessKeyId", ""))
        if session is None or fields.get("key") != session.key or content is None:
            raise StorageError("AccessDenied", "The form does not fit any upload")
        self._uploads.stored(session, self._cloud.world.blobs.put_bytes(content))
        return Response.empty(204)

    # ---- inside

    def _multipart(self, session: Session, upload_id: str) -> Assembly:
        multipart = session.multiparts.get(upload_id)
        if multipart is None:
            raise StorageError("NoSuchUpload", "The upload is not known")
        return multipart

    def _claimed(self, session: Session, upload_id: str) -> Assembly:
        """The upload, for whoever ends it first: later calls find it gone."""
        with self._cloud.world.lock:
            multipart = self._multipart(session, upload_id)
            del session.multiparts[upload_id]
            return multipart

    def _receive(self, request: Request) -> Blob:
        payload = request.headers.get("x-amz-content-sha256") or UNSIGNED
        wanted = ("md5",) if payload == UNSIGNED else ("md5", "sha256")
        writer = self._cloud.world.blobs.new(wanted, request.body.length)
        with contextlib.ExitStack() as broken:
            broken.callback(writer.discard)
            for view in request.body.stream(1024 * 1024):
                writer.write(view)
            broken.pop_all()
        blob = writer.close()
        if payload != UNSIGNED and payload != blob.sha256():
            blob.path.unlink(missing_ok=True)
            raise StorageError("BadDigest", "The content is not what was signed")
        return blob


def _place(request: Request) -> tuple[str, str]:
    """Bucket and key: from the host name under a real one, else the path's first segment."""
    path = request.decoded_path.lstrip("/")
    root = root_of(request.hostname)
    if root and request.hostname != root:
        return request.hostname.removesuffix("." + root), path
    bucket, _, key = path.partition("/")
    return bucket, key


def _named_parts(body: str) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for part in PART.findall(body):
        number, etag = NUMBER.search(part), ETAG.search(part)
        if number is None or etag is None:
            raise StorageError("MalformedXML", "A part lacks its number or ETag")
        found.append((int(number[1]), unescape(etag[1]).strip().strip('"').lower()))
    return found


def _xml(root: str, inner: str) -> Response:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return Response.xml(f'{head}<{root} xmlns="{XMLNS}">{inner}</{root}>')


def _error(code: str, text: str, request: Request) -> Response:
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{escape(code)}</Code>'
        f"<Message>{escape(text)}</Message><Resource>{escape(request.path)}</Resource></Error>"
    )
    return Response.xml(body, STATUS.get(code, 403))
