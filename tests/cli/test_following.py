"""What goes on while one looks at it: ``status --watch``, ``logs --follow``, ``materialize --log-format json``."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from typing import Any

import pytest

SLOW = """
import logging
import time
from assetflow import Context, asset

@asset
def text(ctx: Context) -> str:
    print("first")
    ctx.progress(1, 2)
    while not GO.exists():
        time.sleep(0.02)
    ctx.log.warning("second\\u2028line")
    return "a" * 10

@asset
def broken(text: str) -> int:
    raise ValueError("no number")

@asset
def after(broken: int) -> int:
    return broken
"""


@pytest.fixture
def slow(folder: Any) -> Any:
    folder.write("shop.py", f"from pathlib import Path\nGO = Path({str(folder.path / 'go')!r})\n{SLOW}")
    return folder


class Reader:
    """The lines of a process as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.seen: list[str] = []
        self._lines: Queue[str] = Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def until(self, wanted: Callable[[str], bool] | str, seconds: float = 30) -> str:
        """The next line that is wanted."""
        ends = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, ends - time.monotonic()))
            except Empty:
                raise AssertionError(f"not seen: {wanted}; seen: {self.seen}") from None
            self.seen.append(line)
            if wanted in line if isinstance(wanted, str) else wanted(line):
                return line


@contextmanager
def started(project: Any, *arguments: str) -> Iterator[Reader]:
    process = project.start(*arguments)
    try:
        yield Reader(process)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            stream.close()


def test_a_watch_tells_each_change_and_follows_the_code(shop: Any) -> None:
    with started(shop, "status", "--watch") as watch:
        watch.until("5 assets in main: 4 missing, 1 fresh")
        shop.run("materialize")
        for name in ("large", "report", "total"):
            watch.until(lambda line, name=name: f"shop.{name} " in line and "● fresh" in line)  # type: ignore[misc]
        shop.edit("shop/rules.py", "15.0", "60.0")
        line = watch.until(lambda line: "shop.large " in line and "○ stale" in line)
        assert "LARGE" in line
        shop.edit("shop/rules.py", "60.0", "60.0 +")
        watch.until("shop.large")
        shop.edit("shop/rules.py", "60.0 +", "15.0")
        watch.until(lambda line: "shop.large " in line and "● fresh" in line)
        watch.process.send_signal(signal.SIGINT)
        assert watch.process.wait(20) == 130
        assert watch.process.stderr is not None
        assert "Traceback" not in watch.process.stderr.read()


def test_a_watch_with_json_prints_an_object_a_change(shop: Any) -> None:
    with started(shop, "status", "total", "--watch", "--json") as watch:
        first = json.loads(watch.until("{"))
        assert [(a["key"], a["state"]) for a in first["assets"]] == [("shop.total", "missing")]
        shop.run("materialize")
        watch.until(lambda line: json.loads(line)["assets"][0]["state"] == "fresh")


def test_a_watch_on_a_terminal_is_a_tree_with_bars_that_fits(shop: Any) -> None:
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 80, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "PYTHONUTF8": "1"}
    environment.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "assetflow", "status", "--watch"]
    process = subprocess.Popen(command, cwd=shop.path, stdout=side, stderr=side, stdin=side, env=environment)
    os.close(side)
    try:
        seen = ""
        ends = time.monotonic() + 30
        while "└─" not in seen and time.monotonic() < ends:
            seen += os.read(main, 65536).decode("utf-8", "replace")
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen).replace("\r", "")
        lines = [line.rstrip() for line in plain.split("\n")]
        assert any(line.startswith("5 assets in main: 4 missing, 1 fresh") for line in lines)
        assert any(re.fullmatch(r"██░{10}  shop", line) for line in lines), lines
        assert any(line.startswith("├─ · large") for line in lines)
        assert max(map(len, lines)) <= 80
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        os.close(main)


def test_logs_are_followed_until_the_run_ends(slow: Any) -> None:
    with started(slow, "materialize") as run:
        deadline = time.monotonic() + 30
        while slow.run("runs", code=None).out.count("running") == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        with started(slow, "logs", "last", "--follow") as logs:
            assert logs.until("first").endswith("shop.text  first")
            assert logs.process.poll() is None
            (slow.path / "go").touch()
            logs.until(lambda line: "WARNING" in line and "second" in line)
            logs.until("no number")
            assert logs.process.wait(20) == 0
        assert run.process.wait(20) == 1
    # Of a run that has ended it is what it always is.
    followed, plain = slow.run("logs", "1", "-f").out, slow.run("logs", "1").out
    assert followed == plain
    assert slow.run("logs", "1", "text").out.count("\n") == 2
    lines = [json.loads(line) for line in slow.run("logs", "1", "text", "-f", "--json").out.strip().split("\n")]
    assert [(line["format"], line["text"]) for line in lines] == [(1, "first"), (1, "second\u2028line")]


def test_a_run_can_tell_all_as_json_lines(slow: Any) -> None:
    (slow.path / "go").touch()
    done = slow.run("materialize", "--log-format", "json", code=1)
    assert done.out == ""
    lines = [json.loads(line) for line in done.err.splitlines()]
    assert all({"at", "run", "level", "event"} <= line.keys() for line in lines)
    of_steps = [line for line in lines if not line["event"].startswith("run ")]
    assert all({"asset", "key", "attempt"} <= line.keys() for line in of_steps)
    told = [(line["event"], line.get("asset", ""), line.get("text", "")) for line in lines]
    assert told[0][0] == "run started"
    assert told[-1][0] == "run finished"
    assert ("log", "shop.text", "first") in told
    assert ("log", "shop.text", "second\u2028line") in told
    assert ("step finished", "shop.broken", "ValueError: no number") in told
    assert {line["attempt"] for line in of_steps if line["asset"] == "shop.text"} == {1}
    (progress,) = [line for line in lines if line["event"] == "progress"]
    assert (progress["done"], progress["total"]) == (1, 2)
    outcomes = {line["asset"]: line["outcome"] for line in lines if line["event"] == "step finished"}
    assert outcomes == {"shop.text": "materialized", "shop.broken": "failed", "shop.after": "not_run"}
    assert lines[-1]["counts"]["failed"] == 1
    # With --json the one object is on stdout, and the lines beside it.
    both = slow.run("materialize", "--retry-failed", "--log-format", "json", "--json", code=1)
    assert both.json["counts"]["failed"] == 1
    assert json.loads(both.err.splitlines()[0])["event"] == "run started"
