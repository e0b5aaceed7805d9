"""What a row model says of several columns, and of other tables."""

from __future__ import annotations

from typing import Any, ClassVar

import hypothesis.strategies as st
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from pydantic import BaseModel

from assetflow import Expect, table
from assetflow.errors import ValueMismatch
from assetflow.types.conforming import Streamed, broken, conformed, shaped, stream
from assetflow.types.dividing import Division
from assetflow.types.rejects import REASON
from assetflow.types.rowfits import guaranteed
from assetflow.types.rowmodels import row_model
from tests.conftest import Folder


class Span(BaseModel):
    start: int
    end: int | None
    kind: str = "a"
    in_order: ClassVar = Expect('start <= "end" -- as time goes')
    known: ClassVar = Expect("kind in ('a', 'b') or start > 2")


class Narrow(Span):
    known: ClassVar = Expect("kind = 'a'")


rows = st.fixed_dictionaries(
    {
        "start": st.integers(0, 3),
        "end": st.integers(0, 3) | st.none(),
        "kind": st.sampled_from("abc"),
    }
)
SCHEMA = pa.schema([("start", pa.int64()), ("end", pa.int64()), ("kind", pa.string())])


def holds(row: dict[str, Any]) -> bool:
    return (row["end"] is None or row["start"] <= row["end"]) and (row["kind"] in "ab" or row["start"] > 2)


@given(st.lists(rows, max_size=8))
def test_conditions_hold_of_a_table_as_they_do_row_by_row(found: list[dict[str, Any]]) -> None:
    given_ = pa.Table.from_pylist(found, SCHEMA)
    assert (not broken(shaped(given_, row_model(Span), what="t"), row_model(Span))) == all(map(holds, found))
    good, bad = Division(row_model(Span), "t", 1.0).table(given_)
    assert good.to_pylist() == [{name: row[name] for name in SCHEMA.names} for row in found if holds(row)]
    assert bad.num_rows == len(found) - good.num_rows
    streamed = Streamed()
    reader = pa.RecordBatchReader.from_batches(SCHEMA, given_.to_batches(max_chunksize=3))
    stream(reader, row_model(Span), streamed, what="t").read_all()
    assert streamed.result.passed == all(map(holds, found))


def test_what_is_told() -> None:
    found = pl.DataFrame({"start": [1, 3], "end": [2, 1], "kind": ["c", "c"]})
    with pytest.raises(ValueMismatch) as caught:
        conformed(found, row_model(Span), what="the table")
    assert caught.value.where == (
        'in_order: 1 of 2 rows do not hold start <= "end" -- as time goes, such as row 1',
        "known: 1 of 2 rows do not hold kind in ('a', 'b') or start > 2, such as row 0",
    )
    _, bad = Division(row_model(Span), "t", 1.0).table(found)
    assert bad.column(REASON).to_pylist()[0] == "known: kind in ('a', 'b') or start > 2 does not hold"
    with pytest.raises(ValueMismatch, match="is not a table of Span"):
        table(Span, [Span(start=2, end=1)], as_=pl.DataFrame)
    assert len(table(Span, [Span(start=1, end=1)], as_=pl.DataFrame)) == 1


def test_a_condition_that_cannot_be_asked_of_some_values_is_told() -> None:
    class Texts(BaseModel):
        number: str
        positive: ClassVar = Expect("number::int > 0")

    with pytest.raises(ValueMismatch, match="cannot be asked: Conversion Error"):
        conformed(pl.DataFrame({"number": ["x"]}), row_model(Texts), what="t")


def test_a_model_derived_from_another_says_it_again_otherwise() -> None:
    assert dict(row_model(Narrow).expects) == {"in_order": 'start <= "end" -- as time goes', "known": "kind = 'a'"}
    assert row_model(Narrow).identity != row_model(Span).identity
    assert row_model(Narrow).shape == row_model(Span).shape
    assert guaranteed(row_model(Span), row_model(Span))
    assert not guaranteed(row_model(Span), row_model(Narrow)), "nobody says that the one follows from the other"


SHOP = """
from datetime import date
from typing import Annotated, ClassVar
import polars as pl
from pydantic import BaseModel
from assetflow import Contract, Expect, ForeignKey, PrimaryKey, asset

class Customer(BaseModel):
    id: Annotated[int, PrimaryKey()]

class Order(BaseModel):
    customer: Annotated[int, ForeignKey("customers", "id")]
    placed: date
    shipped: date | None
    in_order: ClassVar = Expect("shipped >= placed")

@asset
def customers() -> Annotated[pl.DataFrame, Customer]:
    return pl.DataFrame({"id": [1, 2]})

@asset(contract=Contract("1.0"))
def orders() -> Annotated[pl.DataFrame, Order]:
    day = date(2026, 1, 1)
    return pl.DataFrame({"customer": [1, 2], "placed": [day, day], "shipped": [None, date(2026, 1, 2)]})

@asset
def count(orders: Annotated[pl.DataFrame, Order]) -> int:
    return len(orders)
"""


@pytest.fixture
def shop(folder: Folder) -> Folder:
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write("shop.py", SHOP)
    return folder


def test_both_hold_a_table_back_and_a_new_one_judges_what_is_stored(shop: Folder) -> None:
    shop.run("materialize")
    shop.edit("shop.py", "shipped >= placed", "shipped > placed + 1")
    assert [each["action"] for each in shop.json("plan")["steps"]] == ["check"]
    assert "in_order: 1 of 2 rows do not hold shipped > placed + 1" in shop.run("materialize", code=4).err
    shop.edit("shop.py", "shipped > placed + 1", "shipped > placed")
    shop.run("materialize")
    shop.edit("shop.py", '"customer": [1, 2]', '"customer": [1, 3]')
    done = shop.run("materialize", code=4)
    assert "check foreign_key(customer → customers) failed: 1 of 2 rows refer to nothing, such as (3)" in done.err
    assert shop.json("cat", "orders")[1]["customer"] == 2


def test_a_contract_promises_them(shop: Folder) -> None:
    shop.run("contracts", "export", "--to", "base.json")
    shop.edit("shop.py", '    in_order: ClassVar = Expect("shipped >= placed")\n', "")
    told = shop.run("contracts", "check", "--base", "base.json", code=4).out
    assert "in_order is not checked any more" in told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("shipped >= placed", "shippd >= placed", "Order.in_order: shop.orders has no column 'shippd'"),
        ("shipped >= placed", "shipped", "Order.in_order: it gives date32[day], and neither true nor false"),
        ("shipped >= placed", "select 1", "Order.in_order:"),
        ("shipped >= placed", "exists (from shop.customers)", "Order.in_order: it reads more than the rows"),
        ('"customers", "id"', '"customer", "id"', "shop.orders takes 'customer', and there is no such asset"),
        ('"customers", "id"', '"customers"', "shop.customers has no column 'customer'"),
    ],
)
def test_mistakes(shop: Folder, old: str, new: str, told: str) -> None:
    shop.edit("shop.py", old, new)
    assert told in shop.run("validate", code=2).err
