"""The pointer intervals, the past and exact lineage against models that are obviously right."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assetflow.catalog import Catalog
from assetflow.catalog.edges import current_at
from assetflow.catalog.versions import ancestry, find, progeny
from assetflow.model.journal import Read, Reused
from assetflow.model.trace import Recipe
from assetflow.model.versions import fingerprint

CELLS = st.tuples(st.sampled_from("ab"), st.sampled_from("123"))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["main", "test"]),
        st.dictionaries(CELLS, st.tuples(st.sampled_from(["make", "reuse", "lose"]), st.integers(0, 2)), max_size=4),
    ),
    max_size=10,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups=STEPS)
def test_intervals_tell_what_was_current_at_every_revision(w, groups):
    """The naive model is a dict per environment, copied whole after each commit."""
    with Catalog.open("sqlite://", create=True) as catalog:
        current: dict[str, dict[object, int]] = {"main": {}, "test": {}}
        shots = [(0, {env: dict(d) for env, d in current.items()})]
        versions: dict[object, int] = {}
        newest: dict[object, dict[int, int]] = {}
        journals = {env: catalog.journal(env) for env in current}
        runs = {env: journal.begin(w.new_run()) for env, journal in journals.items()}
        for env, actions in groups:
            journal, run = journals[env], runs[env]
            claimed = journal.claim(run, [w.claim(name, key) for name, key in actions])
            finished = []
            for claim, (action, content) in zip(claimed, actions.values(), strict=True):
                recipe = Recipe.of(code=fingerprint(str(content)))
                step = w.made(claim, str(content), recipe=recipe)
                past = claim.histories[claim.id]
                assert {m.id for m in past.by_trace.values()} == set(newest.get(claim.id, {}).values())
                assert (past.current.id if past.current else None) == current[env].get(claim.id)
                old = past.by_trace.get(step.trace.digest)
                if action == "lose":
                    finished.append(replace(step, attempt=claim.attempt + 1))
                elif action == "reuse" and old is not None:
                    finished.append(Reused(id=claim.id, attempt=claim.attempt, materializations=(old,)))
                else:
                    finished.append(step)
                    versions[claim.id] = versions.get(claim.id, 0) + 1
            done = journal.commit(run, finished)
            for step in finished:
                if isinstance(step, Reused) or step.id not in done.lost:
                    made = done.materializations[step.id]
                    current[env][step.id] = made.id
                    content = next(c for (n, k), (_, c) in actions.items() if w.cell(n, k) == step.id)
                    newest.setdefault(step.id, {})[content] = made.id
                    if not isinstance(step, Reused):
                        assert made.version == versions[step.id]
            shots.append(_shot(catalog, current))
            for lost in done.lost:  # their leases stand: the token was not the holder's
                journal.commit(run, [replace(s, attempt=c.attempt) for s, c in _pairs(finished, claimed, lost)])
                made = find(catalog, env, lost)
                current[env][lost] = made.materialization.id
                versions[lost] = versions.get(lost, 0) + 1
                content = next(c for (n, k), (_, c) in actions.items() if w.cell(n, k) == lost)
                newest.setdefault(lost, {})[content] = made.materialization.id
                shots.append(_shot(catalog, current))
            with catalog.view(env) as view:
                assert view.current() == current[env]
        assert catalog.verify() == ()
        _compare(catalog, w, shots)


def _shot(catalog, current):
    with catalog.view("main") as view:
        return view.revision, {env: dict(cells) for env, cells in current.items()}


def _pairs(finished, claimed, lost):
    return [(step, claim) for step, claim in zip(finished, claimed, strict=True) if step.id == lost]


def _compare(catalog, w, shots):
    with catalog.database.reading() as connection:
        assets = catalog.ids.assets(connection, [w.asset("a"), w.asset("b")])
        cells = catalog.ids.partitions(connection, [w.cell(n, k) for n in "ab" for k in "123"])
        names = {id: cell for cell, id in cells.items()}
        for revision, environments in shots:
            for env, expected in environments.items():
                place = catalog.ids.environment(connection, env)
                found = {
                    names[p]: id
                    for asset in assets.values()
                    for p, id in current_at(connection, place, asset, revision).items()
                }
                assert found == expected
    last = shots[-1][0]
    for env in ("main", "test"):
        with catalog.view(env) as view:
            for since in range(last + 1):
                before = next(e for r, e in reversed(shots) if r <= since)[env]
                changed = {cell for cell, id in shots[-1][1][env].items() if before.get(cell) != id}
                assert changed <= set(view.moved(since))


WIDE = st.lists(
    st.one_of(
        st.tuples(st.just("make"), st.sets(st.sampled_from("12345"), min_size=1)),
        st.tuples(st.just("read"), st.sets(st.sampled_from("12345")), st.booleans()),
    ),
    max_size=8,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=WIDE)
def test_wide_edges_give_back_exactly_what_was_read(w, actions):
    """What a step read is kept beside it: any members, made in the same group or long ago, current or replaced."""
    with Catalog.open("sqlite://", create=True) as catalog:
        journal = catalog.journal("main")
        run = journal.begin(w.new_run())
        known: dict[str, list[int]] = {}
        expected: dict[int, set[int]] = {}
        for number, (kind, keys, *old) in enumerate(actions):
            if kind == "make":
                claims = journal.claim(run, [w.claim("up", key) for key in sorted(keys)])
                done = journal.commit(run, [w.made(c, f"{number}") for c in claims]).materializations
                for cell, made in done.items():
                    known.setdefault(cell.key, []).append(made.id)
                continue
            up, down = journal.claim(run, [w.claim("up", "new"), w.claim("down", f"{number}")])
            members = {key: known[key][0 if old[0] else -1] for key in sorted(keys & known.keys())}
            reads = [Read(partition=w.cell("up", k), materialization=id, attempt=1) for k, id in members.items()]
            reads.append(Read(partition=w.cell("up", "new"), materialization=0, attempt=up.attempt))
            done = journal.commit(run, [w.made(up, "n"), w.made(down, "d", reads=reads)]).materializations
            new = done[w.cell("up", "new")].id
            known.setdefault("new", []).append(new)
            expected[done[w.cell("down", f"{number}")].id] = {*members.values(), new}
        assert catalog.verify() == ()
        for id, members in expected.items():
            found = ancestry(catalog, [id])
            assert {link.read for link in found.links if link.reader == id} == members
            with catalog.database.reading() as connection:
                sql = "SELECT input_materialization FROM v_lineage WHERE materialization = ?"
                assert {row[0] for row in connection.exec_driver_sql(sql, (id,))} == members
        for member in {m for members in expected.values() for m in members}:
            readers = {id for id, members in expected.items() if member in members}
            assert {link.reader for link in progeny(catalog, [member]).links if link.read == member} == readers
