"""Which keys an asset has, and which upstream keys one key reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from assetflow.model.keys import AssetKey
from assetflow.model.versions import fingerprint

__all__ = ["SINGLE", "All", "KeysOf", "Mapping", "Partitioning", "Same", "Single", "Static", "mapping_named"]


class Partitioning(Protocol):
    """How an asset is cut into partitions. A frozen value; equal values cut alike."""

    @property
    def text(self) -> str:
        """The canonical spelling, shown to users and compared between versions of a definition."""
        ...

    @property
    def keys_from(self) -> AssetKey | None:
        """The asset whose observed keys are the keys here; None where the keys follow from the value itself."""
        ...

    def fixed_keys(self) -> tuple[str, ...]:
        """All keys, in order, where :attr:`keys_from` is None."""
        ...

    def window(self, key: str) -> str:
        """What the cell stands for, as text: part of its trace. Empty where the key says nothing more."""
        ...


@dataclass(frozen=True, slots=True)
class Single:
    """Not partitioned: the single key ``""``."""

    text: str = "single"
    keys_from: None = None

    def fixed_keys(self) -> tuple[str, ...]:
        return ("",)

    def window(self, key: str) -> str:
        return ""


#: The partitioning of everything that is not partitioned.
SINGLE = Single()


@dataclass(frozen=True, slots=True)
class KeysOf:
    """One partition for each key of an observed source: for each file of a folder."""

    source: AssetKey

    @property
    def text(self) -> str:
        return f"keys of {self.source}"

    @property
    def keys_from(self) -> AssetKey:
        return self.source

    def fixed_keys(self) -> tuple[str, ...]:
        return ()

    def window(self, key: str) -> str:
        """A function sees its key, so the key is part of the trace."""
        return key


@dataclass(frozen=True, slots=True, init=False)
class Static:
    """``partitions=Static("eu", "us")``: one partition for each of these keys, which may be any texts.

    Assets with equal keys are read key by key. A key that is new is missing; what was made of one that is gone stays in
    the history, and nobody reads it any more.
    """

    keys: tuple[str, ...]

    def __init__(self, *keys: str) -> None:
        object.__setattr__(self, "keys", keys)

    @property
    def text(self) -> str:
        """``static(eu, us)``; of many the first, how many more there are, and a digest of all."""
        shown = ", ".join(map(str, self.keys[:_SHOWN]))
        if len(self.keys) <= _SHOWN:
            return f"static({shown})"
        digest = fingerprint("static", *self.keys)[:8]
        return f"static({shown}, and {len(self.keys) - _SHOWN:,} more, {digest})"

    @property
    def keys_from(self) -> None:
        return None

    def fixed_keys(self) -> tuple[str, ...]:
        return self.keys

    def window(self, key: str) -> str:
        """A function sees its key, so the key is part of the trace."""
        return key


#: Keys that are named in a text.
_SHOWN = 5


class Mapping(Protocol):
    """Which keys of the upstream asset one key of the consumer reads."""

    @property
    def text(self) -> str:
        """The canonical spelling: part of the trace."""
        ...

    def members(self, key: str, upstream: Sequence[str]) -> tuple[str, ...]:
        """The upstream keys, of those that exist and in their order, that the consumer's ``key`` reads."""
        ...

    def affected(self, upstream_key: str, own: Sequence[str]) -> tuple[str, ...]:
        """The consumer's keys, of ``own``, that read ``upstream_key``: the inverse of :meth:`members`."""
        ...


@dataclass(frozen=True, slots=True)
class Same:
    """Key by key."""

    text: str = "same"

    def members(self, key: str, upstream: Sequence[str]) -> tuple[str, ...]:
        return (key,) if key in upstream else ()

    def affected(self, upstream_key: str, own: Sequence[str]) -> tuple[str, ...]:
        return (upstream_key,) if upstream_key in own else ()


@dataclass(frozen=True, slots=True)
class All:
    """Every upstream key: an unpartitioned upstream's single one, or all partitions at once."""

    text: str = "all"

    def members(self, key: str, upstream: Sequence[str]) -> tuple[str, ...]:
        return tuple(upstream)

    def affected(self, upstream_key: str, own: Sequence[str]) -> tuple[str, ...]:
        return tuple(own)


def mapping_named(text: str) -> Mapping:
    """The mapping whose :attr:`Mapping.text` this is, as the catalog recorded it."""
    mappings: dict[str, Mapping] = {"same": Same(), "all": All()}
    return mappings[text]
