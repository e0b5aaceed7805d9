"""What ``import assetflow`` offers, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import assetflow

HEAVY = ("pydantic", "sqlalchemy", "networkx", "duckdb", "pyarrow", "pandas", "polars", "numpy", "typer", "rich")


def loaded_by(code: str) -> set[str]:
    """The heavy packages that a program of this text loads."""
    program = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(result.stdout.split()) & set(HEAVY)


@pytest.mark.parametrize("name", assetflow.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(assetflow, name) is not None


def test_what_type_checkers_see_is_what_is_there() -> None:
    assert sorted(assetflow.__all__) == sorted(assetflow._HOME_OF)
    assert set(assetflow.__all__) <= set(dir(assetflow))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'op'"):
        assetflow.op


def test_importing_assetflow_loads_nothing_heavy() -> None:
    assert loaded_by("import assetflow") == set()


def test_declaring_assets_loads_nothing_heavy() -> None:
    assert loaded_by("from assetflow import asset, multi_asset, source, File, In, Retry, Context") == set()
    assert loaded_by("from assetflow import asset\n@asset\ndef x(y: int) -> int: return y") == set()


def test_resource_brings_pydantic_and_nothing_else() -> None:
    assert loaded_by("from assetflow import Resource") == {"pydantic"}


def test_secrets_alone_need_no_pydantic() -> None:
    assert loaded_by("from assetflow import Secret; Secret('X')") == set()
