"""Bad rows told apart from good ones, against a model that looks at one row after the other."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Literal

import hypothesis.strategies as st
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from pydantic import BaseModel, Field

from assetflow import PrimaryKey, Rows, Unique
from assetflow.errors import ValueMismatch
from assetflow.types.dividing import Division
from assetflow.types.rejects import REASON
from assetflow.types.rowmodels import row_model


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


class Part(BaseModel):
    weight: Annotated[int, Field(gt=0)]


class Order(BaseModel):
    id: Annotated[int, PrimaryKey()]
    code: Annotated[str | None, Unique()]
    amount: Annotated[float, Field(ge=0)]
    kind: Literal["a", "b"]
    size: Size | None
    parts: list[Part]


SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("code", pa.string()),
        ("amount", pa.float64()),
        ("kind", pa.string()),
        ("size", pa.string()),
        ("parts", pa.list_(pa.struct([("weight", pa.int64())]))),
    ]
)

parts = st.lists(st.fixed_dictionaries({"weight": st.sampled_from([1, 2, 0, None])}) | st.none(), max_size=2)
row = st.fixed_dictionaries(
    {
        "id": st.sampled_from([0, 1, 2, 3, None]),
        "code": st.sampled_from(["x", "y", "z", None]),
        "amount": st.sampled_from([0.0, 1.5, -1.0, float("nan"), None]),
        "kind": st.sampled_from(["a", "b", "c", None]),
        "size": st.sampled_from(["s", "l", "m", None]),
        "parts": parts | st.none(),
    }
)


def sound(one: dict[str, Any]) -> bool:
    """Whether a row keeps the model, but for its keys."""
    return bool(
        one["id"] is not None
        and one["amount"] is not None
        and one["amount"] >= 0
        and one["kind"] in ("a", "b")
        and one["size"] in ("s", "l", None)
        and one["parts"] is not None
        and all(part is not None and part["weight"] is not None and part["weight"] > 0 for part in one["parts"])
    )


def divided(rows: list[dict[str, Any]], *, keys: bool = True) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The good rows and the bad ones. Of those with equal codes that are good but for that, the first stays."""
    good, bad = [], []
    for one in [{name: one[name] for name in SCHEMA.names} for one in rows]:
        (good if sound(one) else bad).append(one)
    for name in ("id", "code") if keys else ():
        seen: set[Any] = set()
        left = []
        for one in good:
            again = one[name] is not None and one[name] in seen
            (bad if again else left).append(one)
            seen.add(one[name])
        good = left
    return good, bad


def shown(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(repr(one) for one in rows)


@given(rows=st.lists(row, max_size=12))
def test_a_table_is_divided_as_one_row_after_the_other_is_judged(rows: list[dict[str, Any]]) -> None:
    division = Division(row_model(Order), "g.orders", 1.0)
    good, bad = division.table(pa.Table.from_pylist(rows, SCHEMA))
    wanted, rejected = divided(rows)
    assert repr(good.to_pylist()) == repr(wanted), "in their order"
    assert shown(bad.drop_columns([REASON]).to_pylist()) == shown(rejected)
    assert all(bad.column(REASON).to_pylist())
    assert (division.good, division.bad) == (len(wanted), len(rejected))
    assert division.result.passed


@given(rows=st.lists(row, max_size=12), size=st.integers(1, 5))
def test_a_stream_is_divided_batch_by_batch_and_its_keys_are_told(rows: list[dict[str, Any]], size: int) -> None:
    table = pa.Table.from_pylist(rows, SCHEMA)
    division = Division(row_model(Order), "g.orders", 1.0)
    good, bad = division.stream(pa.RecordBatchReader.from_batches(SCHEMA, table.to_batches(max_chunksize=size)))
    wanted, rejected = divided(rows, keys=False)
    assert repr(good.read_all().to_pylist()) == repr(wanted)
    assert shown(bad.read_all().drop_columns([REASON]).to_pylist()) == shown(rejected)
    ids, codes = ([one[name] for one in wanted if one[name] is not None] for name in ("id", "code"))
    assert division.result.passed == (len(set(ids)) == len(ids) and len(set(codes)) == len(codes))


def test_reasons_examples_and_counts() -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "code": "x", "amount": 1.0, "kind": "a", "size": "s", "parts": []},
        {"id": 1, "code": "y", "amount": -1.0, "kind": "z", "size": "m", "parts": [{"weight": 0}]},
        {"id": 1, "code": "z", "amount": 1.0, "kind": "a", "size": None, "parts": []},
        {"id": None, "code": "x", "amount": 2.0, "kind": "b", "size": None, "parts": []},
    ]
    division = Division(row_model(Order), "g.orders", 0.5)
    _, bad = division.table(pa.Table.from_pylist(rows, SCHEMA))
    assert bad.select(["code", REASON]).to_pylist() == [
        {
            "code": "y",
            REASON: "amount is not at least 0; kind is not one of 'a', 'b'; size is not one of 's', 'l'; "
            "parts[].weight is not above 0",
        },
        {"code": "x", REASON: "id has no value"},
        {"code": "z", REASON: "id stands in a row before"},
    ]
    result = division.result
    assert not result.passed
    assert result.metrics == {"rejected": 3.0}
    assert result.message.startswith("3 of 4 rows are bad: ")
    assert result.message.endswith("and 2 more; at most 50 % may be")
    assert [one["code"] for one in result.sample] == ["y", "x", "z"]


def test_the_library_and_other_columns_stay_and_a_wrong_type_is_no_matter_of_rows() -> None:
    class Point(BaseModel):
        x: Annotated[int, Field(ge=0)]

    rows = row_model(Point, Rows(extra="keep"))
    good, bad = Division(rows, "p", 1.0).table(pl.DataFrame({"x": [1, -1], "y": ["a", "b"]}))
    assert pl.DataFrame(good).to_dicts() == [{"x": 1, "y": "a"}]
    assert bad.to_pylist() == [{"x": -1, REASON: "x is not at least 0", "y": "b"}]
    assert good.schema.metadata == bad.schema.metadata != None  # noqa: E711 - both say that they were polars tables
    streamed = pa.RecordBatchReader.from_batches(good.schema, good.to_batches())
    again, _ = Division(rows, "p", 1.0).stream(streamed)
    assert again.read_all().to_pylist() == [{"x": 1, "y": "a"}]
    with pytest.raises(ValueMismatch, match="is not a table of Point"):
        Division(rows, "p", 1.0).table(pl.DataFrame({"x": ["1"]}))
    with pytest.raises(ValueMismatch, match="is not a table of Point"):
        Division(rows, "p", 1.0).stream(pa.RecordBatchReader.from_batches(pa.schema([("y", pa.int64())]), []))
