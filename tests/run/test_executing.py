"""Whole runs: what happens, in which order, and what is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from assetflow.declare import File, asset, multi_asset, source
from assetflow.errors import BusyError, StorageError, UsageError
from assetflow.model.context import Skip
from assetflow.model.event import Event, RunFinished, RunStarted, StepFinished, StepStarted, StepWaiting
from assetflow.model.journal import Claim, Finished, NewRun, RunStatus
from assetflow.model.retry import Retry
from assetflow.run import Stop


def counted(name: str, *, gives: Any, reads: str = "", calls: list[str]) -> Any:
    """An asset that notes that it was called. What it gives is part of its code."""
    if reads:

        @asset(name=name, deps=[reads])
        def made() -> int:
            note(calls, name)
            return gives  # type: ignore[no-any-return]
    else:

        @asset(name=name)
        def made() -> int:
            note(calls, name)
            return gives  # type: ignore[no-any-return]

    return made


def note(calls: list[str], name: str) -> None:
    calls.append(name)


def chain(number: int) -> tuple[Any, Any, Any]:
    """Three assets; the first's code depends on the number, its value only on whether that is odd."""

    @asset
    def first() -> int:
        return number % 2

    @asset
    def second(first: int) -> int:
        return first + 10

    @asset
    def third(second: int) -> int:
        return second + 100

    return first, second, third


def test_a_chain_is_run_in_order_and_each_value_is_handed_on(workshop: Any) -> None:
    @asset
    def one() -> int:
        return 1

    @asset
    def two(one: int) -> int:
        return one + 1

    @asset
    def three(two: int, one: int) -> list[int]:
        return [one, two, 3]

    ran = workshop.run(one, two, three)
    assert ran.outcomes == {"one": "materialized", "two": "materialized", "three": "materialized"}
    assert ran.status is RunStatus.SUCCEEDED
    assert workshop.value("three") == [1, 2, 3]
    assert ran.end.counts == {
        "materialized": 3, "unchanged": 0, "kept": 0, "reused": 0, "checked": 0, "degraded": 0, "skipped": 0, "held": 0,
        "failed": 0, "not_run": 0,
    }  # fmt: skip


def test_equal_upstream_output_stops_the_wave(workshop: Any) -> None:
    workshop.run(*chain(1))
    ran = workshop.run(*chain(3))
    assert ran.outcomes == {"first": "unchanged", "second": "kept", "third": "kept"}
    assert ran.finished["second"].versions == (1,)


def test_a_reverted_change_gives_the_old_values_back_without_running(workshop: Any) -> None:
    workshop.run(*chain(1))
    assert workshop.run(*chain(2)).outcomes == dict.fromkeys(("first", "second", "third"), "materialized")
    ran = workshop.run(*chain(1))
    assert ran.outcomes == dict.fromkeys(("first", "second", "third"), "reused")
    assert workshop.value("third") == 111
    assert not any(isinstance(event, StepStarted) for event in ran.events)


def test_when_everything_is_fresh_there_is_no_step_and_the_run_succeeds(workshop: Any) -> None:
    workshop.run(*chain(1))
    ran = workshop.run(*chain(1))
    assert not ran.outcomes
    assert ran.status is RunStatus.SUCCEEDED


def test_a_diamond_runs_its_top_once(workshop: Any) -> None:
    tops = []

    @asset(version="1")
    def top() -> int:
        tops.append(1)
        return 1

    @asset
    def left(top: int) -> int:
        return top + 1

    @asset
    def right(top: int) -> int:
        return top + 2

    @asset
    def bottom(left: int, right: int) -> int:
        return left + right

    workshop.run(top, left, right, bottom, jobs=4, executor="threads")
    assert tops == [1]
    assert workshop.value("bottom") == 5


def test_equal_data_shares_the_bytes_of_the_older_value(workshop: Any) -> None:
    def large(number: int) -> Any:
        @asset
        def words() -> str:
            return "word " * 5000 if number else ""

        return words

    workshop.run(large(1))
    ran = workshop.run(large(2))
    assert ran.outcomes == {"words": "unchanged"}
    assert ran.finished["words"].versions == (2,)
    assert len(list(workshop.values.store.names())) == 1


def test_equal_data_is_saved_anew_where_the_older_bytes_are_gone(workshop: Any) -> None:
    def large(number: int) -> Any:
        @asset
        def words() -> str:
            return "word " * 5000 if number else ""

        return words

    workshop.run(large(1))
    (name,) = workshop.values.store.names()
    workshop.values.store.delete(name)
    assert workshop.run(large(2)).status is RunStatus.SUCCEEDED
    assert workshop.value("words") == "word " * 5000


def test_a_reuse_whose_bytes_are_gone_is_rebuilt(workshop: Any) -> None:
    def large(number: int) -> Any:
        @asset
        def words() -> str:
            return f"{number} " * 5000

        return words

    workshop.run(large(1))
    (name,) = workshop.values.store.names()
    workshop.run(large(2))
    workshop.values.store.delete(name)
    ran = workshop.run(large(1))
    assert ran.outcomes == {"words": "materialized"}
    assert "corrupt" in {str(cause.kind) for cause in ran.finished["words"].causes}
    assert workshop.value("words") == "1 " * 5000


def failing_family() -> tuple[Any, ...]:
    @asset
    def bad() -> int:
        raise ValueError("no luck")

    @asset
    def child(bad: int) -> int:
        return bad

    @asset
    def grandchild(child: int) -> int:
        return child

    @asset
    def stranger() -> int:
        return 7

    return bad, child, grandchild, stranger


def test_a_failure_leaves_the_rest_right(workshop: Any) -> None:
    ran = workshop.run(*failing_family())
    assert ran.outcomes == {
        "bad": "failed", "child": "not_run", "grandchild": "not_run", "stranger": "materialized",
    }  # fmt: skip
    assert ran.status is RunStatus.FAILED
    assert ran.finished["grandchild"].reason == "test_executing.bad failed"
    failure = ran.failure("bad")
    assert (failure.kind, failure.type, failure.message) == ("permanent", "ValueError", "no luck")
    assert 'raise ValueError("no luck")' in failure.traceback
    assert "assetflow/run" not in failure.traceback
    assert "assetflow/run/attempt.py" in workshop.log_lines()


def test_fail_fast_stops_at_the_first_failure(workshop: Any) -> None:
    calls: list[str] = []

    @asset
    def bad() -> int:
        raise ValueError("no luck")

    others = [counted(f"z{number}", gives=number, calls=calls) for number in range(5)]
    ran = workshop.run(bad, *others, fail_fast=True)
    assert ran.status is RunStatus.FAILED
    assert ran.outcomes == {"bad": "failed", **dict.fromkeys(("z0", "z1", "z2", "z3", "z4"), "not_run")}
    assert not calls


def test_what_failed_for_good_is_not_tried_again_by_a_step_that_may_run(workshop: Any) -> None:
    workshop.run(*failing_family())
    ran = workshop.run(*failing_family())
    assert "bad" not in ran.outcomes or ran.outcomes["bad"] == "not_run"


def skipping(number: int, *, skips: bool) -> tuple[Any, Any]:
    @asset
    def inbox() -> int:
        if skips:
            raise Skip("no new files")
        return number

    @asset
    def report(inbox: int) -> int:
        return inbox * 2

    return inbox, report


def test_after_a_skip_the_readers_use_the_old_value(workshop: Any) -> None:
    workshop.run(*skipping(5, skips=False))
    ran = workshop.run(*skipping(6, skips=True))
    assert ran.outcomes == {"inbox": "skipped", "report": "kept"}
    assert ran.finished["inbox"].reason == "no new files"
    assert ran.finished["inbox"].versions == (1,)
    assert ran.status is RunStatus.SUCCEEDED


def test_after_a_skip_without_an_old_value_readers_are_not_run_and_the_run_succeeds(workshop: Any) -> None:
    ran = workshop.run(*skipping(6, skips=True))
    assert ran.outcomes == {"inbox": "skipped", "report": "not_run"}
    assert "skipped" in ran.finished["report"].reason
    assert ran.status is RunStatus.SUCCEEDED


class Split(NamedTuple):
    train: list[int]
    test: list[int]


def test_the_outputs_of_a_multi_asset_are_made_by_one_call_and_read_apart(workshop: Any) -> None:
    @multi_asset
    def split() -> Split:
        return Split([1, 2, 3], [4])

    @asset
    def score(test: list[int]) -> int:
        return len(test)

    ran = workshop.run(split, score)
    assert ran.outcomes == {"split": "materialized", "score": "materialized"}
    assert [output.asset.name for output in ran.finished["split"].outputs] == ["train", "test"]
    assert workshop.value("train") == [1, 2, 3]
    assert workshop.value("score") == 1


def test_a_value_of_the_wrong_type_fails_as_data_and_is_not_recorded(workshop: Any) -> None:
    @asset
    def count() -> int:
        return "many"  # type: ignore[return-value]

    ran = workshop.run(count)
    assert ran.failure("count").kind == "data"
    assert not ran.finished["count"].versions


class Hostile(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")

    __repr__ = __str__


def test_an_exception_that_cannot_be_printed_is_a_failure_with_its_text(workshop: Any) -> None:
    @asset
    def bad() -> int:
        raise Hostile("original text")

    ran = workshop.run(bad)
    assert ran.failure("bad").type == "Hostile"
    assert "original text" in ran.failure("bad").message


@pytest.mark.parametrize("code", [0, 3, None])
def test_a_function_that_exits_has_failed(workshop: Any, code: int | None) -> None:
    @asset
    def leaving() -> int:
        raise SystemExit(code)

    ran = workshop.run(leaving)
    assert ran.outcomes == {"leaving": "failed"}
    assert ran.failure("leaving").message == f"the function called sys.exit({code})"


def test_keyboard_interrupt_in_a_function_cancels_the_run(workshop: Any) -> None:
    @asset
    def before() -> int:
        return 1

    @asset
    def stopping(before: int) -> int:
        raise KeyboardInterrupt

    @asset
    def after(stopping: int) -> int:
        return stopping

    ran = workshop.run(before, stopping, after)
    assert ran.status is RunStatus.CANCELLED
    assert ran.outcomes == {"before": "materialized", "stopping": "not_run", "after": "not_run"}
    assert ran.finished["after"].reason == "the run was cancelled"


class Flaky:
    """Fails so many times, then works."""

    def __init__(self, failures: int, error: type[Exception] = ConnectionError) -> None:
        self.left = failures
        self.error = error

    def call(self) -> int:
        if self.left:
            self.left -= 1
            raise self.error(f"{self.left} left")
        return 1


def flaky(world: Flaky, retry: Retry | None) -> Any:
    @asset(retry=retry, version="1")
    def calls() -> int:
        return world.call()

    return calls


def test_waits_double_and_are_capped(workshop: Any) -> None:
    retry = Retry(7, jitter=False, max_delay="8s")
    ran = workshop.run(flaky(Flaky(5), retry))
    assert workshop.clock.slept == [1, 2, 4, 8, 8]
    assert ran.outcomes == {"calls": "materialized"}
    assert ran.finished["calls"].attempts == 6
    assert [event.attempt_number for event in ran.retries] == [1, 2, 3, 4, 5]
    assert [event.failure.message for event in ran.retries][:2] == ["4 left", "3 left"]


def test_when_the_attempts_are_used_up_the_step_has_failed(workshop: Any) -> None:
    ran = workshop.run(flaky(Flaky(9), Retry(3, jitter=False)))
    assert workshop.clock.slept == [1, 2]
    assert ran.failure("calls").kind == "transient"
    assert ran.finished["calls"].attempts == 3


def test_without_a_policy_there_is_one_attempt(workshop: Any) -> None:
    ran = workshop.run(flaky(Flaky(1), None))
    assert ran.outcomes == {"calls": "failed"}
    assert not ran.retries


def test_what_cannot_heal_is_not_tried_again(workshop: Any) -> None:
    ran = workshop.run(flaky(Flaky(1, ValueError), Retry(3)))
    assert ran.outcomes == {"calls": "failed"}
    assert not ran.retries


def test_an_error_that_the_policy_names_is_tried_again(workshop: Any) -> None:
    ran = workshop.run(flaky(Flaky(1, ValueError), Retry(3, on=ValueError)))
    assert ran.outcomes == {"calls": "materialized"}
    assert ran.retries[0].failure.reason == "ValueError is named in Retry(on=…)"


def test_others_go_on_while_a_step_waits_for_its_next_attempt(workshop: Any) -> None:
    calls: list[str] = []
    order: list[str] = []

    @asset(retry=Retry(2, delay="1h", max_delay="1h", jitter=False), version="1")
    def waits() -> int:
        order.append("waits")
        if len(order) == 1:
            raise TimeoutError
        return 1

    ran = workshop.run(waits, counted("zz", gives=1, calls=calls), listeners=[lambda event: note_step(order, event)])
    assert order.index("zz done") < order.index("waits", 1)
    assert ran.status is RunStatus.SUCCEEDED
    assert sum(workshop.clock.slept) >= 3600


def note_step(order: list[str], event: Event) -> None:
    if isinstance(event, StepFinished):
        order.append(f"{event.step.asset.name} done")


def test_events_come_in_order_and_finish_with_the_end(workshop: Any) -> None:
    ran = workshop.run(*chain(1))
    kinds = [type(event) for event in ran.events]
    assert kinds[0] is RunStarted
    assert kinds[-1] is RunFinished
    assert kinds.count(StepStarted) == kinds.count(StepFinished) == 3


def test_a_listener_that_raises_changes_nothing(workshop: Any, caplog: pytest.LogCaptureFixture) -> None:
    def broken(event: Event) -> None:
        raise RuntimeError("listener")

    seen: list[Event] = []
    ran = workshop.run(*chain(1), listeners=[broken, seen.append])
    assert ran.status is RunStatus.SUCCEEDED
    assert seen == ran.events
    assert "a listener failed on RunStarted" in caplog.text


def test_a_step_is_told_to_be_finished_only_when_that_is_recorded(bookshop: Any) -> None:
    def listener(event: Event) -> None:
        if isinstance(event, StepFinished):
            assert all(output in bookshop.book.current for output in event.outputs)
            told.append(event)

    told: list[Event] = []
    bookshop.run(*chain(1), listeners=[listener])
    assert len(told) == 3


def test_steps_are_recorded_in_groups_together_with_the_next_claims(bookshop: Any) -> None:
    calls: list[str] = []
    bookshop.run(*[counted(f"a{number:03}", gives=number, calls=calls) for number in range(200)])
    assert len(calls) == 200
    assert [(len(finished), claims) for finished, claims in bookshop.book.groups] == [
        (64, 64),
        (64, 64),
        (64, 8),
        (8, 0),
    ]
    assert bookshop.book.claims == 1


def test_a_step_with_effects_begins_only_when_its_inputs_are_recorded(bookshop: Any) -> None:
    recorded = []

    @asset
    def data() -> int:
        return 1

    @asset(version="1")
    def publish(data: int) -> None:
        recorded.append([p.asset.name for p in bookshop.book.current])

    ran = bookshop.run(data, publish)
    assert recorded == [["data"]]
    assert ran.outcomes == {"data": "materialized", "publish": "materialized"}


def test_a_step_with_effects_is_done_again_rather_than_reused(workshop: Any) -> None:
    published: list[int] = []

    def publishing(number: int) -> tuple[Any, Any]:
        @asset
        def data() -> int:
            return number

        @asset(version="1")
        def publish(data: int) -> None:
            published.append(data)

        return data, publish

    for number in (1, 2, 1):
        workshop.run(*publishing(number))
    assert published == [1, 2, 1]


def lose(bookshop: Any, name: str) -> None:
    """At the first commit that holds the step, another run has taken its lease."""

    def before(finished: Sequence[Finished]) -> None:
        for step in finished:
            if step.id.asset.name == name:
                bookshop.book.leases = {
                    o: lease for o, lease in bookshop.book.leases.items() if lease[1] != step.attempt
                }
                bookshop.book.before_commit = lambda finished: None

    bookshop.book.before_commit = before


def test_a_step_that_lost_its_lease_is_decided_again_and_so_is_what_read_it(bookshop: Any) -> None:
    calls: list[str] = []

    @asset(version="1")
    def first() -> int:
        calls.append("first")
        return 1

    @asset(version="1")
    def second(first: int) -> int:
        calls.append("second")
        return first

    @asset(version="1")
    def other() -> int:
        calls.append("other")
        return 1

    lose(bookshop, "first")
    ran = bookshop.run(first, second, other)
    assert ran.status is RunStatus.SUCCEEDED
    assert sorted(calls) == ["first", "first", "other", "second", "second"]
    assert [e.step.asset.name for e in ran.events if isinstance(e, StepFinished)].count("first") == 1
    assert ran.outcomes == dict.fromkeys(("first", "second", "other"), "materialized")


def test_a_lost_step_that_another_run_made_meanwhile_is_kept(bookshop: Any) -> None:
    lose(bookshop, "first")
    before = bookshop.book.before_commit

    def meanwhile(finished: Sequence[Finished]) -> None:
        before(finished)
        made = next(step for step in finished if step.id.asset.name == "first")
        bookshop.book._record(99, made)

    bookshop.book.before_commit = meanwhile
    ran = bookshop.run(*chain(1))
    assert ran.outcomes == {"first": "kept", "second": "materialized", "third": "materialized"}


def test_a_retried_attempt_that_lost_its_lease_is_claimed_anew(bookshop: Any) -> None:
    world = Flaky(1)

    @asset(retry=Retry(3, jitter=False), version="1")
    def calls() -> int:
        if world.left:
            bookshop.book.leases.clear()
        return world.call()

    ran = bookshop.run(calls)
    assert ran.outcomes == {"calls": "materialized"}
    assert not bookshop.book.retried


def test_a_step_that_another_run_makes_is_waited_for_while_others_go_on(bookshop: Any) -> None:
    first, second, third = chain(1)
    calls: list[str] = []
    other = bookshop.book.begin(NewRun(started_at=bookshop.clock.now(), targets=()))
    loaded = bookshop.load(first, second, third, counted("zz", gives=1, calls=calls))
    plan = bookshop.plan(loaded)
    held = next(step for step in plan.steps if step.id.asset.name == "first")
    bookshop.book.claim(other, [Claim(node=held.node, key="", outputs=held.outputs)])
    events = []
    for event in bookshop.start(plan, loaded):
        events.append(event)
        if isinstance(event, StepFinished) and event.step.asset.name == "zz":
            bookshop.book.leases = {o: lease for o, lease in bookshop.book.leases.items() if lease[0] != other}
    waits = [event for event in events if isinstance(event, StepWaiting)]
    assert [(event.step.asset.name, event.other_run) for event in waits] == [("first", other)]
    done = [event.step.asset.name for event in events if isinstance(event, StepFinished)]
    assert done == ["zz", "first", "second", "third"]


def test_a_commit_that_fails_ends_the_run_as_failed_and_is_told(bookshop: Any) -> None:
    def fail(finished: Sequence[Finished]) -> None:
        raise StorageError("disk-full", "no space left")

    bookshop.book.before_commit = fail
    with pytest.raises(StorageError, match="no space left"):
        bookshop.run(*chain(1))
    assert list(bookshop.book.runs.values()) == [RunStatus.FAILED]
    assert not bookshop.book.leases


def test_an_iterator_that_is_closed_early_records_what_has_ended_and_cancels(bookshop: Any) -> None:
    loaded = bookshop.load(*chain(1))
    events = bookshop.start(bookshop.plan(loaded), loaded)
    for event in events:
        if isinstance(event, StepStarted) and event.step.asset.name == "second":
            break
    events.close()
    assert list(bookshop.book.runs.values()) == [RunStatus.CANCELLED]
    assert [p.asset.name for p in bookshop.book.current] == ["first"]
    assert not bookshop.book.leases


def test_a_request_to_stop_lets_what_runs_end_and_begins_nothing(bookshop: Any) -> None:
    stop = Stop()

    @asset(version="1")
    def first() -> int:
        stop.request()
        return 1

    @asset
    def second(first: int) -> int:
        return first

    ran = bookshop.run(first, second, stop=stop)
    assert ran.status is RunStatus.CANCELLED
    assert ran.outcomes == {"first": "materialized", "second": "not_run"}
    assert bookshop.book.counts["not_run"] == 1


def test_an_unknown_executor_is_refused_before_anything_is_recorded(bookshop: Any) -> None:
    with pytest.raises(UsageError, match="there is no executor 'fork'"):
        bookshop.run(*chain(1), executor="fork")
    assert not bookshop.book.runs


def test_a_source_that_moves_while_it_is_read_is_a_transient_failure(workshop: Any, tmp_path: Path) -> None:
    file = tmp_path / "raw.txt"
    file.write_text("one")
    raw = source("raw", File(file))

    @asset(version="1")
    def words(raw: Path) -> str:
        text = raw.read_text()
        raw.write_text(text + " more")
        return text

    ran = workshop.run(raw, words)
    assert ran.failure("words").kind == "transient"
    assert "raw changed while the step ran" in ran.failure("words").message


def test_a_retry_reads_the_source_as_it_is_then(workshop: Any, tmp_path: Path) -> None:
    file = tmp_path / "raw.txt"
    file.write_text("one")
    raw = source("raw", File(file))

    @asset(version="1", retry=Retry(2))
    def words(raw: Path) -> str:
        text = raw.read_text()
        if text == "one":
            raw.write_text("one more")
        return text

    ran = workshop.run(raw, words)
    assert ran.outcomes == {"words": "materialized"}
    assert workshop.value("words") == "one more"
    assert not workshop.run(raw, words).outcomes


def test_equal_waits_are_told_with_the_failure(workshop: Any) -> None:
    ran = workshop.run(flaky(Flaky(1), Retry(2, delay=timedelta(seconds=3), jitter=False)))
    assert ran.retries[0].wait == timedelta(seconds=3)


def test_forcing_runs_what_is_fresh(workshop: Any) -> None:
    workshop.run(*chain(1))
    ran = workshop.run(*chain(1), targets={"force": True})
    assert set(ran.outcomes.values()) == {"unchanged"}


def test_a_step_is_told_with_its_causes_and_what_was_spared(workshop: Any) -> None:
    def slow(number: int) -> Any:
        @asset(version=str(number))
        def value() -> int:
            workshop.clock.sleep(5)
            return number

        return value

    ran = workshop.run(slow(1))
    assert [str(cause.kind) for cause in ran.finished["value"].causes] == ["missing"]
    assert ran.finished["value"].seconds == 5
    workshop.run(slow(2))
    ran = workshop.run(slow(1))
    assert ran.finished["value"].spared == ran.end.spared == 5


def test_an_input_that_has_no_value_keeps_a_step_from_running(workshop: Any, ran_of: Callable[..., Any]) -> None:
    loaded = workshop.load(*chain(1))
    plan = workshop.plan(loaded)
    ran = ran_of(list(workshop.start(replace(plan, steps=plan.steps[1:]), loaded)))
    assert ran.outcomes == {"second": "not_run", "third": "not_run"}
    assert ran.finished["second"].reason == "test_executing.first has no value"
    assert ran.status is RunStatus.FAILED


def test_a_locked_catalog_at_the_start_leaves_no_run(bookshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(run: NewRun) -> int:
        raise BusyError("catalog-locked", "busy")

    monkeypatch.setattr(bookshop.book, "begin", busy)
    with pytest.raises(BusyError):
        bookshop.run(*chain(1))
    assert not bookshop.book.runs
