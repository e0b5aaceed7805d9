"""What stands inside ``Annotated[...]`` of a parameter and says what the parameter is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from assetflow.declare.assets import Asset
    from assetflow.declare.multi import Output
    from assetflow.declare.sources import Source
    from assetflow.model.mappings import All, Last, Only, PerDimension, Previous, Rolling, Same

    Partitions: TypeAlias = (
        All
        | Last
        | Only
        | PerDimension
        | Previous
        | Rolling
        | Same
        | Mapping[str, str | Sequence[str]]
        | Callable[[str], str | Sequence[str]]
    )

__all__ = ["In", "Param"]


@dataclass(frozen=True, slots=True)
class In:
    """``Annotated[T, In(...)]``: the parameter is an input, whatever else is true of it.

    ``In("other.name")`` or ``In(other)`` reads another asset than the one of the parameter's name;
    ``partitions`` says which of its partitions: ``All()``, ``Rolling(28)``, ``Previous()``, ``Last(7)``,
    ``Only("eu")``, ``PerDimension(region=All())``, a dict from own keys to those read, or a function from one to the
    other. ``columns`` says which columns of a table are read: the function sees no others, and a change in them makes
    nothing stale.
    ``key_column`` is added to a table of several partitions, with the key of each row. ``missing`` says what happens
    where a key that exists has no value: ``"fail"``, ``"skip"`` (the others are read), ``"wait"`` (not run, which is no
    mistake). A default is the value where no upstream key exists.
    """

    asset: str | Asset[..., object] | Output | Source | None = None
    partitions: Partitions | None = None
    columns: Sequence[str] | None = None
    key_column: str | None = None
    missing: Literal["fail", "skip", "wait"] = "fail"


@dataclass(frozen=True, slots=True)
class Param:
    """``Annotated[T, Param()]``: the parameter is a run parameter, also without a default: then it must be set."""
