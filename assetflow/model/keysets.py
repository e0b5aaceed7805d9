"""Sets of partition keys in order, and the windows of time that they may stand for."""

from __future__ import annotations

import functools
import json
import math
import re
from abc import ABC, abstractmethod
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from itertools import product
from typing import overload

from assetflow.model.clocks import at_instant, span_of
from assetflow.model.versions import fingerprint

__all__ = [
    "ONE",
    "Keys",
    "Listed",
    "ProductKeys",
    "RaggedKeys",
    "Started",
    "Stretch",
    "Windows",
    "counted",
    "instant_text",
    "parted",
    "shown_keys",
    "written",
]


@dataclass(frozen=True, slots=True)
class Windows:
    """What keys of a time partitioning stand for: ``[starts[i], ends[i])``, in whole seconds since 1970 in UTC.

    Both are ascending and no two windows overlap; between two there may be a gap.
    """

    starts: Sequence[int]
    ends: Sequence[int]
    #: The zone whose clock the windows follow.
    zone: tzinfo
    #: What decides where windows are, also those to come.
    rule: str = ""
    #: How many windows the calendar will have after the last one here that begin before an instant, but at most so
    #: many.
    ahead: Callable[[int, int], int] = field(compare=False, default=lambda _end, _most: 0)

    def overlapping(self, start: int, end: int) -> range:
        """The positions of the windows that share time with ``[start, end)``."""
        return range(bisect_right(self.ends, start), max(bisect_left(self.starts, end), bisect_right(self.ends, start)))

    def bounds(self, position: int) -> tuple[datetime, datetime]:
        """Start and end on the zone's clock."""
        return at_instant(self.starts[position], self.zone), at_instant(self.ends[position], self.zone)


class Keys(Sequence[str], ABC):
    """The partition keys of an asset, in order, each once."""

    __slots__ = ()

    @property
    def windows(self) -> Windows | None:
        """What they stand for, by position, where they are windows of time."""
        return None

    @property
    def dimensions(self) -> Mapping[str, Keys]:
        """The keys of each dimension; empty where there is only one, which has no name."""
        return {}

    @abstractmethod
    def position(self, key: str) -> int | None:
        """Where a key stands; None where it is none of these."""

    def values(self, key: str) -> Mapping[str, str]:
        """The value of each dimension that a key stands for; empty where there is only one dimension."""
        return {}

    def cell(self, key: str) -> str:
        """What a key stands for, as text: part of a trace, since a function sees it."""
        windows = self.windows
        if windows is None:
            return key
        position = self.position(key)
        assert position is not None, f"there is no partition {key}"
        return f"{instant_text(windows.starts[position])}/{instant_text(windows.ends[position])}"

    def digest(self, count: int | None = None) -> str:
        """Digest of the first ``count`` keys (None: of all) and of what these stand for."""
        last = len(self) if count is None else count
        windows = self.windows
        times = [] if windows is None else [windows.starts[:last], windows.ends[:last], windows.rule]
        return fingerprint(json.dumps([self[:last], *times], separators=(",", ":")))

    def in_order(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Some of these keys in the order in which they stand here; what is none of these is left out."""
        found = ((at, key) for key in keys if (at := self.position(key)) is not None)
        return tuple(key for _, key in sorted(found))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.position(key) is not None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return self is other or (len(self) == len(other) and tuple(self) == tuple(other))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self[:5]))
        return f"Keys({shown}{', …' if len(self) > 5 else ''})"


class Listed(Keys):
    """Keys one by one."""

    __slots__ = ("_digest", "_keys", "_positions", "_windows")

    def __init__(self, keys: Iterable[str], windows: Windows | None = None) -> None:
        self._keys = tuple(keys)
        self._windows = windows
        self._positions: dict[str, int] | None = None
        self._digest: str | None = None

    @property
    def windows(self) -> Windows | None:
        return self._windows

    def position(self, key: str) -> int | None:
        if self._positions is None:
            self._positions = {each: at for at, each in enumerate(self._keys)}
        return self._positions.get(key)

    def digest(self, count: int | None = None) -> str:
        if count is not None and count != len(self._keys):
            return super().digest(count)
        if self._digest is None:
            self._digest = super().digest()
        return self._digest

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[str, ...]: ...

    def __getitem__(self, at: int | slice) -> str | tuple[str, ...]:
        return self._keys[at]

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)


class Started(Listed):
    """Keys that have starts of their own: a product has no windows of a key that end before it starts."""

    __slots__ = ("starts",)

    def __init__(self, keys: Iterable[str], starts: Iterable[str]) -> None:
        super().__init__(keys)
        #: By position, as :func:`assetflow.model.clocks.span_of` reads it; empty: there is no limit.
        self.starts = tuple(starts)

    def digest(self, count: int | None = None) -> str:
        return fingerprint("started", super().digest(count), *self.starts[: len(self) if count is None else count])


class Stretch(Sequence[str]):
    """Some keys of a sequence that follow each other, without a copy of them."""

    __slots__ = ("_keys", "_range")

    def __init__(self, keys: Sequence[str], begin: int, end: int) -> None:
        self._keys = keys
        self._range = range(begin, end)

    @property
    def of(self) -> Sequence[str]:
        """What it is a part of."""
        return self._keys

    @property
    def bounds(self) -> tuple[int, int]:
        """Where it begins and ends in that."""
        return self._range.start, self._range.stop

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[str, ...]: ...

    def __getitem__(self, at: int | slice) -> str | tuple[str, ...]:
        if isinstance(at, slice):
            return tuple(self._keys[place] for place in self._range[at])
        return self._keys[self._range[at]]

    def __len__(self) -> int:
        return len(self._range)

    def __iter__(self) -> Iterator[str]:
        if len(self._range) == len(self._keys):
            return iter(self._keys)
        return (self._keys[place] for place in self._range)

    def __contains__(self, key: object) -> bool:
        if isinstance(self._keys, Keys):
            return isinstance(key, str) and self._keys.position(key) in self._range
        return any(each == key for each in self)


#: The key of everything that is not partitioned.
ONE: Keys = Listed(("",))


class ProductKeys(Keys):
    """Every combination of the keys of some dimensions, the last dimension changing fastest.

    They are counted and found by arithmetic, never listed: a key is ``day=2026-01-05,region=eu``.
    """

    __slots__ = ("_dimensions",)

    def __init__(self, dimensions: Mapping[str, Keys]) -> None:
        self._dimensions = dict(dimensions)

    @property
    def dimensions(self) -> Mapping[str, Keys]:
        return self._dimensions

    def position(self, key: str) -> int | None:
        values = parted(key)
        if values is None or list(values) != list(self._dimensions):
            return None
        at = 0
        for name, keys in self._dimensions.items():
            place = keys.position(values[name])
            if place is None:
                return None
            at = at * len(keys) + place
        return at if written(values) == key else None

    def values(self, key: str) -> Mapping[str, str]:
        return parted(key) or {}

    def cell(self, key: str) -> str:
        values = self.values(key)
        return written({name: keys.cell(values[name]) for name, keys in self._dimensions.items()})

    def digest(self, count: int | None = None) -> str:
        if count is not None and count != len(self):
            return super().digest(count)
        return fingerprint(*(text for name, keys in self._dimensions.items() for text in (name, keys.digest())))

    def combined(self, chosen: Mapping[str, Iterable[str]]) -> Iterator[str]:
        """The keys with these values; of a dimension that is not named all."""
        parts = [
            [f"{name}={_quoted(value)}" for value in chosen.get(name, keys)] for name, keys in self._dimensions.items()
        ]
        return map(",".join, product(*parts))

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[str, ...]: ...

    def __getitem__(self, at: int | slice) -> str | tuple[str, ...]:
        if isinstance(at, slice):
            return tuple(self[each] for each in range(*at.indices(len(self))))
        return self._cell(range(len(self))[at])

    def _cell(self, place: int) -> str:
        """The key at a place where all cells are counted."""
        values: dict[str, str] = {}
        for name, keys in reversed(self._dimensions.items()):
            place, own = divmod(place, len(keys))
            values[name] = keys[own]
        return written({name: values[name] for name in self._dimensions})

    def __len__(self) -> int:
        return self._cells()

    def _cells(self) -> int:
        """How many there are where all cells are counted."""
        total = 1
        for keys in self._dimensions.values():
            total *= len(keys)
        return total

    def __iter__(self) -> Iterator[str]:
        return self.combined({})


class RaggedKeys(ProductKeys):
    """The cells of a product whose windows have not ended before the start of any of their other keys.

    The places of those that there are, among all cells, are listed when one is asked for: eight bytes each.
    """

    __slots__ = ("_floors", "_known", "_timed")

    def __init__(self, dimensions: Mapping[str, Keys], timed: str) -> None:
        super().__init__(dimensions)
        windows = dimensions[timed].windows
        assert windows is not None, f"{timed} is no dimension of time"
        self._timed = timed
        #: The first window of each key that there is, by position, of each dimension whose keys have starts.
        self._floors = {
            name: [_first_after(start, windows) for start in keys.starts]
            for name, keys in dimensions.items()
            if isinstance(keys, Started)
        }
        self._known: array[int] | None = None

    def position(self, key: str) -> int | None:
        cell = super().position(key)
        if cell is None:
            return None
        at = bisect_left(self._places, cell)
        return at if at < len(self._places) and self._places[at] == cell else None

    @property
    def _places(self) -> array[int]:
        if self._known is None:
            sizes = [len(keys) for keys in self._dimensions.values()]
            strides = [math.prod(sizes[at + 1 :]) for at in range(len(sizes))]
            names = list(self._dimensions)
            timed = names.index(self._timed)
            others = [at for at in range(len(names)) if at != timed]
            found = array("q")
            for cell in product(*(range(sizes[at]) for at in others)):
                floor = max(
                    self._floors[names[at]][own]
                    for at, own in zip(others, cell, strict=True)
                    if names[at] in self._floors
                )
                base = sum(own * strides[at] for at, own in zip(others, cell, strict=True))
                found.extend(range(base + floor * strides[timed], base + sizes[timed] * strides[timed], strides[timed]))
            self._known = found if timed == len(names) - 1 else array("q", sorted(found))
        return self._known

    def combined(self, chosen: Mapping[str, Iterable[str]]) -> Iterator[str]:
        timed = list(self._dimensions).index(self._timed)
        parts = []
        for name, keys in self._dimensions.items():
            floors = self._floors.get(name)
            part = []
            for value in chosen.get(name, keys):
                own = keys.position(value) if floors or name == self._timed else None
                limit = 0 if own is None else floors[own] if floors else own
                part.append((f"{name}={_quoted(value)}", limit, bool(floors)))
            parts.append(part)
        for cell in product(*parts):
            if all(cell[timed][1] >= floor for _, floor, is_floor in cell if is_floor):
                yield ",".join(text for text, _, _ in cell)

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[str, ...]: ...

    def __getitem__(self, at: int | slice) -> str | tuple[str, ...]:
        if isinstance(at, slice):
            return tuple(self._cell(place) for place in self._places[at])
        return self._cell(self._places[at])

    def __len__(self) -> int:
        return len(self._places)


def counted(keys: Sequence[str], name: str) -> dict[str, int]:
    """How many of some keys of a product have each value of a dimension."""
    begin, end = keys.bounds if isinstance(keys, Stretch) else (0, len(keys))
    whole = keys.of if isinstance(keys, Stretch) else keys
    if type(whole) is not ProductKeys or begin == end:
        return dict(Counter((parted(key) or {})[name] for key in keys))
    names = list(whole.dimensions)
    sizes = [len(each) for each in whole.dimensions.values()]
    at = names.index(name)
    stride = math.prod(sizes[at + 1 :])
    cycle = stride * sizes[at]

    def before(place: int, own: int) -> int:
        """How many cells before a place have the value at a position."""
        return place // cycle * stride + min(max(place % cycle - own * stride, 0), stride)

    found = {value: before(end, own) - before(begin, own) for own, value in enumerate(whole.dimensions[name])}
    return {value: count for value, count in found.items() if count}


def _first_after(start: str, windows: Windows) -> int:
    """The position of the first window that has not ended before a start."""
    span = span_of(start) if start else None
    return 0 if span is None else bisect_right(windows.ends, span.instants(windows.zone)[0])


_PLAIN = re.compile(r"[\w/+:.-]+\Z")
_PART = re.compile(r'([^=,"]+)=("(?:[^"\\]|\\.)*"|[^,"]*)(,|\Z)')


def _quoted(value: str) -> str:
    return value if _PLAIN.match(value) else json.dumps(value, ensure_ascii=False)


def written(values: Mapping[str, str]) -> str:
    """The values of dimensions as one text: ``day=2026-01-05,region="a, b"``."""
    return ",".join(f"{name}={_quoted(value)}" for name, value in values.items())


@functools.lru_cache(maxsize=4096)
def parted(text: str) -> Mapping[str, str] | None:
    """What :func:`written` wrote, in the order as written; None for any other text."""
    found: dict[str, str] = {}
    at, more = 0, True
    while more:
        match = _PART.match(text, at)
        if match is None:
            return None
        value = match[2]
        if value.startswith('"'):
            try:
                value = json.loads(value)
            except ValueError:
                return None
        found[match[1]] = value
        at, more = match.end(), bool(match[3])
    return found if at == len(text) else None


def shown_keys(keys: Sequence[object]) -> str:
    """Keys in a text: of many the first, how many more there are, and a digest of all."""
    shown = ", ".join(map(str, keys[:_SHOWN]))
    if len(keys) <= _SHOWN:
        return shown
    return f"{shown}, and {len(keys) - _SHOWN:,} more, {fingerprint('keys', *map(str, keys))[:8]}"


#: Keys that are named in a text.
_SHOWN = 5


def instant_text(seconds: int) -> str:
    """An instant in UTC as ISO 8601, without seconds where there are none."""
    return at_instant(seconds).isoformat()[: 19 if seconds % 60 else 16] + "Z"
