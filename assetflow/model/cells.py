"""Keys of several dimensions, and the text that says the value of each."""

from __future__ import annotations

import functools
import json
import math
import re
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import overload

from assetflow.model.clocks import span_of
from assetflow.model.keysets import Keys, Listed, Stretch, Windows
from assetflow.model.versions import fingerprint

__all__ = ["ProductKeys", "RaggedKeys", "Started", "counted", "parted", "written"]


class Started(Listed):
    """Keys that have starts of their own: a product has no windows of a key that end before it starts."""

    __slots__ = ("starts",)

    def __init__(self, keys: Iterable[str], starts: Iterable[str]) -> None:
        super().__init__(keys)
        #: By position, as :func:`assetflow.model.clocks.span_of` reads it; empty: there is no limit.
        self.starts = tuple(starts)

    def digest(self, count: int | None = None) -> str:
        return fingerprint("started", super().digest(count), *self.starts[: len(self) if count is None else count])


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
