"""A workshop to run plans in: assets, a store in memory, a clock that stands still, and two journals to choose from.

``Book`` is the journal's contract in plain dictionaries, obviously right; the tests that use ``workshop`` are run
with it and with the catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assetflow.catalog import Catalog
from assetflow.errors import BusyError
from assetflow.load.definitions import Loaded
from assetflow.load.load import load
from assetflow.load.settings import Settings
from assetflow.load.sources import FileVersions, observe
from assetflow.model.event import AttemptFailed, Event, RunFinished, StepFinished
from assetflow.model.history import History, Materialization, Setback, SetbackKind, Snapshot
from assetflow.model.journal import (
    Busy,
    Claim,
    Claimed,
    Committed,
    Failed,
    Failure,
    Finished,
    Held,
    Kept,
    Made,
    NewRun,
    Reused,
    RunStatus,
    Skipped,
)
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.plan import Plan, Targets
from assetflow.model.versions import Stored
from assetflow.plan import plan as decided
from assetflow.run import execute
from assetflow.store.memory import MemoryStore
from assetflow.store.values import Values

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Clock:
    """Stands still until somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._now = START

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - START).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += timedelta(seconds=seconds)


@dataclass
class Book:
    """The journal of one environment, in memory."""

    clock: Clock
    runs: dict[int, RunStatus] = field(default_factory=dict)
    leases: dict[Partition, tuple[int, int]] = field(default_factory=dict)  # output → run, attempt
    current: dict[Partition, Materialization] = field(default_factory=dict)
    places: dict[int, tuple[Materialization, Stored, str | None]] = field(default_factory=dict)
    setbacks: dict[Partition, Setback] = field(default_factory=dict)
    retried: list[Failure] = field(default_factory=list)
    #: Every group that was committed, and how many steps were claimed with it.
    groups: list[tuple[tuple[Finished, ...], int]] = field(default_factory=list)
    counts: Mapping[str, int] = field(default_factory=dict)
    claims: int = 0
    attempts: int = 0
    #: Called at the start of each commit; may raise, or take leases away.
    before_commit: Callable[[Sequence[Finished]], None] = lambda finished: None

    def begin(self, run: NewRun) -> int:
        number = len(self.runs) + 1
        self.runs[number] = RunStatus.RUNNING
        return number

    def observe(self, run: int, sources: Mapping[Partition, Stored]) -> Mapping[Partition, Materialization]:
        for partition, stored in sources.items():
            current = self.current.get(partition)
            if current is None or current.data.digest != stored.data.digest:
                self._publish(partition, "", stored, attempt=0, recipe=None)
        return {partition: self.current[partition] for partition in sources}

    def claim(self, run: int, claims: Sequence[Claim]) -> tuple[Claimed | Busy, ...]:
        self.claims += 1
        return tuple(self._claim(run, claim) for claim in claims)

    def _claim(self, run: int, claim: Claim) -> Claimed | Busy:
        for output in claim.outputs:
            if output in self.leases:
                return Busy(id=claim.id, run=self.leases[output][0])
        self.attempts += 1
        for output in claim.outputs:
            self.leases[output] = (run, self.attempts)
        return Claimed(
            id=claim.id,
            attempt=self.attempts,
            histories={output: self.history(output) for output in claim.outputs},
            inputs={p: self.current[p] for p in claim.inputs if p in self.current},
        )

    def history(self, partition: Partition) -> History:
        past = [m for m, _, _ in self.places.values() if m.partition == partition]
        return History(
            current=self.current.get(partition),
            by_trace={each.trace: each for each in past},
            setback=self.setbacks.get(partition),
        )

    def retry(
        self, run: int, attempt: int, failure: Failure, *, started_at: datetime, seconds: float, wait: timedelta
    ) -> int:
        held = [output for output, lease in self.leases.items() if lease == (run, attempt)]
        if not held:
            raise BusyError("lease-lost", "gone")
        self.retried.append(failure)
        self.attempts += 1
        for output in held:
            self.leases[output] = (run, self.attempts)
        return self.attempts

    def commit(self, run: int, finished: Sequence[Finished], claims: Sequence[Claim] = ()) -> Committed:
        self.before_commit(finished)
        self.groups.append((tuple(finished), len(claims)))
        mine = {attempt for holder, attempt in self.leases.values() if holder == run}
        lost: set[Partition] = set()
        lost_attempts: set[int] = set()
        made: dict[Partition, Materialization] = {}
        for step in finished:
            reads = {read.attempt for edge in step.reads for read in edge} if isinstance(step, Made) else set()
            if step.attempt not in mine or reads & lost_attempts:
                lost.add(step.id)
                lost_attempts.add(step.attempt)
                continue
            made |= self._record(run, step)
        ended = {step.attempt for step in finished}
        self.leases = {output: lease for output, lease in self.leases.items() if lease[1] not in ended}
        claimed = tuple(self._claim(run, claim) for claim in claims)
        return Committed(lost=frozenset(lost), materializations=made, claimed=claimed)

    def _record(self, run: int, step: Finished) -> dict[Partition, Materialization]:
        match step:
            case Held():
                for o in step.outputs:
                    self.setbacks[o.partition] = Setback(
                        kind=SetbackKind.HELD,
                        trace=step.trace.digest or "",
                        failure=step.failure.kind,
                        message=step.failure.message,
                        at=self.clock.now(),
                        run=run,
                    )
                return {}
            case Made():
                return {
                    o.partition: self._publish(
                        o.partition,
                        step.trace.digest or "",
                        o.stored,
                        attempt=step.attempt,
                        recipe=step.trace,
                        state=o.state,
                        seconds=step.seconds,
                    )
                    for o in step.outputs
                }
            case Reused():
                for one in step.materializations:
                    self.current[one.partition] = one
                    self.setbacks.pop(one.partition, None)
                return {one.partition: one for one in step.materializations}
            case Skipped() | Failed():
                failed = isinstance(step, Failed)
                for output in step.outputs:
                    self.setbacks[output] = Setback(
                        kind=SetbackKind.FAILED if failed else SetbackKind.SKIPPED,
                        trace=step.trace,
                        failure=step.failure.kind if isinstance(step, Failed) else None,
                        message=step.failure.message if isinstance(step, Failed) else step.reason,
                        at=self.clock.now(),
                        run=run,
                    )
                return {}
            case Kept():
                return {}

    def _publish(
        self,
        partition: Partition,
        trace: str,
        stored: Stored,
        *,
        attempt: int,
        recipe: Any,
        state: str | None = None,
        seconds: float = 0.0,
    ) -> Materialization:
        id = len(self.places) + 1
        made = Materialization(
            id=id,
            partition=partition,
            version=1 + sum(m.partition == partition for m, _, _ in self.places.values()),
            attempt=attempt,
            trace=trace,
            recipe=recipe.recipe if recipe else None,  # type: ignore[arg-type]
            edges=recipe.edges if recipe else (),
            data=stored.data,
            made_at=self.clock.now(),
            seconds=seconds,
            stateful=state is not None,
        )
        self.places[id] = (made, stored, state)
        self.current[partition] = made
        self.setbacks.pop(partition, None)
        return made

    def stored(self, materializations: Sequence[int]) -> Mapping[int, Stored]:
        return {id: self.places[id][1] for id in materializations if id in self.places}

    def state(self, materialization: int) -> str | None:
        return self.places[materialization][2]

    def renew(self, run: int) -> None:
        pass

    def finish(self, run: int, status: RunStatus, counts: Mapping[str, int], *, at: datetime) -> None:
        assert self.runs[run] is RunStatus.RUNNING
        self.runs[run] = status
        self.counts = counts
        self.leases = {output: lease for output, lease in self.leases.items() if lease[0] != run}

    def histories(self, assets: Sequence[AssetKey]) -> dict[Partition, History]:
        found = set(self.current) | set(self.setbacks) | {m.partition for m, _, _ in self.places.values()}
        return {partition: self.history(partition) for partition in found if partition.asset in assets}


@dataclass
class Ran:
    """What a run told."""

    events: list[Event]

    @property
    def finished(self) -> dict[str, StepFinished]:
        return {e.step.asset.name: e for e in self.events if isinstance(e, StepFinished)}

    @property
    def outcomes(self) -> dict[str, str]:
        return {name: str(event.outcome) for name, event in self.finished.items()}

    @property
    def retries(self) -> list[AttemptFailed]:
        return [e for e in self.events if isinstance(e, AttemptFailed)]

    @property
    def end(self) -> RunFinished:
        (end,) = [e for e in self.events if isinstance(e, RunFinished)]
        return end

    @property
    def status(self) -> RunStatus:
        return self.end.status

    def failure(self, name: str) -> Failure:
        failure = self.finished[name].failure
        assert failure is not None
        return failure


class Workshop:
    """Plans and runs assets on one journal."""

    def __init__(self, folder: Path, clock: Clock, book: Book | None, catalog: Catalog | None) -> None:
        self.folder = folder
        self.clock = clock
        self._book = book
        self._catalog = catalog
        self.values = Values(MemoryStore())
        self.loaded: Loaded | None = None

    @property
    def book(self) -> Book:
        assert self._book is not None
        return self._book

    def journal(self) -> Any:
        if self._book is not None:
            return self._book
        assert self._catalog is not None
        return self._catalog.journal("main", self.clock.now)

    def load(self, *assets: Any, resources: Mapping[str, object] | None = None) -> Loaded:
        settings = Settings(root=self.folder, catalog="sqlite://", store=str(self.folder / "store"))
        loaded = load(settings, assets=assets, resources=resources or {})
        assert not loaded.mistakes, "\n".join(map(str, loaded.mistakes))
        return loaded

    def plan(self, loaded: Loaded, **targets: Any) -> Plan:
        seen = {
            Partition(key, each): stored
            for key, source in loaded.sources.items()
            for each, stored in observe(source, FileVersions()).items()
        }
        assets = list(loaded.graph.assets)
        if self._book is not None:
            histories: Mapping[Partition, History] = self._book.histories(assets)
        else:
            assert self._catalog is not None
            with self._catalog.view("main") as view:
                histories = dict(view.histories(assets))
        snapshot = Snapshot(
            environment="main",
            revision=0,
            as_of=self.clock.now(),
            observed={partition: stored.data for partition, stored in seen.items()},
            histories=histories,
        )
        return decided(loaded.graph, snapshot, Targets(**targets))

    def start(self, plan: Plan, loaded: Loaded, **options: Any) -> Iterator[Event]:
        defaults = {"folder": self.folder, "jobs": 1, "world": self.clock}
        return execute(plan, loaded, self.journal(), self.values, **{**defaults, **options})

    def run(
        self, *assets: Any, resources: Mapping[str, object] | None = None, targets: Any = None, **options: Any
    ) -> Ran:
        """Load, plan and run these assets."""
        loaded = self.loaded = self.load(*assets, resources=resources)
        plan = self.plan(loaded, **(targets or {}))
        return Ran(list(self.start(plan, loaded, **options)))

    def value(self, name: str) -> Any:
        """The current value of an asset of the last run."""
        assert self.loaded is not None
        (key,) = self.loaded.graph.resolve_all(name)
        if self._book is not None:
            current = self._book.current[Partition(key)]
        else:
            assert self._catalog is not None
            with self._catalog.view("main") as view:
                found = view.histories([key])[Partition(key)].current
            assert found is not None
            current = found
        stored = self.journal().stored([current.id])[current.id]
        hint = next(o.hint for b in self.loaded.bound.values() for o in b.outputs if o.key == key)
        return self.values.load(stored, hint)

    def log_lines(self) -> str:
        """All logs of all attempts."""
        return "".join(path.read_text() for path in sorted((self.folder / "logs").rglob("*.log")))


@pytest.fixture
def ran_of() -> Callable[[list[Event]], Ran]:
    """Reads a run's events."""
    return Ran


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["book", "catalog"])
def workshop(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Workshop]:
    """A workshop on either journal."""
    if request.param == "book":
        yield Workshop(tmp_path, clock, Book(clock), None)
        return
    catalog = Catalog.open("sqlite://", create=True)
    yield Workshop(tmp_path, clock, None, catalog)
    catalog.close()


@pytest.fixture
def bookshop(tmp_path: Path, clock: Clock) -> Workshop:
    """A workshop whose journal can be interfered with."""
    return Workshop(tmp_path, clock, Book(clock), None)


@pytest.fixture(scope="session")
def bookshop_in() -> Callable[[Path], Workshop]:
    """Makes such workshops, a new one for each example of a law."""

    def make(folder: Path) -> Workshop:
        clock = Clock()
        return Workshop(folder, clock, Book(clock), None)

    return make
