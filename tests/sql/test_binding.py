"""What a query gives and reads, and what it is refused for."""

from __future__ import annotations

import pytest

from assetflow.sql.faults import SqlFault, excerpt, line_and_column
from tests.sql.conftest import CUSTOMERS, ORDERS, TABLES, Bench


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ("select id, amount, placed, note, seen from orders", ["int64", "double", "date32[day]", "string", "timestamp[us, tz=UTC]"]),
        ("select sum(id) as s, count(*) as n, avg(id) as a from orders", ["int64", "int64", "double"]),
        ("select status from orders", ["string"]),
        ("select address from customers", ["struct<city: string or null, zip: string or null>"]),
        ("select list(id) as l, map {'a': id} as m from orders group by id", ["list<int64 or null>", "map<string, int64 or null>"]),
        ("select amount::decimal(12, 2) as d, id::utinyint as u, id = 1 as b from orders", ["decimal128(12, 2)", "uint8", "bool"]),
        ("select date_trunc('month', placed) as m, placed - placed as days from orders", ["timestamp[us]", "int64"]),
        ("select null as nothing from orders", ["null"]),
    ],
)  # fmt: skip
def test_types_are_known_without_data(bench: Bench, query: str, types: list[str]) -> None:
    assert [str(kind) for _, kind in bench.bound(query).columns] == types


@pytest.mark.parametrize(
    ("query", "reads"),
    [
        ("select id from orders where amount > 1", {"orders": ("id", "amount")}),
        ("select count(*) as n from orders", {"orders": ()}),
        ("select id from (select * from orders)", {"orders": ("id",)}),
        ("select x.id from orders x join customers y using (customer) where y.name = ''", {"orders": ("id", "customer"), "customers": ("customer", "name")}),
        ("select id, name from orders natural join customers", {"orders": ("id", "customer"), "customers": ("customer", "name")}),
        ("select columns('^n') from customers", {"customers": ("name",)}),
        ("select o from orders o", {"orders": tuple(TABLES[ORDERS])}),
        ("select id from orders order by note", {"orders": ("id", "note")}),
        ("select address.city from customers", {"customers": ("address",)}),
        ("select o.id from orders o, customers c where o.note = c.name", {"orders": ("id", "note"), "customers": ("name",)}),
        ("select id from orders limit 0", {"orders": ("id",)}),
        ("select id from orders where false", {"orders": ("id",)}),
    ],
)  # fmt: skip
def test_it_reads_what_it_names_anywhere(bench: Bench, query: str, reads: dict[str, tuple[str, ...]]) -> None:
    assert bench.reads(query) == reads


@pytest.mark.parametrize(
    "query",
    [
        "select id from orders natural join customers",
        "select id, amount * 2 as extra, extra + 1 as more from orders",
        "select count(*) as n from orders",
        "select id from (select id, placed from orders union all select customer, placed from orders)",
    ],
)
def test_columns_that_it_does_not_name_may_be_added(bench: Bench, query: str) -> None:
    """More columns, of names that it does use for something else, change nothing of it but what ``natural`` means, and
    that is in its form."""
    wider = {
        ORDERS: {**TABLES[ORDERS], "extra": TABLES[ORDERS]["id"], "q": TABLES[ORDERS]["id"]},
        CUSTOMERS: {**TABLES[CUSTOMERS], "q2": TABLES[ORDERS]["id"]},
    }
    narrow, wide = bench.bound(query), bench.bound(query, wider)
    if "extra + 1" in query:  # here the table's column is what is meant from now on, and that is seen
        assert wide.canonical != narrow.canonical
        return
    assert wide.canonical == narrow.canonical
    assert wide.reads == narrow.reads


def test_a_star_is_what_it_stands_for(bench: Bench) -> None:
    wider = {ORDERS: {**TABLES[ORDERS], "extra": TABLES[ORDERS]["id"]}}
    assert bench.bound("from orders").canonical != bench.bound("from orders", wider).canonical
    assert (
        bench.bound("select id from (from orders)").canonical
        == bench.bound("select id from (from orders)", wider).canonical
    )


MISTAKES = [
    ("select amuont from orders", "unknown-column", "shop.orders has no column 'amuont'", "amuont", "did you mean amount?"),
    ("select o.amuont from orders o join customers using (customer)", "unknown-column", "there is no column 'amuont'", "o.amuont", "did you mean amount?"),
    ("select orders.amuont from orders, customers", "unknown-column", "shop.orders has no column 'amuont'", "orders.amuont", "did you mean amount?"),
    ("select id\nfrom orders\nwhere nmae = ''", "unknown-column", "shop.orders has no column 'nmae'", "nmae", None),
    ("select x.id from orders o", "unknown-column", "no table is called 'x' here", "x.id", "did you mean o?"),
    ("with a as (select id from orders) select note from a", "unknown-column", "there is no column 'note'", "note", None),
    ("select customer from orders, customers", "bad-sql", "the column 'customer' is in several tables", "customer", "write orders.customer or customers.customer"),
    ("select nofun(id) from orders", "bad-sql", "there is no function nofun", "nofun", None),
    ("select sum(note) as s from orders", "bad-sql", "No function matches the given name and argument types 'sum(VARCHAR)'", "sum(note", None),
    ("select id, sum(amount) as s from orders", "bad-sql", 'column "id" must appear in the GROUP BY clause or must be part of an aggregate function', "id", None),
    ("select id, id from orders", "bad-sql", "it gives several columns named id", None, "name them apart: … as id_2"),
    ("select seen - seen as took from orders", "bad-sql", "its column 'took' is of type INTERVAL, which no table keeps", None, "write epoch(…) for seconds, or datediff('day', …)"),
    ("select id from where", "bad-sql", 'syntax error at or near "where"', "where", ""),
    ("delete from orders", "bad-sql", "it is no select", None, "an asset is one select: what it gives becomes the asset's value"),
    ("describe orders", "bad-sql", "it describes a table, and is no select", None, "an asset is one select"),
    ("select 1; select 2", "bad-sql", "it holds 2 statements", None, "an asset is one select"),
    ("", "bad-sql", "it holds no query", None, "an asset is one select"),
    ("select * from orders where id = ?", "bad-sql", "its parameters have no names", "?", "write $name, and name it in parameters={…}"),
    ("select * from read_csv('x.csv')", "bad-sql", "a query reaches nothing but its tables, and read_csv() is none", None, "declare a file as a source, and name that"),
    ("select * from glob('*')", "bad-sql", "a query reaches nothing but its tables, and glob() is none", None, None),
    ("select * from query('from orders')", "bad-sql", "a query reaches nothing but its tables, and query() is none", None, None),
    ("select * from orders union select id from orders", "bad-sql", "Set operations can only apply to expressions with the same number of result columns", None, None),
    ("pivot orders on status using sum(amount)", "bad-sql", "it is no select", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("query", "code", "message", "at", "hint"), MISTAKES, ids=[query for query, *_ in MISTAKES])
def test_mistakes_are_told_with_their_place(
    bench: Bench, query: str, code: str, message: str, at: str | None, hint: str | None
) -> None:
    with pytest.raises(SqlFault) as caught:
        bench.bound(query)
    assert (caught.value.code, caught.value.message) == (code, message)
    if at is not None:
        assert caught.value.offset is not None
        assert query[caught.value.offset :].startswith(at)
    if hint is not None:
        assert caught.value.hint == hint


def test_a_place_in_a_text_counts_characters() -> None:
    text = "select 'é' as e,\n\tx from t"
    offset = text.index("x")
    assert line_and_column(text, offset) == (2, 2)
    assert excerpt(text, offset) == (" x from t", " ^")


def test_a_long_line_is_cut_around_the_place() -> None:
    text = f"select {'a, ' * 100}wrong from t"
    line, mark = excerpt(text, text.index("wrong"))
    assert len(line) <= 96
    assert line[mark.index("^") :].startswith("wrong")


@pytest.mark.parametrize(
    ("query", "volatile"),
    [
        ("select now() as a, random() as b from orders", ("now", "random")),
        ("select current_date as d from orders", ("current_date",)),
        ("select today() as d, date_trunc('day', seen) as e from orders", ("today",)),
        ("select id from orders using sample 10%", ("a sample without a seed",)),
        ("select id from orders using sample 10% (bernoulli, 7)", ()),
        ("select id + 1 as x, upper(note) as y, round(amount) as z from orders", ()),
    ],
)
def test_functions_that_give_something_else_each_time_are_known(
    bench: Bench, query: str, volatile: tuple[str, ...]
) -> None:
    assert bench.queries.statement(query).volatile == volatile


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("select 1 as x;", "select 1 as x"),
        ("select 1 as x ; -- the end\n", "select 1 as x "),
        ("select 1 as x; /* the\nend */ ;", "select 1 as x"),
        ("select ';--' as x", "select ';--' as x"),
        ("select 1 as x -- no ; here", "select 1 as x -- no ; here"),
        ("-- first\nselect 1 as x;\n-- last", "-- first\nselect 1 as x"),
    ],
)
def test_what_follows_a_query_is_left_out(bench: Bench, text: str, bare: str) -> None:
    assert bench.queries.statement(text).text == bare
    assert [name for name, _ in bench.bound(text).columns] == ["x"]


def test_binding_runs_nothing(bench: Bench) -> None:
    endless = "with recursive r as (select 1 as a union all select 1 - a from r) select sum(a) as s from r"
    assert [(name, str(kind)) for name, kind in bench.bound(endless).columns] == [("s", "int64")]
    assert bench.bound("select max(i) as m from range(1000000000000) r(i)").columns[0][0] == "m"
