"""Reading answers whose fields are not of the documented types.

A field that does not fit counts as missing, so that one odd value in a field nobody needs does not
cost the whole answer. Lists of things are the exception: an entry that got lost there would be
taken for deleted. Used only after the fast reading has failed. Must not know what any field means.
"""

from __future__ import annotations

import types
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


class _Lost(msgspec.ValidationError):
    """A list of things that cannot be read whole."""


def decode(body: bytes, into: type[S]) -> S:
    """One JSON object as `into`, without the fields that do not fit.

    Raises msgspec.DecodeError for what is no JSON, and ValidationError for what is no object.
    """
    fitted: S = _fit(msgspec.json.decode(body), into)
    return fitted


def decode_list(body: bytes, of: type[S]) -> list[S]:
    """A JSON array of such objects; raises as `decode`, also when one entry is no object."""
    values = msgspec.json.decode(body, type=list[msgspec.Raw])
    return [decode(bytes(value), of) for value in values]


def _fit(value: object, into: Any) -> Any:
    """`value` as `into`. Raises ValidationError when it does not fit at all."""
    if get_origin(into) in (Union, types.UnionType):
        for choice in get_args(into):
            try:
                return _fit(value, choice)
            except _Lost:
                raise
            except msgspec.ValidationError:
                continue
        raise msgspec.ValidationError("it fits none of the types")
    if _is_struct(into) and isinstance(value, dict):
        return _struct(value, into)
    if get_origin(into) is list and _is_struct(get_args(into)[0]):
        return _things(value, get_args(into)[0])
    return msgspec.convert(value, into, strict=False)


def _things(value: object, of: Any) -> list[Any]:
    if value is None:
        raise msgspec.ValidationError("null is no list")
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise _Lost("the list holds something else")
    return [_struct(each, of) for each in value]


def _is_struct(into: Any) -> bool:
    return isinstance(into, type) and issubclass(into, msgspec.Struct)


@cache
def _fields(into: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    # working out the types takes longer than all the rest
    return msgspec.structs.fields(into)


def _struct(value: dict[str, Any], into: type[msgspec.Struct]) -> msgspec.Struct:
    kept: dict[str, object] = {}
    for field in _fields(into):
        if field.encode_name not in value:
            continue
        try:
            kept[field.name] = _fit(value[field.encode_name], field.type)
        except _Lost:
            raise
        except msgspec.ValidationError:
            continue
    return into(**kept)
