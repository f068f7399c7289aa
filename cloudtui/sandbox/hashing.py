"""A small process that hashes a file while another process is still writing it.

Run as a script with the file's descriptor and algorithm names as arguments. On standard input it
reads lines: a number means that many bytes are there to be hashed, `?` asks for the digests so far,
which go to standard output as one line. It ends with its input.

Why a process: receiving under TLS takes 65,000 short calls per GiB, each of which hands over the
interpreter lock; with hashing threads beside them 1 GiB took 4.7 s instead of 2.3 s on 2 cores.
"""

from __future__ import annotations

import hashlib
import os
import sys

PIECE = 1024 * 1024


def main(arguments: list[str]) -> int:
    """Serve until standard input ends."""
    fd = int(arguments[0])
    sums = [hashlib.new(name, usedforsecurity=False) for name in arguments[1:]]
    buffer = memoryview(bytearray(PIECE))
    done = target = 0
    for line in sys.stdin.buffer:
        if line != b"?\n":
            target = int(line)
        while done < target:
            got = os.preadv(fd, [buffer[: target - done]], done)
            for digest in sums:
                digest.update(buffer[:got])
            done += got
        if line == b"?\n":
            print(*(digest.hexdigest() for digest in sums), flush=True)  # noqa: T201 - the answer
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
