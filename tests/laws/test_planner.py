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
from hypothesis import HealthCheck, given, settings
from laws import LawfulPlan, check_run
from toy_project import FILE, INBOX, UNITS, Project, Read, Spec, Value, graph_of
from toy_world import World

from assetflow.model.keys import AssetKey, Partition
from assetflow.model.partitioning import KeysOf
from assetflow.model.plan import Targets
from assetflow.plan import together

LONG = os.environ.get("ASSETFLOW_LAWS") == "long"

#: What may happen, by weight. Each takes its choices from a random number, so that a failing history is shrunk by
#: leaving out what happened.
HAPPENINGS = {
    "materialize": 15,
    "materialize_together": 5,
    "edit": 5,
    "rewire": 2,
    "recut": 2,
    "revert": 3,
    "change_file": 3,
    "change_inbox": 2,
    "wait": 4,
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
    max_examples=20_000 if LONG else 600,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
def test_every_plan_of_every_history_keeps_the_laws(first: int, history: list[tuple[str, int]]) -> None:
    team = Team(Random(first))
    team.look(Targets(), "main")
    for name, number in history:
        choose = Random(number)
        getattr(team, name)(choose)
        team.look(Targets(), choose.choice(["main", "dev"]))


def value(choose: Random) -> Value:
    return (1, choose.randrange(2), choose.randrange(2))


def reads(choose: Random, known: list[AssetKey]) -> tuple[Read, ...]:
    """Mostly of what was written last, so that graphs are deep."""
    count = choose.choice([0, 1, 1, 2, 2, 3])
    columns = [None, None, ("a",), ("b",), ()]
    mappings = ["", "", "rolling", "previous", "last", "all"]
    return tuple(
        Read(known[-choose.choice([1, 1, 2, 3, 4, 5]) % len(known)], choose.choice(columns), choose.choice(mappings))
        for _ in range(count)
    )


def max_age(choose: Random) -> timedelta | None:
    return choose.choice([timedelta(0), timedelta(hours=1), timedelta(hours=3)]) if choose.random() < 0.25 else None


def spec(choose: Random, place: int, known: list[AssetKey]) -> Spec:
    key = AssetKey("toy", f"n{place}")
    several = choose.random() < 0.3
    outputs = (AssetKey("toy", f"n{place}p"), AssetKey("toy", f"n{place}q")) if several else (key,)
    cut = choose.choice(["", "", "", "inbox", "inbox", "hour", "hour", "open", "three"])
    past = (Read(outputs[-1], None, "previous"),) if cut in UNITS and choose.random() < 0.3 else ()
    return Spec(
        key=key,
        outputs=outputs,
        reads=(*reads(choose, known), *past),
        cut=cut,
        max_age=max_age(choose),
        lookback=choose.choice([None, None, None, 1, 2]),
        forward=choose.random() < 0.15,
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
            "lookback": choose.choice([None, 1, 2]),
            "forward": choose.random() < 0.5,
        }
        what = choose.choice(["code", "code", "code", *changes])
        self._write(replace(old, **{what: changes[what]}))

    def rewire(self, choose: Random) -> None:
        places = list(self.project)
        place = choose.randrange(len(places))
        known = [FILE, INBOX, *(output for key in places[:place] for output in self.project[key].outputs)]
        old = self.project[places[place]]
        past = tuple(read for read in old.reads if read.asset in old.outputs)
        self._write(replace(old, reads=(*reads(choose, known), *past)))

    def recut(self, choose: Random) -> None:
        old = choose.choice(list(self.project.values()))
        kept = tuple(read for read in old.reads if read.asset not in old.outputs)
        self._write(replace(old, reads=kept, cut=choose.choice(["", "inbox", "hour", "open", "three"])))

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
        keys = None
        graph = graph_of(self.project)
        cuts = {graph.node_of(asset).partitioning for asset in (some or assets)}
        if choose.random() < 0.4 and "x" in self.world.inbox and KeysOf(INBOX) in cuts:
            keys = frozenset(choose.choice(["x", "xy"])) & self.world.inbox.keys()
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
        before = self.look(targets, environment)
        current = dict(self.world.current[environment])
        report = self.world.materialize(
            self.project, targets, environment, memos=choose.random() < 0.7, observes=choose.random() < 0.7
        )
        assert report.plan.steps == before.plan.steps
        check_run(self.world, self.project, targets, environment, report, current)
        self.look(targets, environment)

    def look(self, targets: Targets, environment: str) -> LawfulPlan:
        return LawfulPlan(self.world, self.project, targets, environment).check()

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


#: What may happen between a run and an edit.
BETWEEN = (
    "change_file",
    "change_inbox",
    "wait",
    "break_something",
    "roll_back",
    "lose",
    "materialize",
    "revert",
    "recut",
)
read_once: list[int] = []


@given(first=st.integers(0, 2**32), turns=st.lists(st.integers(0, 2**32), min_size=1, max_size=4))
@settings(max_examples=2_000 if LONG else 120, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
def test_one_past_serves_for_all_that_are_alike(first: int, turns: list[int]) -> None:
    """As above, where code changes after all was made, and little happened in between."""
    choose = Random(first)
    team = Team(choose)
    for key, old in team.project.items():
        age = old.max_age if choose.random() < 0.1 else None
        team.project[key] = replace(
            old, max_age=age, fragile=False, stateful=False, cut=old.cut or choose.choice(["hour", "inbox"])
        )
    team.earlier = [team.project]
    for number in turns:
        choose = Random(number)
        for _ in range(2):  # the second one proves that all is fresh
            team.world.materialize(team.project, Targets(), "main", memos=True)
        for _ in range(choose.choice([0, 0, 1, 2])):
            getattr(team, choose.choice(BETWEEN))(choose)
        for _ in range(choose.choice([1, 1, 2, 3])):
            one = choose.choice(list(team.project.values()))
            team._write(replace(one, **{choose.choice(["code", "code", "type"]): 100 + choose.randrange(3)}))
            team.look(Targets(), "main")
            if choose.random() < 0.5:  # some of it is made, or fails
                if choose.random() < 0.5:
                    team.break_something(choose)
                assets = sorted(graph_of(team.project).assets)
                some = frozenset(choose.sample(assets, 1))
                cut = graph_of(team.project).node_of(next(iter(some))).partitioning
                keys = frozenset("x") if cut == KeysOf(INBOX) and "x" in team.world.inbox else None
                few, together.FEW = together.FEW, 0
                team.world.materialize(team.project, Targets(assets=some, keys=keys), "main", reads_once=True)
                together.FEW = few
                team.world.trouble.clear()
                team.look(Targets(), "main")
    read_once.append(team.world.read_once)
