"""What the catalog costs: processor time to claim and commit a step, flat or not, and what a plan reads.

python benchmarks/catalog.py            # 20,000 partitions
python benchmarks/catalog.py 1000000
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from assetflow.catalog import Catalog
from assetflow.model.journal import Claim, Claimed, Made, NewRun, Output
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.trace import Recipe, Trace
from assetflow.model.versions import DataVersion, Stored, fingerprint

GROUP = 20
NODE = AssetKey("bench", "orders")
RECIPE = Recipe.of(code=fingerprint("code"))


def made(claimed: Claimed, now: datetime) -> Made:
    """A finished step of one small value."""
    stored = Stored(data=DataVersion(fingerprint(claimed.id.key)), codec="json", inline=b"1")
    return Made(
        id=claimed.id,
        attempt=claimed.attempt,
        trace=Trace(RECIPE, claimed.id.key, ()),
        reads=(),
        outputs=(Output(partition=claimed.id, stored=stored),),
        started_at=now,
        seconds=0.0,
    )


def main() -> None:
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder, Catalog.open(Path(folder) / "catalog.db", create=True) as catalog:
        journal = catalog.journal("main")
        run = journal.begin(NewRun(started_at=now, targets=()))
        print(f"{total:,} partitions in groups of {GROUP}; CPU a step, claim and commit")
        step = max(total // 10 // GROUP * GROUP, GROUP)
        for first in range(0, total, step):
            spent = 0.0
            for at in range(first, min(first + step, total), GROUP):
                partitions = [Partition(NODE, f"{n:08}") for n in range(at, at + GROUP)]
                claims = [Claim(node=NODE, key=p.key, outputs=(p,)) for p in partitions]
                begun = time.process_time()
                granted = journal.claim(run, claims)
                spent += time.process_time() - begun
                finished = [made(one, now) for one in granted if isinstance(one, Claimed)]
                begun = time.process_time()
                journal.commit(run, finished)
                spent += time.process_time() - begun
            print(f"  after {first + step:>9,}: {spent / step * 1000:.3f} ms")
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
        print(f"  {size / total:.0f} bytes a materialization")
        begun = time.process_time()
        with catalog.view("main") as view:
            view.memos(), view.moved_assets(0), view.single_blobs()
        print(f"what a plan with nothing to do reads: {(time.process_time() - begun) * 1000:.1f} ms")


if __name__ == "__main__":
    main()
