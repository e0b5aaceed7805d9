"""Carrying out a plan: journal, values and listeners are handed to the run, and what it proved is remembered."""

from __future__ import annotations

import getpass
import platform
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assetflow import run as room
from assetflow.catalog.liveness import lease_seconds
from assetflow.model.event import Listener, RunFinished, StepFinished
from assetflow.model.journal import Outcome, RunStatus
from assetflow.model.plan import Plan
from assetflow.project.results import Result

if TYPE_CHECKING:
    from assetflow.project.opened import Project

__all__ = ["USUAL", "RunOptions", "Running"]

#: Packages whose versions are recorded with a run where they are loaded: they decide what tables hold.
_TOLD = ("assetflow", "pyarrow", "duckdb", "polars", "pandas", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a plan is to be carried out."""

    #: The selection as written, to be recorded.
    targets: tuple[str, ...] = ()
    #: How many steps at once; None: as the settings say.
    jobs: int | None = None
    #: ``inline`` or ``threads``; None: as the plan asks for.
    executor: str | None = None
    fail_fast: bool = False
    #: How many partitions one call makes at most, of assets with ``batch=``; None: as these say.
    chunk: int | None = None
    #: Begin with the partitions of the newest windows.
    newest_first: bool = False
    listeners: tuple[Listener, ...] = ()
    #: Given each line that steps log, as JSON, from the steps' threads.
    log_lines: Callable[[str], None] | None = None


#: As the settings and the plan say.
USUAL = RunOptions()


class Running:
    """One carrying out."""

    def __init__(self, project: Project, read: Callable[[Any, str], Any]) -> None:
        self._project = project
        self._read = read

    def carried_out(self, plan: Plan, options: RunOptions) -> Result:
        """Run the plan's steps, if there are any; then remember what was proved fresh before it."""
        project = self._project
        if not plan.steps:
            if project.reading.found and plan.memos:
                project.writing.remember(plan.environment, plan.memos)
                self._save_caches()
            counts = dict.fromkeys(Outcome, 0)
            return Result(run=None, status=RunStatus.SUCCEEDED, counts=counts, steps=(), read=self._read)
        project.writing.record_definitions(plan.environment, project.loaded.graph.definitions.values())
        result = self._executed(plan, options)
        project.writing.remember(plan.environment, plan.memos)
        self._save_caches()
        # A reader opened before this run made the catalog would go on seeing none.
        if (reading := project.__dict__.pop("reading", None)) is not None and reading is not project.writing:
            reading.close()
        return result

    def _executed(self, plan: Plan, options: RunOptions) -> Result:
        project = self._project
        steps: list[StepFinished] = []
        finished: RunFinished | None = None
        stop = room.Stop()
        for event in room.execute(
            plan,
            project.loaded,
            project.writing.journal(plan.environment, project.world.now),
            project.values(),
            targets=options.targets,
            facts=facts(project.loaded.root),
            jobs=options.jobs or project.settings.jobs,
            executor=options.executor,
            fail_fast=options.fail_fast,
            chunk=options.chunk,
            newest_first=options.newest_first,
            listeners=options.listeners,
            world=project.world,
            folder=project.state_folder,
            lease=timedelta(seconds=lease_seconds()),
            files=project.files,
            stop=stop,
            log_lines=options.log_lines,
        ):
            if isinstance(event, StepFinished):
                steps.append(event)
            elif isinstance(event, RunFinished):
                finished = event
        assert finished is not None
        return Result(
            run=finished.run,
            status=finished.status,
            counts={outcome: finished.counts.get(outcome, 0) for outcome in Outcome},
            steps=tuple(steps),
            seconds=finished.seconds,
            spared=finished.spared,
            signal=stop.signal,
            read=self._read,
        )

    def _save_caches(self) -> None:
        self._project.files.save()
        self._project.loaded.save_caches()


def facts(root: Path) -> Mapping[str, str]:
    """What a run is understood by later."""
    told = {
        "command": " ".join(Path(word).name if place == 0 else word for place, word in enumerate(_command())),
        "user": _user(),
        "host": socket.gethostname(),
        "python": platform.python_version(),
    }
    for name in _TOLD:
        if name in sys.modules:
            try:
                told[name] = version(name)
            except PackageNotFoundError:
                continue
    if commit := _git(root, "rev-parse", "HEAD"):
        dirty = _git(root, "status", "--porcelain", "--untracked-files=no")
        told["git"] = commit[:12] + (" with changes" if dirty else "")
    return told


def _command() -> list[str]:
    """The command as given, but for the values of parameters: they may be anything."""
    program, *words = sys.argv
    hidden = ["assetflow" if program.endswith("__main__.py") else program, *words]
    hidden = [word.split("=")[0] + "=…" if place and "=" in word else word for place, word in enumerate(hidden)]
    return hidden[:40]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _git(root: Path, *arguments: str) -> str:
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
