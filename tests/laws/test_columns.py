"""A reader with a row model runs exactly when what it names is not what it was before, and sees nothing else."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import create_model

from assetflow import asset
from assetflow.testing import ProjectForTests
from assetflow.types.tables import to_arrow

NAMES = "abcde"
LIBRARIES = {
    "polars": pl.DataFrame,
    "lazy": pl.LazyFrame,
    "pandas": pd.DataFrame,
    "arrow": pa.Table,
    "duckdb": duckdb.DuckDBPyRelation,
}

cells = st.integers(0, 2)
tables = st.integers(1, 3).flatmap(
    lambda rows: st.dictionaries(
        st.sampled_from(NAMES), st.lists(cells, min_size=rows, max_size=rows), min_size=3, max_size=5
    )
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[dict[str, list[int]]], list[str]]:
    """A table as it was made at first and after each of some edits, and the columns that somebody reads."""
    table = draw(tables)
    made = [table]
    wanted = draw(st.lists(st.sampled_from(sorted(table)), min_size=1, unique=True))
    for _ in range(draw(st.integers(1, 3))):
        table = dict(table)
        match draw(st.sampled_from(["cell", "drop", "add", "order", "row", "nothing"])):
            case "cell":
                name = draw(st.sampled_from(sorted(table)))
                table[name] = [draw(cells), *table[name][1:]]
            case "drop" if unread := sorted(table.keys() - set(wanted)):
                del table[draw(st.sampled_from(unread))]
            case "add" if new := sorted(set(NAMES) - table.keys()):
                table[draw(st.sampled_from(new))] = [draw(cells)] * len(next(iter(table.values())))
            case "order":
                names = list(table)
                draw(st.randoms(use_true_random=False)).shuffle(names)
                table = {name: table[name] for name in names}
            case "row":
                table = {name: [*values, draw(cells)] for name, values in table.items()}
            case _:
                pass
        made.append(table)
    return made, wanted


@pytest.mark.parametrize("library", sorted(LIBRARIES))
@settings(max_examples=12)
@given(history=histories(), writer=st.sampled_from(["polars", "pandas", "arrow"]))
def test_a_reader_runs_exactly_when_its_columns_are_new(
    library: str, history: tuple[list[dict[str, list[int]]], list[str]], writer: str
) -> None:
    made, wanted = history
    model = create_model("Wanted", **dict.fromkeys(wanted, (int, ...)))
    kind = LIBRARIES[library]

    def reader(wide: Any) -> list[dict[str, int]]:
        rows: list[dict[str, int]] = to_arrow(wide).to_pylist()
        return rows

    reader.__annotations__["wide"] = Annotated[kind, model]  # type: ignore[valid-type]  # of a value
    read = asset(reader)
    with tempfile.TemporaryDirectory() as folder:
        seen: list[Any] = []
        for number, table in enumerate(made):
            project = ProjectForTests(Path(folder)).use(_making(table, writer, number), read)
            result = project.materialize()
            assert result.ok
            now = [{name: table[name][row] for name in wanted} for row in range(len(table[wanted[0]]))]
            assert project.load("reader") == now
            assert [list(row) for row in project.load("reader")] == [wanted] * len(now)
            ran = any(step.step.asset.name == "reader" and step.attempts for step in result.steps)
            assert ran is (now not in seen), (table, seen)  # what was seen before is reused
            seen.append(now)


def _making(table: dict[str, list[int]], library: str, number: int) -> Any:
    def wide() -> Any:
        made = pl.DataFrame(table)
        return made if library == "polars" else made.to_pandas() if library == "pandas" else made.to_arrow()

    return asset(version=str(number))(wide)
