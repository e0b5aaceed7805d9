"""What is said about a difference."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from assetflow.model.history import Materialization
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.trace import Edge, Recipe, Trace
from assetflow.model.versions import CodePart, DataVersion
from assetflow.plan.causes import differences

A, B = AssetKey("shop", "a"), AssetKey("shop", "b")


def recipe(code: str = "1", *parts: CodePart, **fields: str) -> Recipe:
    return Recipe.of(
        code=code,
        parts=parts,
        type=fields.get("type", "{}"),
        parameters=(("factor", fields["factor"]),) if "factor" in fields else (),
        resources=(("api", fields["api"]),) if "api" in fields else (),
        declared=fields.get("declared", ""),
    )


def edge(asset: AssetKey = A, digest: str | None = "1", mapping: str = "all", count: int = 1) -> Edge:
    return Edge(asset, mapping, count, digest)


def told(then: Trace, now: Trace) -> list[str]:
    recorded = Materialization(
        id=1,
        partition=Partition(B),
        version=1,
        attempt=1,
        trace=then.digest or "",
        recipe=then.recipe,
        edges=then.edges,
        data=DataVersion(""),
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return [f"{cause.kind}: {cause.message}" for cause in differences(recorded, now)]


def constant(text: str) -> CodePart:
    return CodePart("flights.clean.MAX_DELAY", text, "projects/flights/clean.py:12", text)


def function(digest: str, name: str = "flights.clean.tidy") -> CodePart:
    return CodePart(name, digest, "projects/flights/clean.py:20")


RECIPES = [
    (recipe("1"), recipe("2"), ["code: its code changed"]),
    (
        recipe("1", constant("60"), function("x")),
        recipe("2", constant("90"), function("x")),
        ["code: constant flights.clean.MAX_DELAY changed: 60 → 90 (projects/flights/clean.py:12)"],
    ),
    (
        recipe("1", function("x")),
        recipe("2", function("y")),
        ["code: flights.clean.tidy changed (projects/flights/clean.py:20)"],
    ),
    (
        recipe("1", function("x", "m.old")),
        recipe("2", function("x", "m.new")),
        ["code: the code uses m.new now (projects/flights/clean.py:20)", "code: the code no longer uses m.old"],
    ),
    (recipe("1", declared="1"), recipe("2", declared="2"), ["code: declared version changed: 1 → 2"]),
    (recipe("1"), recipe("2", declared="2"), ["code: declared version changed: none → 2"]),
    (recipe(factor="1.0"), recipe(factor="2.5"), ["parameter: parameter factor changed: 1.0 → 2.5"]),
    (recipe(), recipe(factor="2.5"), ["parameter: parameter factor is new: 2.5"]),
    (recipe(factor="2.5"), recipe(), ["parameter: parameter factor is gone, was 2.5"]),
    (
        recipe(api='{"class":"m.Api","url":"https://a"}'),
        recipe(api='{"class":"m.Api","url":"https://b"}'),
        ['resource: resource api url changed: "https://a" → "https://b"'],
    ),
    (
        recipe(type='{"output":"int"}'),
        recipe(type='{"output":"str"}'),
        ['type: declared output changed: "int" → "str"'],
    ),
]


@pytest.mark.parametrize(("then", "now", "messages"), RECIPES)
def test_a_difference_of_recipes_is_named(then: Recipe, now: Recipe, messages: list[str]) -> None:
    assert told(Trace(then), Trace(now)) == messages


EDGES = [
    ((edge(),), (edge(digest="2"),), ["input: shop.a changed"]),
    ((edge(count=1),), (edge(digest="2", count=3),), ["input: shop.a changed: 1 → 3 partitions"]),
    ((edge(),), (edge(), edge(B)), ["dependency-added: shop.b is a new input"]),
    ((edge(), edge(B)), (edge(),), ["dependency-removed: shop.b is no longer an input"]),
    ((edge(),), (edge(mapping="same"),), ["type: how it reads shop.a changed: all → same"]),
    ((edge(), edge(B)), (edge(B, "2"),), ["dependency-removed: shop.a is no longer an input", "input: shop.b changed"]),
    ((edge(),), (edge(digest=None),), []),
    ((edge(), edge()), (edge(digest="2"), edge(digest="2")), ["input: shop.a changed"]),
]


@pytest.mark.parametrize(("then", "now", "messages"), EDGES)
def test_a_difference_of_inputs_is_named(then: tuple[Edge, ...], now: tuple[Edge, ...], messages: list[str]) -> None:
    assert told(Trace(recipe(), "", then), Trace(recipe(), "", now)) == messages


def test_a_cell_that_stands_for_something_else_is_told_so() -> None:
    assert told(Trace(recipe(), "utc"), Trace(recipe(), "berlin")) == [
        "type: the partition stands for something else now"
    ]


def test_of_many_changed_parts_the_first_are_named() -> None:
    then, now = ([function(digest, f"m.f{place:02d}") for place in range(15)] for digest in "xy")
    messages = told(Trace(recipe("1", *then)), Trace(recipe("2", *now)))
    assert len(messages) == 11
    assert messages[-1] == "code: and 5 more parts of the code changed"


def test_a_long_value_is_shortened_in_the_message_only() -> None:
    (message,) = told(Trace(recipe(factor="1" * 200)), Trace(recipe(factor="2")))
    assert len(message) < 150


def _taken(*inputs: object) -> Recipe:
    return recipe("1", type=json.dumps({"inputs": inputs}))


@pytest.mark.parametrize(
    ("then", "now", "messages"),
    [
        (
            _taken(["value", "T"], ["value", "int"]),
            _taken(["table", "T"], ["value", "str"]),
            [
                "type: an input is taken as one table of several partitions, not as one value",
                "type: the type of an input changed: int → str",
            ],
        ),
        (_taken(["value", ""]), _taken(["value", "int"]), ["type: the type of an input changed: none → int"]),
        (
            _taken(["value", "int", ["default", "1"]]),
            _taken(["value", "int", ["default", "2"]]),
            ['type: what is said of an input changed: [["default", "1"]] → [["default", "2"]]'],
        ),
        (
            _taken(["value", "int"]),
            _taken(["value", "int"], ["value", "int"]),
            ['type: declared inputs changed: [["value", "int"]] → [["value", "int"], ["value", "int"]]'],
        ),
        (_taken("x"), _taken("y"), ['type: declared inputs changed: ["x"] → ["y"]']),
    ],
)
def test_how_inputs_are_taken_is_told_one_by_one(then: Recipe, now: Recipe, messages: list[str]) -> None:
    assert told(Trace(then, "", (edge(),)), Trace(now, "", (edge(),))) == messages


def test_of_a_new_input_its_form_is_not_told_beside() -> None:
    then, now = _taken(["value", "int"]), _taken(["value", "int"], ["value", "str"])
    assert told(Trace(then, "", (edge(),)), Trace(now, "", (edge(), edge(B)))) == [
        "dependency-added: shop.b is a new input"
    ]
