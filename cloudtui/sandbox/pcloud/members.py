"""Methods on being a member: registration, passwords, language, invitations, letters to support.

Owns the rules for passwords and the codes sent by mail. Nothing is sent: what would be lies in the
estate's `letters`, where a test finds the code.
"""

from __future__ import annotations

import re

from cloudtui.sandbox.pcloud.call import Access, Call, method
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.estate import Account, Letter

LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français", "bg": "Български", "tr": "Türkçe"}
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz", "0123456789")
CODE_LIFE = 24 * 3600


def _needed(call: Call, name: str, missing: int) -> str:
    """The parameter's text; Refusal `missing` without it."""
    given = call.params.text(name)
    if not given:
        raise Refusal(missing)
    return given


def _address(call: Call) -> str:
    """The e-mail address of the call; Refusals 1033, 2018."""
    mail = _needed(call, "mail", 1033)
    if not ADDRESS.fullmatch(mail):
        raise Refusal(2018)
    return mail.lower()


def check_password(password: str) -> str:
    """Refusals 2032 too short, 2033 spaces around it, 2034 too few different characters, 2035
    neighbours on a keyboard or in the alphabet."""
    if len(password) < 6:
        raise Refusal(2032)
    if password != password.strip():
        raise Refusal(2033)
    if len(set(password)) < 4:
        raise Refusal(2034)
    lower = password.lower()
    if any(lower in row or lower in row[::-1] for row in KEYBOARD):
        raise Refusal(2035)
    return password


def _send(call: Call, account: Account, kind: str) -> None:
    code = call.estate.world.new_secret("M", 18)
    letter = Letter(account.email, kind, code, account, call.now + CODE_LIFE)
    call.estate.letters.append(letter)


def _opened(call: Call, kind: str) -> Letter:
    """The letter whose code was sent; Refusals 1022, 2012, 2036. A code is good once."""
    code = _needed(call, "code", 1022)
    for letter in call.estate.letters:
        known = (letter.code, letter.kind, letter.used) == (code, kind, False)
        if known and letter.account is not None and letter.account.region is call.region:
            if letter.expires < call.now:
                raise Refusal(2036)
            return letter
    raise Refusal(2012)


@method("supportedlanguages", access=Access.ANYONE)
def supportedlanguages(_: Call) -> dict[str, object]:
    """Codes and names."""
    return {"languages": dict(LANGUAGES)}


@method("setlanguage")
def setlanguage(call: Call) -> dict[str, object]:
    """Refusals 1020, 1021."""
    language = _needed(call, "language", 1020)
    if language not in LANGUAGES:
        raise Refusal(1021)
    call.account.language = language
    return {}


@method("feedback", access=Access.ANYONE)
def feedback(call: Call) -> dict[str, object]:
    """A letter to support. Refusals 1033, 1041, 1042, 2018."""
    mail = _address(call)
    reason, message = _needed(call, "reason", 1042), _needed(call, "message", 1041)
    call.estate.letters.append(Letter(mail, "feedback", text=f"{reason}: {message}"))
    return {}


@method("register", access=Access.ANYONE, locked=False)
def register(call: Call) -> dict[str, object]:
    """A new account in this region, its address not verified yet. Refusals 1033, 1034, 2018, 2037,
    2038 and those of a password."""
    mail, password = _address(call), _needed(call, "password", 1034)
    if call.params.text("termsaccepted") != "yes":
        raise Refusal(2037)
    check_password(password)
    with call.estate.world.lock:
        try:
            account = call.estate.add_account(call.region, mail, password)
        except ValueError as exc:
            raise Refusal(2038) from exc
        account.verified = False
        language = call.params.text("language")
        if language in LANGUAGES:
            account.language = language
    return {}


@method("sendverificationemail")
def sendverificationemail(call: Call) -> dict[str, object]:
    """Refusal 2013 when there is nothing to verify."""
    if call.account.verified:
        raise Refusal(2013)
    _send(call, call.account, "verify")
    return {}


@method("verifyemail", access=Access.ANYONE)
def verifyemail(call: Call) -> dict[str, object]:
    """Refusals 1022, 2012, 2013. The code may belong to another than the caller."""
    letter = _opened(call, "verify")
    account = letter.account
    assert account is not None
    if account.verified:
        raise Refusal(2013)
    letter.used = account.verified = True
    return {"email": account.email, "userid": account.id}


@method("changepassword")
def changepassword(call: Call) -> dict[str, object]:
    """Refusals 1031, 1032, 2030, 2031 and those of a password."""
    old, new = _needed(call, "oldpassword", 1031), _needed(call, "newpassword", 1032)
    if old != call.account.password:
        raise Refusal(2031)
    if new == old:
        raise Refusal(2030)
    call.account.password = call.estate.world.issue(check_password(new))
    return {}


@method("lostpassword", access=Access.ANYONE)
def lostpassword(call: Call) -> dict[str, object]:
    """A letter with a code; the answer does not tell whether there is such an account."""
    mail = _needed(call, "mail", 1033).lower()
    for account in call.estate.accounts.values():
        if account.region is call.region and account.email == mail:
            _send(call, account, "reset")
    return {}


@method("resetpassword", access=Access.ANYONE)
def resetpassword(call: Call) -> dict[str, object]:
    """Refusals 1022, 1032, 2012, 2036 and those of a password."""
    letter = _opened(call, "reset")
    new = check_password(_needed(call, "newpassword", 1032))
    assert letter.account is not None
    letter.account.password = call.estate.world.issue(new)
    letter.used = True
    return {}


@method("invite")
def invite(call: Call) -> dict[str, object]:
    """A registration page that credits the caller; each asked-for one is remembered."""
    account = call.account
    base = call.estate.world.urls["pcloud.authorize"]
    url = f"{base}/register?invite={account.id:x}"
    account.invitations.append({"url": url, "created": call.now})
    return {"url": url, "spacelimitreached": False}


@method("userinvites")
def userinvites(call: Call) -> dict[str, object]:
    """The invitations asked for so far; nobody takes one up here."""
    return {
        "invites": [
            {"url": given["url"], "created": call.style.moment(int(str(given["created"])))}
            for given in call.account.invitations
        ]
    }
