"""A commit whose answer is lost: what the database did decides, found out by the attempts' ids."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from assetflow.catalog import Catalog
from assetflow.catalog import sqlite as files
from assetflow.catalog.versions import history
from assetflow.errors import StorageError
from assetflow.model.journal import Kept, RunStatus


class Line(sqlite3.Connection):
    """A connection whose next commit fails, before or after it was carried out."""

    fault: str = ""

    def commit(self) -> None:
        fault, Line.fault = Line.fault, ""
        if fault != "before":
            super().commit()
        if fault:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalog]:
    connect = sqlite3.connect
    monkeypatch.setattr(files.sqlite3, "connect", lambda *a, **k: connect(*a, **k, factory=Line))
    with Catalog.open(tmp_path / "catalog.db", create=True) as catalog:
        yield catalog
        assert catalog.verify() == ()
    Line.fault = ""


@pytest.mark.parametrize("claiming", [True, False])
def test_what_was_committed_counts_although_the_answer_was_lost(
    catalog: Catalog, w: ModuleType, *, claiming: bool
) -> None:
    journal = catalog.journal("main", clock=lambda: w.NOON)
    run = journal.begin(w.new_run())
    (claimed,) = journal.claim(run, [w.claim("x")])
    Line.fault = "after"
    done = journal.commit(run, [w.made(claimed)], [w.claim("y")] if claiming else [])
    assert Line.fault == ""
    assert done.materializations[w.cell("x")].version == 1
    assert len(history(catalog, w.cell("x").asset, None)) == 1
    assert len(done.claimed) == claiming
    journal.commit(run, [Kept(id=each.id, attempt=each.attempt) for each in done.claimed])


@pytest.mark.parametrize("claiming", [True, False])
def test_what_was_not_committed_is_raised_and_can_be_committed_again(
    catalog: Catalog, w: ModuleType, *, claiming: bool
) -> None:
    journal = catalog.journal("main", clock=lambda: w.NOON)
    run = journal.begin(w.new_run())
    (claimed,) = journal.claim(run, [w.claim("x")])
    group = ([w.made(claimed)], [w.claim("y")] if claiming else [])
    Line.fault = "before"
    with pytest.raises(StorageError) as refused:
        journal.commit(run, *group)
    assert refused.value.code == "catalog-unreadable"
    assert list(history(catalog, w.cell("x").asset, None)) == []
    assert journal.commit(run, *group).materializations[w.cell("x")].version == 1
    journal.finish(run, RunStatus.SUCCEEDED, {}, at=w.NOON)
