"""Two runs at once, a run that is told to stop, and a reader who has seen enough."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

SLOW = """
import time
from pathlib import Path
from assetflow import asset, Resource

HERE = Path(__file__).parent

def _note(text):
    with open(HERE / "executed.log", "a") as log:
        log.write(text + "\\n")

class Door(Resource):
    def open(self):
        import contextlib
        @contextlib.contextmanager
        def opened():
            _note("opened")
            try:
                yield self
            finally:
                _note("closed")
        return opened()

@asset
def first(door: Door) -> int:
    _note("first")
    time.sleep(SECONDS)
    return 1

@asset
def second(first: int) -> int:
    _note("second")
    return first + 1
"""


ASYNC = """
import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from assetflow import asset, Resource

HERE = Path(__file__).parent

def _note(text):
    with open(HERE / "executed.log", "a") as log:
        log.write(text + "\\n")

class Door(Resource):
    @asynccontextmanager
    async def open(self):
        _note("opened")
        try:
            yield self
        finally:
            _note("closed")

@asset
async def first(door: Door) -> int:
    _note("first")
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        _note("cancelled")
        raise
    return 1
"""


def executed(folder: Any) -> Counter[str]:
    """What ran, and how often."""
    path: Path = folder.path / "executed.log"
    return Counter(path.read_text().split()) if path.exists() else Counter()


def wait_for(folder: Any, word: str) -> None:
    """Wait until a step has begun."""
    for _ in range(400):
        if executed(folder)[word]:
            return
        time.sleep(0.025)
    raise AssertionError(f"{word} never began")


def test_two_runs_at_once_make_everything_once(folder: Any) -> None:
    folder.write("shop.py", SLOW.replace("SECONDS", "1.0"))
    both = [folder.start("materialize", "--json") for _ in range(2)]
    ended = [(process.communicate(timeout=60), process.returncode) for process in both]
    assert [code for _, code in ended] == [0, 0], ended
    counts = executed(folder)
    assert (counts["first"], counts["second"]) == (1, 1)
    assert folder.json("plan")["steps"] == []
    assert folder.json("catalog", "verify")["ok"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("executor", ["inline", "threads"])
def test_a_run_that_is_told_to_stop_is_cancelled_and_closes_its_resources(
    folder: Any, number: signal.Signals, executor: str
) -> None:
    folder.write("shop.py", SLOW.replace("SECONDS", "30"))
    process = folder.start("materialize", "--executor", executor, "-j", "2")
    wait_for(folder, "first")
    since = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number, err
    assert time.monotonic() - since < 10
    assert "Traceback" not in err
    assert executed(folder)["closed"] == 1
    assert [run["status"] for run in folder.json("runs")["runs"]] == ["cancelled"]
    folder.edit("shop.py", "time.sleep(30)", "time.sleep(0)")
    assert folder.json("materialize")["status"] == "succeeded"


@pytest.mark.parametrize("executor", ["inline", "threads"])
def test_a_coroutine_is_cancelled_with_its_run_and_may_clean_up(folder: Any, executor: str) -> None:
    folder.write("shop.py", ASYNC)
    process = folder.start("materialize", "--executor", executor, "-j", "2")
    wait_for(folder, "first")
    since = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert time.monotonic() - since < 10
    assert "Traceback" not in err
    counts = executed(folder)
    assert (counts["cancelled"], counts["closed"]) == (1, 1)
    assert [run["status"] for run in folder.json("runs")["runs"]] == ["cancelled"]


def test_a_killed_run_is_told_as_interrupted_by_the_next_command(folder: Any) -> None:
    folder.write("shop.py", SLOW.replace("SECONDS", "30"))
    process = folder.start("materialize")
    wait_for(folder, "first")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert [run["status"] for run in folder.json("runs")["runs"]] == ["interrupted"]
    folder.edit("shop.py", "time.sleep(30)", "time.sleep(0)")
    done = folder.json("materialize")
    assert done["status"] == "succeeded"
    assert sorted(run["status"] for run in folder.json("runs")["runs"]) == ["interrupted", "succeeded"]


@pytest.mark.parametrize("executor", ["inline", "threads"])
def test_what_ended_is_recorded_while_a_long_step_goes_on(folder: Any, executor: str) -> None:
    """It is not lost with a run that is killed then, and who wants it need not wait."""
    folder.write("shop.py", SLOW.replace("SECONDS", "0").replace('_note("second")', '_note("second"); time.sleep(30)'))
    process = folder.start("materialize", "--executor", executor)
    wait_for(folder, "second")
    for _ in range(100):
        if seen := folder.json("history", "first")["materializations"]:
            break
    assert [each["run"] for each in seen] == [1]
    assert folder.json("materialize", "first")["steps"] == []
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    folder.edit("shop.py", "time.sleep(30)", "time.sleep(0)")
    assert [step["key"] for step in folder.json("materialize")["steps"]] == ["shop.second"]
    assert executed(folder)["first"] == 1


def test_a_reader_that_has_seen_enough_is_no_error(shop: Any) -> None:
    command = f"{shlex.quote(sys.executable)} -m assetflow list | head -1"
    done = subprocess.run(["bash", "-c", command], cwd=shop.path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith("asset")


def test_what_steps_print_and_log_is_kept_and_secrets_are_not(folder: Any) -> None:
    folder.write("assetflow.toml", 'modules = ["shop"]\n[resources.api]\ntoken = {env = "SHOP_TOKEN"}\n')
    folder.write(
        "shop.py",
        """
        from assetflow import Context, Resource, Secret, asset

        class Api(Resource):
            token: Secret

        @asset
        def leaky(ctx: Context, api: Api) -> str:
            print("printed", api.token.reveal())
            ctx.log.warning("logged %s", api.token.reveal())
            ctx.metadata["seen"] = api.token.reveal()
            raise ValueError("raised " + api.token.reveal())
        """,
    )
    done = folder.run("materialize", "--json", code=1, SHOP_TOKEN="hunter2-secret")
    logged = folder.run("logs", "1", "leaky").out
    assert "printed ***" in logged
    assert "logged ***" in logged
    everything = done.out + done.err + logged + folder.run("runs", "show", "1").out
    assert "hunter2-secret" not in everything
    for path in folder.path.rglob("*"):
        if path.is_file() and path.suffix != ".py":
            assert b"hunter2-secret" not in path.read_bytes(), path


def test_code_that_is_edited_while_it_runs_is_recorded_as_what_ran(folder: Any) -> None:
    folder.write("helper.py", "def rate():\n    return 1\n")
    folder.write("shop.py", EDITED)
    process = folder.start("materialize", "--json")
    wait_for(folder, "begun")
    folder.write("helper.py", "def rate():\n    return 2\n")
    (folder.path / "go").touch()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert folder.run("cat", "slow").out == "1\n"
    (step,) = folder.json("plan")["steps"]
    assert "helper.rate changed" in step["causes"][0]["message"]
    folder.write("helper.py", "def rate():\n    return 1\n")
    assert folder.json("plan")["steps"] == []


EDITED = """
import time
from pathlib import Path
from assetflow import asset

HERE = Path(__file__).parent

@asset
def slow() -> int:
    with open(HERE / "executed.log", "a") as log:
        log.write("begun\\n")
    while not (HERE / "go").exists():
        time.sleep(0.01)
    import helper
    return helper.rate()
"""

INCLUDED = """
import time
from pathlib import Path
from assetflow import asset

HERE = Path(__file__).parent

@asset(version_includes=[Path("rates.txt")])
def slow() -> str:
    with open(HERE / "executed.log", "a") as log:
        log.write("begun\\n")
    while not (HERE / "go").exists():
        time.sleep(0.01)
    return (HERE / "rates.txt").read_text()
"""


def test_a_value_made_with_an_edited_included_file_is_not_recorded_under_the_old_version(folder: Any) -> None:
    folder.write("rates.txt", "old")
    folder.write("shop.py", INCLUDED)
    process = folder.start("materialize", "--json")
    wait_for(folder, "begun")
    folder.write("rates.txt", "new")
    (folder.path / "go").touch()
    process.communicate(timeout=30)
    assert process.returncode == 1
    (attempt,) = folder.json("runs", "show")["attempts"]
    assert (attempt["error"]["class"], attempt["error"]["type"]) == ("transient", "StorageError")
    folder.write("rates.txt", "old")
    assert folder.json("materialize")["counts"]["materialized"] == 1
    assert folder.run("cat", "slow").out == "old\n"
