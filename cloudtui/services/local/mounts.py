"""Where disks are mounted. Owns reading the kernel's list; touches no disk while doing so."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

_LIST: Final = (
    "autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl "
    "hugetlbfs mqueue nsfs proc pstore ramfs rpc_pipefs securityfs selinuxfs squashfs sysfs "
    "tracefs fuse.portal fuse.gvfsd-fuse"
)
_NO_DISKS: Final = frozenset(_LIST.split())
"""File systems that are no place for a trash, or block when they are only looked at."""

_ESCAPE: Final = re.compile(rb"\\([0-7]{3})")


def mount_points(table: Path = Path("/proc/self/mountinfo")) -> list[str]:
    """The tops of all file systems that may hold files of people, each once."""
    try:
        lines = table.read_bytes().splitlines()
    except OSError:
        return ["/"]
    found: dict[str, None] = {}
    for line in lines:
        fields, _, rest = line.partition(b" - ")
        words, kinds = fields.split(b" "), rest.split(b" ")
        if len(words) > 4 and os.fsdecode(kinds[0]) not in _NO_DISKS:
            found[os.fsdecode(_ESCAPE.sub(_unescape, words[4]))] = None
    return list(found)


def _unescape(match: re.Match[bytes]) -> bytes:
    return bytes([int(match[1], 8)])


def mount_point(path: str) -> str:
    """The top of the file system that holds an existing, real path."""
    while not os.path.ismount(path):
        path = os.path.dirname(path)
    return path
