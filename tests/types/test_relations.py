"""Relations of DuckDB: read from a stored file as far as they are asked, and given a batch at a time."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pytest

from assetflow.errors import ValueMismatch
from assetflow.types import lazily
from assetflow.types.canonical import ORIGIN
from assetflow.types.tables import to_arrow
from tests.conftest import Folder

QUERIES = [
    "select range as a, range * 0.5 as b, 'x' || range as c from range(5000)",
    "select timestamptz '2026-01-01 12:00:00+02' as t, [range, null] as l, {'k': range} as s from range(3000)",
    "select sum(range) as s, avg(range) as m from range(10)",
    "select 1 as a where false",
    "select null as n, true as f, date '2026-01-01' as d, 1.25::decimal(9, 2) as p from range(2500)",
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("limit", [1 << 30, 1], ids=["table", "stream"])
def test_what_is_fetched_is_what_the_relation_is(query: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lazily, "_AT_ONCE", limit)
    monkeypatch.setattr(lazily, "_BATCH", 1000)
    connection = duckdb.connect()
    connection.execute("set TimeZone='Asia/Tokyo'")
    fetched = lazily.fetched(connection.sql(query))
    empty = "where false" in query
    assert isinstance(fetched, pa.Table if limit > 1 or empty else pa.RecordBatchReader)
    found = fetched if isinstance(fetched, pa.Table) else fetched.read_all()
    wanted = to_arrow(connection.sql(query))
    assert found.schema.equals(wanted.schema, check_metadata=False)
    assert found.equals(wanted)
    if isinstance(fetched, pa.Table):
        assert fetched.schema.metadata == {ORIGIN: b"duckdb.DuckDBPyRelation"}


def test_what_has_enums_or_no_arrow_type_is_left_as_it_is() -> None:
    connection = duckdb.connect()
    for query in ("select 'a'::enum('a', 'b') as e", "select 1::uhugeint as u"):
        relation = connection.sql(query)
        assert lazily.fetched(relation) is relation
    with pytest.raises(ValueMismatch):
        to_arrow(connection.sql("select 1::uhugeint as u"))


SHOP = """
from typing import Annotated
import duckdb
import pyarrow as pa
from pydantic import BaseModel, Field
from assetflow import asset
from assetflow.types import lazily

lazily._AT_ONCE = 1000

class Row(BaseModel):
    a: Annotated[int, Field(ge=0)]
    b: float

class A(BaseModel):
    a: int

@asset
def made() -> Annotated[pa.Table, Row]:
    return pa.table({"a": range(20_000), "b": [float(n) for n in range(20_000)]})

@asset
def some(made: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    assert made.columns == ["a", "b"]
    return made.filter("a % 2 = 0").project("a, b * 2 as c")

@asset
def largest(some: duckdb.DuckDBPyRelation) -> float:
    return some.aggregate("max(c)").fetchall()[0][0]

@asset
def known(made: Annotated[duckdb.DuckDBPyRelation, A]) -> Annotated[duckdb.DuckDBPyRelation, A]:
    assert made.columns == ["a"]
    return made.filter("a < 15000")

@asset
def count(known: pa.Table, some) -> list:
    assert isinstance(known, pa.Table)
    return [known.num_rows, known["a"].to_pylist() == list(range(15_000)), type(some).__name__]
"""


def test_relations_in_a_project(folder: Folder) -> None:
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write("shop.py", SHOP)
    folder.run("materialize")
    first: Any = [folder.json("cat", "largest"), folder.json("cat", "count")]
    assert first[0] == 19_998 * 2.0
    assert first[1] == [15_000, True, "DuckDBPyRelation"]
    folder.edit("shop.py", 'aggregate("max(c)")', 'aggregate("max(c) ")')
    assert {step["outcome"] for step in folder.json("materialize")["steps"]} == {"unchanged"}, (
        "it reads the stored file"
    )
    folder.edit("shop.py", "ge=0", "ge=1")
    done = folder.run("materialize", code=4)
    assert "1 of 20,000 rows are not at least 1" in done.err + done.out
