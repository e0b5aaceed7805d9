"""Where the columns of a query come from, construct by construct."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import pytest

from assetflow.model.keys import AssetKey
from assetflow.sql.engine import functions
from assetflow.sql.naming import NotFollowed
from assetflow.sql.parsing import parsed, tree_of
from assetflow.sql.resolving import resolved
from assetflow.types.engine import connected
from tests.sql.conftest import TABLES, Bench

#: A query, what each of its columns comes from, and what decides about its rows.
CASES: list[tuple[str, dict[str, list[str]], list[str]]] = [
    ("select id, amount * 2 as twice from orders", {"id": ["orders.id"], "twice": ["orders.amount"]}, []),
    ("select 1 as one from orders", {"one": []}, []),
    ("select count(*) as n from orders", {"n": ["orders"]}, []),
    (
        "from customers",
        {"customer": ["customers.customer"], "name": ["customers.name"], "address": ["customers.address"]},
        [],
    ),
    ("select * exclude (address) from customers", {"customer": ["customers.customer"], "name": ["customers.name"]}, []),
    (
        "select * exclude (address) replace (upper(name) || customer as name) from customers",
        {"customer": ["customers.customer"], "name": ["customers.customer", "customers.name"]},
        [],
    ),
    ("select address.city from customers", {"city": ["customers.address.city"]}, []),
    ("select c.address.zip as zip from customers c", {"zip": ["customers.address.zip"]}, []),
    ("select c from customers c", {"c": ["customers.address", "customers.customer", "customers.name"]}, []),
    (
        "select id from orders where amount > 1 and note is null",
        {"id": ["orders.id"]},
        ["filter orders.amount", "filter orders.note"],
    ),
    (
        "select amount * 2 as a, a + id as b from orders",
        {"a": ["orders.amount"], "b": ["orders.amount", "orders.id"]},
        [],
    ),
    ("select amount * 2 as a from orders where a > 1", {"a": ["orders.amount"]}, ["filter orders.amount"]),
    ("select id as amount from orders where amount > 1", {"amount": ["orders.id"]}, ["filter orders.amount"]),
    ("select id as amount from orders order by amount", {"amount": ["orders.id"]}, ["order orders.id"]),
    ("select id as a from orders order by amount, 1", {"a": ["orders.id"]}, ["order orders.amount", "order orders.id"]),
    (
        "select status, sum(amount) as total from orders group by 1 having max(id) > 3",
        {"status": ["orders.status"], "total": ["orders.amount"]},
        ["filter orders.id", "group orders.status"],
    ),
    (
        "select status, sum(amount) as total from orders group by all order by all",
        {"status": ["orders.status"], "total": ["orders.amount"]},
        ["group orders.status", "order orders.amount", "order orders.status"],
    ),
    ("select sum(amount) filter (where id > 1) as t from orders", {"t": ["orders.amount"]}, ["filter orders.id"]),
    ("select list(id order by placed) as ids from orders", {"ids": ["orders.id"]}, ["order orders.placed"]),
    ("select distinct on (status) id from orders", {"id": ["orders.id"]}, ["group orders.status"]),
    (
        "select lag(amount) over (partition by customer order by placed) as before from orders",
        {"before": ["orders.amount"]},
        ["window orders.customer", "window orders.placed"],
    ),
    (
        "select id from orders window w as (order by placed) qualify row_number() over w = 1",
        {"id": ["orders.id"]},
        ["filter orders.placed"],
    ),
    (
        "select o.id, c.name from orders o join customers c on o.customer = c.customer",
        {"id": ["orders.id"], "name": ["customers.name"]},
        ["join customers.customer", "join orders.customer"],
    ),
    (
        "select customer, name from orders right join customers using (customer)",
        {"customer": ["customers.customer"], "name": ["customers.name"]},
        ["join customers.customer", "join orders.customer"],
    ),
    (
        "select customer from orders full join customers using (customer)",
        {"customer": ["customers.customer", "orders.customer"]},
        ["join customers.customer", "join orders.customer"],
    ),
    (
        "select customer, id, name from orders natural join customers",
        {"customer": ["orders.customer"], "id": ["orders.id"], "name": ["customers.name"]},
        ["join customers.customer", "join orders.customer"],
    ),
    (
        "select id from orders semi join customers using (customer)",
        {"id": ["orders.id"]},
        ["join customers.customer", "join orders.customer"],
    ),
    (
        "select id, q.name from orders, lateral (select name from customers c where c.customer = orders.customer) q",
        {"id": ["orders.id"], "name": ["customers.name"]},
        ["filter customers.customer", "filter orders.customer"],
    ),
    (
        "select max(amount) as most, (select max(name) from customers c where c.customer = any_value(o.customer)) as who from orders o",
        {"most": ["orders.amount"], "who": ["customers.name"]},
        ["filter customers.customer", "filter orders.customer"],
    ),
    (
        "select id from orders where customer in (select customer from customers where name like 'A%')",
        {"id": ["orders.id"]},
        ["filter customers.customer", "filter customers.name", "filter orders.customer"],
    ),
    (
        "select id from orders o where exists (select 1 from customers c where c.customer = o.customer)",
        {"id": ["orders.id"]},
        ["filter customers.customer", "filter orders.customer"],
    ),
    (
        "with big as (select id, amount as much from orders where amount > 10), ids as (select id from big) select * from ids",
        {"id": ["orders.id"]},
        ["filter orders.amount"],
    ),
    (
        "with a(x, y) as (select id, note from orders) select y, x from a",
        {"y": ["orders.note"], "x": ["orders.id"]},
        [],
    ),
    (
        "with o as (select id, note from orders) select o.id from o where exists (from o as s where s.note = o.note)",
        {"id": ["orders.id"]},
        ["filter orders.note"],
    ),
    ("with orders as (select name as id from customers) select id from orders", {"id": ["customers.name"]}, []),
    (
        "with recursive r(n, of) as (select id, customer from orders union all select n + 1, of from r where n < 3) select * from r",
        {"n": ["orders.id"], "of": ["orders.customer"]},
        ["filter orders.id"],
    ),
    (
        "with recursive r as (select id as a, customer as b from orders union select b, a from r where a < 3) select a from r",
        {"a": ["orders.customer", "orders.id"]},
        ["filter orders.customer", "filter orders.id", "group orders.customer", "group orders.id"],
    ),
    (
        "select id as k from orders union all select customer from customers",
        {"k": ["customers.customer", "orders.id"]},
        [],
    ),
    (
        "select id, note as name from orders union by name select name from customers",
        {"id": ["orders.id"], "name": ["customers.name", "orders.note"]},
        ["group customers.name", "group orders.id", "group orders.note"],
    ),
    (
        "select customer from customers except select customer from orders",
        {"customer": ["customers.customer"]},
        ["filter customers.customer", "filter orders.customer"],
    ),
    (
        "select id as k from orders union all select customer from customers order by k",
        {"k": ["customers.customer", "orders.id"]},
        ["order customers.customer", "order orders.id"],
    ),
    (
        "select * from (pivot orders on status in ('placed', 'shipped') using sum(amount) group by customer)",
        {"customer": ["orders.customer"], "placed": ["orders.amount"], "shipped": ["orders.amount"]},
        ["group orders.customer", "group orders.status"],
    ),
    (
        "select what, v from (unpivot (select id, customer, placed from orders) on id, customer into name what value v)",
        {"what": [], "v": ["orders.customer", "orders.id"]},
        ["filter orders.customer", "filter orders.id"],
    ),
    (
        "select u from orders, unnest([id, customer]) q(u)",
        {"u": ["orders.customer", "orders.id"]},
        ["filter orders.customer", "filter orders.id"],
    ),
    (
        "select unnest([id, customer]) as u from orders",
        {"u": ["orders.customer", "orders.id"]},
        ["filter orders.customer", "filter orders.id"],
    ),
    ("select list_transform([1], lambda x: x + id) as l from orders", {"l": ["orders.id"]}, []),
    ("select a from (values (1, 2)) t(a, b)", {"a": []}, []),
    (
        "select case when amount > 1 then note else 'x' end as c from orders",
        {"c": ["orders.amount", "orders.note"]},
        [],
    ),
    ("select s.k from (select {'k': id, 'l': note} as s from orders)", {"k": ["orders.id", "orders.note"]}, []),
    ("select distinct status from orders", {"status": ["orders.status"]}, ["group orders.status"]),
    (
        "select customer from orders intersect select customer from customers",
        {"customer": ["customers.customer", "orders.customer"]},
        ["filter customers.customer", "filter orders.customer"],
    ),
    (
        "select id from orders union select customer from customers",
        {"id": ["customers.customer", "orders.id"]},
        ["group customers.customer", "group orders.id"],
    ),
    (
        "select id, unnest(string_split(note, 'a')) as part from orders",
        {"id": ["orders.id"], "part": ["orders.note"]},
        ["filter orders.note"],
    ),
    ("select x.id from orders x, orders y where y.note = ''", {"id": ["orders.id"]}, ["filter orders.note"]),
]


@pytest.mark.parametrize(("query", "sources", "uses"), CASES, ids=[query for query, _, _ in CASES])
def test_where_columns_come_from(bench: Bench, query: str, sources: dict[str, list[str]], uses: list[str]) -> None:
    assert bench.sources(query) == sources
    assert bench.uses(query) == uses


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("select columns('a.*') from orders", "columns(…) is not followed"),
        ("select max(columns(*)) from orders", "columns(…) inside of an expression is not followed"),
        ("select * from orders, unnest([id])", "the columns of a function are not known"),
    ],
)
def test_what_is_not_followed_says_why(bench: Bench, query: str, reason: str) -> None:
    assert bench.bound(query).reason == reason


SAME = [
    ("select id from orders", "SELECT  o.ID as id -- the key\nFROM shop.orders AS o;"),
    ("select (id) from orders", "select ((id)) from orders"),
    ("select * exclude address from customers", "select customer, name from customers"),
    (
        "select status, sum(amount) from orders group by 1 order by 2",
        "select status, sum(amount) from orders group by status order by sum(amount)",
    ),
    ("select amount * 2 as a, a + 1 as b from orders", "select amount * 2 as a, amount * 2 + 1 as b from orders"),
    ("with x as (select id from orders) select id from x", "with y as (select id from orders) select id from y"),
    ("select id from (select id from orders) a", "select b.id from (select id from orders) b"),
    ("select cast(id as varchar) as t from orders", "select id::VARCHAR as t from orders"),
]
DIFFERENT = [
    ("select id from orders", "select id as ID from orders"),
    ("select id from orders", "select id, note from orders"),
    ("select id from orders where amount > 1", "select id from orders where amount > 2"),
    ("select id from orders", "select customer as id from orders"),
    ("select id from orders union select id from orders", "select id from orders union all select id from orders"),
    ("select id from orders order by amount", "select id from orders order by amount desc"),
    (
        "select a.id from orders a, orders b where a.amount > 1",
        "select a.id from orders a, orders b where b.amount > 1",
    ),
    (
        "select id from orders left join customers using (customer)",
        "select id from orders join customers using (customer)",
    ),
    ("select sum(amount) as s from orders", "select sum(distinct amount) as s from orders"),
    ("select id from orders limit 1", "select id from orders limit 2"),
    ("select id + customer as x from orders", "select customer + id as x from orders"),
    ("select id::int as x from orders", "select id::varchar as x from orders"),
    ("select {'a': id} as s from orders", "select {'b': id} as s from orders"),
    (
        "select sum(id) over (order by placed) as s from orders",
        "select sum(id) over (order by placed desc) as s from orders",
    ),
    (
        "with recursive r as (select id from orders union select id + 1 from r where id < 3) select * from r",
        "with recursive r as (select id from orders union select id + 2 from r where id < 3) select * from r",
    ),
    ("select columns('a.*') from orders", "select columns('i.*') from orders"),
    (
        "select id from orders join (select * from customers) using (customer)",
        "select id from orders join (select * replace (customer + 1 as customer) from customers) using (customer)",
    ),
    (
        "select id from orders natural join (select * exclude (address, name) from customers)",
        "select id from orders natural join (select * exclude (address, name) replace (customer + 1 as customer) from customers)",
    ),
    (
        "select id from orders semi join (from customers) using (customer)",
        "select id from orders semi join (select * rename (customer as other, id as customer) from (select customer, 1 as id from customers)) using (customer)",
    ),
    (
        "select id from (select * from orders order by all limit 3)",
        "select id from (select * replace (-customer as customer) from orders order by all limit 3)",
    ),
    (
        "select n from (unpivot (select id, customer from orders) on id as x, customer into name n value v)",
        "select n from (unpivot (select id, customer from orders) on id as y, customer into name n value v)",
    ),
    (
        "with recursive r(a, b) using key (a) as (select id, customer from orders union select a, b + 1 from r where b < 3) select * from r",
        "with recursive r(a, b) as (select id, customer from orders union select a, b + 1 from r where b < 3) select * from r",
    ),
    (
        "select id from (orders cross join customers) using sample 1 rows",
        "select id from (orders cross join customers) using sample 2 rows",
    ),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=[one for one, _ in SAME])
def test_what_means_the_same_has_one_form(bench: Bench, one: str, other: str) -> None:
    assert bench.bound(one).canonical == bench.bound(other).canonical


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=[f"{one} | {other}" for one, other in DIFFERENT])
def test_what_means_something_else_has_another_form(bench: Bench, one: str, other: str) -> None:
    assert bench.bound(one).canonical != bench.bound(other).canonical


#: Names that only serve to refer to something, and say nothing where nobody refers to it.
NAMES = {"alias", "key", "cte_name", "aliases", "column_name_alias", "unpivot_names", "materialized"}
#: What means nothing, or nothing in DuckDB 2.
SILENT = {
    *("query_location", "query_location_length", "qualified_name", "is_implicit", "nearest_count"),
    *("nearest_order_type", "catalog_name", "payload_aggregates", "syntax_type"),
}


#: Kinds that are said twice: as ``class`` too, or by where they stand.
AGAIN = {"COLUMN_REF", "LAMBDA", "ORDER_MODIFIER", "STAR", "VALUE_CONSTANT"}


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Each plain value of a parsed query, and where it stands."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        if value is None and key in {"left", "right"}:  # of a set operation, that has children
            continue
        if key in SILENT | NAMES or (key == "type" and isinstance(value, str) and value in AGAIN):
            continue
        if isinstance(value, dict | list):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def changed(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    found = copy.deepcopy(tree)
    at = found
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return found


@pytest.mark.parametrize("query", [query for query, _, _ in CASES])
def test_nothing_that_a_query_says_is_overlooked(query: str) -> None:
    """Whatever is changed in the tree, the form is another, or the query is not followed any more."""
    statement = parsed(query)
    with contextlib.closing(connected()) as connection:
        tree = tree_of(connection, statement.text)
    tables = {each.name: AssetKey("shop", each.name.rpartition(".")[2]) for each in statement.tables}
    columns = {key: tuple(has) for key, has in TABLES.items()}
    aggregates = functions().aggregates

    def form(node: Any) -> Any:
        try:
            return resolved(node, tables, columns, aggregates).form
        except (NotFollowed, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            return str(error)

    before = form(tree)
    silent = []
    for path, value in leaves(tree):
        other = (
            not value
            if isinstance(value, bool)
            else (value or 0) + 7
            if isinstance(value, int | float | None)
            else f"{value}_"
        )
        if form(changed(tree, path, other)) == before:
            silent.append((path, value))
    assert silent == []
