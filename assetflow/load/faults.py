"""Mistakes, collected while loading goes on, and told in order of place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from assetflow.errors import AssetflowError

__all__ = ["Faults", "relative_place"]

_PLACE = re.compile(r"(\S+):(\d+)\Z")


class Faults:
    """What is wrong with a project, each mistake once."""

    def __init__(self) -> None:
        self._errors: dict[str, AssetflowError] = {}

    def add(self, error: AssetflowError) -> None:
        self._errors.setdefault(str(error), error)

    def extend(self, errors: Iterable[AssetflowError]) -> None:
        for error in errors:
            self.add(error)

    def in_order(self) -> tuple[AssetflowError, ...]:
        """By file and line of the first place; those without a line come first."""
        return tuple(sorted(self._errors.values(), key=_order))


def _order(error: AssetflowError) -> tuple[str, int]:
    for place in error.where:
        if match := _PLACE.search(place):
            return match.group(1), int(match.group(2))
    return "", 0


def relative_place(file: str, line: int, root: Path) -> str:
    """``path/from/project/root.py:12``; outside the project the path stays absolute."""
    prefix = f"{root}/"
    return f"{file.removeprefix(prefix)}:{line}"
