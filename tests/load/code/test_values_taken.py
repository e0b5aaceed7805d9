"""The methods of a value's class are code of whoever takes or gives such values, though only an annotation names it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from assetflow.load.code.differences import differences
from assetflow.model.versions import CodeVersion

HEAD = """
from __future__ import annotations
import enum, functools
from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple, Protocol, TypedDict
from pydantic import BaseModel, field_validator
from assetflow import In, asset
"""
ORDER = """
@dataclass
class Order:
    amount: float
    def net(self) -> float:
        return self.amount * 0.8
"""
TAKES = """
@asset
def orders(limit: int = 3) -> {made}: ...
@asset
def total(orders{taken}) -> float:
    return orders.net()
"""

Versions = Mapping[str, CodeVersion]
Load = Callable[[str], Versions]


@pytest.fixture
def load(project: Callable[..., Any]) -> Load:
    def loaded(text: str) -> Versions:
        found = project({"shop/a.py": textwrap.dedent(HEAD + text)}).load()
        assert found.mistakes == ()
        return {key.name: version for key, version in found.code.items()}

    return loaded


def takes(taken: str, made: str = "Order") -> str:
    return TAKES.format(taken=f": {taken}" if taken else "", made=made)


TAKEN = {
    "named": takes("Order"),
    "optional": takes("Order | None"),
    "in a list": takes("list[Order]", "list[Order]"),
    "in a dict of lists": takes("dict[str, list[Order]]", "dict[str, list[Order]]"),
    "annotated": takes("Annotated[Order, 'each']"),
    "a field of a record": "class Pair(NamedTuple):\n    first: Order\n    second: Order\n" + takes("Pair", "Pair"),
    "a field of a TypedDict": "class Page(TypedDict):\n    rows: list[Order]\n" + takes("Page", "Page"),
    "by the producer alone": takes(""),
    "by a protocol": "class Priced(Protocol):\n    def net(self) -> float: ...\n" + takes("Annotated[Priced, In()]"),
    "a subclass": "@dataclass\nclass Big(Order):\n    size: int\n" + takes("Big", "Big"),
    "taken as its base": "@dataclass\nclass Big(Order):\n    size: int\n" + takes("Order", "Big"),
}


@pytest.mark.parametrize("taken", TAKEN.values(), ids=list(TAKEN))
def test_a_method_of_what_is_taken_counts(taken: str, load: Load) -> None:
    before, after = load(ORDER + taken), load(ORDER.replace("0.8", "0.9") + taken)
    assert before["total"].digest != after["total"].digest
    (found,) = differences(before["total"].parts, after["total"].parts)
    assert (found.name, found.where) == ("shop.a.Order.net", "shop/a.py:11")


COUNT = {
    "a property": ("    @property\n    def net(self): return 1\n", "    @property\n    def net(self): return 2\n"),
    "a static method": ("    @staticmethod\n    def f(): return 1\n", "    @staticmethod\n    def f(): return 2\n"),
    "a class method": ("    @classmethod\n    def f(cls): return 1\n", "    @classmethod\n    def f(cls): return 2\n"),
    "a cached property": (
        "    @functools.cached_property\n    def net(self): return 1\n",
        "    @functools.cached_property\n    def net(self): return 2\n",
    ),
    "a method's default": ("    def net(self, x=1): return x\n", "    def net(self, x=2): return x\n"),
    "a method that is gone": ("    def net(self): return 1\n    def f(self): ...\n", "    def net(self): return 1\n"),
    "a method by another name": ("    def net(self): return 1\n", "    def nett(self): return 1\n"),
    "what a method calls": ("    def net(self): return helper()\n", None),
    "an attribute of the class": ("    RATE: ClassVar[float] = 1.0\n", "    RATE: ClassVar[float] = 2.0\n"),
    "what runs when one is made": (
        "    def __post_init__(self): self.a = 1\n",
        "    def __post_init__(self): self.a = 2\n",
    ),
}


@pytest.mark.parametrize(("old", "new"), COUNT.values(), ids=list(COUNT))
def test_all_that_an_instance_can_do_counts(old: str, new: str | None, load: Load) -> None:
    head = "def helper(): return 1\n@dataclass\nclass Order:\n    amount: float\n"
    before = load(head + old + takes("Order"))["total"]
    changed = head.replace("return 1", "return 2") + old if new is None else head + new
    assert before.digest != load(changed + takes("Order"))["total"].digest


def test_validators_of_a_model_count_for_who_makes_and_who_takes_one(load: Load) -> None:
    model = """
class Order(BaseModel):
    amount: float
    @field_validator("amount")
    @classmethod
    def rounded(cls, value: float) -> float:
        return round(value, 2)
"""
    before, after = load(model + takes("Order")), load(model.replace("2)", "3)") + takes("Order"))
    assert before["orders"].digest != after["orders"].digest
    assert before["total"].digest != after["total"].digest


def test_methods_of_an_enum_count(load: Load) -> None:
    kind = "class Kind(enum.Enum):\n    A = 1\n    def net(self): return 1.0\n"
    before = load(kind + takes("Kind", "Kind"))["total"]
    assert before.digest != load(kind.replace("1.0", "2.0") + takes("Kind", "Kind"))["total"].digest


def test_a_parameter_s_class_counts(load: Load) -> None:
    text = ORDER + "@asset\ndef total(most: Order = Order(1.0)) -> float:\n    return most.net()\n"
    assert load(text)["total"].digest != load(text.replace("0.8", "0.9"))["total"].digest


DO_NOT_COUNT = {
    "another name of a class that is fields alone": (
        "@dataclass\nclass Order:\n    amount: float\n" + takes("Order"),
        "@dataclass\nclass Sale:\n    amount: float\n" + takes("Sale", "Sale"),
    ),
    "another name of a class with methods": (
        ORDER + takes("Order"),
        ORDER.replace("Order", "Sale") + takes("Sale", "Sale"),
    ),
    "a docstring of a method": (
        ORDER + takes("Order"),
        ORDER.replace("-> float:\n", "-> float:\n        'text'\n") + takes("Order"),
    ),
    "another order of methods": (
        ORDER + "    def more(self): return 2\n" + takes("Order"),
        ORDER.replace("    def net", "    def more(self): return 2\n    def net") + takes("Order"),
    ),
    "a default of a field, which a reader never uses": (
        "@dataclass\nclass Order:\n    amount: float = 1.0\n" + takes("Order"),
        "@dataclass\nclass Order:\n    amount: float = 2.0\n" + takes("Order"),
    ),
}


@pytest.mark.parametrize(("old", "new"), DO_NOT_COUNT.values(), ids=list(DO_NOT_COUNT))
def test_what_changes_nothing_does_not_count(old: str, new: str, load: Load) -> None:
    assert load(old)["total"].digest == load(new)["total"].digest


def test_the_class_of_nobody_s_values_does_not_count(load: Load) -> None:
    text = ORDER + "@asset\ndef count() -> int: ...\n@asset\ndef total(count: int) -> float: ...\n"
    assert load(text)["total"].digest == load(text.replace("0.8", "0.9"))["total"].digest
