"""What plans of a project are made for and decided on: targets, and a look at all that is outside of the code."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from assetflow.graph import Graph
from assetflow.graph.selection import select, uses_status
from assetflow.model.history import Snapshot
from assetflow.model.journal import RunStatus
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.partitioning import KeySource, dynamic_of, sources_of
from assetflow.model.plan import Plan, State, Targets
from assetflow.plan import KeySets, PastNeeded
from assetflow.plan import plan as decided
from assetflow.plan.choosing import STATES, named_key
from assetflow.project.dynamic import keys_of_values
from assetflow.project.results import AssetStatus, Result
from assetflow.project.retention import gone_keys, retained
from assetflow.project.snapshot import Seen, look, taken
from assetflow.project.standing import statuses
from assetflow.project.viewing import is_a_view

if TYPE_CHECKING:
    from assetflow.project.opened import Project

__all__ = ["Deciding", "Planned"]

_OPERATORS = frozenset("+*?[:() ")


class Planned(NamedTuple):
    """A plan, and what it was decided on."""

    plan: Plan
    seen: Seen
    snapshot: Snapshot


class Deciding:
    """Takes the names that a user writes to targets, and targets to a plan of what holds now."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._loaded = project.loaded
        self._graph = project.loaded.graph

    # Plans

    def planned(self, targets: Targets) -> Planned:
        """The plan for these targets, as all is now."""
        singly: frozenset[AssetKey] = frozenset()
        while True:
            seen, snapshot = self.looked(targets, singly)
            try:
                return Planned(decided(self._graph, snapshot, targets), seen, snapshot)
            except PastNeeded as needed:
                singly |= needed.nodes

    def plan_of(self, asset: AssetKey) -> Plan:
        """The plan of one asset and all that it needs. Raises UsageError ``is-a-view``."""
        if asset in self._graph.views:
            raise is_a_view(asset)
        return self.planned(Targets(assets=frozenset([asset]))).plan

    def looked(self, targets: Targets, singly: Collection[AssetKey] | None = None) -> tuple[Seen, Snapshot]:
        """The sources as they are now, and what to decide on: see :func:`assetflow.project.snapshot.taken`."""
        project, graph = self._project, self._graph
        nodes = graph.nodes if targets.assets is None else {graph.node_of(a).key for a in targets.assets}
        needed = graph.upstream(nodes) | set(nodes)
        cut_by = {source for name in needed for source in sources_of(graph.nodes[name].partitioning)}
        sources = sorted({name for name in needed if graph.nodes[name].observed} | cut_by)
        seen = look(self._loaded, sources, project.files)
        given = self._given(needed, seen)
        now = project.world.now()
        return seen, taken(
            graph, project.reading, project.store, project.environment, targets, seen, now, given, singly
        )

    def healing(self, plan: Plan, result: Result) -> Plan | None:
        """After a run that failed: the plan that makes anew what its steps found damaged; None where nothing was."""
        if result.status is not RunStatus.FAILED:
            return None
        again, seen, _ = self.planned(plan.targets)
        return again if again.damaged - plan.damaged and not seen.missing else None

    def following(self, plan: Plan, result: Result) -> Plan | None:
        """After a run: the plan for partition keys that it brought with it; None where there are none."""
        nodes = self._graph.nodes.values()
        if result.status is RunStatus.CANCELLED or not any(dynamic_of(node.partitioning) for node in nodes):
            return None
        before = KeySets(self._graph, plan.keys, plan.as_of)
        again, seen, _ = self.planned(replace(plan.targets, force=False, retry_failed=False, named=frozenset()))
        now = KeySets(self._graph, again.keys, plan.as_of)
        cuts = {self._graph.nodes[step.node].partitioning for step in again.steps}
        new = any(now.given_by(cut) != before.given_by(cut) for cut in cuts if dynamic_of(cut))
        return again if new and not seen.missing else None

    # Keys

    def keys(self, nodes: Iterable[AssetKey], seen: Seen | None = None) -> Mapping[KeySource, tuple[str, ...]]:
        """The partition keys that sets, values of assets, and sources that were ``seen`` give to these nodes."""
        known: dict[KeySource, tuple[str, ...]] = {}
        if seen is not None:
            known.update(seen.keys(self._graph))
        with self._project.reading.view(self._project.environment) as view:
            known.update(view.key_sets())
        known.update(self._given(nodes, seen or Seen()))
        return known

    def gone(self) -> Mapping[AssetKey, Callable[[str], bool]]:
        """As :func:`assetflow.project.retention.gone_keys`; nothing where something is wrong with the code."""
        if self._loaded.mistakes:
            return {}
        nodes = {self._graph.node_of(asset).key for asset in retained(self._graph)}
        sources = {source for name in nodes for source in sources_of(self._graph.nodes[name].partitioning)}
        seen = look(self._loaded, sorted(sources), self._project.files)
        return gone_keys(self._graph, self.keys(nodes, seen), seen, self._project.world.now())

    def _given(self, nodes: Iterable[AssetKey], seen: Seen) -> Mapping[str, tuple[str, ...]]:
        """The partition keys that values of assets give to these nodes."""
        cuts = {self._graph.nodes[name].partitioning for name in nodes}
        wanted = {each for cut in cuts for each in dynamic_of(cut) if each.source is not None}
        if not wanted:
            return {}
        project = self._project
        return keys_of_values(
            wanted, self._loaded, project.reading, project.environment, project.values(), seen, project.keys_of_values
        )

    # Targets

    def targets(
        self,
        texts: Sequence[str],
        keys: Sequence[str] | None,
        *,
        only: bool,
        force: bool,
        retry_failed: bool,
    ) -> Targets:
        """What is asked for: selections of assets (none: all), and texts that choose partitions (None: all)."""
        assets = self.stored(texts) if texts else None
        named: frozenset[Partition] = frozenset()
        key = "" if keys is None else named_key(keys[0]) if len(keys) == 1 else None
        if assets is not None and key is not None and all(not _OPERATORS & set(text) for text in texts):
            named = frozenset(Partition(asset, key) for asset in assets)
        states = STATES & set(keys or ())
        cells = self._standing(assets, states) if states else None
        return Targets(
            assets=assets,
            keys=None if keys is None else frozenset(keys) - states,
            cells=cells,
            only=only,
            force=force,
            retry_failed=retry_failed,
            named=named | (cells or frozenset()),
        )

    def _standing(self, assets: frozenset[AssetKey] | None, states: Collection[str]) -> frozenset[Partition]:
        """The partitions of some assets (None: of all) that are in one of these states."""
        plan, _, _ = self.planned(Targets(assets=assets))
        return frozenset(
            partition
            for partition, standing in plan.standings.items()
            if standing.state in states
            and (assets is None or partition.asset in assets)
            and not self._graph.node_of(partition.asset).observed
        )

    def stored(self, texts: Sequence[str]) -> frozenset[AssetKey]:
        """The selected assets without views. Raises UsageError ``is-a-view`` where there are only such."""
        found, views = self.selected(texts, self._graph), self._graph.views
        if found and found <= views:
            raise is_a_view(min(found))
        return found - views

    def selected(self, texts: Sequence[str], graph: Graph) -> frozenset[AssetKey]:
        """The assets that selections choose from a graph."""
        states: Mapping[AssetKey, State] | None = None
        if uses_status(texts):
            states = {each.key: each.state for each in self.status(())}
        return select(texts, graph, states)

    def status(self, texts: Sequence[str]) -> tuple[AssetStatus, ...]:
        """How the selected assets (none: all) stand, in order of keys."""
        assets = self.stored(texts) if texts else None
        plan, seen, _ = self.planned(Targets(assets=assets))
        shown = sorted(self._graph.definitions.keys() - self._graph.views if assets is None else assets)
        return statuses(self._graph, plan, shown, self._project.reading, seen)
