"""What stands inside ``Annotated[...]`` of a parameter and says what the parameter is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assetflow.model.partitioning import Mapping

if TYPE_CHECKING:
    from assetflow.declare.assets import Asset
    from assetflow.declare.multi import Output
    from assetflow.declare.sources import Source

__all__ = ["In", "Param"]


@dataclass(frozen=True, slots=True)
class In:
    """``Annotated[T, In(...)]``: the parameter is an input, whatever else is true of it.

    ``In("other.name")`` or ``In(other)`` reads another asset than the one of the parameter's name;
    ``partitions`` says which of its partitions, ``columns`` which columns of a table are read: the function sees no
    others, and a change in them makes nothing stale. A default is the value where no upstream key exists.
    """

    asset: str | Asset[..., object] | Output | Source | None = None
    partitions: Mapping | None = None
    columns: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Param:
    """``Annotated[T, Param()]``: the parameter is a run parameter, also without a default: then it must be set."""
