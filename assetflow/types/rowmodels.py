"""Row models: pydantic models, or those of other libraries, as the type of a table's rows, read into columns, rules and
keys.

Neither pydantic nor a table library is imported here: who has a model has pydantic, and an exact Arrow type in an
annotation has brought pyarrow.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, get_args, get_origin

from assetflow import types as room
from assetflow.errors import DefinitionError
from assetflow.model.rows import Classified, Expect, ForeignKey, PrimaryKey, Rows, Unique
from assetflow.types.columns import (
    ColumnType,
    Enumeration,
    List,
    Map,
    Slot,
    Struct,
)
from assetflow.types.libraries import is_table_hint
from assetflow.types.records import RecordKind, record_kind
from assetflow.types.rowreading import SlotReading, model_fields, refuse_validators
from assetflow.types.spelling import alias_value, hint_text, is_union

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
    #: What kinds of secrets it is said to hold; None: nothing is said.
    classes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowModel:
    """What a model says of a table, and how strictly a table is held to it."""

    name: str
    columns: tuple[Column, ...]
    #: Names of columns; empty where no field is marked.
    primary_key: tuple[str, ...] = ()
    #: Names of columns that are unique together.
    unique: tuple[tuple[str, ...], ...] = ()
    #: Conditions over several columns, each with its name.
    expects: tuple[tuple[str, str], ...] = ()
    #: Columns whose values are those of other tables. Each is a check of its own.
    foreign_keys: tuple[tuple[str, ForeignKey], ...] = field(default=(), compare=False)
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
        more = f";expects={self.expects}" if self.expects else ""
        more += ";order=same" if self.policy.order == "same" else ""
        return f"rows({columns};key={self.primary_key};unique={self.unique};{self._made}{more})"

    @property
    def shape(self) -> str:
        """As :attr:`identity`, without what only refuses rows: which columns a table gets, and of which types."""
        columns = ",".join(
            f"{column.name}:{_slot_identity(column.slot, rules=False)}={column.default!r}" for column in self.columns
        )
        return f"rows({columns};{self._made})"

    @property
    def _made(self) -> str:
        """What the policy makes of a table."""
        return f"extra={self.policy.extra}" + (";missing=fill" if self.policy.missing == "fill" else "")

    @property
    def held(self) -> RowModel | None:
        """The columns of which it says more than their types; None where it says nothing more of any."""
        keys = {name for names in (self.primary_key, *self.unique) for name in names}
        if self.expects:  # what a condition reads is not known here
            return replace(self, policy=Rows(extra="drop"))
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
    models: list[Any] = [mark for mark in marks if isinstance(mark, type) or is_other_model(mark)]
    if not models:
        return None
    policy = next((mark for mark in marks if isinstance(mark, Rows)), None)
    if len(models) > 1:
        names = ", ".join(getattr(model, "__name__", "a schema") for model in models)
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


def is_other_model(mark: object) -> str:
    """Which other library's model or schema it is: ``pandera``, ``dataframely`` or ``patito``; else empty."""
    cls = mark if isinstance(mark, type) else type(mark)
    for each in cls.__mro__:
        root = each.__module__.partition(".")[0]
        if (root, each.__name__) in _OTHERS:
            return root
    return ""


#: The base classes of their models and schemas.
_OTHERS = frozenset(
    {("pandera", "DataFrameModel"), ("pandera", "DataFrameSchema"), ("dataframely", "Schema"), ("patito", "Model")}
)


def row_model(model: Any, policy: Rows | None = None) -> RowModel:  # a class, or a schema of pandera
    """The columns that a pydantic model, or one of pandera, dataframely or patito, stands for.

    Raises DefinitionError ``bad-row-model``.
    """
    other = is_other_model(model)
    if other in {"pandera", "dataframely"}:
        return room.othermodels.other_row_model(model, policy or _USUAL, said=policy is not None)
    found = _row_model(model, policy or _USUAL)
    return room.othermodels.with_patito(found) if other == "patito" else found


@functools.cache
def _row_model(model: type, policy: Rows) -> RowModel:
    if record_kind(model) is not RecordKind.MODEL:
        raise DefinitionError(
            "bad-row-model",
            f"{model.__name__} is no row model: it is not a pydantic model",
            hint=f"write class {model.__name__}(pydantic.BaseModel): …",
        )
    refuse_validators(model, policy)
    columns: list[Column] = []
    key: list[str] = []
    unique: dict[str, list[str]] = {}
    foreign: list[tuple[str, ForeignKey]] = []
    for name, info in model_fields(model).items():
        column = Column(
            name=info.alias or name,
            field=name,
            slot=SlotReading(model, name, policy, (model,)).slot(info.annotation, tuple(info.metadata), top=True),
            default=REQUIRED if info.is_required() or info.default_factory is not None else info.default,
            classes=_classes(info.metadata),
        )
        columns.append(column)
        for mark in info.metadata:
            if mark is PrimaryKey or isinstance(mark, PrimaryKey):
                key.append(column.name)
            elif mark is Unique or isinstance(mark, Unique):
                together = mark.together if isinstance(mark, Unique) else ""
                unique.setdefault(together or f" {column.name}", []).append(column.name)
            elif isinstance(mark, ForeignKey):
                foreign.append((column.name, mark))
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
        expects=_expects(model),
        foreign_keys=tuple(foreign),
        policy=policy,
        model=model,
    )


def _expects(model: type) -> tuple[tuple[str, str], ...]:
    """The conditions of a model and of those that it is derived from; a name that is said again counts as said last."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        found |= {name: value.sql for name, value in vars(each).items() if isinstance(value, Expect)}
    return tuple(found.items())


def _classes(marks: Iterable[object]) -> tuple[str, ...] | None:
    said = [mark for mark in marks if isinstance(mark, Classified)]
    return tuple(sorted({name for mark in said for name in mark.names})) if said else None
