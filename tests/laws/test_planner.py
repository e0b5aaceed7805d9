"""The laws of the planner, under random histories: graphs, edits, reverts, failures, skips, other processes.

``ASSETFLOW_LAWS=long`` looks much longer.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from toy_world import FILE, INBOX, UNKNOWN, Project, Read, Report, Spec, World, graph_of

from assetflow.graph import Graph
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.plan import Action, CauseKind, Plan, State, Targets
from assetflow.plan import KeySets, plan

LONG = os.environ.get("ASSETFLOW_LAWS") == "long"

values = st.tuples(st.just(1), st.integers(0, 1), st.integers(0, 1))
columns = st.sampled_from([None, None, ("a",), ("b",), ()])
max_ages = st.sampled_from([None, None, None, None, timedelta(0), timedelta(hours=1), timedelta(hours=3)])
rarely = st.sampled_from([False, False, False, False, False, True])


@st.composite
def specs(draw: st.DrawFn, place: int, known: list[AssetKey]) -> Spec:
    key = AssetKey("toy", f"n{place}")
    outputs = (key,) if draw(st.integers(0, 3)) else (AssetKey("toy", f"n{place}p"), AssetKey("toy", f"n{place}q"))
    chosen = draw(st.lists(st.sampled_from(known), max_size=3))
    return Spec(
        key=key,
        outputs=outputs,
        reads=tuple(Read(asset, draw(columns)) for asset in chosen),
        partitioned=draw(rarely) or INBOX in chosen and draw(st.booleans()),
        max_age=draw(max_ages),
        outside=draw(rarely),
        deterministic=draw(rarely),
        fragile=draw(rarely),
        stateful=draw(rarely),
    )


class PlannerLaws(RuleBasedStateMachine):
    """Two processes with a project each work on two environments; every plan made on the way must keep the laws."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.project: Project = {}
        #: Earlier states of the project: what a revert goes back to, and what a colleague still has.
        self.earlier: list[Project] = []

    @initialize(data=st.data(), size=st.integers(1, 6))
    def write(self, data: st.DataObject, size: int) -> None:
        known = [FILE, INBOX]
        for place in range(size):
            spec = data.draw(specs(place, known))
            self.project[spec.key] = spec
            known += spec.outputs
        self.earlier.append(self.project)

    # What people do

    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        spec = data.draw(st.sampled_from(list(self.project.values())))
        what = data.draw(st.sampled_from(["code", "code", "code", "parameter", "resource", "type", "fragile", "max_age"]))
        new = data.draw(max_ages) if what == "max_age" else data.draw(st.integers(0, 2))
        self._write(replace(spec, **{what: bool(new) if what == "fragile" else new}))

    @rule(data=st.data())
    def rewire(self, data: st.DataObject) -> None:
        places = list(self.project)
        place = data.draw(st.integers(0, len(places) - 1))
        known = [FILE, INBOX, *(output for key in places[:place] for output in self.project[key].outputs)]
        chosen = data.draw(st.lists(st.sampled_from(known), max_size=3))
        self._write(replace(self.project[places[place]], reads=tuple(Read(a, data.draw(columns)) for a in chosen)))

    @rule(data=st.data())
    def revert(self, data: st.DataObject) -> None:
        self.project = data.draw(st.sampled_from(self.earlier))

    def _write(self, spec: Spec) -> None:
        self.project = {**self.project, spec.key: spec}
        self.earlier.append(self.project)

    @rule(value=st.none() | values)
    def change_file(self, value: tuple[int, int, int] | None) -> None:
        self.world.file = value

    @rule(key=st.sampled_from("xyz"), value=st.none() | values)
    def change_inbox(self, key: str, value: tuple[int, int, int] | None) -> None:
        if value is None:
            self.world.inbox.pop(key, None)
        else:
            self.world.inbox[key] = value

    @rule(minutes=st.sampled_from([1, 59, 60, 180]), weather=st.integers(0, 2))
    def wait(self, minutes: int, weather: int) -> None:
        self.world.now += timedelta(minutes=minutes)
        self.world.weather = weather

    @rule(data=st.data(), trouble=st.sampled_from(["", "permanent", "data", "transient", "infrastructure", "skip"]))
    def break_or_mend(self, data: st.DataObject, trouble: str) -> None:
        self.world.trouble[data.draw(st.sampled_from(list(self.project)))] = trouble

    @precondition(lambda self: self.world.made)
    @rule(data=st.data(), environment=st.sampled_from(["main", "dev"]))
    def roll_back(self, data: st.DataObject, environment: str) -> None:
        one = data.draw(st.sampled_from(self.world.made))
        if one.partition.asset not in (FILE, INBOX):
            self.world._point(environment, [one])

    @precondition(lambda self: self.world.made)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.world.made))
        if one.partition.asset not in (FILE, INBOX):
            self.world.lost.add(one.id)

    # What is planned and done

    def _targets(self, data: st.DataObject) -> Targets:
        assets = sorted(graph_of(self.project).assets)
        some = data.draw(st.none() | st.frozensets(st.sampled_from(assets), min_size=1, max_size=3))
        keys = data.draw(st.none() | st.none() | st.just(frozenset({"x", "y"})))
        named = data.draw(st.booleans()) and some and len(some) == 1
        return Targets(
            assets=some,
            keys=keys if keys and "x" in self.world.inbox else None,
            only=data.draw(rarely),
            force=data.draw(rarely),
            retry_failed=data.draw(rarely),
            named=frozenset(Partition(asset, key) for asset in some or () for key in ("", "x")) if named else frozenset(),
        )

    @rule(data=st.data(), memos=st.booleans(), observes=st.booleans(), environment=st.sampled_from(["main", "main", "dev"]))
    def materialize(self, data: st.DataObject, memos: bool, observes: bool, environment: str) -> None:
        targets = self._targets(data)
        before = self._check(self.project, targets, environment)
        current = dict(self.world.current[environment])
        report = self.world.materialize(self.project, targets, environment, memos=memos, observes=observes)
        assert report.plan.steps == before.steps
        self._check_run(report, targets, environment, current)
        self._check(self.project, targets, environment)

    @rule(data=st.data(), memos=st.booleans(), colleague_memos=st.booleans(), at=st.integers(0, 4))
    def materialize_together(self, data: st.DataObject, memos: bool, colleague_memos: bool, at: int) -> None:
        """A second process, perhaps with an older checkout, runs between snapshot and commit or between two steps."""
        other = data.draw(st.sampled_from([self.project, *self.earlier]))
        inside = data.draw(st.sampled_from(list(World().current)))

        def meanwhile(place: int) -> None:
            if place == at:
                self.world.materialize(other, Targets(), inside, memos=colleague_memos)

        report = self.world.materialize(self.project, self._targets(data), memos=memos, meanwhile=meanwhile)
        assert not report.needless

    @rule(environment=st.sampled_from(["main", "dev"]))
    def look(self, environment: str) -> None:
        self._check(self.project, Targets(), environment)

    # The laws

    def _check(self, project: Project, targets: Targets, environment: str) -> Plan:
        made = self.world.plan(project, targets, environment)
        self._never_a_wrong_fresh(made, project, targets, environment)
        self._minimal(made, project, environment)
        self._explained(made)
        self._bounded(made, project, targets)
        assert self.world.plan(project, targets, environment) == made, "deterministic"
        settled = self.world.plan(project, targets, environment, memos=True)
        assert replace(settled, memos={}) == replace(made, memos={}), "memos change nothing"
        return made

    def _never_a_wrong_fresh(self, made: Plan, project: Project, targets: Targets, environment: str) -> None:
        """Everything in the closure that is not told to be anything else has the value it would have from scratch."""
        truth, ingredients = self.world.truth(project, environment)
        fresh = 0
        for partition in self._closure(project, targets):
            if partition in made.standings:
                assert made.standings[partition].state is not State.FRESH
                continue
            fresh += 1
            if partition.asset in (FILE, INBOX):
                assert truth[partition] is not UNKNOWN
                continue
            current = self.world.current[environment][partition]
            assert current.id not in self.world.lost
            assert truth[partition] is not UNKNOWN
            assert self.world.values[current.id] == truth[partition]
            assert self.world.ingredients[current.id] == ingredients[partition]
        assert made.fresh == fresh

    def _minimal(self, made: Plan, project: Project, environment: str) -> None:
        """No step for what is right already, unless it is forced or something that it reads may change."""
        truth, ingredients = self.world.truth(project, environment)
        for step in made.steps:
            kinds = {cause.kind for cause in step.causes}
            if kinds & {CauseKind.FORCED, CauseKind.UPSTREAM}:
                continue
            right = all(
                (current := self.world.current[environment].get(output)) is not None
                and current.id not in self.world.lost
                and truth[output] is not UNKNOWN
                and self.world.ingredients[current.id] == ingredients[output]
                and not self.world._is_old(project[step.node], current.made_at, made.as_of)
                for output in step.outputs
            )
            assert not right

    def _explained(self, made: Plan) -> None:
        for step in made.steps:
            assert step.causes
            own = any(cause.kind is not CauseKind.UPSTREAM for cause in step.causes)
            assert own == (step.action is not Action.MAYBE)
            assert bool(step.reuse) == (step.action is Action.REUSE)
        for standing in made.standings.values():
            assert standing.causes
        assert all(cause.message for step in made.steps for cause in step.causes)

    def _bounded(self, made: Plan, project: Project, targets: Targets) -> None:
        closure = self._closure(project, targets)
        ids = [step.id for step in made.steps]
        assert len(ids) == len(set(ids))
        assert all(output in closure for step in made.steps for output in step.outputs)
        order = list(graph_of(project).order)
        assert [order.index(step.node) for step in made.steps] == sorted(order.index(step.node) for step in made.steps)

    def _closure(self, project: Project, targets: Targets) -> set[Partition]:
        """By brute force: grow the selection until nothing is added."""
        graph = graph_of(project)
        keys = KeySets(graph, {INBOX: tuple(sorted(self.world.inbox))})
        chosen = {graph.node_of(asset).key for asset in (targets.assets or graph.assets)}
        cells = {
            (name, key)
            for name in chosen
            for key in keys.of_node(graph.nodes[name])
            if not targets.keys or not key or key in targets.keys
        }
        grown = True
        while grown and not targets.only:
            more = {
                (graph.node_of(read.asset).key, member)
                for name, key in cells
                for read in graph.nodes[name].inputs
                for member in read.mapping.members(key, keys.of(read.asset))
            }
            grown = not more <= cells
            cells |= more
        return {Partition(output, key) for name, key in cells for output in graph.nodes[name].outputs}

    def _check_run(
        self, report: Report, targets: Targets, environment: str, before: dict[Partition, object]
    ) -> None:
        assert not report.needless, "early cutoff"
        graph = graph_of(self.project)
        for step in report.plan.steps:
            outcome = report.outcomes[step.id]
            pending = any(cause.kind is CauseKind.UPSTREAM for cause in step.causes)
            if step.action is Action.REUSE:
                assert outcome == "reused", ("a proposed reuse is what happens",step,targets, [self.world.history(environment,o) for o in step.outputs])
            elif not pending:
                assert outcome in ("ran", "failed", "skipped"), "certain steps do run"
            elif step.action is Action.RUN and outcome == "kept":
                # Only a skip that was remembered can have answered it.
                assert all(output in self.world.skipped[environment] for output in step.outputs)
        touched = {output for step in report.plan.steps for output in step.outputs}
        for partition, current in self.world.current[environment].items():
            if partition not in touched and partition.asset not in (FILE, INBOX):
                assert before[partition] is current, "nothing else is touched"
        if targets.only:
            return
        after = self.world.plan(self.project, replace(targets, force=False, retry_failed=False, named=frozenset()), environment)
        self._isolated(after, graph, environment)

    def _isolated(self, after: Plan, graph: Graph, environment: str) -> None:
        """After a run only what failed, is volatile, or needs such, is not right; all else is, and is not planned."""
        restless: set[AssetKey] = set()
        for name in graph.order:
            node = graph.nodes[name]
            trouble = any(p.asset in node.outputs for p in self.world.setbacks[environment])
            missing = node.observed and any(p.asset == name for p in after.standings)
            if trouble or missing or node.max_age == timedelta(0) or not restless.isdisjoint(graph.producers(name)):
                restless.add(name)
        for step in after.steps:
            assert step.node in restless, "idempotent"
        for partition in after.standings:
            assert graph.node_of(partition.asset).key in restless, "isolated"


TestPlannerLaws = PlannerLaws.TestCase
TestPlannerLaws.settings = settings(
    max_examples=int(os.environ.get("EX", "120")),
    stateful_step_count=int(os.environ.get("ST","20")),
    deadline=None,
    phases=[Phase.generate] if os.environ.get('NOSHRINK') else list(Phase),
    suppress_health_check=list(HealthCheck),
)
