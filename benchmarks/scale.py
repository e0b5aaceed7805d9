"""What plans cost where very much was made: 1,000 assets of 10,000 partitions, of which nothing or one cell changed.

python benchmarks/scale.py [assets] [partitions] [folder]

Ten partitions of each asset are made by runs. The records of all others are copies of these, written by SQL, as if they
had been made, too; what reads only some partitions finds nothing wrong with them. It takes some minutes and gigabytes.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from multiprocessing import get_context
from pathlib import Path

from partitions import command

from assetflow.plan import KeySets
from assetflow.plan.memos import proved
from assetflow.project import Project

MADE = 10
CODE = """
from pathlib import Path

from assetflow import Context, Daily, asset

DAYS = Daily("{start}", end="{end}")


@asset(name="a0", partitions=DAYS)
def root(ctx: Context) -> str:
    changed = Path(__file__).with_name("changed.txt")
    return changed.read_text() if changed.exists() else ctx.partition.key


def _one(number: int):
    @asset(name=f"a{{number}}", partitions=DAYS, deps=[f"a{{(number - 1) // 3}}"])
    def made(ctx: Context) -> str:
        return ctx.partition.key

    return made


assets = [_one(number) for number in range(1, {assets})]
"""
#: A partition key that has no partition of an asset yet, for each that has; ``sample`` is copied.
CLONES = """
CREATE TEMP TABLE sample AS
    SELECT p.asset_id AS asset_id, max(m.id) AS id FROM partitions p JOIN materializations m ON m.partition_id = p.id
    GROUP BY p.asset_id;
CREATE TEMP TABLE wanted AS
    SELECT row_number() OVER () AS number, s.asset_id AS asset_id, s.id AS sample, k.id AS key_id
    FROM sample s CROSS JOIN partition_keys k WHERE k.text != ''
    AND NOT EXISTS (SELECT 1 FROM partitions p WHERE p.asset_id = s.asset_id AND p.key_id = k.id);
CREATE TEMP TABLE base AS SELECT
    (SELECT max(id) FROM partitions) AS partition, (SELECT max(id) FROM materializations) AS made,
    (SELECT min(id) FROM revisions) AS revision, (SELECT min(id) FROM environments) AS environment;
INSERT INTO partitions (id, asset_id, key_id)
    SELECT base.partition + number, asset_id, key_id FROM wanted, base;
INSERT INTO materializations
    SELECT base.made + w.number, base.partition + w.number, 1, m.environment_id, m.attempt_id, m.trace, m.recipe_id,
        m.window_text, m.data, m.row_count, m.schema_id, m.column_digests, m.blob_id, m.inline, m.uri, m.metadata,
        m.state, m.published, m.made_at, m.micros
    FROM wanted w JOIN materializations m ON m.id = w.sample, base;
INSERT INTO pointers (environment_id, partition_id, from_revision, asset_id, materialization_id)
    SELECT base.environment, base.partition + number, base.revision, asset_id, base.made + number FROM wanted, base;
"""


def build(path: Path, assets: int, days: int) -> str:
    """The project and its catalog; gives the first day."""
    start = date(1990, 1, 1)
    end = start + timedelta(days=days)
    some = f"{start}..{start + timedelta(days=MADE - 1)}"
    path.joinpath("assetflow.toml").write_text('modules = ["bench"]\nconfirm_above = 1000000000\n')
    path.joinpath("bench.py").write_text(CODE.format(start=start, end=end, assets=assets))
    with Project.open(directory=path) as project:
        project.materialize(partitions=some)
    with closing(sqlite3.connect(path / "catalog.db")) as connection:
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000;")
        first = connection.execute("SELECT max(id) + 1 FROM partition_keys").fetchone()[0]
        keys = [str(start + timedelta(days=day)) for day in range(MADE, days)]
        rows = [(first + number, 1, key) for number, key in enumerate(keys)]
        connection.executemany("INSERT INTO partition_keys (id, dimensions, text) VALUES (?, ?, ?)", rows)
        connection.commit()
        connection.executescript(f"BEGIN; {CLONES} COMMIT; PRAGMA journal_mode = WAL;")
    with Project.open(directory=path) as project:
        graph = project.loaded.graph
        with project.writing.view("main") as view:
            revision = view.revision
        sets = KeySets(graph, {}, project.world.now())
        memos = {name: proved(node, sets, revision, (), None) for name, node in graph.nodes.items()}
        project.writing.remember("main", memos)
    return str(start)


def measure(path: Path, first: str) -> None:
    size = path.joinpath("catalog.db").stat().st_size / 2**30
    print(f"the catalog has {size:.1f} GB")
    command(path, "status")
    command(path, "status", "a0")
    command(path, "plan")
    command(path, "plan", "a7", "--partition", first)
    command(path, "materialize")
    path.joinpath("changed.txt").write_text("something else")
    command(path, "materialize", "a0", "--partition", first, "--force")
    print("one cell at the root has changed")
    command(path, "plan")
    command(path, "materialize")
    command(path, "plan")
    code = path.joinpath("bench.py")
    code.write_text(code.read_text().replace("return changed.read_text() if", "return changed.read_text().strip() if"))
    print("the code of the root has changed, and so what all others read")
    command(path, "plan")
    command(path, "status")


def main() -> None:
    assets, days = (int(word) for word in (sys.argv[1:3] or ("1000", "10000")))
    print(f"{assets:,} assets of {days:,} partitions")
    with tempfile.TemporaryDirectory() as where:
        path = Path(sys.argv[3] if len(sys.argv) > 3 else where)
        begun = time.perf_counter()
        # In a process of its own, so that its memory is not counted.
        with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
            first = pool.submit(build, path, assets, days).result()
        print(f"made in {time.perf_counter() - begun:.0f} s")
        measure(path, first)


if __name__ == "__main__":
    main()
