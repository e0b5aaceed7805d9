"""Whatever is a view: after any edits, what is made is what would be made from scratch if nothing were a view."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given, settings
from pydantic import BaseModel

from assetflow import In, asset, sql_asset, table
from assetflow.catalog import Catalog
from assetflow.load.load import load
from assetflow.load.settings import Settings
from assetflow.project import Project
from assetflow.store.memory import MemoryStore

LONG = os.environ.get("ASSETFLOW_LAWS") == "long"


class Row(BaseModel):
    k: int
    a: int
    b: int


#: Queries over one table ``{0}``, and another ``{1}``; each gives k, a, b.
QUERIES = [
    "select * from {0}",
    "select k, a, 0 as b from {0}",
    "select k, b as a, a as b from {0} where a > 1",
    "select {0}.k, {0}.a, x.b from {0} join {1} as x on {0}.k = x.k",
    "select k, sum(a)::bigint as a, count(*)::bigint as b from {0} group by k order by k",
    "select * from {0} union all select * from {1}",
    "with t as (select * from {0} where b < 3) select k, a, (select count(*) from t)::bigint as b from t",
    "select k, a, b from {0} where k in (select k from {1})",
    "from {0} order by k, a, b limit 2",
]

rows = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 3)), max_size=3)


@st.composite
def projects(draw: st.DrawFn) -> dict[str, Any]:
    """Rows of two tables, and queries over what stands before, each of which is a view or not."""
    count = draw(st.integers(1, 4))
    queries = []
    for place in range(count):
        known = ["t0", "t1", *(f"q{before}" for before in range(place))]
        first, second = draw(st.sampled_from(known)), draw(st.sampled_from(known))
        queries.append((draw(st.sampled_from(QUERIES)), first, second, draw(st.booleans())))
    return {"t0": draw(rows), "t1": draw(rows), "queries": queries, "columns": draw(st.sampled_from(["a", "b", "kb"]))}


def edited(draw: Any, project: dict[str, Any]) -> dict[str, Any]:
    what = draw(st.sampled_from(["t0", "t1", "query", "view", "columns"]))
    if what in {"t0", "t1"}:
        return {**project, what: draw(rows)}
    if what == "columns":
        return {**project, "columns": draw(st.sampled_from(["a", "b", "kb"]))}
    place = draw(st.integers(0, len(project["queries"]) - 1))
    query, first, second, view = project["queries"][place]
    changed = (
        (draw(st.sampled_from(QUERIES)), first, second, view) if what == "query" else (query, first, second, not view)
    )
    return {**project, "queries": [*project["queries"][:place], changed, *project["queries"][place + 1 :]]}


def declared(project: dict[str, Any], *, views: bool) -> Iterator[Any]:
    for name in ("t0", "t1"):
        yield _table(name, project[name])
    for place, (query, first, second, view) in enumerate(project["queries"]):
        yield sql_asset(f"q{place}", query.format(first, second), group="g", view=view and views)
    yield _reader(f"q{len(project['queries']) - 1}", project["columns"])


def _table(name: str, found: list[tuple[int, int, int]]) -> Any:
    @asset(name=name, group="g", version=repr(found))
    def made() -> Annotated[pa.Table, Row]:
        return table(Row, [Row(k=k, a=a, b=b) for k, a, b in found], as_=pa.Table)

    return made


def _reader(of: str, columns: str) -> Any:
    def reader(taken: Any) -> Any:
        return taken.to_pylist()

    reader.__annotations__ = {
        "taken": Annotated[pa.Table, In(of, columns=tuple(columns))],
        "return": list[dict[str, int]],
    }
    return asset(name="reader", group="g", version="1")(reader)


class Place:
    """A catalog and a store, in memory."""

    def __init__(self) -> None:
        self.catalog, self.store = Catalog.open("sqlite://", create=True), MemoryStore()

    def made(self, folder: str, project: dict[str, Any], *, views: bool = True) -> dict[str, Any]:
        """Materialize everything; give the values of what is stored, and of the reader."""
        here = Settings(root=Path(folder), catalog="", store=folder)
        found = list(declared(project, views=views))
        opened = Project(here, loader=lambda: load(here, assets=found), store=self.store, catalog=self.catalog)
        assert opened.materialize().ok
        values = {"reader": opened.load("g.reader")}
        for place in range(len(project["queries"])):
            values[f"q{place}"] = opened.load(f"g.q{place}", as_=pa.Table).to_pylist()
        # A query that does not say in which order its rows come may give them in any.
        return {name: sorted(map(repr, found)) for name, found in values.items()}


@settings(max_examples=300 if LONG else 20, deadline=None)
@given(first=projects(), data=st.data())
def test_whatever_is_a_view(first: dict[str, Any], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        place, project = Place(), first
        for _ in range(data.draw(st.integers(1, 3))):
            now = place.made(folder, project)
            assert now == Place().made(folder, project, views=False)
            project = edited(data.draw, project)


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_gives_the_same_over_a_view(query: str) -> None:
    found = {"t0": [(0, 1, 2), (1, 2, 3), (1, 0, 0)], "t1": [(1, 5, 1)], "columns": "a"}
    found["queries"] = [("select * from {0} where k < 2", "t0", "t0", True), (query, "q0", "t1", False)]
    with TemporaryDirectory() as folder:
        assert Place().made(folder, found) == Place().made(folder, found, views=False)
