"""What is said of types before a run holds for values during it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from assetflow.types.assign import assignable
from assetflow.types.values import checked


class Point(NamedTuple):
    x: int
    y: int


SCALARS = {
    int: st.integers(),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    str: st.text(),
    type(None): st.none(),
    dt.date: st.dates(),
    Literal["a", "b"]: st.sampled_from(["a", "b"]),
    Point: st.builds(Point, st.integers(), st.integers()),
}


def _wider(hints: st.SearchStrategy[tuple[object, Any]]) -> st.SearchStrategy[tuple[object, Any]]:
    """From pairs of a type and the strategy of its values, those of containers."""
    return st.one_of(
        hints.map(lambda pair: (list[pair[0]], st.lists(pair[1], max_size=3))),
        hints.map(lambda pair: (Sequence[pair[0]], st.lists(pair[1], max_size=3))),
        hints.map(lambda pair: (Iterable[pair[0]], st.lists(pair[1], max_size=3))),
        hints.map(lambda pair: (dict[str, pair[0]], st.dictionaries(st.text(), pair[1], max_size=3))),
        hints.map(lambda pair: (Mapping[str, pair[0]], st.dictionaries(st.text(), pair[1], max_size=3))),
        hints.map(lambda pair: (tuple[pair[0], ...], st.lists(pair[1], max_size=3).map(tuple))),
        st.tuples(hints, hints).map(lambda two: (tuple[two[0][0], two[1][0]], st.tuples(two[0][1], two[1][1]))),
        st.tuples(hints, hints).map(lambda two: (two[0][0] | two[1][0], two[0][1] | two[1][1])),
    )


TYPED = st.recursive(st.sampled_from(list(SCALARS.items())), _wider, max_leaves=3)


@given(TYPED, TYPED, st.data())
def test_what_fits_by_type_is_admitted_by_value(
    made: tuple[object, Any], asked: tuple[object, Any], data: st.DataObject
) -> None:
    if assignable(made[0], asked[0]).ok:
        checked(data.draw(made[1]), asked[0], what="shop.orders")


@given(TYPED)
def test_every_type_fits_itself_and_optional_itself(typed: tuple[object, Any]) -> None:
    assert assignable(typed[0], typed[0]).ok
    assert assignable(typed[0], typed[0] | None).ok
