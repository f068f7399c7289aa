"""A hostile service: the sandbox behind a proxy that puts other names into its answers."""

from __future__ import annotations

import http.client
import http.server
import json
import re
import threading
from collections.abc import Mapping
from typing import Final, Self
from urllib.parse import urlsplit

_NAME: Final = re.compile(rb'("name"\s*:\s*)"(named-\d+)(?:\.bin)?"')
_HOPS: Final = frozenset({"connection", "transfer-encoding", "content-length", "host"})


class Rewriting:
    """Forwards to one listener of the sandbox; `named-N` becomes `names["named-N"]`."""

    def __init__(self, target: str, names: Mapping[str, str]) -> None:
        netloc = urlsplit(target).netloc

        def rewritten(body: bytes) -> bytes:
            def other(match: re.Match[bytes]) -> bytes:
                return match[1] + json.dumps(names[match[2].decode()]).encode()

            return _NAME.sub(other, body)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _forward(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length) if length else None
                sent = {k: v for k, v in self.headers.items() if k.lower() not in _HOPS}
                upstream = http.client.HTTPConnection(netloc, timeout=100)
                try:
                    upstream.request(self.command, self.path, body, sent)
                    answer = upstream.getresponse()
                    content = rewritten(answer.read())
                finally:
                    upstream.close()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in _HOPS:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _forward

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """The origin it answers at."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
