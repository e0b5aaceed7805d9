"""Rules compared with rules: what follows from what is told is true of every value."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetflow.types.rules import Rule, RuleKind, contradict, implied

NUMBERS = st.integers(-4, 4)
BOUNDS = [RuleKind.AT_LEAST, RuleKind.ABOVE, RuleKind.AT_MOST, RuleKind.BELOW]


def holds(rule: Rule, value: Any) -> bool:
    """Whether a value keeps to a rule, said as plainly as can be."""
    match rule.kind:
        case RuleKind.AT_LEAST:
            return bool(value >= rule.value)
        case RuleKind.ABOVE:
            return bool(value > rule.value)
        case RuleKind.AT_MOST:
            return bool(value <= rule.value)
        case RuleKind.BELOW:
            return bool(value < rule.value)
        case RuleKind.ONE_OF:
            return value in rule.value
        case RuleKind.MULTIPLE_OF:
            return bool(value % rule.value == 0)
        case _:
            raise AssertionError(rule)


number_rules = st.one_of(
    st.builds(Rule, st.sampled_from(BOUNDS), NUMBERS),
    st.builds(Rule, st.just(RuleKind.ONE_OF), st.lists(NUMBERS, min_size=1, unique=True).map(tuple)),
    st.builds(Rule, st.just(RuleKind.MULTIPLE_OF), st.integers(1, 4)),
)


@given(number_rules, st.lists(number_rules, max_size=3))
def test_what_is_implied_holds_wherever_the_given_rules_do(rule: Rule, rules: list[Rule]) -> None:
    answer = implied(rule, rules)
    if answer is True:
        for half in range(-40, 41):
            value = half / 4
            if all(holds(each, value) for each in rules):
                assert holds(rule, value), (value, rules)


@given(number_rules, number_rules)
def test_what_is_denied_fails_for_some_value_that_the_given_rule_admits(rule: Rule, given_rule: Rule) -> None:
    if implied(rule, [given_rule]) is False:
        values = [half / 4 for half in range(-80, 81)]
        assert any(holds(given_rule, value) and not holds(rule, value) for value in values)


@given(number_rules, number_rules)
def test_contradicting_rules_have_no_value_in_common(one: Rule, other: Rule) -> None:
    if contradict(one, other):
        assert not any(holds(one, half / 4) and holds(other, half / 4) for half in range(-80, 81))


@pytest.mark.parametrize(
    ("rule", "given_rule", "answer"),
    [
        (Rule(RuleKind.MIN_LENGTH, 2), Rule(RuleKind.MIN_LENGTH, 3), True),
        (Rule(RuleKind.MIN_LENGTH, 3), Rule(RuleKind.MIN_LENGTH, 2), False),
        (Rule(RuleKind.MAX_LENGTH, 3), Rule(RuleKind.MAX_LENGTH, 3), True),
        (Rule(RuleKind.MAX_LENGTH, 3), Rule(RuleKind.ONE_OF, ("ab", "abc")), True),
        (Rule(RuleKind.MAX_LENGTH, 2), Rule(RuleKind.ONE_OF, ("ab", "abc")), False),
        (Rule(RuleKind.PATTERN, "a"), Rule(RuleKind.PATTERN, "a"), True),
        (Rule(RuleKind.PATTERN, "a"), Rule(RuleKind.PATTERN, "b"), None),
        (Rule(RuleKind.AT_LEAST, 1), Rule(RuleKind.AT_LEAST, datetime.date(2026, 1, 1)), None),
        (Rule(RuleKind.AT_LEAST, 1), Rule(RuleKind.AT_MOST, 3), None),
        (Rule(RuleKind.FINITE), Rule(RuleKind.FINITE), True),
        (Rule(RuleKind.FINITE), Rule(RuleKind.AT_LEAST, 0), None),
        (Rule(RuleKind.MULTIPLE_OF, 2), Rule(RuleKind.MULTIPLE_OF, 4), True),
        (Rule(RuleKind.MULTIPLE_OF, 4), Rule(RuleKind.MULTIPLE_OF, 2), None),
        (Rule(RuleKind.MULTIPLE_OF, 0.1), Rule(RuleKind.MULTIPLE_OF, 0.5), True),
    ],
)
def test_rules_of_one_kind_are_compared(rule: Rule, given_rule: Rule, answer: bool | None) -> None:
    assert implied(rule, [given_rule]) is answer
