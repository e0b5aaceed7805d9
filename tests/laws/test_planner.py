"""The laws of the planner, under random histories: graphs, edits, reverts, failures, skips, other processes.

``ASSETFLOW_LAWS=long`` looks much longer.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, given, settings
from toy_world import FILE, INBOX, UNKNOWN, Project, Read, Report, Spec, Value, World, graph_of

from assetflow.graph import Graph
from assetflow.model.history import SetbackKind
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.plan import Action, CauseKind, Plan, State, Targets
from assetflow.plan import KeySets

LONG = os.environ.get("ASSETFLOW_LAWS") == "long"

#: What may happen, by weight. Each takes its choices from a random number, so that a failing history is shrunk by
#: leaving out what happened.
HAPPENINGS = {
    "materialize": 15,
    "materialize_together": 5,
    "edit": 5,
    "rewire": 2,
    "revert": 3,
    "change_file": 3,
    "change_inbox": 2,
    "wait": 2,
    "break_something": 3,
    "mend": 3,
    "roll_back": 2,
    "lose": 1,
}
histories = st.lists(
    st.tuples(
        st.sampled_from([name for name, weight in HAPPENINGS.items() for _ in range(weight)]),
        st.integers(0, 2**32),
    ),
    min_size=5,
    max_size=40 if LONG else 25,
)


@given(first=st.integers(0, 2**32), history=histories)
@settings(
    max_examples=20_000 if LONG else int(os.environ.get("EX", "400")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    phases=[Phase.generate] if os.environ.get("NOSHRINK") else list(Phase),
)
def test_every_plan_of_every_history_keeps_the_laws(first: int, history: list[tuple[str, int]]) -> None:
    team = Team(Random(first))
    team.check(Targets(), "main")
    for name, number in history:
        choose = Random(number)
        getattr(team, name)(choose)
        team.check(Targets(), choose.choice(["main", "dev"]))


def value(choose: Random) -> Value:
    return (1, choose.randrange(2), choose.randrange(2))


def reads(choose: Random, known: list[AssetKey]) -> tuple[Read, ...]:
    """Mostly of what was written last, so that graphs are deep."""
    count = choose.choice([0, 1, 1, 2, 2, 3])
    columns = [None, None, ("a",), ("b",), ()]
    return tuple(
        Read(known[-choose.choice([1, 1, 2, 3, 4, 5]) % len(known)], choose.choice(columns)) for _ in range(count)
    )


def max_age(choose: Random) -> timedelta | None:
    return choose.choice([timedelta(0), timedelta(hours=1), timedelta(hours=3)]) if choose.random() < 0.25 else None


def spec(choose: Random, place: int, known: list[AssetKey]) -> Spec:
    key = AssetKey("toy", f"n{place}")
    several = choose.random() < 0.3
    return Spec(
        key=key,
        outputs=(AssetKey("toy", f"n{place}p"), AssetKey("toy", f"n{place}q")) if several else (key,),
        reads=reads(choose, known),
        partitioned=choose.random() < 0.4,
        max_age=max_age(choose),
        outside=choose.random() < 0.2,
        deterministic=choose.random() < 0.3,
        fragile=choose.random() < 0.2,
        stateful=choose.random() < 0.1,
    )


class Team:
    """Two people work on one project and two environments."""

    def __init__(self, choose: Random) -> None:
        self.world = World()
        self.project: Project = {}
        known = [FILE, INBOX]
        for place in range(choose.choice([1, 2, 2, 3, 3, 4, 5, 6])):
            new = spec(choose, place, known)
            self.project[new.key] = new
            known += new.outputs
        #: Earlier states of the project: what a revert goes back to, and what a colleague still has.
        self.earlier: list[Project] = [self.project]

    # What people do

    def edit(self, choose: Random) -> None:
        old = choose.choice(list(self.project.values()))
        changes: dict[str, Any] = {
            "code": choose.randrange(3),
            "parameter": choose.randrange(2),
            "resource": choose.randrange(2),
            "type": choose.randrange(2),
            "fragile": choose.random() < 0.5,
            "max_age": max_age(choose),
        }
        what = choose.choice(["code", "code", "code", *changes])
        self._write(replace(old, **{what: changes[what]}))

    def rewire(self, choose: Random) -> None:
        places = list(self.project)
        place = choose.randrange(len(places))
        known = [FILE, INBOX, *(output for key in places[:place] for output in self.project[key].outputs)]
        self._write(replace(self.project[places[place]], reads=reads(choose, known)))

    def _write(self, new: Spec) -> None:
        self.project = {**self.project, new.key: new}
        self.earlier.append(self.project)

    def revert(self, choose: Random) -> None:
        self.project = choose.choice(self.earlier[-4:])

    def change_file(self, choose: Random) -> None:
        self.world.file = None if choose.random() < 0.1 else value(choose)

    def change_inbox(self, choose: Random) -> None:
        key, content = choose.choice("xyz"), self.world.inbox.pop(choose.choice("xyz"), None)
        if choose.random() < 0.4:
            return
        if content is not None and choose.random() < 0.4:
            self.world.inbox[key] = content
        else:
            self.world.inbox[key] = value(choose)

    def wait(self, choose: Random) -> None:
        self.world.now += timedelta(minutes=choose.choice([1, 59, 60, 180]))
        self.world.weather = choose.randrange(3)

    def break_something(self, choose: Random) -> None:
        kind = choose.choice(["permanent", "data", "transient", "infrastructure", "skip", "skip"])
        self.world.trouble[choose.choice(list(self.project))] = kind

    def mend(self, choose: Random) -> None:
        self.world.trouble.clear()

    def roll_back(self, choose: Random) -> None:
        made = [one for one in self.world.made if one.partition.asset not in (FILE, INBOX)]
        if made:
            one = choose.choice(made)
            outputs = [other for other in made if other.attempt == one.attempt]
            self.world.point(choose.choice(["main", "dev"]), choose.choice([[one], outputs]))

    def lose(self, choose: Random) -> None:
        made = [one for one in self.world.made if one.partition.asset not in (FILE, INBOX)]
        if made:
            self.world.lost.add(choose.choice(made[-8:]).id)

    # What is planned and done

    def targets(self, choose: Random) -> Targets:
        assets = sorted(graph_of(self.project).assets)
        if choose.random() < 0.4:
            return Targets()
        some = frozenset(choose.sample(assets, min(len(assets), choose.choice([1, 1, 2, 3]))))
        named = choose.random() < 0.3 and len(some) == 1
        keys = frozenset(choose.choice(["x", "xy"])) if choose.random() < 0.4 and "x" in self.world.inbox else None
        return Targets(
            assets=some,
            keys=keys,
            only=choose.random() < 0.2,
            force=choose.random() < 0.15,
            retry_failed=choose.random() < 0.15,
            named=frozenset(Partition(asset, key) for asset in some for key in ("", "x")) if named else frozenset(),
        )

    def materialize(self, choose: Random) -> None:
        targets, environment = self.targets(choose), choose.choice(["main", "main", "dev"])
        before = self.check(targets, environment)
        current = dict(self.world.current[environment])
        report = self.world.materialize(
            self.project, targets, environment, memos=choose.random() < 0.7, observes=choose.random() < 0.7
        )
        assert report.plan.steps == before.steps
        self._check_run(report, targets, environment, current)
        self.check(targets, environment)

    def materialize_together(self, choose: Random) -> None:
        """A second process, perhaps with an older checkout, runs between snapshot and commit or between two steps."""
        colleagues = choose.choice([self.project, choose.choice(self.earlier[-4:])])
        environment = choose.choice(["main", "main", "dev"])
        at, memos, colleagues_memos = choose.choice([0, 0, 1, 2, 3]), choose.random() < 0.7, choose.random() < 0.7

        def meanwhile(place: int) -> None:
            if place == at:
                self.world.materialize(colleagues, Targets(), environment, memos=colleagues_memos)

        report = self.world.materialize(self.project, self.targets(choose), memos=memos, meanwhile=meanwhile)
        assert not report.needless, "early cutoff"

    # The laws

    def check(self, targets: Targets, environment: str) -> Plan:
        project = self.project
        made = self.world.plan(project, targets, environment)
        self._never_a_wrong_fresh(made, project, targets, environment)
        self._minimal(made, project, environment)
        self._explained(made)
        self._closure_of_last_plan = self.closure(project, targets)
        self._bounded(made, project, targets)
        self._lawful_reuse(made, environment)
        if not targets.only:
            self._live(made, targets, environment)
        assert self.world.plan(project, targets, environment) == made, "deterministic"
        settled = self.world.plan(project, targets, environment, memos=True)
        assert replace(settled, memos={}) == replace(made, memos={}), "memos change nothing"
        return made

    def _never_a_wrong_fresh(self, made: Plan, project: Project, targets: Targets, environment: str) -> None:
        """Everything in the closure that is not told to be anything else has the value it would have from scratch."""
        truth, ingredients = self.world.truth(project, environment)
        fresh = 0
        for partition in self.closure(project, targets):
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
                and not self.world.is_old(project[step.node], current.made_at, made.as_of)
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
        closure = self.closure(project, targets)
        ids = [step.id for step in made.steps]
        assert len(ids) == len(set(ids))
        assert all(output in closure for step in made.steps for output in step.outputs)
        order = list(graph_of(project).order)
        assert [order.index(step.node) for step in made.steps] == sorted(order.index(step.node) for step in made.steps)

    def _lawful_reuse(self, made: Plan, environment: str) -> None:
        world = self.world
        by_id = {one.id: one for one in world.made}
        for step in made.steps:
            spec = self.project[step.node]
            reused = [by_id[id] for id in step.reuse]
            if not reused:
                continue
            assert tuple(one.partition for one in reused) == step.outputs
            assert len({one.attempt for one in reused}) == 1
            for one in reused:
                current = world.current[environment].get(one.partition)
                assert one.id not in world.lost
                assert not one.stateful
                assert not world.is_old(spec, one.made_at, made.as_of)
                if current is not None:
                    assert current.id not in world.lost
                    assert not current.stateful
                    assert not world.is_old(spec, current.made_at, made.as_of)
                    if (spec.outside or spec.max_age is not None) and not spec.deterministic:
                        assert one.id > current.id
            newer = [
                other for other in world.made if other.partition == reused[0].partition and other.id > reused[0].id
            ]
            assert all(other.trace != reused[0].trace or other.id in world.lost for other in newer)

    def _live(self, made: Plan, targets: Targets, environment: str) -> None:
        """What is not fresh has a step, unless it was answered before, or lacks an input; and these have none."""
        world, graph = self.world, graph_of(self.project)
        keys = KeySets(graph, made.keys)
        by_id = {one.id: one for one in world.made}
        steps = {output: step for step in made.steps for output in step.outputs}
        #: The value that readers get; None while it is pending, UNKNOWN where there will be none.
        values: dict[Partition, Any] = {Partition(FILE): UNKNOWN, **world.observations()}
        for name in graph.order:
            if name in (FILE, INBOX):
                continue
            node, spec = graph.nodes[name], self.project[name]
            for key in keys.of_node(node):
                outputs = [Partition(asset, key) for asset in node.outputs]
                if outputs[0] not in self._closure_of_last_plan:
                    continue
                members = [
                    Partition(read.asset, member)
                    for read in node.inputs
                    for member in read.mapping.members(key, keys.of(read.asset))
                ]
                step = steps.get(outputs[0])
                lacking = any(values[member] is UNKNOWN for member in members)
                pending = any(values[member] is None for member in members)
                sound = all(
                    made.standings[member].state is State.SKIPPED for member in members if member in made.standings
                )
                currents = [world.current[environment].get(output) for output in outputs]
                readable = [one if one and one.id not in world.lost else None for one in currents]
                assert not (lacking and step), "nothing is planned under what is not to be had"
                is_fresh = not any(output in made.standings for output in outputs)
                assert not (is_fresh and not sound), "nothing is fresh under a stale parent"
                if lacking:
                    assert not is_fresh
                    values |= dict.fromkeys(outputs, UNKNOWN)
                elif pending:
                    assert step, "what may change is planned"
                    values |= dict.fromkeys(outputs)
                else:
                    today = world.ingredients_of(self.project, spec, key, values, keys)
                    demanded = targets.force and step is not None and step.requested
                    good = all(
                        one and world.ingredients[one.id] == today and not world.is_old(spec, one.made_at, made.as_of)
                        for one in readable
                    )
                    answers = {world.answered(spec, output, today, environment) for output in outputs} - {None}
                    if targets.named & set(outputs):
                        answers = set()
                    elif targets.retry_failed:
                        answers -= {SetbackKind.FAILED}
                    if demanded:
                        assert step.action is Action.RUN
                    elif good or answers == {SetbackKind.SKIPPED}:
                        assert not step
                    elif answers:
                        assert not step or step.action is Action.REUSE, "no retry storms"
                    else:
                        assert step, "what is not fresh is planned"
                    for output, one, reused in zip(outputs, readable, (step and step.reuse) or outputs, strict=True):
                        if step:
                            values[output] = world.values[by_id[reused].id] if step.reuse else None
                        elif one and (good or answers == {SetbackKind.SKIPPED}):
                            values[output] = world.values[one.id]
                        else:
                            values[output] = UNKNOWN

    def closure(self, project: Project, targets: Targets) -> set[Partition]:
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

    def _check_run(self, report: Report, targets: Targets, environment: str, before: dict[Partition, object]) -> None:
        assert not report.needless, "early cutoff"
        graph = graph_of(self.project)
        for step in report.plan.steps:
            outcome = report.outcomes[step.id]
            pending = any(cause.kind is CauseKind.UPSTREAM for cause in step.causes)
            if step.action is Action.REUSE:
                assert outcome == "reused", (
                    "a proposed reuse is what happens",
                    step,
                    targets,
                    [self.world.history(environment, o) for o in step.outputs],
                )
            elif not pending:
                assert outcome in ("ran", "failed", "skipped"), "certain steps do run"
            elif step.action is Action.RUN and outcome == "kept":
                # Only a skip that was remembered can have answered it.
                assert all(output in self.world.tried[environment] for output in step.outputs)
        touched = {output for step in report.plan.steps for output in step.outputs}
        for partition, current in self.world.current[environment].items():
            if partition not in touched and partition.asset not in (FILE, INBOX):
                assert before[partition] is current, "nothing else is touched"
        if targets.only:
            return
        after = self.world.plan(
            self.project, replace(targets, force=False, retry_failed=False, named=frozenset()), environment
        )
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
