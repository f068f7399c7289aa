"""The question about a name that is taken: both sides' facts, and every answer the engine knows."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from cloudtui import present
from cloudtui.screens.dialogs import Dialog, Option, words
from cloudtui.screens.fields import Field
from cloudtui.services.models import Entry
from cloudtui.services.naming import display_name, numbered
from cloudtui.services.transfers.orders import Answer, Conflict, JobView, Resolution, Verb
from cloudtui.widgets.rows import cut_middle, pad

_LABEL = 10
_COLUMN = 26
_KEPT = 36
"""Cells of the name that keeping both would give."""
_SAME_TIME_NS = 2_000_000_000


def _size(entry: Entry) -> str:
    if entry.is_folder:
        return "folder"
    return "not known" if entry.size is None else present.size_long(entry.size)


def _date(entry: Entry) -> str:
    return "not known" if entry.mtime_ns is None else present.date_full(entry.mtime_ns)


def compare_lines(conflict: Conflict) -> list[str]:
    """The two sides as rows; the last column says how the one there differs."""
    mine, there = conflict.source, conflict.target
    size_word = date_word = ""
    if mine.size is not None and there.size is not None and mine.size != there.size:
        size_word = "smaller" if there.size < mine.size else "larger"
    apart = (mine.mtime_ns or 0) - (there.mtime_ns or 0)
    if mine.mtime_ns is not None and there.mtime_ns is not None and abs(apart) > _SAME_TIME_NS:
        date_word = "older" if apart > 0 else "newer"

    def row(label: str, left: str, right: str, note: str = "") -> str:
        cells = (label, _LABEL), (left, _COLUMN), (right, _COLUMN)
        return " ".join(pad(cut_middle(text, width), width) for text, width in cells) + note

    both = (display_name(mine.name), display_name(there.name))
    lines = [
        row("", "this file", "there"),
        row("name", *both),
        row("size", _size(mine), _size(there), size_word),
        row("changed", _date(mine), _date(there), date_word),
    ]
    if not (mine.is_folder or there.is_folder):
        lines.append(row("contents", "not compared" if size_word == "" else "they differ", ""))
    return [line.rstrip() for line in lines]


class ConflictBox(Dialog[Resolution | None]):
    """Gives a resolution, or None for later. The focus starts on skip."""

    BINDINGS = [("a", "for_all", "answer for all")]  # noqa: RUF012

    def __init__(self, conflict: Conflict, waiting: int, job: JobView) -> None:
        self._conflict = conflict
        self._waiting = waiting
        self._for_all = False
        self._naming = False
        name = conflict.source.name
        both_files = not conflict.source.is_folder and not conflict.target.is_folder
        kept = cut_middle(display_name(numbered(name, 1)), _KEPT)
        no_merge = "" if both_files else "a file and a folder cannot replace one another"
        over = "Overwrite for ever" if conflict.overwrite_is_final else "Overwrite"
        options: list[Option[Resolution | None]] = [
            Option("Skip", "s", Resolution(Answer.SKIP)),
            Option(f"Keep both as {kept}", "k", Resolution(Answer.KEEP_BOTH)),
            Option(over, "o", Resolution(Answer.OVERWRITE), no_merge),
            Option("Rename to...", "t", Resolution(Answer.RENAME)),
            Option("Newer wins", "n", Resolution(Answer.NEWER), no_merge),
            Option("Larger wins", "l", Resolution(Answer.LARGER), no_merge),
            Option("Decide later", "d", None),
        ]
        verb = "Move" if job.verb is Verb.MOVE else "Copy"
        sentences = [f"{verb} to {conflict.where}", "", *compare_lines(conflict), ""]
        if job.files_skipped:
            sentences.append(
                f"{present.count(job.files_skipped, 'file')} of this job skipped so far."
            )
        if not conflict.overwrite_is_final:
            sentences.append(
                "Overwrite: the file there goes to the trash or stays as an old version."
            )
        title = f"Already there   1 of {waiting}" if waiting > 1 else "Already there"
        super().__init__(title, sentences, options, safe=None)

    def middle(self) -> ComposeResult:
        yield words(self._all_words(), id="for-all")
        yield Field(id="text", kind="name")
        yield words("", id="complaint", classes="bad")

    def _all_words(self) -> str:
        if self._waiting < 2:
            return ""
        return f"[{'x' if self._for_all else ' '}] a: answer for all {self._waiting} of this job"

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#text", Input).display = False

    def action_for_all(self) -> None:
        """`a`."""
        if self._waiting > 1:
            self._for_all = not self._for_all
            self.query_one("#for-all", Static).update(Content(self._all_words()))

    def give(self, number: int) -> None:
        chosen = self.options[number].value
        if chosen is None:
            self.dismiss(None)
        elif chosen.answer is Answer.RENAME:
            self._ask_name()
        else:
            self.dismiss(Resolution(chosen.answer, self._for_all))

    def _ask_name(self) -> None:
        field = self.query_one("#text", Input)
        field.display = True
        field.value = display_name(self._conflict.source.name, edges=False)
        field.focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        name = event.value
        if not name.strip() or "/" in name or name in (".", ".."):
            self.query_one("#complaint", Static).update(Content("That cannot be a name."))
        elif name == self._conflict.source.name:
            self.query_one("#complaint", Static).update(Content("That name is the one taken."))
        else:
            self.query_one("#text", Field).keep()
            self.dismiss(Resolution(Answer.RENAME, name=name))
