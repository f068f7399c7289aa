"""Methods by which the service downloads a URL into an account.

Only the sandbox's own listeners and hosts allowed on the command line are reached.
"""

from __future__ import annotations

import threading
from urllib.parse import unquote

from cloudtui.sandbox.fetch import FetchFailed, FetchRefused, download
from cloudtui.sandbox.pcloud.call import Call, method
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.estate import Progress
from cloudtui.sandbox.pcloud.metadata import describe
from cloudtui.sandbox.pcloud.nodes import Folder
from cloudtui.sandbox.pcloud.tree import Clash, check_name
from cloudtui.sandbox.pcloud.uploads import target_folder


class Job:
    """Some URLs on their way into one folder; `answer` is what `uploadprogress` tells."""

    def __init__(self, call: Call, folder: Folder, urls: list[str], names: list[str]) -> None:
        self._call = call
        self._folder = folder
        self._urls = urls
        self._names = names
        self.files: list[dict[str, object]] = [{"url": url, "status": "waiting"} for url in urls]
        self.metadata: list[dict[str, object]] = []
        self.answer: dict[str, object] = {
            "urlcount": len(urls),
            "urlready": 0,
            "urlworking": 0,
            "finished": False,
            "files": self.files,
        }

    def run(self) -> None:
        """Fetch one after the other; a failed one is marked and the rest goes on."""
        for index, url in enumerate(self._urls):
            self.answer["urlworking"] = 1
            try:
                self._fetch(self.files[index], url, self._names[index])
            except (FetchRefused, FetchFailed, Refusal):
                self.files[index]["status"] = "error"
            self.answer["urlworking"] = 0
        self.answer["finished"] = True

    def _fetch(self, entry: dict[str, object], url: str, name: str) -> None:
        call = self._call
        world = call.estate.world
        with download(world, url) as source:
            entry["status"] = "downloading"
            entry["downloaded"] = 0
            if source.length >= 0:
                entry["size"] = source.length
                call.account.room_for(source.length)
            writer = world.blobs.new((), source.length if source.length >= 0 else None)
            try:
                for piece in source.pieces():
                    writer.write(piece)
                    entry["downloaded"] = writer.size
            except BaseException:
                writer.discard()
                raise
            blob = writer.close()
            if source.length >= 0 and blob.size != source.length:
                raise FetchFailed("the file ended early")
            wanted = name or source.name
        with world.lock:
            call.account.room_for(blob.size)
            file = call.account.tree.place(
                self._folder, check_name(wanted), blob, clash=Clash.RENAME
            )
            found = describe(file, call.style)
        entry.update(status="ready", size=blob.size, downloaded=blob.size, metadata=found)
        self.metadata.append(found)
        ready = self.answer["urlready"]
        self.answer["urlready"] = (ready if isinstance(ready, int) else 0) + 1


def _job(call: Call) -> Job:
    urls = (call.params.text("url") or "").split()
    if not urls:
        raise Refusal(1040)
    with call.estate.world.lock:
        folder = target_folder(call)
        names = [unquote(name) for name in (call.params.text("target") or "").split(",")]
        names += [""] * (len(urls) - len(names))
        job = Job(call, folder, urls, names)
        key = call.params.text("progresshash")
        if key:
            call.account.progress[key] = Progress(job.answer)
    return job


@method("downloadfile", locked=False, writes=True)
def downloadfile(call: Call) -> dict[str, object]:
    """Fetch and answer when done; 5001 when nothing could be fetched."""
    job = _job(call)
    job.run()
    if not job.metadata:
        raise Refusal(5001)
    return {"metadata": job.metadata}


@method("downloadfileasync", locked=False, writes=True)
def downloadfileasync(call: Call) -> dict[str, object]:
    """Queue and answer at once; `uploadprogress` with the caller's own `progresshash` tells the
    rest.
    """
    job = _job(call)
    thread = threading.Thread(target=job.run, name="pcloud-fetch", daemon=True)
    thread.start()
    return {}
