"""The sandbox's pCloud: folders shared with another account, and zips of a selection."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from tests.sandbox.rig import Api, Rig, request


@pytest.fixture
def guest(rig: Rig) -> Api:
    """Another account of the US region, with an app that may manage shares."""
    rig.sandbox.pcloud.admin("add_accounts", {"region": "us", "email": "guest@example.com"})
    return rig.api("us", email="guest@example.com", permissions="manageshares")


@pytest.fixture
def owner(rig: Rig) -> Api:
    return rig.api("us", permissions="manageshares")


def requested(owner: Api, guest: Api, rights: int = 1) -> tuple[int, int]:
    """A folder offered to the guest; ids of the folder and of the request."""
    folder = owner.folder("ours")
    owner("sharefolder", folderid=folder, mail="guest@example.com", permissions=rights)
    (found,) = guest("listshares", noshares=1, nooutgoing=1)["requests"]["incoming"]
    return folder, found["sharerequestid"]


def outgoing(owner: Api) -> list[Any]:
    found: list[Any] = owner("listshares")["shares"]["outgoing"]
    return found


def test_a_share_is_accepted_changed_and_ended(owner: Api, guest: Api) -> None:
    folder, number = requested(owner, guest)
    assert owner("acceptshare", sharerequestid=number)["result"] == 2022
    assert guest("acceptshare", sharerequestid=number)["result"] == 0
    (share,) = outgoing(owner)
    assert (share["tomail"], share["cancreate"], share["canmodify"]) == (
        "guest@example.com",
        True,
        False,
    )
    (there,) = owner("listfolder", folderid=0)["metadata"]["contents"]
    assert there["isshared"] is True
    assert owner("deletefolderrecursive", folderid=folder)["result"] == 2028
    assert guest("changeshare", shareid=share["shareid"], permissions=7)["result"] == 2025
    assert owner("changeshare", shareid=share["shareid"], permissions=6)["result"] == 0
    assert outgoing(owner)[0]["candelete"] is True
    assert guest("removeshare", shareid=share["shareid"])["result"] == 0
    assert outgoing(owner) == []
    assert owner("listfolder", folderid=folder)["metadata"]["isshared"] is False
    assert owner("deletefolderrecursive", folderid=folder)["result"] == 0


@pytest.mark.parametrize("side", ["owner", "guest"])
def test_a_request_is_withdrawn_or_declined(owner: Api, guest: Api, side: str) -> None:
    _, number = requested(owner, guest)
    if side == "owner":
        assert owner("cancelsharerequest", sharerequestid=number)["result"] == 0
    else:
        assert guest("declineshare", sharerequestid=number)["result"] == 0
    assert guest("acceptshare", sharerequestid=number)["result"] == 2021
    assert owner("listshares")["requests"] == {"incoming": [], "outgoing": []}


def test_an_app_without_the_permission_only_looks(rig: Rig) -> None:
    folder = rig.us.folder("ours")
    refused = rig.us("sharefolder", folderid=folder, mail="a@example.com", permissions=0)
    assert refused["result"] == 2003
    assert rig.us("listshares")["result"] == 0


def test_zips_of_a_selection_and_of_a_public_link(rig: Rig) -> None:
    top = rig.us.folder("top")
    left_out = rig.us.folder("left out", top)
    rig.us.upload("a.txt", b"a", folderid=top)
    rig.us.upload("b.txt", b"b", folderid=left_out)

    def members(link: Any) -> list[str]:
        content = request(f"http://{link['hosts'][0]}{link['path']}").body
        with zipfile.ZipFile(io.BytesIO(content)) as found:
            return sorted(found.namelist())

    some = rig.us("getziplink", folderids=top, excludefolderids=left_out, filename="some.zip")
    assert some["path"].endswith("/some.zip")
    assert members(some) == ["top/a.txt"]
    code = rig.us("getfolderpublink", folderid=top)["code"]
    stranger = Api(rig.us.url)
    assert members(stranger("getpubziplink", code=code)) == ["top/a.txt", "top/left out/b.txt"]
    assert rig.us("listpublinks")["publinks"][0]["traffic"] == 2
    assert stranger("getpubziplink", code="wrong")["result"] == 7001
