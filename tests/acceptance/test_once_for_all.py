"""Plans after a change of code: what is alike in many partitions is read and decided once."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest

from tests.conftest import Folder

SHOP = """
from pathlib import Path

from assetflow import Context, Daily, Weekly, asset

DAYS = Daily("2026-01-01", end="2026-05-01")
FACTOR = 1

@asset(partitions=DAYS)
def raw(ctx: Context) -> int:
    bad = Path(__file__).with_name("bad.txt")
    if bad.exists() and ctx.partition.key in bad.read_text():
        raise ValueError("no")
    return ctx.partition.date.day * FACTOR

@asset(partitions=DAYS)
def double(raw: int) -> int:
    return 2 * raw

@asset(partitions=Weekly("2026-01-01", end="2026-05-01"))
def week(double: dict[str, int]) -> int:
    return sum(double.values())
"""


@pytest.fixture
def shop(folder: Folder) -> Folder:
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write("shop.py", SHOP)
    folder.run("materialize")
    folder.run("materialize")  # which proves that all is fresh
    return folder


def counts(shop: Folder, *arguments: str) -> dict[str, int]:
    return dict(Counter(step["action"] for step in shop.json("plan", *arguments)["steps"]))


LOOK = """
import json
from assetflow.model.plan import Alike
from assetflow.project import Project

with Project.open() as project:
    plan = project.plan()
alike = [part for part in plan.steps.parts if isinstance(part, Alike)]
told = [[str(part.node), str(part.action), len(part.keys), part.seconds is not None] for part in alike]
print(json.dumps({"alike": told, "states": sorted({str(each.state) for each in plan.standings.values()})}))
"""


def looked(shop: Folder) -> Any:
    """What the plan keeps as one, and how its partitions stand."""
    done = subprocess.run([sys.executable, "-c", LOOK], cwd=shop.path, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_change_of_code_is_decided_once(shop: Folder) -> None:
    shop.edit("shop.py", "FACTOR = 1", "FACTOR = 2")
    assert counts(shop) == {"run": 120, "maybe": 120 + 16}
    assert looked(shop) == {
        "alike": [["shop.raw", "run", 120, True], ["shop.double", "maybe", 120, True]],
        "states": ["stale"],
    }
    (cause,) = shop.json("plan", "raw")["steps"][60]["causes"]
    assert cause["message"].startswith("constant shop.FACTOR changed: 1 → 2")
    assert Counter(shop.made().values())["materialized"] == 120 + 120 + 16
    shop.run("plan", "--exit-code")


def test_what_is_not_alike_is_told_apart(shop: Folder) -> None:
    shop.write("bad.txt", "2026-02-03")
    shop.edit("shop.py", "FACTOR = 1", "FACTOR = 2")
    shop.run("materialize", "raw", "--partition", "2026-02-03..2026-02-05", code=1)
    steps = shop.json("plan")["steps"]
    by_name = {f"{each['key']}@{each['partition']}": each["action"] for each in steps}
    assert Counter(by_name.values()) == {"run": 117 + 2, "maybe": 117 + 15}
    assert "shop.raw@2026-02-03" not in by_name
    assert "shop.double@2026-02-03" not in by_name, "what it reads failed"
    assert by_name["shop.double@2026-02-04"] == "run", "what it reads was made"
    assert by_name["shop.double@2026-02-06"] == "maybe"
    found = looked(shop)
    assert "failed" in found["states"]
    assert sum(count for _, _, count, _ in found["alike"]) == 117 + 117


def test_older_values_serve_again_one_by_one(shop: Folder) -> None:
    shop.edit("shop.py", "FACTOR = 1", "FACTOR = 2")
    shop.run("materialize", "raw", "--partition", "2026-02-03")
    shop.edit("shop.py", "FACTOR = 2", "FACTOR = 3")
    shop.run("materialize")
    shop.run("materialize")
    shop.edit("shop.py", "FACTOR = 3", "FACTOR = 2")
    assert counts(shop, "raw") == {"run": 119, "reuse": 1}
    shop.edit("shop.py", "FACTOR = 2", "FACTOR = 1")
    assert counts(shop) == {"reuse": 120 + 120 + 16}


def test_part_of_it_and_force(shop: Folder) -> None:
    shop.edit("shop.py", "FACTOR = 1", "FACTOR = 2")
    assert counts(shop, "double", "--partition", "2026-02-03") == {"run": 1, "maybe": 1}
    assert counts(shop, "raw", "--force") == {"run": 120}
    assert counts(shop, "double", "--only") == {}
    shop.edit(
        "shop.py", "@asset(partitions=DAYS)\ndef double", "@asset(partitions=DAYS, deterministic=True)\ndef double"
    )
    assert counts(shop) == {"run": 120, "maybe": 120 + 16}


def test_what_is_expired_is_told_one_by_one(shop: Folder) -> None:
    """A limit that is lowered later finds some that are older, and some that are not."""
    shop.edit("shop.py", "@asset(partitions=DAYS)\ndef raw", '@asset(partitions=DAYS, max_age="9h")\ndef raw')
    february = ("--partition", "2026-02-01..2026-02-28")
    shop.run("materialize", "raw", "--only", "--force", *february)
    times = [each["materialized_at"] for each in shop.json("partitions", "raw", *february)["partitions"]]
    first = int(datetime.fromisoformat(min(times)).timestamp() * 1_000_000)
    with closing(sqlite3.connect(shop.path / "catalog.db")) as connection:  # all others were made an hour before
        connection.execute("UPDATE materializations SET made_at = made_at - 3600000000 WHERE made_at < ?", [first])
        connection.commit()
    shop.run("materialize")
    shop.run("materialize")
    shop.edit("shop.py", 'max_age="9h"', 'max_age="30m"')
    shop.edit("shop.py", "FACTOR = 1", "FACTOR = 2")
    kinds = Counter(cause["kind"] for step in shop.json("plan", "raw")["steps"] for cause in step["causes"])
    assert kinds == {"code": 120, "expired": 120 - 28}
