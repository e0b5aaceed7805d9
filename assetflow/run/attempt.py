"""One try of a step: load what it reads, call the function, check and save what it returns. Runs anywhere.

Nothing here knows the journal: what an attempt is given and what it gives back are values.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

from assetflow import resource as resources
from assetflow import sql
from assetflow.errors import AssetflowError
from assetflow.load.code.includes import unchanged
from assetflow.load.definitions import Bound
from assetflow.model.checks import Verdict
from assetflow.model.context import Batch, PartitionContext, RunContext, Skip
from assetflow.model.journal import Failure, KeyEdit, Output
from assetflow.model.keys import Partition
from assetflow.model.versions import ColumnVersion, Stored
from assetflow.run.arguments import Argument, Watched, loaded, unmoved, viewed
from assetflow.run.capture import captured
from assetflow.run.changing import told_changes
from assetflow.run.checking import Asked, Asking, held_back, place_of, said
from assetflow.run.classify import Diagnosis, classify
from assetflow.run.context import StepContext
from assetflow.run.failures import failure_of, message_of, whole_traceback
from assetflow.run.logs import AttemptLog, log_path
from assetflow.run.results import Findings, checked_values, told_rejects
from assetflow.run.retrying import judged
from assetflow.run.saving import Kept, saved
from assetflow.run.tools import Tools
from assetflow.run.writer import Pending
from assetflow.store.names import attempt_of
from assetflow.types.libraries import TableKind, kind_of_value

__all__ = [
    "Broke",
    "Given",
    "Result",
    "Returned",
    "Saved",
    "SkipRaised",
    "Stopped",
    "Work",
    "ended",
    "kept",
    "perform",
    "returned",
    "stepping",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one attempt has to do."""

    step: Partition
    attempt: int
    #: 1, 2, … of this step in this run.
    number: int
    bound: Bound
    outputs: tuple[Partition, ...]
    partition: PartitionContext
    run: RunContext
    #: The step's folder below :attr:`Tools.scratch`.
    scratch: str
    arguments: tuple[Argument, ...] = ()
    #: The sources it reads, with the versions that its trace holds.
    watched: tuple[Watched, ...] = ()
    #: For each output, older values by data digest: an equal one's bytes are shared.
    older: tuple[Mapping[str, Stored], ...] = ()
    #: The ``ctx.state`` to begin with, as canonical JSON.
    state: str | None = None
    #: The checks to ask of what is made.
    checks: tuple[Asked, ...] = ()
    #: Large values may be stored while other steps run.
    later: bool = False
    #: For each output, the columns that its own are compared with.
    columns: tuple[Sequence[ColumnVersion], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What every end of an attempt tells."""

    step: Partition
    attempt: int
    started_at: datetime
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned(Given):
    """The values are saved under names of their own, not yet durable."""

    outputs: tuple[Output, ...]
    #: The checked values themselves, to be handed on in memory; one per output.
    values: tuple[Any, ...] = field(repr=False)  # values of the user
    #: The blobs written by this attempt, to be synced before they are recorded.
    written: tuple[str, ...]
    #: What the checks said.
    verdicts: tuple[Verdict, ...] = ()
    #: Values that are still being stored: what is recorded of them is not complete.
    pending: Pending = field(default_factory=dict)
    #: Partition keys that it added to sets, and took out.
    keys: tuple[KeyEdit, ...] = ()

    @property
    def wrong(self) -> Failure | None:
        """Why the values are not to become current; None where nothing is wrong with them."""
        return held_back(self.verdicts)


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipRaised(Given):
    """The function raised ``Skip``."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Broke(Given):
    """Something raised."""

    failure: Failure
    verdict: Diagnosis
    #: A source that it reads is not what the trace says: it is to be seen again before the next attempt.
    source_moved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped(Given):
    """The user stopped it: Ctrl-C, or KeyboardInterrupt in the function."""


Result: TypeAlias = Returned | SkipRaised | Broke | Stopped


def perform(work: Work, tools: Tools) -> Result:
    """Do one attempt. Raises nothing: every end is a value."""
    started_at, started = tools.world.now(), tools.world.monotonic()
    fields = {
        "run": work.run.id,
        "asset": str(work.step.asset),
        "key": work.step.key,
        "attempt": work.number,
    }
    path = None if tools.logs is None else partial(log_path, tools.logs, work.run.id, work.attempt)
    log = AttemptLog(path, fields, now=tools.world.now, masked=resources.masked, also=tools.also)
    outcome: Saved | str | BaseException
    try:
        with captured(log), stepping(work, Batch([work.partition]), tools) as context:
            value = returned(work, work.arguments, work.watched, context, tools)
            outcome = kept(work, value, context, tools, log)
            del value
    except Skip as skip:
        outcome = resources.masked(message_of(skip))
        log.write("INFO", f"skipped: {outcome}")
    except BaseException as error:  # SystemExit and whatever else a function raises ends the step, not the run
        outcome = error
    try:
        return ended(outcome, work, log, started_at, tools.world.monotonic() - started)
    finally:
        log.close()


def ended(
    outcome: Saved | str | BaseException, work: Work, log: AttemptLog, started_at: datetime, seconds: float
) -> Result:
    """The result of an attempt: what was saved, the reason of a skip, or what raised."""
    told: dict[str, Any] = {
        "step": work.step,
        "attempt": work.attempt,
        "started_at": started_at,
        "seconds": seconds,
    }
    if isinstance(outcome, KeyboardInterrupt):
        log.write("WARNING", "interrupted")
        return Stopped(**told)
    if isinstance(outcome, BaseException):
        log.write("ERROR", whole_traceback(outcome))
        verdict = judged(outcome, classify(outcome), work.bound.retry)
        moved = isinstance(outcome, AssetflowError) and outcome.code == "source-moved"
        failure = failure_of(outcome, verdict, resources.masked)
        return Broke(**told, failure=failure, verdict=verdict, source_moved=moved)
    if isinstance(outcome, str):
        return SkipRaised(**told, reason=outcome)
    values, verdicts = outcome
    return Returned(**told, **values._asdict(), verdicts=verdicts)


#: What was saved, and what the checks said.
Saved: TypeAlias = tuple[Kept, tuple[Verdict, ...]]


@contextmanager
def stepping(work: Work, partitions: Batch, tools: Tools, *, together: bool = False) -> Iterator[StepContext]:
    """The context of a call, closed in the end. ``together``: it may make several partitions."""
    context = StepContext(
        step=str(work.step.asset),
        partitions=partitions,
        together=together,
        run=work.run,
        scratch=partial(tools.scratch.joinpath, work.scratch),
        state=work.state,
        progressed=lambda done, total: tools.progressed(work.step, done, total),
    )
    try:
        yield context
    finally:
        context.close()


def returned(
    work: Work, taken: Sequence[Argument], watched: tuple[Watched, ...], context: StepContext, tools: Tools
) -> Any:  # what the user gives
    """Call the function with what it takes, and give what it returns. Raises what loading that and the function do."""
    bound = work.bound
    unmoved(watched)

    def connect() -> Any:  # a DuckDB connection
        return context.duckdb

    arguments = {argument.parameter: loaded(argument, tools.values, connect) for argument in taken}
    arguments = viewed(bound.views, arguments, str(work.step.asset), context, tools.values, connect)
    arguments |= bound.parameters
    arguments |= {use.parameter: tools.resources.get(use.name) for use in bound.resources}
    if bound.context:
        arguments[bound.context] = context
    relations = [
        (each.edge.asset, arguments[each.parameter])
        for each in bound.inputs
        if each.key_column is None and kind_of_value(arguments.get(each.parameter)) is TableKind.DUCKDB
    ]
    value = bound.function(**arguments)
    del arguments
    if isinstance(value, Coroutine):
        value = tools.loop.run(value)
    if relations and len(bound.outputs) == 1 and kind_of_value(value) is TableKind.DUCKDB:
        context.lineage = sql.relations.derived(bound.outputs[0].key, value, relations)
    return value


def kept(work: Work, value: Any, context: StepContext, tools: Tools, log: AttemptLog) -> Saved:  # of the user
    """Check and save what was returned for one partition, and ask the checks.

    Raises ValueMismatch and StorageError, what a check of the user's raises is its verdict.
    """
    bound = work.bound
    found: dict[str, Findings] = {}
    values = checked_values(value, bound, found)
    unmoved(work.watched)
    unchanged(bound.includes)
    saving = saved(
        values,
        work.outputs,
        bound,
        context,
        tools.values,
        attempt=work.attempt,
        older=work.older,
        writer=tools.writer if work.later else None,
    )
    try:
        return saving, _said(work, saving, context, tools, log, found)
    except BaseException:
        _thrown_away(saving, work.attempt, tools)
        raise


def _said(
    work: Work,
    saving: Kept,
    context: StepContext,
    tools: Tools,
    log: AttemptLog,
    found: dict[str, Findings],
) -> tuple[Verdict, ...]:
    """What is to be told of values that were saved: how their columns changed, what was rejected, what checks say."""
    bound = work.bound
    told = (*told_changes(saving.outputs, bound, work.columns), *told_rejects(saving.outputs, found))
    if not work.checks:
        return told
    asking = Asking(
        values=tools.values,
        resources=tools.resources,
        loop=tools.loop,
        world=tools.world,
        context=context,
        log=log.write,
    )
    places = [place_of(value, output.stored) for value, output in zip(saving.values, saving.outputs, strict=True)]
    rows = [output.stored.data.rows for output in saving.outputs]
    verdicts = said(work.checks, places, rows, asking, known=found)
    unmoved(work.watched)
    return told + verdicts


def _thrown_away(saving: Kept, attempt: int, tools: Tools) -> None:
    """Nothing of it will be recorded: remove what this attempt wrote, and nothing that had its name before."""
    names = list(saving.written)
    for future in saving.pending.values():
        with suppress(Exception):
            stored = future.result()
            names += [] if stored.blob is None else [stored.blob.name]
    for name in names:
        if attempt_of(name) == attempt:
            with suppress(AssetflowError):
                tools.values.store.delete(name)
