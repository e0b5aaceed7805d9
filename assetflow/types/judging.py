"""Nulls, rules and keys of a row model, asked of whole columns of a canonical table.

A rule is first asked of a column's extremes or of its distinct values; only where it is broken its rows are looked for.
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from assetflow.types.columns import List, Map, Slot, Struct
from assetflow.types.expectations import unmet
from assetflow.types.rowmodels import RowModel
from assetflow.types.rules import Rule, RuleKind

__all__ = ["Broken", "Violation", "judged", "plain", "repeated", "violations"]

#: How many rows are told of each problem.
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Broken:
    """One thing that is wrong with a table."""

    text: str
    #: How many rows; 0 where it is the column that is wrong.
    rows: int = 0


def judged(table: pa.Table, rows: RowModel) -> Iterator[Broken]:
    """Every column whose values are missing or break a rule."""
    for column in rows.columns:
        array = plain(table.column(column.name)) if column.slot.rules else table.column(column.name)
        for place, rule, mask in violations(array, column.slot, column.name):
            if count := pc.sum(mask).as_py() or 0:
                text = "have no value" if rule is None else f"are not {rule}"
                yield Broken(f"column {place!r}: {_which(table, mask, count, column.name, text)}", count)
    for name, sql, mask in unmet(table, rows.expects):
        count = pc.sum(mask).as_py()
        found = ", ".join(f"row {row:,}" for row in pc.indices_nonzero(mask)[:_EXAMPLES].to_pylist())
        yield Broken(f"{name}: {count:,} of {table.num_rows:,} rows do not hold {sql}, such as {found}", count)


#: Where something is wrong, the rule that is broken (None: there is no value), and in which rows.
Violation: TypeAlias = tuple[str, Rule | None, pa.ChunkedArray]


def violations(array: pa.ChunkedArray, slot: Slot, place: str) -> Iterator[Violation]:
    """Everything that is wrong with the values of a column, which is no dictionary where it has rules."""
    if not slot.nullable and array.null_count:
        yield place, None, array.is_null()
    for rule in slot.rules:
        if not _holds(array, rule):
            yield place, rule, pc.fill_null(_breaks(array, rule), False)
    match slot.type:
        case List(element):
            yield from _inside_lists(array, element, f"{place}[]")
        case Struct(fields):
            for name, inner in fields:
                for inside, broken, mask in violations(pc.struct_field(array, name), inner, f"{place}.{name}"):
                    # The field of a struct that is null has no value, rightly.
                    yield inside, broken, pc.and_(mask, array.is_valid())
        case Map(_, value) if value.rules or not value.nullable:
            whole = _flat(array)
            lists = pa.ListArray.from_arrays(whole.offsets, whole.items)
            yield from _inside_lists(pa.chunked_array([lists]), value, f"{place}[]")
        case _:
            return


def _inside_lists(array: pa.ChunkedArray, element: Slot, place: str) -> Iterator[Violation]:
    if element.nullable and not element.rules and not isinstance(element.type, List | Struct | Map):
        return
    whole = _flat(array)
    values = pa.chunked_array([pc.list_flatten(whole)])
    parents = pc.list_parent_indices(whole)
    for inside, broken, mask in violations(values, element, place):
        hit = pc.unique(pc.filter(parents, _flat(mask)))
        rows = pa.array(range(len(whole)), parents.type)
        yield inside, broken, pa.chunked_array([pc.is_in(rows, value_set=hit)])


def _flat(array: pa.ChunkedArray) -> pa.Array:
    """A column as one array, without an offset of its own."""
    return pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)


def _holds(array: pa.ChunkedArray, rule: Rule) -> bool:
    """Whether a rule holds of all values, by their extremes where that can be."""
    if len(array) == array.null_count:
        return True
    match rule.kind:
        case RuleKind.AT_LEAST | RuleKind.ABOVE | RuleKind.AT_MOST | RuleKind.BELOW:
            if pa.types.is_floating(array.type) and pc.any(pc.is_nan(array)).as_py():
                return False
            try:
                ends = pc.min_max(array)
            except pa.ArrowNotImplementedError:  # durations and halves have no such kernel
                return not pc.any(_breaks(array, rule)).as_py()
            end = ends["min" if rule.kind in _LOWER else "max"]
            return not _breaks(pa.chunked_array([pa.array([end.as_py()], array.type)]), rule)[0].as_py()
        case RuleKind.ONE_OF:
            found = pc.unique(array).drop_null()
            return bool(pc.all(pc.is_in(found, value_set=_of(rule.value, array.type))).as_py())
        case RuleKind.MIN_LENGTH | RuleKind.MAX_LENGTH:
            ends = pc.min_max(_lengths(array))
            least, most = ends["min"].as_py(), ends["max"].as_py()
            return bool(least >= rule.value if rule.kind is RuleKind.MIN_LENGTH else most <= rule.value)
        case _:
            return not pc.any(_breaks(array, rule)).as_py()


_LOWER = (RuleKind.AT_LEAST, RuleKind.ABOVE)


def _breaks(array: pa.ChunkedArray, rule: Rule) -> pa.ChunkedArray:
    """Where a rule does not hold; null where there is no value. NaN is in no bounds."""
    match rule.kind:
        case RuleKind.AT_LEAST:
            return pc.invert(pc.greater_equal(array, _bound(rule.value, array.type)))
        case RuleKind.ABOVE:
            return pc.invert(pc.greater(array, _bound(rule.value, array.type)))
        case RuleKind.AT_MOST:
            return pc.invert(pc.less_equal(array, _bound(rule.value, array.type)))
        case RuleKind.BELOW:
            return pc.invert(pc.less(array, _bound(rule.value, array.type)))
        case RuleKind.MULTIPLE_OF:
            return _remainders(array, rule.value)
        case RuleKind.MIN_LENGTH:
            return pc.less(_lengths(array), rule.value)
        case RuleKind.MAX_LENGTH:
            return pc.greater(_lengths(array), rule.value)
        case RuleKind.PATTERN:
            text = rule.value.pattern if isinstance(rule.value, re.Pattern) else rule.value
            return pc.invert(pc.match_substring_regex(array, text))
        case RuleKind.ONE_OF:
            return pc.and_(pc.invert(pc.is_in(array, value_set=_of(rule.value, array.type))), array.is_valid())
        case RuleKind.FINITE:
            return pc.invert(pc.is_finite(array))


def _bound(value: object, kind: pa.DataType) -> pa.Scalar:
    """A bound to compare with: exact, so where a column of whole numbers cannot hold it, of its own type."""
    try:
        return pa.scalar(value, kind)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return pa.scalar(decimal.Decimal(value) if isinstance(value, int) else value)


def _of(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    return pa.array(list(values), kind)


def _lengths(array: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string(array.type):
        return pc.utf8_length(array)
    if pa.types.is_map(array.type):
        inner = pa.list_(pa.struct([("key", array.type.key_type), ("value", array.type.item_type)]))
        array = array.cast(inner)
    return pc.binary_length(array) if pa.types.is_binary(array.type) else pc.list_value_length(array)


def _remainders(array: pa.ChunkedArray, step: Any) -> pa.ChunkedArray:
    if pa.types.is_integer(array.type) and isinstance(step, int):
        whole = pc.multiply(pc.divide(array, step), step)
        return pc.not_equal(array, whole)
    ratio = pc.divide(array.cast(pa.float64()), float(step))
    off = pc.abs(pc.subtract(ratio, pc.round(ratio)))
    return pc.greater(off, pc.multiply(pc.max_element_wise(pc.abs(ratio), 1.0), 1e-9))


# Keys


def repeated(table: pa.Table, rows: RowModel) -> Iterator[Broken]:
    for names, nulls_too in ((rows.primary_key, True), *((names, False) for names in rows.unique)):
        if not names:
            continue
        part = table.select(list(names))
        if nulls_too:
            for name in names:
                if part.column(name).null_count:
                    mask = part.column(name).is_null()
                    count = part.column(name).null_count
                    yield Broken(
                        f"the primary key {name!r}: {_which(table, mask, count, name, 'have no value')}", count
                    )
        else:
            for name in names:
                part = part.filter(part.column(name).is_valid())
        part = pa.table([plain(column) for column in part.columns], names=part.column_names)
        counted = part.group_by(list(names)).aggregate([([], "count_all")])
        if counted.num_rows < part.num_rows:
            double = counted.filter(pc.greater(counted.column("count_all"), 1))
            shown = [
                f"({', '.join(repr(row[name]) for name in names)}) {row['count_all']} times"
                for row in double.slice(0, _EXAMPLES).to_pylist()
            ]
            label = ", ".join(map(repr, names))
            kind = "the primary key" if nulls_too else "the unique"
            count = part.num_rows - counted.num_rows
            yield Broken(f"{kind} {label} is repeated: {', '.join(shown)}", count)


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of values, where it is a dictionary."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


# Telling


def _which(table: pa.Table, mask: pa.ChunkedArray, count: int, name: str, text: str) -> str:
    """``3 of 1,000 rows are not at least 0, such as row 17 (-3.0), row 40 (-1.5)``."""
    rows = pc.indices_nonzero(mask)[:_EXAMPLES].to_pylist()
    column = table.column(name)
    shown = ", ".join(f"row {row:,} ({_short(column[row].as_py())})" for row in rows)
    return f"{count:,} of {table.num_rows:,} rows {text}, such as {shown}"


def _short(value: object) -> str:
    text = str(value) if value is None else repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
