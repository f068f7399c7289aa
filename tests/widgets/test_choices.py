"""Keys that may follow another: none is lost, however narrow the screen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cloudtui.actions import Place, key_name, sequences
from cloudtui.widgets.choices import choice_lines


def width_of(pieces: list[tuple[str, str]]) -> int:
    return sum(cell_len(text) for text, _ in pieces)


@given(st.integers(80, 200), st.sampled_from(sorted(sequences(Place.BROWSER, {}))))
def test_every_choice_is_shown_with_some_of_its_words(width: int, key: str) -> None:
    choices = [
        (key_name(second), action.words)
        for second, action in sequences(Place.BROWSER, {})[key].items()
    ]
    lines = choice_lines([(f" {key} then ", "strong")], choices, width)
    assert 1 <= len(lines) <= 3
    assert all(width_of(line) <= width for line in lines)
    shown = "".join(text for line in lines for text, _ in line)
    for name, words in choices:
        assert f" {name} {words[:4]}" in shown


def test_one_line_is_enough_where_all_fit() -> None:
    [line] = choice_lines([(" c then ", "strong")], [("p", "path"), ("n", "name")], 80)
    assert "".join(text for text, _ in line) == " c then  p path  n name "
