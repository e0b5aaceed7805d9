"""Row models of other libraries, read into ours: pandera's, dataframely's and patito's.

What they say of columns, types, nulls, bounds, lengths, patterns, domains and keys is taken over and judged as our own.
What they say in Python or with expressions of their own is refused, unless the annotation has ``Rows(validators=
"ignore")``.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from assetflow.errors import DefinitionError
from assetflow.model.rows import Rows
from assetflow.types.arrowtypes import field_type
from assetflow.types.columns import ColumnType, List, Plain, Slot, Struct
from assetflow.types.rowmodels import REQUIRED, Column, RowModel, is_other_model
from assetflow.types.rules import Rule, RuleKind
from assetflow.types.tables import to_arrow

__all__ = ["other_row_model", "with_patito"]

_HINT = 'say it with Expect("…") in a pydantic model, with a check, or leave it out with Rows(validators="ignore")'


def other_row_model(model: Any, policy: Rows, *, said: bool) -> RowModel:  # a class or schema of these libraries
    """The columns that a model of pandera or dataframely stands for. ``said``: the policy is written in the annotation.

    Raises DefinitionError ``bad-row-model``.
    """
    return _of_class(model, policy, said) if isinstance(model, type) else _read(model, policy, said)


@functools.cache
def _of_class(model: Any, policy: Rows, said: bool) -> RowModel:
    return _read(model, policy, said)


def _read(model: Any, policy: Rows, said: bool) -> RowModel:
    if is_other_model(model) == "dataframely":
        return _of_dataframely(model, policy)
    schema = model.to_schema() if hasattr(model, "to_schema") else model
    if not said:
        strict = {True: "refuse", "filter": "drop"}.get(schema.strict, "keep")
        policy = replace(policy, extra=strict)  # type: ignore[arg-type]  # one of these three
    return _of_pandera(schema, policy)


def with_patito(rows: RowModel) -> RowModel:
    """A pydantic row model, with what patito says beside of its fields. Raises DefinitionError ``bad-row-model``."""
    unique = list(rows.unique)
    for column in rows.columns:
        extra: Any = rows.model.model_fields[column.field].json_schema_extra or {}
        said = json.loads(extra.get("column_info", "{}"))
        if said.get("unique"):
            unique.append((column.name,))
        for what in ("constraints", "dtype"):
            if said.get(what) not in (None, "null"):
                _refuse(rows.name, f"{what}= of {column.name}", rows.policy)
    return replace(rows, unique=tuple(unique))


def _refuse(name: str, what: str, policy: Rows) -> None:
    if policy.validators != "ignore":
        message = f"{name}: {what} is in the library's own words, which are not run here"
        raise DefinitionError("bad-row-model", message, hint=_HINT)


def _polars_type(kind: Any) -> ColumnType:  # a polars data type
    polars: Any = sys.modules["polars"]
    return field_type(to_arrow(polars.DataFrame(schema={"a": kind})).schema.field(0))


# dataframely


def _of_dataframely(model: Any, policy: Rows) -> RowModel:
    name = model.__name__
    for each in model.__mro__:
        for attribute, value in vars(each).items():
            if type(value).__module__.startswith("dataframely") and "Rule" in type(value).__name__:
                _refuse(name, f"the rule {attribute}", policy)
    found: Mapping[str, Any] = model.columns()
    columns = [
        Column(name=each.alias or key, field=key, slot=_dataframely_slot(name, each, policy))
        for key, each in found.items()
    ]
    return RowModel(
        name=name,
        columns=tuple(columns),
        primary_key=tuple(key for key, each in found.items() if each.primary_key),
        unique=tuple((key,) for key, each in found.items() if getattr(each, "unique", False)),
        policy=policy,
    )


_DATAFRAMELY = {
    "min": RuleKind.AT_LEAST,
    "min_exclusive": RuleKind.ABOVE,
    "max": RuleKind.AT_MOST,
    "max_exclusive": RuleKind.BELOW,
    "min_length": RuleKind.MIN_LENGTH,
    "max_length": RuleKind.MAX_LENGTH,
    "regex": RuleKind.PATTERN,
}


def _dataframely_slot(name: str, column: Any, policy: Rows) -> Slot:
    for what in ("check", "resolution"):
        if getattr(column, what, None) is not None:
            _refuse(name, f"{what}= of {column.name}", policy)
    rules = [
        Rule(kind, value) for what, kind in _DATAFRAMELY.items() if (value := getattr(column, what, None)) is not None
    ]
    if (allowed := getattr(column, "is_in", None)) is not None:
        rules.append(Rule(RuleKind.ONE_OF, tuple(allowed)))
    if getattr(column, "allow_nan", True) is False and column.allow_inf is False:
        rules.append(Rule(RuleKind.FINITE))
    inner = getattr(column, "inner", None)
    if isinstance(inner, Mapping):
        kind: ColumnType = Struct(tuple((key, _dataframely_slot(name, each, policy)) for key, each in inner.items()))
    elif inner is not None and type(column).__name__ == "List":
        kind = List(_dataframely_slot(name, inner, policy))
    else:
        kind = _polars_type(column.dtype)
    return Slot(kind, bool(column.nullable), tuple(rules))


# pandera


def _of_pandera(schema: Any, policy: Rows) -> RowModel:
    name = schema.name or "the schema"
    for check in schema.checks or ():
        _refuse(name, f"the check {check.name or check}", policy)
    columns = []
    for key, each in schema.columns.items():
        if getattr(each, "regex", False):
            _refuse(name, f"the pattern {key!r} of columns", policy)
            continue
        rules = tuple(_pandera_rules(name, key, each.checks, policy))
        slot = Slot(_pandera_type(name, key, each.dtype), bool(each.nullable) or not each.required, rules)
        columns.append(Column(name=str(key), field=str(key), slot=slot, default=REQUIRED if each.required else None))
    together = [schema.unique] if isinstance(schema.unique, str) else list(schema.unique or ())
    unique: list[tuple[str, ...]] = [(str(key),) for key, each in schema.columns.items() if each.unique]
    if together:
        unique.append(tuple(map(str, together)))
    if not columns:
        raise DefinitionError("bad-row-model", f"{name} has no columns, so it describes no table")
    return RowModel(name=name, columns=tuple(columns), unique=tuple(unique), policy=policy)


def _pandera_type(name: str, key: str, kind: Any) -> ColumnType:
    if kind is None:
        hint = "say its type: a row model is known before anything runs"
        raise DefinitionError("bad-row-model", f"{name}: the column {key!r} has no type", hint=hint)
    native = getattr(kind, "type", None)
    if type(kind).__module__.startswith("pandera.engines.polars"):
        return _polars_type(native)
    if str(kind) in {"str", "string", "object"} or str(kind).startswith("string["):
        return Plain("string")
    pandas: Any = sys.modules["pandas"]
    return field_type(to_arrow(pandas.DataFrame({"a": pandas.Series(dtype=native)})).schema.field(0))


def _pandera_rules(name: str, key: str, checks: Iterable[Any], policy: Rows) -> Iterator[Rule]:
    for check in checks or ():
        said = dict(check.statistics or {})
        match check.name:
            case "greater_than":
                yield Rule(RuleKind.ABOVE, said["min_value"])
            case "greater_than_or_equal_to":
                yield Rule(RuleKind.AT_LEAST, said["min_value"])
            case "less_than":
                yield Rule(RuleKind.BELOW, said["max_value"])
            case "less_than_or_equal_to":
                yield Rule(RuleKind.AT_MOST, said["max_value"])
            case "in_range":
                yield Rule(RuleKind.AT_LEAST if said.get("include_min", True) else RuleKind.ABOVE, said["min_value"])
                yield Rule(RuleKind.AT_MOST if said.get("include_max", True) else RuleKind.BELOW, said["max_value"])
            case "isin":
                yield Rule(RuleKind.ONE_OF, tuple(said["allowed_values"]))
            case "equal_to":
                yield Rule(RuleKind.ONE_OF, (said["value"],))
            case "str_length":
                exact = said.get("exact_value")
                for what, kind in (("min_value", RuleKind.MIN_LENGTH), ("max_value", RuleKind.MAX_LENGTH)):
                    length = exact if exact is not None else said.get(what)
                    if length is not None:
                        yield Rule(kind, length)
            case "str_matches":
                yield Rule(RuleKind.PATTERN, f"^(?:{_text(said['pattern'])})")
            case "str_contains":
                yield Rule(RuleKind.PATTERN, _text(said["pattern"]))
            case _:
                _refuse(name, f"the check {check.name} of {key}", policy)


def _text(pattern: Any) -> str:
    return str(getattr(pattern, "pattern", pattern))
