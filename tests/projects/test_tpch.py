"""TPC-H: bound without data, equal to the same queries run by hand, followed column by column, and rerun exactly."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import Folder

HERE = Path(__file__).parents[2]
QUERIES = [f"q{number:02}" for number in range(1, 23)]


@pytest.fixture(scope="module")
def tpch(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    folder = Folder(tmp_path_factory.mktemp("tpch"))
    shutil.copytree(
        HERE / "projects" / "tpch", folder.path / "projects" / "tpch", ignore=shutil.ignore_patterns("__pycache__")
    )
    folder.write("assetflow.toml", 'modules = ["projects.tpch"]\n')
    folder.run("materialize")
    return folder


def reads(text: str, column: str) -> bool:
    return re.search(rf"\b{column}\b", text) is not None


def changed(folder: Folder, column: str) -> dict[str, str]:
    """What a run does after the values of a column stand in the opposite order."""
    body = f"""
    table = file.read()
    if "{column}" in table.column_names:
        place = table.column_names.index("{column}")
        table = table.set_column(place, "{column}", pa.chunked_array([table.column(place).to_pylist()[::-1]], table.column(place).type))
    return table.to_reader()
"""
    path = folder.path / "projects" / "tpch" / "tables.py"
    before = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"    return Stream\.from_batches\(.*\n", body, before))
    try:
        steps = folder.json("materialize")["steps"]
    finally:
        path.write_text(before)
    return {step["key"].removeprefix("tpch."): step["outcome"] for step in steps}


def test_every_query_is_bound_before_any_table_is_made(folder: Folder) -> None:
    shutil.copytree(
        HERE / "projects" / "tpch", folder.path / "projects" / "tpch", ignore=shutil.ignore_patterns("__pycache__")
    )
    folder.write("assetflow.toml", 'modules = ["projects.tpch"]\n')
    assert folder.json("validate")["ok"]
    found = {each["key"]: each for each in folder.json("list")["assets"]}
    assert all(found[f"tpch.{name}"]["columns"] for name in QUERIES)
    assert [(c["name"], c["type"]) for c in found["tpch.q13"]["columns"]] == [
        ("c_count", "int64"),
        ("custdist", "int64"),
    ]
    edges = folder.json("lineage", "--columns")["columns"]
    assert [edge for edge in edges if edge["evidence"] == "unknown"] == []
    for name in QUERIES:
        text = (folder.path / "projects" / "tpch" / "queries" / f"{name}.sql").read_text(encoding="utf-8")
        named = set(re.findall(r"\b[a-z]{1,2}_[a-z]+\b", text)) & columns(found)
        own = [edge for edge in edges if edge["to"].startswith(f"tpch.{name}.") or edge["to"] == f"tpch.{name}"]
        assert {edge["from"].rpartition(".")[2] for edge in own if edge["from"].count(".") == 2} == named
        values = {edge["to"] for edge in own if edge["role"] == "value"}
        assert values == {f"tpch.{name}.{column['name']}" for column in found[f"tpch.{name}"]["columns"]}


def columns(found: dict[str, Any]) -> set[str]:
    tables = ("region", "nation", "supplier", "part", "partsupp", "customer", "orders", "lineitem")
    return {column["name"] for table in tables for column in found[f"tpch.{table}"]["columns"]}


def test_every_answer_is_what_duckdb_says_by_hand(tpch: Folder, tmp_path: Path) -> None:
    import subprocess
    import sysconfig

    tool = Path(sysconfig.get_path("scripts")) / "tpchgen-cli"
    subprocess.run([tool, "parquet", "-s", "0.01", f"--output-dir={tmp_path}"], check=True, capture_output=True)
    with duckdb.connect() as connection:
        for path in tmp_path.glob("*.parquet"):
            connection.execute(f"create view {path.stem} as from read_parquet('{path}')")
        for name in QUERIES:
            text = (HERE / "projects" / "tpch" / "queries" / f"{name}.sql").read_text(encoding="utf-8")
            expected = connection.execute(text.replace("$scale", "0.01")).fetchall()
            lines = tpch.run("cat", name, "--format", "json").out
            got = [list(row.values()) for row in json.loads(lines)]
            assert len(got) == len(expected), name
            for ours, theirs in zip(got, expected, strict=True):
                for one, other in zip(map(plain, ours), map(plain, theirs), strict=True):
                    assert one == (pytest.approx(other, rel=1e-9) if isinstance(other, float) else other), name


def plain(value: Any) -> Any:
    """A number as a float, anything else as text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)


TABLES = {"region", "nation", "supplier", "part", "partsupp", "customer", "orders", "lineitem"}  # made by one call


def test_a_column_that_nobody_reads_reruns_nothing(tpch: Folder) -> None:
    done = changed(tpch, "l_comment")
    assert {name for name, outcome in done.items() if outcome != "kept"} == TABLES


def test_a_column_reruns_exactly_the_queries_that_name_it(tpch: Folder) -> None:
    tpch.run("materialize")
    done = changed(tpch, "l_discount")
    folder = HERE / "projects" / "tpch" / "queries"
    texts = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.sql")}
    expected = {name for name, text in texts.items() if reads(text, "l_discount")} | {"q01_frame", "q06_frame"}
    assert {name for name, outcome in done.items() if outcome != "kept"} == TABLES | expected
