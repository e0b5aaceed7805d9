"""The one rule of what happens to a step: keep its values, make them anew, take older ones again, or leave it.

It is the *verifying trace* rebuilder of Mokhov, Mitchell and Peyton Jones, "Build Systems à la Carte" (2018), for
steps of several outputs, with a memory of what failed and what was skipped.

The planner asks :func:`decide` for every step with what it knows; inputs that an earlier step may change are
*pending*, and then the trace has no digest. The run asks it again, just before the step, when every input is known
and with the histories that came with its claim. That second answer is what is done. If the inputs turned out equal,
it is Keep: this is early cutoff, and there is no other rule for it anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypeAlias

from assetflow.model.definition import Node
from assetflow.model.history import History, Materialization, Setback, SetbackKind
from assetflow.model.plan import Cause, CauseKind
from assetflow.model.retry import FailureClass
from assetflow.model.trace import Trace
from assetflow.model.versions import fingerprint
from assetflow.plan import causes
from assetflow.plan.ageing import Age

__all__ = [
    "KEEP",
    "Decision",
    "Keep",
    "Leave",
    "Rebuild",
    "Reuse",
    "decide",
    "held_values",
    "is_of",
    "refusal",
    "remembered",
]

#: Failures that would only happen again: the step is left alone until its trace changes.
_LASTING = frozenset({FailureClass.PERMANENT, FailureClass.DATA, FailureClass.CODE})


@dataclass(frozen=True, slots=True)
class Keep:
    """Every output was made from exactly this trace, or from one that serves as well. Nothing to do."""

    #: In what today's trace differs, which is only for partitions that are not made yet: ``forward_only``.
    forward: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Call the function. The causes are never empty; only ``upstream`` means that it may turn out needless."""

    causes: tuple[Cause, ...]

    @property
    def certain(self) -> bool:
        """Whether there is a cause of its own, so that the answer cannot become Keep once the inputs are known."""
        return any(cause.kind is not CauseKind.UPSTREAM for cause in self.causes)


@dataclass(frozen=True, slots=True)
class Reuse:
    """One earlier attempt made all outputs from exactly this trace: its values become current again."""

    #: One per output, in the node's order.
    materializations: tuple[Materialization, ...]
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """This very trace was tried and gave no value; trying again would give none. Nothing is done.

    After a skip the old values serve on, and a run counts the step as kept. After a failure or where a value is held
    back, there is no value that belongs to today's trace: what needs it cannot be made either.
    """

    setback: Setback
    causes: tuple[Cause, ...]


Decision: TypeAlias = Keep | Rebuild | Reuse | Leave

KEEP = Keep()


def decide(
    node: Node,
    trace: Trace,
    histories: Sequence[History],
    *,
    age: Age,
    demands: Sequence[Cause] = (),
    again: AbstractSet[SetbackKind] = frozenset(),
    passes: Callable[[Sequence[Materialization]], bool] = lambda _candidates: True,
) -> Decision:
    """What to do with one step, given what it would be made from and the past of each of its outputs.

    ``histories`` has one entry per output, in the node's order. ``age`` says what is expired, at the plan's time
    also when the run asks, so that the two agree. ``demands`` are causes that equal traces do not answer: the planner
    gives ``forced``; the run gives all causes of the plan's step (``forced`` and ``corrupt`` are honoured, the
    others are found out anew). ``again`` holds the kinds of setback that do not keep the step from being tried:
    ``Step.again``. ``passes`` tells whether no blocking check of today is known to fail candidates for reuse. The
    rules, first one that applies:

    1. *Forced*: Rebuild.
    2. Every output has a current value, made from this trace, neither expired nor lost: Keep.
    3. All that differs is code and parameters, and these are only for partitions not yet made: Keep.
    4. This trace was skipped before: Leave.
    5. An earlier attempt gave all outputs from this trace, and nothing speaks against it: Reuse. Against it speak:
       that the current value is expired, lost, or that the candidate is; that the candidate's bytes were freed; that it
       used ``ctx.state``; that the step reads outside, the candidate is older than the current value, and nobody said
       that it is deterministic; that a blocking check fails it.
    6. This trace failed for good, or its value was held back: Leave.
    7. Otherwise: Rebuild.

    While the trace is pending, only 1 and 7 can apply. Skips and failures are remembered no longer than values, as what
    the step read outside may have healed.
    """
    digest = trace.digest
    if digest is not None and age.unlimited and not demands:
        for history in histories:
            current = history.current
            if current is None or current.trace != digest or history.lost:
                break
        else:
            return KEEP
    own = _own_causes(node, histories, age, demands)
    answerable = not any(cause.kind in _UNANSWERABLE for cause in own)
    reasons = (*own, *causes.differences_of(trace, histories, digest))
    if not reasons:
        return KEEP
    if node.forward_only:
        others = tuple(cause for cause in reasons if cause.kind not in _FORWARD)
        if not others:
            return Keep(reasons)
        if all(cause.kind is CauseKind.UPSTREAM for cause in others):
            return Rebuild(others)
    if digest is None or (own and own[0].kind is CauseKind.FORCED):
        return Rebuild(reasons)
    setback = remembered(digest, node, histories, age, again)
    if setback and setback.kind is SetbackKind.SKIPPED:
        return Leave(setback, reasons)
    if answerable and (candidates := _reusable(digest, node, histories, age)) and passes(candidates):
        return Reuse(candidates, reasons)
    return Leave(setback, reasons) if setback else Rebuild(reasons)


#: What an older value cannot answer.
_UNANSWERABLE = frozenset({CauseKind.FORCED, CauseKind.EXPIRED, CauseKind.CORRUPT})
#: What ``forward_only`` keeps for partitions that are not made yet.
_FORWARD = frozenset({CauseKind.CODE, CauseKind.PARAMETER})


def refusal(node: Node, digest: str) -> str:
    """What a failure is remembered by: the trace, and the rules that can refuse it without changing what is made."""
    return fingerprint("refused", digest, node.rules) if node.rules and digest else digest


def remembered(
    digest: str,
    node: Node,
    histories: Sequence[History],
    age: Age,
    again: AbstractSet[SetbackKind] = frozenset(),
) -> Setback | None:
    """The setback because of which this trace is not tried again, if there is one."""
    for history in histories:
        setback = history.setback
        if setback is None or setback.kind in again or not is_of(setback, node, digest):
            continue
        lasting = setback.kind is not SetbackKind.FAILED or setback.failure in _LASTING
        if lasting and not age.has_passed(setback.at):
            return setback
    return None


def held_values(histories: Sequence[History], digest: str | None) -> tuple[Materialization, ...] | None:
    """What one attempt made from this trace, one per output, and was held back; None where there is no such thing."""
    held = [history.held for history in histories]
    found = tuple(each for each in held if each is not None and each.trace == digest and not each.freed)
    complete = len(found) == len(histories) and len({each.attempt for each in found}) == 1
    return found if complete else None


def is_of(setback: Setback, node: Node, digest: str) -> bool:
    """Whether a setback is one of this trace. A skip is the function's own word, whatever rules there are."""
    return setback.trace == (digest if setback.kind is SetbackKind.SKIPPED else refusal(node, digest))


def _own_causes(node: Node, histories: Sequence[History], age: Age, demands: Sequence[Cause]) -> tuple[Cause, ...]:
    """The causes that do not follow from a comparison of traces, forced ones first."""
    own = [cause for cause in demands if cause.kind is CauseKind.FORCED]
    told = [cause for cause in demands if cause.kind is CauseKind.CORRUPT]
    several = len(histories) > 1
    for output, history in zip(node.outputs, histories, strict=True):
        if history.current is None:
            own.append(causes.missing(output if several else None))
        elif history.lost:
            told = told or [causes.corrupt(history.current)]
        elif age.is_old(history.current):
            cause = causes.expired(history.current, age, node.lookback)
            if cause not in own:
                own.append(cause)
    return (*own, *told)


def _reusable(digest: str, node: Node, histories: Sequence[History], age: Age) -> tuple[Materialization, ...] | None:
    if node.effects:
        return None
    found: list[Materialization] = []
    for history in histories:
        candidate = history.by_trace.get(digest)
        if candidate is None or candidate.freed or candidate.stateful or age.is_old(candidate):
            return None
        if found and candidate.attempt != found[0].attempt:
            return None
        current = history.current
        if current is not None:
            if current.stateful:
                return None
            # Ids are in commit order: clocks of several machines are not.
            if candidate.id < current.id and node.reads_outside and not node.deterministic:
                return None
        found.append(candidate)
    return tuple(found)
