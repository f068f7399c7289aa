"""PikPak's refusals: how they are recognised, and the one function that words them.

Status, `error_code` and the `error` name must be read together: code 9 stands for captcha, trash,
archive passwords and more, and an error body may come under HTTP 200. Nothing else in this package
turns an answer into an exception.
"""

from __future__ import annotations

import contextlib
import email.utils
import time
from collections.abc import Mapping
from typing import Final

import msgspec

from cloudtui.services.errors import (
    BadName,
    BadReply,
    CloudError,
    Denied,
    Exists,
    Full,
    Gone,
    LoginNeeded,
    NotFound,
    NotSupported,
    PasswordNeeded,
    Refused,
    Retry,
    ServerTrouble,
    TooMany,
    UsageError,
    WrongPassword,
)
from cloudtui.services.naming import display_name
from cloudtui.services.pikpak.wire import parse

SERVICE: Final = "PikPak"

_SIGNED_OUT_CODES: Final = frozenset({16, 4121, 4122})
_SPENT_CODES: Final = frozenset({4126})
_CAPTCHA_CODES: Final = frozenset({4001, 4002})


class Fault(msgspec.Struct, frozen=True):
    """A refusal as it came: HTTP status, name, code, text for people, and the wait asked for."""

    status: int
    name: str = ""
    code: int = 0
    text: str = ""
    after: float | None = None
    readable: bool = True
    """Whether the body was JSON at all."""

    @property
    def wants_captcha(self) -> bool:
        """Whether a (new) captcha token would help. By name: code 9 alone says nothing."""
        return (
            self.name.startswith("captcha")
            or self.name == "risklimited"
            or self.code in _CAPTCHA_CODES
        )

    @property
    def signed_out(self) -> bool:
        """Whether the access token no longer holds."""
        return self.code in _SIGNED_OUT_CODES or (
            self.status == 401 and self.code not in _SPENT_CODES and not self.wants_captcha
        )

    @property
    def spent(self) -> bool:
        """Whether the refresh token no longer holds (at sign-in: the network is not let in)."""
        return self.code in _SPENT_CODES or self.name == "invalid_grant"

    @property
    def too_frequent(self) -> bool:
        """Whether the service asks to slow down, in any of its ways of saying so."""
        return self.status == 429 or self.code == 10 or "too frequent" in self.text.lower()

    @property
    def detail(self) -> str:
        """The service's own words, safe to display."""
        return display_name(f"{self.name} ({self.code or self.status}): {self.text}"[:400])


class IdentityRefused(LoginNeeded):
    """The service takes the client no longer that this program speaks as."""


_CLIENT_NAMES: Final = ("invalid_client", "unauthorized_client", "client_")


def refuses_client(fault: Fault, *, opening: bool = False) -> bool:
    """Whether a refusal is about who calls. `opening`: of the call that asks for a captcha token,
    which holds nothing but who calls, so that every refusal but that of haste is meant for it."""
    if not 400 <= fault.status < 500 or fault.too_frequent or not fault.readable:
        return False
    if fault.name.startswith(_CLIENT_NAMES):
        return True
    return fault.name != "risklimited" and (
        opening or (fault.code == 3 and not fault.wants_captcha)
    )


def client_refused(fault: Fault, identity: str) -> IdentityRefused:
    """The words for it."""
    return IdentityRefused(
        f"PikPak no longer takes programs that sign in as `{identity}`.",
        hint="`cloudtui login` tries the other ones; the setting `identity` names one.",
        detail=fault.detail,
    )


class _Peek(msgspec.Struct):
    error: object = None
    error_code: object = None


def fault_of(status: int, headers: Mapping[str, str], body: bytes) -> Fault | None:
    """The refusal in an answer, or None when it is a success.

    Any JSON object with a non-empty `error` is a refusal, whatever the HTTP status; so is every
    status of 300 and above.
    """
    after = _after(headers)
    if 200 <= status < 300:
        # the usual case: a whole listing is not built up a second time to look at two fields
        with contextlib.suppress(ValueError):
            peek = msgspec.json.decode(body or b"{}", type=_Peek)
            if not peek.error and not peek.error_code:
                return None
    try:
        raw = parse(body) if body else {}
    except ValueError:
        if 200 <= status < 300:
            return Fault(status, readable=False, text="the answer is not JSON", after=after)
        return Fault(status, readable=False, text=f"HTTP {status}", after=after)
    if not isinstance(raw, dict):
        return None if status < 300 else Fault(status, readable=False, after=after)
    name, code = raw.get("error"), raw.get("error_code")
    if status < 300 and not name and not code:
        return None
    return Fault(
        status,
        name=name.lower() if isinstance(name, str) else "",
        code=_int(code),
        text=_words(raw),
        after=after,
    )


def _int(value: object) -> int:
    if isinstance(value, bool):
        return 0
    if isinstance(value, (int, float)):
        return int(value)
    if isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    return 0


def _words(raw: Mapping[str, object]) -> str:
    """The description plus the text that the service means for people."""
    words = [raw.get("error_description")]
    for key in ("details", "error_details"):
        details = raw.get(key)
        if isinstance(details, list):
            words += [each.get("message") for each in details if isinstance(each, dict)]
    return "; ".join(each for each in words if isinstance(each, str) and each)


def _after(headers: Mapping[str, str]) -> float | None:
    """Seconds from `Retry-After`: a number or a date."""
    value = headers.get("retry-after", "")
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass  # then it is a date, or nonsense
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


# --- words -----------------------------------------------------------------------------------

_AGAIN = "Try again in a while."


def error_for(fault: Fault, *, where: str = "") -> CloudError:
    """The error for a refusal; `where` is what it was about, already safe to display.

    This is the only mapping from PikPak's codes to errors. Sign-in and refresh call it too and
    add what only they know.
    """
    about = f" ({where})" if where else ""
    if fault.wants_captcha:
        if fault.too_frequent:
            return no_more_tries(fault)
        return LoginNeeded(
            "PikPak wants to be shown that a human is there, and did not say how.",
            hint="Sign in again; a puzzle may be asked for.",
            detail=fault.detail,
        )
    if fault.too_frequent:
        return TooMany("PikPak asks to slow down.", after=fault.after, detail=fault.detail)
    if fault.signed_out:
        return LoginNeeded(
            "PikPak signed this program out. Jobs wait, nothing is lost.",
            hint="`cloudtui login` or @ signs in again.",
            detail=fault.detail,
        )
    if fault.spent:
        return LoginNeeded(
            "PikPak signed this program out (another program may have used the same sign-in)."
            " Jobs wait, nothing is lost.",
            hint="`cloudtui login` or @ signs in again.",
            detail=fault.detail,
        )
    named = _named(fault, about)
    if named is not None:
        return named
    return _by_status(fault, about)


def no_more_tries(fault: Fault) -> TooMany:
    """The words for a sign-in that was tried too often: trying on makes it last longer."""
    return TooMany(
        "PikPak takes no sign-in for now: there were too many tries.",
        hint="Wait about ten minutes; the official app still works meanwhile.",
        retry=Retry.NEVER,
        detail=fault.detail,
    )


def _named(fault: Fault, about: str) -> CloudError | None:
    detail = fault.detail
    match fault.name:
        case "invalid_account_or_password":
            return WrongPassword(
                "PikPak does not know this user name with this password.",
                hint="Check both. Who joined with Google or Apple sets a password in PikPak first.",
                detail=detail,
            )
        case "file_not_found" | "not_found" | "task_not_found" | "space_folder_not_exist":
            return NotFound(f"That is no longer on PikPak{about}.", detail=detail)
        case "file_in_recycle_bin":
            return NotFound(
                f"That lies in PikPak's trash{about}.",
                hint="Restore it first.",
                detail=detail,
            )
        case "file_duplicated_name":
            return Exists(f"That name is taken on PikPak{about}.", detail=detail)
        case "file_rename_uncompleted":
            return ServerTrouble(
                f"PikPak is still moving or copying it{about}.", hint=_AGAIN, detail=detail
            )
        case "file_move_or_copy_to_cur":
            return Refused(
                f"PikPak neither moves nor copies something into its own folder or into"
                f" itself{about}.",
                detail=detail,
            )
        case "file_space_not_enough":
            return Full(
                f"PikPak is full{about}.",
                hint="Make room or empty its trash.",
                detail=detail,
            )
        case "task_daily_create_limit" | "task_daily_create_limit_vip":
            return Refused(
                "PikPak's limit of tasks for today is used up.",
                hint="It opens again tomorrow; a bigger plan has a higher limit.",
                detail=detail,
            )
        case "task_sub_task_num_limit":
            return Refused(
                "This download holds more files than PikPak takes at once.",
                hint="Up to 7,000 are known to pass.",
                detail=detail,
            )
        case "task_run_nums_limit":
            return Refused(
                "PikPak runs as many tasks at once as it allows.",
                hint="Add this one when another has finished.",
                detail=detail,
            )
        case "task_url_resolve_error":
            return Refused("PikPak could not find anything behind this link.", detail=detail)
        case "task_url_unsupported":
            return UsageError("PikPak does not fetch links of this kind.", detail=detail)
        case "cannot_pack_empty_folder":
            return Refused(
                f"PikPak does not pack an empty folder{about}.",
                hint="It was left as it is.",
                detail=detail,
            )
        case "operating_file_count_exceeded":
            return Refused("PikPak does not take that many items at once.", detail=detail)
        case "file_name_empty":
            return BadName(f"PikPak does not take this name{about}.", detail=detail)
        case "file_restore_own":
            return Refused("A share of your own cannot be saved to your account.", detail=detail)
        case "unzip_password_required" | "unzip_password_incorrect":
            return PasswordNeeded(f"The archive needs another password{about}.", detail=detail)
        case "global_file_token_invalid":
            return Gone("PikPak no longer has this archive open.", detail=detail)
        case "operating_not_supported" | "unimplemented":
            return NotSupported("PikPak does not offer that to this program.", detail=detail)
        case "permission_denied":
            return Denied(f"PikPak does not allow that{about}.", detail=detail)
    if fault.code == 4022:
        return _named(Fault(fault.status, "invalid_account_or_password", 4022, fault.text), about)
    if fault.code == 5:
        return NotFound(f"That is no longer on PikPak{about}.", detail=detail)
    if fault.code == 8:
        return _named(Fault(fault.status, "file_space_not_enough", 8, fault.text), about)
    if fault.code == 3 and fault.status < 500:  # else it broke, whatever it blames
        return Refused(
            f"PikPak does not accept this{about}: {display_name(fault.text) or 'no reason'}.",
            detail=detail,
        )
    return None


def _by_status(fault: Fault, about: str) -> CloudError:
    detail = fault.detail
    if not fault.readable and fault.status < 300:
        return BadReply(
            "PikPak answered with something that is not its usual form.",
            hint=_AGAIN,
            retry=Retry.RECONCILE,
            detail=detail,
        )
    if fault.status == 503:
        return ServerTrouble("PikPak is overloaded.", hint=_AGAIN, after=fault.after, detail=detail)
    if fault.status >= 500:
        # it may have done what was asked before it broke
        return ServerTrouble(
            "PikPak has trouble of its own.",
            hint=_AGAIN,
            after=fault.after,
            retry=Retry.RECONCILE,
            detail=detail,
        )
    if fault.status == 404:
        return NotFound(f"That is no longer on PikPak{about}.", detail=detail)
    if 300 <= fault.status < 400:
        return BadReply(
            "Something between here and PikPak redirects its address.",
            hint="Is this network waiting for a sign-in page?",
            retry=Retry.NEVER,
            detail=detail,
        )
    if not fault.readable:
        return BadReply(
            "What answered in PikPak's place is not PikPak.",
            hint="Check the address in the settings and the network.",
            retry=Retry.NEVER,
            detail=detail,
        )
    return Refused(
        f"PikPak refused{about}: {display_name(fault.text) or fault.name or 'no reason given'}.",
        detail=detail,
    )
