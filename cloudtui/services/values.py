"""Data classes that cost a start little: `dataclass` as in the standard library, but quicker made.

The standard library writes and compiles six methods for every class, 0.7 ms each time; a command
loads over eighty such classes and makes objects of half of them. Here a constructor is written when
the first object is made, and all classes share the other methods. `fields`, `replace`, `astuple`
and pattern matching work as ever. A leaf; knows neither inherited fields nor the order of objects.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, field
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

__all__ = ["dataclass", "field"]

T = TypeVar("T")
Method = Callable[..., Any]


@dataclass_transform(field_specifiers=(field,))
def dataclass(*, frozen: bool = False, slots: bool = False) -> Callable[[type[T]], type[T]]:
    """Make a class of its annotations, as `dataclasses.dataclass` does with these arguments."""

    def made(cls: type[T]) -> type[T]:
        cls.__doc__ = cls.__doc__ or cls.__name__  # else the library works out a signature for it
        whole = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(cls)
        methods = {"__init__": _first(whole, frozen), **_shared(whole, frozen)}
        own = vars(whole)
        for name, method in methods.items():
            if name not in own:
                setattr(whole, name, method)
        return whole

    return made


def _first(cls: type[Any], frozen: bool) -> Method:
    """The constructor until the first object is made."""

    def construct(self: object, *args: object, **kwargs: object) -> None:
        init = _constructor(cls, frozen)
        cls.__init__ = init
        init(self, *args, **kwargs)

    return construct


def _constructor(cls: type[Any], frozen: bool) -> Method:
    """`__init__` with a parameter for every field."""
    known: dict[str, object] = {"_MISSING": MISSING, "_set": object.__setattr__}
    head, lines = ["self"], []
    for each in dataclasses.fields(cls):
        name, value = each.name, each.name
        if each.default_factory is not MISSING:
            known[f"_{name}"] = each.default_factory
            value = f"_{name}() if {name} is _MISSING else {name}" if each.init else f"_{name}()"
            head += [f"{name}=_MISSING"] if each.init else []
        elif not each.init:
            continue
        elif each.default is not MISSING:
            known[f"_{name}"] = each.default
            head.append(f"{name}=_{name}")
        else:
            head.append(name)
        lines.append(f" _set(self, {name!r}, {value})" if frozen else f" self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    text = "\n".join([f"def __init__({', '.join(head)}):", *(lines or [" pass"])])
    exec(text, known)  # noqa: S102  # names of our own fields, as the library does it
    made: Method = known["__init__"]  # type: ignore[assignment]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


def _shared(cls: type[Any], frozen: bool) -> dict[str, Method | None]:
    """What differs from class to class by names only."""
    compared = [each.name for each in dataclasses.fields(cls) if each.compare]
    content: Callable[[object], object] = attrgetter(*compared) if compared else lambda _: ()
    shown = [each.name for each in dataclasses.fields(cls) if each.repr]

    def equal(self: object, other: object) -> object:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return content(self) == content(other)

    def text(self: object) -> str:
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__qualname__}({inside})"

    if not frozen:
        return {"__eq__": equal, "__repr__": text, "__hash__": None}

    def digest(self: object) -> int:
        return hash(content(self))

    return {
        "__eq__": equal,
        "__repr__": text,
        "__hash__": digest,
        "__setattr__": _closed,
        "__delattr__": _closed,
    }


def _closed(_self: object, name: str, _value: object = None) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")
