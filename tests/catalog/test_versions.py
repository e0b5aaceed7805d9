from __future__ import annotations

from dataclasses import replace

from assetflow.catalog.queries import environments, last_run, root_failure, run, runs, view_rows
from assetflow.catalog.versions import ancestry, current_versions, find, history, progeny
from assetflow.catalog.views import VIEWS
from assetflow.model.journal import RunStatus
from assetflow.model.trace import Edge, Trace, edge_digest
from assetflow.model.versions import fingerprint


def build(journal, w):
    """raw → clean → report, with report reading both."""
    number = journal.begin(w.new_run("report"))
    journal.observe(number, {w.cell("raw"): w.file_version("a")})
    (clean,) = journal.claim(number, [w.claim("clean", reads=[w.cell("raw")])])
    journal.commit(number, [w.made(clean)])
    (report,) = journal.claim(number, [w.claim("report", reads=[w.cell("clean"), w.cell("raw")])])
    journal.commit(number, [replace(w.made(report), verdicts=(w.verdict("report"),))])
    journal.finish(number, RunStatus.SUCCEEDED, {"materialized": 2}, at=w.NOON)
    return number


def test_lineage_of_an_address_reaches_the_exact_sources(catalog, journal, w):
    build(journal, w)
    first = find(catalog, "main", w.cell("report"))
    build(journal, w)
    later = find(catalog, "main", w.cell("report"))
    assert (first.materialization.version, later.materialization.version) == (1, 2)
    found = ancestry(catalog, [first.materialization.id])
    names = {id: str(v.materialization.partition) for id, v in found.versions.items()}
    assert sorted(names.values()) == ["shop.clean", "shop.raw", "shop.report"]
    assert {(names[link.reader], names[link.read]) for link in found.links} == {
        ("shop.report", "shop.clean"),
        ("shop.report", "shop.raw"),
        ("shop.clean", "shop.raw"),
    }
    assert {v.materialization.version for v in found.versions.values()} == {1}
    near = ancestry(catalog, [first.materialization.id], depth=0)
    assert (len(near.versions), near.links) == (1, ())
    below = progeny(catalog, [find(catalog, "main", w.cell("raw")).materialization.id])
    assert len(below.versions) == 5
    assert len(below.links) == 6


def test_history_is_newest_first_and_may_be_cut(catalog, journal, w):
    build(journal, w)
    build(journal, w)
    assert [v.materialization.version for v in history(catalog, w.asset("report"))] == [2, 1]
    assert [v.materialization.version for v in history(catalog, w.asset("report"), "", limit=1)] == [2]
    assert history(catalog, w.asset("unknown")) == history(catalog, w.asset("report"), "no") == ()
    assert find(catalog, "main", w.cell("report"), 3) is None
    assert find(catalog, "main", w.cell("report"), 1).published
    assert find(catalog, "elsewhere", w.cell("report")) is None


def test_current_versions_can_be_asked_for_some_assets(catalog, journal, w):
    build(journal, w)
    assert set(current_versions(catalog, "main")) == {w.cell(name) for name in ("raw", "clean", "report")}
    (one,) = current_versions(catalog, "main", [w.asset("clean")]).values()
    assert one.materialization.partition == w.cell("clean")


def test_inputs_name_the_columns_that_were_read(catalog, journal, w):
    number = journal.begin(w.new_run())
    journal.observe(number, {w.cell("raw"): w.file_version("a")})
    for text, mapping, columns in [
        ("all", "all", None),
        ("same (x, y)", "same", ("x", "y")),
        ("all ()", "all", ()),
        ("all unloaded", "all", None),
        ("all (x) unloaded", "all", ("x",)),
    ]:
        (claimed,) = journal.claim(number, [w.claim("clean", reads=[w.cell("raw")])])
        step = w.made(claimed)
        edge = Edge(w.asset("raw"), text, 1, edge_digest((("", fingerprint("a")),)))
        step = type(step)(
            id=step.id,
            attempt=step.attempt,
            trace=Trace(w.CODE, "", (edge,)),
            reads=step.reads,
            outputs=step.outputs,
            started_at=step.started_at,
            seconds=0,
        )
        journal.commit(number, [step])
        (read,) = find(catalog, "main", w.cell("clean")).inputs
        assert (read.mapping, read.columns) == (mapping, columns)


def test_runs_are_newest_first_with_what_they_were_about(catalog, journal, w):
    assert last_run(catalog) is None
    first, second = build(journal, w), build(journal, w)
    other = catalog.journal("test")
    third = other.begin(w.new_run())
    assert [r.id for r in runs(catalog)] == [third, second, first]
    assert [r.id for r in runs(catalog, limit=1)] == [third] == [last_run(catalog)]
    assert [r.id for r in runs(catalog, environment="main")] == [second, first]
    found = run(catalog, first)
    assert (found.environment, found.targets, found.facts) == ("main", ("report",), {"command": "materialize"})
    assert (found.started_at, found.status, found.counts) == (w.NOON, RunStatus.SUCCEEDED, {"materialized": 2})
    assert run(catalog, third).status is RunStatus.RUNNING
    assert run(catalog, 99) is None
    assert root_failure(catalog, first) is None
    assert environments(catalog) == ("main", "test")


def test_the_root_failure_is_the_first_one(catalog, journal, w):
    number = journal.begin(w.new_run())
    a, b = journal.claim(number, [w.claim("a"), w.claim("b")])
    journal.commit(number, [w.failed(b, "first")])
    late = w.failed(a, "second")
    journal.commit(number, [type(late)(**{**{f: getattr(late, f) for f in late.__slots__}, "seconds": 9.0})])
    assert root_failure(catalog, number).message == "first"
    assert run(catalog, number).counts == {"failed": 2}


def test_texts_of_failures_survive_whatever_is_in_them(catalog, journal, w):
    number = journal.begin(w.new_run())
    (claimed,) = journal.claim(number, [w.claim("a")])
    journal.commit(number, [w.failed(claimed, "\udcff\0" + "x" * 100_000)])
    message = root_failure(catalog, number).message
    assert message.startswith("?\N{REPLACEMENT CHARACTER}xxx")
    assert message.endswith("more characters are in the log")


COLUMNS = {
    "v_assets": ("id", "key", "group", "name"),
    "v_runs": ("run", "environment", "status", "started_at", "finished_at", "targets", "counts", "facts"),
    "v_attempts": (
        *("attempt", "run", "key", "partition", "number", "outcome", "started_at", "seconds"),
        *("failure", "error_type", "message", "reason", "traceback"),
    ),
    "v_materializations": (
        *("id", "key", "partition", "version", "environment", "run", "attempt", "trace", "code_version"),
        *("data_version", "rows", "bytes", "codec", "blob", "digest", "uri", "published", "created_at", "seconds"),
        "metadata",
        "freed",
    ),
    "v_current": (
        *("environment", "key", "partition", "version", "materialization", "data_version", "revision", "since"),
        "created_at",
    ),
    "v_lineage": (
        *("materialization", "key", "partition", "version", "position", "mapping", "revision"),
        *("input_materialization", "input_key", "input_partition", "input_version", "input_data_version"),
    ),
    "v_setbacks": ("environment", "key", "partition", "kind", "failure", "message", "at", "run", "trace"),
    "v_verdicts": (
        *("id", "key", "partition", "version", "check", "status", "severity", "message", "metrics", "sample", "at"),
        *("seconds", "attempt", "trace", "materialization"),
    ),
}


def test_the_views_have_the_columns_that_others_rely_on(catalog, journal, w):
    number = build(journal, w)
    (claimed,) = journal.claim(number := journal.begin(w.new_run()), [w.claim("bad")])
    journal.commit(number, [w.failed(claimed)])
    assert set(VIEWS) == set(COLUMNS)
    for view, columns in COLUMNS.items():
        found, rows = view_rows(catalog, view)
        assert found == columns
        assert len(list(rows)) > 0


def test_views_spell_instants_and_digests_for_people(catalog, journal, w):
    build(journal, w)
    columns, rows = view_rows(catalog, "v_materializations")
    made = dict(zip(columns, list(rows)[1], strict=True))
    assert made["created_at"] == "2026-11-23T12:00:01.500000Z"
    assert made["data_version"] == w.table("shop.clean").digest
    assert made["code_version"] == w.CODE.code
    assert (made["run"], made["published"], made["seconds"], made["rows"], made["bytes"]) == (1, 1, 1.5, 3, 1234)
    observed = dict(zip(columns, next(iter(rows)), strict=True))
    assert (observed["run"], observed["attempt"], observed["trace"]) == (1, None, None)
    columns, rows = view_rows(catalog, "v_runs")
    assert next(iter(rows))[2:5] == ("succeeded", "2026-11-23T12:00:00.000000Z", "2026-11-23T12:00:00.000000Z")
