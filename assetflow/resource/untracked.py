"""The mark of a resource's field that cannot change a value."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Untracked"]


@dataclass(frozen=True, slots=True)
class Untracked:
    """``timeout: Annotated[float, Untracked()] = 10.0``: a change of the field makes nothing stale."""
