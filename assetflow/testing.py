"""For tests of your own assets: a project on a temporary catalog, a clock one can turn, planned failures.

The pytest plugin gives the fixture ``assetflow_project``; ``context()`` stands in for ``Context`` in plain calls;
``StoreContract`` has the tests that a store of one's own must pass; ``tables`` makes hypothesis strategies of row
models.
"""

from __future__ import annotations

import atexit
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from assetflow.model.context import Batch, Context, KeyEdits, PartitionContext, RunContext
from assetflow.model.durations import duration
from assetflow.model.partitioning import SINGLE, Partitioning

if TYPE_CHECKING:
    from assetflow.model.plan import Plan
    from assetflow.project import Project, Result
    from assetflow.store.contract import StoreContract
    from assetflow.types.strategies import tables

__all__ = ["Clock", "ProjectForTests", "StoreContract", "assetflow_project", "context", "tables"]


def __getattr__(name: str) -> Any:  # PEP 562, so that every pytest run need not load them
    if name == "StoreContract":
        return import_module("assetflow.store.contract").StoreContract
    if name == "tables":
        return import_module("assetflow.types.strategies").tables
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


#: When the tests' clock begins.
START = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is turned; sleeping turns it and takes no time."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        #: Every sleep, in seconds, in order.
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The instant, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock began."""
        return (self._now - START).total_seconds()

    def sleep(self, seconds: float) -> None:
        """Turn the clock."""
        self.slept.append(seconds)
        self._now += timedelta(seconds=seconds)

    def advance(self, by: timedelta | str) -> None:
        """Turn the clock: ``clock.advance("1d")``."""
        self._now += duration(by)


@dataclass(slots=True)
class _Failures:
    error: BaseException
    left: int


@dataclass(slots=True)
class ProjectForTests:
    """A project on a temporary catalog and store. Nothing of the real ones is touched."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    #: Used instead of configured resources.
    resources: dict[str, object] = field(default_factory=dict)
    _declared: tuple[Any, ...] = ()
    _modules: tuple[str, ...] = ()
    _root: Path | None = None
    _failures: dict[Any, _Failures] = field(default_factory=dict)

    def use(self, *assets: Any) -> ProjectForTests:
        """Test these declarations (and what their modules hold) instead of the project that the settings name."""
        self._declared = assets
        return self

    def open(self, directory: Path | str | None = None, *modules: str) -> ProjectForTests:
        """Test the project of another folder, or of modules, instead of the one above the working folder."""
        self._root, self._modules = None if directory is None else Path(directory), modules
        return self

    def fail(self, asset: Any, *, attempts: int = 1, error: BaseException | None = None) -> None:
        """Make the next attempts at an asset raise (by default a TimeoutError), before its function is called."""
        self._failures[asset] = _Failures(error or TimeoutError("planned by the test"), attempts)

    def plan(self, *selection: Any, **options: Any) -> Plan:
        """What would run and why: see ``Project.plan``."""
        return self.project().plan(*selection, **options)

    def materialize(self, *selection: Any, **options: Any) -> Result:
        """Make it so: see ``Project.materialize``. Runs in this thread, so that a breakpoint works."""
        return self.project().materialize(*selection, **{"jobs": 1, "executor": "inline", **options})

    def load(self, asset: Any, **options: Any) -> Any:
        """A current value: see ``Project.load``."""
        return self.project().load(asset, **options)

    def project(self) -> Project:
        """The project as its code is now."""
        settings_module = import_module("assetflow.load.settings")
        load = import_module("assetflow.load.load").load
        opened = import_module("assetflow.project").Project
        places = {"catalog": str(self.folder / "catalog.db"), "store": str(self.folder / "store")}
        if self._declared:
            settings = settings_module.Settings(root=Path.cwd(), **places)
        else:
            settings = replace(settings_module.find_settings(self._root, modules=self._modules), **places)
        assets = self._declared or None

        def loader() -> Any:
            loaded = load(settings, assets=assets, resources=self.resources, recorded=project.recorded)
            return self._failing(loaded)

        project: Project = opened(settings, world=self.clock, loader=loader)
        return project

    def _failing(self, loaded: Any) -> Any:
        """The project with functions that fail as planned. Its code versions are those of the real ones."""
        bound = dict(loaded.bound)
        for asset, planned in self._failures.items():
            for key, one in loaded.bound.items():
                # A query has no function of its own, and goes by its name.
                name = asset if isinstance(asset, str) else getattr(asset, "name", "")
                own = getattr(asset, "function", None)
                if one.function is own or (own is None and name in {str(key), key.name}):
                    bound[key] = replace(one, function=_failing(one.function, planned))
        return replace(loaded, bound=bound)


def _failing(function: Callable[..., Any], planned: _Failures) -> Callable[..., Any]:
    def call(**arguments: Any) -> Any:  # what the user's function takes
        if planned.left > 0:
            planned.left -= 1
            raise planned.error
        return function(**arguments)

    return call


@pytest.fixture
def assetflow_project() -> Iterator[ProjectForTests]:
    """A project on a temporary catalog and store; see :class:`ProjectForTests`."""
    with tempfile.TemporaryDirectory(prefix="assetflow-test-") as folder:
        yield ProjectForTests(Path(folder))


class _PlainContext(Context):
    """Stands in for the running step where an asset is called as a plain function."""

    def __init__(self, partitions: Batch, state: Mapping[str, Any], folder: Callable[[], Path]) -> None:
        self._partitions = partitions
        self._state = dict(state)
        self._metadata: dict[str, Any] = {}
        self._folder = folder
        #: What was recorded and how far it got, for assertions.
        self.recorded: list[tuple[str, str]] = []
        self.progressed: list[tuple[float, float]] = []
        self._edits = KeyEdits()

    @property
    def partition(self) -> PartitionContext:
        return self._partitions[0]

    @property
    def batch(self) -> Batch:
        return self._partitions

    @property
    def run(self) -> RunContext:
        return RunContext(0, "test")

    @property
    def log(self) -> logging.Logger:
        return logging.getLogger("assetflow.asset")

    @property
    def metadata(self) -> MutableMapping[str, Any]:
        return self._metadata

    @property
    def scratch(self) -> Path:
        return self._folder()

    @property
    def duckdb(self) -> Any:
        return import_module("duckdb").connect()

    @property
    def state(self) -> MutableMapping[str, Any]:
        return self._state

    @property
    def partitions(self) -> KeyEdits:
        return self._edits

    def record(self, uri: str, hash: str) -> None:
        self.recorded.append((uri, hash))

    def progress(self, done: float, total: float) -> None:
        self.progressed.append((done, total))


def context(
    *,
    partition: str = "",
    partitions: Partitioning = SINGLE,
    batch: Sequence[str] = (),
    state: Mapping[str, Any] | None = None,
) -> _PlainContext:
    """A ``Context`` for calling an asset as a plain function. Its scratch folder goes with the process.

    ``partitions`` are those of the asset, where it asks for the window or the dimensions of its ``partition``. An asset
    with ``batch=True`` is given the keys of a ``batch``.
    """
    made: list[Path] = []

    def folder() -> Path:
        if not made:
            made.append(Path(_ENDING.enter_context(tempfile.TemporaryDirectory(prefix="assetflow-scratch-"))))
        return made[0]

    made_together = Batch(PartitionContext(key, partitions) for key in (batch or (partition,)))
    return _PlainContext(made_together, state or {}, folder)


_ENDING = ExitStack()
atexit.register(_ENDING.close)
