"""Of any query: what it is run over gives what the whole tables give, and a column changes nothing that it is not said to."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetflow.model.keys import AssetKey
from assetflow.sql.faults import SqlFault
from assetflow.sql.running import run
from assetflow.types.arrowtypes import arrow_field
from assetflow.types.scans import Scan
from assetflow.types.tables import to_arrow
from tests.sql.conftest import TABLES, Bench
from tests.sql.test_resolving import CASES

QUERIES = [query for query, _, _ in CASES]
#: Examples for each query; ASSETFLOW_LAWS=long tries many, and others each time.
LONG = os.environ.get("ASSETFLOW_LAWS") == "long"
MANY = 60 if LONG else 4
DAY = datetime.date(2026, 1, 1)
VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "id": st.integers(0, 3),
    "customer": st.integers(0, 3),
    "amount": st.sampled_from([0.0, 1.5, 3.0, 12.5]),
    "placed": st.integers(0, 3).map(lambda days: DAY + datetime.timedelta(days)),
    "status": st.sampled_from(["placed", "shipped", "returned"]),
    "note": st.sampled_from(["", "a", None]),
    "seen": st.just(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)),
    "name": st.sampled_from(["Ada", "Grace", None]),
    "address": st.fixed_dictionaries({"city": st.sampled_from(["X", "Y"]), "zip": st.sampled_from(["1", "2"])}),
}


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def made(key: AssetKey, rows: list[dict[str, Any]]) -> pa.Table:
    fields = [arrow_field(name, kind) for name, kind in TABLES[key].items()]
    arrays = [pa.array([row[field.name] for row in rows], _plain(field.type)) for field in fields]
    cast = [
        array if array.type == field.type else array.dictionary_encode()
        for array, field in zip(arrays, fields, strict=True)
    ]
    return to_arrow(pa.Table.from_arrays(cast, names=[field.name for field in fields]))


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


@st.composite
def tables(draw: st.DrawFn) -> dict[AssetKey, list[dict[str, Any]]]:
    return {
        key: draw(st.lists(st.fixed_dictionaries({name: VALUES[name] for name in columns}), max_size=5))
        for key, columns in TABLES.items()
    }


def given_by(bench: Bench, query: str, rows: Mapping[AssetKey, list[dict[str, Any]]]) -> pa.Table:
    """What the query gives over the columns that it is said to read."""
    statement = bench.queries.statement(query)
    named = {each.name: AssetKey("shop", each.name.rpartition(".")[2]) for each in statement.tables}
    binding = bench.bound(query)
    scans = {}
    for key in dict.fromkeys(named.values()):
        read = binding.reads[key]
        assert read is not None
        table = made(key, rows[key]).select(list(read))
        scans[key] = Scan(table.schema, table=table)
    columns = {key: TABLES[key] for key in scans}
    result = run("q", statement.text, named, scans, {}, columns=columns)
    return result if isinstance(result, pa.Table) else result.read_all()


def by_hand(query: str, rows: Mapping[AssetKey, list[dict[str, Any]]]) -> list[Any]:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set TimeZone='UTC'")
        connection.execute("create schema shop")
        for key, own in rows.items():
            whole = made(key, own)
            decoded = pa.table(
                {n: c.cast(_plain(c.type)) for n, c in zip(whole.column_names, whole.columns, strict=True)}
            )
            connection.register("whole", decoded)
            connection.execute(f"create table shop.{key.name} as from whole")
            if "status" in whole.column_names:
                connection.execute("alter table shop.orders alter status type enum('placed', 'shipped', 'returned')")
            connection.execute(f"create view {key.name} as from shop.{key.name}")
        found: list[Any] = connection.sql(query).fetchall()
        return found


def ordered(rows: list[Any]) -> list[str]:
    return sorted(map(repr, rows))


@pytest.mark.parametrize("query", QUERIES)
@settings(max_examples=MANY, derandomize=not LONG)
@given(rows=tables())
def test_over_what_it_reads_alone_it_gives_what_it_gives_over_all(
    bench: Bench, query: str, rows: dict[AssetKey, list[dict[str, Any]]]
) -> None:
    if "pivot" in query or "distinct on" in query or "any_value" in query:
        rows = {key: own[:1] for key, own in rows.items()}  # of several rows DuckDB may take any
    ours = [tuple(row.values()) for row in given_by(bench, query, rows).to_pylist()]
    assert ordered(ours) == ordered([tuple(row) for row in by_hand(query, rows)])


@pytest.mark.parametrize("query", QUERIES)
@settings(max_examples=MANY, derandomize=not LONG)
@given(rows=tables(), data=st.data())
def test_a_column_changes_nothing_that_it_is_not_a_source_of(
    bench: Bench, query: str, rows: dict[AssetKey, list[dict[str, Any]]], data: st.DataObject
) -> None:
    binding = bench.bound(query)
    if not binding.reads:
        return
    key = data.draw(st.sampled_from(sorted(binding.reads)))
    column = data.draw(st.sampled_from(sorted(TABLES[key])))
    if any((one.asset, one.column.partition(".")[0]) == (key, column) for _, one in binding.uses):
        return  # it decides about rows, and so about everything
    before = given_by(bench, query, rows)
    other = {**rows, key: [{**row, column: data.draw(VALUES[column])} for row in rows[key]]}
    after = given_by(bench, query, other)
    assert before.num_rows == after.num_rows
    for place, sources in enumerate(binding.sources):
        if (key, column) not in {(one.asset, one.column.partition(".")[0]) for one in sources}:
            assert before.column(place).to_pylist() == after.column(place).to_pylist()


@pytest.mark.parametrize("query", QUERIES)
@settings(max_examples=max(MANY // 4, 1), derandomize=not LONG)
@given(rows=tables())
def test_over_views_it_gives_and_reads_what_it_does_over_tables(
    bench: Bench, query: str, rows: dict[AssetKey, list[dict[str, Any]]]
) -> None:
    named = {each.name: each.name.rpartition(".")[2] for each in bench.queries.statement(query).tables}
    views = {name: f'select * from "shop"."{table}" -- as it is' for name, table in named.items()}
    try:
        through = bench.queries.inlined(query, views, {})
        bench.bound(through)
    except SqlFault:
        assert any(f"{name}." in query for name in named if "." in name), "a column by the whole name of its table"
        return
    assert bench.bound(through).reads == bench.bound(query).reads
    if "pivot" in query or "distinct on" in query or "any_value" in query:
        rows = {key: own[:1] for key, own in rows.items()}  # of several rows DuckDB may take any
    assert ordered(given_by(bench, through, rows).to_pylist()) == ordered(given_by(bench, query, rows).to_pylist())
