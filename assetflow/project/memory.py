"""``materialize([...])``: a few assets in memory, for tests and notebooks. Nothing is left on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assetflow.catalog import Catalog
from assetflow.declare import Asset, MultiAsset, Source
from assetflow.errors import Mistakes, UsageError
from assetflow.graph import Graph
from assetflow.load.definitions import Bound, BoundOutput, Loaded
from assetflow.load.load import load
from assetflow.load.settings import Settings
from assetflow.model.definition import Node
from assetflow.model.keys import AssetKey
from assetflow.model.trace import Recipe
from assetflow.project.opened import Project
from assetflow.project.results import Named, Result
from assetflow.run.world import REAL, World
from assetflow.store.memory import MemoryStore

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
    assets: Sequence[Asset[..., Any] | MultiAsset[..., Any] | Source],
    *,
    given: Given | None = None,
    resources: Mapping[str, object] | None = None,
    partitions: Sequence[str] | str | None = None,
    at: datetime | None = None,
    sets: Sequence[str] = (),
) -> Result:
    """Make these assets, and what they need of their modules, from scratch and in memory.

    ``given`` holds values that are used instead of making them: they are checked and handed on as if they had been
    made. ``resources`` are used instead of configured ones; ``at`` is what the clock says. A step that fails makes
    ``result.ok`` false, as on disk. Raises Mistakes and UsageError.
    """
    world: World = REAL if at is None else _At(at.astimezone(UTC))
    with tempfile.TemporaryDirectory(prefix="assetflow-") as folder:
        settings = Settings(root=Path.cwd(), catalog="sqlite://", store=str(Path(folder) / "store"))
        project = in_memory(settings, assets, given=given or {}, resources=resources, sets=sets, world=world)
        keys = [project.resolve_all(asset) for asset in assets]
        wanted = [key for group in keys for key in group if key not in project.loaded.sources]
        return project.materialize(*wanted, partitions=partitions, jobs=1, executor="inline")


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
        loaded = load(settings, assets=declared, resources=resources, sets=sets)
        if loaded.mistakes:
            raise Mistakes(loaded.mistakes)
        return with_given(loaded, given)

    return _InMemory(
        settings, world=world, loader=loader, store=MemoryStore(), catalog=Catalog.open("sqlite://", create=True)
    )


def with_given(loaded: Loaded, given: Given) -> Loaded:
    """The project with these values in place of what would make them. Raises UsageError ``bad-given``."""
    nodes, bound, sources = dict(loaded.graph.nodes), dict(loaded.bound), dict(loaded.sources)
    for named, value in given.items():
        key = _key(loaded, named)
        node = loaded.graph.node_of(key)
        if len(node.outputs) > 1:
            raise UsageError("bad-given", f"{key} is made together with others; give all readers of it what they need")
        hint = sources[key].hint if key in sources else bound[key].outputs[0].hint
        # A given value has no trace worth keeping: the catalog it goes into is new.
        nodes[key] = Node(
            key=key,
            outputs=(key,),
            recipe=Recipe.of(code="given"),
            partitioning=node.partitioning,
            digest=f"given {key}",
        )
        bound[key] = Bound(key=key, function=_giving(value), outputs=(BoundOutput(key=key, hint=hint, codec=None),))
        sources.pop(key, None)
    return replace(loaded, graph=Graph(nodes, loaded.graph.definitions), bound=bound, sources=sources)


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
