"""What loading a project gives: the graph, and beside each node what it takes to run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assetflow.declare import Product
from assetflow.errors import AssetflowError, DefinitionError
from assetflow.graph import Graph
from assetflow.load.code.includes import IncludedFile
from assetflow.load.code.sources import ProjectSources
from assetflow.model.calendars import TEXT, KeyType
from assetflow.model.changes import EVOLVE, ChangePolicies
from assetflow.model.checks import Check
from assetflow.model.contracts import Contract
from assetflow.model.definition import Input, ResourceUse
from assetflow.model.keys import AssetKey
from assetflow.model.partitioning import Partitioning
from assetflow.model.ready import Ready
from assetflow.model.retry import Retry
from assetflow.model.rows import Divert
from assetflow.model.storage import Codec
from assetflow.model.versions import CodeVersion
from assetflow.sql.queries import Queries
from assetflow.sql.query import Query
from assetflow.types.rowmodels import RowModel

__all__ = ["Bound", "BoundBatch", "BoundCheck", "BoundInput", "BoundOutput", "BoundSource", "Loaded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundInput:
    """An input as the function takes it."""

    parameter: str
    #: The edge, as it stands in ``Node.inputs``.
    edge: Input
    #: The consumer's resolved annotation; None where there is none.
    hint: object
    #: One value, a dict by key, the values one after the other, or one table of several partitions.
    shape: str  # "value" | "dict" | "iterator" | "table"
    default: Any = None  # the user's value; meaningful only where edge.optional
    #: The row model of the annotation.
    rows: RowModel | None = None
    #: What the producer declares makes every table of its own one of that model.
    guaranteed: bool = False
    #: How the keys of a dict arrive.
    keyed: KeyType = TEXT
    #: The column of a table of several partitions that holds the key.
    key_column: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundView:
    """A view as a function takes it: its query is run over inputs of the node, which the function does not see."""

    #: What the function takes. Its edge is to the view, and none of the node's.
    taken: BoundInput
    query: Query
    #: The type of what the query gives.
    hint: object


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundOutput:
    """One asset that a function makes."""

    key: AssetKey
    #: The resolved return annotation (of a multi-asset: the field's); None where there is none.
    hint: object
    #: As written by ``codec=``; None: chosen by hint and value when it is saved.
    codec: Codec | None
    #: The row model of the annotation.
    rows: RowModel | None = None
    #: What becomes of a table with other columns than the version before.
    changes: ChangePolicies = EVOLVE
    contract: Contract | None = None
    #: Rows that break the row model go to the output that comes next.
    divert: Divert | None = None
    #: It is that output.
    rejects: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundBatch:
    """How several partitions are made by one call."""

    #: What is cut.
    cut: Partitioning
    #: So many at most; None: as many as there are.
    most: int | None = None
    #: The column of the table that is returned that says which partition a row belongs to, of a product one for each
    #: dimension; None: what is returned is a dict.
    columns: str | Mapping[str, str] | None = None
    #: How the keys of that dict are given.
    keyed: KeyType = TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """How to call a node's function and what to do with the result."""

    key: AssetKey
    function: Callable[..., Any]  # the user's function, undecorated
    outputs: tuple[BoundOutput, ...]
    #: The function returns a NamedTuple whose fields are the outputs, rather than the one output itself.
    multi: bool = False
    inputs: tuple[BoundInput, ...] = ()
    views: tuple[BoundView, ...] = ()
    resources: tuple[ResourceUse, ...] = ()
    #: Run parameters with their effective values.
    parameters: Mapping[str, Any] = field(default_factory=dict)  # JSON-able values of the user
    #: The parameter annotated Context; empty where there is none.
    context: str = ""
    retry: Retry | None = None
    #: None: one call makes one partition.
    batch: BoundBatch | None = None
    #: Files of ``version_includes``, as they were counted.
    includes: tuple[IncludedFile, ...] = ()
    #: ``projects/shop/sales.py:12``.
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundCheck:
    """How to ask a check: a function of the user's, a ready-made one, or the rules of a row model."""

    #: As it stands in ``Node.checks``.
    check: Check
    #: What it takes. The function is called only where it is the user's.
    call: Bound
    ready: Ready | None = None
    #: The columns of a row model that it says something of.
    rows: RowModel | None = None
    #: The share of rows that may have been put aside; None where none are.
    limit: float | None = None
    #: How many earlier versions it compares with.
    history: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundSource:
    """How to look at a source, and how to read it."""

    key: AssetKey
    #: Today's content: partition key to version and uri, without side effects. A missing file raises StorageError
    #: ``source-missing``. See ``assetflow.load.sources``.
    source: object  # a declare.Source
    #: The declared type; None gives the absolute Path.
    hint: object
    where: str = ""
    #: The project's folder, which the source's paths are relative to.
    root: Path = field(default_factory=Path.cwd)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundProduct:
    """A group of assets, some of which others may use."""

    product: Product
    exposes: frozenset[AssetKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A project as it is written today."""

    root: Path
    graph: Graph
    bound: Mapping[AssetKey, Bound]
    sources: Mapping[AssetKey, BoundSource]
    #: Configured, not yet opened: name to a Resource, or to what a Protocol is bound to.
    resources: Mapping[str, object]
    code: Mapping[AssetKey, CodeVersion]
    #: By node, in the order of ``Node.checks``.
    checks: Mapping[AssetKey, tuple[BoundCheck, ...]] = field(default_factory=dict)
    #: Every mistake, in order of place; what they touch is missing from the graph.
    mistakes: tuple[AssetflowError, ...] = ()
    #: What ``validate`` says without refusing: code that is not tracked, values that differ between imports.
    warnings: tuple[AssetflowError, ...] = ()
    #: Modules that do not import; their assets are unavailable, not removed.
    broken: tuple[str, ...] = ()
    #: The files that the code was read from: ``changed()`` before recording a run.
    project_sources: ProjectSources | None = None
    #: Queries that do not fit the columns that their tables had the last time: what is wrong, and these tables.
    loose: Mapping[AssetKey, tuple[DefinitionError, tuple[AssetKey, ...]]] = field(default_factory=dict)
    #: The product of each group that has one.
    products: Mapping[str, BoundProduct] = field(default_factory=dict)
    #: Views by key: how each is read, as if by a function.
    views: Mapping[AssetKey, Bound] = field(default_factory=dict)
    #: What is known of the project's queries.
    queries: Queries | None = None

    def save_caches(self) -> None:
        """Keep what was compiled, hashed and bound, so that the next load need not do it."""
        if self.project_sources is not None:
            self.project_sources.save_cache()
        if self.queries is not None:
            self.queries.save()
