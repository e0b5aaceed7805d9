"""The planner by example. That it is right in general is the matter of tests/laws."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from assetflow.errors import UsageError
from assetflow.model.history import SetbackKind
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.plan import Action, CauseKind, Targets
from assetflow.model.retry import FailureClass
from assetflow.model.versions import ColumnVersion, DataVersion
from assetflow.plan import plan


def cell(name: str, key: str = "") -> Partition:
    return Partition(AssetKey("shop", name), key)


def table(**columns: str) -> DataVersion:
    return DataVersion.of_table(10, [ColumnVersion(name, "int", content) for name, content in columns.items()])


@pytest.fixture
def chain(shelf: Any) -> Any:
    """raw → a → b → c, all made."""
    shelf.source("raw", table(x="1", y="1"))
    shelf.node("a", "raw")
    shelf.node("b", "a")
    shelf.node("c", "b")
    shelf.make("a b c")
    return shelf


def test_nothing_made_yet_is_missing_and_will_run(shelf: Any) -> None:
    shelf.source("raw", table(x="1"))
    shelf.node("a", "raw")
    shelf.node("b", "a")
    assert shelf.steps() == ["run a: missing", "run b: missing upstream"]
    assert shelf.states() == {"a": "missing", "b": "missing"}


def test_what_is_fresh_needs_nothing(chain: Any) -> None:
    made = chain.plan()
    assert (made.steps, made.standings, made.fresh) == ((), {}, 4)


def test_changed_code_will_run_and_what_follows_may(chain: Any) -> None:
    chain.node("a", "raw", code="2")
    assert chain.steps() == ["run a: code", "maybe b: upstream", "maybe c: upstream"]
    assert chain.states() == {"a": "stale", "b": "stale", "c": "stale"}


def test_only_what_the_targets_need_is_planned(chain: Any) -> None:
    chain.node("a", "raw", code="2")
    made = chain.plan("b")
    assert [(step.node.name, step.requested) for step in made.steps] == [("a", False), ("b", True)]


def test_reverted_code_takes_the_old_value_and_decides_exactly_what_follows(chain: Any) -> None:
    chain.node("a", "raw", code="2")
    chain.make("a b", "other")
    chain.node("a", "raw", code="1")
    made = chain.plan()
    assert chain.steps() == ["reuse a: code", "reuse b: input"]
    assert [step.reuse for step in made.steps] == [
        (chain.histories[cell(name)].by_trace[trace].id,)
        for name in "ab"
        for trace in list(chain.histories[cell(name)].by_trace)[:1]
    ]
    assert chain.states() == {"a": "stale", "b": "stale", "c": "stale"}, "nothing is fresh under a stale parent"


def test_equal_data_from_other_code_stops_the_wave(chain: Any) -> None:
    chain.node("a", "raw", code="2")
    chain.make("a")
    assert chain.steps() == []


def test_a_changed_source_makes_its_readers_stale_and_is_told(chain: Any) -> None:
    chain.source("raw", table(x="2", y="1"), recorded=False)
    made = chain.plan()
    assert chain.steps()[0] == "run a: input"
    assert list(made.observed) == [cell("raw")]
    (cause,) = made.steps[0].causes
    assert (cause.message, cause.columns) == ("shop.raw changed since v1 (x)", ("x",))


def test_a_column_that_nobody_reads_changes_nothing(shelf: Any) -> None:
    shelf.source("raw", table(x="1", y="1"))
    shelf.node("a", "raw", columns=("x",))
    shelf.make("a")
    shelf.source("raw", table(x="1", y="2"), recorded=False)
    assert shelf.steps() == []
    assert list(shelf.plan().observed) == [cell("raw")]


def test_a_source_that_is_not_there_blocks_its_readers(chain: Any) -> None:
    chain.source("raw", None)
    chain.node("b", "a", code="2")
    made = chain.plan()
    assert made.steps == ()
    assert chain.states() == {"raw": "missing", "a": "stale", "b": "stale", "c": "stale"}
    assert {cause.message for cause in made.standings[cell("c")].causes} == {"shop.raw has no value"}
    assert [cause.kind for cause in made.standings[cell("b")].causes] == [CauseKind.CODE, CauseKind.UPSTREAM]


@pytest.mark.parametrize("kind", [FailureClass.PERMANENT, FailureClass.DATA, FailureClass.CODE])
def test_a_lasting_failure_is_remembered_and_blocks_what_needs_it(chain: Any, kind: FailureClass) -> None:
    chain.node("a", "raw", code="2")
    chain.fail("a", kind)
    made = chain.plan()
    assert made.steps == ()
    assert chain.states() == {"a": "failed", "b": "stale", "c": "stale"}
    message = made.standings[cell("c")].causes[0].message
    assert message == "shop.a failed and is not tried again until something changes: boom"


@pytest.mark.parametrize("kind", [FailureClass.TRANSIENT, FailureClass.INFRASTRUCTURE])
def test_a_passing_failure_is_tried_again(chain: Any, kind: FailureClass) -> None:
    chain.node("a", "raw", code="2")
    chain.fail("a", kind)
    assert chain.steps()[0] == "run a: code"
    assert chain.states()["a"] == "failed"


def test_a_remembered_failure_is_tried_again_where_it_is_named_or_all_are_or_the_trace_changed(chain: Any) -> None:
    chain.node("a", "raw", code="2")
    chain.fail("a")
    named = chain.plan("a", named=frozenset({cell("a")}))
    assert named.steps[0].again == frozenset(SetbackKind)
    assert chain.plan(retry_failed=True).steps[0].again == {SetbackKind.FAILED, SetbackKind.HELD}
    assert chain.steps("a", force=True) == ["run a: forced code"]
    chain.node("a", "raw", code="3")
    assert chain.steps("a") == ["run a: code"]


def test_a_reverted_value_is_reused_though_it_failed_since(chain: Any) -> None:
    chain.node("a", "raw", code="2")
    chain.make("a", "other")
    chain.node("a", "raw", code="1")
    chain.fail("a")
    assert chain.steps("a") == ["reuse a: code"]


def test_a_skip_answers_its_trace_and_the_old_value_serves_on(chain: Any) -> None:
    chain.node("a", "raw", code="2")
    chain.setback("a", SetbackKind.SKIPPED)
    assert chain.steps() == []
    assert chain.states() == {"a": "skipped"}
    assert chain.steps("a", named=frozenset({cell("a")})) == ["run a: code"]
    assert chain.steps("a", retry_failed=True) == []


def test_a_skip_without_a_value_leaves_its_readers_without_input(shelf: Any) -> None:
    shelf.node("a")
    shelf.node("b", "a")
    shelf.setback("a", SetbackKind.SKIPPED)
    made = shelf.plan()
    assert made.steps == ()
    assert made.standings[cell("b")].causes[-1].message == "shop.a was skipped and has no value: boom"


def test_a_value_held_back_is_not_made_again(chain: Any) -> None:
    chain.node("a", "raw", code="2")
    chain.setback("a", SetbackKind.HELD)
    assert chain.steps() == []
    assert chain.states()["a"] == "held"


def test_a_running_partition_says_so_and_is_planned_all_the_same(chain: Any) -> None:
    chain.node("a", "raw", code="2")
    chain.mark("a", running=True)
    assert chain.states()["a"] == "running"
    assert chain.steps("a") == ["run a: code"]


def test_a_lost_value_is_missing_and_made_again_though_an_older_one_would_do(chain: Any) -> None:
    chain.mark("a", lost=True)
    assert chain.steps() == ["run a: corrupt", "maybe b: upstream", "maybe c: upstream"]
    assert chain.states()["a"] == "missing"


def test_force_runs_the_selection_and_not_what_it_needs(chain: Any) -> None:
    assert chain.steps("b", force=True) == ["run b: forced"]
    assert chain.steps("b c", force=True) == ["run b: forced", "run c: forced upstream"]


def test_what_memos_prove_fresh_is_not_looked_at_unless_forced_or_below_what_is(chain: Any) -> None:
    chain.node("a", "raw", code="2")
    settled = chain.snapshot(compared={})
    assert plan(chain.graph, settled, Targets()).fresh == 4
    forced = plan(chain.graph, settled, Targets(assets=frozenset({AssetKey("shop", "b")}), force=True))
    assert [step.node.name for step in forced.steps] == ["b"]
    below = plan(chain.graph, chain.snapshot(compared={AssetKey("shop", name): None for name in "abc"}), Targets())
    assert [step.node.name for step in below.steps] == ["a", "b", "c"]


def test_expired_values_run_and_volatile_ones_always(shelf: Any) -> None:
    shelf.node("hourly", max_age=timedelta(hours=1), reads_outside=True)
    shelf.node("always", max_age=timedelta(0), reads_outside=True)
    shelf.node("reader", "hourly always")
    shelf.make("hourly always reader")
    assert shelf.steps() == ["run always: expired", "maybe reader: upstream"]
    shelf.wait(minutes=59)
    assert shelf.steps("hourly") == []
    shelf.wait(minutes=1)
    assert shelf.steps("hourly") == ["run hourly: expired"]
    assert shelf.plan("hourly").steps[0].causes[0].message == "made 1h 0m ago, max_age is 1h 0m"


def test_a_failure_of_something_that_ages_is_forgotten_with_its_age(shelf: Any) -> None:
    shelf.node("hourly", max_age=timedelta(hours=1), reads_outside=True)
    shelf.fail("hourly")
    assert shelf.steps() == []
    shelf.wait(hours=1)
    assert shelf.steps() == ["run hourly: missing"]


def test_only_takes_inputs_as_they_are_and_says_what_it_ignored(chain: Any) -> None:
    chain.node("a", "raw", code="2")
    chain.node("c", "b", code="2")
    made = chain.plan("c", only=True)
    assert [(step.node.name, step.action) for step in made.steps] == [("c", Action.RUN)]
    assert made.ignored == (cell("b"),)
    assert made.standings.keys() == {cell("b"), cell("c")}
    assert made.memos == {}


def test_only_needs_nothing_where_the_inputs_as_they_are_are_answered(chain: Any) -> None:
    chain.node("a", "raw", code="2")
    made = chain.plan("b", only=True)
    assert (made.steps, made.fresh, made.ignored) == ((), 0, (cell("a"),))
    assert made.standings[cell("b")].causes[0].message == "shop.a is not fresh"


def test_only_with_a_missing_input_plans_nothing_and_says_why(shelf: Any) -> None:
    shelf.node("a")
    shelf.node("b", "a")
    made = shelf.plan("b", only=True)
    assert made.steps == ()
    assert made.standings[cell("b")].causes[-1].message == "shop.a has no value"


def test_outputs_of_one_call_are_one_step(shelf: Any) -> None:
    shelf.node("split", outputs="train test")
    shelf.node("fit", "train")
    shelf.make("split fit")
    shelf.mark("test", lost=True)
    made = shelf.plan("fit")
    assert [step.node.name for step in made.steps] == ["split", "fit"]
    assert made.steps[0].outputs == (cell("train"), cell("test"))
    assert shelf.states() == {"train": "stale", "test": "missing", "fit": "stale"}


def test_partitions_are_decided_one_by_one(shelf: Any) -> None:
    shelf.folder("inbox", {"a": "1", "b": "1", "c": "1"})
    shelf.node("text", "inbox", per="inbox")
    shelf.node("report", "text")
    shelf.make("text report")
    shelf.folder("inbox", {"a": "1", "b": "2", "d": "1"})
    assert shelf.steps() == ["run text@b: input", "run text@d: missing", "maybe report: upstream"]
    assert shelf.steps("text", keys=frozenset({"b"})) == ["run text@b: input"]
    assert shelf.plan("text", keys=frozenset({"a", "b"})).fresh == 3


def test_partition_keys_that_nothing_selected_has_are_refused(shelf: Any) -> None:
    shelf.folder("inbox", {"a.pdf": "1"})
    with pytest.raises(UsageError) as refused:
        shelf.plan("inbox", keys=frozenset({"b.pdf"}))
    assert refused.value.code == "unknown-partition"
    assert "a.pdf" in refused.value.hint


def test_an_asset_that_is_not_there_is_refused(chain: Any) -> None:
    with pytest.raises(UsageError) as refused:
        chain.plan("d")
    assert refused.value.code == "unknown-asset"


def test_an_estimate_is_what_it_took_the_last_time(shelf: Any) -> None:
    shelf.node("a")
    shelf.make("a", seconds=2.5)
    assert shelf.plan(force=True).steps[0].seconds == 2.5
    shelf.node("b")
    assert shelf.plan("b").steps[0].seconds is None


@pytest.mark.parametrize(("length", "limit"), [(1_000, 0.03), (10_000, 0.4)])
def test_planning_is_quick(shelf: Any, length: int, limit: float) -> None:
    """The limits are those of the reference machine; tenfold here, for busy ones."""
    shelf.node("a00000")
    for place in range(1, length):
        shelf.node(f"a{place:05d}", f"a{place - 1:05d}")
    graph = shelf.graph
    shelf.make(" ".join(node.name for node in graph.order))
    assert plan(graph, shelf.snapshot(), Targets()).fresh == length


def test_the_depth_of_a_graph_has_no_limit(shelf: Any) -> None:
    shelf.node("a000000")
    for place in range(1, 20_000):
        shelf.node(f"a{place:06d}", f"a{place - 1:06d}")
    assert len(shelf.plan().steps) == 20_000
