"""The state of a partition that is not fresh."""

from __future__ import annotations

from assetflow.model.definition import Node
from assetflow.model.history import History, Setback, SetbackKind
from assetflow.model.plan import State
from assetflow.plan.ageing import Age
from assetflow.plan.rebuilder import is_of

__all__ = ["state_of"]

_STATES = {SetbackKind.FAILED: State.FAILED, SetbackKind.SKIPPED: State.SKIPPED, SetbackKind.HELD: State.HELD}


def state_of(node: Node, history: History, digest: str | None, age: Age, left: Setback | None = None) -> State:
    """The state of a partition, given the digest of today's trace, and the setback because of which it is left alone.

    ``running`` wins, since whatever else it is, is being answered. A setback counts only for today's trace, and only
    where no current value answers it: one that has that trace and is neither lost nor expired. A lost value that was
    skipped later is missing: nothing serves.
    """
    if history.running:
        return State.RUNNING
    setback = left or _setback(node, history, digest, age)
    if setback and not (setback.kind is SetbackKind.SKIPPED and history.lost):
        return _STATES[setback.kind]
    return State.MISSING if history.current is None or history.lost else State.STALE


def _setback(node: Node, history: History, digest: str | None, age: Age) -> Setback | None:
    setback, current = history.setback, history.current
    if digest is None or setback is None or not is_of(setback, node, digest):
        return None
    if current and current.trace == digest and not history.lost and not age.is_old(current):
        return None
    if setback.kind is SetbackKind.SKIPPED and age.has_passed(setback.at):
        return None
    return setback
