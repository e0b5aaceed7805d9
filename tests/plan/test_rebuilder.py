"""The one rule, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assetflow.model.definition import Node
from assetflow.model.history import History, Materialization, Setback, SetbackKind
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.plan import CauseKind
from assetflow.model.retry import FailureClass
from assetflow.model.trace import Edge, Recipe, Trace
from assetflow.model.versions import DataVersion
from assetflow.plan import Keep, Leave, Rebuild, Reuse, causes, decide
from assetflow.plan.ageing import Age

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEY, OTHER, INPUT = AssetKey("shop", "a"), AssetKey("shop", "b"), AssetKey("shop", "input")
TODAY = Trace(Recipe.of(code="today"), "", (Edge(INPUT, "all", 1, "same"),))
BEFORE = Trace(Recipe.of(code="before"), "", (Edge(INPUT, "all", 1, "same"),))
PENDING = Trace(Recipe.of(code="today"), "", (Edge(INPUT, "all", 1, None),))


def node(**fields: Any) -> Node:
    return Node(key=KEY, outputs=(KEY,), recipe=TODAY.recipe, **fields)


def made(trace: Trace = TODAY, id: int = 1, **fields: Any) -> Materialization:
    return Materialization(
        **{
            "id": id,
            "partition": Partition(KEY),
            "version": id,
            "attempt": id,
            "trace": trace.digest,
            "recipe": trace.recipe,
            "edges": trace.edges,
            "data": DataVersion(str(id)),
            "made_at": NOON,
            **fields,
        }
    )


def history(current: Materialization | None = None, *older: Materialization, **fields: Any) -> History:
    known = [one for one in (*older, current) if one is not None]
    return History(current=current, by_trace={one.trace: one for one in known}, **fields)


def setback(kind: SetbackKind, failure: FailureClass | None = None, trace: Trace = TODAY) -> Setback:
    return Setback(kind=kind, trace=trace.digest or "", failure=failure, message="", at=NOON, run=1)


def kinds(decision: Any) -> list[CauseKind]:
    return [cause.kind for cause in decision.causes]


FAILED = setback(SetbackKind.FAILED, FailureClass.PERMANENT)
SKIPPED = setback(SetbackKind.SKIPPED)
CURRENT, OLD, CANDIDATE = made(BEFORE, 5), made(BEFORE, 1), made(TODAY, 2)


def test_a_value_made_from_this_trace_is_kept() -> None:
    assert decide(node(), TODAY, [history(made())], age=Age(NOON)) == Keep()


def test_a_value_made_from_another_is_made_anew_with_the_difference_as_cause() -> None:
    decision = decide(node(), TODAY, [history(OLD)], age=Age(NOON))
    assert isinstance(decision, Rebuild)
    assert kinds(decision) == [CauseKind.CODE]
    assert decision.certain


def test_a_pending_input_alone_makes_it_uncertain() -> None:
    decision = decide(node(), PENDING, [history(made())], age=Age(NOON))
    assert isinstance(decision, Rebuild)
    assert kinds(decision) == [CauseKind.UPSTREAM]
    assert not decision.certain


def test_a_cause_of_its_own_beside_a_pending_input_is_certain() -> None:
    decision = decide(node(), PENDING, [history(OLD)], age=Age(NOON))
    assert isinstance(decision, Rebuild)
    assert kinds(decision) == [CauseKind.CODE, CauseKind.UPSTREAM]
    assert decision.certain


def test_an_older_value_of_this_trace_is_taken_again() -> None:
    decision = decide(node(), TODAY, [history(CURRENT, CANDIDATE)], age=Age(NOON))
    assert isinstance(decision, Reuse)
    assert decision.materializations == (CANDIDATE,)
    assert kinds(decision) == [CauseKind.CODE]


def test_another_environments_value_answers_what_is_missing_here() -> None:
    decision = decide(node(reads_outside=True), TODAY, [History(by_trace={CANDIDATE.trace: CANDIDATE})], age=Age(NOON))
    assert isinstance(decision, Reuse)


@pytest.mark.parametrize(
    ("of", "past", "demands"),
    [
        (node(), history(CURRENT, replace(CANDIDATE, stateful=True)), ()),
        (node(), history(replace(CURRENT, stateful=True), CANDIDATE), ()),
        (node(), history(CURRENT, replace(CANDIDATE, freed=True)), ()),
        (node(reads_outside=True), history(CURRENT, CANDIDATE), ()),
        (node(), history(CURRENT, CANDIDATE, lost=True), ()),
        (node(), history(CURRENT, CANDIDATE), (causes.forced(),)),
        (node(), history(CURRENT, CANDIDATE), (causes.corrupt(CURRENT),)),
        (
            node(max_age=timedelta(hours=1), deterministic=True),
            history(CURRENT, replace(CANDIDATE, made_at=NOON - timedelta(hours=1))),
            (),
        ),
        (
            node(max_age=timedelta(hours=1), deterministic=True),
            history(replace(CURRENT, made_at=NOON - timedelta(hours=1)), CANDIDATE),
            (),
        ),
        (node(max_age=timedelta(0), deterministic=True), history(CURRENT, CANDIDATE), ()),
    ],
    ids=[
        "stateful",
        "current stateful",
        "freed",
        "outside",
        "lost",
        "forced",
        "corrupt",
        "too old",
        "expired",
        "volatile",
    ],
)
def test_what_speaks_against_taking_an_older_value(of: Node, past: History, demands: tuple[Any, ...]) -> None:
    assert isinstance(decide(of, TODAY, [past], age=Age(NOON, of.max_age), demands=demands), Rebuild)


def test_outside_a_newer_value_is_taken_and_with_the_users_word_an_older_one() -> None:
    newer = history(OLD, made(TODAY, 9))
    assert isinstance(decide(node(reads_outside=True), TODAY, [newer], age=Age(NOON)), Reuse)
    told = node(reads_outside=True, deterministic=True)
    assert isinstance(decide(told, TODAY, [history(CURRENT, CANDIDATE)], age=Age(NOON)), Reuse)


def test_all_outputs_are_taken_from_one_attempt_or_none() -> None:
    both = Node(key=KEY, outputs=(KEY, OTHER), recipe=TODAY.recipe)
    one = history(CURRENT, made(TODAY, 2, attempt=7))
    same, other = history(CURRENT, made(TODAY, 3, attempt=7)), history(CURRENT, made(TODAY, 3, attempt=8))
    assert isinstance(decide(both, TODAY, [one, same], age=Age(NOON)), Reuse)
    assert isinstance(decide(both, TODAY, [one, other], age=Age(NOON)), Rebuild)


def test_one_stale_output_is_enough() -> None:
    both = Node(key=KEY, outputs=(KEY, OTHER), recipe=TODAY.recipe)
    decision = decide(both, TODAY, [history(made()), History()], age=Age(NOON))
    assert isinstance(decision, Rebuild)
    assert [cause.message for cause in decision.causes] == ["shop.b has no value yet"]


@pytest.mark.parametrize("back", [FAILED, SKIPPED, setback(SetbackKind.HELD)])
def test_what_was_answered_is_left(back: Setback) -> None:
    decision = decide(node(), TODAY, [history(OLD, setback=back)], age=Age(NOON))
    assert isinstance(decision, Leave)
    assert decision.setback is back
    assert kinds(decision) == [CauseKind.CODE]


@pytest.mark.parametrize(
    ("past", "arguments"),
    [
        (history(OLD, setback=FAILED), {"again": frozenset({SetbackKind.FAILED})}),
        (history(OLD, setback=FAILED), {"demands": (causes.forced(),)}),
        (history(OLD, setback=replace(FAILED, failure=FailureClass.TRANSIENT)), {}),
        (history(OLD, setback=replace(FAILED, trace=BEFORE.digest)), {}),
        (history(OLD, setback=replace(FAILED, trace="")), {}),
    ],
    ids=["again", "forced", "passing", "another trace", "no trace"],
)
def test_what_makes_it_be_tried_again(past: History, arguments: dict[str, Any]) -> None:
    assert isinstance(decide(node(), TODAY, [past], age=Age(NOON), **arguments), Rebuild)


def test_an_older_value_helps_after_a_failure_but_a_skip_is_the_answer() -> None:
    failed, skipped = (history(CURRENT, CANDIDATE, setback=back) for back in (FAILED, SKIPPED))
    assert isinstance(decide(node(), TODAY, [failed], age=Age(NOON)), Reuse)
    assert isinstance(decide(node(), TODAY, [skipped], age=Age(NOON)), Leave)


def test_a_forced_run_that_failed_leaves_the_value_fresh() -> None:
    assert decide(node(), TODAY, [history(made(), setback=FAILED)], age=Age(NOON)) == Keep()


def test_the_second_call_keeps_what_someone_else_made_meanwhile() -> None:
    """The plan's step was expired; the claim's history has a newer value, made after the plan's ``as_of``."""
    hourly = node(max_age=timedelta(hours=1), reads_outside=True)
    stale = made(made_at=NOON - timedelta(hours=2))
    first = decide(hourly, TODAY, [history(stale)], age=Age(NOON, hourly.max_age))
    assert isinstance(first, Rebuild)
    newer = history(made(id=2, made_at=NOON + timedelta(minutes=1)))
    assert decide(hourly, TODAY, [newer], age=Age(NOON, hourly.max_age), demands=first.causes) == Keep()
    assert isinstance(
        decide(hourly, TODAY, [newer], age=Age(NOON, hourly.max_age), demands=(causes.forced(),)), Rebuild
    )


def test_demands_for_bytes_that_are_bad_outlive_equal_traces() -> None:
    corrupt = causes.corrupt(made())
    decision = decide(node(), TODAY, [history(made())], age=Age(NOON), demands=(corrupt,))
    assert decision == Rebuild((corrupt,))


def test_what_was_made_before_a_window_ended_is_expired() -> None:
    late = node(lookback=2, reads_outside=True)
    ended = NOON - timedelta(hours=1)
    before, after = (history(made(made_at=ended + timedelta(minutes=m))) for m in (-1, 0))
    decision = decide(late, TODAY, [before], age=Age(NOON, None, ended))
    assert isinstance(decision, Rebuild)
    assert [cause.message for cause in decision.causes] == [
        f"made before a window ended at {ended:%Y-%m-%d %H:%M} UTC (lookback=2)"
    ]
    assert decide(late, TODAY, [after], age=Age(NOON, None, ended)) == Keep()
    during = history(made(made_at=ended + timedelta(minutes=1), seconds=120))
    assert isinstance(decide(late, TODAY, [during], age=Age(NOON, None, ended)), Rebuild), "it was begun before"


def test_code_is_only_for_what_is_not_made_yet() -> None:
    forward = node(forward_only=True)
    kept = decide(forward, TODAY, [history(OLD)], age=Age(NOON))
    assert isinstance(kept, Keep)
    assert [cause.kind for cause in kept.forward] == [CauseKind.CODE]
    assert decide(forward, PENDING, [history(OLD)], age=Age(NOON)) == Rebuild((causes.upstream(INPUT),))
    assert isinstance(decide(forward, TODAY, [History()], age=Age(NOON)), Rebuild)
    assert isinstance(decide(forward, TODAY, [history(OLD, lost=True)], age=Age(NOON)), Rebuild)
    changed = made(Trace(BEFORE.recipe, "", (Edge(INPUT, "all", 1, "other"),)))
    decision = decide(forward, TODAY, [history(changed)], age=Age(NOON))
    assert kinds(decision) == [CauseKind.CODE, CauseKind.INPUT]
