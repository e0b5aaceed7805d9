"""Being told to stop, for real: a run in a process of its own that is sent signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetflow.run.signals import Interrupted, Stop


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """A shell that runs the tests in the background has them ignore Ctrl-C, and what is ignored is left so."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


PROGRAM = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from contextlib import contextmanager
from assetflow.catalog import Catalog
from assetflow.declare import asset
from assetflow.load.load import load
from assetflow.load.settings import Settings
from assetflow.model.event import RunFinished, StepFinished, StepStarted
from assetflow.model.history import Snapshot
from assetflow.model.plan import Targets
from assetflow.plan import plan
from assetflow.resource import Resource
from assetflow.run import Stop, execute
from assetflow.store.memory import MemoryStore
from assetflow.store.values import Values

class Api(Resource):
    @contextmanager
    def open(self):
        try:
            yield self
        finally:
            print("closed", flush=True)

def wait():
    if {mode!r} == "deaf":
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass
    if {mode!r} == "blocks":
        time.sleep(60)
    while True:
        time.sleep(0.01)

@asset(version="1")
def quick(api: Api) -> int:
    return 1

@asset(version="1")
def slow(quick: int) -> int:
    print_to_terminal("slow")
    wait()
    return 2

@asset(version="1")
def beside(quick: int) -> int:
    return 3

@asset(version="1")
def last(slow: int) -> int:
    return 3

def print_to_terminal(text):
    sys.__stdout__.write(text + "\\n")
    sys.__stdout__.flush()

folder = Path(sys.argv[1])
settings = Settings(root=folder, catalog="sqlite://", store=str(folder / "store"))
loaded = load(settings, assets=[quick, slow, beside, last], resources={{"api": Api()}})
assert not loaded.mistakes, loaded.mistakes
catalog = Catalog.open("sqlite://", create=True)
now = datetime.now(UTC)
with catalog.view("main") as view:
    histories = dict(view.histories(list(loaded.graph.assets)))
planned = plan(loaded.graph, Snapshot(environment="main", revision=0, as_of=now, histories=histories), Targets())
stop = Stop()
try:
    for event in execute(
        planned, loaded, catalog.journal("main", lambda: datetime.now(UTC)), Values(MemoryStore()),
        folder=folder, jobs=2, executor={executor!r}, stop=stop,
    ):
        match event:
            case StepFinished():
                print(event.step.asset.name, event.outcome, flush=True)
            case RunFinished():
                print("run", event.status, stop.signal, flush=True)
except KeyboardInterrupt:
    print("at once", stop.signal, flush=True)
"""


class Program:
    """A run whose step ``slow`` does not end by itself."""

    def __init__(self, folder: Path, executor: str, mode: str) -> None:
        path = folder / "program.py"
        path.write_text(PROGRAM.format(executor=executor, mode=mode))
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        self.process = subprocess.Popen(
            [sys.executable, str(path), str(folder)], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stdout is not None
        self.lines: list[str] = []
        while not self.lines or self.lines[-1] != "slow":
            line = self.process.stdout.readline()
            assert line, self.lines
            self.lines.append(line.strip())

    def end(self) -> list[str]:
        """Its lines, once it has ended."""
        out, _ = self.process.communicate(timeout=20)
        return self.lines + out.split("\n")


@pytest.mark.parametrize(
    ("executor", "mode", "number"),
    [
        ("inline", "polite", signal.SIGINT),
        ("inline", "blocks", signal.SIGTERM),
        ("inline", "polite", signal.SIGHUP),
        ("threads", "polite", signal.SIGINT),
        ("threads", "blocks", signal.SIGTERM),
    ],
)
def test_one_signal_ends_a_run_cleanly_within_three_seconds(
    tmp_path: Path, executor: str, mode: str, number: int
) -> None:
    program = Program(tmp_path, executor, mode)
    started = time.monotonic()
    program.process.send_signal(number)
    lines = program.end()
    assert time.monotonic() - started < 3 + 1  # a second for this machine
    assert "quick materialized" in lines
    assert "slow not_run" in lines
    assert "last not_run" in lines
    assert f"run cancelled {int(number)}" in lines
    assert "closed" in lines
    assert program.process.returncode == 0


def test_the_second_signal_ends_a_run_at_once(tmp_path: Path) -> None:
    program = Program(tmp_path, "threads", "deaf")
    program.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    started = time.monotonic()
    program.process.send_signal(signal.SIGINT)
    lines = program.end()
    assert time.monotonic() - started < 1.5
    assert "at once 2" in lines


def test_a_request_wakes_whoever_waits() -> None:
    woken: list[bool] = []
    stop = Stop()
    with stop.listening(lambda: woken.append(True)):
        stop.request()
    assert woken == [True]
    assert stop.requested
    assert stop.signal is None


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Stop().listening(lambda: None):
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) is before


def test_an_inline_step_is_interrupted_by_the_first_signal() -> None:
    stop = Stop()
    with stop.listening(lambda: None):
        stop.interruptible = True
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGINT)
    assert stop.requested
    assert stop.signal == signal.SIGINT
