from __future__ import annotations

import sqlite3

import pytest

from assetflow.catalog import Catalog

DAMAGES = {
    "overlapping-pointers": "UPDATE pointers SET to_revision = 99 WHERE to_revision IS NOT NULL",
    "gap-in-pointers": "UPDATE pointers SET from_revision = from_revision + 1 WHERE to_revision IS NULL",
    "strange-pointer": "UPDATE pointers SET materialization_id = 1",
    "unpublished-pointer": "UPDATE materializations SET published = 0 WHERE id = 2",
    "value-nowhere": "UPDATE materializations SET blob_id = NULL WHERE id = 2",
    "dead-blob": "UPDATE blobs SET state = 1",
    "recorded-twice": "UPDATE materializations SET attempt_id = (SELECT max(attempt_id) FROM materializations)",
    "bad-digest": "UPDATE materializations SET data = x'00'",
    "wrong-edge": "UPDATE edges SET member_id = 2",
    "revision-counter": "UPDATE counters SET value = 99 WHERE name = 'revision'",
    "lease-of-ended-run": "UPDATE runs SET status = 1",
    "catalog-damaged": "DELETE FROM recipes",
}


@pytest.fixture
def damaged(path, w):
    with Catalog.open(path, create=True) as catalog:
        journal = catalog.journal("main")
        run = journal.begin(w.new_run())
        journal.observe(run, {w.cell("raw"): w.file_version("a")})
        for _ in range(2):
            (claimed,) = journal.claim(run, [w.claim("x", reads=[w.cell("raw")])])
            journal.commit(run, [w.made(claimed)])
        journal.claim(run, [w.claim("held")])
        assert catalog.verify() == ()
    return path


@pytest.mark.parametrize("code", DAMAGES)
def test_each_kind_of_damage_is_found_and_named(damaged, code):
    with sqlite3.connect(damaged) as raw:
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute(DAMAGES[code])
    raw.close()
    with Catalog.open(damaged, create=False, read_only=True) as catalog:
        found = {problem.code: problem for problem in catalog.verify()}
    assert code in found
    assert found[code].message
    if code in {"strange-pointer", "bad-digest", "dead-blob"}:
        assert found[code].key.startswith("shop.")
        assert found[code].version


def test_verifying_a_file_whose_pages_are_gone_is_an_answer(damaged):
    content = damaged.read_bytes()
    with sqlite3.connect(damaged) as raw:
        (page,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'materializations'").fetchone()
    raw.close()
    damaged.write_bytes(content[: (page - 1) * 4096] + bytes(4096) + content[page * 4096 :])
    with Catalog.open(damaged, create=False, read_only=True) as catalog:
        assert "catalog-damaged" in {problem.code for problem in catalog.verify()}
