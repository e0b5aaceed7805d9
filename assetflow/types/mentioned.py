"""The classes that a type is made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, NewType, TypeVar, get_args, get_origin

from assetflow.types.records import fields_of, record_kind
from assetflow.types.spelling import alias_value

__all__ = ["classes_in"]

_BUILTIN = frozenset({int, float, str, bool, bytes, type(None)})


def classes_in(hints: Iterable[object]) -> tuple[type, ...]:
    """Every class whose instances a value of these types may be or hold, each once, in order of first mention.

    Unions, generics, aliases and the fields of records are looked through; what ``Annotated`` carries is not.
    Built-in classes are left out. Raises DefinitionError ``unresolved-annotation`` for a field that has no type.
    """
    waiting = [hint for hint in hints if not (hint is None or (type(hint) is type and hint in _BUILTIN))]
    if not waiting:
        return ()
    found: dict[type, None] = {}
    waiting.reverse()
    while waiting:
        hint = alias_value(waiting.pop())
        origin = get_origin(hint)
        if isinstance(hint, NewType):
            waiting.append(hint.__supertype__)
        elif isinstance(hint, TypeVar):
            waiting += reversed(hint.__constraints__ or (hint.__bound__,))
        elif origin is Annotated:
            waiting.append(get_args(hint)[0])
        elif origin is Literal:
            waiting += reversed([type(value) for value in get_args(hint)])
        elif origin is not None:
            waiting += reversed([origin, *get_args(hint)])
        elif isinstance(hint, list):
            waiting += reversed(hint)
        elif isinstance(hint, type) and hint not in found and hint not in _BUILTIN:
            found[hint] = None
            waiting += reversed([field.hint for field in (fields_of(hint) if record_kind(hint) else ())])
    return tuple(found)
