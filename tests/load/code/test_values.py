from __future__ import annotations

import collections
import datetime
import decimal
import enum
import functools
import itertools
import logging
import re
import threading
import types
import typing
import uuid
import zoneinfo
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from assetflow.load.code.objects import qualified_name
from assetflow.load.code.reach import Reached
from assetflow.load.code.values import Value, shown

ROOTS = ("/home/me/shop/",)


class Own:
    """A class of the project."""


def follow(value: object) -> Reached | str | None:
    kind = type(value)
    if issubclass(kind, type):
        return OWN.get(value) or f"library {qualified_name(value)}"  # type: ignore[call-overload]
    return f"library {qualified_name(value)}" if kind in {types.FunctionType, types.BuiltinFunctionType} else None


def read(value: object) -> Value:
    return Value(value, follow, ROOTS)


def digest(value: object) -> str:
    return read(value).digest


class Slots:
    __slots__ = ("a", "b")


class Hostile:
    def __init__(self) -> None:
        object.__setattr__(self, "field", 1)

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    def _no(self, *args: object) -> Any:
        raise RuntimeError

    __eq__ = __repr__ = __str__ = __bool__ = __len__ = __iter__ = __reduce_ex__ = __getattr__ = _no  # type: ignore[assignment]
    __hash__ = _no  # type: ignore[assignment]


class Odd(dict[str, int]):
    def items(self) -> Any:
        raise RuntimeError

    __iter__ = keys = values = items


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


OWN: dict[type, Reached] = {kind: Reached(kind.__name__, kind.__name__) for kind in (Own, Slots, Hostile, Odd, Colour)}

DISTINCT: list[object] = [
    None,
    False,
    True,
    0,
    1,
    0.0,
    -0.0,
    1.0,
    float("nan"),
    float("inf"),
    1j,
    "",
    "1",
    b"",
    b"1",
    ...,
    [],
    (),
    {},
    set(),
    frozenset(),
    [1],
    (1,),
    {1},
    [[1]],
    [1, 2],
    [2, 1],
    {1: 2},
    {2: 1},
    {1: 2, 3: 4},
    {3: 4, 1: 2},
    ["a", "b"],
    ["ab"],
    ["a", ["b"]],
    bytearray(b"1"),
    list(range(20)),
    list(range(21)),
    [*range(19), 19.0],
    [True, *range(1, 20)],
    ["a"] * 20,
    ["a"] * 21,
    10**5000,
    10**5000 + 1,
    [10**5000] * 9,
    re.compile("a"),
    re.compile("a", re.IGNORECASE),
    datetime.date(2026, 1, 1),
    datetime.datetime(2026, 1, 1),
    datetime.timedelta(1),
    datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    zoneinfo.ZoneInfo("Europe/Berlin"),
    decimal.Decimal("1.0"),
    decimal.Decimal("1.00"),
    Fraction(1, 2),
    uuid.UUID(int=1),
    Path("a"),
    Path("b"),
    range(3),
    slice(1, 2),
    collections.OrderedDict(a=1),
    collections.Counter("aa"),
    collections.defaultdict(list),
    collections.deque([1]),
    collections.deque([1], maxlen=3),
    types.SimpleNamespace(a=1),
    types.MappingProxyType({1: 2}),
    functools.partial(print, 1),
    functools.partial(print, 2),
    print,
    len,
    int,
    Colour.RED,
    Colour.BLUE,
    list[int],
    dict[str, int],
    int | None,
    typing.Annotated[int, 1],
    typing.Annotated[int, 2],
    [].append,
    "a\x00",
    ["a\x00b", "c"],
    ["a", "b\x00c"],
]


def test_values_of_other_type_content_or_visible_order_differ() -> None:
    found: dict[str, object] = {}
    for value in DISTINCT:
        known = found.setdefault(digest(value), value)
        assert known is value, (known, value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({1, "a", 2.5}, {2.5, "a", 1}),
        ([1, [2]], [1, [2]]),
        ((same := [1], same), ([1], [1])),
        (Path("/home/me/shop/data"), Path("/home/me/shop/./data")),
        (re.compile("a"), re.compile("a")),
        (collections.OrderedDict(a=1), collections.OrderedDict(a=1)),
    ],
)
def test_equal_values_have_equal_digests(one: object, other: object) -> None:
    assert digest(one) == digest(other)


def test_paths_into_the_project_count_from_its_folder() -> None:
    there = Value(Path("/srv/clone/data.csv"), follow, ("/srv/clone/",))
    assert digest(Path("/home/me/shop/data.csv")) == there.digest != digest(Path("/home/me/other/data.csv"))
    texts = ["/srv/clone/data.csv"] * 10
    assert Value(texts, follow, ("/srv/clone/",)).digest == digest(["/home/me/shop/data.csv"] * 10)


def test_instances_count_with_all_their_fields() -> None:
    one, other, slotted = Own(), Own(), Slots()
    assert digest(one) == digest(other)
    other.__dict__["a"] = 1
    assert digest(one) != digest(other)
    before = digest(slotted)
    slotted.a = 1  # type: ignore[attr-defined]
    assert digest(slotted) != before


def test_cycles_end() -> None:
    one: list[object] = [1]
    one.append(one)
    other: list[object] = [1]
    other.append([1, other])
    assert digest(one) != digest([1, [1]])
    assert digest(other) == digest(other)


def test_what_is_shared_is_read_once() -> None:
    value: list[object] = [1]
    for _ in range(200):
        value = [value, value]
    assert digest(value)


def test_deep_nesting_needs_no_recursion() -> None:
    value: list[object] = []
    for _ in range(50_000):
        value = [value]
    assert digest(value)


def test_hostile_objects_are_not_asked() -> None:
    found = read([Hostile(), {"a": Hostile()}, Odd(a=1)])
    assert found.untracked == []
    assert digest(Odd(a=1)) != digest(Odd(a=2))


def test_an_endless_or_huge_value_is_untracked_rather_than_endless() -> None:
    found = read([[n] for n in range(1_100_000)])
    assert "more than 1,000,000 parts" in found.untracked[0]


def test_a_long_list_of_numbers_is_read_in_bulk() -> None:
    numbers = list(range(2_000_000))
    assert digest(numbers) != digest([*numbers[:-1], 0])


@pytest.mark.parametrize(
    "value",
    [
        threading.Lock(),
        threading.RLock(),
        logging.getLogger("a"),
        threading.Event(),
        (n for n in ()),
        threading.local(),
    ],
)
def test_locks_and_loggers_count_by_their_class(value: object) -> None:
    found = read(value)
    assert found.untracked == []
    assert found.digest == digest(logging.getLogger("b")) or not isinstance(value, logging.Logger)


def test_what_cannot_be_compared_is_said() -> None:
    found = read({"a": itertools.count(), "b": memoryview(b"x")})
    assert any("memoryview" in what for what in found.untracked)


def test_tables_and_arrays_count_by_content() -> None:
    numpy = pytest.importorskip("numpy")
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    for make in (numpy.array, lambda rows: pandas.DataFrame({"a": rows}), lambda rows: polars.DataFrame({"a": rows})):
        assert digest(make([1, 2])) == digest(make([1, 2])) != digest(make([1, 3]))
        assert read(make([1, 2])).untracked == []


def test_values_are_shown_short_and_without_running_anything() -> None:
    assert shown(60, plain=True) == "60"
    assert len(shown("x" * 1000, plain=True)) == 80
    assert shown({1, "a", 2.5}, plain=True) == "{'a', 1, 2.5}"
    assert shown(Hostile(), plain=False).endswith("Hostile>")
