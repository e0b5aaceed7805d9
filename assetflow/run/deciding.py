"""The second decision: a step is asked about again just before it runs, when all its inputs are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assetflow.graph import Graph
from assetflow.model.definition import Node
from assetflow.model.history import History, SetbackKind
from assetflow.model.journal import Claim, Claimed, Read
from assetflow.model.keys import Partition
from assetflow.model.plan import Plan, Step
from assetflow.model.trace import Trace
from assetflow.model.versions import DataVersion
from assetflow.plan.keysets import KeySets
from assetflow.plan.rebuilder import Decision, decide
from assetflow.plan.traces import trace_of
from assetflow.run.memory import Memory

__all__ = ["Deciding", "Question", "steps_upstream"]


@dataclass(frozen=True, slots=True)
class Question:
    """A claimed step with its inputs known: what it would be made from, and the answer."""

    claimed: Claimed
    trace: Trace
    #: The trace's; empty where an input has no value.
    digest: str
    #: What it reads, edge by edge.
    reads: tuple[tuple[Read, ...], ...]
    #: One per output.
    histories: tuple[History, ...]
    decision: Decision
    #: Inputs that have no value at all: the step cannot run.
    missing: tuple[Partition, ...]


class Deciding:
    """Puts the questions of one run."""

    def __init__(self, plan: Plan, graph: Graph, memory: Memory) -> None:
        self._plan = plan
        self._graph = graph
        self._memory = memory
        self._keys = KeySets(graph, plan.keys)
        self._members: dict[int, tuple[tuple[Partition, ...], ...]] = {}

    def node(self, step: int) -> Node:
        return self._graph.nodes[self._plan.steps[step].node]

    def members(self, step: int) -> tuple[tuple[Partition, ...], ...]:
        """The upstream partitions that a step reads, edge by edge in the node's order."""
        found = self._members.get(step)
        if found is None:
            one = self._plan.steps[step]
            found = self._members[step] = tuple(
                tuple(Partition(edge.asset, key) for key in edge.mapping.members(one.key, self._keys.of(edge.asset)))
                for edge in self.node(step).inputs
            )
        return found

    def claim(self, step: int) -> Claim:
        one = self._plan.steps[step]
        inputs = tuple(dict.fromkeys(partition for edge in self.members(step) for partition in edge))
        return Claim(node=one.node, key=one.key, outputs=one.outputs, inputs=inputs)

    def ask(self, step: int, claimed: Claimed, *, anew: bool = False) -> Question:
        """Ask the rebuilder, with the claim's histories and this run's own results over the claim's inputs.

        With ``anew``, that an equal trace failed or was skipped before is no answer.
        """
        one, node = self._plan.steps[step], self.node(step)
        missing: list[Partition] = []

        def version_of(partition: Partition) -> DataVersion | None:
            current = self._memory.current(partition, claimed)
            if current is None:
                missing.append(partition)
                return None
            return current.data

        trace = trace_of(node, one.key, self._keys.of, version_of)
        histories = tuple(claimed.histories.get(output, History()) for output in one.outputs)
        again = frozenset(SetbackKind) if anew else one.again
        decision = decide(node, trace, histories, as_of=self._plan.as_of, demands=one.causes, again=again)
        return Question(
            claimed, trace, trace.digest or "", self._reads(step, claimed), histories, decision, tuple(missing)
        )

    def _reads(self, step: int, claimed: Claimed) -> tuple[tuple[Read, ...], ...]:
        reads = []
        for edge in self.members(step):
            found = ((partition, self._memory.current(partition, claimed)) for partition in edge)
            reads.append(
                tuple(
                    Read(partition=partition, materialization=current.id, attempt=current.attempt)
                    for partition, current in found
                    if current is not None
                )
            )
        return tuple(reads)


def steps_upstream(steps: Sequence[Step], deciding: Deciding) -> list[set[int]]:
    """For each step, the steps of the plan whose outputs it reads."""
    makers: Mapping[Partition, int] = {output: number for number, one in enumerate(steps) for output in one.outputs}
    return [
        {makers[partition] for edge in deciding.members(number) for partition in edge if partition in makers}
        for number in range(len(steps))
    ]
