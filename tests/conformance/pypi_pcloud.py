"""The PyPI package pcloud as its tests drive it: one account of a region, and what goes in and
comes out."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import Any

import httpx

from tests.sandbox_process import SandboxProcess


@dataclass(slots=True)
class Side:
    """One region, where each test has an account of its own."""

    sandbox: SandboxProcess
    name: str
    email: str
    token: str
    password: str

    @property
    def endpoint(self) -> str:
        return "eapi" if self.name == "eu" else "api"

    def app(self, token: str | None = None) -> Any:
        """The package with an OAuth token."""
        from pcloud import PyCloud

        return PyCloud("", token or self.token, endpoint=self.endpoint, oauth2=True)

    def user(self, email: str = "", password: str = "") -> Any:
        """The package signed in with a password."""
        from pcloud import PyCloud

        return PyCloud(email or self.email, password or self.password, endpoint=self.endpoint)

    def letter(self, kind: str) -> str:
        """The code of the newest letter of this kind."""
        letters = self.sandbox.admin.state("pcloud")["letters"]
        codes: list[str] = [each["code"] for each in letters if each["kind"] == kind]
        return codes[-1]


def put(client: Any, name: str, content: bytes, folder: int = 0) -> int:
    """A file stored; its id."""
    stored = client.uploadfile(data=content, filename=name, folderid=folder)
    number: int = stored["fileids"][0]
    return number


def folder_of(client: Any, name: str) -> int:
    number: int = client.createfolder(folderid=0, name=name)["metadata"]["folderid"]
    return number


def fetched(link: dict[str, Any]) -> bytes:
    """What a link's answer leads to."""
    answer = httpx.get(f"https://{link['hosts'][0]}{link['path']}")
    assert answer.status_code == 200
    return answer.content


def packed(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for name, content in members.items():
            made.writestr(f"{name}.txt", content)
    return target.getvalue()


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as found:
        return {name: found.read(name) for name in found.namelist()}
