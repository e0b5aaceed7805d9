"""What differs between two versions of an asset's code, told by the parts that changed."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from assetflow.model.versions import CodePart, CodeVersion

__all__ = ["Difference", "differences", "unstable"]

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One part of an asset's code that is not as it was; at least one of ``old`` and ``new`` is set."""

    name: str
    old: CodePart | None
    new: CodePart | None

    @property
    def where(self) -> str:
        """Where the part is, or was."""
        part = self.new or self.old
        return part.where if part else ""

    def __str__(self) -> str:
        """``constant flights.clean.MAX_DELAY changed: 60 → 90 (projects/flights/clean.py:12)``."""
        texts = [part.text for part in (self.old, self.new) if part is not None]
        kind = "constant " if any(texts) and not self.name.startswith("package ") else ""
        values = ""
        if self.old is None:
            verb = "is new"
        elif self.new is None:
            verb = "is gone"
        else:
            verb = "changed"
            if any(texts) and texts[0] != texts[1]:
                values = f": {texts[0]} → {texts[1]}"
        place = f" ({self.where})" if self.where else ""
        return f"{kind}{self.name} {verb}{values}{place}"


def differences(old: Iterable[CodePart], new: Iterable[CodePart]) -> tuple[Difference, ...]:
    """The parts that differ, in order of name. Parts that only moved, and kept their digest, do not."""
    before = {part.name: part for part in old}
    after = {part.name: part for part in new}
    gone = [name for name in before if name not in after]
    moved = _moved(before, after, gone)
    found = [
        Difference(name=name, old=before.get(name), new=after.get(name))
        for name in sorted(before.keys() | after.keys())
        if name not in moved and _digest(before.get(name)) != _digest(after.get(name))
    ]
    return tuple(found)


def _digest(part: CodePart | None) -> str:
    return "" if part is None else part.digest


def _moved(before: Mapping[str, CodePart], after: Mapping[str, CodePart], gone: Iterable[str]) -> set[str]:
    """Both names of what has the same last name and digest elsewhere."""
    fresh = {(_last(name), part.digest): name for name, part in after.items() if name not in before}
    moved: set[str] = set()
    for name in gone:
        there = fresh.get((_last(name), before[name].digest))
        if there is not None:
            moved |= {name, there}
    return moved


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def unstable(first: Mapping[K, CodeVersion], second: Mapping[K, CodeVersion]) -> dict[K, tuple[Difference, ...]]:
    """By asset what two loads of one project read differently: values made at import from the clock, chance, a file.

    Code that reads such a value makes its asset stale at every load.
    """
    return {
        key: differences(version.parts, second[key].parts)
        for key, version in first.items()
        if key in second and second[key].digest != version.digest
    }
