"""Sixty mistakes over edges, columns, queries and checks are found in one go, and sixty sound variations are accepted."""

from __future__ import annotations

from collections import Counter
from typing import Any

HEAD = """
from __future__ import annotations
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
from pydantic import AwareDatetime, BaseModel, Field, create_model
from assetflow import *

class Order(BaseModel):
    id: Annotated[int, PrimaryKey()]
    customer: int
    amount: float = Field(ge=0, le=1000)
    placed: date
    status: Literal["paid", "open"]
    note: str | None = None
    price: Decimal = Field(max_digits=12, decimal_places=2)
    tags: list[str]
    seen: AwareDatetime

class Customer(BaseModel):
    customer: Annotated[int, PrimaryKey()]
    name: str

class Large(BaseModel):
    amount: float = Field(ge=2000)

class Wide(BaseModel):
    amount: float = Field(ge=-5)

class More(BaseModel):
    extra: int | None = None

def rows(**fields):
    return create_model("Asked", **{name: (kind, ...) for name, kind in fields.items()})

@asset
def orders() -> Annotated[pl.DataFrame, Order]: ...
@asset
def customers() -> Annotated[pd.DataFrame, Customer]: ...
@asset
def number() -> int: ...
@asset
def words() -> list[str]: ...
spent = sql_asset("spent", "select customer, sum(amount) as spent, count(*) as n from orders group by all")
"""

#: What a query says, and the code of the mistake.
QUERIES = [
    ("select amuont from orders", "unknown-column"),
    ("select o.nothing from orders o join customers c using (customer)", "unknown-column"),
    ("select x.id from orders o", "unknown-column"),
    ("with a as (select id from orders) select customer from a", "unknown-column"),
    ("select id from orders where nmae = ''", "unknown-column"),
    ("select id from orders group by idd", "unknown-column"),
    ("select id from orders order by wrong", "unknown-column"),
    ("select s.amount from spent s", "unknown-column"),
    ("select id from ordrs", "unknown-input"),
    ("select id from shop.ordrs", "unknown-input"),
    ("select id from other.orders", "unknown-input"),
    ("select id from orders where exists (from custmers)", "unknown-input"),
    ("select customer from orders, customers", "bad-sql"),
    ("select sum(status) as s from orders", "bad-sql"),
    ("select id + placed + tags as x from orders", "bad-sql"),
    ("select nofun(id) as x from orders", "bad-sql"),
    ("select id, sum(amount) as s from orders", "bad-sql"),
    ("select id, id from orders", "bad-sql"),
    ("select seen - seen as took from orders", "bad-sql"),
    ("select id from orders union select id, note from orders", "bad-sql"),
    ("select id form orders where", "bad-sql"),
    ("insert into orders values (1)", "bad-sql"),
    ("select id from orders where id = ?", "bad-sql"),
    ("select id from orders where amount > $least", "bad-sql"),
    ("from read_csv('x.csv')", "bad-sql"),
    ("select * from number", "edge-type"),
    ("select * from words", "edge-type"),
]
#: What a function takes, and the code.
EDGES = [
    ("orders: Annotated[pl.DataFrame, rows(idd=int)]", "edge-columns"),
    ("orders: Annotated[pl.DataFrame, rows(id=str)]", "edge-columns"),
    ("orders: Annotated[pa.Table, rows(amount=int)]", "edge-columns"),
    ("orders: Annotated[pl.LazyFrame, rows(note=str)]", "edge-columns"),
    ("orders: Annotated[pd.DataFrame, rows(placed=datetime)]", "edge-columns"),
    ("orders: Annotated[pl.DataFrame, rows(tags=list[int])]", "edge-columns"),
    ("orders: Annotated[pl.DataFrame, rows(seen=datetime)]", "edge-columns"),
    (
        "orders: Annotated[pl.DataFrame, Large]",
        "edge-columns",
    ),
    ("orders: Annotated[pl.DataFrame, rows(status=Literal['lost'])]", "edge-columns"),
    ("customers: Annotated[pl.DataFrame, rows(name=int)]", "edge-columns"),
    ("spent: Annotated[pl.DataFrame, rows(total=float)]", "edge-columns"),
    ("spent: Annotated[pl.DataFrame, rows(n=str)]", "edge-columns"),
    ("spent: int", "edge-type"),
    ("orders: list[int]", "edge-type"),
    ("number: str", "edge-type"),
    ("number: Annotated[pl.DataFrame, Order]", "edge-type"),
    ("words: list[int]", "edge-type"),
    ("orders: Annotated[pl.DataFrame, In(columns=())]", "edge-type"),
    ("odrers: pl.DataFrame", "unknown-input"),
    ("o: Annotated[pl.DataFrame, In('shop.odrers')]", "unknown-input"),
]
#: A check of orders.
CHECKS = [
    "not_null('idd')",
    "unique('id', 'custmer')",
    "in_set('satus', ['paid'])",
    "in_range('amuont', min=0)",
    "foreign_key('custmer', to=customers)",
    "foreign_key('customer', to='custmers')",
    "foreign_key('customer', to=number)",
    "expression('amuont > 0')",
    "expression('amount')",
    "expression('amount >')",
    "expression('nofun(amount) > 0')",
    "not_null('id', severity='loud')",
    "distribution('amuont')",
]

SOUND_QUERIES = [
    "select id, amount from orders",
    "SELECT ID, Amount FROM orders",
    "from orders",
    "select * exclude (tags) from orders",
    "select * replace (amount * 2 as amount) from orders",
    "select o.id, c.name from orders o join customers c using (customer)",
    "select id, name from orders natural join customers",
    "select id, name from orders left join shop.customers using (customer)",
    "select customer, sum(amount) as s from orders group by 1 order by 2 desc",
    "select customer, sum(amount) as s from orders group by all having s > 3",
    "select amount * 2 as twice, twice + 1 as more from orders",
    "with a as (select id from orders) select id from a",
    "with recursive r as (select 1 as n union all select n + 1 from r where n < 5) select n from r",
    "select id from orders union all select customer from customers",
    "select id from orders except select n from spent",
    "select id, row_number() over (partition by customer order by placed) as place from orders",
    "select id from orders qualify row_number() over (order by placed) = 1",
    "select unnest(tags) as tag from orders",
    "select id, tags[1] as first from orders",
    "select id from orders where status = 'paid' and placed >= date '2026-01-01'",
    "select id from orders where customer in (select customer from customers)",
    "select id, (select max(name) from customers c where c.customer = o.customer) as name from orders o",
    "select count(*) as n from orders",
    "select price, price * 2 as twice from orders",
    "select date_trunc('day', seen) as day, count(*) as n from orders group by all",
    "select case when amount > 1 then 'big' else 'small' end as size from orders",
    "select placed::varchar as t, cast(id as int) as i from orders",
    "select 1 as one",
    "from (values (1, 'a')) t(id, name)",
    "select * from (pivot orders on status in ('paid', 'open') using sum(amount) group by customer)",
    "select columns('^c') from orders",
    "select id from orders limit 3; -- the end",
]
SOUND_EDGES = [
    "orders: pl.DataFrame",
    "orders: pd.DataFrame",
    "orders: pa.Table",
    "orders: pl.LazyFrame",
    "orders: duckdb.DuckDBPyRelation",
    "orders",
    "orders: Annotated[pl.DataFrame, rows(id=int)]",
    "orders: Annotated[pl.DataFrame, rows(id=float)]",
    "orders: Annotated[pl.DataFrame, rows(id=int | None)]",
    "orders: Annotated[pa.Table, rows(note=str | None)]",
    "orders: Annotated[pl.DataFrame, rows(status=str)]",
    "orders: Annotated[pl.DataFrame, rows(tags=list[str])]",
    "orders: Annotated[pl.DataFrame, rows(seen=AwareDatetime)]",
    "orders: Annotated[pl.DataFrame, Wide]",
    "orders: Annotated[pl.DataFrame, More]",
    "o: Annotated[pl.DataFrame, In('shop.orders', columns=('id', 'amount'))]",
    "spent: Annotated[pl.DataFrame, rows(customer=int, spent=float)]",
    "spent: pl.DataFrame",
    "number: float",
    "number: int | None",
    "words: list[str]",
    "words",
]
SOUND_CHECKS = [
    "not_null('id', 'customer')",
    "unique('id')",
    "in_set('status', ['paid', 'open'])",
    "in_range('amount', min=0)",
    "foreign_key('customer', to=customers)",
    "foreign_key('customer', to='shop.customers')",
    "expression('amount > 0 or note is null')",
    "expression(\"status in ('paid', 'open') -- both\")",
    "row_count(min=1)",
    "volume()",
    "distribution('amount')",
    "not_null('id', severity='warn', name='ids')",
]


def project(queries: list[str], edges: list[str], checks: list[str]) -> str:
    lines = [HEAD]
    lines += [f"q{place} = sql_asset('q{place}', {query!r})" for place, query in enumerate(queries)]
    lines += [f"@asset\ndef e{place}({edge}) -> int: ..." for place, edge in enumerate(edges)]
    lines += [
        f"@asset(checks=[{check}])\ndef c{place}() -> Annotated[pl.DataFrame, Order]: ..."
        for place, check in enumerate(checks)
    ]
    return "\n".join(lines)


def test_sixty_mistakes_are_found_in_one_go(folder: Any) -> None:
    assert len(QUERIES) + len(EDGES) + len(CHECKS) >= 60
    folder.write("shop.py", project([query for query, _ in QUERIES], [edge for edge, _ in EDGES], CHECKS))
    errors = folder.json("validate", code=2)["errors"]
    found = {each["where"][0].split(" ")[0].removeprefix("shop."): each["code"] for each in errors}
    expected = {f"q{place}": code for place, (_, code) in enumerate(QUERIES)}
    expected |= {f"e{place}": code for place, (_, code) in enumerate(EDGES)}
    expected |= {f"c{place}": "bad-check" for place in range(len(CHECKS))}
    assert {name: (found.get(name), code) for name, code in expected.items() if found.get(name) != code} == {}
    assert len(errors) == len(expected), Counter(each["where"][0] for each in errors).most_common(3)
    assert all(each["message"] and each["where"] for each in errors)


def test_sixty_sound_variations_are_accepted(folder: Any) -> None:
    assert len(SOUND_QUERIES) + len(SOUND_EDGES) + len(SOUND_CHECKS) >= 60
    folder.write("shop.py", project(SOUND_QUERIES, SOUND_EDGES, SOUND_CHECKS))
    assert folder.json("validate")["errors"] == []
