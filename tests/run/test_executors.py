"""What holds of every executor."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from assetflow.run.executors import Executor, Inline, Threads


@pytest.fixture(params=[Inline, lambda: Threads(2)])
def executor(request: pytest.FixtureRequest) -> Any:
    made: Executor[int] = request.param()
    yield made
    made.close()


def test_what_was_submitted_comes_back(executor: Executor[int]) -> None:
    executor.submit(lambda: 7)
    assert executor.wait(5) == (7,)


def test_all_that_has_finished_comes_back_once(executor: Executor[int]) -> None:
    found: list[int] = []
    for number in range(20):
        executor.submit(lambda number=number: number)  # type: ignore[misc]
        found += executor.wait(5)
    assert found == list(range(20))


def test_waiting_for_nothing_ends() -> None:
    started = time.monotonic()
    assert Threads[int](2).wait(0.02) == ()
    assert time.monotonic() - started < 2


def test_threads_run_two_jobs_at_a_time() -> None:
    executor = Threads[bool](2)
    meet = threading.Barrier(2)

    def job() -> bool:
        meet.wait(5)
        return True

    executor.submit(job)
    executor.submit(job)
    found: tuple[bool, ...] = ()
    while len(found) < 2:
        found += executor.wait(5)
    executor.close()


def test_a_waiting_coordinator_can_be_woken() -> None:
    executor = Threads[int](1)
    threading.Timer(0.02, executor.wake).start()
    started = time.monotonic()
    assert executor.wait(10) == ()
    assert time.monotonic() - started < 5


def test_a_thread_that_is_interrupted_ends_its_job() -> None:
    executor = Threads[str](1)
    begun = threading.Event()

    def job() -> str:
        begun.set()
        try:
            while True:
                time.sleep(0.005)
        except KeyboardInterrupt:
            return "broken off"

    executor.submit(job)
    assert begun.wait(5)
    executor.interrupt()
    assert executor.wait(5) == ("broken off",)


def test_no_more_threads_are_started_than_there_is_work() -> None:
    executor = Threads[int](8)
    before = threading.active_count()
    executor.submit(lambda: 1)
    executor.wait(5)
    assert threading.active_count() == before + 1
    executor.close()
