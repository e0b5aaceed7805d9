"""Sets of partition keys in order, and the windows of time that they may stand for."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import overload

from assetflow.model.clocks import at_instant
from assetflow.model.versions import fingerprint

__all__ = [
    "ONE",
    "Keys",
    "Listed",
    "Stretch",
    "Windows",
    "instant_text",
    "shown_keys",
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
