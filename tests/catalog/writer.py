# ruff: noqa: T201 - what it says is how the tests know where it is
"""Steps to record, for the tests here; and, run as a program, another process that records them."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from assetflow.catalog import Catalog
from assetflow.model.checks import Severity, Verdict, VerdictStatus
from assetflow.model.journal import Busy, Claim, Claimed, Failed, Failure, Made, NewRun, Output, Read, RunStatus
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.retry import FailureClass
from assetflow.model.trace import Edge, Recipe, Trace, edge_digest
from assetflow.model.versions import Blob, CodePart, ColumnVersion, DataVersion, Stored, fingerprint

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CODE = Recipe.of(
    code=fingerprint("code"),
    parameters=(("limit", "3"),),
    resources=(("api", '{"url":"x"}'),),
    parts=(CodePart("shop.clean.LIMIT", fingerprint("3"), "shop/clean.py:3", "3"),),
)


def asset(name: str) -> AssetKey:
    return AssetKey("shop", name)


def cell(name: str, key: str = "") -> Partition:
    return Partition(asset(name), key)


def new_run(*targets: str) -> NewRun:
    return NewRun(started_at=NOON, targets=targets, facts={"command": "materialize"})


def file_version(content: str) -> Stored:
    return Stored(data=DataVersion(fingerprint(content)), codec="path", uri=f"data/{content}.csv")


def claim(name: str, key: str = "", *, reads: Sequence[Partition] = (), outputs: Sequence[Partition] = ()) -> Claim:
    return Claim(node=asset(name), key=key, outputs=tuple(outputs) or (cell(name, key),), inputs=tuple(reads))


def table(content: str, *, columns: Sequence[str] = ("x",)) -> DataVersion:
    return DataVersion.of_table(3, [ColumnVersion(name, "int64", fingerprint(content, name)) for name in columns])


def stored(content: str, blob: str | None, **more: object) -> Stored:
    """A one-column table; without a blob's name, a small value inside the catalog."""
    if blob is None:
        return Stored(data=DataVersion(fingerprint(content)), codec="json", inline=content.encode(), **more)
    version = table(content)
    return Stored(
        data=version, codec="parquet", schema="x: int64", blob=Blob(blob, version.digest, 1234, b"c" * 48), **more
    )


def made(claimed: Claimed, content: str = "", *, recipe: Recipe = CODE, reads: Sequence[Read] | None = None) -> Made:
    """The step of a claim, done: one edge to each asset that it claimed to read."""
    if reads is None:
        reads = [Read(partition=p, materialization=m.id, attempt=m.attempt) for p, m in claimed.inputs.items()]
    by_asset: dict[AssetKey, list[Read]] = {}
    for read in reads:
        by_asset.setdefault(read.partition.asset, []).append(read)
    edges = tuple(
        Edge(upstream, "all", len(members), edge_digest(tuple((r.partition.key, str(r.attempt)) for r in members)))
        for upstream, members in sorted(by_asset.items())
    )
    outputs = tuple(
        Output(
            partition=output,
            stored=stored(
                content or f"{output}",
                f"{output.asset.group}/{output.asset.name}/{output.key or '_'}/{claimed.attempt}",
            ),
        )
        for output in claimed.histories
    )
    return Made(
        id=claimed.id,
        attempt=claimed.attempt,
        trace=Trace(recipe, claimed.id.key, edges),
        reads=tuple(tuple(by_asset[edge.asset]) for edge in edges),
        outputs=outputs,
        started_at=NOON,
        seconds=1.5,
    )


def verdict(name: str, check: str = "not_null(x)", **more: object) -> Verdict:
    said = {"status": VerdictStatus.PASSED, "severity": Severity.BLOCK, "trace": fingerprint("t")} | more
    return Verdict(check=check, partition=cell(name), **said)


def failed(claimed: Claimed, message: str = "no") -> Failed:
    return Failed(
        id=claimed.id,
        attempt=claimed.attempt,
        outputs=tuple(claimed.histories),
        trace=fingerprint("trace"),
        failure=failure(message),
        started_at=NOON,
        seconds=0.5,
    )


def failure(message: str = "no") -> Failure:
    return Failure(
        kind=FailureClass.TRANSIENT, type="TimeoutError", message=message, reason="it is transient", traceback="frames"
    )


def main(path: Path, role: str, *rest: str) -> None:
    catalog = Catalog.open(path, create=True)
    journal = catalog.journal("main")
    if role == "hold":  # claim, say so, and wait to be killed
        run = journal.begin(new_run())
        answers = journal.claim(run, [claim(name) for name in rest])
        print(run, *("busy" if isinstance(a, Busy) else a.attempt for a in answers), flush=True)
        time.sleep(60)
    elif role == "race":  # claim every one of many steps as fast as it goes, and say which were won
        run = journal.begin(new_run())
        print("ready", flush=True)
        sys.stdin.readline()
        for key in range(int(rest[0])):
            (answer,) = journal.claim(run, [claim("prize", f"{key}")])
            if isinstance(answer, Claimed):
                print(key, flush=True)
        print("done", flush=True)
        sys.stdin.readline()
        journal.finish(run, RunStatus.SUCCEEDED, {}, at=NOON + timedelta(minutes=1))
    elif role == "write":  # many commits of one step each
        run = journal.begin(new_run())
        for number in range(int(rest[1])):
            (claimed,) = journal.claim(run, [claim("written", f"{rest[0]}-{number}")])
            assert isinstance(claimed, Claimed)
            journal.commit(run, [made(claimed)])
        journal.finish(run, RunStatus.SUCCEEDED, {"materialized": int(rest[1])}, at=NOON)
    elif role == "loop":  # chains of steps, until it is killed
        run = journal.begin(new_run())
        claimed_now = journal.claim(run, [claim("loop", f"{k}") for k in range(5)])
        for number in range(1, 10_000):
            finished = [made(c, f"{number}-{c.id}") for c in claimed_now if isinstance(c, Claimed)]
            claimed_now = journal.commit(run, finished, [claim("loop", f"{k}") for k in range(5)]).claimed
            print(number, flush=True)
    elif role == "create":
        print("created", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
