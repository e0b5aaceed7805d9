"""Which bytes may be freed, against a model that looks at all versions one by one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetflow.catalog import Catalog, garbage
from assetflow.catalog.garbage import Retention, current_keys, drop, give_up, loose
from assetflow.catalog.versions import history
from assetflow.model.journal import Busy, Held, Reused, RunStatus
from assetflow.model.trace import Recipe
from assetflow.model.versions import fingerprint

MINUTE = timedelta(minutes=1)
KEYS = "1234"


@dataclass
class Old:
    """A version as the model knows it."""

    id: int
    partition: object
    version: int
    blob: str
    reads: frozenset[int]
    since: datetime


@dataclass
class Model:
    """All versions, what is current where, and until when each was."""

    versions: dict[int, Old] = field(default_factory=dict)
    current: dict[str, dict[object, int]] = field(default_factory=lambda: {"main": {}, "test": {}})
    until: dict[int, datetime] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)

    def point(self, environment: str, partition: object, id: int | None, now: datetime) -> None:
        here = self.current[environment]
        before = here.get(partition)
        if before == id:
            return
        if before is not None:
            self.until[before] = now
        here.pop(partition, None)
        if id is not None:
            here[partition] = id

    def may_go(self, rule: Retention, now: datetime, running: datetime | None) -> set[str]:
        """The blobs that nobody needs."""
        anywhere = {id for here in self.current.values() for id in here.values()}
        read = {id for each in anywhere for id in self.versions[each].reads}
        needed: set[str] = set()
        for each in self.versions.values():
            until = self.until.get(each.id, each.since)
            newer = sum(o.partition == each.partition and o.version > each.version for o in self.versions.values())
            old = now - until >= rule.older and newer >= rule.keep and (running is None or until < running)
            if each.id in anywhere or each.id in read or not old:
                needed.add(each.blob)
        return {each.blob for each in self.versions.values()} - needed - self.dead


class Story:
    """One random history of a catalog beside its model."""

    def __init__(self, w, catalog: Catalog, choose: Random) -> None:
        self.w, self.catalog, self.choose = w, catalog, choose
        self.now = w.NOON
        self.model = Model()
        self.journals = {env: catalog.journal(env, clock=lambda: self.now) for env in self.model.current}
        self.runs: dict[str, tuple[int, datetime]] = {}

    def turn(self) -> None:
        self.now += MINUTE * self.choose.choice([0, 1, 1, 5])
        turns = [*[self.make] * 9, *[self.end] * 3, *[self.collect] * 3, self.drop]
        self.choose.choice(turns)()

    def run(self, env: str) -> int:
        if env not in self.runs:
            new = replace(self.w.new_run(), started_at=self.now)
            self.runs[env] = self.journals[env].begin(new), self.now
        return self.runs[env][0]

    def end(self) -> None:
        for env in list(self.runs):
            self.journals[env].finish(self.runs.pop(env)[0], RunStatus.SUCCEEDED, {}, at=self.now)

    def make(self) -> None:
        w, choose = self.w, self.choose
        env = choose.choice(["main", "test"])
        journal, run = self.journals[env], self.run(env)
        key = choose.choice(KEYS)
        raw = [w.cell("raw", k) for k in KEYS]
        claim = choose.choice(
            [
                *[w.claim("raw", key)] * 3,
                w.claim("one", key, reads=[w.cell("raw", key)]),
                w.claim("all", reads=raw),
                w.claim("few", reads=choose.sample(raw, 2)),
                w.claim("most", reads=choose.sample(raw, 3)),
            ]
        )
        (claimed,) = journal.claim(run, [claim])
        assert not isinstance(claimed, Busy)
        content = str(choose.randint(0, 2))
        step = w.made(claimed, content, recipe=Recipe.of(code=fingerprint(content)))
        step = replace(step, started_at=self.now, seconds=0.0)
        past = claimed.histories[claim.id]
        (output,) = step.outputs
        live = [o for o in self.model.versions.values() if o.partition == claim.id and o.blob not in self.model.dead]
        if live and choose.random() < 0.4:  # equal data shares its bytes
            lent = choose.choice(live)
            output = replace(output, stored=replace(output.stored, blob=replace(output.stored.blob, name=lent.blob)))
            step = replace(step, outputs=(output,))
        old = past.by_trace.get(step.trace.digest)
        if old is not None and choose.random() < 0.5:
            done = journal.commit(run, [Reused(id=claim.id, attempt=claimed.attempt, materializations=(old,))])
            gone = self.model.versions[old.id].blob in self.model.dead
            assert old.freed is gone
            assert (claim.id in done.lost) is gone
            if not gone:
                self.model.point(env, claim.id, old.id, self.now)
            return
        held = choose.random() < 0.2
        if held:
            kept = {name: getattr(step, name) for name in step.__dataclass_fields__}
            step = Held(**kept, failure=w.failure())
        done = journal.commit(run, [step])
        assert not done.lost
        (newest,) = history(self.catalog, claim.id.asset, claim.id.key, limit=1)
        id = newest.materialization.id
        reads = frozenset(m.id for m in claimed.inputs.values())
        self.model.versions[id] = Old(
            id, claim.id, newest.materialization.version, output.stored.blob.name, reads, self.now
        )
        if not held:
            self.model.point(env, claim.id, id, self.now)

    def drop(self) -> None:
        env = self.choose.choice(["main", "test"])
        here = self.model.current[env]
        if here:
            partition = self.choose.choice(sorted(here))
            drop(self.catalog, env, [partition], at=self.now)
            self.model.point(env, partition, None, self.now)
            assert partition.key not in current_keys(self.catalog, env, partition.asset)

    def collect(self) -> None:
        rule = Retention(MINUTE * self.choose.choice([0, 0, 2, 10]), self.choose.choice([0, 0, 1, 2]))
        running = min((since for _, since in self.runs.values()), default=None)
        wanted = self.model.may_go(rule, self.now, running)
        dry_run = self.choose.random() < 0.3
        given = [each for some in give_up(self.catalog, lambda _: rule, at=self.now, dry_run=dry_run) for each in some]
        assert {each.name for each in given} == wanted
        assert len(given) == len(wanted)
        told = {(v.partition, v.version, v.until) for each in given for v in each.versions}
        of_these = [o for o in self.model.versions.values() if o.blob in wanted]
        assert told == {(o.partition, o.version, self.model.until.get(o.id, o.since)) for o in of_these}
        if not dry_run:
            self.model.dead |= wanted
        for each in history(self.catalog, self.w.asset("raw")):
            m = each.materialization
            assert m.freed is (self.model.versions[m.id].blob in self.model.dead)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1 << 32), at_once=st.sampled_from([2, 7, 500]))
def test_what_is_freed_is_all_that_nobody_needs(w, seed, at_once):
    with Catalog.open("sqlite://", create=True) as catalog, pytest.MonkeyPatch.context() as patched:
        patched.setattr(garbage, "CHUNK", at_once)
        story = Story(w, catalog, Random(seed))
        for _ in range(100):
            story.turn()
        assert catalog.verify() == ()


def test_a_file_is_loose_once_its_attempt_is_over_and_did_not_record_it(catalog, journal, w):
    run = journal.begin(w.new_run())
    recorded, failed, going = journal.claim(run, [w.claim(name) for name in ("recorded", "failed", "going")])
    step = w.made(recorded)
    journal.commit(run, [step, w.failed(failed)])
    names = {
        step.outputs[0].stored.blob.name: recorded.attempt,
        "shop/failed/_/x": failed.attempt,
        "shop/going/_/x": going.attempt,
        "shop/strange/_/x": 12345,
        "shop/strange/_/y!": None,
    }
    strange = {("shop/strange/_/x", False), ("shop/strange/_/y!", False)}
    assert set(loose(catalog, names)) == {("shop/failed/_/x", True), *strange}
    journal.finish(run, RunStatus.FAILED, {}, at=w.NOON)
    assert set(loose(catalog, names)) == {("shop/failed/_/x", True), ("shop/going/_/x", True), *strange}


def test_what_was_given_up_is_loose_as_long_as_it_lies_there(catalog, journal, w):
    run = journal.begin(w.new_run())
    steps = []
    for content in "ab":
        (claimed,) = journal.claim(run, [w.claim("raw")])
        steps.append(w.made(claimed, content))
        journal.commit(run, steps[-1:])
    first = steps[0]
    journal.finish(run, RunStatus.SUCCEEDED, {}, at=w.NOON)
    ((given_up,),) = give_up(catalog, lambda _: Retention(timedelta()), at=w.NOON + MINUTE, dry_run=False)
    assert given_up.name == first.outputs[0].stored.blob.name
    assert loose(catalog, {given_up.name: first.attempt}) == [(given_up.name, True)]
    assert list(give_up(catalog, lambda _: Retention(timedelta()), at=w.NOON + MINUTE, dry_run=False)) == []
