"""Our data classes do what the standard library's do."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Any

import pytest

from cloudtui.services.values import dataclass, field

Decorator = Callable[..., Callable[[type[Any]], type[Any]]]


def _classes(made: Decorator, *, frozen: bool) -> type[Any]:
    class Value:
        """Fields of every kind."""

        name: str
        secret: str = field(repr=False)
        size: int = 7
        parts: list[int] = field(default_factory=list)
        seen: int | None = field(default=None, compare=False)

        def __str__(self) -> str:
            return self.name

    return made(frozen=frozen, slots=True)(Value)


def _both(*, frozen: bool) -> tuple[type[Any], type[Any]]:
    theirs: Decorator = dataclasses.dataclass
    ours: Decorator = dataclass
    return _classes(ours, frozen=frozen), _classes(theirs, frozen=frozen)


@pytest.mark.parametrize("frozen", [True, False])
def test_objects_are_made_shown_and_compared_as_the_librarys(frozen: bool) -> None:
    for cls in _both(frozen=frozen):
        value = cls("a", "hidden", parts=[1])
        assert repr(value).endswith("Value(name='a', size=7, parts=[1], seen=None)")
        assert str(value) == "a"
        assert value == cls("a", "hidden", 7, [1], seen=3)
        assert value != cls("b", "hidden", 7, [1])
        assert value != ("a", "hidden", 7, [1])
        assert cls("a", "b").parts is not cls("a", "b").parts
        assert not hasattr(value, "__dict__")
        match value:
            case cls("a", secret, size=size):
                assert (secret, size) == ("hidden", 7)
            case _:
                pytest.fail("positions are not matched")


@pytest.mark.parametrize("words", [(), ("a",), ("a", "b", 1, [], None, 5)])
def test_wrong_arguments_are_refused_in_the_librarys_words(words: tuple[Any, ...]) -> None:
    said = []
    for cls in _both(frozen=True):
        with pytest.raises(TypeError) as refused:
            cls(*words)
        said.append(str(refused.value).rpartition("Value.")[2])
    assert said[0] == said[1]


def test_a_frozen_object_cannot_be_changed_and_has_a_hash() -> None:
    for cls in _both(frozen=True):
        value = cls("a", "b", parts=())
        with pytest.raises(dataclasses.FrozenInstanceError, match="'size'"):
            value.size = 8
        with pytest.raises(dataclasses.FrozenInstanceError):
            del value.size
        assert hash(value) == hash(cls("a", "b", parts=()))
        assert {value: 1}[cls("a", "b", parts=(), seen=1)] == 1
    ours, _ = _both(frozen=True)
    with pytest.raises(dataclasses.FrozenInstanceError):
        ours("a", "b").other = 8


def test_another_object_can_be_changed_and_has_no_hash() -> None:
    for cls in _both(frozen=False):
        value = cls("a", "b")
        value.size = 8
        assert value == cls("a", "b", 8)
        with pytest.raises(TypeError):
            hash(value)


def test_the_librarys_functions_know_our_classes() -> None:
    ours, theirs = _both(frozen=True)
    assert [each.name for each in dataclasses.fields(ours)] == [
        each.name for each in dataclasses.fields(theirs)
    ]
    for cls in (ours, theirs):
        value = dataclasses.replace(cls("a", "b"), size=9)
        assert dataclasses.astuple(value) == ("a", "b", 9, [], None)
        with pytest.raises(TypeError):
            dataclasses.replace(value, nothing=1)


def test_a_field_that_is_worked_out_is_no_argument() -> None:
    @dataclass(slots=True)
    class Worked:
        """A field more than arguments."""

        size: int
        double: int = field(init=False)
        seen: list[int] = field(init=False, default_factory=list)

        def __post_init__(self) -> None:
            self.double = 2 * self.size

    assert Worked(4).double == 8
    assert Worked(4) == Worked(4)
    assert Worked(4).seen == []
    with pytest.raises(TypeError):
        Worked(4, 8)  # type: ignore[call-arg]


def test_methods_of_ones_own_stay() -> None:
    @dataclass(frozen=True, slots=True)
    class Own:
        """With words of its own."""

        size: int

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 5

    assert repr(Own(1)) == "own"
    assert Own(1) == Own(2)
    assert hash(Own(1)) == 5


def test_a_class_without_fields_has_one_value() -> None:
    @dataclass(frozen=True, slots=True)
    class Nothing:
        """No fields at all."""

    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(Nothing())
    assert repr(Nothing()).endswith("Nothing()")


def test_many_threads_may_make_the_first_object() -> None:
    ours, _ = _both(frozen=True)
    together = threading.Barrier(8)
    made: list[object] = []

    def make(number: int) -> None:
        together.wait()
        made.append(ours(str(number), ""))

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(str(each) for each in made) == [str(number) for number in range(8)]
