"""Methods about the account, its tokens and the server itself."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from cloudtui.sandbox.pcloud.call import Access, Call, method
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.estate import Account, TokenKind

DIGEST_LIFE = 30
STEPS = {
    "verifymail": True,
    "uploadfile": True,
    "autoupload": False,
    "downloadapp": False,
    "downloaddrive": False,
}


@method("userinfo", "login")
def userinfo(call: Call) -> dict[str, object]:
    """The account. `getauth=1` gives a session token, but never to an OAuth token."""
    account = call.account
    found: dict[str, object] = {
        "userid": account.id,
        "email": account.email,
        "emailverified": account.verified,
        "registered": call.style.moment(account.registered),
        "language": account.language,
        "premium": account.premium,
        "premiumlifetime": False,
        "business": False,
        "plan": 1 if account.premium else 0,
        "quota": account.quota,
        "usedquota": account.tree.used,
        "freequota": 10 * 1024**3,
        "publiclinkquota": 50 * 1024**3,
        "trashrevretentiondays": 30 if account.premium else 15,
        "haspassword": True,
        "haspaidrelocation": False,
        "cryptosetup": False,
        "cryptosubscription": False,
        "cryptolifetime": False,
        "efh": False,
        "journey": {"claimed": False, "steps": STEPS},
    }
    token = call.token
    if call.params.flag("getauth") and token is not None and token.kind is TokenKind.SESSION:
        found["auth"] = token.value
    if call.params.flag("getapiserver"):
        found["apiserver"] = {"api": [call.estate.api_hostname(call.region, call.request)]}
    return found


@method("getapiserver", access=Access.ANYONE)
def getapiserver(call: Call) -> dict[str, object]:
    """Near servers of the region."""
    host = call.estate.api_hostname(call.region, call.request, near=True)
    return {"api": [host], "binapi": [host]}


@method("currentserver", access=Access.ANYONE)
def currentserver(call: Call) -> dict[str, object]:
    """The server that answers: progress polls must go to this one."""
    host = call.estate.api_hostname(call.region, call.request, near=True)
    return {"hostname": host, "ip": "127.0.0.1", "ipbin": "127.0.0.1", "ipv6": "::1"}


@method("getip", access=Access.ANYONE)
def getip(call: Call) -> dict[str, object]:
    """The caller's address."""
    return {"ip": call.request.client_ip, "country": "LU"}


@method("getdigest", access=Access.ANYONE)
def getdigest(call: Call) -> dict[str, object]:
    """A nonce for password sign-in, good for 30 s."""
    digest = secrets.token_hex(16)
    call.estate.digests[digest] = call.now + DIGEST_LIFE
    return {"digest": digest, "expires": call.style.moment(call.now + DIGEST_LIFE)}


def signed_in(call: Call) -> Account | None:
    """The account of a user name with password or digest; None when no user name was sent.

    Raises:
        Refusal: 2000 when they do not fit.
    """
    name = call.params.text("username")
    if name is None:
        return None
    found = None
    for account in call.estate.accounts.values():
        if account.region is call.region and account.email == name.lower():
            found = account
    if found is None:
        raise Refusal(2000)
    digest = call.params.text("digest")
    if digest is None:
        given, known = call.params.text("password") or "", found.password
    else:
        if call.estate.digests.pop(digest, 0) < call.now:
            raise Refusal(2000)
        user = hashlib.sha1(name.lower().encode()).hexdigest()
        known = hashlib.sha1((found.password + user + digest).encode()).hexdigest()
        given = call.params.text("passworddigest") or ""
    if not hmac.compare_digest(given.encode(), known.encode()):
        raise Refusal(2000)
    return found


@method("logout")
def logout(call: Call) -> dict[str, object]:
    """Void the token that was sent."""
    assert call.token is not None
    call.token.revoked = True
    return {"auth_deleted": True}


@method("listtokens", access=Access.SESSION)
def listtokens(call: Call) -> dict[str, object]:
    """All live tokens of the account."""
    day = 24 * 3600
    return {
        "tokens": [
            {
                "tokenid": token.id,
                "device": token.device,
                "created": call.style.moment(token.created),
                "expires_inactive": call.style.moment(token.created + 30 * day),
                "expires": call.style.moment(token.created + 365 * day),
            }
            for token in call.estate.tokens.values()
            if token.account is call.account and not token.revoked
        ]
    }


@method("deletetoken", access=Access.SESSION)
def deletetoken(call: Call) -> dict[str, object]:
    """Refusals 1076, 2102."""
    number = call.params.number("tokenid")
    if number is None:
        raise Refusal(1076)
    for token in call.estate.tokens.values():
        if token.account is call.account and token.id == number and not token.revoked:
            token.revoked = True
            return {}
    raise Refusal(2102)
