"""What a row model says of a column's values beyond their type, as values that can be compared."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["Rule", "RuleKind", "contradict", "implied"]


class RuleKind(StrEnum):
    """What is compared."""

    AT_LEAST = "at least"
    ABOVE = "above"
    AT_MOST = "at most"
    BELOW = "below"
    MULTIPLE_OF = "a multiple of"
    #: Of texts in characters, of bytes in bytes, of lists and maps in elements.
    MIN_LENGTH = "of length at least"
    MAX_LENGTH = "of length at most"
    #: Somewhere in the text, as pydantic has it; RE2's dialect.
    PATTERN = "matching"
    ONE_OF = "one of"
    #: Neither infinite nor NaN.
    FINITE = "finite"


@dataclass(frozen=True, slots=True)
class Rule:
    """One constraint. ``value`` is a number, a date, a pattern, or a tuple of values; None for ``FINITE``."""

    kind: RuleKind
    value: Any = None  # as the user's model gives it

    def __str__(self) -> str:
        match self.kind:
            case RuleKind.FINITE:
                return str(self.kind)
            case RuleKind.ONE_OF:
                return f"{self.kind} {', '.join(map(_text, self.value))}"
            case _:
                return f"{self.kind} {_text(self.value)}"

    @property
    def identity(self) -> str:
        """What traces compare."""
        return f"{self.kind.name}:{type(self.value).__name__}:{self.value!r}"


def _text(value: object) -> str:
    return str(value) if isinstance(value, datetime.date | datetime.time | decimal.Decimal) else repr(value)


_LOWER = (RuleKind.AT_LEAST, RuleKind.ABOVE)
_UPPER = (RuleKind.AT_MOST, RuleKind.BELOW)


def implied(rule: Rule, given: Iterable[Rule]) -> bool | None:
    """Whether a rule holds wherever all given ones do: True; False where they say outright that it need not;
    None where that cannot be told.
    """
    answers = [_follows(rule, each) for each in given]
    if True in answers:
        return True
    return False if False in answers else None


def _follows(rule: Rule, given: Rule) -> bool | None:
    if rule == given:
        return True
    if given.kind is RuleKind.ONE_OF:
        return _all_hold(rule, given.value)
    for side, lower in ((_LOWER, True), (_UPPER, False)):
        if rule.kind in side and given.kind in side:
            return _bounds(rule, given, lower=lower)
    if rule.kind is not given.kind:
        return None
    match rule.kind:
        case RuleKind.MIN_LENGTH:
            return bool(given.value >= rule.value)
        case RuleKind.MAX_LENGTH:
            return bool(given.value <= rule.value)
        case RuleKind.MULTIPLE_OF:
            return True if _divides(rule.value, given.value) else None
        case _:
            return None


def _bounds(rule: Rule, given: Rule, *, lower: bool) -> bool | None:
    strict = (RuleKind.ABOVE, RuleKind.BELOW)
    try:
        if given.value == rule.value:
            return given.kind in strict or rule.kind not in strict
        return bool(given.value > rule.value) is lower
    except TypeError:  # numbers and dates
        return None


def _all_hold(rule: Rule, values: Iterable[Any]) -> bool | None:
    try:
        match rule.kind:
            case RuleKind.ONE_OF:
                return set(values) <= set(rule.value)
            case RuleKind.AT_LEAST:
                return all(value >= rule.value for value in values)
            case RuleKind.ABOVE:
                return all(value > rule.value for value in values)
            case RuleKind.AT_MOST:
                return all(value <= rule.value for value in values)
            case RuleKind.BELOW:
                return all(value < rule.value for value in values)
            case RuleKind.MIN_LENGTH:
                return all(len(value) >= rule.value for value in values)
            case RuleKind.MAX_LENGTH:
                return all(len(value) <= rule.value for value in values)
            case _:
                return None
    except TypeError:
        return None


def contradict(one: Rule, other: Rule) -> bool:
    """Whether no value can keep to a lower bound or length and an upper one."""
    lengths = one.kind is RuleKind.MIN_LENGTH and other.kind is RuleKind.MAX_LENGTH
    if not lengths and not (one.kind in _LOWER and other.kind in _UPPER):
        return False
    try:
        if one.value == other.value:
            return RuleKind.ABOVE is one.kind or RuleKind.BELOW is other.kind
        return bool(one.value > other.value)
    except TypeError:
        return False


def _divides(small: Any, large: Any) -> bool:
    try:
        return bool(decimal.Decimal(str(large)) % decimal.Decimal(str(small)) == 0)
    except (decimal.InvalidOperation, ZeroDivisionError):
        return False
