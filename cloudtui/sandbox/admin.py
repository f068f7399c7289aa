"""The listener by which tests look into the sandbox and tell it what to do.

Every call needs the bearer token of the endpoints file and a loopback Host header; nothing is sent
that would let a web page read an answer.

    GET    /state[?cloud=pcloud]      trees, tasks, links: the truth
    GET    /log[?since=SEQ]           requests seen
    GET    /secrets                   every secret ever issued
    GET    /faults    POST /faults    one fault or a list; answers {"ids": [...]}
    DELETE /faults[?id=N]
    GET    /switches  POST /switches  {"name": value, ...}
    POST   /clock                     {"advance": seconds}
    POST   /seed                      {"spec": "pcloud:wide=1000"}
    POST   /digests                   {"size": N, "digests": {"sha1": HEX}} of what will be sent
    POST   /room                      {"size": N} set aside for what will be sent next
    POST   /tokens    DELETE /tokens  {"cloud": "pcloud", ...} issue or revoke
    POST   /accounts                  {"cloud": "pikpak", ...} another account
    POST   /<cloud>/<action>          whatever that cloud offers besides
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from cloudtui.sandbox.cloud import Cloud
from cloudtui.sandbox.http import BadRequest, Request, Response
from cloudtui.sandbox.seed import parse
from cloudtui.sandbox.world import World

LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}


class Admin:
    """Handler of the admin listener."""

    def __init__(self, world: World, clouds: Mapping[str, Cloud], token: str) -> None:
        self._world = world
        self._clouds = clouds
        self._token = token

    def __call__(self, request: Request) -> Response:
        if request.hostname not in LOOPBACK or "origin" in request.headers:
            return Response.json({"error": "only from this machine"}, 403)
        given = request.headers.get("authorization") or ""
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return Response.json({"error": "the token of the endpoints file is needed"}, 401)
        try:
            return Response.json(self._answer(request))
        except LookupError as exc:
            return Response.json({"error": f"no such thing: {exc}"}, 404)
        except (ValueError, BadRequest) as exc:
            return Response.json({"error": str(exc)}, 400)

    def _answer(self, request: Request) -> object:
        world = self._world
        match request.method, request.path:
            case "GET", "/state":
                wanted = request.param("cloud")
                return {
                    name: cloud.state()
                    for name, cloud in self._clouds.items()
                    if wanted in (None, name)
                }
            case "GET", "/log":
                return world.log.entries(int(request.param("since") or 0))
            case "GET", "/secrets":
                return world.secrets()
            case "GET", "/faults":
                return world.faults.plan()
            case "POST", "/faults":
                given = request.json()
                specs = given if isinstance(given, list) else [given]
                return {"ids": [world.faults.add(_object(spec)) for spec in specs]}
            case "DELETE", "/faults":
                number = request.param("id")
                if number is None:
                    world.faults.clear()
                else:
                    world.faults.remove(int(number))
                return {}
            case "GET", "/switches":
                return world.switches
            case "POST", "/switches":
                world.switches.update(_object(request.json()))
                return world.switches
            case "POST", "/clock":
                world.advance(_seconds(_object(request.json()).get("advance")))
                return {"now": world.clock()}
            case "POST", "/digests":
                return self._announce(_object(request.json()))
            case "POST", "/room":
                world.blobs.set_aside(_size(_object(request.json())))
                return {}
            case "POST", "/seed":
                return self._seed(str(_object(request.json()).get("spec", "")))
            case _:
                return self._order(request)

    def _seed(self, spec: str) -> object:
        seed = parse(spec)
        for name in seed.clouds:
            if name in self._clouds:
                self._clouds[name].seed(seed.spec)
        return {"seeded": spec}

    def _announce(self, payload: dict[str, object]) -> object:
        digests = _object(payload.get("digests"))
        self._world.blobs.announce(
            _size(payload), {name: str(value) for name, value in digests.items()}
        )
        return {"announced": sorted(digests)}

    def _order(self, request: Request) -> object:
        payload = _object(request.json())
        parts = request.path.strip("/").split("/")
        if request.method == "POST" and len(parts) == 2:
            return self._clouds[parts[0]].admin(parts[1], payload)
        if len(parts) == 1 and parts[0] in ("tokens", "accounts"):
            verb = {"POST": "add", "DELETE": "remove"}[request.method]
            cloud = self._clouds[str(payload.pop("cloud", ""))]
            return cloud.admin(f"{verb}_{parts[0]}", payload)
        raise LookupError(f"{request.method} {request.path}")


def _object(value: object) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError("a JSON object is needed")
    return {str(key): item for key, item in value.items()}


def _size(payload: dict[str, object]) -> int:
    size = payload.get("size")
    if not isinstance(size, int):
        raise ValueError("a size in bytes is needed")
    return size


def _seconds(value: object) -> float:
    if not isinstance(value, int | float):
        raise ValueError("a number of seconds is needed")
    return float(value)
