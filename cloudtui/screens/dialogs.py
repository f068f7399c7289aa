"""The boxes that ask: typed modals over the panes.

Each gives one value of its type; Esc gives the safe one. Texts are shown as they are, never parsed
as markup; foreign ones must have passed `display_name`. A box answers only to keys pressed after
it appeared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Offset
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Input, Static

from cloudtui.actions import Place
from cloudtui.keymap import bindings_of
from cloudtui.screens.fields import AddressField, Field
from cloudtui.widgets.hearing import heard, place_words, stand

T = TypeVar("T")

_ANSWERS_WIDTH = 74
_BESIDE_ANSWERS = 4
_AROUND_ANSWER = 9
"""Cells around the words of an answer: brackets, its edges, and the gap before it."""

STYLES = Path(__file__).parent.parent / "styles" / "dialogs.tcss"
"""Looks of boxes, read when the first one opens."""


@dataclass(frozen=True, slots=True)
class Option(Generic[T]):
    """One answer: its words, the letter that gives it, its value. A `reason` greys it."""

    words: str
    letter: str
    value: T
    reason: str = ""


def words(text: str, *, classes: str = "", id: str | None = None) -> Static:
    """Plain text in a box."""
    return Static(Content(text), classes=classes, id=id, markup=False)


def spoken_line() -> ComposeResult:
    """The line of a box that tells what has the focus, where the screen is listened to."""
    if heard():
        yield words("", id="spoken")


def tell(screen: Screen[Any], text: str) -> None:
    """Put a sentence into that line, where there is one."""
    for line in screen.query("#spoken").results(Static):
        line.update(Content(text))


class Answer(Button):
    """A button in brackets, its letter underlined; double brackets show the focus without
    colour."""

    def __init__(self, option: Option[T], *, id: str) -> None:
        number = int(id.rpartition("-")[2]) + 1
        self._words = f"{number} {option.words}" if heard() else option.words
        self._letter = option.letter
        super().__init__(
            self._drawn(focused=False), id=id, compact=True, disabled=bool(option.reason)
        )
        self.active_effect_duration = 0.0  # while it lasts a second press would be swallowed

    @property
    def cells(self) -> int:
        """Cells it takes of a line, with what is around it."""
        return cell_len(self._words) + _AROUND_ANSWER

    def _drawn(self, *, focused: bool) -> Content:
        before, after = ("[[ ", " ]]") if focused else (" [ ", " ] ")
        at = self._words.lower().find(self._letter.lower()) if self._letter else -1
        label = Content(before + self._words + after)
        if at >= 0:
            label = label.stylize("underline", len(before) + at, len(before) + at + 1)
        return label

    def on_focus(self) -> None:
        self.label = self._drawn(focused=True)
        if heard():
            count = len(self.screen.query(Answer))
            number = int((self.id or "").rpartition("-")[2])
            tell(self.screen, f"{self._words}, answer {place_words(number, count)}")
            # behind the layout: a box that just opened has no places yet
            self.call_after_refresh(self._stand)

    def _stand(self) -> None:
        if self.has_focus:
            stand(self.screen, self.region.offset + Offset(4, 0))

    def on_blur(self) -> None:
        self.label = self._drawn(focused=False)


class Dialog(ModalScreen[T], Generic[T]):
    """A titled box with sentences, something to fill in, and answers."""

    CSS_PATH = STYLES

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Place.DIALOG)
    AUTO_FOCUS = None

    def __init__(
        self,
        title: str,
        sentences: Sequence[str],
        options: Sequence[Option[T]],
        *,
        safe: T,
        focus: int = 0,
    ) -> None:
        super().__init__()
        self.title_words = title
        self.sentences = list(sentences)
        self.options = list(options)
        self.safe = safe
        self._focus_at = focus
        self.shown_since = Message().time

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = Content(self.title_words)
            for sentence in self.sentences:
                yield words(sentence)
            yield from self.middle()
            with Vertical(id="answers"):
                for line in self._answer_lines():
                    with Horizontal():
                        for number in line:
                            yield Answer(self.options[number], id=f"answer-{number}")
            yield from spoken_line()

    def _answer_lines(self) -> list[list[int]]:
        """Numbers of the answers, as many beside one another as fit."""
        lines: list[list[int]] = [[]]
        used = 0
        for number, option in enumerate(self.options):
            width = cell_len(option.words) + _AROUND_ANSWER
            if used + width > _ANSWERS_WIDTH and lines[-1]:
                lines.append([])
                used = 0
            lines[-1].append(number)
            used += width
        return lines

    def middle(self) -> ComposeResult:
        """Fields between sentences and answers."""
        yield from ()

    def on_resize(self) -> None:
        """Answers that no longer fit beside one another stand below one another."""
        room = min(self.app.size.width - _BESIDE_ANSWERS, _ANSWERS_WIDTH)
        for line in self.query("#answers Horizontal"):
            used = sum(answer.cells for answer in line.query(Answer))
            line.set_class(used > room, "-stacked")

    def on_mount(self) -> None:
        self.shown_since = Message().time
        self.first_focus()

    def first_focus(self) -> None:
        """Where the focus starts: on the safe side."""
        if self.options:
            self.query_one(f"#answer-{self._focus_at}", Button).focus()

    def is_fresh(self, event: events.Key) -> bool:
        """Whether the key was pressed after the box appeared."""
        return event.time >= self.shown_since

    def on_key(self, event: events.Key) -> None:
        if isinstance(self.focused, Input):
            return
        if event.key.isdigit() and heard():
            chosen = int(event.key) - 1
            if 0 <= chosen < len(self.options) and not self.options[chosen].reason:
                event.stop()
                event.prevent_default()
                self.give(chosen)
            return
        for number, option in enumerate(self.options):
            if option.letter and event.key.lower() == option.letter.lower() and not option.reason:
                event.stop()
                event.prevent_default()
                self.give(number)
                return

    @on(events.DescendantFocus)
    def _field_focused(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, Input):
            kind = "password field" if event.widget.password else "text field"
            tell(self, f"{self.title_words}: {kind}")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        number = (event.button.id or "").removeprefix("answer-")
        if number.isdigit():
            self.give(int(number))

    def give(self, number: int) -> None:
        """Answer with an option."""
        self.dismiss(self.options[number].value)

    def action_safe(self) -> None:
        """Esc."""
        self.dismiss(self.safe)

    async def action_explain(self) -> None:
        """F1: keys of boxes; those of the program do not reach beyond one."""
        await self.app.run_action("help")

    def action_step(self, step: int) -> None:
        """Arrows move the focus; they never decide."""
        if isinstance(self.focused, Input):
            return
        if step > 0:
            self.focus_next()
        else:
            self.focus_previous()


class Form(Dialog[T], Generic[T]):
    """A dialog with several fields; Enter in the last one gives the first answer.

    Tab and Enter move the focus before the next key is looked at. Left to their messages they would
    be late for keys that arrive at once, and the password of a program that types for people would
    land in the field before it, for everybody to read.
    """

    def takes_turn(self, key: str) -> bool:
        """Whether the key moved to the next field."""
        fields = list(self.query(Input))
        if self.focused not in fields[:-1] or key not in ("tab", "enter"):
            return False
        self.focus_next()
        return True

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.give(0)


class Confirm(Dialog[bool]):
    """Yes or no, the focus on `cancel`."""

    def __init__(self, title: str, sentences: Sequence[str], *, yes: str, letter: str = "") -> None:
        super().__init__(
            title,
            sentences,
            [Option(yes, letter or yes[0].lower(), value=True), Option("Cancel", "c", value=False)],
            safe=False,
            focus=1,
        )


class Choose(Dialog[str]):
    """One of several words; the first is the default."""

    def __init__(
        self, title: str, sentences: Sequence[str], options: Sequence[Option[str]], *, safe: str
    ) -> None:
        super().__init__(title, sentences, options, safe=safe)


class Tell(Dialog[bool]):
    """Something to read; any answer closes it."""

    def __init__(self, title: str, sentences: Sequence[str]) -> None:
        super().__init__(title, sentences, [Option("Close", "c", value=True)], safe=True)


class Prompt(Dialog[str | None]):
    """A line of text. Enter gives it, Esc gives None."""

    def __init__(
        self,
        title: str,
        sentences: Sequence[str],
        *,
        value: str = "",
        cursor: int | None = None,
        yes: str = "Go on",
        secret: bool = False,
        kind: str = "",
    ) -> None:
        """`kind` names what was typed before in fields like this one; an `address` completes."""
        super().__init__(
            title,
            sentences,
            [Option(yes, "", value=""), Option("Cancel", "", value=None)],
            safe=None,
        )
        self._value = value
        self._at = len(value) if cursor is None else cursor
        self._secret = secret
        self._kind = kind

    def middle(self) -> ComposeResult:
        if self._kind == "address":
            yield AddressField(self._value, id="text")
        else:
            yield Field(self._value, id="text", kind=self._kind, password=self._secret)
        yield words("", id="complaint", classes="bad")

    def first_focus(self) -> None:
        field = self.query_one("#text", Input)
        field.select_on_focus = False
        field.focus()
        field.cursor_position = self._at

    def refusal(self, text: str) -> str:
        """Why this text cannot be taken, or empty."""
        return ""

    def give(self, number: int) -> None:
        if number != 0:
            self.dismiss(None)
            return
        field = self.query_one("#text", Field)
        refusal = self.refusal(field.value)
        if refusal:
            self.query_one("#complaint", Static).update(Content(refusal))
            return
        field.keep()
        self.dismiss(field.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.give(0)


class PatternBox(Prompt):
    """A pattern of names to mark or unmark."""

    def __init__(self, *, on: bool) -> None:
        word = "Mark" if on else "Unmark"
        super().__init__(
            f"{word} by pattern",
            ["Plain text means contains; * and ? make a pattern; re: an expression."],
            value="*",
            yes=word,
            kind="pattern",
        )


class NamePrompt(Prompt):
    """A name for an entry: refuses what cannot be one."""

    def __init__(
        self,
        title: str,
        sentences: Sequence[str],
        *,
        value: str = "",
        cursor: int | None = None,
        yes: str,
        parents: bool = False,
    ) -> None:
        super().__init__(title, sentences, value=value, cursor=cursor, yes=yes, kind="name")
        self._parents = parents

    def refusal(self, text: str) -> str:
        return self.why_not(text, parents=self._parents)

    @staticmethod
    def why_not(text: str, *, parents: bool = False) -> str:
        """Why this cannot be a name, or with `parents` a path of names; empty when it can."""
        if not text.strip():
            return "A name needs at least one character."
        parts = text.strip("/").split("/") if parents else [text]
        if not parents and "/" in text:
            return "A name cannot hold a slash. F6 moves to another folder."
        if any(part in ("", ".", "..") for part in parts):
            return "Not a name: empty, . or .."
        if "\0" in text:
            return "A name cannot hold the character NUL."
        return ""


class TypeWord(Prompt):
    """Something that cannot be undone: the word must be typed."""

    def __init__(self, title: str, sentences: Sequence[str], *, word: str, yes: str) -> None:
        super().__init__(title, [*sentences, f"Type  {word}  to go on:"], yes=yes)
        self._word = word

    def refusal(self, text: str) -> str:
        if " ".join(text.split()) != self._word:
            return f"That was not  {self._word} . Esc leaves everything as it is."
        return ""
