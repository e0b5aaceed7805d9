"""What a project declares, resolved: the graph's nodes as plain values, without functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from assetflow.model.keys import AssetKey
from assetflow.model.mappings import Mapping
from assetflow.model.partitioning import SINGLE, Partitioning
from assetflow.model.trace import Recipe
from assetflow.model.versions import Untracked

if TYPE_CHECKING:
    from assetflow.model.checks import Check
    from assetflow.model.lineage import ColumnEdge

__all__ = ["DeclaredCheck", "DeclaredColumn", "Definition", "Input", "Kind", "Node", "Parameter", "ResourceUse"]


class Kind(StrEnum):
    """How an asset comes to be."""

    ASSET = "asset"
    #: One of the outputs of a ``@multi_asset``.
    MULTI = "multi"
    SOURCE = "source"
    #: A query.
    SQL = "sql"
    #: A query that stores nothing.
    VIEW = "view"


class Missing(StrEnum):
    """What becomes of a reader where an upstream key that exists has no value."""

    #: It is not run, and its run has failed.
    FAIL = "fail"
    #: It reads the others.
    SKIP = "skip"
    #: It is not run, and nothing is wrong.
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An edge of the graph, seen from the consumer."""

    #: The parameter it fills; empty for ``deps``, which are not loaded.
    parameter: str
    asset: AssetKey
    mapping: Mapping
    #: The consumer's annotation as text; empty where there is none.
    type: str = ""
    #: The columns that are read; None reads the whole value.
    columns: tuple[str, ...] | None = None
    #: Whether the value is handed to the function.
    loaded: bool = True
    #: Whether the parameter's default serves where no upstream key exists.
    optional: bool = False
    #: Whether one value must be there, so that nothing can be made where no upstream key exists.
    required: bool = False
    #: What becomes of the reader where an upstream key that exists has no value.
    missing: Missing = Missing.FAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A run parameter: part of the trace, set by settings or ``--set``."""

    name: str
    type: str
    #: The effective value as canonical JSON, and where it came from (``default``, ``pyproject.toml`` …).
    value: str
    origin: str = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredColumn:
    """A column that an asset's row model declares, as text."""

    name: str
    type: str
    nullable: bool
    #: What holds of every value, and of the column.
    rules: tuple[str, ...] = ()
    #: What kinds of secrets it is said to hold; None: nothing is said.
    classes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredCheck:
    """A check of an asset, as it is told."""

    name: str
    #: ``block`` or ``warn``.
    severity: str
    #: What it looks for, in a line.
    description: str = ""
    #: Other assets that it reads.
    reads: tuple[AssetKey, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceUse:
    """A resource that a function takes: its parameter, its name in settings, its class."""

    parameter: str
    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What the planner decides about: one function with all assets it makes, or one source.

    The outputs of a node are made by one call and published together. ``inputs`` are sorted by asset, mapping and
    columns, which is also their order in traces.
    """

    #: The asset's key; for a multi-asset the key of the function, which selects all its outputs.
    key: AssetKey
    outputs: tuple[AssetKey, ...]
    recipe: Recipe
    inputs: tuple[Input, ...] = ()
    partitioning: Partitioning = SINGLE
    #: The assets whose values give its partition keys, each as a whole. Their content is no part of a trace.
    cut_by: tuple[Input, ...] = ()
    #: A source: it is observed and never run.
    observed: bool = False
    #: A materialization older than this is expired; zero: whenever it is in the closure of the targets.
    max_age: timedelta | None = None
    #: A partition made before the end of so many windows after its own expires once when one of these has ended; None:
    #: windows have nothing to do with it.
    lookback: int | None = None
    #: Changes of code and parameters are only for partitions that are not made yet.
    forward_only: bool = False
    #: It takes a resource or has values that expire, so an older result need not be what a run would give today.
    reads_outside: bool = False
    #: It is run for what it does elsewhere (it returns None): what an older call did need not be there any more.
    effects: bool = False
    #: The user's word that equal traces give equal data, in spite of ``reads_outside``.
    deterministic: bool = False
    #: What decides whether its values are published, in order of names.
    checks: tuple[Check, ...] = ()
    #: Digest of what decides whether a value is refused and is no part of traces: rules of row models. What was refused
    #: under other rules is tried again.
    rules: str = ""
    #: Digest of everything above that decides about freshness: memos hold only while it is the same.
    digest: str = ""

    @property
    def needs(self) -> tuple[Input, ...]:
        """What must be up to date first: its inputs, what gives its keys, and what its checks read of other nodes."""
        if not self.checks and not self.cut_by:
            return self.inputs
        others = (read for check in self.checks for read in check.inputs if read.asset not in self.outputs)
        return tuple(dict.fromkeys((*self.inputs, *self.cut_by, *others)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """All that is told about one asset: by ``list`` and ``show``, and remembered in the catalog."""

    key: AssetKey
    kind: Kind
    #: The node that makes it; the key itself but for the outputs of a multi-asset.
    node: AssetKey
    #: The declared type as text; empty where there is none.
    type: str = ""
    #: Of a table with a row model.
    columns: tuple[DeclaredColumn, ...] = ()
    checks: tuple[DeclaredCheck, ...] = ()
    #: Where its columns come from, sorted.
    lineage: tuple[ColumnEdge, ...] = ()
    partitioning: str = "single"
    inputs: tuple[Input, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    resources: tuple[ResourceUse, ...] = ()
    code_version: str = ""
    untracked: tuple[Untracked, ...] = ()
    description: str = ""
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    #: How long a version is kept that is not current any more; None: nothing is said.
    retain: timedelta | None = None
    #: ``path/from/project/root.py:12``.
    where: str = ""
