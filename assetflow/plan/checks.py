"""Which checks have judged a value, and what they said. The planner and the run both ask here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from assetflow.graph import Graph
from assetflow.model.checks import Check, PastVerdict, VerdictStatus
from assetflow.model.definition import Node
from assetflow.model.history import History, Snapshot
from assetflow.model.keys import Partition
from assetflow.model.plan import Action, Cause, CauseKind, Plan, Step, Steps, Targets
from assetflow.model.versions import DataVersion
from assetflow.plan import causes
from assetflow.plan.closure import selection
from assetflow.plan.keysets import KeySets
from assetflow.plan.traces import KeysOfAsset, VersionOf, trace_of

__all__ = ["Judged", "Verdicts", "ask_all", "cause_of", "judged", "unanswered_cause", "verdicts_of"]

#: What checks said, by check and digest of the check's trace.
Verdicts: TypeAlias = Mapping[tuple[str, str], PastVerdict]


@dataclass(frozen=True, slots=True)
class Judged:
    """How values stand before the checks of today."""

    #: Those that have not judged these values yet, or broke when they did.
    unanswered: tuple[Check, ...] = ()
    #: Those that cannot be asked: something that they read has no version yet.
    blank: tuple[Check, ...] = ()
    #: The blocking ones that failed, and what they said.
    failing: tuple[tuple[Check, PastVerdict], ...] = ()

    @property
    def settled(self) -> bool:
        """Whether there is nothing to ask and nothing wrong."""
        return not (self.unanswered or self.blank or self.failing)


_NOTHING = Judged()


def judged(
    node: Node,
    key: str,
    values: Mapping[Partition, DataVersion],
    verdicts: Verdicts,
    keys_of: KeysOfAsset,
    version_of: VersionOf,
) -> Judged:
    """How values of one step stand. ``values`` are the node's own, by output; ``version_of`` gives the others."""
    if not node.checks:
        return _NOTHING
    unanswered, blank, failing = [], [], []
    for check in node.checks:
        digest = trace_of(
            check, key, keys_of, lambda partition: values[partition] if partition in values else version_of(partition)
        ).digest
        if digest is None:
            blank.append(check)
            continue
        said = verdicts.get((check.name, digest))
        if said is None or said.status is VerdictStatus.BROKE:
            unanswered.append(check)
        elif said.status is VerdictStatus.FAILED and check.blocking:
            failing.append((check, said))
    return Judged(tuple(unanswered), tuple(blank), tuple(failing))


def verdicts_of(histories: Iterable[History]) -> Verdicts:
    """What the checks of a step said of any of its outputs."""
    found = [history.verdicts for history in histories if history.verdicts]
    if len(found) < 2:
        return found[0] if found else {}
    return {place: said for verdicts in found for place, said in verdicts.items()}


def cause_of(check: Check, said: PastVerdict) -> Cause:
    """That a check failed."""
    message = f"check {check.name} failed" + (f": {said.message}" if said.message else "")
    return Cause(kind=CauseKind.CHECK, message=message, input=check.asset)


def unanswered_cause(check: Check, verdicts: Verdicts) -> Cause:
    """That a check has to be asked."""
    broke = any(name == check.name and said.status is VerdictStatus.BROKE for (name, _), said in verdicts.items())
    known = broke or any(name == check.name for name, _ in verdicts)
    message = f"check {check.name} {'broke' if broke else 'has not judged this yet' if known else 'is new'}"
    return Cause(kind=CauseKind.CHECK, message=message, input=check.asset)


def ask_all(graph: Graph, snapshot: Snapshot, targets: Targets) -> Plan:
    """The plan that asks every check of the selection about what is there: current, held back, or observed.

    What a check reads besides is read as it is. Nothing is made. Raises as :func:`assetflow.plan.planner.plan` does.
    """
    keys = KeySets(graph, snapshot.keys, snapshot.as_of)
    chosen = selection(graph, targets, keys)
    steps = []
    for name in graph.order:
        node = graph.nodes[name]
        for key in chosen.get(name, ()) if node.checks else ():
            outputs = tuple(Partition(asset, key) for asset in node.outputs)
            histories = [snapshot.histories.get(output, History()) for output in outputs]
            there = all(
                output in snapshot.observed
                if node.observed
                else history.current is not None or history.held is not None
                for output, history in zip(outputs, histories, strict=True)
            )
            if there:
                steps.append(
                    Step(
                        node=name,
                        key=key,
                        outputs=outputs,
                        action=Action.CHECK,
                        causes=(causes.forced(),),
                        requested=True,
                    )
                )
    return Plan(
        environment=snapshot.environment,
        revision=snapshot.revision,
        as_of=snapshot.as_of,
        steps=Steps(steps),
        fresh=0,
        keys=snapshot.keys,
        targets=targets,
    )
