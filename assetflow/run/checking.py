"""Asking the checks of a step about its values: those that it just made, or those that are there. Runs anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeAlias

from assetflow import resource as resources
from assetflow import types
from assetflow.errors import AssetflowError, StorageError
from assetflow.load.definitions import BoundCheck
from assetflow.model.checks import ROWS, CheckResult, Measured, Verdict, VerdictStatus
from assetflow.model.context import Batch, PartitionContext, RunContext, Skip
from assetflow.model.journal import Failure
from assetflow.model.keys import Partition
from assetflow.model.retry import FailureClass
from assetflow.model.versions import Stored
from assetflow.run.arguments import Argument, Held, Lying, Member, Own, Seen, Watched, loaded, unmoved
from assetflow.run.capture import captured
from assetflow.run.context import StepContext
from assetflow.run.failures import message_of, whole_traceback
from assetflow.run.logs import AttemptLog, log_path
from assetflow.run.loop import EventLoop
from assetflow.run.memory import ABSENT
from assetflow.run.opened import OpenedResources
from assetflow.run.tools import Tools
from assetflow.run.world import World
from assetflow.store.values import Values

__all__ = ["Asked", "Asking", "Audit", "Audited", "Place", "audit", "held_back", "place_of", "said"]

#: Characters of a sample that are recorded.
_LONGEST_SAMPLE = 4_000
_SHOWN = 5

Place: TypeAlias = Held | Lying | Seen


class Found(Protocol):
    """What was found of the rows of an asset while they were made."""

    @property
    def result(self) -> CheckResult:
        """What the check of the row model says."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One check to ask."""

    bound: BoundCheck
    #: The output that it is of.
    partition: Partition
    output: int
    arguments: tuple[Argument, ...]
    #: Earlier versions, for those that compare.
    past: Sequence[Measured] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What asking takes."""

    values: Values
    resources: OpenedResources
    loop: EventLoop
    world: World
    context: StepContext
    log: Callable[[str, str], None]


def said(
    questions: Sequence[Asked],
    places: Sequence[Place],
    rows: Sequence[int | None],
    asking: Asking,
    known: Mapping[str, Found] | None = None,
) -> tuple[Verdict, ...]:
    """What each check says, in order; one that fails keeps no other from being asked. Raises nothing of a check's.

    ``places`` are where the step's outputs are, ``rows`` their numbers of rows. ``known`` holds what was found wrong
    with the rows of streams while they were read, by asset.
    """
    return tuple(_verdict(question, places, rows, asking, known or {}) for question in questions)


def _verdict(
    question: Asked,
    places: Sequence[Place],
    rows: Sequence[int | None],
    asking: Asking,
    known: Mapping[str, Found],
) -> Verdict:
    check, started = question.bound.check, asking.world.monotonic()
    metrics: tuple[tuple[str, float], ...] = ()
    sample = ""
    try:
        result = _asked(question, places, rows, asking, known)
        message = str(result.message)
        metrics, sample = _metrics(result.metrics), _sample(result.sample)
        status = VerdictStatus.PASSED if result.passed else VerdictStatus.FAILED
    except AssertionError as error:
        message, status = message_of(error) or "an assertion does not hold", VerdictStatus.FAILED
        asking.log("ERROR", whole_traceback(error))
    except (KeyboardInterrupt, StorageError):
        raise
    except BaseException as error:  # whatever a check of the user's raises is told, and judges nothing
        raised = "Skip" if isinstance(error, Skip) else type(error).__name__
        message, status = f"{raised}: {message_of(error)}", VerdictStatus.BROKE
        asking.log("ERROR", whole_traceback(error))
    message = resources.masked(message)
    if status is not VerdictStatus.PASSED:
        asking.log("ERROR" if check.blocking else "WARNING", f"check {check.name} {status}: {message}")
    return Verdict(
        check=check.name,
        partition=question.partition,
        status=status,
        severity=check.severity,
        message=message,
        metrics=metrics,
        sample=sample,
        seconds=asking.world.monotonic() - started,
    )


def _asked(
    question: Asked,
    places: Sequence[Place],
    rows: Sequence[int | None],
    asking: Asking,
    known: Mapping[str, Found],
) -> CheckResult:
    bound = question.bound
    asset = str(bound.check.asset)
    if bound.rows is not None and asset in known:
        return known[asset].result
    arguments = {
        argument.parameter: loaded(_filled(argument, places), asking.values, lambda: asking.context.duckdb)
        for argument in question.arguments
    }
    if bound.rows is not None:
        result = types.judgements.of_rows(arguments["value"], bound.rows)
        return result if bound.limit is None else _few(result, rows[question.output :], bound.limit)
    if bound.ready is not None:
        around = types.judgements.Circumstances(
            now=asking.world.now(),
            rows=rows[question.output],
            past=question.past,
            connect=lambda: asking.context.duckdb,
        )
        return types.judgements.judgement(bound.ready, arguments.get("value"), arguments.get("other"), around)
    call = bound.call
    arguments |= call.parameters
    arguments |= {use.parameter: asking.resources.get(use.name) for use in call.resources}
    if call.context:
        arguments[call.context] = asking.context
    returned = call.function(**arguments)
    if isinstance(returned, Coroutine):
        returned = asking.loop.run(returned)
    return _result(returned)


def _few(result: CheckResult, rows: Sequence[int | None], limit: float) -> CheckResult:
    """Whether the rows are sound, and those that were put aside few enough. ``rows``: how many there are of both."""
    good, bad = rows[0] or 0, rows[1] or 0
    if bad <= limit * (good + bad):
        return result
    told = f"{bad:,} of {good + bad:,} rows are bad; at most {100 * limit:.4g} % may be"
    return CheckResult(False, "\n".join(filter(None, (told, result.message))), {"rejected": float(bad)})


def _filled(argument: Argument, places: Sequence[Place]) -> Argument:
    """An argument whose own outputs are where they are now."""
    members = tuple(
        Member(member.key, places[member.place.output]) if isinstance(member.place, Own) else member
        for member in argument.members
    )
    return replace(argument, members=members)


def _result(returned: Any) -> CheckResult:  # whatever the user's function gives
    if returned is None:
        return CheckResult(True)
    if isinstance(returned, CheckResult):
        return CheckResult(bool(returned.passed), returned.message, returned.metrics, returned.sample)
    if isinstance(returned, bool) or type(returned).__name__ in {"bool", "bool_"}:  # numpy's too
        return CheckResult(bool(returned))
    raise TypeError(f"a check returns a bool or a CheckResult, not {type(returned).__name__}")


def _metrics(metrics: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:  # numbers of the user, of any library
    found = ((str(name), float(value)) for name, value in metrics.items())
    return tuple((name, value) for name, value in found if value - value == 0)  # JSON has neither NaN nor infinity


def _sample(sample: Sequence[Mapping[str, Any]]) -> str:  # rows of the user
    shown = [dict(row) for row in list(sample)[:_SHOWN]]
    while shown:
        text = resources.masked(json.dumps(shown, ensure_ascii=False, default=str, allow_nan=True))
        if len(text) <= _LONGEST_SAMPLE:
            return text.replace("NaN", "null") if "NaN" in text else text
        shown.pop()
    return ""


def held_back(verdicts: Sequence[Verdict]) -> Failure | None:
    """Why a value must not become current; None where nothing speaks against it."""
    wrong = [verdict for verdict in verdicts if verdict.holds_back]
    if not wrong:
        return None
    rows = [verdict for verdict in wrong if verdict.check == ROWS and verdict.status is VerdictStatus.FAILED]
    lines = [f"its rows are not what its model says\n{verdict.message}" for verdict in rows]
    for verdict in wrong:
        if verdict not in rows:
            how = "broke" if verdict.status is VerdictStatus.BROKE else "failed"
            lines.append(f"check {verdict.check} {how}" + (f": {verdict.message}" if verdict.message else ""))
    return Failure(
        kind=FailureClass.DATA,
        type="BadRows" if len(rows) == len(wrong) else "CheckFailed",
        message="\n".join(lines),
        reason="it is kept to be looked at, and does not become current",
    )


# What is there already


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The order to judge values that are there."""

    step: Partition
    attempt: int
    partition: PartitionContext
    run: RunContext
    #: One per output.
    places: tuple[Place, ...]
    rows: tuple[int | None, ...]
    questions: tuple[Asked, ...]
    #: Whose bytes are read and compared first.
    verified: tuple[Stored | None, ...] = ()
    watched: tuple[Watched, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What came of it."""

    step: Partition
    attempt: int
    started_at: datetime
    seconds: float
    verdicts: tuple[Verdict, ...] = ()
    #: Why the values could not be judged: their bytes, or a source that moved; empty where they were.
    problem: str = ""
    #: The user stopped it.
    stopped: bool = False


def audit(order: Audit, tools: Tools) -> Audited:
    """Judge what is there. Raises nothing."""
    started_at, started = tools.world.now(), tools.world.monotonic()

    def ended(**more: Any) -> Audited:  # fields of Audited
        seconds = tools.world.monotonic() - started
        return Audited(step=order.step, attempt=order.attempt, started_at=started_at, seconds=seconds, **more)

    try:
        for stored in order.verified:
            if stored is None:
                return ended(problem="its record has no place any more")
            tools.values.verify(stored)
        return ended(verdicts=_judged(order, tools) if order.questions else ())
    except KeyboardInterrupt:
        return ended(stopped=True)
    except AssetflowError as error:
        return ended(problem=error.message)


def _judged(order: Audit, tools: Tools) -> tuple[Verdict, ...]:
    fields = {"run": order.run.id, "asset": str(order.step.asset), "key": order.step.key, "attempt": 1}
    path = None if tools.logs is None else partial(log_path, tools.logs, order.run.id, order.attempt)
    log = AttemptLog(path, fields, now=tools.world.now, masked=resources.masked, also=tools.also)
    with ExitStack() as ending:
        ending.callback(log.close)
        context = StepContext(
            step=str(order.step.asset),
            partitions=Batch([order.partition]),
            together=False,
            run=order.run,
            scratch=partial(tools.scratch.joinpath, f"check-{order.attempt}"),
            state=None,
            progressed=lambda done, total: tools.progressed(order.step, done, total),
        )
        ending.callback(context.close)
        ending.enter_context(captured(log))
        asking = Asking(
            values=tools.values,
            resources=tools.resources,
            loop=tools.loop,
            world=tools.world,
            context=context,
            log=log.write,
        )
        unmoved(order.watched)
        verdicts = said(order.questions, order.places, order.rows, asking)
        unmoved(order.watched)
        return verdicts


def place_of(value: Any, stored: Stored) -> Place:  # a value of the user, or ABSENT
    """Where an output that was just made is: in memory, else in the store."""
    return Lying(stored) if value is ABSENT else Held(value)
