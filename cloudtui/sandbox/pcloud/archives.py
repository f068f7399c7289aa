"""Methods that unpack a zip archive into a folder."""

from __future__ import annotations

import secrets
import zipfile

from cloudtui.sandbox.pcloud.call import Call, method, split_path
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.estate import Progress
from cloudtui.sandbox.pcloud.nodes import Folder
from cloudtui.sandbox.pcloud.tree import Clash


def _target(call: Call) -> Folder:
    if call.params.text("tofolderid") is not None:
        return call.folder("tofolderid", "topath", 1016)
    path = call.params.text("topath")
    if path is None:
        raise Refusal(1016)
    return call.account.tree.walk(split_path(path.rstrip("/") or "/"), 2005)


@method("extractarchive", locked=False, writes=True)
def extractarchive(call: Call) -> dict[str, object]:
    """Unpack a zip. Refusals 7009 when it wants (another) password, 3006 when it is not a zip.

    Switch `pcloud.slow_extract` answers as for a long one: unfinished, with a key to ask under.
    """
    with call.estate.world.lock:
        file = call.file()
        target = _target(call)
    over = {"skip": Clash.REFUSE, "overwrite": Clash.OVERWRITE}
    clash = over.get(call.params.text("overwrite") or "", Clash.RENAME)
    output = [f"{file.name}: Zip"]
    try:
        with zipfile.ZipFile(file.content.blob.path) as archive:
            archive.setpassword((call.params.text("password") or "").encode())
            for member in archive.infolist():
                if not member.is_dir():
                    output.append(_extract(call, target, clash, member, archive.read(member)))
    except zipfile.BadZipFile as exc:
        raise Refusal(3006, "Archive is broken or of an unknown type.") from exc
    except RuntimeError as exc:  # how zipfile says: password missing or wrong
        raise Refusal(7009, "The archive needs a password.") from exc
    output.append("Done.")
    if not call.estate.world.enabled("pcloud.slow_extract"):
        return {"finished": True, "output": output, "lines": len(output)}
    key = secrets.token_urlsafe(9)
    call.account.progress[key] = Progress(
        {"finished": True, "output": output[1:], "lines": len(output)}
    )
    host = call.estate.api_hostname(call.region, call.request, near=True)
    server = {"hostname": host, "ip": "127.0.0.1", "ipbin": "127.0.0.1", "ipv6": "::1"}
    return {"finished": False, "progresshash": key, **server, "lines": 1, "output": output[:1]}


def _extract(
    call: Call, target: Folder, clash: Clash, member: zipfile.ZipInfo, content: bytes
) -> str:
    blob = call.estate.world.blobs.put_bytes(content)
    tree = call.account.tree
    with call.estate.world.lock:
        call.account.room_for(blob.size)
        folder = target
        *above, name = [part for part in member.filename.split("/") if part not in ("", ".", "..")]
        for part in above:
            folder = folder.folders.get(part) or tree.add_folder(folder, part)
        if clash is Clash.REFUSE and name in folder.files:
            return f"  {member.filename}... skipped."
        tree.place(folder, name, blob, clash=clash)
    return f"  {member.filename}  ({blob.size} B)... OK."


@method("extractarchiveprogress")
def extractarchiveprogress(call: Call) -> dict[str, object]:
    """The rest of a long extraction's output. Refusal 1900 for an unknown key."""
    progress = call.account.progress.get(call.params.text("progresshash") or "")
    if progress is None:
        raise Refusal(1900)
    return dict(progress.answer)
