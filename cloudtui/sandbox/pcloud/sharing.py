"""Methods by which an account shares its own folders with another of its region.

Owns requests and shares. An app needs the permission `manageshares`, which is asked for on the
consent page; without it every change is refused with 2003.
"""

from __future__ import annotations

from cloudtui.sandbox.pcloud.call import Call, method
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.estate import Share, TokenKind
from cloudtui.sandbox.pcloud.nodes import Folder, inside

BITS = {"create": 1, "modify": 2, "delete": 4}


def _may(call: Call) -> None:
    token = call.token
    app = token is not None and token.kind is TokenKind.OAUTH
    if token is not None and app and "manageshares" not in token.permissions.split(","):
        raise Refusal(2003)


def _shape(call: Call, share: Share, *, incoming: bool) -> dict[str, object]:
    side = "from" if incoming else "to"
    other = share.owner if incoming else share.guest
    found: dict[str, object] = {
        "sharerequestid": share.id,
        "folderid": share.folder.id,
        "sharename": share.name,
        "created": call.style.moment(share.created),
        "message": share.message,
        "canread": True,
        **{f"can{name}": bool(share.rights & bit) for name, bit in BITS.items()},
        f"{side}mail": other.email if other is not None else share.mail,
    }
    if share.accepted:
        found["shareid"] = share.id
        if other is not None:
            found[f"{side}userid"] = other.id
    return found


def _rights(call: Call) -> int:
    number = call.params.number("permissions")
    if number is None or number > 7:
        raise Refusal(1024)
    return number


@method("sharefolder", writes=True)
def sharefolder(call: Call) -> dict[str, object]:
    """Ask somebody to share a folder. Refusals 1023, 1024, 2003, 2014, 2015, 2018, 2019, 2020."""
    _may(call)
    folder, owner = call.folder(), call.account
    mail = (call.params.text("mail") or "").lower()
    if not mail:
        raise Refusal(1023)
    rights = _rights(call)
    if folder.parent is None:
        raise Refusal(2015)
    if "@" not in mail:
        raise Refusal(2018)
    if mail == owner.email:
        raise Refusal(2020)
    if not owner.verified:
        raise Refusal(2014)
    if any(share.folder is folder and share.mail == mail for share in call.estate.shares.values()):
        raise Refusal(2019)
    found = [a for a in call.estate.accounts.values() if a.region is call.region]
    guest = next((account for account in found if account.email == mail), None)
    name, message = call.params.text("name") or folder.name, call.params.text("message") or ""
    share = Share(call.estate.number(), owner, guest, mail, folder, name, message, rights, call.now)
    call.estate.shares[share.id] = share
    return {}


@method("listshares")
def listshares(call: Call) -> dict[str, object]:
    """Shares and requests of both directions; each may be left out by its `no…` flag."""
    params = call.params
    found: dict[str, dict[str, list[object]]] = {}
    for word in ("shares", "requests"):
        if params.flag(f"no{word}"):
            continue
        mine: dict[str, list[object]] = {}
        for side in ("incoming", "outgoing"):
            if not params.flag(f"no{side}"):
                mine[side] = _listed(call, accepted=word == "shares", incoming=side == "incoming")
        found[word] = mine
    return dict(found)


def _listed(call: Call, *, accepted: bool, incoming: bool) -> list[object]:
    return [
        _shape(call, share, incoming=incoming)
        for share in call.estate.shares.values()
        if share.accepted is accepted and (share.guest if incoming else share.owner) is call.account
    ]


def _request(call: Call, side: str) -> Share:
    """A request of this account; Refusals 1026, 2021, 2022."""
    number = call.params.number("sharerequestid")
    if number is None:
        raise Refusal(1026 if side == "owner" else 1025)
    share = call.estate.shares.get(number)
    if share is None or share.accepted:
        raise Refusal(2021)
    if getattr(share, side) is not call.account:
        raise Refusal(2022 if side == "guest" else 2021)
    return share


@method("cancelsharerequest", writes=True)
def cancelsharerequest(call: Call) -> dict[str, object]:
    """The owner takes a request back."""
    _may(call)
    del call.estate.shares[_request(call, "owner").id]
    return {}


@method("declineshare", writes=True)
def declineshare(call: Call) -> dict[str, object]:
    """The guest does not want it."""
    _may(call)
    del call.estate.shares[_request(call, "guest").id]
    return {}


@method("acceptshare", writes=True)
def acceptshare(call: Call) -> dict[str, object]:
    """The guest takes it. Only the record changes: the guest's own tree stays as it is here."""
    _may(call)
    share = _request(call, "guest")
    share.accepted = share.folder.shared = True
    return {}


def _mine(call: Call) -> Share:
    """A share this account gives or has; Refusals 1027, 2025."""
    number = call.params.number("shareid")
    if number is None:
        raise Refusal(1027)
    share = call.estate.shares.get(number)
    if share is None or not share.accepted or call.account not in (share.owner, share.guest):
        raise Refusal(2025)
    return share


@method("changeshare", writes=True)
def changeshare(call: Call) -> dict[str, object]:
    """Other rights for the guest."""
    _may(call)
    share = _mine(call)
    if share.owner is not call.account:
        raise Refusal(2025)
    share.rights = _rights(call)
    return {}


@method("removeshare", writes=True)
def removeshare(call: Call) -> dict[str, object]:
    """Either side ends it."""
    _may(call)
    folder = call.estate.shares.pop(_mine(call).id).folder
    others = (share for share in call.estate.shares.values() if share.folder is folder)
    folder.shared = any(share.accepted for share in others)
    return {}


def refuse_shared(call: Call, folder: Folder) -> None:
    """Refusal 2028 when somebody was let (or asked) into the folder or one below it."""
    if any(inside(share.folder, folder) for share in call.estate.shares.values()):
        raise Refusal(2028)
