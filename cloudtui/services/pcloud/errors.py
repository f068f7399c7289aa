"""From pCloud's result codes and HTTP statuses to the program's errors: one function.

Codes are matched by number, never by text: pCloud's texts contain typing errors and change. What
a code means is taken from pCloud's published tables and from what rclone and pCloud's own clients
do with it. Must not do I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cloudtui.services.errors import (
    BadName,
    BadReply,
    CloudError,
    Denied,
    Exists,
    Full,
    Gone,
    LoginNeeded,
    NotEmpty,
    NotFound,
    NotSupported,
    PasswordNeeded,
    Refused,
    Retry,
    ServerTrouble,
    TooMany,
)
from cloudtui.services.naming import display_name
from cloudtui.services.pcloud import wire

SERVICE: Final = "pCloud"

LOG_IN_REQUIRED: Final = 1000
"""Ambiguous: a token that no longer holds, or a method closed to apps."""
ELSEWHERE: Final = frozenset({2000, 2094})
"""The credentials are not known here; they may belong to the other region."""
ROOT_RECURSION: Final = 1101
EXISTS: Final = 2004
NO_UPLOAD: Final = 2067
NO_URL: Final = 1040
NO_FILM: Final = 2044
UNKNOWN_PROGRESS: Final = 1900
MISSING: Final = frozenset({2002, 2005, 2009, 2010, 2055})

_SIGN_IN: Final = "Sign in to pCloud again."

_Make = Callable[[str], CloudError]


def _login(text: str) -> _Make:
    return lambda detail: LoginNeeded(text, hint=_SIGN_IN, detail=detail)


def _refused(text: str, hint: str = "") -> _Make:
    return lambda detail: Refused(text, hint=hint, detail=detail)


def _missing(text: str) -> _Make:
    return lambda detail: NotFound(text, detail=detail)


def _denied(text: str, hint: str = "") -> _Make:
    return lambda detail: Denied(text, hint=hint, detail=detail)


def _trouble(text: str, retry: Retry = Retry.SOON) -> _Make:
    return lambda detail: ServerTrouble(text, hint="Try again later.", detail=detail, retry=retry)


def _gone(text: str) -> _Make:
    return lambda detail: Gone(text, detail=detail)


_BY_CODE: Final[dict[int, _Make]] = {
    # sign-in
    1000: _login("pCloud no longer accepts this sign-in."),
    2000: _login("pCloud did not accept this sign-in."),
    2012: _login("pCloud did not accept the code: it was mistyped, used before, or is too old."),
    2094: _login("pCloud does not know this sign-in."),
    2095: _login("The permission for this program was taken back at pCloud."),
    2297: _login("pCloud asks for a second factor, which this way of signing in cannot give."),
    2321: _login("This account lives in pCloud's other region."),
    2330: _trouble("pCloud is moving this account to another region."),
    # not there
    2002: _missing("A folder on the way there does not exist."),
    2005: _missing("The folder does not exist."),
    2009: _missing("The file does not exist."),
    2010: _missing("There is nothing under this path."),
    2055: _missing("There is no such file or folder."),
    2029: _missing("pCloud has no such older version."),
    2065: _missing("There is no such playlist."),
    2102: _missing("There is no such sign-in token."),
    1900: _gone("pCloud knows nothing of this transfer."),
    1901: _gone("pCloud knows nothing of this archive."),
    2067: _gone("pCloud has forgotten this upload; it starts again from the beginning."),
    # taken
    2004: lambda detail: Exists("The name is already taken.", detail=detail),
    2006: lambda detail: NotEmpty("The folder is not empty.", detail=detail),
    # names and room
    2001: lambda detail: BadName("pCloud does not take this name.", detail=detail),
    2008: lambda detail: Full(
        "The pCloud account is full.", hint="Delete something or get more room.", detail=detail
    ),
    # permission
    2003: _denied("pCloud does not permit this here.", "The folder or the app may be read-only."),
    2016: _denied("This belongs to somebody else."),
    2026: _denied("This belongs to somebody else."),
    2028: _denied("The folder is shared with others.", "End the share first."),
    2039: _denied("pCloud does not permit this here."),
    2075: _denied("This account is not part of the business account."),
    2124: _denied("The subscription for encrypted folders has ended."),
    2346: _denied("This is a backup folder; programs may not write to it."),
    # cannot be done
    2007: _refused("The top folder cannot be deleted."),
    2015: _refused("The top folder cannot be shared."),
    2042: _refused("The top folder cannot be moved."),
    2023: _refused("A shared folder cannot be put into another shared folder."),
    2043: _refused("A folder cannot be put into itself."),
    NO_FILM: _refused("This is not a video."),
    1014: _refused("pCloud makes no picture of this kind of file."),
    1015: _refused("pCloud makes no picture of this kind of file."),
    3001: _refused("pCloud could not make a picture of this file."),
    2059: _refused("pCloud cannot read this archive."),
    3006: _refused("pCloud cannot read this archive."),
    2061: _refused("pCloud does not know this text encoding."),
    2119: _refused("pCloud could not copy this folder."),
    2206: _refused("pCloud could not copy this folder."),
    2207: _refused("pCloud could not copy this folder."),
    2208: _refused("pCloud could not copy this folder."),
    1101: lambda detail: NotSupported(
        "pCloud does not list the whole account at once.", detail=detail
    ),
    # public links
    2014: _refused("pCloud wants the account's e-mail address confirmed first."),
    2027: _missing("The public link does not exist any more."),
    2261: _refused("Links that expire need a paid plan."),
    7001: _missing("There is no such public link."),
    7002: _missing("The public link was deleted."),
    7003: _refused("pCloud took the link down for a copyright complaint."),
    7004: _gone("The public link has expired."),
    7005: _refused("The public link has used up its traffic."),
    7006: _refused("The public link has used up its downloads."),
    7007: _refused("The owner of the public link has no room left."),
    7008: _refused("The public link holds too many files."),
    7009: lambda detail: PasswordNeeded("The archive needs another password.", detail=detail),
    7010: _refused("pCloud refused the link because of the page it was asked from."),
    # rate
    4000: lambda detail: TooMany("pCloud asks to slow down.", detail=detail),
    # server
    2041: _trouble("The connection to pCloud broke during the upload.", Retry.RECONCILE),
    2068: _trouble("pCloud could not store this part of the upload.", Retry.SOON),
    5000: _trouble("pCloud has an internal problem.", Retry.RECONCILE),
    5001: _trouble("pCloud could not finish the upload.", Retry.RECONCILE),
    5002: _trouble("pCloud has no server for this at the moment."),
    5003: _trouble("pCloud could not write the file.", Retry.RECONCILE),
    5004: _trouble("pCloud could not read the file."),
}

_OUR_FAULT: Final = frozenset(
    {1001, 1002, 1004, 1005, 1006, 1013, 1016, 1017, 1018, 1028, 1029, 1030, 1037, 1038, 1039}
    | {1040, 1052, 1053, 1054, 1057, 1058, 1076}
)


def from_result(
    result: int, message: str | None = None, *, method: str, after: float | None = None
) -> CloudError:
    """The error for a non-zero `result`.

    `message` is the service's own text (kept as detail, made safe to display); `method` names the
    call. 1000 is mapped as a lost sign-in: whoever can ask the service decides whether it is a
    closed method (`closed`).
    """
    said = f" {display_name(message)}" if message else ""
    detail = f"{method}: {result}{said}"
    make = _BY_CODE.get(result)
    if make is not None:
        error = make(detail)
    elif 4000 <= result < 5000:
        error = TooMany("pCloud asks to slow down.", detail=detail)
    elif 5000 <= result < 6000:
        error = _trouble("pCloud has an internal problem.", Retry.RECONCILE)(detail)
    elif 1900 <= result < 2000:
        error = _gone("pCloud knows nothing of this task.")(detail)
    elif result in _OUR_FAULT:
        error = Refused(
            f"pCloud did not understand the request ({result}).",
            hint="This is a fault of this program; please report it.",
            detail=detail,
        )
    else:
        error = Refused(f"pCloud refused this ({result}).", detail=detail)
    if after is not None:
        error.after = after
    return error


def from_status(status: int, *, method: str, after: float | None = None) -> CloudError:
    """The error for an answer whose HTTP status is not 200; bodies of those are not read.

    pCloud answers every API call with 200; other statuses come from what stands before it. 404
    and 400 mean a method this server does not have. On content servers 410 means that a link is
    dead, and 404 the same.
    """
    detail = f"{method}: HTTP {status}"
    if status == 429 or status == 509:
        return TooMany("pCloud asks to slow down.", after=after, detail=detail)
    if status in (500, 502, 503, 504, 408):
        # a gateway may have given up on a call that is being executed
        return ServerTrouble(
            f"pCloud has a problem at the moment (HTTP {status}).",
            hint="Try again later.",
            after=after,
            detail=detail,
            retry=Retry.RECONCILE,
        )
    if status == 410:
        return Gone("The download link has expired.", detail=detail)
    if status in (400, 404, 405, 501):
        return NotSupported("pCloud does not offer this.", detail=detail)
    if status in (401, 403, 407):
        return Denied(f"Something on the way to pCloud refused the call ({status}).", detail=detail)
    return BadReply(
        f"The answer did not come from pCloud (HTTP {status}).",
        hint="A network that asks for a sign-in of its own may stand in between.",
        detail=detail,
    )


def bad_reply(method: str, why: str, *, retry: Retry = Retry.RECONCILE) -> BadReply:
    """The error for an answer that is no JSON, cut short, or lacks what it must have."""
    return BadReply(
        "The answer was not what pCloud documents.",
        hint="Try again; a network that asks for a sign-in of its own may stand in between.",
        detail=f"{method}: {why}",
        retry=retry,
    )


def again_after(misread: ValueError, change: bool) -> Retry:
    """Whether to ask again after an answer that could not be read. What was cut short or came from
    something in between may be better the next time; a whole answer of another shape is not,
    and only what it changed has to be found out."""
    of_service = isinstance(misread, wire.Misshapen)
    return Retry.NEVER if of_service and not change else Retry.RECONCILE


def closed(method: str) -> NotSupported:
    """The error for a method that answers "log in" to a token which works elsewhere."""
    return NotSupported(
        "pCloud does not allow this to apps.",
        hint="It works on pCloud's web page.",
        detail=f"{method}: closed to apps",
    )
