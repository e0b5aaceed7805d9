"""How the columns of a table changed from one version to the next, and what may become of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

__all__ = ["EVOLVE", "ChangeKind", "ChangePolicies", "ChangePolicy", "ColumnChange", "KindName", "PolicyName"]


class ChangeKind(StrEnum):
    """What happened to a column."""

    #: It is new.
    ADD = "add"
    #: It has another type, which holds every value that the one before could hold.
    WIDEN = "widen"
    #: It has another type, which does not.
    NARROW = "narrow"
    #: It is gone.
    DROP = "drop"


class ChangePolicy(StrEnum):
    """What becomes of a value whose columns changed."""

    #: It is not published; the version before stays current.
    FAIL = "fail"
    #: It is published, and the change is told as a failing check that does not block is.
    WARN = "warn"
    #: It is published.
    EVOLVE = "evolve"


KindName: TypeAlias = Literal["add", "widen", "narrow", "drop"]
PolicyName: TypeAlias = Literal["fail", "warn", "evolve"]


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """One column, before and after. The types are texts, as the catalog has them; empty where there is none."""

    kind: ChangeKind
    column: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        match self.kind:
            case ChangeKind.ADD:
                return f"{self.column} ({self.after}) is new"
            case ChangeKind.DROP:
                return f"{self.column} ({self.before}) is gone"
            case _:
                how = "wider" if self.kind is ChangeKind.WIDEN else "narrower, or another type"
                return f"{self.column} is {self.after}, was {self.before}: {how}"


@dataclass(frozen=True, slots=True)
class ChangePolicies:
    """The policy for each kind of change. What is not named is let pass."""

    by_kind: Mapping[ChangeKind, ChangePolicy] = field(default_factory=dict)

    @property
    def lets_all_pass(self) -> bool:
        return all(policy is ChangePolicy.EVOLVE for policy in self.by_kind.values())

    def of(self, change: ColumnChange) -> ChangePolicy:
        return self.by_kind.get(change.kind, ChangePolicy.EVOLVE)


EVOLVE = ChangePolicies()
