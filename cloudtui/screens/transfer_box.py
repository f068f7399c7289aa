"""The box before a copy or move: where to, and what happens to names that are taken there.

Gives what was answered; making an order of it is somebody else's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Static

from cloudtui.screens.dialogs import Dialog, Option, tell, words
from cloudtui.screens.fields import AddressField


@dataclass(frozen=True, slots=True)
class TransferAnswer:
    """A typed target folder, the chosen word of each `Choice` by its name, and whether the job only
    goes into the queue."""

    target: str
    chosen: dict[str, str]
    paused: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that a key goes through: its name, its key, its words, and word -> what people
    read of each answer."""

    name: str
    key: str
    words: str
    answers: dict[str, str]


CONFLICTS: Final = Choice(
    "on_conflict",
    "f3",
    "Names already there",
    {
        "ask": "ask",
        "skip": "skip",
        "keep-both": "keep both",
        "overwrite": "overwrite",
        "newer": "newer wins",
        "larger": "larger wins",
    },
)
VERIFY: Final = Choice(
    "verify",
    "f4",
    "Checked afterwards",
    {
        "hash": "contents, where the service tells a hash",
        "size": "size alone",
        "strict": "contents, part by part",
    },
)
SERVER_SIDE: Final = Choice(
    "server_side",
    "f6",
    "The service by itself",
    {
        "auto": "where it can",
        "never": "never, through this machine",
        "only": "or not at all",
    },
)
FOLLOW: Final = Choice(
    "follow",
    "f7",
    "Links of this disk",
    {
        "never": "left out",
        "files": "followed to files",
        "all": "followed to files and folders",
    },
)
OPTIONS: Final = (CONFLICTS, VERIFY, SERVER_SIDE, FOLLOW)
"""All that an order leaves to choose."""


class TransferBox(Dialog[TransferAnswer | None]):
    """The F5 and F6 box; with all of `OPTIONS` it is that of putting with options."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "later", "add paused", show=False),
        *(Binding(each.key, f"next('{each.name}')", each.words, show=False) for each in OPTIONS),
    ]

    def __init__(
        self,
        title: str,
        sentences: Sequence[str],
        *,
        target: str,
        chosen: dict[str, str],
        choices: Sequence[Choice] = (CONFLICTS,),
    ) -> None:
        """`chosen` are the words that stand there at first, by the name of the choice."""
        super().__init__(
            title,
            sentences,
            [Option("Start", "", value=None), Option("Cancel", "", value=None)],
            safe=None,
        )
        self._target = target
        self._choices = {each.name: each for each in choices}
        self._chosen = dict(chosen)

    def middle(self) -> ComposeResult:
        yield words("Into the folder:")
        yield AddressField(self._target, id="text")
        for choice in self._choices.values():
            yield words(self._said(choice), id=choice.name)
        keys = "F3 next choice" if len(self._choices) == 1 else "F keys change"
        yield words(f"Enter starts   F2 adds it paused   {keys}   Esc", classes="dim")

    def _said(self, choice: Choice) -> str:
        """`Names already there: ask`, with its key where there are several."""
        text = f"{choice.words}: {choice.answers[self._chosen[choice.name]]}"
        return text if len(self._choices) == 1 else f"{choice.key.upper()}  {text}"

    def first_focus(self) -> None:
        field = self.query_one("#text", Input)
        field.select_on_focus = False
        field.focus()
        field.cursor_position = len(self._target)

    def _answer(self, *, paused: bool) -> None:
        field = self.query_one("#text", AddressField)
        if text := field.value:
            field.keep()
            self.dismiss(TransferAnswer(text, self._chosen, paused))

    def give(self, number: int) -> None:
        if number == 0:
            self._answer(paused=False)
        else:
            self.dismiss(None)

    def action_later(self) -> None:
        """F2."""
        self._answer(paused=True)

    def action_next(self, name: str) -> None:
        """The key of a choice: its next answer."""
        choice = self._choices.get(name)
        if choice is None:
            return
        answers = list(choice.answers)
        at = answers.index(self._chosen[name])
        self._chosen[name] = answers[(at + 1) % len(answers)]
        self.query_one(f"#{name}", Static).update(Content(self._said(choice)))
        tell(self, self._said(choice))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._answer(paused=False)
