"""A whole assetflow in plain dicts: a project that is edited, a world outside, a catalog, and a run.

The planner under test is asked by :meth:`World.plan` and obeyed by :meth:`World.materialize`. Beside it stands a model
that is obviously right: every value carries its *ingredients* (all that it was made from, as plain data, without any
digest), and :meth:`World.truth` makes every value of today from scratch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from toy_project import (
    FILE,
    INBOX,
    UNITS,
    UNKNOWN,
    Project,
    Spec,
    Value,
    graph_of,
    has_missed,
    is_free,
    maker,
    mapping_of,
    members_of,
    number,
    version,
)

from assetflow.graph import Graph
from assetflow.model.definition import Node
from assetflow.model.history import History, Materialization, Memo, Setback, SetbackKind, Snapshot
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.plan import CauseKind, Plan, Step, Targets
from assetflow.model.retry import FailureClass
from assetflow.model.trace import Recipe
from assetflow.model.versions import DataVersion
from assetflow.plan import Keep, KeySets, Leave, PastNeeded, Reuse, decide, plan, trace_of
from assetflow.plan.ageing import age_of
from assetflow.plan.memos import Moved, advanced, alike, scope

__all__ = ["Report", "World"]


@dataclass
class Report:
    """What a run did."""

    plan: Plan
    #: By step: ``ran``, ``kept``, ``reused``, ``left``, ``failed``, ``skipped``, ``not run``.
    outcomes: dict[Partition, str] = field(default_factory=dict)
    #: Steps that called a function though their value had exactly these ingredients.
    needless: list[Partition] = field(default_factory=list)


class World:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.file: Value | None = (1, 0, 0)
        self.inbox: dict[str, Value] = {"x": (1, 0, 0), "y": (1, 1, 1)}
        self.weather = 0
        #: What happens to the next calls of a node, whatever their ingredients.
        self.trouble: dict[AssetKey, str] = {}
        self.revision = 0
        self.made: list[Materialization] = []
        self.values: dict[int, Value] = {}
        self.ingredients: dict[int, Any] = {}
        self.lost: set[int] = set()
        self.current: dict[str, dict[Partition, Materialization]] = {"main": {}, "dev": {}}
        self.moved: dict[str, dict[AssetKey, dict[str, int]]] = {"main": {}, "dev": {}}
        self.setbacks: dict[str, dict[Partition, Setback]] = {"main": {}, "dev": {}}
        #: The ingredients of the last attempt where it left no value.
        self.tried: dict[str, dict[Partition, Any]] = {"main": {}, "dev": {}}
        self.memos: dict[str, dict[AssetKey, Memo]] = {"main": {}, "dev": {}}
        #: How often one past was read for all of a node.
        self.read_once = 0

    # The catalog

    def point(self, environment: str, materializations: list[Materialization]) -> None:
        """One transaction that moves pointers."""
        self.revision += 1
        for one in materializations:
            self.current[environment][one.partition] = one
            self.moved[environment].setdefault(one.partition.asset, {})[one.partition.key] = self.revision
            self.setbacks[environment].pop(one.partition, None)
            self.tried[environment].pop(one.partition, None)

    def _make(self, partition: Partition, attempt: int, value: Value, **fields: Any) -> Materialization:
        past = sum(1 for one in self.made if one.partition == partition)
        one = Materialization(
            id=len(self.made) + 1,
            partition=partition,
            version=past + 1,
            attempt=attempt,
            data=version(value),
            made_at=self.now,
            **fields,
        )
        self.made.append(one)
        self.values[one.id] = value
        return one

    def history(self, environment: str, partition: Partition) -> History:
        current = self.current[environment].get(partition)
        by_trace = {one.trace: one for one in self.made if one.partition == partition and one.id not in self.lost}
        return History(
            current=current,
            by_trace=by_trace,
            setback=self.setbacks[environment].get(partition),
            lost=current is not None and current.id in self.lost,
        )

    def observations(self) -> dict[Partition, Value]:
        file = {} if self.file is None else {Partition(FILE): self.file}
        return {**file, **{Partition(INBOX, key): value for key, value in self.inbox.items()}}

    def snapshot(
        self,
        project: Project,
        environment: str,
        *,
        memos: bool,
        force: frozenset[AssetKey],
        singly: frozenset[AssetKey] | None = None,
    ) -> Snapshot:
        """With memos the snapshot holds no history that the planner has no business with; of what is alike that of one,
        but for nodes in ``singly`` (None: for all).
        """
        graph = graph_of(project)
        observed = {partition: version(value) for partition, value in self.observations().items()}
        keys = {INBOX: tuple(sorted(self.inbox))}
        compared = None
        if memos:
            current = self.current[environment]
            changed: dict[AssetKey, frozenset[str] | None] = {}
            for source in (FILE, INBOX):
                some = frozenset(
                    key
                    for key in KeySets(graph, keys, self.now).of(source)
                    if (one := current.get(Partition(source, key))) is None or one.data != observed.get(one.partition)
                )
                if some:
                    changed[source] = some
            lost = {partition for partition, one in current.items() if one.id in self.lost}
            moved: dict[AssetKey, Moved] = {  # of many keys only the last time is told
                asset: found if len(found) <= 2 else max(found.values())
                for asset, found in self.moved[environment].items()
            }
            compared = scope(graph, self.memos[environment], moved, keys, changed, lost, self.now, force)
        one_for_all: Mapping[AssetKey, frozenset[str]] = {}
        if compared is not None and singly is not None:
            admitted = partial(self._admitted, environment, KeySets(graph, keys, self.now), singly)
            args = (graph, self.memos[environment], moved, keys, compared, lost, self.now)
            one_for_all = alike(*args, admitted)
        histories = {}
        key_sets = KeySets(graph, keys, self.now)
        for node in graph.nodes.values():
            own = key_sets.of_node(node)
            some = None if compared is None or node.observed else compared.get(node.key, frozenset())
            if node.key in one_for_all:
                apart = one_for_all[node.key]
                some = apart | {next(key for key in own if key not in apart)}
            for key in own:
                if some is None or key in some:
                    wanted = [Partition(output, key) for output in node.outputs]
                    for read in node.inputs:
                        members = read.mapping.members(key, own, key_sets.of(read.asset))
                        wanted += [Partition(read.asset, member) for member in members]
                    pasts = ((each, self.history(environment, each)) for each in wanted)
                    histories.update((each, past) for each, past in pasts if past != History())
        return Snapshot(
            environment=environment,
            revision=self.revision,
            as_of=self.now,
            keys=keys,
            observed=observed,
            histories=histories,
            compared=compared,
            alike=one_for_all,
        )

    def _admitted(
        self, environment: str, keys: KeySets, singly: frozenset[AssetKey], node: Node, apart: frozenset[str]
    ) -> frozenset[str] | None:
        if node.key in singly:
            return None
        made = (one for one in self.made if one.recipe.digest == node.recipe.digest)
        apart |= {one.partition.key for one in made if one.partition.asset in node.outputs}
        apart |= {each.key for each in self.setbacks[environment] if each.asset in node.outputs}
        return apart if len(keys.of_node(node)) > len(apart) else None

    def plan_alike(self, project: Project, targets: Targets, environment: str) -> Plan:
        """As :meth:`plan` with memos, where what is alike is read once."""
        graph, singly = graph_of(project), frozenset[AssetKey]()
        while True:
            snapshot = self.snapshot(project, environment, memos=True, force=frozenset(), singly=singly)
            self.read_once += len(snapshot.alike)
            try:
                return plan(graph, snapshot, targets)
            except PastNeeded as needed:
                more = singly | needed.nodes
                if more == singly:
                    raise
                singly = more

    def plan(self, project: Project, targets: Targets, environment: str = "main", *, memos: bool = False) -> Plan:
        graph = graph_of(project)
        force = frozenset(targets.assets or graph.assets) if targets.force else frozenset()
        force = frozenset(graph.node_of(asset).key for asset in force)
        return plan(graph, self.snapshot(project, environment, memos=memos, force=force), targets)

    # The run

    def materialize(
        self,
        project: Project,
        targets: Targets,
        environment: str = "main",
        *,
        memos: bool = False,
        observes: bool = True,
        meanwhile: Callable[[int], None] = lambda step: None,
        reads_once: bool = False,
    ) -> Report:
        """Plan and obey; with ``reads_once`` where what is alike is read once.

        ``meanwhile(0)`` comes between snapshot and first commit, ``meanwhile(n)`` before step n.
        """
        plan = self.plan_alike if reads_once else partial(self.plan, memos=memos)
        report = Report(plan(project, targets, environment))
        graph, now = graph_of(project), report.plan.as_of
        observed = self.observations()
        meanwhile(0)
        if observes and report.plan.observed:
            for partition in report.plan.observed:
                seen = self._make(partition, 0, observed[partition], trace="", recipe=Recipe.of(code=""), edges=())
                self.point(environment, [seen])
        unavailable: set[Partition] = set()
        for place, step in enumerate(report.plan.steps):
            meanwhile(place + 1)
            outcome = self._step(project, graph, step, environment, observed, now, unavailable, report)
            report.outcomes[step.id] = outcome
            if outcome in ("failed", "not run"):
                unavailable |= set(step.outputs)
        self.memos[environment].update(report.plan.memos)
        if memos:
            compared = self.snapshot(project, environment, memos=True, force=frozenset()).compared
            settled = set(self.memos[environment]) - set(compared or ())
            self.memos[environment].update(advanced(self.memos[environment], settled, self.revision))
        return report

    def _step(
        self,
        project: Project,
        graph: Graph,
        step: Step,
        environment: str,
        observed: Mapping[Partition, Value],
        as_of: datetime,
        unavailable: set[Partition],
        report: Report,
    ) -> str:
        node, spec = graph.nodes[step.node], project[step.node]
        keys = KeySets(graph, report.plan.keys, report.plan.as_of)
        read: dict[Partition, Value | None] = {}

        def version_of(partition: Partition) -> DataVersion | None:
            one = self.current[environment].get(partition)
            value = None if one is None or one.id in self.lost else self.values[one.id]
            read[partition] = observed.get(partition) if partition.asset in (FILE, INBOX) else value
            return None if read[partition] is None else version(read[partition])

        trace = trace_of(node, step.key, keys.of, version_of)
        if None in read.values() or unavailable & read.keys():
            return "not run"
        histories = [self.history(environment, output) for output in step.outputs]
        decision = decide(
            node,
            trace,
            histories,
            age=age_of(node, step.key, keys.of_node(node), as_of),
            demands=step.causes,
            again=step.again,
        )
        match decision:
            case Keep():
                return "kept"
            case Reuse(materializations):
                self.point(environment, list(materializations))
                return "reused"
            case Leave(setback):
                return "kept" if setback.kind is SetbackKind.SKIPPED else "not run"
        ingredients = self.ingredients_of(project, spec, step.key, read, keys)
        currents = [history.current for history in histories]
        if all(
            one is not None
            and one.id not in self.lost
            and self.serves(spec, one, ingredients)
            and not self.is_old(spec, step.key, one.made_at, as_of)
            for one in currents
        ) and not any(cause.kind in (CauseKind.FORCED, CauseKind.CORRUPT) for cause in step.causes):
            report.needless.append(step.id)
        return self._call(spec, step, environment, trace, ingredients)

    def _call(self, spec: Spec, step: Step, environment: str, trace: Any, ingredients: Any) -> str:
        trouble = self.trouble.get(spec.key, "")
        if not trouble and spec.fragile and number(ingredients) % 5 == 0:
            trouble = "permanent"
        if trouble:
            skip = trouble == "skip"
            kind = SetbackKind.SKIPPED if skip else SetbackKind.FAILED
            failure = None if skip else FailureClass(trouble)
            for output in step.outputs:
                self.setbacks[environment][output] = Setback(
                    kind=kind, trace=trace.digest, failure=failure, message=trouble, at=self.now, run=1
                )
                self.tried[environment][output] = ingredients
            return "skipped" if skip else "failed"
        attempt = len(self.made) + 1_000
        made = []
        for output in step.outputs:
            value = self._value(spec, output.asset, ingredients)
            one = self._make(
                output,
                attempt,
                value,
                trace=trace.digest,
                recipe=trace.recipe,
                edges=trace.edges,
                stateful=spec.stateful,
            )
            self.ingredients[one.id] = ingredients
            made.append(one)
        self.point(environment, made)
        return "ran"

    def _value(self, spec: Spec, output: AssetKey, ingredients: Any) -> Value:
        """Few different contents, so that equal data from unequal inputs is common."""
        weather = self.weather if is_free(spec) else 0
        return (
            1 + number("rows", output, ingredients) % 2,
            number("a", output, ingredients, weather) % 3,
            number("b", output, spec.code) % 2,
        )

    # The model

    def ingredients_of(
        self, project: Project, spec: Spec, key: str, values: Mapping[Partition, Any], keys: KeySets
    ) -> Any:
        """All that a call gets to see, as plain data. Uses nothing of traces."""
        seen = []
        for read in spec.reads:
            upstream = maker(project, read.asset).cut
            mapping = mapping_of(read, spec.cut, upstream)
            members = members_of(mapping, key, spec.cut, upstream, keys.of(read.asset))
            contents = []
            for member in members:
                value = values[Partition(read.asset, member)]
                if value is UNKNOWN:
                    return UNKNOWN
                shown = value if read.columns is None else (value[0], *(value[1 + "ab".index(c)] for c in read.columns))
                contents.append((member, shown))
            seen.append((read.asset, mapping, read.columns, tuple(contents)))
        recipe = (spec.code, spec.parameter, spec.resource, spec.type, spec.fragile, UNITS.get(spec.cut))
        return (recipe, key, tuple(sorted(seen, key=repr)))

    def is_old(self, spec: Spec, key: str, at: datetime, as_of: datetime) -> bool:
        if has_missed(spec, key, at, as_of):
            return True
        return spec.max_age is not None and (not spec.max_age or at + spec.max_age <= as_of)

    def serves(self, spec: Spec, one: Materialization, ingredients: Any) -> bool:
        """Whether it was made of what it would be made of today, or need not be."""
        mine = self.ingredients.get(one.id)
        return mine == ingredients or (spec.forward and _without_code(mine) == _without_code(ingredients))

    def answered(self, spec: Spec, partition: Partition, ingredients: Any, environment: str) -> SetbackKind | None:
        """How the last attempt answered these very ingredients, if that still counts."""
        setback = self.setbacks[environment].get(partition)
        if setback is None or self.tried[environment][partition] != ingredients:
            return None
        passing = setback.failure in (FailureClass.TRANSIENT, FailureClass.INFRASTRUCTURE)
        return None if passing or self.is_old(spec, partition.key, setback.at, self.now) else setback.kind

    def truth(self, project: Project, environment: str) -> tuple[dict[Partition, Any], dict[Partition, Any]]:
        """Every value as it would be if all was made from scratch now, and today's ingredients of each.

        A skip that answers today's ingredients says that the value is whatever is current. What reads outside has no
        value of today but the current one, where that is not too old and has the right ingredients.
        """
        values: dict[Partition, Any] = dict(self.observations())
        values.setdefault(Partition(FILE), UNKNOWN)
        ingredients_today: dict[Partition, Any] = {}
        graph = graph_of(project)
        keys = KeySets(graph, {INBOX: tuple(sorted(self.inbox))}, self.now)
        for name in graph.order:
            if name in (FILE, INBOX):
                continue
            spec = project[name]
            for key in keys.of(spec.outputs[0]):
                ingredients = self.ingredients_of(project, spec, key, values, keys)
                for output in spec.outputs:
                    partition = Partition(output, key)
                    ingredients_today[partition] = ingredients
                    values[partition] = self._true_value(spec, partition, ingredients, environment)
        return values, ingredients_today

    def _true_value(self, spec: Spec, partition: Partition, ingredients: Any, environment: str) -> Any:
        if ingredients is UNKNOWN:
            return UNKNOWN
        current = self.current[environment].get(partition)
        readable = current is not None and current.id not in self.lost
        if self.answered(spec, partition, ingredients, environment) is SetbackKind.SKIPPED:
            return self.values[current.id] if current and readable else UNKNOWN
        if current and readable and self.serves(spec, current, ingredients):
            old = self.is_old(spec, partition.key, current.made_at, self.now)
            if not old and (is_free(spec) or self._all_serve(spec, partition, ingredients, environment)):
                return self.values[current.id]
        return UNKNOWN if is_free(spec) else self._value(spec, partition.asset, ingredients)

    def _all_serve(self, spec: Spec, partition: Partition, ingredients: Any, environment: str) -> bool:
        """One call makes all outputs: where one of them must be made, all are."""
        currents = [self.current[environment].get(Partition(output, partition.key)) for output in spec.outputs]
        return all(
            one is not None
            and one.id not in self.lost
            and self.serves(spec, one, ingredients)
            and not self.is_old(spec, partition.key, one.made_at, self.now)
            for one in currents
        )


def _without_code(ingredients: Any) -> Any:
    """All but what ``forward_only`` leaves to what is not made yet."""
    if ingredients is None or ingredients is UNKNOWN:
        return ingredients
    (_, _, resource, type_, _, unit), key, seen = ingredients
    return (resource, type_, unit), key, seen
