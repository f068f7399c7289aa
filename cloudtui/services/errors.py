"""The one tree of errors.

    CloudError
    ├── UsageError         the request makes no sense as it stands               exit 2
    │   ├── Ambiguous      a path fits several entries                           exit 2
    │   └── BadName        the place does not take this name                     exit 2
    ├── NotFound           gone, or never there                                  exit 3
    ├── LoginNeeded        no sign-in, or one that no longer holds               exit 4
    │   ├── WrongPassword  the service refused user name or password             exit 4
    │   └── CaptchaNeeded  a human must solve a puzzle first (`url`)             exit 4
    ├── Full               quota or disk full                                    exit 5
    ├── Offline            no connection, time-out, connection lost              exit 6
    │   ├── ServerTrouble  5xx and the like: the service is unwell               exit 6
    │   │   └── BadReply   an answer that is not what the service documents      exit 6
    │   └── TooMany        the service asks to slow down (`after`)               exit 6
    ├── Mismatch           bytes or digests disagree                             exit 7
    ├── Refused            the service or the disk says no                       exit 8
    │   ├── Denied         no permission, read-only                              exit 8
    │   │   └── PasswordNeeded  an archive or link wants a (different) password  exit 8
    │   ├── NotSupported   the place cannot do this, or closes it to apps        exit 8
    │   └── Gone           an upload session, link or task the service forgot    exit 8
    ├── Exists             the name is taken                                     exit 1
    │   └── NotEmpty       a folder that still holds something                   exit 1
    ├── SourceChanged      the source is no longer what was planned              exit 1
    └── Interrupted        stopped by the user or a signal                       exit 130

Retryability is a property of the error (`retry`), never of the caller. A leaf: standard library
only. `text` is one plain sentence for people; foreign strings inside it must already have passed
`naming.display_name`. Nothing secret ever enters an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum, IntEnum
from typing import ClassVar


class Retry(Enum):
    """Whether and how the same call may be made again."""

    NEVER = "never"
    SOON = "soon"
    """Safe after a pause with growing waits."""
    RECONCILE = "reconcile"
    """The answer was lost: look whether the call took effect before it is made again."""


class ExitCode(IntEnum):
    """Exit codes of the headless commands."""

    DONE = 0
    SOME_LEFT = 1
    USAGE = 2
    NOT_FOUND = 3
    LOGIN = 4
    FULL = 5
    NETWORK = 6
    VERIFY = 7
    REFUSED = 8
    INTERRUPTED = 130
    TERMINATED = 143


EXIT_ORDER: tuple[int, ...] = (130, 4, 5, 7, 8, 6, 3, 1)
"""When several errors happened in one run, the first of these that occurred is the exit code."""


class CloudError(Exception):
    """Base of everything the program reports to people.

    Attributes:
        text: one plain sentence: what happened and what was kept.
        hint: what to do next, or empty.
        code: stable name for tests, logs and JSON.
        where: the path or host it is about, already safe to display, or empty.
        after: seconds to wait before another try, when the service said so.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[ExitCode] = ExitCode.SOME_LEFT
    retry: Retry = Retry.NEVER

    def __init__(
        self,
        text: str,
        *,
        hint: str = "",
        where: str = "",
        after: float | None = None,
        retry: Retry | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint
        self.where = where
        self.after = after
        self.detail = detail
        """The service's own words or codes, shown only on request; already safe to display."""
        if retry is not None:
            self.retry = retry

    def __str__(self) -> str:
        return f"{self.text} {self.hint}".strip()

    def as_json(self) -> dict[str, str]:
        """The shape of `error` in `--json` output."""
        return {"code": self.code, "message": self.text, "hint": self.hint}


class UsageError(CloudError):
    """The request makes no sense as it stands."""

    code = "usage"
    exit_code = ExitCode.USAGE


class Ambiguous(UsageError):
    """A path fits several entries; `ids` names them."""

    code = "ambiguous"

    def __init__(self, text: str, *, ids: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(text, hint=hint)
        self.ids = ids


class BadName(UsageError):
    """The place does not take this name."""

    code = "bad_name"


class NotFound(CloudError):
    """Gone, or never there."""

    code = "not_found"
    exit_code = ExitCode.NOT_FOUND


class LoginNeeded(CloudError):
    """No sign-in, or one that no longer holds."""

    code = "login_needed"
    exit_code = ExitCode.LOGIN


class WrongPassword(LoginNeeded):
    """The service refused the user name or the password."""

    code = "wrong_password"


class CaptchaNeeded(LoginNeeded):
    """A human must solve a puzzle at `url` first; the token behind it is good for minutes."""

    code = "captcha_needed"

    def __init__(self, text: str, *, url: str = "", hint: str = "") -> None:
        super().__init__(text, hint=hint)
        self.url = url


class Full(CloudError):
    """The quota or the disk is full."""

    code = "full"
    exit_code = ExitCode.FULL


class Offline(CloudError):
    """No connection, a time-out, or a connection that broke."""

    code = "offline"
    exit_code = ExitCode.NETWORK
    retry = Retry.SOON


class ServerTrouble(Offline):
    """The service answered that it is unwell."""

    code = "server_trouble"


class BadReply(ServerTrouble):
    """An answer that is not in the documented shape (HTML, cut JSON, a missing field)."""

    code = "bad_reply"


class TooMany(Offline):
    """The service asks to slow down; `after` holds the seconds it named, if any."""

    code = "too_many"


class Mismatch(CloudError):
    """Bytes or digests disagree: the result is never shown under its real name."""

    code = "mismatch"
    exit_code = ExitCode.VERIFY


class Refused(CloudError):
    """The service or the disk says no."""

    code = "refused"
    exit_code = ExitCode.REFUSED


class Denied(Refused):
    """No permission, or read-only."""

    code = "denied"


class PasswordNeeded(Denied):
    """An archive or link wants a password, or another one than it was given."""

    code = "password_needed"


class NotSupported(Refused):
    """The place cannot do this, or does not allow it to programs like this one."""

    code = "not_supported"


class Gone(Refused):
    """An upload session, link or task that the service no longer knows: start that step anew."""

    code = "gone"


class Exists(CloudError):
    """The name is taken."""

    code = "exists"


class NotEmpty(Exists):
    """A folder that still holds something."""

    code = "not_empty"


class SourceChanged(CloudError):
    """The source is no longer what was planned; it was left alone."""

    code = "source_changed"


class Interrupted(CloudError):
    """Stopped by the user or a signal; parts are kept."""

    code = "interrupted"
    exit_code = ExitCode.INTERRUPTED


def exit_code_of(errors: list[CloudError]) -> int:
    """The exit code for a run in which `errors` happened (empty: 0).

    A usage error alone gives 2; among several, `EXIT_ORDER` decides and anything else is 1.
    """
    return exit_code_of_codes(error.code for error in errors)


def exit_code_of_codes(codes: Iterable[str]) -> int:
    """The same from stable codes, as the journal keeps them; unknown ones count as 1."""
    found = {_EXIT_BY_CODE.get(code, ExitCode.SOME_LEFT) for code in codes}
    if not found:
        return int(ExitCode.DONE)
    if len(found) == 1:
        return int(found.pop())
    return next((code for code in EXIT_ORDER if code in found), int(ExitCode.SOME_LEFT))


def _family(base: type[CloudError]) -> Iterator[type[CloudError]]:
    yield base
    for child in base.__subclasses__():
        yield from _family(child)


_EXIT_BY_CODE: dict[str, ExitCode] = {each.code: each.exit_code for each in _family(CloudError)}
