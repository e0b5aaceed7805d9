from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from assetflow.catalog.queries import attempts, root_failure, run
from assetflow.catalog.versions import find, history
from assetflow.errors import BusyError, UsageError
from assetflow.model.history import SetbackKind
from assetflow.model.journal import Busy, Held, Kept, KeyEdit, Read, Reused, RunStatus, Skipped
from assetflow.model.retry import FailureClass
from assetflow.model.trace import Recipe
from assetflow.model.versions import fingerprint


def test_runs_are_numbered_from_one(journal, w):
    assert [journal.begin(w.new_run()) for _ in range(3)] == [1, 2, 3]


def test_an_observed_source_is_current_and_is_not_recorded_again_while_it_stays_the_same(catalog, journal, w):
    number = journal.begin(w.new_run())
    first = journal.observe(number, {w.cell("raw"): w.file_version("a")})[w.cell("raw")]
    again = journal.observe(number, {w.cell("raw"): w.file_version("a")})[w.cell("raw")]
    changed = journal.observe(number, {w.cell("raw"): w.file_version("b")})[w.cell("raw")]
    assert (first.version, again, changed.version) == (1, first, 2)
    assert first.trace == ""
    assert journal.stored([changed.id])[changed.id] == w.file_version("b")
    assert find(catalog, "main", w.cell("raw")).run == number


def test_a_claim_gives_the_past_of_outputs_and_the_current_inputs(journal, w):
    number = journal.begin(w.new_run())
    source = journal.observe(number, {w.cell("raw"): w.file_version("a")})[w.cell("raw")]
    (claimed,) = journal.claim(number, [w.claim("clean", reads=[w.cell("raw"), w.cell("unknown")])])
    assert claimed.inputs == {w.cell("raw"): source}
    assert claimed.histories[w.cell("clean")].current is None
    assert claimed.attempt > 0


def test_what_is_committed_is_current_and_can_be_read_back_whole(catalog, journal, w):
    number = journal.begin(w.new_run())
    journal.observe(number, {w.cell("raw"): w.file_version("a")})
    (claimed,) = journal.claim(number, [w.claim("clean", "2026", reads=[w.cell("raw")])])
    step = w.made(claimed)
    step = replace(step, outputs=(replace(step.outputs[0], state='{"last":3}'),))
    done = journal.commit(number, [step]).materializations[w.cell("clean", "2026")]
    catalog.facts.forget()
    found = find(catalog, "main", w.cell("clean", "2026"))
    assert found.materialization == done
    assert found.stored == step.outputs[0].stored
    assert found.materialization.recipe == w.CODE
    assert found.materialization.edges == step.trace.edges
    assert found.materialization.made_at == w.NOON + timedelta(seconds=1.5)
    assert found.materialization.stateful
    assert journal.state(done.id) == '{"last":3}'
    assert (found.run, found.attempt_number, found.published, found.window) == (number, 1, True, "2026")
    assert [(read.partition, read.version) for read in found.inputs] == [(w.cell("raw"), 1)]


def test_metadata_inline_values_and_places_come_back_as_they_were(catalog, journal, w):
    number = journal.begin(w.new_run())
    (claimed,) = journal.claim(number, [w.claim("small")])
    step = w.made(claimed)
    value = w.stored("[1]", None, metadata=(("rows", "1"), ("note", '"é"')), uri="s3://x")
    journal.commit(number, [replace(step, outputs=(replace(step.outputs[0], stored=value),))])
    assert find(catalog, "main", w.cell("small")).stored == value


def test_a_partition_that_someone_holds_is_busy_and_free_again_after_the_commit(journal, w):
    first, second = journal.begin(w.new_run()), journal.begin(w.new_run())
    (claimed,) = journal.claim(first, [w.claim("x")])
    assert journal.claim(second, [w.claim("x")]) == (Busy(id=w.cell("x"), run=first),)
    (taken,) = journal.commit(first, [w.made(claimed)], [w.claim("x")]).claimed
    assert taken.attempt != claimed.attempt
    journal.commit(first, [Kept(id=taken.id, attempt=taken.attempt)])
    (free,) = journal.claim(second, [w.claim("x")])
    assert free.histories[w.cell("x")].current.attempt == claimed.attempt


def test_a_step_of_several_outputs_is_busy_while_one_of_them_is_held(journal, w):
    first, second = journal.begin(w.new_run()), journal.begin(w.new_run())
    both = [w.cell("train"), w.cell("test")]
    journal.claim(first, [w.claim("test")])
    (answer,) = journal.claim(second, [w.claim("split", outputs=both)])
    assert answer == Busy(id=w.cell("split"), run=first)
    (other,) = journal.claim(second, [w.claim("train")])
    assert not isinstance(other, Busy)


def test_other_environments_are_not_held_up(catalog, journal, w):
    other = catalog.journal("test")
    journal.claim(journal.begin(w.new_run()), [w.claim("x")])
    (claimed,) = other.claim(other.begin(w.new_run()), [w.claim("x")])
    assert not isinstance(claimed, Busy)


def test_versions_count_over_all_environments_in_commit_order(catalog, journal, w):
    other = catalog.journal("test")
    versions = []
    for one in (journal, other, journal):
        number = one.begin(w.new_run())
        (claimed,) = one.claim(number, [w.claim("x")])
        versions.append(one.commit(number, [w.made(claimed)]).materializations[w.cell("x")].version)
    assert versions == [1, 2, 3]
    assert find(catalog, "test", w.cell("x")).materialization.version == 2
    assert [v.materialization.version for v in history(catalog, w.asset("x"))] == [3, 2, 1]


def test_all_outputs_of_a_step_become_current_at_one_revision(catalog, journal, w):
    number = journal.begin(w.new_run())
    both = [w.cell("train"), w.cell("test")]
    (claimed,) = journal.claim(number, [w.claim("split", outputs=both)])
    journal.commit(number, [w.made(claimed)])
    with catalog.view("main") as view:
        assert set(view.moved(0).items()) == {(output, view.revision) for output in both}


def test_a_step_that_reads_one_of_its_own_group_is_linked_to_it(catalog, journal, w):
    number = journal.begin(w.new_run())
    a, b = journal.claim(number, [w.claim("a"), w.claim("b")])
    read = Read(partition=w.cell("a"), materialization=0, attempt=a.attempt)
    done = journal.commit(number, [w.made(a), w.made(b, reads=[read])]).materializations
    (link,) = find(catalog, "main", w.cell("b")).inputs
    assert link.materialization == done[w.cell("a")].id


def test_a_step_may_read_what_an_earlier_group_committed_meanwhile(catalog, journal, w):
    number = journal.begin(w.new_run())
    a, b = journal.claim(number, [w.claim("a"), w.claim("b")])
    journal.commit(number, [w.made(a)])
    read = Read(partition=w.cell("a"), materialization=0, attempt=a.attempt)
    assert journal.commit(number, [w.made(b, reads=[read])]).lost == frozenset()
    assert find(catalog, "main", w.cell("b")).inputs[0].partition == w.cell("a")


def test_an_older_value_becomes_current_again_without_a_new_materialization(catalog, journal, w):
    number = journal.begin(w.new_run())
    for content in ("one", "two"):
        (claimed,) = journal.claim(number, [w.claim("x")])
        journal.commit(number, [w.made(claimed, content, recipe=Recipe.of(code=fingerprint(content)))])
    (claimed,) = journal.claim(number, [w.claim("x")])
    past = claimed.histories[w.cell("x")].by_trace
    assert len(past) == 2
    (old,) = [m for m in past.values() if m.version == 1]
    done = journal.commit(number, [Reused(id=claimed.id, attempt=claimed.attempt, materializations=(old,))])
    assert done.materializations == {w.cell("x"): old}
    assert find(catalog, "main", w.cell("x")).materialization == old
    assert len(history(catalog, w.asset("x"))) == 2


def test_the_newest_materialization_of_a_trace_is_offered(journal, w):
    number = journal.begin(w.new_run())
    for _ in range(3):
        (claimed,) = journal.claim(number, [w.claim("x")])
        journal.commit(number, [w.made(claimed, "same")])
    (claimed,) = journal.claim(number, [w.claim("x")])
    assert [m.version for m in claimed.histories[w.cell("x")].by_trace.values()] == [3]


def test_equal_data_shares_the_older_blob(catalog, journal, w):
    number = journal.begin(w.new_run())
    (claimed,) = journal.claim(number, [w.claim("x")])
    first = w.made(claimed, "same")
    journal.commit(number, [first])
    (claimed,) = journal.claim(number, [w.claim("x")])
    again = w.made(claimed, "same")
    shared = replace(again, outputs=(replace(again.outputs[0], stored=first.outputs[0].stored),))
    journal.commit(number, [shared])
    (blob,) = catalog.blobs()
    assert blob.uses == ((w.cell("x"), 1), (w.cell("x"), 2))
    assert [str(a.outcome) for a in attempts(catalog, number)] == ["materialized", "unchanged"]


def test_a_failure_is_a_setback_until_a_value_is_published(catalog, journal, w):
    number = journal.begin(w.new_run())
    (claimed,) = journal.claim(number, [w.claim("x")])
    journal.commit(number, [w.failed(claimed, "timed out")])
    (claimed,) = journal.claim(number, [w.claim("x")])
    setback = claimed.histories[w.cell("x")].setback
    assert (setback.kind, setback.failure, setback.run) == (SetbackKind.FAILED, FailureClass.TRANSIENT, number)
    assert setback.trace == fingerprint("trace")
    root = root_failure(catalog, number)
    assert (root.step, root.error_type, root.message, root.reason, root.traceback) == (
        w.cell("x"),
        "TimeoutError",
        "timed out",
        "it is transient",
        "frames",
    )
    journal.commit(number, [w.made(claimed)])
    with catalog.view("main") as view:
        assert view.histories([w.asset("x")])[w.cell("x")].setback is None


def test_a_skip_keeps_the_old_value_and_answers_its_trace(catalog, journal, w):
    number = journal.begin(w.new_run())
    (claimed,) = journal.claim(number, [w.claim("x")])
    before = journal.commit(number, [w.made(claimed)]).materializations[w.cell("x")]
    (claimed,) = journal.claim(number, [w.claim("x")])
    skipped = Skipped(
        id=claimed.id,
        attempt=claimed.attempt,
        outputs=(w.cell("x"),),
        trace=fingerprint("other"),
        reason="nothing new",
        started_at=w.NOON,
        seconds=0,
    )
    journal.commit(number, [skipped])
    with catalog.view("main") as view:
        past = view.histories([w.asset("x")])[w.cell("x")]
    assert past.current == before
    assert (past.setback.kind, past.setback.trace) == (SetbackKind.SKIPPED, fingerprint("other"))
    assert attempts(catalog, number)[-1].reason == "nothing new"


def test_a_kept_step_leaves_nothing_but_its_freedom(catalog, journal, w):
    number = journal.begin(w.new_run())
    (claimed,) = journal.claim(number, [w.claim("x")])
    journal.commit(number, [Kept(id=claimed.id, attempt=claimed.attempt)])
    assert attempts(catalog, number) == ()


def test_a_retry_passes_the_lease_on_to_a_new_attempt(journal, w):
    number = journal.begin(w.new_run())
    (claimed,) = journal.claim(number, [w.claim("x")])
    wait = timedelta(seconds=2)
    new = journal.retry(number, claimed.attempt, w.failure(), started_at=w.NOON, seconds=1, wait=wait)
    assert journal.commit(number, [w.made(claimed)]).lost == {w.cell("x")}
    with pytest.raises(BusyError, match="no longer holds"):
        journal.retry(number, claimed.attempt, w.failure(), started_at=w.NOON, seconds=1, wait=wait)
    assert new != claimed.attempt


def test_the_attempt_after_a_retry_can_commit(catalog, journal, w):
    number = journal.begin(w.new_run())
    (claimed,) = journal.claim(number, [w.claim("x")])
    new = journal.retry(number, claimed.attempt, w.failure(), started_at=w.NOON, seconds=1, wait=timedelta(seconds=2))
    assert journal.commit(number, [replace(w.made(claimed), attempt=new)]).lost == frozenset()
    first, second = attempts(catalog, number)
    assert (first.number, str(first.outcome), first.wait, first.final) == (1, "retried", 2.0, False)
    assert (second.number, str(second.outcome), second.seconds, second.final) == (2, "materialized", 1.5, True)
    assert find(catalog, "main", w.cell("x")).attempt_number == 2


def test_a_commit_without_its_lease_records_nothing_and_drops_all_that_read_it(catalog, journal, w):
    number = journal.begin(w.new_run())
    a, b, c, d = journal.claim(number, [w.claim(name) for name in "abcd"])
    lost = replace(w.made(a), attempt=a.attempt + 1)
    reader = w.made(b, reads=[Read(partition=w.cell("a"), materialization=0, attempt=lost.attempt)])
    its_reader = w.made(c, reads=[Read(partition=w.cell("b"), materialization=0, attempt=b.attempt)])
    done = journal.commit(number, [lost, reader, its_reader, w.made(d)])
    assert done.lost == {w.cell("a"), w.cell("b"), w.cell("c")}
    assert set(done.materializations) == {w.cell("d")}
    assert find(catalog, "main", w.cell("b")) is None
    assert [blob.uses for blob in catalog.blobs()] == [((w.cell("d"), 1),)]
    assert not any(isinstance(answer, Busy) for answer in journal.claim(number, [w.claim("b"), w.claim("c")]))


def test_what_reads_a_step_that_an_earlier_group_lost_is_lost_too(journal, w):
    number = journal.begin(w.new_run())
    a, b = journal.claim(number, [w.claim("a"), w.claim("b")])
    journal.commit(number, [replace(w.made(a), attempt=a.attempt + 1)])
    reader = w.made(b, reads=[Read(partition=w.cell("a"), materialization=0, attempt=a.attempt + 1)])
    assert journal.commit(number, [reader]).lost == {w.cell("b")}


def test_a_finished_run_gives_back_what_it_holds_and_never_changes(catalog, journal, w):
    number = journal.begin(w.new_run("x", "y"))
    journal.claim(number, [w.claim("x")])
    journal.finish(number, RunStatus.CANCELLED, {"materialized": 2}, at=w.NOON)
    journal.finish(number, RunStatus.SUCCEEDED, {"materialized": 3}, at=w.NOON)
    found = run(catalog, number)
    assert (found.status, found.counts, found.targets, found.finished_at) == (
        RunStatus.CANCELLED,
        {"materialized": 2},
        ("x", "y"),
        w.NOON,
    )
    other = journal.begin(w.new_run())
    assert not isinstance(journal.claim(other, [w.claim("x")])[0], Busy)
    with pytest.raises(BusyError, match="taken for dead"):
        journal.claim(number, [w.claim("z")])


def test_a_transaction_that_fails_leaves_no_trace_and_the_journal_usable(catalog, journal, w):
    number = journal.begin(w.new_run())
    (claimed,) = journal.claim(number, [w.claim("x")])
    step = w.made(claimed)
    broken = replace(step, outputs=(replace(step.outputs[0], state=object()),))
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the driver says to an object
        journal.commit(number, [broken])
    assert list(catalog.blobs()) == []
    assert journal.commit(number, [step]).lost == frozenset()


def test_attempts_are_unique_and_ascend_within_a_group(journal, w):
    number = journal.begin(w.new_run())
    ids = [c.attempt for c in journal.claim(number, [w.claim("x", f"{key}") for key in range(2000)])]
    assert ids == sorted(set(ids))
    assert all(0 < id < 2**63 for id in ids)


def test_many_partitions_fit_in_one_group(catalog, journal, w):
    number = journal.begin(w.new_run())
    claimed = journal.claim(number, [w.claim("x", f"{key}") for key in range(1200)])
    done = journal.commit(number, [w.made(c) for c in claimed])
    assert len(done.materializations) == 1200
    with catalog.view("main") as view:
        assert len(view.keys(w.asset("x"))) == 1200


def test_sets_of_keys_come_and_go_with_what_is_recorded(catalog, journal, w):
    """A step that is held back or lost changes none; the last edit of a key counts; each has a revision of its own."""

    def edit(key, added=True, name="s"):
        return KeyEdit(set=name, key=key, added=added)

    number = journal.begin(w.new_run())
    first, second = journal.claim(number, [w.claim("a"), w.claim("b")])
    made, failure = w.made(second), w.failed(second).failure
    fields = {
        name: getattr(made, name) for name in ("id", "attempt", "trace", "reads", "outputs", "started_at", "seconds")
    }
    held = Held(**fields, failure=failure, keys=(edit("no"),))
    journal.commit(number, [replace(w.made(first), keys=(edit("é,|/"), edit("y"), edit("y", added=False))), held])
    with catalog.view("main") as view:
        before = view.revision
        assert view.key_sets() == {"s": ("é,|/",)}
    assert catalog.edit_keys("main", [edit("é,|/"), edit("gone", added=False)]) == ()
    with catalog.view("main") as view:
        assert view.revision == before, "nothing changed"
    assert catalog.edit_keys("main", [edit("b"), edit("a"), edit("x", name="t")]) == (
        edit("b"),
        edit("a"),
        edit("x", name="t"),
    )
    with catalog.view("main") as view:
        assert view.revision == before + 1
        assert view.key_sets() == {"s": ("é,|/", "b", "a"), "t": ("x",)}
    catalog.edit_keys("main", [edit("b", added=False)])
    catalog.edit_keys("main", [edit("b")])
    with catalog.view("main") as view:
        assert view.key_sets()["s"] == ("é,|/", "a", "b"), "new ones come at the end"
    with catalog.view("other") as view:
        assert view.key_sets() == {}
    with pytest.raises(UsageError, match="bad-partition-key"):
        catalog.edit_keys("main", [edit("\ud800")])
