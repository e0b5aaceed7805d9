"""Which partitions a text of ``--partition`` names: a key, a range, the newest, or values of dimensions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from assetflow.errors import UsageError, nearest
from assetflow.model.cells import ProductKeys
from assetflow.model.clocks import span_of
from assetflow.model.keysets import Keys

__all__ = ["STATES", "Choice", "choice_of", "chosen", "named_key", "no_such_partition"]

#: The words that stand for partitions by how they stand; who plans finds out which these are.
STATES = frozenset({"missing", "failed", "stale"})
_NEWEST = re.compile(r"last:(.*)\Z", re.DOTALL)
_PAIR = re.compile(r'\s*([A-Za-z_]\w*)=((?:"(?:[^"\\]|\\.)*"|[^",])*)(,|\Z)')


@dataclass(frozen=True, slots=True)
class _Key:
    """One key; or where it is a time, every window that shares time with it."""

    key: str
    #: It was written as a JSON string: nothing but a key.
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class _Range:
    """From one key or time to another, both included."""

    low: str
    high: str


@dataclass(frozen=True, slots=True)
class _Newest:
    n: int


@dataclass(frozen=True, slots=True)
class _Dimensions:
    choices: Mapping[str, Choice]


Choice: TypeAlias = _Key | _Range | _Newest | _Dimensions


def choice_of(text: str) -> Choice:
    """Read ``KEY``, ``"KEY"`` (a JSON string), ``K1..K2``, ``latest``, ``last:7`` or ``day=K1..K2,region=eu``.

    Raises UsageError ``bad-partition``.
    """
    if text.startswith('"'):
        try:
            key = json.loads(text)
        except ValueError:
            key = None
        if not isinstance(key, str):
            raise _bad(text, "it is no JSON string", "write --partition '\"a,b\"'")
        return _Key(key, quoted=True)
    if text == "latest":
        return _Newest(1)
    if found := _NEWEST.match(text):
        if not re.fullmatch(r"[1-9]\d{0,8}", found[1]):
            raise _bad(text, f"{found[1]!r} is no number of partitions", "write last:7")
        return _Newest(int(found[1]))
    if (choices := _pairs(text)) is not None:
        return _Dimensions(choices)
    low, dots, high = text.partition("..")
    if not dots:
        return _Key(text)
    if not low or not high:
        raise _bad(text, "a range has two ends", "write 2026-01-01..2026-01-31; both ends are included")
    first, last = span_of(low), span_of(high)
    if first and last and (first.start.tzinfo is None) == (last.end.tzinfo is None) and not first.start < last.end:
        raise _bad(text, "the range is empty: it ends before it begins", f"write {high}..{low}")
    return _Range(low, high)


def _pairs(text: str) -> dict[str, Choice] | None:
    """The dimensions of ``day=…,region=…``; None for any other text."""
    found: dict[str, Choice] = {}
    at, more = 0, True
    while more:
        match = _PAIR.match(text, at)
        if match is None:
            return None
        if match[1] in found:
            raise _bad(text, f"{match[1]} is named twice", "name each dimension once")
        found[match[1]] = choice_of(match[2])
        at, more = match.end(), bool(match[3])
    return found


def named_key(text: str) -> str | None:
    """The key, where a text can name a single one; None for ranges and words."""
    if text in STATES:
        return None
    choice = choice_of(text)
    if isinstance(choice, _Dimensions) and all(isinstance(each, _Key) for each in choice.choices.values()):
        return text
    return choice.key if isinstance(choice, _Key) else None


def chosen(choice: Choice, keys: Keys) -> Sequence[str] | None:
    """The keys that a choice names, in order, as far as there are any; None where it is about time, and these are not:
    then it does not narrow them.
    """
    match choice:
        case _Dimensions(choices):
            return _by_dimension(choices, keys) if isinstance(keys, ProductKeys) else ()
        case _Key(key, quoted):
            if key in keys:
                return (key,)
            return () if quoted or span_of(key) is None else chosen(_Range(key, key), keys)
    time = [name for name, each in keys.dimensions.items() if each.windows is not None]
    if isinstance(keys, ProductKeys) and time:
        return _by_dimension(dict.fromkeys(time, choice), keys)
    match choice:
        case _Newest(n):
            return None if keys.windows is None else keys[max(0, len(keys) - n) :]
        case _Range(low, high):
            return _between(low, high, keys)


def _by_dimension(choices: Mapping[str, Choice], keys: ProductKeys) -> Sequence[str]:
    for name in choices:
        if name not in keys.dimensions:
            return ()
    found = {name: chosen(choice, keys.dimensions[name]) for name, choice in choices.items()}
    return tuple(keys.combined({name: some for name, some in found.items() if some is not None}))


def _between(low: str, high: str, keys: Keys) -> Sequence[str] | None:
    windows = keys.windows
    if windows is None:
        first, last = keys.position(low), keys.position(high)
        if first is not None and last is not None:
            return keys[first : last + 1]
        return None if span_of(low) and span_of(high) else ()
    start, end = _ends(low, keys), _ends(high, keys)
    if start is None or end is None:
        return ()
    found = windows.overlapping(start[0], end[1])
    return keys[found.start : found.stop]


def _ends(text: str, keys: Keys) -> tuple[int, int] | None:
    windows = keys.windows
    assert windows is not None
    position = keys.position(text)
    if position is not None:
        return windows.starts[position], windows.ends[position]
    span = span_of(text)
    return None if span is None else span.instants(windows.zone)


def no_such_partition(text: str, choice: Choice, existing: Iterable[Keys]) -> UsageError:
    """The error for a text that names no partition of what is selected."""
    sets = [keys for keys in existing if len(keys)]
    if isinstance(choice, _Dimensions):
        names = {name for keys in sets for name in keys.dimensions}
        unknown = next((name for name in choice.choices if name not in names), None)
        if unknown is not None:
            there = f"there are {', '.join(sorted(names))}" if names else "what is selected has no dimensions"
            message = f"nothing selected has a dimension {unknown!r}"
            return UsageError("unknown-partition", message, hint=nearest(unknown, names) or there)
        for name, each in choice.choices.items():
            within = [keys.dimensions[name] for keys in sets if name in keys.dimensions]
            if not any(chosen(each, keys) != () for keys in within):
                return no_such_partition(text.partition(f"{name}=")[2].partition(",")[0], each, within)
    message = f"nothing selected has a partition {text!r}"
    told = dict.fromkeys(map(_told, sorted(sets, key=lambda keys: len(keys.dimensions))))
    if not sets:
        return UsageError("unknown-partition", message, hint="none of it is partitioned, or there are no keys yet")
    if isinstance(choice, _Key) and any(keys.windows is None and not keys.dimensions for keys in sets):
        listed = [key for keys in sets if keys.windows is None and len(keys) < _MANY for key in keys]
        if close := nearest(choice.key, listed):
            return UsageError("unknown-partition", message, hint=close)
    return UsageError("unknown-partition", message, hint="there are " + "; ".join(told))


#: Keys among which the nearest one is looked for.
_MANY = 20_000


def _told(keys: Keys) -> str:
    """Which keys there are, in short."""
    if keys.dimensions:
        return ", ".join(f"{name}={_told(each)}" for name, each in keys.dimensions.items())
    if len(keys) <= 3:
        return ", ".join(keys)
    if keys.windows is not None:
        return f"{keys[0]}..{keys[-1]}"
    more = f", and {len(keys) - 3:,} more"
    return ", ".join(keys[:3]) + more


def _bad(text: str, why: str, hint: str) -> UsageError:
    return UsageError("bad-partition", f"--partition {text}: {why}", hint=hint)
