"""Watching one download that the service makes for an offline task.

The guard and the HTTP side are the sandbox's own fetch; here is the thread and what a task sees.
"""

from __future__ import annotations

import contextlib
import threading
from urllib.parse import unquote, urlsplit

from cloudtui.sandbox.blobs import Blob
from cloudtui.sandbox.fetch import FetchFailed, FetchRefused, download
from cloudtui.sandbox.pikpak.cloud import gcid_of
from cloudtui.sandbox.world import World


def name_of(url: str) -> str:
    """What a file is called before its server was asked: the address's last part, else its host."""
    parts = urlsplit(url)
    last = unquote(parts.path.rstrip("/").rpartition("/")[2])
    return _clean(last or parts.hostname or "download")


def _clean(name: str) -> str:
    return name.replace("/", "_") or "download"


class Fetch:
    """One running download; `name`, `total` and `received` become known on the way."""

    def __init__(self, world: World, url: str) -> None:
        self._world = world
        self.url = url
        self.name = ""
        self.total = 0
        self.received = 0
        self.blob: Blob | None = None
        self.failed = ""
        self.ended = threading.Event()

    def start(self) -> Fetch:
        """Begin on a thread of its own."""
        threading.Thread(target=self._run, name="pikpak-fetch", daemon=True).start()
        return self

    def _run(self) -> None:
        try:
            self._receive()
        except (FetchRefused, FetchFailed, OSError) as exc:
            self.failed = str(exc) or type(exc).__name__
        finally:
            self.ended.set()
            with self._world.changed:
                self._world.changed.notify_all()

    def _receive(self) -> None:
        with download(self._world, self.url) as source, contextlib.ExitStack() as broken:
            self.total = max(source.length, 0)
            self.name = _clean(source.name)
            writer = self._world.blobs.new((), self.total or None)
            broken.callback(writer.discard)
            for piece in source.pieces():
                writer.write(piece)
                self.received += len(piece)
            if source.length >= 0 and self.received != source.length:
                raise FetchFailed("the connection ended early")
            broken.pop_all()
        blob = writer.close()
        # Here and not under the world's lock: it reads the whole file.
        gcid_of(blob)
        self.blob = blob
