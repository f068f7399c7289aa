"""The shapes of pCloud's answers, as far as this program reads them.

Lenient on purpose: numbers may come as strings, anything may be missing, unknown fields are
skipped. Numbers are exact: `hash`, ids and upload ids are unsigned 64-bit and often above 2**63.
Must not do I/O and must not know names' encoding or errors.
"""

from __future__ import annotations

import calendar
import email.utils
from functools import lru_cache
from typing import Final, TypeVar

import msgspec

from cloudtui.services.pcloud import lenient

Stamp = int | str | None
"""A time as the service sends it: seconds since the epoch (asked for by timeformat=timestamp), or
its long form, always 31 characters with English names in UTC."""

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
        start=1,
    )
}


_FIRST: Final = -(1 << 35)
_LAST: Final = 1 << 37
"""The years 881 and 6325: times beyond are none, and no calendar shows them."""


def seconds(stamp: Stamp) -> int | None:
    """Seconds since the epoch, None when there is no readable time."""
    found = _seconds(stamp)
    return found if found is not None and _FIRST < found < _LAST else None


@lru_cache(maxsize=4096)
def _seconds(stamp: Stamp) -> int | None:
    if stamp is None or isinstance(stamp, int):
        return stamp
    if stamp.isdecimal():
        return int(stamp)
    try:
        # "Thu, 21 Mar 2013 18:31:45 +0000": cut by column, email.utils is six times slower
        if len(stamp) == 31 and stamp.endswith("+0000"):
            return calendar.timegm(
                (
                    int(stamp[12:16]),
                    _MONTHS[stamp[8:11]],
                    int(stamp[5:7]),
                    int(stamp[17:19]),
                    int(stamp[20:22]),
                    int(stamp[23:25]),
                )
            )
        return int(email.utils.parsedate_to_datetime(stamp).timestamp())
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


class Answer(msgspec.Struct):
    """What every answer carries. `result` is 0 for success; None means that this is no answer of
    the service at all."""

    result: int | None = None
    error: str | None = None


class Item(msgspec.Struct):
    """Metadata of a file or folder. The number of its kind may be missing where `id` is there,
    which is all that rclone reads."""

    name: str = ""
    id: str | None = None
    isfolder: bool = False
    folderid: int | None = None
    fileid: int | None = None
    parentfolderid: int | None = None
    created: Stamp = None
    modified: Stamp = None
    size: int | None = None
    hash: int | None = None
    contenttype: str | None = None
    ismine: bool = True
    isshared: bool = False
    cancreate: bool | None = None
    canmodify: bool | None = None
    candelete: bool | None = None
    encrypted: bool | None = None
    isdeleted: bool | None = None
    deletedfileid: int | None = None
    origparentfolderid: int | None = None

    def __post_init__(self) -> None:
        if self.fileid is None and (self.folderid is None or not self.isfolder):
            self._complete()

    def _complete(self) -> None:
        """Kind and number from what else there is."""
        if self.folderid is not None:
            self.isfolder = True
        elif self.id is not None and self.id[1:].isdecimal():
            if self.id.startswith("d"):
                self.isfolder, self.folderid = True, int(self.id[1:])
            elif self.id.startswith("f") and not self.isfolder:
                self.fileid = int(self.id[1:])

    @property
    def node(self) -> str:
        """`d<folderid>` or `f<fileid>`: files and folders number apart."""
        return f"d{self.folderid}" if self.isfolder else f"f{self.fileid}"

    @property
    def is_whole(self) -> bool:
        """Whether it names something: an id of its kind is there, and one that can be."""
        number = self.folderid if self.isfolder else self.fileid
        return number is not None and number >= 0


class Folder(Item):
    """A folder with what it holds; an empty one may come without `contents`."""

    contents: list[Item] | None = None


class Tree(Item):
    """A folder with everything below it."""

    contents: list[Tree] | None = None


class Listing(Answer):
    """`listfolder`."""

    metadata: Folder | None = None


class TreeListing(Answer):
    """`listfolder` with recursive=1, and `trash_list`."""

    metadata: Tree | None = None


class One(Answer):
    """Any answer with a single `metadata`."""

    metadata: Item | None = None


class Made(Answer):
    """`createfolderifnotexists`."""

    metadata: Item | None = None
    created: bool | None = None


class Sums(msgspec.Struct):
    """Digests in hex; which ones come depends on the region, SHA-1 always does."""

    sha1: str | None = None
    md5: str | None = None
    sha256: str | None = None


class Checksums(Answer):
    """`checksumfile`."""

    sha1: str | None = None
    md5: str | None = None
    sha256: str | None = None
    metadata: Item | None = None


class Uploaded(Answer):
    """`uploadfile`: arrays in the order of the files sent."""

    metadata: list[Item] = []
    checksums: list[Sums] = []


class UploadCreated(Answer):
    """`upload_create`."""

    uploadid: int | None = None


class UploadInfo(Answer):
    """`upload_info`: what the server holds of an upload session."""

    size: int | None = None
    sha1: str | None = None
    md5: str | None = None


class Link(Answer):
    """`getfilelink` and the like: hosts best first, `path` already percent-encoded."""

    hosts: list[str] = []
    path: str = ""
    expires: Stamp = None
    size: int | str | None = None
    hash: int | None = None


class Variant(msgspec.Struct):
    """One form of a film. `duration` is text, in seconds; rates are kilobits a second."""

    hosts: list[str] = []
    path: str = ""
    width: int | None = None
    height: int | None = None
    duration: float | str | None = None
    videobitrate: int | None = None
    audiobitrate: int | None = None
    videocodec: str = ""
    audiocodec: str = ""
    isoriginal: bool = False


class Variants(Answer):
    """`getvideolinks`."""

    variants: list[Variant] = []


class UserInfo(Answer):
    """`userinfo`."""

    userid: int | None = None
    email: str = ""
    quota: int | None = None
    usedquota: int | None = None
    trashrevretentiondays: int | None = None
    premium: bool = False


class TokenAnswer(Answer):
    """`oauth2_token`; documents and programs disagree on `uid` and `userid`, both are read."""

    access_token: str = ""
    uid: int | None = None
    userid: int | None = None
    locationid: int | None = None


class TokenRow(msgspec.Struct):
    """One sign-in of `listtokens`."""

    tokenid: int | None = None
    device: str = ""
    created: Stamp = None
    expires: Stamp = None


class TokenList(Answer):
    """`listtokens`."""

    tokens: list[TokenRow] = []


class Collection(msgspec.Struct):
    """A playlist of the service; `items` is how many tracks it has."""

    id: int | None = None
    name: str = ""
    system: bool = False
    items: int = 0


class Collections(Answer):
    """`collection_list`."""

    collections: list[Collection] = []


class LinkResult(msgspec.Struct):
    """What became of one track of a playlist."""

    fileid: int | None = None
    result: int = 0


class CollectionAnswer(Answer):
    """`collection_create` and the like. The published sample shows a list of one, working programs
    read an object: both are taken."""

    collection: Collection | list[Collection] | None = None
    linkresult: list[LinkResult] = []

    @property
    def one(self) -> Collection | None:
        """The playlist it is about."""
        if isinstance(self.collection, list):
            return self.collection[0] if self.collection else None
        return self.collection


class Server(Answer):
    """`currentserver`."""

    hostname: str = ""


class FetchedFile(msgspec.Struct):
    """One URL of a download made by the service."""

    url: str = ""
    status: str = ""
    size: int | None = None
    downloaded: int | None = None
    metadata: Item | None = None


class FetchProgress(Answer):
    """`uploadprogress` of a download made by the service."""

    finished: bool = False
    files: list[FetchedFile] = []


class PublicLink(msgspec.Struct):
    """A public link. `metadata` is left out by some answers and for deleted things."""

    linkid: int | None = None
    code: str = ""
    link: str = ""
    created: Stamp = None
    expires: Stamp = None
    downloads: int | None = None
    maxdownloads: int | None = None
    traffic: int | None = None
    maxtraffic: int | None = None
    haspassword: bool | None = None
    metadata: Item | None = None
    fileid: int | None = None
    folderid: int | None = None

    @property
    def node(self) -> str:
        """What it points to, empty when the answer does not say."""
        if self.metadata is not None and self.metadata.is_whole:
            return self.metadata.node
        if self.fileid is not None:
            return f"f{self.fileid}"
        return f"d{self.folderid}" if self.folderid is not None else ""


class PublicLinks(Answer):
    """`listpublinks`."""

    publinks: list[PublicLink] = []


class NewPublicLink(Answer):
    """`getfilepublink` and `getfolderpublink`."""

    linkid: int | None = None
    code: str = ""
    link: str = ""


class Version(msgspec.Struct):
    """One entry of `listrevisions`; `created` is when the version was stored."""

    revisionid: int | None = None
    size: int | None = None
    hash: int | None = None
    created: Stamp = None


class Versions(Answer):
    """`listrevisions`: `metadata` is of the file as it is now."""

    revisions: list[Version] = []
    metadata: Item | None = None


class Event(msgspec.Struct):
    """One entry of `diff`. `metadata` is missing for events that are not about files."""

    event: str = ""
    time: Stamp = None
    diffid: int | None = None
    metadata: Item | None = None


class Events(Answer):
    """`diff`."""

    diffid: int | None = None
    entries: list[Event] = []


class Extraction(Answer):
    """`extractarchive` and `extractarchiveprogress`; the server that goes on names itself."""

    finished: bool = False
    progresshash: str = ""
    hostname: str = ""
    lines: int | None = None
    output: list[str] = []


class RestorePath(Answer):
    """`trash_restorepath`: where a deleted thing would go."""

    metadata: Item | None = None
    destination: Item | None = None


class Restored(Answer):
    """`trash_restore` of one item."""

    metadata: Item | None = None


class Misshapen(ValueError):
    """Whole JSON that is no answer of the documented shape."""


A = TypeVar("A", bound=Answer)

_decoders: dict[type[Answer], msgspec.json.Decoder[Answer]] = {}


def decode(body: bytes, into: type[A]) -> A:
    """One answer. Raises ValueError when it is no JSON or cut short, and Misshapen when it is in
    another shape. A field whose value is of another type counts as missing; a list of things that
    are not all readable does not, for what is missing there would be taken for deleted."""
    decoder = _decoders.get(into)
    if decoder is None:
        decoder = _decoders[into] = msgspec.json.Decoder(into, strict=False)
    try:
        answer = decoder.decode(body)
    except msgspec.ValidationError:
        try:
            answer = lenient.decode(body, into)
        except msgspec.ValidationError as exc:
            raise Misshapen("the answer holds something else") from exc
    if not isinstance(answer, into) or answer.result is None:
        raise Misshapen("the answer carries no result")
    return answer


_items: Final = msgspec.json.Decoder(list[Item], strict=False)


def decode_items(body: bytes) -> list[Item]:
    """The entries of a listing, cut out of it as a JSON array of their own."""
    try:
        return _items.decode(body)
    except msgspec.ValidationError:
        return lenient.decode_list(body, Item)
