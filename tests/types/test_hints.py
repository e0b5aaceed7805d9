"""Annotations: resolving them, writing them, and telling which ones mean the same."""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import functools
import subprocess
import sys
import typing
from collections.abc import Callable
from types import ModuleType
from typing import Annotated, Any, Dict, List, Literal, NamedTuple, NewType, Optional, Tuple, TypedDict, Union  # noqa: UP035

import pandas as pd
import polars as pl
import pytest
from annotated_types import Ge
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from assetflow.errors import DefinitionError
from assetflow.types.hints import hint_identity, hint_text, resolved, resolved_fields

Written = Callable[..., ModuleType]


class Order(BaseModel):
    order_id: int
    amount: float = Field(ge=0, description="in euros")


def test_postponed_annotations_are_evaluated() -> None:
    def total(orders: list[Order], factor: float = 1.0) -> float | None: ...

    assert resolved(total) == {"orders": list[Order], "factor": float, "return": float | None}


def test_none_becomes_its_type_and_missing_annotations_are_left_out() -> None:
    def report(orders, day: int) -> None: ...  # type: ignore[no-untyped-def]

    assert resolved(report) == {"day": int, "return": type(None)}


def test_metadata_is_kept() -> None:
    def total(orders: Annotated[pl.DataFrame, Order], days: "Annotated[int, Ge(1)]") -> None: ...  # noqa: UP037

    hints = resolved(total)

    assert typing.get_args(hints["orders"]) == (pl.DataFrame, Order)
    assert typing.get_args(hints["days"]) == (int, Ge(1))


def test_a_class_local_to_a_function_is_found_in_the_call_that_still_runs() -> None:
    class Local(BaseModel):
        x: int

    def make() -> list[Local]: ...

    assert resolved(make)["return"] == list[Local]


def test_a_class_of_a_finished_call_is_found_in_the_closure() -> None:
    def outer() -> tuple[type, Callable[..., object]]:
        class Mine:
            pass

        def make() -> Mine:
            return Mine()

        return Mine, make

    outer()  # another class of that name
    cls, make = outer()

    assert resolved(make)["return"] is cls


def test_a_class_of_a_finished_call_is_found_by_its_name_where_only_one_lives() -> None:
    def outer() -> tuple[type, Callable[..., object]]:
        class OnlyOneOfThese:
            pass

        def make() -> OnlyOneOfThese: ...

        return OnlyOneOfThese, make

    cls, make = outer()

    assert resolved(make)["return"] is cls


def test_two_classes_of_that_name_are_ambiguous() -> None:
    def outer() -> tuple[type, Callable[..., object]]:
        class Twin:
            pass

        def make() -> Twin: ...

        return Twin, make

    first, _ = outer()
    second, make = outer()

    assert first is not second
    with pytest.raises(DefinitionError, match="Twin"):
        resolved(make)


@pytest.mark.parametrize(
    "block",
    [
        "if TYPE_CHECKING:\n    from shelf.models import Order",
        "if typing.TYPE_CHECKING:\n    from .models import Order",
        "if TYPE_CHECKING:\n    from .models import Order as Hidden\n    Order = Hidden",
        "if not TYPE_CHECKING:\n    pass\nelse:\n    from . import models\n    Order = models.Order",
        "if TYPE_CHECKING:\n    import shelf.models\n    Order: object = shelf.models.Order",
    ],
)
def test_what_is_imported_for_type_checkers_is_imported_for_real(written: Written, block: str) -> None:
    orders = f"from __future__ import annotations\nimport typing\nfrom typing import TYPE_CHECKING\n{block}\n"
    module = written(
        "shelf.orders",
        models="class Order: ...",
        orders=orders + "def total(orders: list[Order]) -> dict[str, Order]: ...",
    )

    hints = resolved(module.total)

    order = sys.modules["shelf.models"].Order
    assert hints == {"orders": list[order], "return": dict[str, order]}


def test_text_inside_other_annotations_is_evaluated_but_literals_are_not(written: Written) -> None:
    module = written(
        "shelf.text",
        text="""
        from typing import Annotated, Callable, Dict, List, Literal, Optional
        def make(a: List["Row"], b: list["Row"], c: Optional["Row"], d: Literal["Row"], e: Annotated["Row", "Row"],
                 f: Callable[["Row"], int], g: 'Dict[str, "Row"]') -> "Row | None": ...
        class Row: ...
        """,
    )
    row = module.Row

    hints = resolved(module.make)

    assert hints["a"] == typing.List[row]  # noqa: UP006
    assert hints["b"] == list[row]
    assert hints["c"] == hints["return"] == row | None
    assert hints["d"] == Literal["Row"]
    assert hints["e"] == Annotated[row, "Row"]
    assert hints["g"] == typing.Dict[str, row]  # noqa: UP006
    assert hint_text(hints["f"]) == "Callable[[Row], int]"


def test_all_that_cannot_be_resolved_is_named_at_once(written: Written) -> None:
    module = written(
        "shelf.broken",
        broken="""
        from __future__ import annotations
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from not_installed_anywhere import Frame
        def make(a: Nothing, b: Frame, c: int, d: "list[") -> int: ...
        """,
    )

    with pytest.raises(DefinitionError) as caught:
        resolved(module.make)

    assert caught.value.code == "unresolved-annotation"
    assert "a: Nothing (name 'Nothing' is not defined)" in caught.value.message
    assert "b: Frame (ModuleNotFoundError: No module named 'not_installed_anywhere')" in caught.value.message
    assert "d: 'list[' (SyntaxError" in caught.value.message
    assert "c:" not in caught.value.message
    assert caught.value.where[0].endswith("broken.py:6")
    assert len(str(caught.value).splitlines()) <= 6


def test_wrappers_partials_methods_and_callables_are_looked_through() -> None:
    def plain(x: int) -> str: ...

    @functools.wraps(plain)
    def wrapped(*args: object) -> object: ...

    class Model:
        def method(self, x: int) -> str: ...

        def __call__(self, x: int) -> str: ...

    wanted = {"x": int, "return": str}
    for function in (wrapped, functools.partial(plain, 1), functools.partial(wrapped), Model().method, Model()):
        assert resolved(function) == wanted


def test_the_fields_of_a_class_come_base_first_and_resolved(written: Written) -> None:
    module = written(
        "shelf.fields",
        other="class Thing: ...",
        fields="""
        from __future__ import annotations
        from dataclasses import dataclass
        from typing import TYPE_CHECKING, NamedTuple, TypedDict
        if TYPE_CHECKING:
            from shelf.other import Thing
        @dataclass
        class Base:
            x: int
        @dataclass
        class Child(Base):
            thing: Thing
            children: list[Child]
        class Pair(NamedTuple):
            thing: Thing
        class Keys(TypedDict):
            thing: Thing
        """,
    )
    thing = sys.modules["shelf.other"].Thing if "shelf.other" in sys.modules else None

    fields = resolved_fields(module.Child)
    thing = sys.modules["shelf.other"].Thing

    assert list(fields.items()) == [("x", int), ("thing", thing), ("children", list[module.Child])]
    assert resolved_fields(module.Pair) == resolved_fields(module.Keys) == {"thing": thing}


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (int, "int"),
        (None, "None"),
        (type(None), "None"),
        (Optional[int], "int | None"),  # noqa: UP045
        (list[Order], "list[Order]"),
        (List[int], "list[int]"),  # noqa: UP006
        (dict[str, float | None], "dict[str, float | None]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (Literal["a", 1], "Literal['a', 1]"),
        (pl.DataFrame, "polars.DataFrame"),
        (pd.DataFrame, "pandas.DataFrame"),
        (Annotated[pl.DataFrame, Order], "Annotated[polars.DataFrame, Order]"),
        (Annotated[int, "days"], "int"),
        (Any, "Any"),
        (Callable[[int], str], "Callable[[int], str]"),
        (Callable[..., str], "Callable[..., str]"),
        (NewType("UserId", int), "UserId"),
        (collections.abc.Sequence[int], "Sequence[int]"),
    ],
    ids=repr,
)
def test_a_type_is_written_as_a_person_would(hint: object, text: str) -> None:
    assert hint_text(hint) == text


class ListedOrder(BaseModel):
    """The same fields as Order, elsewhere and described otherwise."""

    order_id: int = Field(description="the number")
    amount: float = Field(ge=0)


class LooserOrder(BaseModel):
    order_id: int
    amount: float


@dataclasses.dataclass
class Node:
    value: int
    children: list[Node]


@dataclasses.dataclass
class Tree:
    value: int
    children: list[Tree]


class Pair(NamedTuple):
    a: int
    b: str


class OtherPair(NamedTuple):
    a: int
    b: str


class TurnedPair(NamedTuple):
    b: str
    a: int


class Keys(TypedDict):
    a: int


class LooseKeys(TypedDict, total=False):
    a: int


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class SameColours(enum.Enum):
    RED = 1
    BLUE = 2


class TurnedColours(enum.Enum):
    BLUE = 2
    RED = 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Optional[int], int | None),  # noqa: UP045
        (Union[int, str, None], None | str | int),  # noqa: UP007
        (Union[int, Union[str, int]], str | int),  # noqa: UP007, RUF100
        (List[int], list[int]),  # noqa: UP006
        (Dict[str, List[int]], dict[str, list[int]]),  # noqa: UP006
        (List, list[Any]),  # noqa: UP006
        (Tuple[int, ...], tuple[int, ...]),  # noqa: UP006
        (tuple, Tuple[Any, ...]),  # noqa: UP006
        (typing.Sequence[int], collections.abc.Sequence[int]),
        (Literal["b", "a"], Literal["a", "b"]),
        (Annotated[int, "days"], int),
        (Order, ListedOrder),
        (list[Pair], list[OtherPair]),
        (Node, Tree),
        (Colour, SameColours),
        (object, Any),
        (Annotated[pl.DataFrame, Order], Annotated[pl.DataFrame, ListedOrder]),
    ],
    ids=repr,
)
def test_types_that_mean_the_same_have_one_identity(one: object, other: object) -> None:
    assert hint_identity(one) == hint_identity(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (int, float),
        (int, int | None),
        (tuple[()], tuple),
        (tuple[int], tuple[int, ...]),
        (Literal[1], Literal[True]),
        (Literal["1"], Literal[1]),
        (Order, LooserOrder),
        (Pair, TurnedPair),
        (Keys, LooseKeys),
        (Colour, TurnedColours),
        (pl.DataFrame, pd.DataFrame),
        (Annotated[pl.DataFrame, Order], pl.DataFrame),
        (Annotated[int, Ge(1)], Annotated[int, Ge(2)]),
        (list[int], collections.abc.Sequence[int]),
        (None, type(None)),
        (NewType("UserId", int), int),
    ],
    ids=repr,
)
def test_types_that_differ_have_two(one: object, other: object) -> None:
    assert hint_identity(one) != hint_identity(other)


def test_a_missing_annotation_has_an_empty_identity() -> None:
    assert hint_identity(None) == ""


LEAVES = st.sampled_from([int, str, type(None), float, Order, pl.DataFrame, Literal["x"]])


@given(st.lists(LEAVES, min_size=1, max_size=6), st.randoms())
def test_the_order_and_nesting_of_a_union_have_no_effect(parts: list[Any], random: Any) -> None:
    shuffled = random.sample(parts, len(parts))

    flat = Union[tuple(parts)]  # noqa: UP007
    nested = functools.reduce(lambda one, more: Union[one, more], shuffled)  # noqa: UP007

    assert hint_identity(flat) == hint_identity(nested)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type statements came with Python 3.12")
def test_type_statements_are_what_they_stand_for(written: Written) -> None:
    module = written(
        "shelf.aliases",
        aliases="""
        type Amounts = list[float]
        type Pairs[T] = list[tuple[T, T]]
        def make[T: int](x: T) -> Amounts: ...
        """,
    )

    assert hint_identity(resolved(module.make)["return"]) == hint_identity(list[float])
    assert hint_identity(module.Pairs[int]) == hint_identity(list[tuple[int, int]])
    assert hint_identity(resolved(module.make)["x"]) == hint_identity(int)


def test_reading_hints_loads_no_heavy_package() -> None:
    modules = "hints, assign, values, handover, jsonable, records, libraries"
    script = f"""
import sys
from assetflow.types import {modules}
heavy = set(sys.modules) & {{"pydantic", "pyarrow", "polars", "pandas", "duckdb", "numpy", "sqlalchemy", "networkx"}}
assert not heavy, heavy
assert values.checked(3, int, what="x") == 3
assert handover.handed({{"a": [1]}}, None) == {{"a": [1]}}
assert "pyarrow" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
