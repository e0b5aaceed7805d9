"""Values as JSON and back: the form that stores keep and that values are handed on in."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import ipaddress
import json
import math
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AnyUrl, BaseModel, ConfigDict, Field, RootModel, SecretStr, computed_field

from assetflow.errors import ValueMismatch
from assetflow.types.handover import from_jsonable, handed, to_jsonable


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1


@dataclasses.dataclass(frozen=True)
class Line:
    price: Decimal
    on: dt.date
    doubled: Decimal = dataclasses.field(init=False, default=Decimal(0))

    def __post_init__(self) -> None:
        object.__setattr__(self, "doubled", self.price * 2)


@dataclasses.dataclass
class Node:
    value: int
    children: list[Node] = dataclasses.field(default_factory=list)


class Order(BaseModel):
    order_id: int = Field(alias="id")
    lines: tuple[Line, ...] = ()
    colour: Colour = Colour.RED
    hidden: int = Field(default=1, exclude=True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def count(self) -> int:
        return len(self.lines)


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")

    x: int


class Numbers(RootModel[list[int]]):
    pass


class Point(NamedTuple):
    x: int
    on: dt.date | None = None


class Movie(TypedDict):
    title: str
    released: NotRequired[dt.date]


NOON = dt.datetime(2026, 1, 1, 12, 0, 0, 7)
BERLIN = dt.timezone(dt.timedelta(hours=1))
LINE = Line(Decimal("1.20"), dt.date(2026, 1, 1))

CASES: dict[str, tuple[Any, Any, Any]] = {
    "None": (None, type(None), None),
    "a bool": (True, bool, True),
    "an int": (10**30, int, 10**30),
    "a float": (0.1, float, 0.1),
    "a whole float": (1.0, float, 1.0),
    "infinity": (-math.inf, float, -math.inf),
    "a text": ("ß🐍\x00", str, "ß🐍\x00"),
    "a decimal": (Decimal("1.20"), Decimal, "1.20"),
    "a date": (dt.date(1, 1, 1), dt.date, "0001-01-01"),
    "a datetime": (NOON, dt.datetime, "2026-01-01T12:00:00.000007"),
    "a datetime with an offset": (NOON.replace(tzinfo=BERLIN), dt.datetime, "2026-01-01T12:00:00.000007+01:00"),
    "a time": (dt.time(1, 2, 3, 4), dt.time, "01:02:03.000004"),
    "a duration": (dt.timedelta(days=-1, microseconds=5), dt.timedelta, "-P0DT86399.999995S"),
    "a whole duration": (dt.timedelta(days=2), dt.timedelta, "P2DT0S"),
    "a UUID": (uuid.UUID(int=1), uuid.UUID, "00000000-0000-0000-0000-000000000001"),
    "an enum": (Colour.BLUE, Colour, "blue"),
    "an int enum": (Level.LOW, Level, 1),
    "a path": (PurePosixPath("a/b"), PurePosixPath, "a/b"),
    "an address": (ipaddress.IPv4Address("10.0.0.1"), ipaddress.IPv4Address, "10.0.0.1"),
    "a URL": (AnyUrl("https://example.org/"), AnyUrl, "https://example.org/"),
    "a list": ([1, "a", None], list[int | str | None], [1, "a", None]),
    "a tuple": ((1, dt.date(2026, 1, 1)), tuple[int, dt.date], [1, "2026-01-01"]),
    "a set": ({3, 1, 2}, set[int], [1, 2, 3]),
    "a frozenset": (frozenset({"b", "a"}), frozenset[str], ["a", "b"]),
    "a deque": (collections.deque([1]), collections.deque[int], [1]),
    "a dict": ({"b": 1, "a": 2}, dict[str, int], {"b": 1, "a": 2}),
    "a dict by int": ({1: "a"}, dict[int, str], {"1": "a"}),
    "a dict by bool": ({True: 1}, dict[bool, int], {"true": 1}),
    "a dict by date": ({dt.date(2026, 1, 1): 1}, dict[dt.date, int], {"2026-01-01": 1}),
    "a dict by enum": ({Colour.RED: 1}, dict[Colour, int], {"red": 1}),
    "a dict by float": ({0.5: 1}, dict[float, int], {"0.5": 1}),
    "a Mapping": ({"a": [1]}, Mapping[str, Sequence[int]], {"a": [1]}),
    "a TypedDict": ({"title": "x", "released": dt.date(2026, 1, 1)}, Movie, {"title": "x", "released": "2026-01-01"}),
    "a NamedTuple": (Point(1), Point, {"x": 1, "on": None}),
    "a dataclass": (LINE, Line, {"price": "1.20", "on": "2026-01-01"}),
    "a dataclass that holds itself": (
        Node(1, [Node(2)]),
        Node,
        {"value": 1, "children": [{"value": 2, "children": []}]},
    ),
    "a model": (
        Order(id=1, lines=(LINE,), hidden=7),  # type: ignore[call-arg]
        Order,
        {
            "order_id": 1,
            "lines": [{"price": "1.20", "on": "2026-01-01"}],
            "colour": "red",
            "hidden": 7,
        },
    ),
    "a model with more": (Loose(x=1, note="a"), Loose, {"x": 1, "note": "a"}),  # type: ignore[call-arg]
    "a root model": (Numbers([1, 2]), Numbers, [1, 2]),
    "models in a dict": ({"a": [Point(1)]}, dict[str, list[Point]], {"a": [{"x": 1, "on": None}]}),
    "a literal": ("a", Literal["a", "b"], "a"),
    "a union": ([1, 1.0, True, "1"], list[int | float | bool | str], [1, 1.0, True, "1"]),
    "a numpy number": (np.int64(3), int, 3),
    "a numpy float": (np.float64(0.5), float, 0.5),
}


@pytest.mark.parametrize("case", list(CASES))
def test_a_value_is_written_in_its_normal_form_and_read_back(case: str) -> None:
    value, hint, data = CASES[case]

    written = to_jsonable(value)
    read = from_jsonable(json.loads(json.dumps(written)), hint)

    assert repr(written) == repr(data)
    assert read == value
    assert type(read) in (type(value), hint)


@pytest.mark.parametrize("case", [case for case in CASES if case != "a path"])  # by itself it is a file
def test_handing_on_is_storing_and_loading(case: str) -> None:
    value, hint, _ = CASES[case]

    for wanted in (hint, None):
        stored = from_jsonable(json.loads(json.dumps(to_jsonable(value))), wanted)
        assert repr(handed(value, wanted)) == repr(stored)


def test_nan_is_kept() -> None:
    assert math.isnan(from_jsonable(to_jsonable(math.nan), float))
    assert math.isnan(handed([math.nan], list[float])[0])


def test_without_annotation_json_comes_back_as_it_is_but_of_its_own() -> None:
    data = {"a": [1, {"b": "2026-01-01"}]}

    read = from_jsonable(data, None)

    assert read == data
    assert read is not data
    assert read["a"] is not data["a"]
    assert read["a"][1] is not data["a"][1]


class Opaque:
    pass


class Secret:
    pass


class WithSecret(BaseModel):
    token: SecretStr


RING: list[Any] = []
RING.append(RING)

REFUSED: dict[str, tuple[Any, str]] = {
    "a class of its own": ({"a": [1, Opaque()]}, "['a'][1]: a tests.types.test_jsonable.Opaque"),
    "bytes": ({"a": b"x"}, "['a']: a bytes"),
    "a complex number": ([1j], "[0]: a complex"),
    "a numpy complex number": ([np.complex128(1j)], "[0]: a numpy.complex128"),
    "a field": (WithSecret(token=SecretStr("x")), "token: a pydantic.types.SecretStr"),
    "a key": ({(1, 2): 3}, "a mapping with the key (1, 2)"),
    "a missing key": ({None: 3}, "a mapping with the key None"),
    "two keys of one text": ({1: "a", "1": "b"}, "two keys that are both written '1'"),
    "half a character": (["\ud800"], "[0]: text with a lone surrogate"),
    "a ring": (RING, "contains itself"),
    "a function": (len, "builtin_function_or_method"),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_cannot_be_written_is_refused_with_its_place(case: str) -> None:
    value, says = REFUSED[case]

    with pytest.raises(ValueMismatch) as caught:
        to_jsonable(value)

    assert caught.value.code == "not-json"
    assert says in caught.value.message
    assert len(str(caught.value).splitlines()) <= 6


def test_a_secret_is_never_named_as_something_to_pickle() -> None:
    with pytest.raises(ValueMismatch) as caught:
        to_jsonable(SecretStr("hunter2"))

    assert caught.value.hint == "a secret is never stored"
    assert "hunter2" not in str(caught.value)


def test_data_of_another_type_are_refused_when_read() -> None:
    with pytest.raises(ValueMismatch) as caught:
        from_jsonable({"a": ["x"]}, dict[str, list[int]])

    assert caught.value.code == "wrong-type"
    assert "a.0" in caught.value.message


def test_text_is_not_read_as_a_number_nor_a_number_as_text() -> None:
    for data, hint in [("1", int), (1, str), (1.5, int), ("true", bool)]:
        with pytest.raises(ValueMismatch):
            from_jsonable(data, hint)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(JSON)
def test_json_is_its_own_normal_form(data: Any) -> None:
    assert repr(to_jsonable(data)) == repr(data)
    assert repr(from_jsonable(json.loads(json.dumps(to_jsonable(data))), None)) == repr(data)
    assert repr(handed(data, None)) == repr(data)


Typed = tuple[Any, st.SearchStrategy[Any]]
SCALARS: list[Typed] = [
    (int, st.integers()),
    (float, st.floats(allow_nan=False)),
    (bool, st.booleans()),
    (str, st.text()),
    (Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    (dt.date, st.dates()),
    (dt.datetime, st.datetimes()),
    (dt.datetime, st.datetimes(timezones=st.just(BERLIN))),
    (dt.time, st.times()),
    (dt.timedelta, st.timedeltas()),
    (uuid.UUID, st.uuids()),
    (Colour, st.sampled_from(Colour)),
    (Point, st.builds(Point, st.integers(), st.none() | st.dates())),
    (Line, st.builds(Line, st.decimals(allow_nan=False, allow_infinity=False, places=2), st.dates())),
    (Node, st.builds(Node, st.integers(), st.lists(st.builds(Node, st.integers()), max_size=2))),
]
KEYS = [typed for typed in SCALARS if typed[0] not in (Point, Line, Node)]


def containers(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    hashable = st.sampled_from(KEYS)
    return st.one_of(
        inner.map(lambda t: (list[t[0]], st.lists(t[1], max_size=3))),
        inner.map(lambda t: (tuple[t[0], ...], st.lists(t[1], max_size=3).map(tuple))),
        inner.map(lambda t: (t[0] | None, st.none() | t[1])),
        hashable.map(lambda t: (set[t[0]], st.sets(t[1], max_size=3))),
        st.tuples(hashable, inner).map(
            lambda two: (dict[two[0][0], two[1][0]], st.dictionaries(two[0][1], two[1][1], max_size=3))
        ),
    )


@given(st.recursive(st.sampled_from(SCALARS), containers, max_leaves=3), st.data())
def test_any_typed_value_comes_back(typed: Typed, data: st.DataObject) -> None:
    hint, values = typed
    value = data.draw(values)

    written = to_jsonable(value)
    read = from_jsonable(json.loads(json.dumps(written)), hint)

    assert read == value
    assert repr(to_jsonable(read)) == repr(written)
    assert repr(handed(value, hint)) == repr(read)
