"""A run that is killed at any moment leaves no lie, and the same command does the rest."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

KILLS = 50
STEPS = 24

PROJECT = """
import os, time
from pathlib import Path
from assetflow import asset

TURN = 0
LOG = Path("executed.log")

def _one(i):
    above = [f"a{i - 4}"] if i >= 4 else []

    @asset(name=f"a{i}", deps=above)
    def made() -> str:
        with open(Path(__file__).parent / "executed.log", "a") as log:
            log.write(f"{TURN} a{i}\\n")
        time.sleep(0.01)
        return f"{TURN}-{i}-" + "x" * (9000 if i % 2 else 10)

    return made

made = [_one(i) for i in range(STEPS)]
"""


@pytest.mark.parametrize("executor", ["inline", "threads"])
def test_fifty_kills_leave_a_sound_catalog_and_no_step_is_done_twice(folder: Any, executor: str) -> None:
    source = PROJECT.replace("STEPS", str(STEPS))
    folder.write("shop.py", source)
    chance = random.Random(7)
    kills: Counter[int] = Counter()
    turn = 0
    for _ in range(KILLS // 2):
        process = folder.start("materialize", "--executor", executor, "-j", "2")
        time.sleep(chance.uniform(0.3, 1.1))
        finished = process.poll() is not None
        if not finished:
            os.killpg(process.pid, signal.SIGKILL)
            kills[turn] += 1
        process.communicate()
        assert verified(folder.path) == []
        if finished:
            assert process.returncode == 0
            turn += 1
            folder.write("shop.py", source.replace("TURN = 0", f"TURN = {turn}"))
    folder.run("materialize")
    assert folder.json("plan")["steps"] == []
    executed = Counter((folder.path / "executed.log").read_text().split("\n")[:-1])
    # What ran and was not yet committed when the process died runs again: at most the steps of one group a kill.
    for line, times in executed.items():
        assert times <= 1 + kills[int(line.split()[0])], (line, times, kills)
    statuses = Counter(r["status"] for r in folder.json("runs", "--limit", "1000")["runs"])
    assert set(statuses) <= {"succeeded", "interrupted"}


def verified(path: Path) -> list[Any]:
    """What ``assetflow catalog verify`` finds, in this process: it takes a tenth of the time."""
    from assetflow.project import Project

    if not (path / "catalog.db").exists():
        return []
    return list(Project.open(directory=path).past.verify())
