"""`python -m cloudtui.sandbox`: the servers without the program around them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cloudtui.sandbox.command import run


def main() -> int:
    """Parse the options of `cloudtui sandbox` (plus TLS and parent) and serve."""
    parser = argparse.ArgumentParser(prog="python -m cloudtui.sandbox", description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--endpoints", type=Path)
    parser.add_argument("--port-base", type=int, default=0)
    parser.add_argument("--seed", action="append", default=[])
    parser.add_argument("--allow-fetch", action="append", default=[])
    parser.add_argument("--tls-cert", type=Path)
    parser.add_argument("--tls-key", type=Path)
    parser.add_argument("--parent", type=int, help="end when this process is no longer the parent")
    parser.add_argument("--ready-fd", type=int, help="closed when the servers answer")
    options = parser.parse_args()
    return run(
        options.data,
        options.endpoints,
        options.port_base,
        options.seed,
        options.allow_fetch,
        options.tls_cert,
        options.tls_key,
        options.parent,
        options.ready_fd,
    )


if __name__ == "__main__":
    sys.exit(main())
