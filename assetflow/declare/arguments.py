"""What ``@asset`` and ``@multi_asset`` can be told, and which of it changes the value that is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from assetflow.model.changes import KindName, PolicyName
from assetflow.model.contracts import Contract
from assetflow.model.partitioning import Partitioning
from assetflow.model.retry import Retry
from assetflow.model.rows import Divert
from assetflow.model.storage import Codec

if TYPE_CHECKING:
    from assetflow.declare.assets import Asset
    from assetflow.declare.multi import MultiAsset, Output
    from assetflow.declare.sources import Source
    from assetflow.model.ready import Ready

__all__ = ["EFFECTS", "AssetArguments", "Effect", "MultiAssetArguments", "Options", "options_of"]


class Effect(StrEnum):
    """Whether a change of an argument can change the value, and so makes it stale."""

    VALUE = "value"
    NONE = "no effect"


#: Every argument of ``@asset`` and ``@multi_asset``. A test holds the table complete.
EFFECTS: Mapping[str, Effect] = {
    "name": Effect.NONE,  # it names the asset; another name is another asset
    "group": Effect.NONE,
    "partitions": Effect.VALUE,  # as the cell's window, and as the mappings of the inputs
    "deps": Effect.VALUE,  # as inputs
    "retry": Effect.NONE,
    "checks": Effect.NONE,  # they decide whether a value is published, not what it is
    "on_schema_change": Effect.NONE,  # it decides whether a value is published, not what it is
    "on_bad_rows": Effect.VALUE,  # as the type: it decides which rows there are
    "max_age": Effect.NONE,  # it decides when a value expires, not what it is
    "batch": Effect.NONE,  # how many are made by one call; what that changes is in the function
    "key_column": Effect.VALUE,  # as the type: it decides which rows a partition has
    "lookback": Effect.NONE,  # as max_age
    "forward_only": Effect.NONE,  # it decides whom a change reaches, not what is made
    "retain": Effect.NONE,  # how long old versions are kept
    "deterministic": Effect.NONE,
    "codec": Effect.VALUE,
    "columns": Effect.NONE,  # it is told, not done
    "contract": Effect.NONE,
    "version": Effect.VALUE,  # as the code version
    "version_includes": Effect.VALUE,
    "tags": Effect.NONE,
    "owners": Effect.NONE,
    "description": Effect.NONE,
    "metadata": Effect.NONE,
    "timeout": Effect.NONE,
}


class _Shared(TypedDict, total=False):
    #: The asset's name; by default the function's.
    name: str
    #: The first part of its key; by default from the module.
    group: str
    #: ``Daily("2026-01-01")``, ``Static("eu", "us")``, ``Product(…)`` …, or a source of ``Files``.
    partitions: Partitioning | Source
    #: Assets that must be up to date first and count in the trace, but are not loaded.
    deps: Sequence[Asset[..., Any] | MultiAsset[..., Any] | Output | Source | str]
    #: How often to try.
    retry: Retry
    #: What becomes of a table whose columns are not those of the version before: ``"fail"``, ``"warn"`` or
    #: ``"evolve"`` (the default), or one of these for each kind of change: ``{"drop": "fail", "narrow": "warn"}``.
    on_schema_change: PolicyName | Mapping[KindName, PolicyName]
    #: A value older than this is expired; ``0``: make it again in every run that reaches it.
    max_age: timedelta | str | float
    #: Late data: a partition made before the end of so many windows after its own expires once when one has ended.
    lookback: int
    #: Changes of code and parameters are only for partitions that are not made yet.
    forward_only: bool
    #: ``assetflow gc`` frees a version that has not been current for longer than this.
    retain: timedelta | str | float
    #: Equal traces give equal data although a resource is read.
    deterministic: bool
    #: Stands for all code: only a change of this text is a change of the code.
    version: str
    #: What else the code depends on: a ``Path`` (a file's bytes), a value.
    version_includes: Sequence[Path | object]
    tags: Sequence[str]
    owners: Sequence[str]
    #: By default the docstring.
    description: str
    #: Facts for people, JSON-able.
    metadata: Mapping[str, Any]
    #: Kill the step after this time.
    timeout: timedelta | str


class AssetArguments(_Shared, total=False):
    """The keyword arguments of ``@asset``."""

    #: What must hold before the value is published: ``[not_null("id"), row_count(min=1)]``.
    checks: Sequence[Ready]

    #: One call makes several partitions, all that are to be made or so many at most. It returns a dict by key, or a
    #: table that is cut.
    batch: bool | int
    #: With ``batch``: the column that says which partition a row belongs to, of a product one for each dimension.
    key_column: str | Mapping[str, str]
    #: What becomes of rows that break the row model: they hold the table back (``"fail"``, the default), or go to the
    #: asset ``<name>__rejects`` as long as they are few (``"divert"``: 1 %; ``Divert(limit=0.001)``).
    on_bad_rows: Literal["fail", "divert"] | Divert
    #: How the value becomes bytes; by default chosen by its type.
    codec: Codec
    #: What its columns are made of, to be told: ``{"revenue": ["orders.amount"]}``.
    columns: Mapping[str, Sequence[str]]
    #: What is promised to whoever reads it.
    contract: Contract


class MultiAssetArguments(_Shared, total=False):
    """The keyword arguments of ``@multi_asset``; what is said of one of its outputs, by the field's name."""

    checks: Mapping[str, Sequence[Ready]]
    codec: Codec | Mapping[str, Codec]
    columns: Mapping[str, Mapping[str, Sequence[str]]]
    contract: Mapping[str, Contract]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The arguments as written; what they mean, and whether they mean anything, is found out when loading."""

    name: str = ""
    group: str = ""
    partitions: Partitioning | Source | None = None
    deps: Sequence[Any] = ()  # anything the user wrote
    retry: Retry | None = None
    checks: Any = ()  # anything the user wrote
    on_schema_change: Any = "evolve"  # anything the user wrote
    on_bad_rows: Any = "fail"  # anything the user wrote
    max_age: timedelta | str | float | None = None
    batch: Any = False  # anything the user wrote
    key_column: Any = None  # anything the user wrote
    lookback: int | None = None
    forward_only: bool = False
    retain: timedelta | str | float | None = None
    deterministic: bool = False
    codec: Codec | Mapping[str, Codec] | None = None
    columns: Any = None  # anything the user wrote
    contract: Any = None  # anything the user wrote
    version: str | None = None
    version_includes: Sequence[object] = ()
    tags: Sequence[str] = ()
    owners: Sequence[str] = ()
    description: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)  # JSON-able values of the user
    timeout: timedelta | str | None = None
    #: Names that no argument has. They are told with the project's other mistakes.
    unknown: tuple[str, ...] = ()


def options_of(arguments: Mapping[str, Any]) -> Options:  # anything the user wrote
    """The options that arguments say."""
    if arguments.keys() <= EFFECTS.keys():
        return Options(**arguments)
    known = {name: value for name, value in arguments.items() if name in EFFECTS}
    return Options(**known, unknown=tuple(name for name in arguments if name not in EFFECTS))
