"""The forms in which a place plays a film or music, as lines and as JSON; `link` and `stat` show
them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from cloudtui.cli_output import Output
from cloudtui.services.errors import NotFound, NotSupported, Refused
from cloudtui.services.media import PlaysQualities, Quality, is_played, plays_nothing
from cloudtui.services.models import Found

if TYPE_CHECKING:
    from cloudtui.services.storage import Storage

LIST: Final = "list"


def player(storage: Storage) -> PlaysQualities:
    """The place as one that plays other forms. Raises NotSupported where it plays none."""
    place: object = storage
    if not isinstance(place, PlaysQualities) or not storage.caps.allows("qualities"):
        reason = storage.caps.refused.get("qualities", "")
        raise NotSupported(reason) if reason else plays_nothing(storage.title)
    return place


async def known_qualities(storage: Storage, found: Found) -> Sequence[Quality]:
    """The forms of a file; none where the place tells none, for whatever reason."""
    if not is_played(found.entry) or not storage.caps.allows("qualities"):
        return ()
    try:
        return await player(storage).qualities(found)
    except (NotFound, Refused):
        return ()  # it is asked for in passing: what else is known of the file shall be told


def quality_json(one: Quality) -> dict[str, object]:
    """`name, original, width, height, duration` (seconds)`, bit_rate` (a second)`, codecs, wants,
    given`."""
    return {
        "name": one.name,
        "original": one.original,
        "width": one.width,
        "height": one.height,
        "duration": one.duration,
        "bit_rate": one.bit_rate,
        "codecs": list(one.codecs),
        "wants": one.wants,
        "given": one.given,
    }


def quality_line(one: Quality, output: Output) -> str:
    """`720P          1280x720, h264`."""
    return f"{output.name(one.name):<12} {one.words}".rstrip()


def show_qualities(output: Output, forms: Sequence[Quality]) -> None:
    """A line for each form, or the word that there is no other."""
    if not forms and not output.as_json:
        output.say("It has no other form than its own.")
    for one in forms:
        if output.as_json:
            output.value(quality_json(one))
        else:
            output.line(quality_line(one, output))
