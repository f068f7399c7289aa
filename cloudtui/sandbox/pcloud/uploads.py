"""Methods that bring bytes in: simple uploads and resumable sessions."""

from __future__ import annotations

from collections.abc import Iterator

from cloudtui.sandbox.blobs import Blob, Writer
from cloudtui.sandbox.http import BadRequest, Disconnected
from cloudtui.sandbox.pcloud.call import Call, method, split_path
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.estate import Progress
from cloudtui.sandbox.pcloud.metadata import describe
from cloudtui.sandbox.pcloud.nodes import File, Folder
from cloudtui.sandbox.pcloud.sessions import LIFETIME, Upload
from cloudtui.sandbox.pcloud.tree import Clash, check_name, numbered


def target_folder(call: Call) -> Folder:
    """`folderid` or `path`; the root when neither is sent."""
    if call.params.text("folderid") is None and call.params.text("path") is not None:
        path = call.params.text("path") or "/"
        return call.account.tree.walk(split_path(path.rstrip("/") or "/"), 2005)
    if call.params.text("folderid") is None:
        return call.account.tree.root
    return call.folder()


def sums_of(call: Call, blob: Blob) -> dict[str, str]:
    """The region's digests of a blob."""
    return {name: blob.digest(name) for name in call.digests}


@method("uploadfile", locked=False, writes=True)
def uploadfile(call: Call) -> dict[str, object]:
    """PUT or raw POST of one file, or multipart POST of several. The answer's arrays are in file
    order.

    A PUT of nothing makes no file: `pcloud.empty_put` chooses between an error (default) and empty
    arrays.
    """
    request = call.request
    if request.body.chunked:
        raise BadRequest("Chunked bodies are not accepted.")
    with call.estate.world.lock:
        target_folder(call)
        call.account.room_for(request.body.length or 0)
    stored: list[tuple[File, Blob]] = []
    if call.multipart is not None:
        progress = _progress(call, "", request.body.length or 0)
        for number, (name, feed) in enumerate(call.multipart.files(), 1):
            progress.update(currentfile=name, currentfileuploaded=0, filenumber=number)
            writer = call.estate.world.blobs.new(call.digests, request.body.length)
            try:
                feed(writer.write)
            except BaseException:
                writer.discard()
                raise
            stored.append(_store(call, writer, name or call.params.text("filename") or ""))
            progress["files"] = [describe(file, call.style) for file, _ in stored]
        _finished(progress)
    else:
        if not request.body.length:
            if call.estate.world.switch("pcloud.empty_put") == "empty":
                return {"fileids": [], "metadata": [], "checksums": []}
            raise Refusal(5001)
        name = check_name(call.params.text("filename") or "")
        stored.append(_receive(call, name))
    return {
        "fileids": [file.id for file, _ in stored],
        "metadata": [describe(file, call.style) for file, _ in stored],
        "checksums": [sums_of(call, blob) for _, blob in stored],
    }


def _receive(call: Call, name: str) -> tuple[File, Blob]:
    """The raw body as one file. When the connection breaks, `nopartial` decides whether the part
    stays.
    """
    body = call.request.body
    writer = call.estate.world.blobs.new(call.digests, body.length)
    progress = _progress(call, name, body.length or 0)
    try:
        for view in body.stream():
            writer.write(view)
            progress["uploaded"] = progress["currentfileuploaded"] = writer.size
    except Disconnected:
        if call.params.flag("nopartial"):
            writer.discard()
        else:
            _store(call, writer, name)
        raise
    except BaseException:
        writer.discard()
        raise
    stored = _store(call, writer, name)
    progress["files"] = [describe(stored[0], call.style)]
    _finished(progress)
    return stored


def _progress(call: Call, name: str, total: int) -> dict[str, object]:
    answer: dict[str, object] = {
        "total": total,
        "uploaded": 0,
        "currentfile": name,
        "currentfileuploaded": 0,
        "filenumber": 1,
        "files": [],
        "finished": False,
    }
    key = call.params.text("progresshash")
    if key:
        call.account.progress[key] = Progress(answer)
    return answer


def _finished(progress: dict[str, object]) -> None:
    """An upload that is over has no current file."""
    del progress["currentfile"], progress["currentfileuploaded"]
    progress.update(finished=True, uploaded=progress["total"])


def _store(call: Call, writer: Writer, name: str) -> tuple[File, Blob]:
    """Finish the bytes (hashes are waited for outside the lock), then place the file."""
    blob = writer.close()
    with call.estate.world.lock:
        folder = target_folder(call)
        call.account.room_for(blob.size)
        mtime = call.params.number("mtime")
        file = call.account.tree.place(
            folder,
            name,
            blob,
            clash=Clash.RENAME if call.params.flag("renameifexists") else Clash.OVERWRITE,
            modified=mtime,
            created=call.params.number("ctime") if mtime is not None else None,
        )
    return file, blob


@method("uploadprogress")
def uploadprogress(call: Call) -> dict[str, object]:
    """Refusal 1900 for a key nobody uploads or fetches under (yet)."""
    progress = call.account.progress.get(call.params.text("progresshash") or "")
    if progress is None:
        raise Refusal(1900)
    return dict(progress.answer)


def session(call: Call) -> Upload:
    """Refusals 1038, 2067 (also when it expired)."""
    number = call.params.number("uploadid")
    if number is None:
        raise Refusal(1038)
    upload = call.account.uploads.get(number)
    if upload is None:
        raise Refusal(2067)
    if upload.expires < call.now:
        del call.account.uploads[number]
        upload.discard()
        raise Refusal(2067)
    return upload


@method("upload_create", writes=True)
def upload_create(call: Call) -> dict[str, object]:
    call.account.room_for(call.params.number("filesize") or 0)
    number = call.estate.number()
    upload = Upload(number, call.estate.world.blobs, call.digests, call.now + LIFETIME)
    call.account.uploads[number] = upload
    return {"uploadid": number}


@method("upload_write", locked=False, writes=True)
def upload_write(call: Call) -> dict[str, object]:
    """Bytes at `uploadoffset`; a second writer at the same time gets 2068."""
    if call.request.body.chunked:
        raise BadRequest("Chunked bodies are not accepted.")
    with call.estate.world.lock:
        upload = session(call)
    upload.write(call.params.number("uploadoffset") or 0, call.request.body)
    return {}


@method("upload_info", locked=False)
def upload_info(call: Call) -> dict[str, object]:
    """Size and digests of what the service has."""
    with call.estate.world.lock:
        upload = session(call)
    return {"size": upload.size, **upload.sums()}


@method("upload_delete", writes=True)
def upload_delete(call: Call) -> dict[str, object]:
    upload = session(call)
    upload.discard()
    del call.account.uploads[upload.id]
    return {}


@method("upload_save", locked=False, writes=True)
def upload_save(call: Call) -> dict[str, object]:
    """Give the session's bytes a name. Clashes: overwrite, `renameifexists=1`, or `ifhash` (a
    number: only
    over that version; "new": only where nothing is), which else stores under a conflict name."""
    with call.estate.world.lock:
        upload = session(call)
        name = call.account.tree.called(call.params.text("name") or "")
        target_folder(call)
        call.account.room_for(upload.size)
    blob = upload.finish()
    with call.estate.world.lock:
        call.account.uploads.pop(upload.id, None)
        folder = target_folder(call)
        expected = call.params.text("ifhash")
        there = folder.files.get(name)
        clash = Clash.RENAME if call.params.flag("renameifexists") else Clash.OVERWRITE
        if expected is not None and there is not None:
            clash = Clash.RENAME
            if expected == str(there.content.hash):
                clash = Clash.OVERWRITE
            else:
                name = next(_conflict_names(name, folder))
        mtime = call.params.number("mtime")
        file = call.account.tree.place(
            folder,
            name,
            blob,
            clash=clash,
            modified=mtime,
            created=call.params.number("ctime") if mtime is not None else None,
        )
        return {"metadata": describe(file, call.style)}


def _conflict_names(name: str, folder: Folder) -> Iterator[str]:
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        stem, dot, suffix = name, "", ""
    conflicted = f"{stem}{{CONFLICTED}}{dot}{suffix}"
    if conflicted not in folder.files:
        yield conflicted
    yield numbered(conflicted, folder.files.__contains__)
