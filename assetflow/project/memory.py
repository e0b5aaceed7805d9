"""``materialize([...])``: a few assets in memory, for tests and notebooks. Nothing is left on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assetflow.catalog import Catalog
from assetflow.declare import Asset, CheckFunction, MultiAsset, Source, SqlAsset
from assetflow.errors import AssetflowError, Mistakes, UsageError
from assetflow.graph import Graph
from assetflow.load.checks import rows_check
from assetflow.load.definitions import Bound, BoundOutput, Loaded
from assetflow.load.load import load
from assetflow.load.settings import Settings, find_settings
from assetflow.model.definition import Node
from assetflow.model.keys import AssetKey
from assetflow.model.partitioning import SINGLE
from assetflow.model.trace import Recipe
from assetflow.model.versions import fingerprint
from assetflow.project.opened import Project
from assetflow.project.results import Named, Result
from assetflow.run.world import REAL, World
from assetflow.store.memory import MemoryStore
from assetflow.types.rowmodels import row_model_of

__all__ = ["in_memory", "materialize", "with_given"]

Given = Mapping[Any, Any]  # an asset or its name → the value to use for it


@dataclass(frozen=True, slots=True)
class _At:
    """The real clocks, but for the date."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return REAL.monotonic()

    def sleep(self, seconds: float) -> None:
        REAL.sleep(seconds)


def materialize(
    assets: Sequence[Asset[..., Any] | MultiAsset[..., Any] | Source | SqlAsset | CheckFunction[..., Any]],
    *,
    given: Given | None = None,
    resources: Mapping[str, object] | None = None,
    partitions: Sequence[str] | str | None = None,
    at: datetime | None = None,
    sets: Sequence[str] = (),
) -> Result:
    """Make these assets, and what they need, from scratch and in memory.

    Checks among them are asked. Assets of the project that the working folder belongs to are loaded with it, so that
    names mean the same as there; others with what their own modules hold.

    ``given`` holds values that are used instead of making them: they are checked and handed on as if they had been
    made. ``resources`` are used instead of configured ones; ``at`` is what the clock says. A step that fails makes
    ``result.ok`` false, as on disk. Raises Mistakes and UsageError.
    """
    world: World = REAL if at is None else _At(at.astimezone(UTC))
    with tempfile.TemporaryDirectory(prefix="assetflow-") as folder:
        declared = [*assets, *(asset for asset in given or {} if not isinstance(asset, str | AssetKey))]
        settings = replace(_settings(declared), catalog="sqlite://", store=str(Path(folder) / "store"))
        project = in_memory(settings, assets, given=given or {}, resources=resources, sets=sets, world=world)
        keys = [project.resolve_all(asset) for asset in assets if not isinstance(asset, CheckFunction)]
        wanted = [key for group in keys for key in group if key not in project.loaded.sources]
        return project.materialize(*wanted, partitions=partitions, jobs=1, executor="inline")


def _settings(declared: Sequence[Any]) -> Settings:  # declarations
    """The project's settings where it holds all these declarations, else settings that name no module."""
    alone = Settings(root=Path.cwd(), catalog="", store="")
    try:
        settings = find_settings()
    except AssetflowError:
        return alone
    modules = {asset.place.module for asset in declared if hasattr(asset, "place")}
    inside = all(any(f"{name}.".startswith(f"{listed}.") for listed in settings.modules) for name in modules)
    return settings if inside and modules else alone


class _InMemory(Project):
    """A project of given assets."""

    def resolve_all(self, named: Named | MultiAsset[..., Any]) -> tuple[AssetKey, ...]:
        """The keys of what a declaration makes: of a multi-asset, all of its outputs."""
        for key, bound in self.loaded.bound.items():
            if bound.function is getattr(named, "function", None):
                return self.loaded.graph.nodes[key].outputs
        return (self.resolve(named),)  # type: ignore[arg-type]  # multi-assets are found above


def in_memory(
    settings: Settings,
    assets: Sequence[Any],  # declarations
    *,
    given: Given,
    resources: Mapping[str, object] | None,
    sets: Sequence[str],
    world: World,
) -> _InMemory:
    """A project of these assets whose catalog and store are in memory."""
    declared = [*assets, *(asset for asset in given if not isinstance(asset, str | AssetKey))]

    def loader() -> Loaded:
        loaded = load(settings, assets=None if settings.modules else declared, resources=resources, sets=sets)
        if loaded.mistakes:
            raise Mistakes(loaded.mistakes)
        return with_given(loaded, given)

    return _InMemory(
        settings, world=world, loader=loader, store=MemoryStore(), catalog=Catalog.open("sqlite://", create=True)
    )


def with_given(loaded: Loaded, given: Given) -> Loaded:
    """The project with these values in place of what would make them. Raises UsageError ``bad-given``.

    Where one output of a multi-asset is given, the others are not made: they must be given, or not be needed.
    """
    nodes, bound, sources = dict(loaded.graph.nodes), dict(loaded.bound), dict(loaded.sources)
    checks = dict(loaded.checks)
    for named, value in given.items():
        key = _key(loaded, named)
        if key in loaded.graph.views:
            raise UsageError("bad-given", f"{key} is a view, which is never made", hint="give what it is made of")
        node = loaded.graph.node_of(key)
        if node.partitioning != SINGLE:
            raise UsageError(
                "bad-given", f"{key} is partitioned: its values cannot be given yet", hint="put files into a folder"
            )
        if len(node.outputs) > 1 and node.key in nodes:
            del nodes[node.key]
            checks.pop(node.key, None)
            for other in node.outputs:
                nodes[other], bound[other] = _stand_in(other, node, None, _refusing(other, key))
        source = sources.pop(key, None)
        hint = source.hint if source else next(o.hint for o in loaded.bound[node.key].outputs if o.key == key)
        nodes[key], bound[key] = _stand_in(key, node, hint, _giving(value))
        # Of its checks only what its type says: a value that is given is an example, not what the others are about.
        own = rows_check(bound[key].outputs[0], node.partitioning)
        checks[key] = () if own is None else (own,)
        nodes[key] = replace(nodes[key], checks=() if own is None else (own.check,))
    return replace(loaded, graph=Graph(nodes, loaded.graph.definitions), bound=bound, sources=sources, checks=checks)


def _stand_in(key: AssetKey, node: Node, hint: object, function: Any) -> tuple[Node, Bound]:  # of a user's value
    """A node that makes one asset out of nothing. It has no trace worth keeping: the catalog it goes into is new."""
    made = Node(
        key=key,
        outputs=(key,),
        recipe=Recipe.of(code="given"),
        partitioning=node.partitioning,
        digest=fingerprint("given", str(key)),
    )
    output = BoundOutput(key=key, hint=hint, codec=None, rows=row_model_of(hint))
    return made, Bound(key=key, function=function, outputs=(output,))


def _refusing(key: AssetKey, given: AssetKey) -> Any:  # what stands in for a user's function
    def refuse() -> None:
        raise UsageError("bad-given", f"{key} is made together with {given}, which was given", hint=f"give {key} too")

    return refuse


def _giving(value: Any) -> Any:  # the value of a user's asset
    return lambda: value


def _key(loaded: Loaded, named: Any) -> AssetKey:  # a declaration or a name
    if isinstance(named, AssetKey | str):
        return named if isinstance(named, AssetKey) else loaded.graph.resolve(named)
    for key, one in loaded.bound.items():
        if one.function is getattr(named, "function", None):
            return key
    for key, source in loaded.sources.items():
        if source.source is named:
            return key
    raise UsageError("bad-given", f"{named!r} is not among the assets of this project")
