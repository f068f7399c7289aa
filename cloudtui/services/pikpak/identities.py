"""The client identities PikPak knows: pure data.

Clients in daily use carry these values; PikPak publishes none. An identity is one whole: id,
version, package and salts are covered by one signature, and tokens belong to the id that obtained
them. They rotate with app versions, so they live in one table and nowhere else.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from msgspec import Struct


class Identity(Struct, frozen=True):
    """One client PikPak accepts. `secret` is empty for the web client, which sends none."""

    name: str
    client_id: str
    version: str
    package: str
    salts: tuple[str, ...]
    secret: str = ""

    def __repr__(self) -> str:
        return f"Identity({self.name!r}, {self.version!r})"


_WEB: Final = (
    "C9qPpZLN8ucRTaTiUMWYS9cQvWOE",
    "+r6CQVxjzJV6LCV",
    "F",
    "pFJRC",
    "9WXYIDGrwTCz2OiVlgZa90qpECPD6olt",
    "/750aCr4lm/Sly/c",
    "RB+DT/gZCrbV",
    "",
    "CyLsf7hdkIRxRm215hl",
    "7xHvLi2tOYP0Y92b",
    "ZGTXXxu8E/MIWaEDB+Sm/",
    "1UI3",
    "E7fP5Pfijd+7K+t6Tg/NhuLq0eEUVChpJSkrKxpO",
    "ihtqpG6FMt65+Xk+tWUH2",
    "NhXXU9rg4XXdzo7u5o",
)
_ANDROID_153: Final = (
    "SOP04dGzk0TNO7t7t9ekDbAmx+eq0OI1ovEx",
    "nVBjhYiND4hZ2NCGyV5beamIr7k6ifAsAbl",
    "Ddjpt5B/Cit6EDq2a6cXgxY9lkEIOw4yC1GDF28KrA",
    "VVCogcmSNIVvgV6U+AochorydiSymi68YVNGiz",
    "u5ujk5sM62gpJOsB/1Gu/zsfgfZO",
    "dXYIiBOAHZgzSruaQ2Nhrqc2im",
    "z5jUTBSIpBN9g4qSJGlidNAutX6",
    "KJE2oveZ34du/g1tiimm",
)
_ANDROID_147: Final = (
    "Gez0T9ijiI9WCeTsKSg3SMlx",
    "zQdbalsolyb1R/",
    "ftOjr52zt51JD68C3s",
    "yeOBMH0JkbQdEFNNwQ0RI9T3wU/v",
    "BRJrQZiTQ65WtMvwO",
    "je8fqxKPdQVJiy1DM6Bc9Nb1",
    "niV",
    "9hFCW2R1",
    "sHKHpe2i96",
    "p7c5E6AcXQ/IJUuAEC9W6",
    "",
    "aRv9hjc9P+Pbn+u3krN6",
    "BzStcgE8qVdqjEH16l4",
    "SqgeZvL5j9zoHP95xWHt",
    "zVof5yaJkPe3VFpadPof",
)
_ANDROID_121: Final = (
    "",
    "E32cSkYXC2bciKJGxRsE8ZgwmH/YwkvpD6/O9guSOa2irCwciH4xPHaH",
    "QtqgfMgHP2TFl",
    "zOKgHT56L7nIzFzDpUGhpWFrgP53m3G6ML",
    "S",
    "THxpsktzfFXizUv7DK1y/N7NZ1WhayViluBEvAJJ8bA1Wr6",
    "y9PXH3xGUhG/zQI8CaapRw2LhldCaFM9CRlKpZXJvj+pifu",
    "+RaaG7T8FRTI4cP019N5y9ofLyHE9ySFUr",
    "6Pf1l8UTeuzYldGtb/d",
)
_PC: Final = (
    "KHBJ07an7ROXDoK7Db",
    "G6n399rSWkl7WcQmw5rpQInurc1DkLmLJqE",
    "JZD1A3M4x+jBFN62hkr7VDhkkZxb9g3rWqRZqFAAb",
    "fQnw/AmSlbbI91Ik15gpddGgyU7U",
    "/Dv9JdPYSj3sHiWjouR95NTQff",
    "yGx2zuTjbWENZqecNI+edrQgqmZKP",
    "ljrbSzdHLwbqcRn",
    "lSHAsqCkGDGxQqqwrVu",
    "TsWXI81fD1",
    "vk7hBjawK/rOSrSWajtbMk95nfgf3",
)

_ANDROID_ID: Final = "YNxT9w7GMdWvEOKa"
_ANDROID_PACKAGE: Final = "com.pikcloud.pikpak"
_SHARED_SECRET: Final = "dbw2OtmVEeuUvIptb1Coyg"  # noqa: S105 - published in every Android app

WEB: Final = Identity("web", "YUMx5nI8ZU8Ap8pm", "2.0.0", "mypikpak.com", _WEB)
"""What rclone speaks as; the default."""

IDENTITIES: Final = MappingProxyType(
    {
        identity.name: identity
        for identity in (
            WEB,
            Identity(
                "android-153",
                _ANDROID_ID,
                "1.53.2",
                _ANDROID_PACKAGE,
                _ANDROID_153,
                _SHARED_SECRET,
            ),
            Identity(
                "android-147",
                _ANDROID_ID,
                "1.47.1",
                _ANDROID_PACKAGE,
                _ANDROID_147,
                _SHARED_SECRET,
            ),
            Identity(
                "android-121",
                _ANDROID_ID,
                "1.21.0",
                _ANDROID_PACKAGE,
                _ANDROID_121,
                _SHARED_SECRET,
            ),
            Identity(
                "pc",
                "YvtoWO6GNHiuCl7x",
                "undefined",
                "mypikpak.com",
                _PC,
                "1NIH5R1IEe2pAxZE3hv3uA",
            ),
        )
    }
)


def identity_of(choice: str) -> Identity | None:
    """The identity a user named, by name or by client id (the newest of that id); empty: web."""
    if not choice:
        return WEB
    if choice in IDENTITIES:
        return IDENTITIES[choice]
    return next((each for each in IDENTITIES.values() if each.client_id == choice), None)


def others_than(identity: Identity) -> list[Identity]:
    """What to speak as when PikPak takes `identity` no longer: the newest of every other client id
    first, then the older ones."""
    newest: dict[str, Identity] = {identity.client_id: identity}
    for each in IDENTITIES.values():
        newest.setdefault(each.client_id, each)
    rest = [each for each in IDENTITIES.values() if each != identity]
    return sorted(rest, key=lambda each: newest[each.client_id] != each)
