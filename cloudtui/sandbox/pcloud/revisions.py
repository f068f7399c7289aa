"""Methods on earlier versions of a file."""

from __future__ import annotations

from cloudtui.sandbox.pcloud.call import Call, method
from cloudtui.sandbox.pcloud.codes import Refusal
from cloudtui.sandbox.pcloud.files import version_of
from cloudtui.sandbox.pcloud.metadata import describe
from cloudtui.sandbox.pcloud.tree import Clash


@method("listrevisions")
def listrevisions(call: Call) -> dict[str, object]:
    """All versions, oldest first, the current one last; empty ones are left out."""
    file = call.file()
    return {
        "revisions": [
            {
                "revisionid": content.revision,
                "size": content.blob.size,
                "hash": content.hash,
                "created": call.style.moment(content.created),
            }
            for content in (*file.old, file.content)
            if content.blob.size
        ],
        "metadata": describe(file, call.style),
    }


@method("revertrevision", writes=True)
def revertrevision(call: Call) -> dict[str, object]:
    """Make an earlier version the current one; the current one becomes the newest revision."""
    if call.params.number("revisionid") is None:
        raise Refusal(2029)
    file = call.file()
    content = version_of(call, file)
    if content is not file.content:
        tree = call.account.tree
        tree.place(file.parent, file.name, content.blob, clash=Clash.OVERWRITE)
    return {"metadata": describe(file, call.style)}


@method("getfilehistory")
def getfilehistory(call: Call) -> dict[str, object]:
    """The change feed's entries about one file."""
    file = call.file()
    return {
        "entries": [
            {"event": event.event, "time": call.style.moment(event.time), "diffid": event.diffid}
            for event in call.account.tree.events
            if event.metadata.get("fileid") == file.id
        ]
    }
