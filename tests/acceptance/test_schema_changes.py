"""A table whose columns are not those of the version before: what each policy lets become of it."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pyarrow as pa
import pytest

from assetflow import asset
from assetflow.catalog import Catalog
from assetflow.load.load import load
from assetflow.load.settings import Settings
from assetflow.model.journal import Outcome, RunStatus
from assetflow.project import Project
from assetflow.store.memory import MemoryStore

OLD = pa.table({"id": pa.array([1, 2], pa.int32()), "note": ["a", "b"]})
WIDE = OLD.set_column(0, "id", OLD["id"].cast(pa.int64()))
NARROW = OLD.set_column(0, "id", OLD["id"].cast(pa.int16()))
MORE = OLD.append_column("day", pa.array([3, 4]))
LESS = OLD.select(["id"])
OTHER = OLD.set_column(0, "id", pa.array(["1", "2"]))
SAID = {
    "add": (MORE, "day (int64) is new"),
    "widen": (WIDE, "id is int64, was int32: wider"),
    "narrow": (NARROW, "id is int16, was int32: narrower, or another type"),
    "retype": (OTHER, "id is string, was int32: narrower, or another type"),
    "drop": (LESS, "note (string) is gone"),
}


class Shop:
    """A project of one table, whose catalog and store are in memory."""

    def __init__(self) -> None:
        self.here = Settings(root=Path(mkdtemp()), catalog="", store=mkdtemp())
        self.catalog, self.store = Catalog.open("sqlite://", create=True), MemoryStore()

    def project(self, table: pa.Table, policy: Any) -> Project:
        @asset(group="shop", version=str(table.schema) + str(table.num_rows), on_schema_change=policy)
        def orders() -> pa.Table:
            return table

        here = self.here
        return Project(here, loader=lambda: load(here, assets=[orders]), store=self.store, catalog=self.catalog)

    def columns(self) -> list[str]:
        table: pa.Table = self.project(OLD, "evolve").load("shop.orders")
        return [f"{each.name}: {each.type}" for each in table.schema]


def spelled(table: pa.Table) -> list[str]:
    return [f"{each.name}: {each.type}" for each in table.schema]


@pytest.mark.parametrize("policy", ["fail", "warn", "evolve"])
@pytest.mark.parametrize("kind", SAID)
def test_what_becomes_of_a_change(kind: str, policy: str) -> None:
    shop = Shop()
    table, said = SAID[kind]
    assert shop.project(OLD, policy).materialize().ok
    result = shop.project(table, policy).materialize()
    (step,) = result.steps
    if policy == "fail":
        assert result.status is RunStatus.FAILED
        assert step.failure is not None
        assert said in step.failure.message
        assert shop.columns() == spelled(OLD)
        return
    assert result.ok
    assert shop.columns() == spelled(table)
    told = [(verdict.check, verdict.message) for verdict in step.verdicts]
    assert told == ([("schema_change", said)] if policy == "warn" else [])


@pytest.mark.parametrize("table", [OLD.slice(0, 1), OLD.select(["note", "id"])], ids=["rows", "order"])
def test_other_rows_and_another_order_are_no_change(table: pa.Table) -> None:
    shop = Shop()
    shop.project(OLD, "fail").materialize()
    assert shop.project(table, "fail").materialize().ok
    assert shop.columns() == spelled(table)


def test_each_kind_has_its_own_policy() -> None:
    shop, policy = Shop(), {"drop": "fail", "widen": "warn"}
    shop.project(OLD, policy).materialize()
    assert shop.project(MORE, policy).materialize().ok
    assert shop.project(OLD, policy).materialize().status is RunStatus.FAILED
    assert shop.columns() == spelled(MORE)


def test_a_change_is_accepted_once() -> None:
    shop = Shop()
    shop.project(OLD, "fail").materialize()
    project = shop.project(LESS, "fail")
    assert not project.materialize().ok
    assert project.materialize().steps == (), "it is left alone as long as nobody accepts it"
    assert shop.columns() == spelled(OLD)
    assert project.materialize(accept_schema_changes=True).ok
    assert shop.columns() == spelled(LESS)
    assert shop.project(LESS, "fail").plan().steps == ()
    assert not shop.project(OTHER, "fail").materialize().ok


def test_an_older_value_with_other_columns_is_no_way_around() -> None:
    shop = Shop()
    shop.project(OLD, "evolve").materialize()
    shop.project(MORE, "evolve").materialize()
    assert shop.project(OLD, "evolve").materialize().steps[0].outcome is Outcome.REUSED
    shop.project(MORE, "evolve").materialize()
    assert not shop.project(OLD, "fail").materialize().ok
    assert shop.columns() == spelled(MORE)


@pytest.mark.parametrize("policy", ["ignore", {"rename": "fail"}, {"drop": "never"}, None, 3, ["fail"]])
def test_a_policy_that_is_none_is_told(policy: Any) -> None:
    (mistake,) = Shop().project(OLD, policy).mistakes()
    assert mistake.code == "bad-argument"
    assert "on_schema_change= must be" in mistake.message
