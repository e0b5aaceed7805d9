from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from assetflow.catalog import Catalog
from assetflow.model.definition import Definition, Input, Kind, Parameter, ResourceUse
from assetflow.model.history import Memo
from assetflow.model.lineage import ColumnEdge, Evidence
from assetflow.model.mappings import Recorded
from assetflow.model.trace import Recipe
from assetflow.model.versions import Untracked, fingerprint


def make(journal, w, run, *cells):
    claims = journal.claim(run, [w.claim(cell.asset.name, cell.key) for cell in cells])
    return journal.commit(run, [w.made(c) for c in claims]).materializations


def test_revisions_number_what_moved_in_commit_order(catalog, journal, w):
    run = journal.begin(w.new_run())
    make(journal, w, run, w.cell("a"), w.cell("b", "1"))
    with catalog.view("main") as view:
        first = view.revision
    make(journal, w, run, w.cell("b", "1"))
    with catalog.view("main") as view:
        assert view.revision == first + 1
        assert view.moved(first) == {w.cell("b", "1"): first + 1}
        assert view.moved(0) == {w.cell("a"): first, w.cell("b", "1"): first + 1}
        assert view.moved(view.revision) == {}


def test_what_moves_in_one_environment_is_unmoved_in_the_other(catalog, journal, w):
    make(journal, w, journal.begin(w.new_run()), w.cell("a"))
    with catalog.view("test") as view:
        assert (view.revision, view.moved(0), view.blobs(), view.definitions()) == (1, {}, {}, {})
        past = view.histories([w.asset("a")])[w.cell("a")]
    assert past.current is None
    assert len(past.by_trace) == 1  # another environment's value can be reused


def test_blobs_are_those_of_current_values(catalog, journal, w):
    run = journal.begin(w.new_run())
    make(journal, w, run, w.cell("a"))
    make(journal, w, run, w.cell("a"))
    with catalog.view("main") as view:
        (name,) = view.blobs().values()
        past = view.histories([w.asset("a")], lost={w.cell("a")})[w.cell("a")]
    assert name.endswith(f"/{past.current.attempt}")
    assert past.lost


def test_keys_are_those_with_a_value(catalog, journal, w):
    run = journal.begin(w.new_run())
    make(journal, w, run, w.cell("a", "2"), w.cell("a", "1"), w.cell("b"))
    journal.claim(run, [w.claim("a", "3")])
    with catalog.view("main") as view:
        assert view.keys(w.asset("a")) == ("1", "2")
        assert view.keys(w.asset("unknown")) == ()
        assert set(view.histories([w.asset("a")])) == {w.cell("a", key) for key in "123"}


def test_keys_of_every_script_come_back_as_they_were(catalog, journal, w):
    keys = ["", "2026-01-01", "é", "\U0001f600", "a/b", "['x']", "'; DROP TABLE runs; --", " ", "latest"]
    make(journal, w, journal.begin(w.new_run()), *(w.cell("a", key) for key in keys))
    catalog.ids.forget()
    with catalog.view("main") as view:
        assert set(view.current()) == {w.cell("a", key) for key in keys}


def test_memos_are_remembered_and_replaced_but_never_by_older_ones(catalog, w):
    memo = Memo(
        definition=fingerprint("d"), keys=((1, fingerprint("k")),), expires_at=w.NOON, revision=5, exceptions={"b", "a"}
    )
    memo = replace(memo, exceptions=frozenset(memo.exceptions))
    plain = Memo(definition=fingerprint("d"), keys=((1, fingerprint("k")),), expires_at=None, revision=5)
    assert catalog.remember("main", {w.asset("a"): memo, w.asset("b"): plain}) == 2
    assert catalog.remember("main", {w.asset("a"): memo, w.asset("b"): plain}) == 0
    newer, older = replace(plain, revision=6), replace(memo, revision=4)
    assert catalog.remember("main", {w.asset("a"): older, w.asset("b"): newer}) == 1
    with catalog.view("main") as view:
        assert view.memos() == {w.asset("a"): memo, w.asset("b"): newer}
        assert view.revision == 0
    with catalog.view("test") as view:
        assert view.memos() == {}


def definition(w, name, **more) -> Definition:
    full = Definition(
        key=w.asset(name),
        kind=Kind.ASSET,
        node=w.asset(name),
        type="polars.DataFrame",
        inputs=(
            Input(parameter="raw", asset=w.asset("raw"), mapping=Recorded("all"), columns=("x", "y"), type="DataFrame"),
            Input(parameter="", asset=w.asset("other"), mapping=Recorded("same"), loaded=False, optional=True),
        ),
        parameters=(Parameter(name="limit", type="int", value="3", origin="pyproject.toml"),),
        resources=(ResourceUse(parameter="api", name="api", type="Api"),),
        code_version=fingerprint("code"),
        untracked=(Untracked("getattr", "shop/a.py:3"),),
        description="What it is.",
        owners=("ada",),
        tags=("daily",),
        metadata=(("unit", '"km"'),),
        where="shop/a.py:1",
    )
    return replace(full, **more)


def test_definitions_come_back_whole_and_the_undeclared_ones_end(catalog, w):
    first, second = definition(w, "a"), definition(w, "b")
    assert catalog.record_definitions("main", [first, second]) == 2
    assert catalog.record_definitions("main", [first, second]) == 0
    with catalog.view("main") as view:
        assert view.definitions() == {first.key: first, second.key: second}
    changed = replace(first, description="Other.")
    assert catalog.record_definitions("main", [changed]) == 2
    assert catalog.record_definitions("main", [first]) == 1  # as it was before
    with catalog.view("main") as view:
        assert view.definitions() == {first.key: first}


def test_a_past_can_be_read_after_the_view_is_closed(catalog, journal, w):
    made = make(journal, w, journal.begin(w.new_run()), w.cell("a"))[w.cell("a")]
    catalog.facts.forget()
    with catalog.view("main") as view:
        past = view.histories([w.asset("a")])[w.cell("a")]
    catalog.facts.forget()
    assert dict(past.by_trace) == {made.trace: made}
    assert made.trace in past.by_trace
    assert fingerprint("other") not in past.by_trace
    assert past.by_trace.get(fingerprint("other")) is None


def test_a_file_and_memory_give_the_same(path, w):
    seen = []
    for place in (path, "sqlite://"):
        with Catalog.open(place, create=True) as catalog:
            journal = catalog.journal("main", clock=lambda: w.NOON + timedelta(hours=1))
            run = journal.begin(w.new_run())
            journal.observe(run, {w.cell("raw"): w.file_version("a")})
            (claimed,) = journal.claim(run, [w.claim("a", reads=[w.cell("raw")])])
            journal.commit(run, [w.made(claimed, "content")])
            with catalog.view("main") as view:
                ids = view.current().values()
                stored = [replace(s, blob=None) for s in view.stored(list(ids)).values()]
                pasts = view.histories([w.asset("raw"), w.asset("a")])
                times = [past.current.made_at for past in pasts.values()]
                seen.append((view.revision, view.moved(0), stored, times))
    assert seen[0] == seen[1]


def test_sums_over_an_asset_agree_with_its_partitions(catalog, journal, w):
    run = journal.begin(w.new_run())
    make(journal, w, run, w.cell("a"), w.cell("b", "1"), w.cell("b", "2"))
    with catalog.view("main") as view:
        before = view.revision
    make(journal, w, run, w.cell("b", "2"))
    with catalog.view("main") as view:
        blobs = view.blobs()
        assert {k: n for k, (n, _) in view.single_blobs().items()} == {w.asset("a"): blobs[w.cell("a")]}
        assert view.moved_assets(0) == {w.asset("a"): before, w.asset("b"): before + 1}
        assert view.moved_assets(before) == {w.asset("b"): before + 1}
        made_at = w.NOON + timedelta(seconds=1.5)
        assert view.materialized_at([w.asset("a"), w.asset("b"), w.asset("c")]) == {
            w.asset("a"): made_at,
            w.asset("b"): made_at,
        }
        assert view.last_made([w.asset("a"), w.asset("b"), w.asset("c")]) == {
            w.asset("a"): made_at,
            w.asset("b"): made_at,
        }
    with catalog.view("other") as view:
        assert (view.single_blobs(), view.moved_assets(0), view.materialized_at([w.asset("a")])) == ({}, {}, {})
        assert view.last_made([w.asset("a")]) == {}


def test_what_columns_are_made_of_is_kept_by_version_of_the_code(catalog, journal, w):
    def edge(column):
        return ColumnEdge(
            source=w.asset("raw"), column=column, target=w.asset("clean"), into="x", evidence=Evidence.SQL
        )

    run = journal.begin(w.new_run())
    told = [("1", (edge("a"),)), ("1", (edge("a"), edge("b"))), ("2", (edge("c"),)), ("2", ()), ("2", (edge("c"),))]
    for code, edges in told:
        (claimed,) = journal.claim(run, [w.claim("clean")])
        step = w.made(claimed, recipe=Recipe.of(code=code))
        journal.commit(run, [replace(step, outputs=(replace(step.outputs[0], lineage=edges),))])
    with catalog.view("main") as view:
        found = view.derivations([w.asset("clean"), w.asset("nothing")])
    assert found == {w.asset("clean"): {"1": (edge("a"), edge("b")), "2": (edge("c"),)}}
