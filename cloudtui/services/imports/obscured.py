"""rclone's obscured values: not secret, only unreadable over the shoulder.

Anybody can turn them back: AES in counter mode under a key that is part of rclone's published
source, the first block being the counter's start, base64 with the URL alphabet and no padding.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from cloudtui.services.models import Secret

# a constant of rclone's file format, the same for everybody
_KEY: Final = bytes.fromhex("9c935b48730a554d6bfd7c63c886a92bd390198eb8128afbf4de162b8b95f638")
_BLOCK: Final = 16


def reveal(obscured: str) -> Secret:
    """The value behind an obscured one. Raises ValueError for what is none."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    text = obscured.strip()
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as exc:
        raise ValueError("not an obscured value") from exc
    if len(raw) < _BLOCK:
        raise ValueError("too short for an obscured value")
    decryptor = Cipher(algorithms.AES(_KEY), modes.CTR(raw[:_BLOCK])).decryptor()
    return Secret((decryptor.update(raw[_BLOCK:]) + decryptor.finalize()).decode())
