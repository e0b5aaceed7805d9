"""Hypothesis strategies made from row models: tables of every kind that a model allows, the empty one among them."""

from __future__ import annotations

import datetime
import decimal
import math
import re
from typing import Any, assert_never

import hypothesis.strategies as st
import pyarrow as pa

from assetflow.errors import UsageError
from assetflow.types.arrowtypes import arrow_type
from assetflow.types.columns import ColumnType, Decimal, Enumeration, List, Map, Plain, Slot, Struct, Timestamp
from assetflow.types.dividing import Division
from assetflow.types.libraries import TableKind, kind_of_hint
from assetflow.types.rowmodels import RowModel, row_model
from assetflow.types.rules import Rule, RuleKind
from assetflow.types.tables import from_arrow

__all__ = ["records", "tables"]

#: Elements of a list or map, where no rule asks for more.
_FEW = 4
_WIDTHS = {"halffloat": 16, "float": 32, "double": 64}
_EPOCH = datetime.datetime(1970, 1, 1)
#: What nanoseconds since 1970 reach.
_FIRST, _LAST = datetime.datetime(1678, 1, 1), datetime.datetime(2262, 1, 1)
_MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 1}


def tables(model: type, *, as_: type, max_size: int = 10) -> st.SearchStrategy[Any]:
    """Tables of up to ``max_size`` rows that keep a row model, of the library that ``as_`` names.

    Nulls, bounds, lengths, patterns, domains, keys and conditions are kept; foreign keys are not looked at. Raises
    DefinitionError ``bad-row-model``, UsageError ``bad-argument``.
    """
    rows, kind = row_model(model), kind_of_hint(as_)
    if kind is None:
        raise UsageError("bad-argument", f"{as_!r} is no table class", hint="write as_=pl.DataFrame")
    # What is NaN in pandas is missing.
    found = records(model, max_size=max_size, nan=kind is not TableKind.PANDAS)
    return found.map(lambda each: from_arrow(_table(rows, each), as_))


def records(model: type, *, max_size: int = 10, nan: bool = True) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Rows as dicts by column, each of which keeps the rules of its columns. Raises as :func:`tables`."""
    rows = row_model(model)
    return st.lists(
        st.fixed_dictionaries({column.name: _slot(column.slot, nan=nan) for column in rows.columns}), max_size=max_size
    )


def _table(rows: RowModel, found: list[dict[str, Any]]) -> pa.Table:
    arrays = [pa.array([row[each.name] for row in found], arrow_type(each.slot.type)) for each in rows.columns]
    # Repeated keys and what breaks a condition go.
    good, _ = Division(rows, "the table", 1.0).table(pa.table(arrays, names=list(rows.names)))
    return good


def _slot(slot: Slot, *, nan: bool = True) -> st.SearchStrategy[Any]:
    inner = _ruled(slot.type, slot.rules, nan=nan)
    return st.none() | inner if slot.nullable else inner


def _ruled(kind: ColumnType, rules: tuple[Rule, ...], *, nan: bool) -> st.SearchStrategy[Any]:
    said = _Said(rules)
    if said.domain is not None:
        return st.sampled_from([value for value in said.domain if said.allows(value)])
    match kind:
        case Plain(name):
            return _plain(name, said, nan=nan)
        case Decimal(digits, places):
            most = decimal.Decimal(10) ** (digits - places) - decimal.Decimal(10) ** -places
            low, high = said.bounds(-most, most)
            return st.decimals(low, high, places=places).filter(said.allows)
        case Timestamp(unit, zone):
            return _instants(unit, zone, said)
        case Enumeration(values):
            return st.sampled_from([value for value in values if said.allows(value)])
        case List(element):
            return st.lists(_slot(element, nan=nan), min_size=said.shortest, max_size=said.longest(_FEW))
        case Map(key, value):
            keys = _ruled(key, (), nan=False)
            pairs = st.dictionaries(keys, _slot(value, nan=nan), min_size=said.shortest, max_size=said.longest(_FEW))
            return pairs.map(lambda each: list(each.items()))
        case Struct(fields):
            return st.fixed_dictionaries({name: _slot(part, nan=nan) for name, part in fields})
        case _:
            assert_never(kind)


class _Said:
    """The rules of one place for values."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._rules = rules
        domains = [rule.value for rule in rules if rule.kind is RuleKind.ONE_OF]
        self.domain: tuple[Any, ...] | None = domains[0] if domains else None
        self.finite = any(rule.kind is RuleKind.FINITE for rule in rules)
        self.patterns = [rule.value for rule in rules if rule.kind is RuleKind.PATTERN]
        self.steps = [rule.value for rule in rules if rule.kind is RuleKind.MULTIPLE_OF]
        self.shortest = max((rule.value for rule in rules if rule.kind is RuleKind.MIN_LENGTH), default=0)

    def longest(self, usual: int) -> int:
        """The greatest length: of the rules, but no more than a few above the least."""
        lengths = [rule.value for rule in self._rules if rule.kind is RuleKind.MAX_LENGTH]
        return int(min([*lengths, self.shortest + usual]))

    @property
    def is_bounded(self) -> bool:
        return any(rule.kind in _ENDS for rule in self._rules)

    def bounds(self, low: Any, high: Any) -> tuple[Any, Any]:
        """The least and the greatest value, both within the type's."""
        lower = [rule.value for rule in self._rules if rule.kind in {RuleKind.AT_LEAST, RuleKind.ABOVE}]
        upper = [rule.value for rule in self._rules if rule.kind in {RuleKind.AT_MOST, RuleKind.BELOW}]
        return max([low, *lower]), min([high, *upper])

    def allows(self, value: Any) -> bool:
        return all(_keeps(value, rule) for rule in self._rules)


_ENDS = frozenset({RuleKind.AT_LEAST, RuleKind.ABOVE, RuleKind.AT_MOST, RuleKind.BELOW})


def _keeps(value: Any, rule: Rule) -> bool:
    match rule.kind:
        case RuleKind.AT_LEAST:
            return bool(value >= rule.value)
        case RuleKind.ABOVE:
            return bool(value > rule.value)
        case RuleKind.AT_MOST:
            return bool(value <= rule.value)
        case RuleKind.BELOW:
            return bool(value < rule.value)
        case RuleKind.MULTIPLE_OF:
            return bool(value % rule.value == 0)
        case RuleKind.MIN_LENGTH:
            return bool(len(value) >= rule.value)
        case RuleKind.MAX_LENGTH:
            return bool(len(value) <= rule.value)
        case RuleKind.PATTERN:
            return re.search(rule.value, value) is not None
        case RuleKind.ONE_OF:
            return value in rule.value
        case RuleKind.FINITE:
            return math.isfinite(value)
        case _:
            assert_never(rule.kind)


def _plain(name: str, said: _Said, *, nan: bool) -> st.SearchStrategy[Any]:
    if name.lstrip("u").startswith("int"):
        return _integers(name, said)
    if name in _WIDTHS:
        return _floats(_WIDTHS[name], said, nan=nan)
    unit = name.partition("[")[2].rstrip("]")
    match name.partition("[")[0].rstrip("0123456789"):
        case "bool":
            return st.booleans()
        case "string":
            return _texts(said)
        case "binary":
            return st.binary(min_size=said.shortest, max_size=said.longest(2 * _FEW))
        case "date":
            low, high = said.bounds(datetime.date.min, datetime.date.max)
            return st.dates(low, high).filter(said.allows)
        case "time":
            low, high = said.bounds(datetime.time.min, datetime.time.max)
            return st.times(low, high).map(lambda each: _cut_time(each, unit)).filter(said.allows)
        case "duration":
            most = datetime.timedelta(days=100_000)
            low, high = said.bounds(-most, most)
            step = datetime.timedelta(microseconds=_MICROSECONDS[unit])
            return st.timedeltas(low, high).map(lambda each: each - each % step).filter(said.allows)
        case _:
            return st.none()


def _integers(name: str, said: _Said) -> st.SearchStrategy[int]:
    bits = int(name.lstrip("uint"))
    ends = (0, 2**bits - 1) if name.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    low, high = (math.ceil(said.bounds(*ends)[0]), math.floor(said.bounds(*ends)[1]))
    step = math.lcm(*(int(each) for each in said.steps)) if said.steps else 1
    found = st.integers(-(-low // step), high // step).map(lambda each: each * step)
    return found.filter(said.allows)


def _floats(width: Any, said: _Said, *, nan: bool) -> st.SearchStrategy[float]:
    if said.steps:
        step = said.steps[0]
        low, high = said.bounds(-1_000 * step, 1_000 * step)
        near = st.integers(math.ceil(low / step), math.floor(high / step)).map(lambda each: each * step)
        return near.filter(lambda each: low <= each <= high)
    low, high = said.bounds(-math.inf, math.inf)
    free = not said.finite and not said.is_bounded
    found = st.floats(
        None if low == -math.inf else float(low),
        None if high == math.inf else float(high),
        width=width if free else 64,
        allow_nan=nan and free,
        allow_infinity=None if free else not said.finite and (low == -math.inf or high == math.inf),
    )
    if width != 64 and not free:
        kind = pa.float32() if width == 32 else pa.float16()
        found = found.map(lambda each: pa.scalar(each).cast(kind, safe=False).as_py())
    return found.filter(said.allows)


def _texts(said: _Said) -> st.SearchStrategy[str]:
    if not said.patterns:
        return st.text(min_size=said.shortest, max_size=said.longest(2 * _FEW))
    first, *others = said.patterns
    found = st.from_regex(first, alphabet=st.characters(codec="ascii"))
    return found.filter(said.allows) if others or said.shortest or said.longest(1 << 30) < 1 << 30 else found


def _cut_time(value: datetime.time, unit: str) -> datetime.time:
    return value.replace(microsecond=value.microsecond - value.microsecond % _MICROSECONDS[unit], tzinfo=None)


def _instants(unit: str, zone: str | None, said: _Said) -> st.SearchStrategy[datetime.datetime]:
    """Instants as UTC's clock shows them; without a zone, what a clock shows."""
    aware = None if zone is None else datetime.UTC
    ends = (_FIRST, _LAST) if unit == "ns" else (datetime.datetime(2, 1, 1), datetime.datetime(9998, 1, 1))
    low, high = said.bounds(*(each.replace(tzinfo=aware) for each in ends))
    bare = [each if zone is None else each.astimezone(datetime.UTC).replace(tzinfo=None) for each in (low, high)]
    step = datetime.timedelta(microseconds=_MICROSECONDS[unit])
    found = st.datetimes(*bare).map(lambda each: (each - (each - _EPOCH) % step).replace(tzinfo=aware))
    return found.filter(said.allows)
