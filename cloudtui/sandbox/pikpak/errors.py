"""The refusals of PikPak: names, codes, HTTP statuses and the JSON envelope around them.

Success bodies never hold a top-level key `error`: pikpakapi takes any such body for a failure.
"""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """A refusal the client gets as JSON; `details` is how the user host sends readable text."""

    def __init__(
        self,
        error: str,
        code: int,
        text: str,
        *,
        status: int = 400,
        spoken: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(error)
        self.error = error
        self.code = code
        self.text = text
        self.status = status
        self.spoken = spoken
        self.headers = dict(headers or {})

    def body(self) -> dict[str, object]:
        """The envelope; with `spoken` set, in the shape the user host uses."""
        base: dict[str, object] = {
            "error": self.error,
            "error_code": self.code,
            "error_description": self.text,
        }
        if self.spoken:
            base["details"] = [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": self.text,
                    "domain": "",
                    "metadata": [],
                },
                {
                    "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
                    "locale": "en",
                    "message": self.spoken,
                },
            ]
        else:
            base["error_url"] = ""
            base["error_details"] = []
        return base


_KNOWN: dict[str, tuple[int, int, str]] = {
    "invalid_argument": (3, 400, "Invalid argument"),
    "file_name_empty": (3, 400, "File name is empty"),
    "file_duplicated_name": (3, 400, "File name cannot be repeated"),
    "file_rename_to_same_name": (3, 400, "The new name is the old name"),
    "cannot_pack_empty_folder": (3, 400, "An empty folder cannot be packed"),
    "file_not_found": (5, 404, "File not found"),
    "not_found": (5, 404, "Not found"),
    "file_space_not_enough": (8, 400, "Storage space is not enough"),
    "file_rename_uncompleted": (9, 400, "Renaming is not possible before the file is complete"),
    "file_move_or_copy_to_cur": (9, 400, "Source and target folder are the same or nested"),
    "file_in_recycle_bin": (9, 400, "File or folder is in the recycle bin"),
    "file_restore_own": (9, 400, "Your own share cannot be saved"),
    "captcha_invalid": (9, 400, "Verification code is invalid"),
    "permission_denied": (7, 403, "Permission denied"),
    "operating_file_count_exceeded": (11, 400, "Too many files in one operation"),
    "task_daily_create_limit": (11, 403, "The free tasks of today are used up"),
    "task_daily_create_limit_vip": (11, 403, "Too many tasks today, try again tomorrow"),
    "task_run_nums_limit": (11, 403, "Too many tasks are running"),
    "task_sub_task_num_limit": (11, 403, "The task holds too many files"),
    "task_url_resolve_error": (3, 400, "The address cannot be resolved"),
    "task_url_unsupported": (3, 400, "This kind of address is not supported"),
    "space_folder_not_exist": (5, 404, "The target folder does not exist"),
    "global_file_token_invalid": (9, 400, "The token of the archive is missing or wrong"),
    "unzip_password_required": (9, 400, "The archive needs a password"),
    "unzip_password_incorrect": (9, 400, "The password of the archive is wrong"),
    "file_not_complete": (9, 400, "file not complete"),
    "unauthenticated": (16, 401, "Unauthenticated"),
}


def refusal(error: str, text: str = "") -> Refusal:
    """The refusal called `error`; raises KeyError for a name that is not in the table."""
    code, status, default = _KNOWN[error]
    return Refusal(error, code, text or default, status=status)


def wrong_password() -> Refusal:
    """Code 4022: no such account, or not its password."""
    return Refusal("invalid_account_or_password", 4022, "Invalid username or password")


def captcha_refused(text: str) -> Refusal:
    """Code 4002: the sign-in does not accept the captcha token that came with it."""
    return Refusal(
        "captcha_invalid",
        4002,
        text,
        spoken="The safety verification has failed. Please try again",
    )


def captcha_missing() -> Refusal:
    """Code 4001: sign-in without any captcha token."""
    return Refusal("captcha_required", 4001, "Please add captcha before you sign in")


def invalid_grant(text: str, spoken: str = "") -> Refusal:
    """Code 4126: spent refresh token, or a sign-in from an address that is not let in."""
    return Refusal("invalid_grant", 4126, text, spoken=spoken)


def too_frequent() -> Refusal:
    """Code 10: the user host wants to be left alone for a while."""
    return Refusal("operation_too_frequent", 10, "Your operation is too frequent")
