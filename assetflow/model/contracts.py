"""Contracts: what an asset promises to whoever reads it, and what changed of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Broken", "Contract", "ContractChange", "Release"]


@dataclass(frozen=True, slots=True)
class Contract:
    """``@asset(contract=Contract("1.0", owner="sales", freshness="1d"))``: others may rely on this asset.

    It promises the columns of its row model with their types, rules and keys, what its blocking checks say, and how old
    it may be. A change that takes back any of that needs a new major version: ``assetflow contracts check`` says so.
    """

    #: ``major.minor`` or ``major.minor.patch``.
    version: str
    #: Who answers for it; by default the first of the asset's owners.
    owner: str = ""
    #: What it was made from is no longer ago than this; None: nothing is promised.
    freshness: timedelta | str | None = None
    #: For people.
    description: str = ""


@dataclass(frozen=True, slots=True)
class ContractChange:
    """One thing that is promised otherwise than before."""

    #: Whether somebody who relied on the promise of before may be hurt.
    breaking: bool
    text: str
    #: The column that it is about; empty where it is about the asset.
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What became of one contract."""

    asset: str
    #: Its versions; empty where there was, or is, none.
    before: str
    after: str
    changes: Sequence[ContractChange]
    #: The assets that read what a breaking change is about.
    hit: tuple[str, ...] = ()
    #: What is wrong with the version; empty where nothing is.
    problem: str = ""

    @property
    def breaking(self) -> bool:
        return any(change.breaking for change in self.changes)


@dataclass(frozen=True, slots=True)
class Broken:
    """A contract that what is stored does not keep."""

    asset: str
    problem: str
