"""Make the stored catalog of today's version, which every later version must open.

    python tests/catalog/stored/make.py

Run it once, when a version is released; a stored catalog is never made again.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import writer as w  # noqa: E402 - found through the line above

from assetflow.catalog import Catalog  # noqa: E402
from assetflow.catalog.creation import SCHEMA_VERSION  # noqa: E402
from assetflow.catalog.garbage import Retention, give_up  # noqa: E402
from assetflow.model.definition import Definition, Input, Kind  # noqa: E402
from assetflow.model.history import Memo  # noqa: E402
from assetflow.model.journal import KeyEdit, RunStatus  # noqa: E402
from assetflow.model.lineage import ColumnEdge, Evidence  # noqa: E402
from assetflow.model.mappings import All  # noqa: E402
from assetflow.model.versions import fingerprint  # noqa: E402


def fill(catalog: Catalog) -> None:
    """A little of everything that can be recorded."""
    journal = catalog.journal("main", clock=lambda: w.NOON)
    run = journal.begin(w.new_run("report"))
    journal.observe(run, {w.cell("raw"): w.file_version("a")})
    for _ in range(2):
        clean = journal.claim(run, [w.claim("clean", key, reads=[w.cell("raw")]) for key in "12"])
        journal.commit(run, [w.made(c) for c in clean])
        (report,) = journal.claim(run, [w.claim("report", reads=[w.cell("clean", key) for key in "12"])])
        step = w.made(report)
        passed = w.verdict("report", metrics=(("missing", 0.0),))
        edge = ColumnEdge(source=w.asset("clean"), column="x", target=w.asset("report"), evidence=Evidence.SQL)
        output = replace(step.outputs[0], state="{}", lineage=(edge,))
        journal.commit(run, [replace(step, outputs=(output,), verdicts=(passed,))])
    (bad,) = journal.claim(run, [w.claim("bad")])
    journal.commit(run, [w.failed(bad)])
    journal.finish(run, RunStatus.FAILED, {"materialized": 6, "failed": 1}, at=w.NOON)
    memo = Memo(
        definition=fingerprint("d"),
        keys=((1, fingerprint("k")),),
        expires_at=w.NOON,
        revision=1,
        exceptions=frozenset({"2"}),
    )
    catalog.remember("main", {w.asset("report"): memo})
    read = Input(parameter="clean", asset=w.asset("clean"), mapping=All(), columns=("x",))
    report = Definition(key=w.asset("report"), kind=Kind.ASSET, node=w.asset("report"), inputs=(read,))
    catalog.record_definitions("main", [report])
    other = catalog.journal("test", clock=lambda: w.NOON)
    run = other.begin(w.new_run())
    (small,) = other.claim(run, [w.claim("small")])
    step = w.made(small)
    added = (KeyEdit(set="regulars", key="ann", added=True), KeyEdit(set="regulars", key="bob", added=True))
    other.commit(run, [replace(step, outputs=(replace(step.outputs[0], stored=w.stored("[1]", None)),), keys=added)])
    catalog.edit_keys("test", [KeyEdit(set="regulars", key="ann", added=False)])
    other.finish(run, RunStatus.SUCCEEDED, {"materialized": 1}, at=w.NOON)
    freed = list(give_up(catalog, lambda _: Retention(timedelta()), at=w.NOON + timedelta(days=1), dry_run=False))
    assert freed


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalog.db"
        with Catalog.open(path, create=True) as catalog:
            fill(catalog)
        (HERE / f"version-{SCHEMA_VERSION}.db.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


if __name__ == "__main__":
    main()
