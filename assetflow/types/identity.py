"""The one spelling of a type that traces compare: equal exactly where two annotations mean the same."""

from __future__ import annotations

import collections.abc
import typing
from enum import Enum
from typing import Annotated, Any, Literal, NewType, TypeVar, get_args, get_origin

from assetflow.types.libraries import kind_of_class
from assetflow.types.records import RecordKind, fields_of, record_kind
from assetflow.types.rowmodels import row_model_of
from assetflow.types.spelling import alias_value, is_union, members

__all__ = ["hint_identity"]

#: Marks that say how a parameter is filled, not what its type is.
_OUR_MARKS = ("assetflow.declare", "assetflow.resource", "assetflow.model")
#: How many arguments a bare ``list`` or ``dict`` leaves open.
_OPEN: dict[object, int] = {
    **dict.fromkeys((list, set, frozenset, collections.deque, type), 1),
    **dict.fromkeys((dict, collections.defaultdict, collections.OrderedDict), 2),
    **dict.fromkeys((collections.abc.Sequence, collections.abc.Iterable, collections.abc.Iterator), 1),
    **dict.fromkeys((collections.abc.Collection, collections.abc.Set, collections.abc.MutableSequence), 1),
    **dict.fromkeys((collections.abc.Mapping, collections.abc.MutableMapping), 2),
}
#: Spelled by their names, as most annotations are.
_BUILTIN: tuple[object, ...] = (int, float, str, bool, bytes)


def hint_identity(hint: object, *, rules: bool = True) -> str:
    """The canonical text of a type; a missing annotation (None) is empty.

    Without ``rules``, what a row model refuses does not count: only the columns and types that it gives a table.

    ``Optional[X]`` is ``X | None``, ``typing.List[int]`` is ``list[int]``, unions and literals are sorted, aliases
    are what they stand for, ``list`` is ``list[Any]``. Classes count by module and qualified name; table classes by
    library; models, dataclasses, TypedDicts, NamedTuples and enums by their fields or members in order, not by name,
    place or description. Raises DefinitionError ``unresolved-annotation`` for a field that cannot be resolved.
    """
    if hint is None:
        return ""
    return hint.__name__ if type(hint) is type and hint in _BUILTIN else _Identity(rules=rules).of(hint)


class _Identity:
    """Spells one type; remembers the records it is inside of, as these may contain themselves."""

    def __init__(self, *, rules: bool) -> None:
        self._rules = rules
        self._inside: list[type] = []

    def of(self, hint: object) -> str:
        hint = alias_value(hint)
        if hint is None or hint is type(None):
            return "None"
        if hint is ...:
            return "..."
        if hint is Any or hint is object:
            return "Any"
        if isinstance(hint, list | tuple):
            return f"[{','.join(map(self.of, hint))}]"
        if is_union(hint):
            return self._union(hint)
        if isinstance(hint, NewType):
            return f"{hint.__module__}.{hint.__name__}({self.of(hint.__supertype__)})"
        if isinstance(hint, TypeVar):
            return self._union(*hint.__constraints__) if hint.__constraints__ else self.of(hint.__bound__ or Any)
        origin = get_origin(hint)
        if origin is not None:
            return self._generic(hint, origin)
        return self._class(hint) if isinstance(hint, type) else _text(hint)

    def _union(self, *hints: object) -> str:
        parts = sorted({self.of(part) for hint in hints for part in _flat(hint)})
        return "Any" if "Any" in parts else "|".join(parts)

    def _generic(self, hint: object, origin: object) -> str:
        arguments = get_args(hint)
        if origin is Annotated and (rows := row_model_of(hint)) is not None:
            said = rows.identity if self._rules else rows.shape
            return f"Annotated[{self.of(arguments[0])},{said}]"
        if origin is Annotated:
            marks = [mark for mark in map(self._mark, arguments[1:]) if mark]
            return f"Annotated[{','.join([self.of(arguments[0]), *marks])}]" if marks else self.of(arguments[0])
        if origin is Literal:
            return f"Literal[{','.join(sorted(_literal(value) for value in arguments))}]"
        if not arguments:  # typing.List, and the empty tuple[()]
            empty = origin is tuple and type(hint).__name__ != "_TupleType"
            return "tuple[()]" if empty else self._class(origin)
        return f"{_text(origin)}[{','.join(map(self.of, arguments))}]"

    def _class(self, cls: Any) -> str:  # a class, or what get_origin gives
        if cls is tuple:
            return "tuple[Any,...]"
        if cls in _OPEN:
            return f"{_text(cls)}[{','.join(['Any'] * _OPEN[cls])}]"
        if (kind := kind_of_class(cls)) is not None:
            return kind.value
        if issubclass(cls, Enum):
            return f"enum({','.join(f'{name}={member.value!r}' for name, member in cls.__members__.items())})"
        if (record := record_kind(cls)) is not None:
            return self._record(cls, record)
        return _text(cls)

    def _record(self, cls: type, record: RecordKind) -> str:
        if cls in self._inside:
            return f"^{self._inside[::-1].index(cls)}"
        self._inside.append(cls)
        try:
            fields = []
            for field in fields_of(cls):
                marks = [mark for mark in map(self._mark, field.metadata) if mark]
                missing = "" if field.required else "?"
                fields.append(f"{field.name}{missing}:{'&'.join([self.of(field.hint), *marks])}")
            return f"{record.value}({','.join(fields)})"
        finally:
            self._inside.pop()

    def _mark(self, mark: object) -> str:
        """Metadata of ``Annotated``: a row model by its fields, constraints by value, descriptions not at all."""
        if isinstance(mark, type):
            return self.of(mark)
        module = type(mark).__module__
        if isinstance(mark, str) or module.startswith(_OUR_MARKS) or type(mark).__name__ == "Doc":
            return ""
        if type(mark).__name__ == "FieldInfo":
            return "&".join(text for text in map(self._mark, typing.cast(Any, mark).metadata) if text)
        text = repr(mark)
        return _text(type(mark)) if " at 0x" in text else text


def _flat(hint: object) -> list[object]:
    hint = alias_value(hint)
    return [part for member in members(hint) for part in _flat(member)] if is_union(hint) else [hint]


def _literal(value: object) -> str:
    return f"{type(value).__name__}.{value.name}" if isinstance(value, Enum) else f"{type(value).__name__} {value!r}"


def _text(hint: Any) -> str:  # a class, or one of the private classes of typing
    module, name = getattr(hint, "__module__", ""), getattr(hint, "__qualname__", None)
    if name is None:
        return str(hint)
    return name if module == "builtins" else f"{module}.{name}"
