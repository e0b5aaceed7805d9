"""Large values are stored beside the steps: readers do not wait, and nothing is recorded before it is stored."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from assetflow import asset
from assetflow.errors import StorageError
from assetflow.model.journal import Outcome
from assetflow.run import saving
from assetflow.store.memory import MemoryStore
from assetflow.store.values import Values


@pytest.fixture(autouse=True)
def _all_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "_LARGE", 1)


class Hooked(MemoryStore):
    """A store that calls something before a blob is there."""

    def __init__(self, before: Callable[[str], None]) -> None:
        super().__init__()
        self._before = before

    def publish(self, staged: Path, name: str) -> None:
        self._before(name)
        super().publish(staged, name)


def table(*numbers: int) -> pa.Table:
    return pa.table({"n": list(numbers)})


@pytest.mark.parametrize(
    "options", [{"executor": "inline"}, {"executor": "threads", "jobs": 2}], ids=["inline", "threads"]
)
def test_a_reader_runs_while_what_it_reads_is_being_stored(workshop: Any, options: dict[str, Any]) -> None:
    read = threading.Event()
    waited: list[bool] = []

    def before(name: str) -> None:
        if "made" in name:
            waited.append(read.wait(20))

    workshop.values = Values(Hooked(before))

    @asset
    def made() -> pa.Table:
        return table(1, 2)

    @asset
    def total(made: pa.Table) -> int:
        read.set()
        return sum(made["n"].to_pylist())

    ran = workshop.run(made, total, **options)
    assert waited == [True]
    assert ran.outcomes == {"made": "materialized", "total": "materialized"}
    assert workshop.value("total") == 3
    assert workshop.value("made")["n"].to_pylist() == [1, 2]


def test_what_could_not_be_stored_is_made_again_with_all_that_read_it(workshop: Any) -> None:
    failures = [StorageError("disk-full", "no space left")]
    calls: list[str] = []

    def before(name: str) -> None:
        if "made" in name and failures:
            raise failures.pop()

    workshop.values = Values(Hooked(before))

    @asset
    def made() -> pa.Table:
        calls.append("made")
        return table(len(calls))

    @asset
    def first(made: pa.Table) -> int:
        calls.append("first")
        return int(made["n"][0].as_py())

    @asset
    def second(first: int) -> int:
        calls.append("second")
        return first

    @asset
    def beside() -> int:
        return 1

    ran = workshop.run(made, first, second, beside)
    assert set(ran.outcomes.values()) == {"materialized"}
    assert calls == ["made", "first", "second", "made", "first", "second"]
    assert workshop.value("second") == workshop.value("made")["n"][0].as_py() == 4


def test_what_can_never_be_stored_fails_its_step(workshop: Any) -> None:
    def before(name: str) -> None:
        if "made" in name:
            raise StorageError("disk-full", "no space left")

    workshop.values = Values(Hooked(before))

    @asset
    def made() -> pa.Table:
        return table(1)

    @asset
    def total(made: pa.Table) -> int:
        return 1

    ran = workshop.run(made, total)
    assert ran.outcomes == {"made": "failed", "total": "not_run"}
    assert "no space left" in ran.finished["made"].failure.message
    with pytest.raises((KeyError, AssertionError)):
        workshop.value("total")


def test_a_value_that_is_changed_while_it_is_stored_is_made_again(workshop: Any) -> None:
    read = threading.Event()
    kept: list[pd.DataFrame] = []

    def before(name: str) -> None:
        if "made" in name and len(kept) == 1:
            read.wait(20)

    workshop.values = Values(Hooked(before))

    @asset
    def made() -> pd.DataFrame:
        kept.append(pd.DataFrame({"n": [1, 2]}))
        return kept[-1]

    @asset
    def total(made: pd.DataFrame) -> int:
        found = int(made["n"].sum())
        kept[0].loc[0, "n"] = 100
        read.set()
        return found

    ran = workshop.run(made, total)
    assert ran.outcomes == {"made": "materialized", "total": "materialized"}
    assert len(kept) == 2
    assert workshop.value("made")["n"].to_list() == [1, 2]
    assert workshop.value("total") == 3


def test_a_check_that_holds_a_value_back_does_so_while_it_is_stored(workshop: Any) -> None:
    from assetflow import row_count

    @asset(checks=[row_count(min=5)])
    def made() -> pa.Table:
        return table(1)

    @asset
    def total(made: pa.Table) -> int:
        return 1

    ran = workshop.run(made, total)
    assert ran.outcomes == {"made": "held", "total": "not_run"}
    assert Outcome.HELD in ran.outcomes.values()


def test_only_one_value_waits_the_next_is_stored_where_it_was_made(workshop: Any) -> None:
    go = threading.Event()
    order: list[str] = []

    def before(name: str) -> None:
        if "first" in name:
            go.wait(20)
        order.append("first" if "first" in name else "second")

    workshop.values = Values(Hooked(before))

    @asset
    def first() -> pa.Table:
        return table(1)

    @asset
    def second() -> pa.Table:
        return table(2)

    @asset
    def last(second: pa.Table) -> int:
        go.set()
        return 1

    workshop.run(first, second, last)
    assert order == ["second", "first"]
