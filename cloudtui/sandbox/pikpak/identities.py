"""The client identities PikPak's servers recognise, and the signs each of them computes.

An identity is client id, version, package, salts and secret together; a sign made with parts of
two identities is refused. Salt lists are ordered, and an empty salt still costs a round of MD5.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """One published app version."""

    name: str
    client_id: str
    secret: str
    version: str
    package: str
    salts: tuple[str, ...]


_WEB_SALTS = (
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
_ANDROID_153_SALTS = (
    "SOP04dGzk0TNO7t7t9ekDbAmx+eq0OI1ovEx",
    "nVBjhYiND4hZ2NCGyV5beamIr7k6ifAsAbl",
    "Ddjpt5B/Cit6EDq2a6cXgxY9lkEIOw4yC1GDF28KrA",
    "VVCogcmSNIVvgV6U+AochorydiSymi68YVNGiz",
    "u5ujk5sM62gpJOsB/1Gu/zsfgfZO",
    "dXYIiBOAHZgzSruaQ2Nhrqc2im",
    "z5jUTBSIpBN9g4qSJGlidNAutX6",
    "KJE2oveZ34du/g1tiimm",
)
_ANDROID_147_SALTS = (
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
_ANDROID_121_SALTS = (
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
_PC_SALTS = (
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
_ANDROID = ("YNxT9w7GMdWvEOKa", "dbw2OtmVEeuUvIptb1Coyg")

IDENTITIES: tuple[Identity, ...] = (
    Identity(
        "web",
        "YUMx5nI8ZU8Ap8pm",
        "dbw2OtmVEeuUvIptb1Coyg",
        "2.0.0",
        "mypikpak.com",
        _WEB_SALTS,
    ),
    Identity("android-153", *_ANDROID, "1.53.2", "com.pikcloud.pikpak", _ANDROID_153_SALTS),
    Identity("android-147", *_ANDROID, "1.47.1", "com.pikcloud.pikpak", _ANDROID_147_SALTS),
    Identity("android-121", *_ANDROID, "1.21.0", "com.pikcloud.pikpak", _ANDROID_121_SALTS),
    Identity(
        "pc",
        "YvtoWO6GNHiuCl7x",
        "1NIH5R1IEe2pAxZE3hv3uA",
        "undefined",
        "mypikpak.com",
        _PC_SALTS,
    ),
)


def captcha_sign(identity: Identity, device_id: str, timestamp: str) -> str:
    """The sign over identity, device and time (milliseconds as text)."""
    text = identity.client_id + identity.version + identity.package + device_id + timestamp
    for salt in identity.salts:
        text = hashlib.md5((text + salt).encode()).hexdigest()
    return "1." + text


def known_client(client_id: str, refused: object = ()) -> bool:
    """Whether any identity carries this client id, those named in the list `refused` aside."""
    closed = refused if isinstance(refused, list) else ()
    return any(
        identity.client_id == client_id for identity in IDENTITIES if identity.name not in closed
    )


def secret_fits(client_id: str, secret: str) -> bool:
    """Whether `secret` belongs to the client id; rclone sends none, so an empty one fits."""
    if not secret:
        return True
    return any(
        hmac.compare_digest(identity.secret, secret)
        for identity in IDENTITIES
        if identity.client_id == client_id
    )


def signer(
    client_id: str, version: str, package: str, device_id: str, timestamp: str, sign: str
) -> Identity | None:
    """The identity whose salts explain `sign`, or None."""
    for identity in IDENTITIES:
        if (identity.client_id, identity.version, identity.package) != (
            client_id,
            version,
            package,
        ):
            continue
        if hmac.compare_digest(
            captcha_sign(identity, device_id, timestamp).encode(), sign.encode()
        ):
            return identity
    return None
