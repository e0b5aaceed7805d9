"""Declaring builds a frozen value and does nothing else."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
from typing import get_type_hints

import pytest

from assetflow import File, Files, Retry, asset, multi_asset, source
from assetflow.declare import EFFECTS, Options, Output
from assetflow.declare.arguments import AssetArguments, MultiAssetArguments
from assetflow.errors import DefinitionError


@asset
def revenue(orders: list[float], factor: float = 1.0) -> float:
    """What came in."""
    return sum(orders) * factor


def test_calling_an_asset_is_calling_its_function() -> None:
    assert revenue([1.0, 2.0], factor=2) == 6.0


def test_an_asset_keeps_name_docstring_and_signature_of_its_function() -> None:
    assert revenue.__name__ == "revenue"
    assert revenue.__doc__ == "What came in."
    assert list(inspect.signature(revenue).parameters) == ["orders", "factor"]


def test_assets_are_equal_only_to_themselves_and_may_be_keys() -> None:
    other = asset(revenue.function)
    assert revenue != other
    assert {revenue: 1, other: 2}[revenue] == 1


def test_an_asset_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        revenue.name = "other"  # type: ignore[misc]


def test_an_asset_knows_its_place() -> None:
    assert revenue.place.file == __file__
    assert revenue.place.line == revenue.function.__code__.co_firstlineno
    assert revenue.place.module == __name__


def test_every_decorator_argument_is_marked_value_or_no_effect() -> None:
    names = {field.name for field in dataclasses.fields(Options)} - {"unknown"}
    assert set(EFFECTS) == names
    assert set(get_annotations(AssetArguments)) == names
    assert set(get_annotations(MultiAssetArguments)) == names - {"batch", "key_column", "on_bad_rows"}, (
        "these are for one"
    )


def get_annotations(cls: type) -> set[str]:
    return set(cls.__annotations__)


def test_an_unknown_argument_is_kept_to_be_told_with_the_project_s_other_mistakes() -> None:
    made = asset.using(onwers=["me"])(tags=["a"])(lambda: 1)  # type: ignore[call-arg]
    assert made.options.unknown == ("onwers",)
    assert made.options.tags == ["a"]


def test_a_name_given_by_position_is_refused_with_the_right_spelling() -> None:
    with pytest.raises(DefinitionError) as caught:
        asset("orders")  # type: ignore[call-overload]
    assert str(caught.value) == (
        "error[not-a-function]: @asset decorates a function, not 'orders'\n"
        'hint: arguments are written by name: @asset(name="orders")'
    )


def test_using_gives_a_decorator_with_defaults_that_arguments_override() -> None:
    patient = asset.using(retry=Retry(3), tags=["slow"])
    calm = patient.using(tags=["calm"])

    @patient
    def first() -> int:
        return 1

    @calm(name="renamed")
    def second() -> int:
        return 2

    assert first.options.retry == Retry(3)
    assert first.options.tags == ["slow"]
    assert second.options.retry == Retry(3)
    assert second.options.tags == ["calm"]
    assert second.name == "renamed"
    assert second() == 2


def test_a_multi_asset_gives_a_handle_for_each_field() -> None:
    @multi_asset
    def split() -> tuple[int, int]:
        return 1, 2

    assert split["train"] == Output(split, "train")
    assert split() == (1, 2)
    with pytest.raises(TypeError, match="not iterable"):
        iter(split)  # type: ignore[call-overload]


def test_a_source_knows_its_place_and_its_file() -> None:
    raw = source("raw", File("data/raw.csv", nulls=["-"]))
    inbox = source("inbox", Files("inbox/*.pdf"))
    assert raw.place.file == __file__
    assert raw.at == File("data/raw.csv", nulls=("-",))
    assert inbox.at == Files("inbox/*.pdf")


def test_annotations_are_not_read_when_decorating() -> None:
    @asset
    def later(x: Undefined) -> AlsoUndefined:  # type: ignore[name-defined]  # noqa: F821
        return x

    assert later(3) == 3
    with pytest.raises(NameError):
        get_type_hints(later.function)


def test_a_traceback_through_an_asset_ends_in_the_users_code() -> None:
    code = "from assetflow import asset\n@asset\ndef bad(): return 1 / 0\nbad()"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stderr.strip().endswith("ZeroDivisionError: division by zero")
