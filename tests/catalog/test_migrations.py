from __future__ import annotations

import gzip
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from assetflow.catalog import Catalog, sqlite
from assetflow.catalog.creation import SCHEMA, SCHEMA_VERSION
from assetflow.catalog.queries import attempts, runs, view_rows
from assetflow.catalog.tables import metadata
from assetflow.catalog.upgrading import migrate, upgrade, upgraded_copy
from assetflow.catalog.versions import ancestry, find, history
from assetflow.catalog.views import VIEWS
from assetflow.errors import CatalogError
from assetflow.model.journal import RunStatus

STORED = sorted(Path(__file__).with_name("stored").glob("version-*.db.gz"))

NEXT = """
import sqlalchemy as sa
from alembic import op
revision = "0005"
down_revision = "0004"
def upgrade():
    with op.batch_alter_table("runs") as batch:
        batch.add_column(sa.Column("mood", sa.Text(), server_default="calm", nullable=False))
"""
BROKEN = NEXT + '    op.execute("SELECT * FROM nowhere")\n'


def shape(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """What each table and index is, whatever the order of its parts and the spaces between them."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type != 'view' AND sql IS NOT NULL")
    shapes = {}
    for name, sql in rows:
        text = re.sub(r"\s+", " ", sql).strip()
        shapes[name] = sorted(part.strip(" ,") for part in re.split(r", (?=[A-Za-z_]+ |CONSTRAINT)", text))
    return shapes


def test_migrating_from_nothing_gives_what_a_new_catalog_is_made_of(path):
    Catalog.open(path, create=True).close()
    raw = sqlite.connect(None)
    engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        migrate(connection)
        connection.commit()
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        migrated = shape(raw)
        counters = raw.execute("SELECT name, value FROM counters ORDER BY name").fetchall()
    with closing(sqlite.connect(path)) as created:
        new = shape(created)
        assert created.execute("SELECT name, value FROM counters ORDER BY name").fetchall() == counters
        stamped = created.execute("SELECT version_num FROM alembic_version").fetchall()
    assert stamped == raw.execute("SELECT version_num FROM alembic_version").fetchall() == [(SCHEMA,)]
    assert {name: _flat(parts) for name, parts in migrated.items()} == {n: _flat(parts) for n, parts in new.items()}
    raw.close()


def _flat(parts: list[str]) -> list[str]:
    return sorted(word for part in parts for word in re.split(r"[\s(),]+", part) if word)


def test_the_newest_migration_is_what_new_catalogs_are_stamped_with():
    import assetflow.catalog as room

    scripts = ScriptDirectory(str(Path(room.__file__).parent / "migrations"))
    assert scripts.get_current_head() == SCHEMA
    assert len(list(scripts.walk_revisions())) == SCHEMA_VERSION == int(SCHEMA)


def test_each_released_version_has_a_stored_catalog():
    assert [file.name for file in STORED] == [f"version-{n}.db.gz" for n in range(1, SCHEMA_VERSION + 1)]


@pytest.mark.parametrize("stored", STORED, ids=lambda file: file.name)
@pytest.mark.parametrize("read_only", [True, False], ids=["to read", "to write"])
def test_a_stored_catalog_opens_and_tells_what_it_held(path, w, stored, read_only):
    path.write_bytes(gzip.decompress(stored.read_bytes()))
    with Catalog.open(path, create=False, read_only=read_only) as catalog:
        assert catalog.verify() == ()
        assert [(r.id, r.environment) for r in runs(catalog)] == [(2, "test"), (1, "main")]
        assert runs(catalog)[1].status is RunStatus.FAILED
        assert [str(a.outcome) for a in attempts(catalog, 1)][-1] == "failed"
        report = find(catalog, "main", w.cell("report"))
        assert report.stored == w.stored("shop.report", report.stored.blob.name)
        assert report.materialization.recipe == w.CODE
        reached = ancestry(catalog, [report.materialization.id]).versions.values()
        assert {str(v.materialization.partition) for v in reached} == {
            "shop.report",
            "shop.clean@1",
            "shop.clean@2",
            "shop.raw",
        }
        assert [v.materialization.version for v in history(catalog, w.asset("report"))] == [2, 1]
        with catalog.view("main") as view:
            assert view.memos()[w.asset("report")].exceptions == {"2"}
            assert w.asset("report") in view.definitions()
            assert view.histories([w.asset("bad")])[w.cell("bad")].setback.message == "TimeoutError: no"
            said = view.histories([w.asset("report")])[w.cell("report")].verdicts
        assert {name for name, _ in said} == (set() if stored.name == "version-1.db.gz" else {"not_null(x)"})
        with catalog.view("main") as view:
            told = view.derivations([w.asset("report")])
        assert set(told.get(w.asset("report"), {})) == (set() if stored.name < "version-4.db.gz" else {w.CODE.code})
        with catalog.view("test") as view:
            keys = view.key_sets()
        assert keys == ({} if stored.name < "version-3.db.gz" else {"regulars": ("bob",)})
        assert all(view_rows(catalog, name)[0] for name in VIEWS)
        if not read_only:
            journal = catalog.journal("main")
            run = journal.begin(w.new_run())
            (claimed,) = journal.claim(run, [w.claim("report")])
            assert journal.commit(run, [w.made(claimed)]).materializations[w.cell("report")].version == 3


@pytest.fixture
def older(path, w):
    with Catalog.open(path, create=True) as catalog:
        journal = catalog.journal("main")
        run = journal.begin(w.new_run())
        (claimed,) = journal.claim(run, [w.claim("x")])
        journal.commit(run, [w.made(claimed)])
    return path


@pytest.fixture
def scripts(tmp_path):
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "v0005_mood.py").write_text(NEXT)
    return folder


def test_an_older_catalog_is_copied_and_then_upgraded_once(older, scripts):
    saved = upgrade(older, to="0005", version=5, more=[scripts])
    assert saved is not None
    assert sqlite.inspected(saved).version == 4
    assert sqlite.inspected(older).version == 5
    with closing(sqlite.connect(older)) as connection:
        assert connection.execute("SELECT mood FROM runs").fetchall() == [("calm",)]
        assert connection.execute("SELECT count(*) FROM v_materializations").fetchone() == (1,)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert upgrade(older, to="0005", version=5, more=[scripts]) is None
    with pytest.raises(CatalogError, match="newer"):
        Catalog.open(older, create=True)


def test_an_upgrade_that_fails_leaves_the_catalog_as_it_was(older, scripts):
    (scripts / "v0005_mood.py").write_text(BROKEN)
    with pytest.raises(CatalogError, match="no such table: nowhere"):
        upgrade(older, to="0005", version=5, more=[scripts])
    assert sqlite.inspected(older).version == 4
    with Catalog.open(older, create=False) as catalog:
        assert catalog.verify() == ()
        assert len(view_rows(catalog, "v_runs")[1]) == 1


def test_reading_an_older_catalog_upgrades_a_copy_and_writes_nothing(older, scripts):
    before = older.read_bytes()
    copy = upgraded_copy(older, sqlite.inspected(older), to="0005", version=5, more=[scripts])
    assert copy.execute("SELECT mood FROM runs").fetchall() == [("calm",)]
    copy.close()
    assert older.read_bytes() == before
    assert sorted(file.name for file in older.parent.iterdir()) == ["catalog.db", "scripts"]
