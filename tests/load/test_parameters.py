"""Run parameters: where their values come from, and how they are read."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from assetflow.model.keys import AssetKey

Project = Callable[..., Any]
HEAD = "from assetflow import *\nfrom typing import *\nfrom datetime import *\nfrom enum import Enum\n"
TWO = HEAD + "@asset\ndef x(k: int = 1) -> int: ...\n@asset\ndef y(k: int = 2) -> int: ...\n"


def values(loaded: Any) -> dict[str, Any]:
    assert loaded.mistakes == ()
    return {
        f"{key.name}.{name}": value for key, each in loaded.bound.items() for name, value in each.parameters.items()
    }


def origins(loaded: Any) -> dict[str, str]:
    return {
        f"{key.name}.{each.name}": each.origin
        for key, found in loaded.graph.definitions.items()
        for each in found.parameters
    }


def test_the_later_origin_wins_and_within_one_the_full_name(project: Project) -> None:
    written = project(
        {"shop/a.py": TWO},
        settings="""
            [parameters]
            k = 10
            shop.y.k = 11
            [environments.prod.parameters]
            "shop.x.k" = 20
        """,
    )
    assert values(written.load()) == {"x.k": 10, "y.k": 11}
    assert values(written.load(environment="prod")) == {"x.k": 20, "y.k": 11}
    assert values(written.load(environment="prod", sets=["k=30"])) == {"x.k": 30, "y.k": 30}
    loaded = written.load(environment="prod", sets=["k=30", "shop.y.k=31"])
    assert values(loaded) == {"x.k": 30, "y.k": 31}
    assert origins(loaded) == {"x.k": "--set", "y.k": "--set"}
    assert origins(written.load(environment="prod")) == {
        "x.k": "assetflow.toml [environments.prod]",
        "y.k": "assetflow.toml",
    }


def test_values_are_part_of_the_trace(project: Project) -> None:
    written = project({"shop/a.py": TWO})
    key = AssetKey("shop", "x")
    plain, same, other = (written.load(sets=sets).graph.nodes[key].recipe for sets in ([], ["k=1"], ["k=2"]))
    assert plain.digest == same.digest != other.digest
    assert other.parameters == (("k", "2"),)


@pytest.mark.parametrize(
    ("hint", "text", "value", "stored"),
    [
        ("int", "7", 7, "7"),
        ("float", "7", 7.0, "7.0"),
        ("bool", "false", False, "false"),
        ("str", "7", "7", '"7"'),
        ("str", "a=b", "a=b", '"a=b"'),
        ("str", "", "", '""'),
        ("date", "2026-01-05", date(2026, 1, 5), '"2026-01-05"'),
        ("list[int]", "[1, 2]", [1, 2], "[1,2]"),
        ("dict[str, float]", '{"a": 1}', {"a": 1.0}, '{"a":1.0}'),
        ("int | None", "null", None, "null"),
        ("Literal['a', 'b']", "b", "b", '"b"'),
        ("set[str]", '["b", "a"]', {"a", "b"}, '["a","b"]'),
        ("tuple[int, ...]", "[1]", (1,), "[1]"),
    ],
)
def test_texts_are_read_by_the_parameters_type(
    project: Project, hint: str, text: str, value: object, stored: str
) -> None:
    written = project({"shop/a.py": HEAD + f"@asset\ndef x(k: Annotated[{hint}, Param()]) -> int: ...\n"})
    loaded = written.load(sets=[f"k={text}"])
    assert values(loaded) == {"x.k": value}
    assert type(values(loaded)["x.k"]) is type(value)
    assert loaded.graph.definitions[AssetKey("shop", "x")].parameters[0].value == stored


def test_values_of_the_settings_are_read_by_the_parameters_type(project: Project) -> None:
    written = project(
        {"shop/a.py": HEAD + "@asset\ndef x(day: date = date(2026, 1, 1), t: dict[str, int] = {}, n=3, o=None): ..."},
        settings="[parameters]\nday = 2026-02-03\nt = { a = 1 }\nn = 4\no = [1, 2]\n",
    )
    assert values(written.load()) == {"x.day": date(2026, 2, 3), "x.t": {"a": 1}, "x.n": 4, "x.o": [1, 2]}


def test_equal_values_of_models_and_defaults_have_one_text(project: Project) -> None:
    body = """
        from pydantic import BaseModel
        class Limits(BaseModel):
            low: float = 0.0
            high: float = 1.0
        class Mode(Enum):
            FAST = "fast"
        @asset
        def x(limits: Limits = Limits(), mode: Mode = Mode.FAST, big: float = 1): ...
    """
    written = project({"shop/a.py": HEAD + textwrap.dedent(body)})
    key = AssetKey("shop", "x")
    plain = written.load().graph.nodes[key].recipe.parameters
    assert plain == (("big", "1.0"), ("limits", '{"high":1.0,"low":0.0}'), ("mode", '"fast"'))
    assert written.load(sets=['limits={"low": 0}', "mode=fast", "big=1"]).graph.nodes[key].recipe.parameters == plain


def test_a_bad_value_is_told_with_its_field_path(project: Project) -> None:
    model = "from pydantic import BaseModel\nclass L(BaseModel):\n    low: int\n"
    body = model + "@asset\ndef x(l: L = L(low=1), k: int = 1): ..."
    written = project({"shop/a.py": HEAD + body}, settings="[parameters]\nl = { low = 'a' }\n")
    assert written.mistakes(sets=["shop.x.k=ten"]) == (
        "error[bad-parameter]: shop.x takes l: L, not {'low': 'a'}: l.low: Input should be a valid integer,"
        " unable to parse string as an integer\n"
        "  assetflow.toml: parameters.l\n"
        "  shop.x   shop/a.py:8\n"
        "error[bad-parameter]: shop.x takes k: int, not shop.x.k=ten: Input should be a valid integer,"
        " unable to parse string as an integer\n"
        "  shop.x   shop/a.py:8"
    )


def test_a_default_of_another_type_is_told(project: Project) -> None:
    assert (
        "shop.x takes k: int, not the default 'a'"
        in project({"shop/a.py": HEAD + "@asset\ndef x(k: int = 'a'): ..."}).mistakes()
    )


def test_what_cannot_be_written_as_json_is_no_run_parameter(project: Project) -> None:
    body = (
        HEAD
        + "@asset\ndef x(k=object()): ...\nclass Lock: ...\n"
        + "@asset\ndef y(f: Callable[[], int] = int, p: Lock = None): ...\n"
    )
    found = project({"shop/a.py": body}).load().mistakes
    assert [error.message for error in found] == [
        "shop.x has a default for 'k', so it is a run parameter, but object cannot be written as JSON",
        "shop.y has a default for 'f', so it is a run parameter, but Callable[[], int] cannot be written as JSON",
        "shop.y has a default for 'p', so it is a run parameter, but Lock cannot be written as JSON",
    ]


def test_unknown_parameters_are_told_with_the_nearest(project: Project) -> None:
    written = project({"shop/a.py": HEAD + "@asset\ndef x(limit: int = 1): ..."}, settings="[parameters]\nlimt = 3\n")
    assert written.mistakes(sets=["shop.x.limi=3", "nothing"]) == (
        "error[bad-parameter]: --set nothing sets nothing\n"
        "hint: write --set NAME=VALUE\n"
        "error[unknown-parameter]: no asset has a run parameter limt\n"
        "  assetflow.toml: parameters.limt\n"
        "hint: did you mean limit?\n"
        "error[unknown-parameter]: no asset has a run parameter shop.x.limi\n"
        "hint: did you mean shop.x.limit?"
    )


def test_a_parameter_that_a_broken_module_may_take_is_not_unknown(project: Project) -> None:
    loaded = project({"shop/a.py": TWO, "shop/b.py": "1 / 0"}, settings="[parameters]\nother = 3\n").load()
    assert [error.code for error in loaded.mistakes] == ["module-does-not-import"]
