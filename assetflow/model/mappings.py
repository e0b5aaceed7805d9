"""Which upstream keys one key reads."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from typing import Protocol

from assetflow.errors import UsageError
from assetflow.model.cells import ProductKeys, parted
from assetflow.model.keysets import Keys, Windows, shown_keys
from assetflow.model.versions import fingerprint

__all__ = [
    "All",
    "ByDimension",
    "Computed",
    "KeyByKey",
    "Last",
    "Mapping",
    "Only",
    "Overlap",
    "PerDimension",
    "Previous",
    "Recorded",
    "Rolling",
    "Same",
    "is_computed",
    "reads_past",
]


class Mapping(Protocol):
    """Which keys of the upstream asset one key of the consumer reads.

    A frozen value and a function of the key sets alone: equal sets give equal members.
    """

    @property
    def text(self) -> str:
        """The canonical spelling: part of the trace."""
        ...

    @property
    def many(self) -> bool:
        """Whether a key may read several keys; else it reads one at most, and what arrives is its value."""
        ...

    def members(self, key: str, own: Keys, upstream: Keys) -> tuple[str, ...]:
        """The upstream keys, of those that exist and in their order, that the consumer's ``key`` reads."""
        ...

    def affected(self, upstream_key: str, own: Keys, upstream: Keys) -> Sequence[str]:
        """The consumer's keys that may read ``upstream_key``: no fewer than those of which it is a member."""
        ...


@dataclass(frozen=True, slots=True)
class Same:
    """Key by key."""

    text: str = "same"
    many: bool = False

    def members(self, key: str, own: Keys, upstream: Keys) -> tuple[str, ...]:
        return (key,) if key in upstream else ()

    def affected(self, upstream_key: str, own: Keys, upstream: Keys) -> tuple[str, ...]:
        return (upstream_key,) if upstream_key in own else ()


@dataclass(frozen=True, slots=True)
class All:
    """Every upstream key: an unpartitioned upstream's single one, or all partitions at once."""

    text: str = "all"
    many: bool = True

    def members(self, key: str, own: Keys, upstream: Keys) -> tuple[str, ...]:
        return tuple(upstream)

    def affected(self, upstream_key: str, own: Keys, upstream: Keys) -> Sequence[str]:
        return own


@dataclass(frozen=True, slots=True)
class Overlap:
    """The upstream windows that share time with the own one: hours of a day, days of a month, the month of a day."""

    #: Whether they may be several.
    many: bool = True
    text: str = "overlap"

    def members(self, key: str, own: Keys, upstream: Keys) -> tuple[str, ...]:
        start, end = _window(key, own)
        found = _windows(upstream).overlapping(start, end)
        return tuple(upstream[found.start : found.stop])

    def affected(self, upstream_key: str, own: Keys, upstream: Keys) -> tuple[str, ...]:
        return self.members(upstream_key, upstream, own)


@dataclass(frozen=True, slots=True)
class Rolling:
    """``In(partitions=Rolling(28))``: the own window's key and the 27 keys before it, as far as they exist.

    Keys are counted, not days: where weekends are excluded, five keys are a week. Of windows that are shorter than the
    own one, the newest that begin before its end are counted.
    """

    n: int
    many: bool = True

    @property
    def text(self) -> str:
        return f"rolling({self.n})"

    def members(self, key: str, own: Keys, upstream: Keys) -> tuple[str, ...]:
        _, end = _window(key, own)
        last = _newest(end, self.n, _windows(upstream))
        return tuple(upstream[max(0, last - self.n + 1) : max(0, last + 1)])

    def affected(self, upstream_key: str, own: Keys, upstream: Keys) -> Sequence[str]:
        return _from(upstream_key, own, upstream, self.n - 1)


@dataclass(frozen=True, slots=True)
class Previous:
    """``In(partitions=Previous())``: the key before the own one; ``Previous(7)`` the one a week of days ago.

    An asset may read its own past in this way. Before the start nothing is there: the parameter's default serves.
    """

    n: int = 1
    many: bool = False

    @property
    def text(self) -> str:
        return f"previous({self.n})"

    def members(self, key: str, own: Keys, upstream: Keys) -> tuple[str, ...]:
        _, end = _window(key, own)
        place = _newest(end, self.n + 1, _windows(upstream)) - self.n
        return (upstream[place],) if 0 <= place < len(upstream) else ()

    def affected(self, upstream_key: str, own: Keys, upstream: Keys) -> Sequence[str]:
        return _from(upstream_key, own, upstream, self.n)


@dataclass(frozen=True, slots=True)
class Last:
    """``In(partitions=Last(7))``: the newest keys that exist, made or not. For what is not partitioned itself."""

    n: int
    many: bool = True

    @property
    def text(self) -> str:
        return f"last({self.n})"

    def members(self, key: str, own: Keys, upstream: Keys) -> tuple[str, ...]:
        return tuple(upstream[max(0, len(upstream) - self.n) :])

    def affected(self, upstream_key: str, own: Keys, upstream: Keys) -> Sequence[str]:
        return own


@dataclass(frozen=True, slots=True, init=False)
class Only:
    """``In(partitions=Only("eu", "us"))``: these keys, whatever the own one is; of one key its value arrives."""

    keys: tuple[str, ...]

    def __init__(self, *keys: str) -> None:
        object.__setattr__(self, "keys", keys)

    @property
    def text(self) -> str:
        return f"only({shown_keys(self.keys)})"

    @property
    def many(self) -> bool:
        return len(self.keys) != 1

    def members(self, key: str, own: Keys, upstream: Keys) -> tuple[str, ...]:
        return upstream.in_order(self.keys)

    def affected(self, upstream_key: str, own: Keys, upstream: Keys) -> Sequence[str]:
        return own if upstream_key in self.keys else ()


@dataclass(frozen=True, slots=True)
class KeyByKey:
    """A dict: the upstream keys of each own key. Keys that it does not name read nothing."""

    pairs: tuple[tuple[str, tuple[str, ...]], ...]
    #: Whether its values are lists of keys, rather than one key each.
    many: bool
    _found: MappingABC[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_found", dict(self.pairs))

    @property
    def text(self) -> str:
        return f"keys({fingerprint(*(f'{key}={reads!r}' for key, reads in sorted(self.pairs)))[:12]})"

    def members(self, key: str, own: Keys, upstream: Keys) -> tuple[str, ...]:
        return upstream.in_order(self._found.get(key, ()))

    def affected(self, upstream_key: str, own: Keys, upstream: Keys) -> tuple[str, ...]:
        return own.in_order(key for key, reads in self.pairs if upstream_key in reads)


@dataclass(frozen=True, slots=True)
class Computed:
    """A function from the own key to the upstream keys. What it gives that does not exist is left out.

    Nobody knows the inverse of it, nor whether it is what it was: nodes that read in this way are always compared.
    """

    function: Callable[[str], str | Iterable[str]] = field(compare=False)
    name: str
    many: bool = True

    @property
    def text(self) -> str:
        return f"function {self.name}"

    def members(self, key: str, own: Keys, upstream: Keys) -> tuple[str, ...]:
        try:
            found = self.function(key)
        except Exception as error:  # whatever a function of the user raises
            message = f"the mapping {self.name} says nothing for the key {key!r}: {type(error).__name__}: {error}"
            hint = "it takes a key and gives the keys that are read; write it as a function of the module"
            raise UsageError("mapping-failed", message, hint=hint) from error
        return upstream.in_order([found] if isinstance(found, str) else found)

    def affected(self, upstream_key: str, own: Keys, upstream: Keys) -> Sequence[str]:
        return own


@dataclass(frozen=True, init=False)
class PerDimension:
    """``In(partitions=PerDimension(day=Rolling(7), region=All()))``: how each dimension of the upstream is read.

    Of dimensions that are not named, each key reads the same.
    """

    parts: MappingABC[str, object]

    def __init__(self, **parts: object) -> None:
        object.__setattr__(self, "parts", parts)


@dataclass(frozen=True, slots=True)
class ByDimension:
    """Dimension by dimension of the upstream: which of the own ones it follows, and how.

    A name is empty where an asset has one dimension only, or where none of the own ones is followed.
    """

    parts: tuple[tuple[str, str, Mapping], ...]

    @property
    def text(self) -> str:
        return ", ".join(
            f"{name or 'key'}: {mapping.text}{f' of {followed}' if followed not in {'', name} else ''}"
            for name, followed, mapping in self.parts
        )

    @property
    def many(self) -> bool:
        return any(mapping.many for _, _, mapping in self.parts)

    def members(self, key: str, own: Keys, upstream: Keys) -> tuple[str, ...]:
        found: dict[str, tuple[str, ...]] = {}
        for name, followed, mapping in self.parts:
            found[name] = mapping.members(_value(key, followed), _dimension(own, followed), _dimension(upstream, name))
        if isinstance(upstream, ProductKeys):
            return tuple(upstream.combined(found))
        return found[""]

    def affected(self, upstream_key: str, own: Keys, upstream: Keys) -> Sequence[str]:
        chosen: dict[str, Sequence[str]] = {}
        for name, followed, mapping in self.parts:
            own_keys = _dimension(own, followed)
            some = mapping.affected(_value(upstream_key, name), own_keys, _dimension(upstream, name))
            if followed in chosen:
                some = own_keys.in_order(set(some) & set(chosen[followed]))
            chosen[followed] = some
        if isinstance(own, ProductKeys):
            return tuple(own.combined({name: some for name, some in chosen.items() if name}))
        return chosen.get("", own)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A mapping that is only remembered by its text, to be shown. It maps nothing: what it did was in code, which who
    reads the past does not load.
    """

    text: str
    many: bool = False

    def members(self, key: str, own: Keys, upstream: Keys) -> tuple[str, ...]:
        raise NotImplementedError(self.text)

    def affected(self, upstream_key: str, own: Keys, upstream: Keys) -> tuple[str, ...]:
        raise NotImplementedError(self.text)


def is_computed(mapping: Mapping) -> bool:
    """Whether a function of the user says what is read, of which nobody knows what it says tomorrow."""
    if isinstance(mapping, ByDimension):
        return any(is_computed(part) for _, _, part in mapping.parts)
    return isinstance(mapping, Computed)


def reads_past(mapping: Mapping) -> bool:
    """Whether every member comes before the own key, so that an asset may read itself in this way."""
    if isinstance(mapping, Previous):
        return True
    if not isinstance(mapping, ByDimension):
        return False
    same = all(isinstance(part, Same | Previous) and name == followed for name, followed, part in mapping.parts)
    return same and any(isinstance(part, Previous) for _, _, part in mapping.parts)


def _windows(keys: Keys) -> Windows:
    assert keys.windows is not None, "it is mapped by time, and has no windows"
    return keys.windows


def _window(key: str, own: Keys) -> tuple[int, int]:
    windows, position = _windows(own), own.position(key)
    assert position is not None, f"there is no partition {key}"
    return windows.starts[position], windows.ends[position]


def _newest(end: int, most: int, upstream: Windows) -> int:
    """The position of the newest window that begins before an instant, as if the calendar went on for ever: beyond the
    last one by as many as will, but at most by ``most``.
    """
    found = bisect_left(upstream.starts, end) - 1
    if found == len(upstream.starts) - 1:
        found += upstream.ahead(end, most)
    return found


def _from(upstream_key: str, own: Keys, upstream: Keys, further: int) -> tuple[str, ...]:
    """The own keys whose newest upstream window is this one, or one of so many that come after it."""
    windows, place = _windows(upstream), upstream.position(upstream_key)
    if place is None:
        return ()
    mine = _windows(own)
    first = bisect_left(mine.ends, windows.starts[place] + 1)
    if place + further + 1 >= len(windows.starts):
        return tuple(own[first:])
    return tuple(own[first : bisect_left(mine.ends, windows.starts[place + further + 1] + 1)])


def _value(key: str, dimension: str) -> str:
    if not dimension:
        return key
    values = parted(key)
    assert values is not None, f"{key} has no dimensions"
    return values[dimension]


def _dimension(keys: Keys, name: str) -> Keys:
    return keys.dimensions[name] if name else keys
