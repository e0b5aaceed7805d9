"""Row models: pydantic models as the type of a table's rows, read into columns, rules and keys.

Neither pydantic nor a table library is imported here: who has a model has pydantic, and an exact Arrow type in an
annotation has brought pyarrow.
"""

from __future__ import annotations

import datetime
import decimal
import functools
import re
import types
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Annotated, Any, Literal, NewType, get_args, get_origin

from assetflow import types as room
from assetflow.errors import DefinitionError
from assetflow.model.rows import PrimaryKey, Rows, Unique
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
from assetflow.types.libraries import is_table_hint
from assetflow.types.records import RecordKind, fields_of, record_kind
from assetflow.types.rules import Rule, RuleKind, contradict
from assetflow.types.spelling import alias_value, hint_text, is_union, members

__all__ = ["REQUIRED", "Column", "RowModel", "misplaced_model", "row_model", "row_model_of"]


class _Required:
    """Stands where a column has no default: it must be there."""

    def __repr__(self) -> str:
        return "required"


REQUIRED = _Required()
_USUAL = Rows()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the tables that a row model describes."""

    #: As tables have it: the field's alias, else its name.
    name: str
    #: The model's attribute.
    field: str
    slot: Slot
    #: What fills the column where a table lacks it.
    default: object = REQUIRED


@dataclass(frozen=True, slots=True, kw_only=True)
class RowModel:
    """What a model says of a table, and how strictly a table is held to it."""

    name: str
    columns: tuple[Column, ...]
    #: Names of columns; empty where no field is marked.
    primary_key: tuple[str, ...] = ()
    #: Names of columns that are unique together.
    unique: tuple[tuple[str, ...], ...] = ()
    policy: Rows = _USUAL
    #: Its columns and their types are known, as a query's are; of their values nothing is, and not whether any is null.
    loose: bool = False
    #: The pydantic model itself; None where the columns are known from elsewhere.
    model: Any = field(default=None, compare=False, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def identity(self) -> str:
        """All that decides about a table, but no names of classes or fields."""
        columns = ",".join(
            f"{column.name}:{_slot_identity(column.slot, rules=True)}={column.default!r}" for column in self.columns
        )
        return f"rows({columns};key={self.primary_key};unique={self.unique};extra={self.policy.extra})"

    @property
    def shape(self) -> str:
        """As :attr:`identity`, without what only refuses rows: which columns a table gets, and of which types."""
        columns = ",".join(
            f"{column.name}:{_slot_identity(column.slot, rules=False)}={column.default!r}" for column in self.columns
        )
        return f"rows({columns};extra={self.policy.extra})"

    @property
    def held(self) -> RowModel | None:
        """The columns of which it says more than their types; None where it says nothing more of any."""
        keys = {name for names in (self.primary_key, *self.unique) for name in names}
        columns = tuple(column for column in self.columns if column.name in keys or _refuses(column.slot))
        return replace(self, columns=columns, policy=Rows(extra="drop")) if columns else None


def _refuses(slot: Slot) -> bool:
    """Whether there are values of the type that are none of the slot's."""
    if slot.rules or not slot.nullable:
        return True
    match slot.type:
        case List(element):
            return _refuses(element)
        case Map(_, value):
            return _refuses(value)
        case Struct(fields):
            return any(_refuses(part) for _, part in fields)
        case _:
            return False


def _slot_identity(slot: Slot, *, rules: bool) -> str:
    text = _type_identity(slot.type, rules=rules)
    if not rules:
        return text
    said = "&".join(rule.identity for rule in slot.rules)
    return f"{text}{'?' if slot.nullable else ''}{f'[{said}]' if said else ''}"


def _type_identity(kind: ColumnType, *, rules: bool) -> str:
    match kind:
        case List(element):
            return f"list<{_slot_identity(element, rules=rules)}>"
        case Map(key, value):
            return f"map<{_type_identity(key, rules=rules)},{_slot_identity(value, rules=rules)}>"
        case Struct(fields):
            return f"struct<{','.join(f'{name}:{_slot_identity(slot, rules=rules)}' for name, slot in fields)}>"
        case Enumeration(values):
            return f"enum{values!r}"
        case _:
            return str(kind)


def row_model_of(hint: object) -> RowModel | None:
    """The row model that stands in a table's annotation: ``Annotated[pl.DataFrame, Order]``; None without one.

    Raises DefinitionError ``bad-row-model`` with the field that has no column.
    """
    hint = alias_value(hint)
    if get_origin(hint) is not Annotated:
        return None
    kind, *marks = get_args(hint)
    if not is_table_hint(kind):
        return None
    if (known := next((mark for mark in marks if isinstance(mark, RowModel)), None)) is not None:
        return known
    models = [mark for mark in marks if isinstance(mark, type)]
    if not models:
        return None
    policy = next((mark for mark in marks if isinstance(mark, Rows)), _USUAL)
    if len(models) > 1:
        names = ", ".join(model.__name__ for model in models)
        raise DefinitionError("bad-row-model", f"{hint_text(kind)} has several row models: {names}", hint="keep one")
    return row_model(models[0], policy)


def misplaced_model(hint: object, *, in_dict: bool) -> type | None:
    """A row model that stands where no table is held to it: inside of a union, a list … ``in_dict``: where the values
    of a dict are tables by partition it is in its place.
    """
    hint = alias_value(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        inner, arguments = alias_value(arguments[0]), ()
        if not is_table_hint(inner) or is_union(inner):
            return next(filter(None, (_stray(part) for part in get_args(inner))), None)
        return None
    if in_dict and len(arguments) == 2 and isinstance(origin, type) and issubclass(origin, Mapping):
        return misplaced_model(arguments[1], in_dict=False)
    return next(filter(None, map(_stray, arguments)), None)


def _stray(hint: object) -> type | None:
    """The first row model anywhere in a hint."""
    hint = alias_value(hint)
    arguments = get_args(hint)
    if get_origin(hint) is Annotated and is_table_hint(arguments[0]):
        return next((mark for mark in arguments[1:] if isinstance(mark, type)), None)
    return next(filter(None, map(_stray, arguments)), None)


@functools.cache
def row_model(model: type, policy: Rows = _USUAL) -> RowModel:
    """The columns that a pydantic model stands for. Raises DefinitionError ``bad-row-model``."""
    if record_kind(model) is not RecordKind.MODEL:
        raise DefinitionError(
            "bad-row-model",
            f"{model.__name__} is no row model: it is not a pydantic model",
            hint=f"write class {model.__name__}(pydantic.BaseModel): …",
        )
    _refuse_validators(model, policy)
    columns: list[Column] = []
    key: list[str] = []
    unique: dict[str, list[str]] = {}
    for name, info in _fields(model).items():
        column = Column(
            name=info.alias or name,
            field=name,
            slot=_Reading(model, name, policy, (model,)).slot(info.annotation, tuple(info.metadata), top=True),
            default=REQUIRED if info.is_required() or info.default_factory is not None else info.default,
        )
        columns.append(column)
        for mark in info.metadata:
            if mark is PrimaryKey or isinstance(mark, PrimaryKey):
                key.append(column.name)
            elif mark is Unique or isinstance(mark, Unique):
                together = mark.together if isinstance(mark, Unique) else ""
                unique.setdefault(together or f" {column.name}", []).append(column.name)
    if not columns:
        raise DefinitionError("bad-row-model", f"{model.__name__} has no fields, so it describes no table")
    double = sorted({column.name for column in columns if sum(c.name == column.name for c in columns) > 1})
    if double:
        raise DefinitionError("bad-row-model", f"{model.__name__} has several columns named {', '.join(double)}")
    return RowModel(
        name=model.__name__,
        columns=tuple(columns),
        primary_key=tuple(key),
        unique=tuple(tuple(names) for names in unique.values()),
        policy=policy,
        model=model,
    )


def _fields(model: Any) -> Mapping[str, Any]:  # of pydantic's FieldInfo
    if not model.__pydantic_complete__:
        try:
            model.model_rebuild()
        except Exception as error:  # pydantic's own, or a NameError of the user's module
            raise DefinitionError(
                "bad-row-model", f"{model.__name__} cannot be completed: {error}", hint="define what it names before it"
            ) from error
    return dict(model.model_fields)


def _refuse_validators(model: Any, policy: Rows) -> None:
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
class _Reading:
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
            _refuse_validators(cls, self.policy)
            _fields(cls)
        inner = _Reading(self.model, self.name, self.policy, (*self.inside, cls))
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
