"""``status --watch``: how things stand as it changes, until Ctrl-C: a live tree on a terminal, lines elsewhere."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from assetflow.cli.deciding import status_object, status_summary, told
from assetflow.cli.output import MARKS, Output, printable
from assetflow.model.durations import duration_text
from assetflow.model.plan import State

if TYPE_CHECKING:
    from assetflow.catalog.records import Run
    from assetflow.project import AssetStatus, Project

__all__ = ["watch"]

#: Seconds between two looks, and how many times longer than a look took it rests at least.
_PAUSE, _REST = 1.0, 4
_BAR = 12

#: Takes the project and how its assets stand, and shows it.
Shown: TypeAlias = "Callable[[Project, Sequence[AssetStatus]], None]"


def watch(out: Output, project: Project, selection: Sequence[str]) -> None:
    """Show how the selected assets stand, again and again. Edited code begins the command anew.

    Raises KeyboardInterrupt at Ctrl-C, once the look that is going on is over; a second one ends it at once.
    """
    stamps = _stamps(project)
    with _interrupted() as stop, _showing(out) as show:
        while _stamps(project) == stamps and not stop.is_set():
            began = time.monotonic()
            with project.reread() as now:
                show(now, now.status(*selection))
            stop.wait(max(_PAUSE, _REST * (time.monotonic() - began)))
    out.out.flush()
    if stop.is_set():
        raise KeyboardInterrupt
    os.execv(sys.executable, sys.orig_argv)


@contextmanager
def _interrupted() -> Iterator[threading.Event]:
    """Whether Ctrl-C was pressed, once; then it interrupts again as it always does."""
    stop = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def pressed(*_: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, pressed)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _stamps(project: Project) -> dict[str, int]:
    """When the files of the project's code were written, among them those that could not be imported."""
    root, loaded = project.settings.root, project.loaded
    files = {str(root / place.rpartition(":")[0]) for mistake in loaded.mistakes for place in mistake.where}
    files |= {str(root / project.settings.file)} | set(
        loaded.project_sources.imported if loaded.project_sources else ()
    )
    return {file: _written_at(file) for file in sorted(files)}


def _written_at(file: str) -> int:
    try:
        return Path(file).stat().st_mtime_ns
    except OSError:
        return 0


@contextmanager
def _showing(out: Output) -> Iterator[Shown]:
    if out.json:
        yield _changes(lambda project, standing: out.object(**status_object(project, standing)), out)
        return
    if not out.colour(out.out):
        yield _changes(_Lines(out), out)
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.live import Live  # noqa: PLC0415

    console = Console(file=out.out, highlight=False)
    with Live(console=console, auto_refresh=False) as live:

        def show(project: Project, standing: Sequence[AssetStatus]) -> None:
            live.update(_picture(project, standing, console.height), refresh=True)

        yield show


def _changes(show: Shown, out: Output) -> Shown:
    """Show only what is not as it was shown before."""
    last: list[Sequence[AssetStatus]] = []

    def shown(project: Project, standing: Sequence[AssetStatus]) -> None:
        if last != [standing]:
            show(project, standing)
            out.out.flush()
            last[:] = [standing]

    return shown


class _Lines:
    """A line for each asset, then one for each whose state changes."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._states: dict[Any, str] = {}

    def __call__(self, project: Project, standing: Sequence[AssetStatus]) -> None:
        first = not self._states
        at = datetime.now().astimezone().strftime("%H:%M:%S")
        for each in standing:
            said = f"{self._out.mark(str(each.state))}{_share(each)}"
            if self._states.get(each.key) != said:
                self._states[each.key] = said
                self._out.line(f"{at}  {each.key!s:<32}  {said:<12}  {told(each)}".rstrip())
        if first:
            self._out.line(f"{at}  {status_summary(project, standing)}")


def _share(status: AssetStatus) -> str:
    return "" if status.total == 1 else f" {status.partitions.get(State.FRESH, 0)}/{status.total}"


def _picture(project: Project, standing: Sequence[AssetStatus], height: int) -> Any:
    """A tree of groups and assets with bars. What is fresh gives way where the terminal is not high enough."""
    from rich.text import Text  # noqa: PLC0415

    groups: dict[str, list[AssetStatus]] = {}
    for each in standing:
        groups.setdefault(each.key.group, []).append(each)
    running = [run for run in project.past.runs(limit=5) if run.status == "running"]
    room = height - len(running) - 2 * len(groups) - 3
    hidden = max(0, len(standing) - room)
    picture = Text(no_wrap=True, overflow="ellipsis")
    picture.append(f"{status_summary(project, standing)}", "bold")
    picture.append(f"   {datetime.now().astimezone():%H:%M:%S}\n", "dim")
    for run in running:
        picture.append(_running(run) + "\n", "blue")
    for group, members in groups.items():
        picture.append(_bar([sum(s.state is state for s in members) for state in State]))
        picture.append(f"  {group}\n", "bold")
        shown = [s for s in members if s.state is not State.FRESH or hidden <= 0]
        left = len(members) - len(shown)
        for place, each in enumerate(shown):
            last = place == len(shown) - 1 and not left
            picture.append_text(_branch(each, "└─ " if last else "├─ "))
        if left:
            picture.append(f"└─ {left} fresh\n", "dim")
    picture.rstrip()
    return picture


def _branch(status: AssetStatus, lead: str) -> Any:
    from rich.text import Text  # noqa: PLC0415

    mark, style = MARKS.get(str(status.state), (" ", ""))
    line = Text(lead, style="dim")
    line.append(f"{mark} {status.key.name:<28} ", style)
    if status.total != 1:
        line.append(_bar([status.partitions.get(state, 0) for state in State]))
        line.append(f" {status.partitions.get(State.FRESH, 0)}/{status.total} ", "dim")
    line.append(f"{str(status.state).replace('_', ' '):<8} ", style)
    line.append(printable(told(status)).replace("\n", " "), "dim")
    return line.append("\n")


def _bar(counts: Sequence[int]) -> Any:
    """How many of each state, worst first, as a bar whose full part is fresh. One that is not fresh is always seen."""
    from rich.text import Text  # noqa: PLC0415

    total = sum(counts) or 1
    fresh = counts[list(State).index(State.FRESH)]
    full = _BAR * fresh // total
    worst = next((state for state, n in zip(State, counts, strict=True) if n), State.FRESH)
    return Text("█" * full, style="green").append("░" * (_BAR - full), MARKS.get(str(worst), ("", "dim"))[1])


def _running(run: Run) -> str:
    took = duration_text(max(0.0, (datetime.now().astimezone() - run.started_at).total_seconds()))
    counts = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in run.counts.items() if n)
    return f"▸ run {run.id} ({' '.join(run.targets) or 'everything'}), for {took}: {counts or 'nothing has ended yet'}"
