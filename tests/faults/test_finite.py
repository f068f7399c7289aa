"""Faults that pass: up to three in a row at every endpoint that copying up and down, deleting and
restoring touch. Every run ends well, with the same trees as without them and nothing twice."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.cloud_stage import Stage, tree_of
from tests.crash.scenarios import VOID, files_of, within


@dataclass(frozen=True)
class Endpoint:
    """Requests of one kind, as a planned fault finds them. `kind` is `api`, `store` for calls of
    PikPak's object store, `bytes` for parts on their way up, `content` for what comes down."""

    listener: str
    match: str
    query: str = "*"
    kind: str = "api"
    only: str = ""


SIGN_IN = (
    Endpoint("pikpak.user", "POST /v1/shield/captcha/init"),
    Endpoint("pikpak.user", "POST /v1/auth/signin"),
)
UP = {
    "pk": (
        Endpoint("pikpak.drive", "GET /drive/v1/files"),
        Endpoint("pikpak.drive", "POST /drive/v1/files", only="folder"),
        Endpoint("pikpak.drive", "GET /drive/v1/files/*"),
        Endpoint("pikpak.upload", "PUT *", "x-id=PutObject*", "bytes"),
        Endpoint("pikpak.upload", "PUT *", "partNumber=*", "bytes", "upload"),
        Endpoint("pikpak.upload", "POST *", "uploads=*", "store"),
        Endpoint("pikpak.upload", "POST *", "uploadId=*", "store"),
    ),
    "pc": (
        Endpoint("pcloud.us", "GET /listfolder"),
        Endpoint("pcloud.us", "POST /createfolder", only="folder"),
        Endpoint("pcloud.us", "PUT /uploadfile", kind="bytes"),
        Endpoint("pcloud.us", "POST /uploadfile"),
        Endpoint("pcloud.us", "POST /upload_create"),
        Endpoint("pcloud.us", "PUT /upload_write", kind="bytes", only="upload"),
        Endpoint("pcloud.us", "GET /upload_info"),
        Endpoint("pcloud.us", "POST /upload_save"),
    ),
}
DOWN = {
    "pk": (
        Endpoint("pikpak.drive", "GET /drive/v1/files"),
        Endpoint("pikpak.drive", "GET /drive/v1/files/*"),
        Endpoint("pikpak.content", "GET *", kind="content"),
    ),
    "pc": (
        Endpoint("pcloud.us", "GET /listfolder"),
        Endpoint("pcloud.us", "GET /getfilelink"),
        Endpoint("pcloud.us", "GET /checksumfile"),
        Endpoint("pcloud.content", "GET *", kind="content"),
    ),
}
REMOVE = {
    "pk": (
        Endpoint("pikpak.drive", "GET /drive/v1/files"),
        Endpoint("pikpak.drive", "POST /drive/v1/files:batchTrash"),
        Endpoint("pikpak.drive", "GET /drive/v1/tasks/*"),
    ),
    "pc": (
        Endpoint("pcloud.us", "GET /listfolder"),
        Endpoint("pcloud.us", "POST /createfolderifnotexists"),
        Endpoint("pcloud.us", "POST /uploadfile"),
        Endpoint("pcloud.us", "GET /listpublinks"),
        Endpoint("pcloud.us", "POST /renamefolder"),
    ),
}
RESTORE = {
    "pk": (
        Endpoint("pikpak.drive", "GET /drive/v1/files"),
        Endpoint("pikpak.drive", "GET /drive/v1/files/*"),
        Endpoint("pikpak.drive", "POST /drive/v1/files:batchUntrash"),
        Endpoint("pikpak.drive", "GET /drive/v1/tasks/*"),
    ),
    "pc": (
        Endpoint("pcloud.us", "GET /listfolder"),
        Endpoint("pcloud.content", "GET *", kind="content"),
        Endpoint("pcloud.us", "POST /renamefolder"),
        Endpoint("pcloud.us", "POST /deletefile"),
        Endpoint("pcloud.us", "POST /deletefolder"),
    ),
}

EVERYWHERE = ("api", "store", "bytes", "content")
ANSWERED = ("api", "store", "bytes")


@dataclass(frozen=True)
class Trouble:
    """A kind of fault: its fields, how often in a row, at which endpoints of which clouds.

    Rejections slow an account down for a while, so they come at one endpoint (`only`) of one step.
    """

    fields: dict[str, object]
    times: int
    kinds: tuple[str, ...] = EVERYWHERE
    clouds: tuple[str, ...] = ("pk", "pc")
    sign_in: bool = False
    lost: bool = False
    only: str = ""
    silent: bool = False


SOON = ("--timeout", "3")
"""Silence need not be waited for long."""
SILENCE: dict[str, object] = {"kind": "delay", "seconds": 600}
BUSY: dict[str, object] = {"kind": "status", "code": 429}
TROUBLES = {
    "429": Trouble(BUSY, 3, only="folder"),
    "429-after": Trouble({**BUSY, "headers": {"Retry-After": "0"}}, 3, only="upload"),
    "500": Trouble({"kind": "status", "code": 500}, 3, sign_in=True),
    "503": Trouble({"kind": "status", "code": 503}, 3, sign_in=True),
    "reset-before": Trouble({"kind": "reset_before"}, 3, sign_in=True),
    "reset-after": Trouble({"kind": "reset_after"}, 3, lost=True),
    "truncated": Trouble({"kind": "truncate_json"}, 3, ("api", "store"), lost=True),
    "html": Trouble({"kind": "html"}, 3, ANSWERED, sign_in=True),
    "cut": Trouble({"kind": "cut", "bytes": 40}, 3),
    "cut-upload": Trouble({"kind": "cut_upload", "bytes": 300}, 3, ("bytes",)),
    "token": Trouble({"kind": "expire_token"}, 3, ("api",), ("pk",)),
    "captcha": Trouble({"kind": "expire_captcha"}, 3, ("api",), ("pk",)),
    "code-9": Trouble(
        {"kind": "api_code", "code": {"error": "captcha_invalid", "error_code": 9}},
        *(3, ("api",), ("pk",)),
    ),
    "code-16": Trouble(
        {"kind": "api_code", "code": {"error_code": 16, "status": 401}}, 3, ("api",), ("pk",)
    ),
    "code-4000": Trouble(
        {"kind": "api_code", "code": 4000}, 3, ("api", "bytes"), ("pc",), only="folder"
    ),
    "silent-call": Trouble(SILENCE, 1, only="folder", silent=True),
    "silent-part": Trouble(SILENCE, 1, only="upload", silent=True),
    "code-5000": Trouble({"kind": "api_code", "code": 5000}, 3, ("api", "bytes"), ("pc",)),
}

ROUND_TRIPS = [
    pytest.param(name, cloud, id=f"{name}-{cloud}")
    for name, trouble in TROUBLES.items()
    for cloud in trouble.clouds
]


def plan(stage: Stage, trouble: Trouble, endpoints: tuple[Endpoint, ...]) -> None:
    """Put the fault at each of these endpoints."""
    for endpoint in endpoints:
        if endpoint.kind in trouble.kinds and trouble.only in endpoint.only:
            stage.admin.fault(
                **trouble.fields,
                times=trouble.times,
                listener=endpoint.listener,
                match=endpoint.match,
                query=endpoint.query,
            )


def struck(stage: Stage, trouble: Trouble) -> None:
    """Every planned fault has struck, where a lost answer is not asked for again at least once."""
    for fault in stage.admin.faults():
        where = f"{fault['match']} {fault['query']}"
        # how a batch went is seen by its entries when the answer with its task is lost
        looked = "/tasks/" in where and trouble.lost
        assert fault["times"] < trouble.times or looked, f"{where} was not asked for"
    stage.admin.clear_faults()


@pytest.mark.parametrize(("name", "place"), ROUND_TRIPS)
def test_there_and_back(stage: Stage, name: str, place: str) -> None:
    trouble = TROUBLES[name]
    files, source, back = files_of(stage), stage.folder / "src", stage.folder / "back"
    stage.plant("", str(source), files, VOID)
    whole = tree_of(files, VOID)
    run = stage.home.run

    if trouble.sign_in and place == "pk":
        plan(stage, trouble, SIGN_IN)
    plan(stage, trouble, UP[place])
    run("cp", "-r", source, f"{place}:/x/", *(SOON if trouble.silent else ())).ok()
    struck(stage, trouble)
    assert stage.tree(place, "/x") == within("src", whole)

    plan(stage, trouble, DOWN[place])
    run("cp", "-r", f"{place}:/x/src", back).ok()
    struck(stage, trouble)
    assert stage.tree("", str(back)) == whole

    plan(stage, trouble, REMOVE[place])
    run("rm", "-r", f"{place}:/x/src").ok()
    struck(stage, trouble)
    assert stage.tree(place, "/x") == {}

    plan(stage, trouble, RESTORE[place])
    run("trash", "restore", f"{place}:/x/src").ok()
    struck(stage, trouble)
    assert stage.tree(place, "/x") == within("src", whole)
    assert stage.litter() == []
