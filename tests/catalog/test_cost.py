"""What recording costs in bytes, and what is not written twice. Times are measured in benchmarks/."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assetflow.catalog import Catalog
from assetflow.model.history import Memo
from assetflow.model.versions import fingerprint

GROUP = 20


def record(catalog, w, first, last, group=GROUP):
    """Record that many one-column values, each made from one source."""
    journal = catalog.journal("main")
    run = journal.begin(w.new_run())
    journal.observe(run, {w.cell("raw"): w.file_version("a")})
    groups = [
        [w.claim("orders", f"{key:08}", reads=[w.cell("raw")]) for key in range(at, min(at + group, last))]
        for at in range(first, last, group)
    ]
    claimed = journal.claim(run, groups[0])
    for following in [*groups[1:], []]:
        finished = [w.made(one, f"{one.id.key}") for one in claimed]
        done = journal.commit(run, finished, following)
        assert not done.lost
        claimed = done.claimed


def test_a_one_column_value_takes_at_most_600_bytes(path, w):
    count = 10_000
    with Catalog.open(path, create=True) as catalog:
        empty = path.stat().st_size
        record(catalog, w, 0, count, group=50)
    assert (path.stat().st_size - empty) / count <= 600


@pytest.fixture
def ten_thousand(path, w):
    """Ten thousand assets, each with a value and a memo."""
    with Catalog.open(path, create=True) as catalog:
        journal = catalog.journal("main")
        run = journal.begin(w.new_run())
        for at in range(0, 10_000, 2_500):
            claimed = journal.claim(run, [w.claim(f"a{number}") for number in range(at, at + 2_500)])
            journal.commit(run, [w.made(one) for one in claimed])
        memo = Memo(definition=fingerprint("d"), keys=((1, fingerprint("k")),), expires_at=None, revision=1)
        catalog.remember("main", {w.asset(f"a{number}"): memo for number in range(10_000)})
    return path


def test_memos_that_say_the_same_are_not_written_again(ten_thousand, w):
    with Catalog.open(ten_thousand, create=False) as catalog:
        with catalog.view("main") as view:
            memos, moved, blobs = view.memos(), view.moved(0), view.blobs()
        assert (len(memos), len(moved), len(blobs)) == (10_000, 10_000, 10_000)
        assert catalog.remember("main", memos) == 0
        changed = {w.asset("a1"): replace(memos[w.asset("a1")], revision=2)}
        assert catalog.remember("main", changed) == 1
