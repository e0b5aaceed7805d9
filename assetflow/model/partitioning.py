"""Which keys an asset has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from assetflow.model.cells import ProductKeys, RaggedKeys, Started, parted
from assetflow.model.keys import AssetKey
from assetflow.model.keysets import ONE, Keys, Listed, shown_keys

__all__ = [
    "SINGLE",
    "Dynamic",
    "KeySource",
    "KeysOf",
    "Known",
    "Partitioning",
    "Product",
    "Single",
    "Static",
    "dimension_values",
    "dynamic_of",
    "sources_of",
]


#: Where keys come from: an asset whose observed keys they are, or the name of a set that is looked up.
KeySource: TypeAlias = AssetKey | str


class Known(Protocol):
    """What is known where keys are asked for."""

    @property
    def until(self) -> datetime:
        """The time by which they must be there."""
        ...

    def found(self, source: KeySource) -> tuple[str, ...]:
        """The keys that were observed of a source, or that a set has; none where it was not looked at."""
        ...

    def given_by(self, partitioning: Partitioning) -> Keys:
        """The keys of another partitioning."""
        ...


class Partitioning(Protocol):
    """How an asset is cut into partitions. A frozen value; equal values cut alike."""

    @property
    def text(self) -> str:
        """The canonical spelling, shown to users and compared between versions of a definition."""
        ...

    @property
    def keys_from(self) -> AssetKey | None:
        """The asset whose observed keys are the keys here; None where they are not those of an asset."""
        ...

    def keys(self, known: Known) -> Keys:
        """All keys that there are, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Single:
    """Not partitioned: the single key ``""``."""

    text: str = "single"
    keys_from: None = None

    def keys(self, known: Known) -> Keys:
        return ONE


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

    def keys(self, known: Known) -> Keys:
        return Listed(known.found(self.source))


@dataclass(frozen=True, slots=True, init=False)
class Static:
    """``partitions=Static("eu", "us")``: one partition for each of these keys, which may be any texts.

    Assets with equal keys are read key by key. A key that is new is missing; what was made of one that is gone stays in
    the history, and nobody reads it any more.
    """

    names: tuple[str, ...]

    def __init__(self, *keys: str) -> None:
        object.__setattr__(self, "names", keys)

    @property
    def text(self) -> str:
        """``static(eu, us)``; of many the first, how many more there are, and a digest of all."""
        return f"static({shown_keys(self.names)})"

    @property
    def keys_from(self) -> None:
        return None

    def keys(self, known: Known) -> Keys:
        return Listed(self.names)


@dataclass(frozen=True, slots=True)
class Dynamic:
    """``partitions=Dynamic("customers")``: keys that come and go, in a set that assets may share.

    ``assetflow partitions add customers acme`` adds one, ``remove`` takes one out, and so does a step by
    ``ctx.partitions.add("customers", "acme")``. Or ``Dynamic(keys=customers)``: the values of an asset, of a table
    those of its primary key or first column, or of a ``column``. A key that is new is missing; what was made of one
    that is gone stays in the history. In a product with a dimension of time, ``since`` names the column that says when
    a key starts: windows that end before are none of its own.
    """

    #: The set's name.
    name: str = ""
    #: The asset whose value gives the keys, as it is written in the project; its key where that is resolved.
    source: Any = field(default=None)
    column: str = ""
    #: The column that says since when there is a key.
    since: str = ""

    def __init__(self, name: str = "", *, keys: Any = None, column: str = "", since: str = "") -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "source", keys)
        object.__setattr__(self, "column", column)
        object.__setattr__(self, "since", since)

    @property
    def set(self) -> str:
        """What the keys are looked up by."""
        return self.name or f"{self.source}{f'.{self.column}' if self.column else ''}"

    @property
    def starts(self) -> str:
        """What the starts of the keys are looked up by; empty where they have none."""
        return f"{self.set} since {self.since}" if self.since else ""

    @property
    def text(self) -> str:
        return f"dynamic({self.starts or self.set})"

    @property
    def keys_from(self) -> None:
        return None

    def keys(self, known: Known) -> Keys:
        found = known.found(self.set)
        return Started(found, known.found(self.starts)) if self.since else Listed(found)


@dataclass(frozen=True, init=False, eq=False)
class Product:
    """``partitions=Product(day=Daily("2026-01-01"), region=Static("eu", "us"))``: every combination of some dimensions.

    A key is ``day=2026-01-05,region=eu``. There may be any number of dimensions. An asset that has only some of them,
    or one of them, is read dimension by dimension.
    """

    dimensions: Mapping[str, Partitioning]

    def __init__(self, **dimensions: Partitioning) -> None:
        object.__setattr__(self, "dimensions", dimensions)

    def __eq__(self, other: object) -> bool:
        """The order of the dimensions counts: it is that of the texts of keys."""
        return isinstance(other, Product) and list(self.dimensions.items()) == list(other.dimensions.items())

    def __hash__(self) -> int:
        return hash(tuple(self.dimensions.items()))

    @property
    def text(self) -> str:
        return " x ".join(f"{name}: {each.text}" for name, each in self.dimensions.items())

    @property
    def keys_from(self) -> None:
        return None

    def keys(self, known: Known) -> Keys:
        keys = {name: known.given_by(each) for name, each in self.dimensions.items()}
        timed = [name for name, each in keys.items() if each.windows is not None]
        started = any(isinstance(each, Started) for each in keys.values())
        return RaggedKeys(keys, timed[0]) if started and timed else ProductKeys(keys)


_PRODUCT = re.compile(r"[^\W\d]\w*: ")


def dimension_values(text: str, key: str) -> Mapping[str, str]:
    """The value of each dimension that a key stands for, given the partitioning's text; empty where it has one only."""
    return (parted(key) or {}) if _PRODUCT.match(text) else {}


def dynamic_of(partitioning: Partitioning) -> tuple[Dynamic, ...]:
    """The dynamic sets that are needed to know the keys."""
    if isinstance(partitioning, Product):
        return tuple(dict.fromkeys(each for part in partitioning.dimensions.values() for each in dynamic_of(part)))
    return (partitioning,) if isinstance(partitioning, Dynamic) else ()


def sources_of(partitioning: Partitioning) -> tuple[AssetKey, ...]:
    """The assets whose observed keys are needed to know the keys."""
    if isinstance(partitioning, Product):
        return tuple(dict.fromkeys(source for each in partitioning.dimensions.values() for source in sources_of(each)))
    return () if partitioning.keys_from is None else (partitioning.keys_from,)
