"""Methods on public links, and what a stranger with a code may call."""

from __future__ import annotations

import hmac

from cloudtui.sandbox.pcloud.call import Access, Call, method
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.estate import Account, Publink
from cloudtui.sandbox.pcloud.links import make_link
from cloudtui.sandbox.pcloud.metadata import contents, describe
from cloudtui.sandbox.pcloud.nodes import File, Folder, Node, inside, is_live
from cloudtui.sandbox.pcloud.tree import Clash


def node_of(account: Account, publink: Publink) -> Node | None:
    """What the link points at; None when it is deleted."""
    nodes = account.tree.folders if publink.is_folder else account.tree.files
    node = nodes.get(publink.node_id)
    return node if node is not None and is_live(node) else None


def address_of(call: Call, publink: Publink) -> str:
    """The page of a link; opaque to clients."""
    base = "https://u.pcloud.link"
    if not call.estate.real_names(call.request):
        base = call.estate.world.urls["pcloud.authorize"]
    return f"{base}/publink/show?code={publink.code}"


def _change(call: Call, publink: Publink) -> None:
    params = call.params
    if params.text("expire") is not None:
        moment = params.moment("expire")
        if moment is None:
            raise Refusal(1013)
        publink.expires = moment
    if params.flag("deleteexpire"):
        publink.expires = None
    for name in ("maxdownloads", "maxtraffic"):
        if params.text(name) is not None:
            number = params.number(name)
            if number is None:
                raise Refusal(1013)
            setattr(publink, "max_" + name.removeprefix("max"), number or None)
    if params.flag("shortlink") and not publink.short:
        publink.short = f"s{publink.id % 100_000:x}"
    if params.flag("deleteshortlink"):
        publink.short = ""
    if params.text("linkpassword") is not None:
        publink.password = params.text("linkpassword") or ""
    publink.modified = call.now


def _publish(call: Call, node: Node) -> dict[str, object]:
    account = call.account
    if not account.verified:
        raise Refusal(2014)
    is_folder = isinstance(node, Folder)
    publink = next(
        (
            known
            for known in account.publinks.values()
            if (known.node_id, known.is_folder, known.deleted) == (node.id, is_folder, False)
        ),
        None,
    )
    if publink is None:
        code = call.estate.world.new_secret("XZ", 18)
        publink = Publink(call.estate.number(), code, node.id, is_folder, call.now, call.now)
        account.publinks[publink.id] = publink
    _change(call, publink)
    return _short(call, publink)


def _short(call: Call, publink: Publink) -> dict[str, object]:
    found: dict[str, object] = {
        "linkid": publink.id,
        "code": publink.code,
        "link": address_of(call, publink),
    }
    if publink.short:
        found["shortcode"] = publink.short
        found["shortlink"] = f"https://pc.cd/{publink.short}"
    return found


def _full(call: Call, account: Account, publink: Publink) -> dict[str, object]:
    node = node_of(account, publink)
    found = {
        **_short(call, publink),
        "created": call.style.moment(publink.created),
        "modified": call.style.moment(publink.modified),
        "downloads": publink.downloads,
        "traffic": publink.traffic,
        "haspassword": bool(publink.password),
    }
    if node is not None:
        found["metadata"] = describe(node, call.style)
    if publink.expires is not None:
        found["expires"] = call.style.moment(publink.expires)
    if publink.max_downloads is not None:
        found["maxdownloads"] = publink.max_downloads
    if publink.max_traffic is not None:
        found["maxtraffic"] = publink.max_traffic
    return found


@method("getfilepublink", writes=True)
def getfilepublink(call: Call) -> dict[str, object]:
    """A public link for a file; the existing one when there is one."""
    return _publish(call, call.file())


@method("getfolderpublink", writes=True)
def getfolderpublink(call: Call) -> dict[str, object]:
    folder = call.folder()
    if folder.parent is None:
        raise Refusal(2015)
    return _publish(call, folder)


def _live(account: Account) -> list[Publink]:
    return [p for p in account.publinks.values() if not p.deleted and node_of(account, p)]


@method("listpublinks")
def listpublinks(call: Call) -> dict[str, object]:
    """Links on things that still exist."""
    account = call.account
    return {"publinks": [_full(call, account, publink) for publink in _live(account)]}


@method("listplshort")
def listplshort(call: Call) -> dict[str, object]:
    """The same without the metadata of what they point at: only its kind and id."""
    account = call.account
    found: list[dict[str, object]] = []
    for publink in _live(account):
        entry = _full(call, account, publink)
        entry.pop("metadata", None)
        entry["isfolder"] = publink.is_folder
        entry["folderid" if publink.is_folder else "fileid"] = publink.node_id
        found.append(entry)
    return {"publinks": found}


def _mine(call: Call) -> Publink:
    number = call.params.number("linkid")
    if number is None:
        raise Refusal(1030)
    publink = call.account.publinks.get(number)
    if publink is None or publink.deleted:
        raise Refusal(2027)
    return publink


@method("changepublink", writes=True)
def changepublink(call: Call) -> dict[str, object]:
    publink = _mine(call)
    _change(call, publink)
    return _short(call, publink)


@method("deletepublink", writes=True)
def deletepublink(call: Call) -> dict[str, object]:
    _mine(call).deleted = True
    return {}


def public_node(call: Call) -> tuple[Publink, Node]:
    """What a stranger's code opens; Refusals as for looking at it."""
    _, publink, node = _public(call)
    return publink, node


def _public(call: Call) -> tuple[Account, Publink, Node]:
    """The link a stranger's code opens; Refusals 1028, 7001, 7002, 7004, 7005, 7006, 2258."""
    code = call.params.text("code")
    if not code:
        raise Refusal(1028)
    for account in call.estate.accounts.values():
        for publink in account.publinks.values():
            known = {publink.code, publink.short} - {""}
            if account.region is call.region and code in known:
                return account, publink, _checked(call, account, publink)
    raise Refusal(7001)


def _checked(call: Call, account: Account, publink: Publink) -> Node:
    node = node_of(account, publink)
    if publink.deleted or node is None:
        raise Refusal(7002)
    if publink.expires is not None and publink.expires < call.now:
        raise Refusal(7004)
    if publink.max_traffic is not None and publink.traffic >= publink.max_traffic:
        raise Refusal(7005, "This link has reached its traffic limit.")
    if publink.max_downloads is not None and publink.downloads >= publink.max_downloads:
        raise Refusal(7006)
    given = call.params.text("linkpassword") or ""
    if publink.password and not hmac.compare_digest(given.encode(), publink.password.encode()):
        raise Refusal(2258, "This link needs a password.")
    return node


def _public_file(call: Call, node: Node) -> File:
    if isinstance(node, File):
        return node
    number = call.params.number("fileid")
    if number is None:
        raise Refusal(1029)
    for account in call.estate.accounts.values():
        file = account.tree.files.get(number)
        if file is not None and is_live(file) and inside(file.parent, node):
            return file
    raise Refusal(2009)


@method("showpublink", access=Access.ANYONE)
def showpublink(call: Call) -> dict[str, object]:
    """What a link shows; a folder with everything below."""
    _, publink, node = _public(call)
    metadata = describe(node, call.style)
    if isinstance(node, Folder):
        metadata["contents"] = contents(node, call.style, recursive=True)
    return {"metadata": metadata, "code": publink.code}


@method("getpublinkdownload", access=Access.ANYONE)
def getpublinkdownload(call: Call) -> dict[str, object]:
    """A download link for a stranger, bound to the stranger's address."""
    account, publink, node = _public(call)
    file = _public_file(call, node)
    return make_link(call, account, file, file.content, publink=publink)


@method("copypubfile", writes=True)
def copypubfile(call: Call) -> dict[str, object]:
    """Copy a public file into the caller's own account."""
    _, _, node = _public(call)
    file = _public_file(call, node)
    parent, name = call.destination(file, 1016)
    call.account.room_for(file.content.blob.size)
    clash = Clash.REFUSE if call.params.flag("noover") else Clash.OVERWRITE
    copy = call.account.tree.place(parent, name, file.content.blob, clash=clash)
    return {"metadata": describe(copy, call.style)}
