"""PikPak's answers as typed values, and the one place that decodes them.

Owns shapes and leniency, no meaning. Sizes come as strings of digits from the service, but other
programs saw numbers and empty strings too; nothing here may make a whole listing fail for that.
"""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from typing import TypeVar, cast

import msgspec

from cloudtui.services.errors import BadReply, Retry
from cloudtui.services.times import noted_time

T = TypeVar("T")

COMPLETE = "PHASE_TYPE_COMPLETE"
PENDING = "PHASE_TYPE_PENDING"
RUNNING = "PHASE_TYPE_RUNNING"
ERROR = "PHASE_TYPE_ERROR"

FOLDER = "drive#folder"
FILE = "drive#file"


class Link(msgspec.Struct):
    """A signed address. The `expire` of its own JSON is not reliable, so it is not read."""

    url: str = ""


class Video(msgspec.Struct):
    """What is told of one form of a film; `duration` in seconds, `bit_rate` in bits a second."""

    width: int | None = None
    height: int | None = None
    duration: int | None = None
    bit_rate: int | None = None
    video_codec: str = ""
    audio_codec: str = ""


class Media(msgspec.Struct):
    """One playable form of a file, and what an account must have to play it."""

    link: Link | None = None
    media_name: str = ""
    resolution_name: str = ""
    is_origin: bool = False
    category: str = ""
    video: Video | None = None
    need_more_quota: bool = False
    vip_types: list[str] | None = None


class Audit(msgspec.Struct):
    """What the service thinks of the content."""

    status: str = ""
    message: str = ""


class Tag(msgspec.Struct):
    """A label; a star is the label `STAR`."""

    name: str = ""


class Params(msgspec.Struct):
    """What the service notes beside a file or a task: the link it was fetched from, the share it
    was saved from and what it was there."""

    url: str = ""
    original_share_id: str = ""
    original_file_id: str = ""


class File(msgspec.Struct):
    """A file or folder. `parent_id` is empty in the root, `hash` is a GCID in upper case."""

    id: str = ""
    kind: str = ""
    parent_id: str = ""
    name: str = ""
    size: int | None = None
    hash: str = ""
    md5_checksum: str = ""
    phase: str = ""
    trashed: bool = False
    created_time: str = ""
    modified_time: str = ""
    delete_time: str = ""
    mime_type: str = ""
    thumbnail_link: str = ""
    web_content_link: str = ""
    links: dict[str, Link] | None = None
    medias: list[Media] | None = None
    audit: Audit | None = None
    tags: list[Tag] | None = None
    params: Params | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it can hold others."""
        return self.kind == FOLDER

    @property
    def is_complete(self) -> bool:
        """Whether its content is stored whole. Old entries carry no phase at all."""
        return self.phase in ("", COMPLETE)


class FileList(msgspec.Struct):
    """One page of a listing."""

    files: list[File] | None = None
    next_page_token: str = ""


class Task(msgspec.Struct):
    """Something the service does on its own: a batch, an upload, a download."""

    id: str = ""
    type: str = ""
    name: str = ""
    file_id: str = ""
    file_name: str = ""
    file_size: int | None = None
    phase: str = ""
    progress: int = 0
    message: str = ""
    created_time: str = ""
    params: Params | None = None
    reference_resource: File | None = None


class TaskList(msgspec.Struct):
    """One page of tasks."""

    tasks: list[Task] | None = None
    next_page_token: str = ""


class TaskReply(msgspec.Struct):
    """A task on its own, bare as the service sends it or wrapped as some saw it."""

    id: str = ""
    phase: str = ""
    progress: int = 0
    message: str = ""
    file_id: str = ""
    task: Task | None = None


class Started(msgspec.Struct):
    """The answer to a batch call."""

    task_id: str = ""


class StoreParams(msgspec.Struct):
    """Where and with which short-lived credentials the bytes are to be put."""

    access_key_id: str = ""
    access_key_secret: str = ""
    security_token: str = ""
    bucket: str = ""
    endpoint: str = ""
    key: str = ""
    expiration: str = ""


class Resumable(msgspec.Struct):
    """The upload ticket of an answer."""

    params: StoreParams | None = None


class Created(msgspec.Struct):
    """The answer to everything that makes something: folder, upload, download task."""

    file: File | None = None
    task: Task | None = None
    resumable: Resumable | None = None


class QuotaNumbers(msgspec.Struct):
    """Bytes of the account."""

    limit: int | None = None
    usage: int | None = None
    usage_in_trash: int | None = None
    is_unlimited: bool = False


class About(msgspec.Struct):
    """The account's room."""

    quota: QuotaNumbers | None = None


class TransferNumbers(msgspec.Struct):
    """Bytes that may be moved and were."""

    total_assets: int = 0
    assets: int = 0


class TransferKinds(msgspec.Struct):
    """What the plan lets through in a month, and what free accounts may download in a day."""

    offline: TransferNumbers | None = None
    download: TransferNumbers | None = None
    upload: TransferNumbers | None = None
    download_daily: TransferNumbers | None = None


class Transfers(msgspec.Struct):
    """The account's allowances."""

    base: TransferKinds | None = None


class PlanFacts(msgspec.Struct):
    """What is paid for; `status` is `ok` while it is, `type` of nobody is `novip`."""

    type: str = ""
    status: str = ""
    expire: str = ""


class PlanReply(msgspec.Struct):
    """The account's plan."""

    data: PlanFacts | None = None


class CaptchaReply(msgspec.Struct):
    """A captcha token, good for `expires_in` seconds, and perhaps a puzzle for a human."""

    captcha_token: str = ""
    expires_in: int = 0
    url: str = ""


class TokenReply(msgspec.Struct):
    """The answer to a sign-in or a refresh."""

    access_token: str = ""
    refresh_token: str = ""
    expires_in: int = 0
    sub: str = ""


class ShareReply(msgspec.Struct):
    """A public link that was made."""

    share_id: str = ""
    share_url: str = ""
    pass_code: str = ""


class OpenedShare(msgspec.Struct):
    """One page of somebody's share, of its top or a folder; `share_status` says whether it is
    open."""

    share_status: str = ""
    share_status_text: str = ""
    pass_code_token: str = ""
    title: str = ""
    files: list[File] | None = None
    next_page_token: str = ""


class SharedFile(msgspec.Struct):
    """One thing in somebody's share, with links where it is a file."""

    share_status: str = ""
    share_status_text: str = ""
    file_info: File | None = None


class Saved(msgspec.Struct):
    """The answer to saving from a share."""

    share_status: str = ""
    restore_task_id: str = ""
    file_id: str = ""
    share_status_text: str = ""


class SharedLink(msgspec.Struct):
    """A public link in the list of one's own; counts are texts of digits."""

    share_id: str = ""
    share_url: str = ""
    title: str = ""
    create_time: str = ""
    pass_code: str = ""
    share_to: str = ""
    expiration_days: int | None = None
    expiration_at: str = ""
    view_count: int | None = None
    restore_count: int | None = None
    restore_limit: int | None = None
    share_status: str = ""
    share_status_text: str = ""
    file_id: str = ""
    file_kind: str = ""
    file_num: int | None = None
    file_size: int | None = None


class SharedLinks(msgspec.Struct):
    """One page of public links."""

    data: list[SharedLink] | None = None
    next_page_token: str = ""


class ArchiveRow(msgspec.Struct):
    """Something inside an archive; `path` of a folder ends in a slash."""

    filename: str = ""
    filesize: int | None = None
    kind: str = ""
    path: str = ""


class ArchiveReply(msgspec.Struct):
    """The answer to looking into or unpacking an archive: `status` says whether it worked."""

    status: str = ""
    status_text: str = ""
    task_id: str = ""
    files: list[ArchiveRow] | None = None


class Unpacking(msgspec.Struct):
    """How far an extraction is."""

    phase: str = ""
    progress: int = 0
    file_id: str = ""
    error_description: str = ""


class Me(msgspec.Struct):
    """The user's profile; the e-mail comes masked."""

    name: str = ""
    email: str = ""


class Nothing(msgspec.Struct):
    """An answer whose content does not matter."""


def decode(kind: type[T], body: bytes) -> T:
    """Read `body` as `kind`. Raises BadReply when it is not JSON or not an object.

    The fast way takes what the service normally sends. Should a field have another type, the whole
    answer is read the slow way: nulls, empty texts and empty lists become defaults, numbers and
    texts of digits stand for one another. What only describes forms of films is left out when it
    is the cause: the file itself is to be read all the same.
    """
    try:
        return msgspec.json.decode(body or b"{}", type=kind, strict=False)
    except ValueError:
        pass  # includes wrong types: the slow way below decides what is an error
    try:
        value = _softened(parse(body))
        try:
            return msgspec.convert(value, type=kind, strict=False)
        except ValueError:
            return msgspec.convert(_undescribed(value), type=kind, strict=False)
    except ValueError as error:
        raise BadReply(
            "PikPak answered with something that is not its usual form.",
            hint="Nothing was changed by this program; try again in a while.",
            retry=Retry.RECONCILE,
        ) from error


def parse(body: bytes) -> object:
    """The JSON in `body`, whatever its texts are made of. Raises ValueError when it is none.

    Bytes that are no UTF-8 and halves of surrogate pairs, which some client may have put into a
    name, become U+FFFD: one odd name must not close its whole folder.
    """
    try:
        return cast("object", msgspec.json.decode(body))
    except ValueError:
        raw: object = json.loads(body.decode("utf-8", "replace"))
    return _whole(raw)


def _whole(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value


def _softened(value: object) -> object:
    """Everything as text where possible and nothing that only says "nothing"."""
    if isinstance(value, dict):
        softened = {key: _softened(item) for key, item in value.items()}
        return {key: item for key, item in softened.items() if item not in (None, "", [])}
    if isinstance(value, list):
        return [item for item in map(_softened, value) if item is not None]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(int(value)) if math.isfinite(value) else None
    return value


_DESCRIBING = frozenset(
    {"video", "vip_types", "need_more_quota", "media_name", "resolution_name", "category"}
)
"""Fields of the forms of a film that are shown and not acted on."""


def _undescribed(value: object) -> object:
    if isinstance(value, dict):
        return {k: _undescribed(item) for k, item in value.items() if k not in _DESCRIBING}
    if isinstance(value, list):
        return [_undescribed(item) for item in value]
    return value


_FRACTION = re.compile(r"\.(\d+)")


def time_ns(text: str) -> int | None:
    """A time as the service writes it (RFC 3339) in nanoseconds UTC; None when it is none.

    Go's zero time (year 1) stands for "no time".
    """
    if not text:
        return None
    try:
        stamp = datetime.fromisoformat(_FRACTION.sub(lambda m: "." + m[1][:6].ljust(6, "0"), text))
    except ValueError:
        return None
    if stamp.tzinfo is None or stamp.year < 1970:
        return None
    whole = int(stamp.replace(microsecond=0).timestamp())
    return noted_time(whole * 1_000_000_000 + stamp.microsecond * 1000)
