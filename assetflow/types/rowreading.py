"""Fields of pydantic models read into slots: what their values are in a table, whether they may be null, their rules.

Neither pydantic nor a table library is imported here: who has a model has pydantic, and an exact Arrow type in an
annotation has brought pyarrow.
"""

from __future__ import annotations

import datetime
import decimal
import re
import types
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, NewType, get_args, get_origin

from assetflow import types as room
from assetflow.errors import DefinitionError
from assetflow.model.rows import Rows
from assetflow.types.columns import (
    ColumnType,
    Conversion,
    Decimal,
    Enumeration,
    List,
    Map,
    Plain,
    Slot,
    Struct,
    Timestamp,
    conversion,
)
from assetflow.types.records import RecordKind, fields_of, record_kind
from assetflow.types.rules import Rule, RuleKind, contradict
from assetflow.types.spelling import alias_value, hint_text, is_union, members

__all__ = ["SlotReading", "model_fields", "refuse_validators"]


def model_fields(model: Any) -> Mapping[str, Any]:  # of pydantic's FieldInfo
    """A model's fields by name. Raises DefinitionError ``bad-row-model`` where what it names is not there."""
    if not model.__pydantic_complete__:
        try:
            model.model_rebuild()
        except Exception as error:  # pydantic's own, or a NameError of the user's module
            raise DefinitionError(
                "bad-row-model", f"{model.__name__} cannot be completed: {error}", hint="define what it names before it"
            ) from error
    return dict(model.model_fields)


def refuse_validators(model: Any, policy: Rows) -> None:
    """Raise DefinitionError ``bad-row-model`` for a Python validator, unless the policy leaves them out."""
    if policy.validators == "ignore":
        return
    found = model.__pydantic_decorators__
    for kind in ("field_validators", "model_validators", "validators", "root_validators"):
        for name in getattr(found, kind):
            raise _refused(model, name, "is a Python validator, which sees one row at a time")


def _refused(model: type, name: str, why: str) -> DefinitionError:
    return DefinitionError(
        "bad-row-model",
        f"{model.__name__}.{name} {why}",
        hint="say it as a constraint such as Field(ge=0), or leave it out with Rows(validators='ignore')",
    )


_SCALARS: Mapping[object, ColumnType] = {
    bool: Plain("bool"),
    int: Plain("int64"),
    float: Plain("double"),
    str: Plain("string"),
    bytes: Plain("binary"),
    datetime.date: Plain("date32[day]"),
    datetime.time: Plain("time64[us]"),
    datetime.datetime: Timestamp("us"),
    datetime.timedelta: Plain("duration[us]"),
    uuid.UUID: Plain("string"),
}
#: pydantic's own classes for what the standard library has one class for.
_BY_NAME: Mapping[str, ColumnType] = {"AwareDatetime": Timestamp("us", "UTC"), "NaiveDatetime": Timestamp("us")}

_UUID = Rule(RuleKind.PATTERN, r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")

_CARRIERS: Mapping[str, RuleKind] = {
    "ge": RuleKind.AT_LEAST,
    "gt": RuleKind.ABOVE,
    "le": RuleKind.AT_MOST,
    "lt": RuleKind.BELOW,
    "multiple_of": RuleKind.MULTIPLE_OF,
    "min_length": RuleKind.MIN_LENGTH,
    "max_length": RuleKind.MAX_LENGTH,
    "pattern": RuleKind.PATTERN,
}
#: What changes or judges values in Python, row by row.
_PYTHON = frozenset(
    {"AfterValidator", "BeforeValidator", "WrapValidator", "PlainValidator", "Predicate", "Not", "IsInfinite", "IsNan"}
)
_CHANGES = ("strip_whitespace", "to_upper", "to_lower")


@dataclass(frozen=True, slots=True)
class SlotReading:
    """Reads the type of one field."""

    model: type
    name: str
    policy: Rows
    #: The models that it is inside of.
    inside: tuple[type, ...]

    def slot(self, hint: object, metadata: tuple[object, ...], *, top: bool = False) -> Slot:
        """The place that values of a type have. Only a column itself (``top``) can be of an enum's type; below, its
        values are a rule.
        """
        hint, metadata = _unwrapped(hint, metadata)
        nullable = False
        if is_union(hint):
            parts = [part for part in members(hint) if part is not type(None)]
            nullable = len(parts) < len(members(hint))
            if len(parts) != 1:
                raise self._wrong(f"{hint_text(hint)} has no column type", "give it one type, or one type or None")
            hint, metadata = _unwrapped(parts[0], metadata)
        if get_origin(hint) is Literal and None in get_args(hint):
            nullable = True
            values = tuple(value for value in get_args(hint) if value is not None)
            hint = Literal[values]
        said = self._said(metadata)
        kind, rules = self._type(hint, said)
        for mark in metadata:
            if type(mark).__module__.startswith("pyarrow") and hasattr(mark, "num_fields"):
                kind = self._exact(kind, room.arrowtypes.column_type(mark))
        rules += tuple(Rule(_CARRIERS[name], said[name]) for name in _CARRIERS if said.get(name) is not None)
        if said.get("allow_inf_nan") is False:
            rules += (Rule(RuleKind.FINITE),)
        if isinstance(kind, Enumeration) and not top:
            rules += (Rule(RuleKind.ONE_OF, kind.values),)
            kind = Plain("string" if isinstance(kind.values[0], str) else "int64")
        for rule in rules:
            self._check(rule, kind)
        self._refuse_contradiction(rules)
        return Slot(kind, nullable, rules)

    def _type(self, hint: Any, said: Mapping[str, Any]) -> tuple[ColumnType, tuple[Rule, ...]]:  # a resolved type
        origin, arguments = get_origin(hint) or hint, get_args(hint)
        if origin is Literal:
            return self._literal(arguments)
        if hint is decimal.Decimal:
            return self._decimal(said), ()
        if hint in _SCALARS:
            return _SCALARS[hint], (_UUID,) if hint is uuid.UUID else ()
        if isinstance(hint, type) and hint.__module__.startswith("pydantic") and hint.__name__ in _BY_NAME:
            return _BY_NAME[hint.__name__], ()
        if isinstance(hint, type) and issubclass(hint, Enum):
            return self._enumeration(hint), ()
        if isinstance(hint, type) and issubclass(hint, uuid.UUID):
            return Plain("string"), (_UUID,)
        if record_kind(hint) is not None:
            return self._struct(hint), ()
        if origin in (list, set, frozenset) or (origin is tuple and len(arguments) == 2 and arguments[1] is ...):
            if not arguments:
                raise self._wrong(f"{hint_text(hint)} does not say of what", "write list[int], list[str] …")
            return List(self.slot(arguments[0], ())), ()
        if origin is dict and len(arguments) == 2:
            key = self.slot(arguments[0], ())
            if key.nullable:
                raise self._wrong("the keys of a dict cannot be None", "write dict[str, …]")
            return Map(key.type, self.slot(arguments[1], ())), ()
        raise self._wrong(f"{hint_text(hint)} has no column type", "use a number, text, date, list, dict or model")

    def _literal(self, values: tuple[object, ...]) -> tuple[ColumnType, tuple[Rule, ...]]:
        if all(type(value) is str for value in values):
            return Plain("string"), (Rule(RuleKind.ONE_OF, values),)
        if all(type(value) is int for value in values):
            return Plain("int64"), (Rule(RuleKind.ONE_OF, values),)
        raise self._wrong(f"Literal{list(values)} mixes types", "use texts only, or whole numbers only")

    def _decimal(self, said: Mapping[str, Any]) -> ColumnType:
        digits, places = said.get("max_digits"), said.get("decimal_places")
        if digits is None or places is None:
            raise self._wrong(
                "Decimal needs its digits", "write Annotated[Decimal, Field(max_digits=12, decimal_places=2)]"
            )
        if not 0 <= places <= digits <= 76:
            raise self._wrong(f"Decimal cannot have {digits} digits, {places} of them behind the point", "at most 76")
        return Decimal(digits, places)

    def _enumeration(self, cls: type[Enum]) -> ColumnType:
        values = tuple(member.value for member in cls)
        if not values or not (
            all(isinstance(value, str) for value in values) or all(type(value) is int for value in values)
        ):
            raise self._wrong(f"the values of {cls.__name__} are not all texts or all whole numbers", "make them so")
        if isinstance(values[0], str):
            return Enumeration(tuple(map(str, values)))
        return Enumeration(tuple(map(int, values)))

    def _struct(self, cls: type) -> ColumnType:
        if cls in self.inside:
            raise self._wrong(f"{cls.__name__} contains itself, which no column can", "keep it as JSON text")
        if record_kind(cls) is RecordKind.MODEL:
            refuse_validators(cls, self.policy)
            model_fields(cls)
        inner = SlotReading(self.model, self.name, self.policy, (*self.inside, cls))
        return Struct(tuple((each.name, inner.slot(each.hint, each.metadata)) for each in fields_of(cls)))

    def _exact(self, kind: ColumnType, exact: ColumnType) -> ColumnType:
        both_instants = isinstance(kind, Timestamp) and isinstance(exact, Timestamp)
        if conversion(kind, exact) is Conversion.NONE and not both_instants:
            raise self._wrong(f"{exact} is no Arrow type for {kind}", "leave it out, or choose one that fits")
        return exact

    def _said(self, metadata: Iterable[object]) -> dict[str, Any]:
        """The constraints in the metadata, by pydantic's names."""
        said: dict[str, Any] = {}
        for mark in metadata:
            name, module = type(mark).__name__, type(mark).__module__
            if name == "FieldInfo":
                said |= self._said(mark.metadata)  # type: ignore[attr-defined]  # pydantic's
                continue
            if name in _PYTHON:
                if self.policy.validators == "refuse":
                    raise _refused(self.model, self.name, f"has {name}, which sees one value at a time")
                continue
            if not module.startswith(("annotated_types", "pydantic")):
                continue
            facts = _facts(mark)
            if any(facts.get(change) for change in _CHANGES) and self.policy.validators == "refuse":
                raise _refused(self.model, self.name, "changes the text it is given, one value at a time")
            said |= {key: value for key, value in facts.items() if value is not None}
        return said

    def _check(self, rule: Rule, kind: ColumnType) -> None:
        """Raise where a rule cannot be asked of a type."""
        text = isinstance(kind, Plain) and kind.name == "string"
        number = isinstance(kind, Decimal) or (isinstance(kind, Plain) and kind.name.startswith(_NUMBERS))
        match rule.kind:
            case RuleKind.MIN_LENGTH | RuleKind.MAX_LENGTH:
                fits = text or isinstance(kind, List | Map) or kind == Plain("binary")
            case RuleKind.PATTERN:
                fits = text
                self._check_pattern(rule.value)
            case RuleKind.MULTIPLE_OF | RuleKind.FINITE:
                fits = number
            case RuleKind.ONE_OF:
                fits = True
            case _:
                fits = (
                    number or isinstance(kind, Timestamp) or (isinstance(kind, Plain) and kind.name.startswith(_TIMES))
                )
        if not fits:
            raise self._wrong(f"{rule} cannot be asked of {kind}", "take the constraint away, or change the type")

    def _refuse_contradiction(self, rules: tuple[Rule, ...]) -> None:
        """Raise where no value can keep to all rules."""
        for one in rules:
            for other in rules:
                if contradict(one, other):
                    raise self._wrong(f"{one} and {other} cannot both be", "take one of them away")

    def _check_pattern(self, pattern: object) -> None:
        text = pattern.pattern if isinstance(pattern, re.Pattern) else pattern
        if _LOOKING.search(str(text)):
            raise self._wrong(
                f"the pattern {text!r} looks around or back, which no engine over columns does", "write it without"
            )

    def _wrong(self, what: str, hint: str) -> DefinitionError:
        return DefinitionError("bad-row-model", f"{self.model.__name__}.{self.name}: {what}", hint=hint)


_NUMBERS = ("int", "uint", "half", "float", "double")
_TIMES = ("date", "time", "duration")
_LOOKING = re.compile(r"\(\?(=|!|<=|<!)|(?<!\\)\\[1-9]")


def _unwrapped(hint: object, metadata: tuple[object, ...]) -> tuple[object, tuple[object, ...]]:
    while True:
        hint = alias_value(hint)
        if get_origin(hint) is Annotated:
            hint, *more = get_args(hint)
            metadata = (*metadata, *more)
        elif isinstance(hint, NewType):
            hint = hint.__supertype__
        else:
            return type(None) if hint is None else hint, metadata


def _facts(mark: object) -> dict[str, Any]:
    if isinstance(mark, types.SimpleNamespace) or hasattr(mark, "__dict__"):
        return dict(vars(mark))
    names = getattr(type(mark), "__slots__", None) or getattr(type(mark), "__dataclass_fields__", {})
    return {name: getattr(mark, name, None) for name in names}
