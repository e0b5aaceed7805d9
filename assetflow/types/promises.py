"""What contracts promise, as values that are written down, read back and compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from assetflow.errors import UsageError
from assetflow.model.contracts import ContractChange
from assetflow.types.columns import Conversion, Slot, conversion, parts
from assetflow.types.rules import implied

__all__ = ["Promise", "changes_between", "major", "version_problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """All that one contract promises."""

    asset: str
    version: str
    owner: str = ""
    #: Seconds.
    freshness: float | None = None
    #: The type of a value that has no columns, as text.
    type: str = ""
    columns: Mapping[str, Slot] = field(default_factory=dict)
    #: Columns of which no two rows are equal together.
    keys: tuple[tuple[str, ...], ...] = ()
    #: What else blocking checks say, by the checks' names.
    guarantees: Mapping[str, str] = field(default_factory=dict)
    #: Who reads each column, directly or through others; under the empty name, who reads any.
    readers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def changes_between(before: Promise, after: Promise) -> tuple[ContractChange, ...]:
    """What changed, breaking or additive. Whatever held before still holds after changes that are additive."""
    return (*_columns(before, after), *_keys(before, after), *_others(before, after))


def _columns(before: Promise, after: Promise) -> Iterator[ContractChange]:
    for name, slot in before.columns.items():
        if name not in after.columns:
            yield ContractChange(True, f"column {name} is gone", name)
            continue
        for breaking, text in _slots(slot, after.columns[name]):
            yield ContractChange(breaking, f"column {name} {text}", name)
    for name, slot in after.columns.items():
        if name not in before.columns:
            yield ContractChange(False, f"column {name} ({slot}) is new", name)


def _slots(before: Slot, after: Slot) -> Iterator[tuple[bool, str]]:
    """What is promised otherwise of a place for values: whether that is breaking, and what."""
    takes = conversion(after.type, before.type)
    if takes > Conversion.WIDENS:
        yield True, f"is {after.type}, was {before.type}"
        return
    if takes is Conversion.WIDENS:
        yield False, f"is {after.type}, which {before.type} holds too"
    if after.nullable and not before.nullable:
        yield True, "may be null, which it could not"
    elif before.nullable and not after.nullable:
        yield False, "is never null any more"
    for rule in before.rules:
        if implied(rule, after.rules) is not True:
            yield True, f"need not be {rule} any more"
    for rule in after.rules:
        if implied(rule, before.rules) is not True:
            yield False, f"is {rule} now"
    for place, inner_before, inner_after in parts(before.type, after.type):
        for breaking, text in _slots(inner_before, inner_after):
            yield breaking, f"{place} {text}"


def _keys(before: Promise, after: Promise) -> Iterator[ContractChange]:
    for key in before.keys:
        if not any(set(other) <= set(key) for other in after.keys):
            yield ContractChange(True, f"({', '.join(key)}) need not be unique any more", key[0])
    for key in after.keys:
        if not any(set(other) <= set(key) for other in before.keys):
            yield ContractChange(False, f"({', '.join(key)}) is unique now", key[0])


def _others(before: Promise, after: Promise) -> Iterator[ContractChange]:
    if before.type != after.type:
        yield ContractChange(True, f"it is {after.type or 'a table'}, was {before.type or 'a table'}")
    for name, text in before.guarantees.items():
        if name not in after.guarantees:
            yield ContractChange(True, f"{name} is not checked any more")
        elif after.guarantees[name] != text:
            yield ContractChange(True, f"{name} checks something else")
    for name in after.guarantees:
        if name not in before.guarantees:
            yield ContractChange(False, f"{name} is checked now")
    if before.freshness != after.freshness:
        later = before.freshness is not None and (after.freshness is None or after.freshness > before.freshness)
        yield ContractChange(later, f"it is {_age(after.freshness)}, was {_age(before.freshness)}")
    if before.owner != after.owner:
        yield ContractChange(False, f"{after.owner or 'nobody'} owns it, was {before.owner or 'nobody'}")


def _age(seconds: float | None) -> str:
    return "of any age" if seconds is None else f"at most {seconds / 3600:g} hours old"


def major(version: str) -> int:
    """The first number of a version."""
    return _numbers(version)[0]


def version_problem(before: str, after: str, *, breaking: bool) -> str:
    """What is wrong with a new version, after changes of which some are breaking or none; empty: nothing."""
    if _numbers(after) < _numbers(before):
        return f"version {after} is before {before}"
    if breaking and major(after) == major(before):
        return f"breaking, so its version has to be {major(before) + 1}.0, not {after}"
    return ""


def _numbers(version: str) -> tuple[int, ...]:
    try:
        numbers = [int(part) for part in version.split(".")]
    except ValueError:
        raise UsageError("bad-contract", f"{version!r} is no version", hint='write "1.0" or "1.0.0"') from None
    return (*numbers, 0, 0)[:3]
