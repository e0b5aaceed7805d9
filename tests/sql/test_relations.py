"""What relations are made of that Python code built of others."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from assetflow.model.keys import AssetKey
from assetflow.model.lineage import Evidence, Role
from assetflow.sql.relations import derived

MADE = AssetKey("shop", "made")
ORDERS, PEOPLE = AssetKey("shop", "orders"), AssetKey("shop", "people")


class Given(dict[AssetKey, Any]):
    """Relations, and the connection that they are made on."""

    def __init__(self, connection: Any, relations: dict[AssetKey, Any]) -> None:
        super().__init__(relations)
        self.connection = connection


@pytest.fixture
def given():
    """Two tables as a step is given them: one over a stored file, one in memory."""
    connection = duckdb.connect(config={"enable_external_access": "false"})
    orders = pa.table({"id": [1, 2], "amount": [1.0, 2.0], "who": [1, 1], "place": [{"city": "x"}] * 2})
    people = pa.table({"who": [1], "name": ["x"]})
    yield Given(
        connection,
        {
            ORDERS: connection.from_arrow(ds.dataset(orders)).project('"id", "amount", "who", "place"'),
            PEOPLE: connection.from_arrow(people),
        },
    )
    connection.close()


def told(given, made) -> tuple[dict[str, set[str]], set[str]]:
    """The sources of each column, and what decides about rows."""
    edges = derived(MADE, made, given.items())
    assert all(edge.evidence is Evidence.SQL and edge.target == MADE for edge in edges)
    columns: dict[str, set[str]] = {}
    uses: set[str] = set()
    for edge in edges:
        name = f"{edge.source.name}.{edge.column}"
        if edge.role is Role.VALUE:
            columns.setdefault(edge.into, set()).add(name)
        else:
            uses.add(f"{edge.role.value} {name}")
    return columns, uses


@pytest.mark.parametrize(
    ("build", "columns", "uses"),
    [
        (lambda o, p: o, {c: {f"orders.{c}"} for c in ("id", "amount", "who", "place")}, set()),
        (lambda o, p: o.select("id", "amount"), {"id": {"orders.id"}, "amount": {"orders.amount"}}, set()),
        (
            lambda o, p: o.filter("amount > 1").aggregate("who, sum(amount) as total", "who").order("total"),
            {"who": {"orders.who"}, "total": {"orders.amount"}},
            {"filter orders.amount", "group orders.who", "order orders.amount"},
        ),
        (
            lambda o, p: o.set_alias("o").join(p.set_alias("p"), "o.who = p.who").project("o.id, p.name as called"),
            {"id": {"orders.id"}, "called": {"people.name"}},
            {"join orders.who", "join people.who"},
        ),
        (
            lambda o, p: o.query("o", "select who, max(amount) as most from o where id > 1 group by all"),
            {"who": {"orders.who"}, "most": {"orders.amount"}},
            {"filter orders.id", "group orders.who"},
        ),
        (
            lambda o, p: o.project("id, row_number() over (partition by who order by amount) as n"),
            {"id": {"orders.id"}},
            {"window orders.who", "window orders.amount"},
        ),
        (lambda o, p: o.project("place.city as city"), {"city": {"orders.place.city"}}, set()),
        (
            lambda o, p: o.select(duckdb.ColumnExpression("amount").alias("a")).union(o.select("amount")).limit(3),
            {"a": {"orders.amount"}},
            set(),
        ),
    ],
    ids=["itself", "select", "aggregate", "join", "query", "window", "struct", "union"],
)
def test_relations_that_can_be_followed(given, build, columns, uses):
    assert told(given, build(given[ORDERS], given[PEOPLE])) == (columns, uses)


def test_what_is_made_of_anything_else_is_not_followed(given):
    orders, connection = given[ORDERS], given.connection
    assert derived(MADE, connection.from_arrow(pa.table({"id": [1]})), given.items()) == ()
    assert derived(MADE, connection.sql("select * from range(3)"), given.items()) == ()
    strange = orders.set_alias("o").join(connection.from_arrow(pa.table({"who": [1]})), "who")
    assert derived(MADE, strange, given.items()) == ()


def test_a_relation_whose_connection_is_closed_tells_nothing(given):
    connection = duckdb.connect()
    made = connection.sql("select 1 as one")
    connection.close()
    assert derived(MADE, made, given.items()) == ()


def test_the_same_query_over_other_tables_is_followed_once(given):
    from assetflow.sql import relations

    relations._derived.cache_clear()
    for _ in range(3):
        fresh = duckdb.connect().from_arrow(pa.table({"id": [1], "amount": [1.0]}))
        edges = derived(MADE, fresh.filter("id > 1").project("amount"), [(ORDERS, fresh)])
        assert {(edge.column, edge.role) for edge in edges} == {("amount", Role.VALUE), ("id", Role.FILTER)}
    assert relations._derived.cache_info().misses == 1
