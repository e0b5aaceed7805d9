"""One call that makes several partitions: what they read as one, what is returned cut into theirs.

Each partition is checked, saved and recorded by itself, and one that is wrong does not keep the others from being made.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from assetflow import resource as resources
from assetflow import types
from assetflow.errors import ValueMismatch
from assetflow.load.code.includes import unchanged
from assetflow.load.definitions import BoundBatch
from assetflow.model.context import Batch, Skip
from assetflow.run.arguments import Argument, Watched, unmoved
from assetflow.run.attempt import Result, Saved, Work, ended, kept, returned, stepping
from assetflow.run.capture import captured
from assetflow.run.failures import message_of
from assetflow.run.logs import AttemptLog, log_path
from assetflow.run.tools import Tools
from assetflow.types.libraries import kind_of_value

__all__ = ["perform_together"]

_Outcome = Saved | str | BaseException


def perform_together(works: Sequence[Work], tools: Tools) -> tuple[Result, ...]:
    """Do one attempt of several steps of one node by one call; a result for each. Raises nothing.

    The time that it took is told as equal parts. All of them have the same log.
    """
    first, last = works[0], works[-1]
    started_at, started = tools.world.now(), tools.world.monotonic()
    several = f"{first.step.key}..{last.step.key}" if len(works) > 1 else first.step.key
    fields = {"run": first.run.id, "asset": str(first.step.asset), "key": several, "attempt": first.number}
    path = None if tools.logs is None else partial(log_path, tools.logs, first.run.id, first.attempt)
    log = AttemptLog(path, fields, now=tools.world.now, masked=resources.masked, also=tools.also)
    outcomes: Sequence[_Outcome]
    try:
        with captured(log):
            outcomes = _outcomes(works, tools, log)
    except Skip as skip:
        reason = resources.masked(message_of(skip))
        log.write("INFO", f"skipped: {reason}")
        outcomes = [reason] * len(works)
    except BaseException as error:  # SystemExit and whatever else a function raises ends the steps, not the run
        outcomes = [error] * len(works)
    seconds = (tools.world.monotonic() - started) / len(works)
    try:
        told: dict[int, Result] = {}
        return tuple(
            _again(told, outcome, work) or told.setdefault(id(outcome), ended(outcome, work, log, started_at, seconds))
            for work, outcome in zip(works, outcomes, strict=True)
        )
    finally:
        log.close()
        if tools.logs is not None:
            _share(tools, works)


def _again(told: Mapping[int, Result], outcome: _Outcome, work: Work) -> Result | None:
    """What all have in common is written to the log once."""
    same = told.get(id(outcome))
    return None if same is None else replace(same, step=work.step, attempt=work.attempt)


def _outcomes(works: Sequence[Work], tools: Tools, log: AttemptLog) -> list[_Outcome]:
    first = works[0]
    assert first.bound.batch is not None
    batch = Batch(work.partition for work in works)
    with stepping(first, batch, tools, together=True) as context:
        watched = _watched(works)
        value = returned(first, _together(works), watched, context, tools)
        values = _by_partition(value, works, first.bound.batch)
        del value
        unmoved(watched)
        unchanged(first.bound.includes)
        once = replace(first.bound, includes=())  # what is outside is looked at once for all
        metadata = context.metadata
        outcomes: list[_Outcome] = []
        for work in (replace(each, watched=(), bound=once) for each in works):
            try:
                with stepping(work, Batch([work.partition]), tools) as own:
                    own.metadata.update(metadata)
                    own.lineage = context.lineage
                    own.partitions.made += context.partitions.made
                    outcomes.append(kept(work, _one(values, work), own, tools, log))
            except Exception as error:  # what is wrong with one of them
                outcomes.append(error)
            values.pop(work.step.key, None)
        unmoved(watched)
    return outcomes


def _together(works: Sequence[Work]) -> list[Argument]:
    """Each input with what any of the steps reads of it, once and in order."""
    found: list[Argument] = []
    for taken in zip(*(work.arguments for work in works), strict=True):
        members = {member.key: member for argument in taken for member in argument.members}
        found.append(replace(taken[0], members=tuple(members.values())))
    return found


def _watched(works: Sequence[Work]) -> tuple[Watched, ...]:
    """Each source once, with all that the steps read of it."""
    found: dict[str, Watched] = {}
    for work in works:
        for one in work.watched:
            before = found.get(one.name)
            found[one.name] = one if before is None else replace(one, versions={**before.versions, **one.versions})
    return tuple(found.values())


def _by_partition(value: Any, works: Sequence[Work], batch: BoundBatch) -> dict[str, Any]:  # values of the user
    """What was returned, by partition key. Raises ValueMismatch ``wrong-partition`` and ``wrong-type``."""
    bound, keys = works[0].bound, [work.step.key for work in works]
    what = str(bound.key)
    if isinstance(value, Mapping) and batch.columns is None:
        named: dict[Any, str] = {batch.keyed.of(key): key for key in keys}
        strangers = [each for each in value if each not in named]
        if strangers:
            shown = ", ".join(map(repr, strangers[:3])) + (f" and {len(strangers) - 3} more" if strangers[3:] else "")
            message = f"{what}: it returned values for {shown}, which are not made by this call"
            hint = f"the keys are those of ctx.batch, such as {next(iter(named))!r}"
            raise ValueMismatch("wrong-partition", message, hint=hint)
        return {named[each]: one for each, one in value.items()}
    if batch.columns is not None and kind_of_value(value) is not None:
        tables = types.splitting.split(value, batch.columns, keys, batch.cut, what=what)
        asked = bound.outputs[0].hint
        return {key: types.tables.from_arrow(part, asked) for key, part in tables.items()}
    wanted = "a dict by key" if batch.columns is None else f"a table with {batch.columns!r}"
    raise ValueMismatch("wrong-type", f"{what}: with batch= it must return {wanted}, not {type(value).__name__}")


def _one(values: Mapping[str, Any], work: Work) -> Any:  # values of the user
    key = work.step.key
    if key not in values:
        message = f"{work.step}: the call returned no value for it"
        raise ValueMismatch("wrong-partition", message, hint="return one for each of ctx.batch")
    return values[key]


def _share(tools: Tools, works: Sequence[Work]) -> None:
    """The log of the first is that of all."""
    assert tools.logs is not None
    first, *others = (log_path(tools.logs, work.run.id, work.attempt) for work in works)
    for other in others:
        with suppress(OSError):  # a full disk loses lines, never the step
            try:
                os.link(first, other)
            except FileNotFoundError:  # nothing was said
                return
            except OSError:
                shutil.copyfile(first, other)
