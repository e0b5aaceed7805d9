"""The laws: what every plan, and every run of one, must keep. Each is a method, told in its first line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from toy_project import FILE, INBOX, UNKNOWN, Project, Spec, graph_of, reads_outside
from toy_world import Report, World

from assetflow.model.history import Materialization, SetbackKind
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.plan import Action, CauseKind, State, Step, Targets
from assetflow.plan import KeySets, together

__all__ = ["LawfulPlan", "check_run"]

_SOURCES = (FILE, INBOX)


class LawfulPlan:
    """A plan of the world as it stands, made to be checked at once."""

    def __init__(self, world: World, project: Project, targets: Targets, environment: str) -> None:
        self.world = world
        self.project = project
        self.targets = targets
        self.current = world.current[environment]
        self.environment = environment
        self.graph = graph_of(project)
        self.plan = world.plan(project, targets, environment)
        self.keys = KeySets(self.graph, self.plan.keys, self.plan.as_of)
        self.by_id = {one.id: one for one in world.made}
        self.closure = self._closure()

    def check(self) -> LawfulPlan:
        self._never_a_wrong_fresh()
        self._minimal()
        self._explained()
        self._bounded()
        for step in self.plan.steps:
            if step.reuse:
                self._lawful_reuse(step, [self.by_id[id] for id in step.reuse])
        if not self.targets.only:
            self._live()
        assert self.world.plan(self.project, self.targets, self.environment) == self.plan, "deterministic"
        few, together.FEW = together.FEW, 0
        as_one = self.world.plan(self.project, self.targets, self.environment)
        together.FEW = few
        assert replace(as_one, memos={}) == replace(self.plan, memos={}), "deciding many as one changes nothing"
        if not (self.targets.force or self.targets.only or self.targets.keys is not None):
            together.FEW = 0
            read_once = self.world.plan_alike(self.project, self.targets, self.environment)
            together.FEW = few
            assert replace(read_once, memos={}) == replace(self.plan, memos={}), "one past for all changes nothing"
        with_memos = self.world.plan(self.project, self.targets, self.environment, memos=True)
        assert replace(with_memos, memos={}) == replace(self.plan, memos={}), "memos change nothing"
        return self

    def _closure(self) -> set[Partition]:
        """By brute force: grow the selection until nothing is added."""
        chosen = {self.graph.node_of(asset).key for asset in (self.targets.assets or self.graph.assets)}
        cells = {
            (name, key)
            for name in chosen
            for key in self.keys.of_node(self.graph.nodes[name])
            if not self.targets.keys or not key or key in self.targets.keys
        }
        grown = True
        while grown and not self.targets.only:
            more = {
                (self.graph.node_of(member.asset).key, member.key)
                for name, key in cells
                for member in self._members(name, key)
            }
            grown = not more <= cells
            cells |= more
        return {Partition(output, key) for name, key in cells for output in self.graph.nodes[name].outputs}

    def _members(self, name: AssetKey, key: str) -> list[Partition]:
        return [
            Partition(read.asset, member)
            for read in self.graph.nodes[name].inputs
            for member in read.mapping.members(key, self.keys.of_node(self.graph.nodes[name]), self.keys.of(read.asset))
        ]

    def _never_a_wrong_fresh(self) -> None:
        """What is not told to be anything else has the value that it would have from scratch."""
        truth, ingredients = self.world.truth(self.project, self.environment)
        fresh = self.closure - self.plan.standings.keys()
        for partition in fresh:
            assert truth[partition] is not UNKNOWN
            if partition.asset not in _SOURCES:
                current = self.current[partition]
                assert current.id not in self.world.lost
                assert self.world.values[current.id] == truth[partition]
                assert self.world.serves(self._spec(partition), current, ingredients[partition])
        assert self.plan.fresh == len(fresh)

    def _minimal(self) -> None:
        """There is no step for what is right already, unless it is forced or something that it reads may change. With
        ``only``, what it reads is what is there, right or not.
        """
        _, ingredients = self.world.truth(self.project, self.environment)
        for step in self.plan.steps:
            kinds = {cause.kind for cause in step.causes}
            taken = {member for member in self._members(step.node, step.key) if member.asset not in _SOURCES}
            wrong = [one for one in taken if self._is_wrong(one, ingredients)]
            if not kinds & {CauseKind.FORCED, CauseKind.UPSTREAM} and not (self.targets.only and wrong):
                spec = self.project[step.node]
                assert not all(self._is_good(spec, output, ingredients[output]) for output in step.outputs)

    def _is_wrong(self, member: Partition, ingredients: Any) -> bool:
        current = self.current.get(member)
        return current is None or not self.world.serves(self._spec(member), current, ingredients[member])

    def _spec(self, partition: Partition) -> Spec:
        return self.project[self.graph.node_of(partition.asset).key]

    def _is_good(self, spec: Spec, output: Partition, ingredients: Any) -> bool:
        current = self.current.get(output)
        return (
            current is not None
            and current.id not in self.world.lost
            and ingredients is not UNKNOWN
            and self.world.serves(spec, current, ingredients)
            and not self.world.is_old(spec, output.key, current.made_at, self.plan.as_of)
        )

    def _explained(self) -> None:
        """Every step and everything that is not fresh has a cause; a step that only may run has none of its own."""
        for step in self.plan.steps:
            assert step.causes
            assert all(cause.message for cause in step.causes)
            own = any(cause.kind is not CauseKind.UPSTREAM for cause in step.causes)
            assert own == (step.action is not Action.MAYBE)
            assert bool(step.reuse) == (step.action is Action.REUSE)
        for standing in self.plan.standings.values():
            assert standing.causes
            assert standing.state is not State.FRESH

    def _bounded(self) -> None:
        """Steps are about the closure, one for each call, in the order of the graph."""
        ids = [step.id for step in self.plan.steps]
        assert len(ids) == len(set(ids))
        assert all(output in self.closure for step in self.plan.steps for output in step.outputs)
        places = [self.graph.order.index(step.node) for step in self.plan.steps]
        assert places == sorted(places)

    def _lawful_reuse(self, step: Step, reused: list[Materialization]) -> None:
        """All outputs of one attempt, the newest with that trace, and nothing that speaks against it."""
        world, spec = self.world, self.project[step.node]
        assert tuple(one.partition for one in reused) == step.outputs
        assert len({one.attempt for one in reused}) == 1
        for one in reused:
            assert one.id not in world.lost
            assert not one.stateful
            assert not world.is_old(spec, step.key, one.made_at, self.plan.as_of)
            same = [other for other in world.made if other.partition == one.partition and other.trace == one.trace]
            assert one.id == max(other.id for other in same if other.id not in world.lost)
            current = self.current.get(one.partition)
            if current is not None:
                assert current.id not in world.lost
                assert not current.stateful
                assert not world.is_old(spec, step.key, current.made_at, self.plan.as_of)
                if reads_outside(spec) and not spec.deterministic:
                    assert one.id >= current.id

    def _live(self) -> None:
        """What is not fresh has a step, unless it was answered before or lacks an input; and then it has none."""
        steps = {output: step for step in self.plan.steps for output in step.outputs}
        #: The value that readers get; None while it is pending, UNKNOWN where there will be none.
        values: dict[Partition, Any] = {Partition(FILE): UNKNOWN, **self.world.observations()}
        for name in self.graph.order:
            for key in self.keys.of_node(self.graph.nodes[name]):
                outputs = [Partition(asset, key) for asset in self.graph.nodes[name].outputs]
                if name not in _SOURCES and outputs[0] in self.closure:
                    step = steps.get(outputs[0])
                    serves = self._cell(name, key, outputs, step, values)
                    values |= {output: self._value(output, place, step, serves) for place, output in enumerate(outputs)}

    def _cell(
        self, name: AssetKey, key: str, outputs: list[Partition], step: Step | None, values: Mapping[Partition, Any]
    ) -> bool:
        """Check one cell; whether its readers go on with what is current where it has no step."""
        standings, members = self.plan.standings, self._members(name, key)
        is_fresh = not any(output in standings for output in outputs)
        sound = all(standings[member].state is State.SKIPPED for member in members if member in standings)
        assert not (is_fresh and not sound), "nothing is fresh under a stale parent"
        if any(values[member] is UNKNOWN for member in members):
            assert not step, "nothing is planned under what is not to be had"
            return False
        if any(values[member] is None for member in members):
            assert step, "what may change is planned"
            return False
        spec = self.project[name]
        today = self.world.ingredients_of(self.project, spec, key, values, self.keys)
        good = all(self._is_good(spec, output, today) for output in outputs)
        answer = self._answer(spec, outputs, today)
        if self.targets.force and step and step.requested:
            assert step.action is Action.RUN
        elif good or answer is SetbackKind.SKIPPED:
            assert not step
        elif answer:
            assert not step or step.action is Action.REUSE, "no retry storms"
        else:
            assert step, "what is not fresh is planned"
        return good or answer is SetbackKind.SKIPPED

    def _answer(self, spec: Spec, outputs: list[Partition], today: Any) -> SetbackKind | None:
        if self.targets.named & set(outputs):
            return None
        kinds = [self.world.answered(spec, output, today, self.environment) for output in outputs]
        forgotten = SetbackKind.FAILED if self.targets.retry_failed else None
        return next((kind for kind in kinds if kind not in (None, forgotten)), None)

    def _value(self, output: Partition, place: int, step: Step | None, serves: bool) -> Any:
        if step:
            return self.world.values[self.by_id[step.reuse[place]].id] if step.reuse else None
        current = self.current.get(output)
        return self.world.values[current.id] if serves and current and current.id not in self.world.lost else UNKNOWN


def check_run(
    world: World,
    project: Project,
    targets: Targets,
    environment: str,
    report: Report,
    before: Mapping[Partition, Materialization],
) -> None:
    """Check a run that nobody disturbed, given what was current before it."""
    assert not report.needless, "early cutoff"
    for step in report.plan.steps:
        outcome = report.outcomes[step.id]
        pending = any(cause.kind is CauseKind.UPSTREAM for cause in step.causes)
        if step.action is Action.REUSE:
            assert outcome == "reused", "a proposed reuse is what happens"
        elif not pending:
            assert outcome in ("ran", "failed", "skipped"), "certain steps do run"
        elif step.action is Action.RUN and outcome == "kept":
            # Only a skip that was remembered can have answered it.
            assert all(output in world.tried[environment] for output in step.outputs)
    touched = {output for step in report.plan.steps for output in step.outputs}
    for partition, current in world.current[environment].items():
        if partition not in touched and partition.asset not in _SOURCES:
            assert before[partition] is current, "nothing else is touched"
    if not targets.only:
        _isolated(world, project, targets, environment)


def _isolated(world: World, project: Project, targets: Targets, environment: str) -> None:
    """After a run all is right but what failed, is volatile, or needs such; and nothing else would run again."""
    same = replace(targets, force=False, retry_failed=False, named=frozenset())
    after, graph = world.plan(project, same, environment), graph_of(project)
    restless: set[AssetKey] = set()
    for name in graph.order:
        node = graph.nodes[name]
        trouble = any(partition.asset in node.outputs for partition in world.setbacks[environment])
        missing = node.observed and any(partition.asset == name for partition in after.standings)
        if trouble or missing or node.max_age == timedelta(0) or not restless.isdisjoint(graph.producers(name)):
            restless.add(name)
    assert all(step.node in restless for step in after.steps), "idempotent"
    assert all(graph.node_of(partition.asset).key in restless for partition in after.standings), "isolated"
