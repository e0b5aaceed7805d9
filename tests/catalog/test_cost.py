"""What recording costs in bytes and processor time, and that neither grows. Times allow for a machine half as fast."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from assetflow.catalog import Catalog
from assetflow.catalog.versions import history
from assetflow.model.history import Memo
from assetflow.model.versions import fingerprint

GROUP = 20


def record(catalog, w, first, last, group=GROUP):
    """Record that many one-column values, each made from one source, and give the processor seconds it took."""
    journal = catalog.journal("main")
    run = journal.begin(w.new_run())
    journal.observe(run, {w.cell("raw"): w.file_version("a")})
    groups = [
        [w.claim("orders", f"{key:08}", reads=[w.cell("raw")]) for key in range(at, min(at + group, last))]
        for at in range(first, last, group)
    ]
    begun = time.process_time()
    claimed = journal.claim(run, groups[0])
    spent = time.process_time() - begun
    for following in [*groups[1:], []]:
        finished = [w.made(one, f"{one.id.key}") for one in claimed]
        begun = time.process_time()
        done = journal.commit(run, finished, following)
        spent += time.process_time() - begun
        assert not done.lost
        claimed = done.claimed
    return spent


def test_a_one_column_value_takes_at_most_600_bytes(path, w):
    count = 10_000
    with Catalog.open(path, create=True) as catalog:
        empty = path.stat().st_size
        record(catalog, w, 0, count, group=50)
    assert (path.stat().st_size - empty) / count <= 600


def test_a_step_takes_at_most_a_third_of_a_millisecond_in_groups(path, w):
    with Catalog.open(path, create=True) as catalog:
        record(catalog, w, 0, 200)
        spent = min(record(catalog, w, first, first + 1000) for first in (1000, 2000))
    assert spent / 1000 < 0.0006, f"{spent / 1000 * 1000:.3f} ms"


def test_many_assets_cost_what_many_partitions_do(path, w):
    with Catalog.open(path, create=True) as catalog:
        journal = catalog.journal("main")
        run = journal.begin(w.new_run())
        spent = []
        for at in range(0, 3_000, GROUP):
            begun = time.process_time()
            claimed = journal.claim(run, [w.claim(f"a{number}") for number in range(at, at + GROUP)])
            between = time.process_time()
            finished = [w.made(one) for one in claimed]
            committing = time.process_time()
            journal.commit(run, finished)
            spent.append(time.process_time() - committing + between - begun)
        first, last = min(spent[5:30]), min(spent[-25:])
        assert last < 2 * first + 0.002


def test_the_hundredth_version_of_a_partition_costs_what_the_first_did(path, w):
    with Catalog.open(path, create=True) as catalog:
        first = min(record(catalog, w, 0, GROUP) for _ in range(5))
        for _ in range(90):
            record(catalog, w, 0, GROUP)
        last = min(record(catalog, w, 0, GROUP) for _ in range(5))
        assert last < 2 * first + 0.005
        begun = time.process_time()
        assert len(history(catalog, w.asset("orders"), "00000001")) == 100
        assert time.process_time() - begun < 0.5


@pytest.fixture
def ten_thousand(path, w):
    """Ten thousand assets, each with a value and a memo."""
    with Catalog.open(path, create=True) as catalog:
        journal = catalog.journal("main")
        run = journal.begin(w.new_run())
        for at in range(0, 10_000, 2_500):
            claimed = journal.claim(run, [w.claim(f"a{number}") for number in range(at, at + 2_500)])
            journal.commit(run, [w.made(one) for one in claimed])
        memo = Memo(definition=fingerprint("d"), keys=fingerprint("k"), expires_at=None, revision=1)
        catalog.remember("main", {w.asset(f"a{number}"): memo for number in range(10_000)})
    return path


def test_what_a_plan_with_nothing_to_do_reads_takes_a_moment(ten_thousand, w):
    with Catalog.open(ten_thousand, create=False) as catalog:
        begun = time.process_time()
        with catalog.view("main") as view:
            memos, moved, blobs = view.memos(), view.moved(0), view.blobs()
        spent = time.process_time() - begun
        assert (len(memos), len(moved), len(blobs)) == (10_000, 10_000, 10_000)
        assert spent < 0.3
        begun = time.process_time()
        assert catalog.remember("main", memos) == 0
        changed = {w.asset("a1"): replace(memos[w.asset("a1")], revision=2)}
        assert catalog.remember("main", changed) == 1
        assert time.process_time() - begun < 0.3
