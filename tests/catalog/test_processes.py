"""Several processes on one catalog: races, deaths, pauses."""

from __future__ import annotations

import os
import signal
import sqlite3
import time

import pytest

from assetflow.catalog import Catalog
from assetflow.catalog.queries import attempts, run, runs
from assetflow.errors import BusyError, CatalogError
from assetflow.model.journal import Busy, Claimed, RunStatus


def said(process) -> list[str]:
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return line.split()


def test_two_processes_never_win_the_same_partition(path, w, another):
    Catalog.open(path, create=True).close()
    racers = [another(path, "race", 40) for _ in range(3)]
    assert [said(racer) for racer in racers] == [["ready"]] * 3
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won: list[str] = []
    for racer in racers:
        while (word := said(racer)) != ["done"]:
            won += word
    assert sorted(won, key=int) == [str(key) for key in range(40)]


def test_a_live_run_is_left_alone_and_a_killed_one_is_interrupted_at_once(path, w, another):
    process = another(path, "hold", "x", "y")
    number, *_ = map(int, said(process))
    with Catalog.open(path, create=True) as catalog:
        journal = catalog.journal("main")
        mine = journal.begin(w.new_run())
        assert journal.claim(mine, [w.claim("x")]) == (Busy(id=w.cell("x"), run=number),)
        with catalog.view("main") as view:
            assert view.histories([w.asset("x")])[w.cell("x")].running
        process.kill()
        process.wait()
        with catalog.view("main") as view:
            assert not view.histories([w.asset("x")])[w.cell("x")].running
        assert run(catalog, number).status is RunStatus.INTERRUPTED
        assert catalog.database.writable
        (claimed,) = journal.claim(mine, [w.claim("x")])
        assert isinstance(claimed, Claimed)
        assert isinstance(journal.claim(mine, [w.claim("y")])[0], Claimed)
        assert run(catalog, number).finished_at is not None
        assert catalog.verify() == ()


def test_a_reading_command_shows_a_dead_run_as_interrupted_and_records_nothing(path, another):
    process = another(path, "hold", "x")
    said(process)
    process.kill()
    process.wait()
    before = path.read_bytes()
    with Catalog.open(path, create=False, read_only=True) as catalog:
        (shown,) = runs(catalog)
        assert (shown.status, shown.finished_at) == (RunStatus.INTERRUPTED, None)
        assert [attempt.outcome for attempt in attempts(catalog, shown.id)] == [None]
    assert path.read_bytes() == before


def test_beginning_a_run_records_dead_ones_as_interrupted(path, w, another):
    process = another(path, "hold", "x")
    number, _ = map(int, said(process))
    process.kill()
    process.wait()
    with Catalog.open(path, create=True) as catalog:
        catalog.journal("other").begin(w.new_run())
        with sqlite3.connect(path) as raw:
            assert raw.execute("SELECT status FROM v_runs WHERE run = ?", (number,)).fetchone() == ("interrupted",)


def test_who_is_killed_while_it_writes_leaves_whole_commits(path, w, another):
    for turn in range(4):
        process = another(path, "loop")
        for _ in range(3 + 7 * turn):
            said(process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with Catalog.open(path, create=True) as catalog:
            assert catalog.verify() == ()
            with catalog.view("main") as view:
                pasts = view.histories([w.asset("loop")])
                versions = {past.current.version for past in pasts.values()}
            assert len(pasts) == 5
            assert len(versions) == 1  # all five of a group, or none


def test_a_paused_run_loses_its_lease_and_cannot_commit(path, w, monkeypatch):
    monkeypatch.setenv("ASSETFLOW_LEASE_SECONDS", "0.2")
    with Catalog.open(path, create=True) as first, Catalog.open(path, create=True) as second:
        paused, other = first.journal("main"), second.journal("main")
        number = paused.begin(w.new_run())
        (mine,) = paused.claim(number, [w.claim("x")])
        time.sleep(0.15)
        paused.renew(number)
        time.sleep(0.15)
        later = other.begin(w.new_run())
        assert isinstance(other.claim(later, [w.claim("x")])[0], Busy)
        time.sleep(0.2)
        (taken,) = other.claim(later, [w.claim("x")])
        assert isinstance(taken, Claimed)
        assert paused.commit(number, [w.made(mine)]).lost == {w.cell("x")}
        with pytest.raises(BusyError, match="taken for dead"):
            paused.claim(number, [w.claim("y")])
        paused.finish(number, RunStatus.SUCCEEDED, {}, at=w.NOON)
        assert run(first, number).status is RunStatus.INTERRUPTED
        assert other.commit(later, [w.made(taken)]).lost == frozenset()


def test_eight_writers_do_not_get_in_each_others_way(path, w, another):
    Catalog.open(path, create=True).close()
    writers = [another(path, "write", name, 50) for name in range(8)]
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        assert (writer.returncode, errors) == (0, "")
    with Catalog.open(path, create=False) as catalog:
        assert catalog.verify() == ()
        assert {r.status for r in runs(catalog)} == {RunStatus.SUCCEEDED}
        with catalog.view("main") as view:
            moved = view.moved(0)
            assert sorted(moved.values()) == list(range(1, 401))


def test_a_reader_sees_one_state_while_others_write(path, w):
    with Catalog.open(path, create=True) as catalog, Catalog.open(path, create=False, read_only=True) as reader:
        journal = catalog.journal("main")
        number = journal.begin(w.new_run())
        claims = journal.claim(number, [w.claim("x", f"{key}") for key in range(3)])
        journal.commit(number, [w.made(claims[0])])
        with reader.view("main") as view:
            journal.commit(number, [w.made(c) for c in claims[1:]])
            assert (view.revision, set(view.current())) == (1, {w.cell("x", "0")})
        with reader.view("main") as view:
            assert len(view.current()) == 3


def test_several_processes_may_make_the_catalog_at_once(path, another):
    makers = [another(path, "create") for _ in range(4)]
    assert [maker.communicate()[0] for maker in makers] == ["created\n"] * 4
    # Of several that close it in one moment none may be the last, and then SQLite's log stays.
    left = {file.name for file in path.parent.iterdir()} - {"catalog.db-wal", "catalog.db-shm"}
    assert left == {"catalog.db"}
    with Catalog.open(path, create=False) as catalog:
        assert catalog.verify() == ()


def test_a_forked_child_is_refused(path):
    with Catalog.open(path, create=True) as catalog:
        child = os.fork()
        if not child:
            try:
                runs(catalog)
            except CatalogError as error:
                os._exit(7 if error.code == "catalog-in-child" else 1)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert runs(catalog) == ()
