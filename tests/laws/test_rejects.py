"""Rows that are put aside: after any edits of rows, rules and limits, what stands is what would stand from scratch."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import hypothesis.strategies as st
import pyarrow as pa
from hypothesis import given, settings
from pydantic import Field, create_model

from assetflow import Divert, PrimaryKey, asset
from assetflow.catalog import Catalog
from assetflow.load.load import load
from assetflow.load.settings import Settings
from assetflow.project import Project
from assetflow.store.memory import MemoryStore

LONG = os.environ.get("ASSETFLOW_LAWS") == "long"

projects = st.fixed_dictionaries(
    {
        "rows": st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 2)), max_size=4),
        "least": st.sampled_from([-1, 0, 1]),
        "key": st.booleans(),
        "limit": st.sampled_from([0.0, 0.3, 0.6, 1.0]),
    }
)


def declared(project: dict[str, Any]) -> list[Any]:
    marks = (PrimaryKey(),) if project["key"] else ()
    model: Any = create_model(
        "Row",
        k=(Annotated[(int, Field(ge=-9), *marks)], ...),  # type: ignore[valid-type]
        a=(Annotated[int, Field(ge=project["least"])], ...),
    )
    found = project["rows"]

    def table() -> Any:
        return pa.table(
            {"k": pa.array([k for k, _ in found], pa.int64()), "a": pa.array([a for _, a in found], pa.int64())}
        )

    def count(table: Any) -> int:
        return int(table.num_rows)

    def lost(table__rejects: Any) -> list[str]:
        return sorted(table__rejects["reject_reason"].to_pylist())

    table.__annotations__ = {"return": Annotated[pa.Table, model]}
    count.__annotations__ = {"table": pa.Table, "return": int}
    lost.__annotations__ = {"table__rejects": pa.Table, "return": list[str]}
    return [
        asset(group="g", version=repr(found), on_bad_rows=Divert(project["limit"]))(table),
        asset(group="g")(count),
        asset(group="g")(lost),
    ]


class Place:
    """A catalog and a store, in memory."""

    def __init__(self) -> None:
        self.catalog, self.store = Catalog.open("sqlite://", create=True), MemoryStore()

    def made(self, folder: str, project: dict[str, Any]) -> Any:
        """Materialize everything; give all values, or that they are held back."""
        here = Settings(root=Path(folder), catalog="", store=folder)
        found = declared(project)
        opened = Project(here, loader=lambda: load(here, assets=found), store=self.store, catalog=self.catalog)
        opened.materialize()
        if any(str(each.state) != "fresh" for each in opened.status()):
            return "held back"
        return {name: opened.load(f"g.{name}") for name in ("count", "lost")} | {
            name: opened.load(f"g.{name}", as_=pa.Table).to_pylist() for name in ("table", "table__rejects")
        }


@settings(max_examples=300 if LONG else 25, deadline=None)
@given(history=st.lists(projects, min_size=2, max_size=4), data=st.data())
def test_whatever_was_before(history: list[dict[str, Any]], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        place, now = Place(), history[0]
        for drawn in history:
            what = data.draw(st.sampled_from([*drawn, "all"]))  # one thing at a time, or all of it
            now = drawn if what == "all" else {**now, what: drawn[what]}
            assert place.made(folder, now) == Place().made(folder, now)
