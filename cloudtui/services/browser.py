"""Opening a page in the browser of this machine's desktop.

The page's address may hold a token, so it never stands in an argument: the browser is sent to a
one-shot address on this machine that redirects to it. Text browsers are never started: they would
take over the terminal.
"""

from __future__ import annotations

import http.server
import os
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from urllib.parse import urlsplit

from cloudtui.services.accounts import child_environment

_WAIT_SECONDS = 60.0


def opener(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The command that opens a page on this desktop; empty where there is none."""
    if sys.platform == "darwin":
        return ["open"]
    if sys.platform == "win32":
        return ["rundll32", "url.dll,FileProtocolHandler"]
    if not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        return []
    found = shutil.which("xdg-open", path=environ.get("PATH"))
    return [found] if found else []


def open_url(url: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Have the desktop's browser show a page. False where there is no desktop or no opener.

    Only http and https addresses are opened.
    """
    command = opener(environ)
    if not command or urlsplit(url).scheme not in ("http", "https"):
        return False
    port, path = _redirect_once(url)
    try:
        process = subprocess.Popen(
            [*command, f"http://127.0.0.1:{port}/{path}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=child_environment(environ),
            start_new_session=True,
        )
    except OSError:
        return False
    # nobody waits for the opener, but what has ended must not stay in the process table
    threading.Thread(target=process.wait, name="opener", daemon=True).start()
    return True


def _redirect_once(url: str) -> tuple[int, str]:
    """Listen on loopback for one visit to a secret path; its port and path."""
    path = secrets.token_urlsafe(16)

    class Redirect(http.server.BaseHTTPRequestHandler):
        """Sends the one visitor on."""

        def do_GET(self) -> None:
            is_it = self.path == f"/{path}"
            self.send_response(302 if is_it else 404)
            if is_it:
                self.send_header("Location", url)
                self.server.visited = True  # type: ignore[attr-defined]
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the path is a secret and stderr is the screen."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Redirect)
    server.timeout = _WAIT_SECONDS
    server.visited = False  # type: ignore[attr-defined]

    def serve() -> None:
        with server:
            for _ in range(8):
                server.handle_request()
                if server.visited:  # type: ignore[attr-defined]
                    return

    threading.Thread(target=serve, name="open-url", daemon=True).start()
    return server.server_address[1], path
