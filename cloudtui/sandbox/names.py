"""Which listener answers for which host name of the real services.

Owns the mapping only; used when a cloud fetches a link that was handed out under a real name, and
by whoever routes real names to the sandbox.
"""

from __future__ import annotations

PIKPAK_ROOTS = ("mypikpak.com", "mypikpak.net", "pikpak.me", "pikpakdrive.com")


def listener_for(host: str) -> str | None:
    """The listener for a host name (without port), or None when it is not one of the clouds'."""
    host = host.lower().rstrip(".")
    if host == "pcloud.com" or host.endswith(".pcloud.com"):
        return _pcloud(host.removesuffix("pcloud.com").rstrip("."))
    for root in PIKPAK_ROOTS:
        if host == root or host.endswith(f".{root}"):
            return _pikpak(host.removesuffix(root).rstrip("."))
    return None


def _pcloud(label: str) -> str:
    if label.startswith(("eapi", "bineapi")):
        return "pcloud.eu"
    if label.startswith(("api", "binapi")):
        return "pcloud.us"
    if label in ("my", "e", "u", "docs", ""):
        return "pcloud.authorize"
    return "pcloud.content"


def _pikpak(label: str) -> str:
    if label == "user":
        return "pikpak.user"
    if label in ("api-drive", ""):
        return "pikpak.drive"
    if label.startswith("dl-"):
        return "pikpak.content"
    return "pikpak.upload"
