"""What one PikPak account is set to: addresses, identity, device and options of its settings.

Owns defaults and their meaning on the wire; talks to nobody. The options mean what rclone's
options of the same names mean.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from cloudtui.services.accounts import Account
from cloudtui.services.errors import UsageError
from cloudtui.services.naming import PIKPAK_RULES, RAW_RULES, Rule, display_name
from cloudtui.services.pikpak.identities import IDENTITIES, WEB, Identity, identity_of

USER_URL: Final = "https://user.mypikpak.com"
DRIVE_URL: Final = "https://api-drive.mypikpak.com"
ROOT_DOMAINS: Final = ("mypikpak.com", "mypikpak.net", "pikpak.me", "pikpakdrive.com")
"""Domains that were measured to answer alike and to take the same tokens."""

WEB_AGENT: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:129.0) Gecko/20100101 Firefox/129.0"
)
"""What rclone sends everywhere, objects and content included."""

MIB: Final = 1 << 20
_DEVICE: Final = re.compile(r"[0-9a-f]{32}")


class Profile(Struct):
    """The settled options of one account. Sizes in bytes; origins have no trailing slash.

    All is settled but `identity`, which `speak_as` changes when the service takes it no longer;
    `own_identity` and `own_agent` say that the settings name it, and that it stays.
    """

    account: str
    username: str
    user_url: str
    drive_url: str
    identity: Identity
    device_id: str
    user_agent: str
    root_id: str
    use_trash: bool
    trashed_only: bool
    media_links: bool
    cutoff: int
    chunk: int
    parts_at_once: int
    rules: frozenset[Rule]
    hash_memory: int = 10 * MIB
    own_identity: bool = False
    own_agent: bool = False

    def speak_as(self, identity: Identity) -> None:
        """Be another client from the next call on."""
        self.identity = identity
        if not self.own_agent:
            self.user_agent = agent_of(identity, self.device_id)

    @property
    def user_host(self) -> str:
        """The host whose clock counts for tokens."""
        return urlsplit(self.user_url).hostname or ""

    @property
    def origin(self) -> str:
        """What stored secrets are bound to: both addresses, since tokens go to both."""
        return f"{self.user_url} {self.drive_url}"

    def headers(self) -> dict[str, str]:
        """What rclone's web client sends with every API call except a refresh."""
        return {
            "User-Agent": self.user_agent,
            "X-Client-Id": self.identity.client_id,
            "X-Client-Version": self.identity.version,
            "X-Device-Id": self.device_id,
            "Referer": "https://mypikpak.com/",
        }


def profile_of(account: Account, learned: str = "") -> Profile:
    """The profile of a configured account, speaking as `learned` where the settings name no
    identity. Raises UsageError for an option that makes no sense."""
    username = account.text("username", "")
    choice = account.text("identity", "") or account.text("client_id", "")
    identity = identity_of(choice) if choice else IDENTITIES.get(learned, WEB)
    if identity is None:
        raise UsageError(
            f"{account.name}: PikPak is not known to take the identity {display_name(choice)}.",
            hint=f"Known ones: {', '.join(IDENTITIES)}.",
        )
    device = account.text("device_id", "").lower()
    if not _DEVICE.fullmatch(device):
        # stable per account, as captcha tokens and risk checks hang on it
        seed = f"{username or account.name}@{account.kind}"
        device = hashlib.md5(seed.encode(), usedforsecurity=False).hexdigest()
    root = account.text("root_folder_id", "")
    return Profile(
        account=account.name,
        username=username,
        user_url=_origin(account, "user_url", USER_URL),
        drive_url=_origin(account, "drive_url", DRIVE_URL),
        identity=identity,
        device_id=device,
        user_agent=account.text("user_agent", "") or agent_of(identity, device),
        root_id="" if root == "root" else root,
        use_trash=account.flag("use_trash"),
        trashed_only=account.flag("trashed_only"),
        media_links=not account.flag("no_media_link"),
        cutoff=account.whole("upload_cutoff"),
        chunk=account.whole("chunk_size", 8 * MIB),
        parts_at_once=account.whole("upload_concurrency"),
        rules=RAW_RULES if account.text("encoding", "rclone") == "raw" else PIKPAK_RULES,
        hash_memory=account.whole("hash_memory_limit", 10 * MIB),
        own_identity=bool(choice),
        own_agent=bool(account.text("user_agent", "")),
    )


def _origin(account: Account, key: str, default: str) -> str:
    return account.origin(key) if account.text(key, "") else default


def device_sign(device_id: str, package: str) -> str:
    """How the Android app vouches for its device inside its user agent."""
    inner = hashlib.sha1(f"{device_id}{package}1appkey".encode(), usedforsecurity=False)
    outer = hashlib.md5(inner.hexdigest().encode(), usedforsecurity=False)
    return f"div101.{device_id}{outer.hexdigest()}"


def agent_of(identity: Identity, device_id: str) -> str:
    """The user agent that goes with an identity: a browser's, or the Android app's own string."""
    if not identity.package.startswith("com."):
        return WEB_AGENT
    return (
        f"ANDROID-{identity.package}/{identity.version} protocolVersion/200 accesstype/"
        f" clientid/{identity.client_id} clientversion/{identity.version} action_type/"
        f" networktype/WIFI sessionid/ deviceid/{device_id} providername/NONE"
        f" devicesign/{device_sign(device_id, identity.package)} refresh_token/"
        f" sdkversion/2.0.6.206003 usrno/ appname/{identity.package} session_origin/"
        " grant_type/ appid/ clientip/ devicename/Xiaomi_M2004j7ac osversion/13"
        " platformversion/10 accessmode/ devicemodel/M2004J7AC"
    )
