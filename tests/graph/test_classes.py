"""Classification along column lineage, against a model that walks every path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from assetflow.graph.classes import classified, leaks
from assetflow.graph.columns import ColumnAddress
from assetflow.model.definition import DeclaredColumn, Definition, Kind
from assetflow.model.keys import AssetKey
from assetflow.model.lineage import ColumnEdge, Evidence, Role
from tests.conftest import Folder

A, B, C = (AssetKey("g", name) for name in "abc")


def column(name: str, classes: tuple[str, ...] | None = None) -> DeclaredColumn:
    return DeclaredColumn(name=name, type="string", nullable=False, classes=classes)


def edge(source: AssetKey, read: str, target: AssetKey, into: str = "", **more: Any) -> ColumnEdge:
    return ColumnEdge(**{"evidence": Evidence.SQL, **more}, source=source, column=read, target=target, into=into)


def asset(key: AssetKey, *columns: DeclaredColumn, edges: tuple[ColumnEdge, ...] = (), tags: Any = ()) -> Definition:
    return Definition(key=key, kind=Kind.ASSET, node=key, columns=columns, lineage=edges, tags=tags)


def held(*definitions: Definition) -> dict[str, str]:
    found = classified({each.key: each for each in definitions})
    return {str(at): " ".join(map(str, holds)) for at, holds in found.items()}


PEOPLE = asset(A, column("id"), column("email", ("pii",)))


@pytest.mark.parametrize(
    ("columns", "edges", "expected"),
    [
        ([column("x")], [edge(A, "email", B, "x")], {"g.b.x": "pii"}),
        ([column("x")], [edge(A, "id", B, "x")], {}),
        ([column("x")], [edge(A, "id", B, "x"), edge(A, "email", B, role=Role.FILTER)], {}),
        ([column("x")], [edge(A, "", B, "x", reason="its rows are counted")], {}),
        ([column("x"), column("email")], [edge(A, "email", B)], {"g.b.x": "pii?", "g.b.email": "pii"}),
        ([column("x"), column("y")], [edge(A, "email", B), edge(A, "id", B, "y")], {"g.b.x": "pii?"}),
        ([column("x")], [edge(A, "", B, evidence=Evidence.UNKNOWN)], {"g.b.x": "pii?"}),
        ([column("x")], [edge(A, "", B, evidence=Evidence.DECLARED, reason="deps")], {}),
        ([column("x", ())], [edge(A, "email", B, "x")], {}),
        ([column("x", ("key",))], [edge(A, "email", B, "x")], {"g.b.x": "key"}),
        ([], [edge(A, "email", B)], {"g.b": "pii?"}),
        ([], [edge(A, "email", B, "x")], {"g.b.x": "pii"}),
    ],
)
def test_what_an_edge_carries(columns: list[DeclaredColumn], edges: list[ColumnEdge], expected: dict[str, str]) -> None:
    assert held(PEOPLE, asset(B, *columns, edges=tuple(edges))) == {"g.a.email": "pii", **expected}


def test_it_goes_on_and_on() -> None:
    middle = asset(B, edges=(edge(A, "email", B),))
    last = asset(C, column("n"), edges=(edge(B, "", C, evidence=Evidence.DECLARED),))
    assert held(PEOPLE, middle, last) == {"g.a.email": "pii", "g.b": "pii?", "g.c.n": "pii?"}


def test_a_field_of_a_struct_is_part_of_its_column() -> None:
    people = asset(A, column("who", ("pii",)))
    reader = asset(B, column("x"), edges=(edge(A, "who.name", B, "x"),))
    assert held(people, reader) == {"g.a.who": "pii", "g.b.x": "pii"}


def test_only_what_is_tagged_public_leaks() -> None:
    edges = (edge(A, "email", B, "x"),)
    assert list(leaks({each.key: each for each in (PEOPLE, asset(B, column("x"), edges=edges))})) == []
    (error,) = leaks({each.key: each for each in (PEOPLE, asset(B, column("x"), edges=edges, tags=("public",)))})
    assert error.exit_code == 4
    assert error.message == "g.b is tagged public, and x holds pii of g.a.email"


NAMES = "xyz"
PAIRS = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES))


@given(
    marked=st.sets(st.tuples(st.integers(0, 4), st.sampled_from(NAMES)), max_size=3),
    cleared=st.sets(st.tuples(st.integers(1, 4), st.sampled_from(NAMES)), max_size=3),
    edges=st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4), PAIRS), max_size=14),
)
def test_a_column_holds_what_some_path_leads_to_it(
    marked: set[tuple[int, str]], cleared: set[tuple[int, str]], edges: set[tuple[int, int, tuple[str, str]]]
) -> None:
    keys = [AssetKey("g", f"a{place}") for place in range(5)]
    forward = {(one, other, pair) for one, other, pair in edges if one < other}
    marks = dict.fromkeys(marked, ("pii",)) | dict.fromkeys(cleared - marked, ())
    definitions = {
        keys[n]: asset(
            keys[n],
            *(column(name, marks.get((n, name))) for name in NAMES),
            edges=tuple(edge(keys[one], a, keys[n], b) for one, other, (a, b) in forward if other == n),
        )
        for n in range(5)
    }

    def holds(n: int, name: str) -> bool:
        if (n, name) in marks:
            return bool(marks[n, name])
        return any(holds(one, a) for one, other, (a, b) in forward if (other, b) == (n, name))

    expected = {ColumnAddress(keys[n], name) for n in range(5) for name in NAMES if holds(n, name)}
    assert set(classified(definitions)) == expected


def test_a_project_that_publishes_a_secret_runs_nothing(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("assetflow.toml", 'modules = ["people"]')
    folder.write(
        "people.py",
        """
        from typing import Annotated
        import pyarrow as pa
        from pydantic import BaseModel
        from assetflow import Classified, asset, sql_asset

        class Person(BaseModel):
            id: int
            email: Annotated[str, Classified("pii")]

        class Hashed(BaseModel):
            key: Annotated[str, Classified()]

        @asset
        def people() -> Annotated[pa.Table, Person]:
            return pa.table({"id": [1], "email": ["a"]})

        hashes = sql_asset("hashes", "select md5(email) as key from people", rows=Hashed, tags=["public"])
        mails = sql_asset("mails", "select email from people")
        """,
    )
    folder.run("materialize")
    shown = folder.json("show", "mails")
    assert shown["holds"] == [{"column": "email", "name": "pii", "of": "people.people.email", "sure": True}]
    assert folder.json("show", "hashes")["holds"] == []
    folder.edit("people.py", '"select email from people"', '"select email from people", tags=["public"]')
    for command in ("validate", "plan", "materialize"):
        done = folder.run(command, code=4)
        assert (
            "error[public-secret]: people.mails is tagged public, and email holds pii of people.people.email"
            in done.err
        )
    folder.edit("people.py", "class Hashed", "class Hashed:\n    pass\n\nclass Hash")
    assert folder.run("validate", code=2).err.count("error[") == 2, "what cannot mean anything counts for more"
