"""The order of steps, against a model that looks at everything each time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assetflow.run.schedule import Schedule, Stage


@st.composite
def graphs(draw: st.DrawFn) -> list[set[int]]:
    """For each step the steps before it that it reads."""
    size = draw(st.integers(1, 12))
    return [draw(st.sets(st.integers(0, step - 1))) if step else set() for step in range(size)]


def started(schedule: Schedule) -> int:
    """The step that comes next, begun."""
    step = schedule.next()
    schedule.start(step)
    return step


def drained(schedule: Schedule, ahead: int = 64) -> list[int]:
    """Claim, begin and end steps one by one until none is left."""
    order: list[int] = []
    while schedule.unfinished:
        if not schedule.has_startable():
            claims = schedule.claims(ahead, 1)
            assert claims, "there must always be something to claim"
            for step in claims:
                schedule.claimed(step)
            continue
        step = started(schedule)
        order.append(step)
        schedule.over(step)
    return order


@given(graphs(), st.integers(1, 5))
def test_every_step_runs_once_after_all_that_it_reads(upstream: list[set[int]], ahead: int) -> None:
    order = drained(Schedule(upstream, [None] * len(upstream)), ahead)
    assert sorted(order) == list(range(len(upstream)))
    place = {step: number for number, step in enumerate(order)}
    assert all(place[needed] < place[step] for step, read in enumerate(upstream) for needed in read)


@given(graphs(), st.integers(1, 5), st.integers(0, 3))
def test_no_more_is_claimed_ahead_than_asked_for(upstream: list[set[int]], ahead: int, at_least: int) -> None:
    schedule = Schedule(upstream, [None] * len(upstream))
    claims = schedule.claims(ahead, at_least)
    assert len(claims) == len(set(claims)) <= max(ahead, at_least)
    ready = [step for step, read in enumerate(upstream) if not read]
    assert set(claims[: len(ready)]) <= set(ready)


@given(graphs(), st.data())
def test_giving_up_ends_all_that_needs_the_step_and_nothing_else(upstream: list[set[int]], data: st.DataObject) -> None:
    schedule = Schedule(upstream, [None] * len(upstream))
    step = data.draw(st.integers(0, len(upstream) - 1))
    below: set[int] = set()
    for later, read in enumerate(upstream):
        if read & (below | {step}):
            below.add(later)
    assert set(schedule.give_up(step)) == below
    assert set(schedule.remaining()) == set(range(len(upstream))) - below - {step}


@given(graphs(), st.data())
def test_what_is_undone_runs_again_and_in_order(upstream: list[set[int]], data: st.DataObject) -> None:
    schedule = Schedule(upstream, [None] * len(upstream))
    drained(schedule)
    lost = data.draw(st.integers(0, len(upstream) - 1))
    again = [lost, *schedule.downstream([lost])]
    assert schedule.undo([lost]) == (frozenset(again), frozenset())
    assert sorted(drained(schedule)) == sorted(again)


def test_what_cannot_run_anyway_stays_over_when_something_else_is_lost() -> None:
    schedule = Schedule([set(), set(), {0, 1}], [None] * 3)
    for step in schedule.claims(64, 1):
        schedule.claimed(step)
    failed = started(schedule)
    fine = started(schedule)
    schedule.give_up(failed)
    schedule.over(fine)
    assert schedule.undo([fine]) == (frozenset([fine]), frozenset())


def test_the_longest_path_goes_first() -> None:
    schedule = Schedule([set(), set(), {1}], [5.0, 1.0, 10.0])
    assert drained(schedule) == [1, 2, 0]


def test_a_step_that_another_run_holds_is_not_claimed_until_asked_for_again() -> None:
    schedule = Schedule([set(), set()], [None, None])
    assert schedule.claims(64, 1) == [0, 1]
    schedule.put_aside(0)
    schedule.claimed(1)
    assert schedule.claims(64, 1) == []
    assert schedule.aside == (0,)
    schedule.claimed(0)
    assert schedule.aside == ()


def test_a_step_that_lost_its_claim_can_be_claimed_again() -> None:
    schedule = Schedule([set()], [None])
    schedule.claimed(schedule.claims(64, 1)[0])
    assert started(schedule) == 0
    schedule.reopen(0)
    assert schedule.stage(0) is Stage.OPEN
    assert schedule.claims(64, 1) == [0]


def test_ten_thousand_independent_steps_are_ordered_quickly() -> None:
    assert len(drained(Schedule([set() for _ in range(10_000)], [None] * 10_000))) == 10_000


def test_another_order_may_be_asked_for() -> None:
    schedule = Schedule([set(), set(), {0}, {1}], [None] * 4, first=[2.0, 1.0, 2.0, 1.0])
    assert drained(schedule) == [1, 3, 0, 2]
