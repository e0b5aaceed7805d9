"""How types are written: for people, and canonically for traces."""

from __future__ import annotations

import types
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from assetflow.types.libraries import AnyScan, AnyTable, kind_of_class

__all__ = ["alias_value", "hint_text", "is_open", "is_union", "members"]


def is_union(hint: object) -> bool:
    """Whether a hint is a union, written either way."""
    return get_origin(hint) in (Union, types.UnionType)


def members(hint: object) -> tuple[object, ...]:
    """The alternatives of a union; of any other hint itself."""
    return get_args(hint) if is_union(hint) else (hint,)


def alias_value(hint: object) -> object:
    """What a ``type`` statement's alias, with or without arguments, stands for; any other hint itself."""
    while True:
        target: Any = get_origin(hint) or hint  # typing has no common class for aliases
        if type(target).__name__ != "TypeAliasType":
            return hint
        arguments = get_args(hint)
        hint = target.__value__[arguments] if arguments else target.__value__


def hint_text(hint: object) -> str:
    """A type as a person would write it: ``list[Order] | None``, ``polars.DataFrame``."""
    if hint is None or hint is type(None):
        return "None"
    if hint is ...:
        return "..."
    if hint is AnyTable or hint is AnyScan:
        return "table"
    if isinstance(hint, str):
        return hint
    if isinstance(hint, list):
        return f"[{', '.join(map(hint_text, hint))}]"
    if is_union(hint):
        return " | ".join(hint_text(part) for part in get_args(hint))
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        models = [hint_text(mark) for mark in arguments[1:] if isinstance(mark, type)]
        return f"Annotated[{', '.join([hint_text(arguments[0]), *models])}]" if models else hint_text(arguments[0])
    if origin is Literal:
        return f"Literal[{', '.join(_literal_text(value) for value in arguments)}]"
    if origin is not None and arguments:
        return f"{_bare_text(origin)}[{', '.join(map(hint_text, arguments))}]"
    return _bare_text(hint)


def _literal_text(value: object) -> str:
    return f"{type(value).__name__}.{value.name}" if isinstance(value, Enum) else repr(value)


def _bare_text(hint: object) -> str:
    if isinstance(hint, type) and (kind := kind_of_class(hint)) is not None:
        return kind.value
    if isinstance(hint, type):
        return hint.__qualname__.rpartition("<locals>.")[2]
    name = getattr(hint, "__name__", None) or getattr(hint, "_name", None)
    return str(name or hint)


def is_open(hint: object) -> bool:
    """Whether a hint admits every value and says nothing of it."""
    if get_origin(hint) is Annotated:
        return is_open(get_args(hint)[0])
    return hint is None or hint is Any or hint is object
