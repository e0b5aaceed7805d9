"""The decision whether to try again: values in, a value out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from assetflow.model.retry import TRANSIENT, FailureClass, Retry
from assetflow.run.classify import Diagnosis, classify
from assetflow.run.retrying import GiveUp, RetryAfter, decision, judged

HEALS = Diagnosis(FailureClass.TRANSIENT, "x", heals=True)


def waits(policy: Retry, verdict: Diagnosis = HEALS) -> list[float]:
    """The waits of all attempts until it gives up."""
    found: list[float] = []
    while isinstance(answer := decision(verdict, policy, len(found) + 1, seed="s"), RetryAfter):
        found.append(answer.wait.total_seconds())
    return found


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Retry(1), []),
        (Retry(5, jitter=False), [1, 2, 4, 8]),
        (Retry(6, jitter=False, max_delay="5s"), [1, 2, 4, 5, 5]),
        (Retry(4, jitter=False, factor=1, delay="10s"), [10, 10, 10]),
        (Retry(3, jitter=False, delay="100ms", factor=10), [0.1, 1]),
    ],
)
def test_waits_grow_by_the_factor_up_to_the_cap(policy: Retry, expected: list[float]) -> None:
    assert waits(policy) == pytest.approx(expected)


def test_jitter_adds_up_to_as_much_again_and_is_the_same_each_time() -> None:
    policy = Retry(5)
    assert waits(policy) == waits(policy)
    assert all(base <= wait <= 2 * base for base, wait in zip([1, 2, 4, 8], waits(policy), strict=True))


def test_the_server_is_obeyed_where_it_asks_for_more_patience() -> None:
    verdict = Diagnosis(FailureClass.TRANSIENT, "x", retry_after=timedelta(seconds=90), heals=True)
    assert waits(Retry(3, jitter=False), verdict) == [90, 90]


def test_a_server_that_asks_for_days_is_given_up() -> None:
    verdict = Diagnosis(FailureClass.TRANSIENT, "x", retry_after=timedelta(days=3), heals=True)
    assert decision(verdict, Retry(3), 1, seed="") == GiveUp("the server asks to wait 72h 0m")


def test_without_a_policy_nothing_is_tried_again() -> None:
    assert decision(HEALS, None, 1, seed="") == GiveUp("no Retry is declared")


def test_it_says_that_the_attempts_are_used_up() -> None:
    assert decision(HEALS, Retry(2), 2, seed="") == GiveUp("2 of 2 attempts failed")


class Own(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "on", "heals"),
    [
        (TimeoutError(), TRANSIENT, True),
        (ValueError(), TRANSIENT, False),
        (Own(), (*TRANSIENT, Own), True),
        (TimeoutError(), (*TRANSIENT, Own), True),
        (TimeoutError(), (Own,), False),
        (ConnectionResetError(), (ConnectionError,), True),
        (SystemExit(1), (SystemExit,), True),
    ],
)
def test_a_policy_says_which_errors_it_is_for(error: BaseException, on: tuple[type, ...], heals: bool) -> None:
    assert judged(error, classify(error), Retry(2, on=on)).heals is heals
