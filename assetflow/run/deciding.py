"""The second decision: a step is asked about again just before it runs, when all its inputs are known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from assetflow.graph import Graph
from assetflow.model.checks import Check, Verdict
from assetflow.model.definition import Missing, Node
from assetflow.model.history import History, Materialization, SetbackKind
from assetflow.model.journal import Claim, Claimed, Read
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.keysets import Keys
from assetflow.model.plan import Plan, Step
from assetflow.model.trace import Trace
from assetflow.model.versions import DataVersion
from assetflow.plan.ageing import age_of
from assetflow.plan.checks import Judged, judged, verdicts_of
from assetflow.plan.keysets import KeySets
from assetflow.plan.rebuilder import Decision, decide
from assetflow.plan.traces import VersionOf, trace_of
from assetflow.run.memory import Memory

__all__ = ["Deciding", "Question", "steps_spared", "steps_upstream"]


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
        self._keys = KeySets(graph, plan.keys, plan.as_of)
        self._members: dict[int, tuple[tuple[Partition, ...], ...]] = {}
        self._judging: dict[int, tuple[Partition, ...]] = {}
        self._without: dict[int, frozenset[Partition]] = {}
        self._given_up: set[Partition] = set()

    def step(self, number: int) -> Step:
        return self._plan.steps[number]

    def node(self, step: int) -> Node:
        return self._graph.nodes[self._plan.steps[step].node]

    def keys_of(self, node: AssetKey) -> Keys:
        """The partition keys of a node, in order."""
        return self._keys.of_node(self._graph.nodes[node])

    def ends(self, step: int) -> float:
        """When the window of a step's partition ends, in seconds since 1970; of what stands for no time: never."""
        key, own = self._plan.steps[step].key, self.keys_of(self.node(step).key)
        values, ends = own.values(key), []
        for name, keys in (own.dimensions or {"": own}).items():
            windows, place = keys.windows, keys.position(values.get(name, key))
            if windows is not None and place is not None:
                ends.append(windows.ends[place])
        return max(ends, default=math.inf)

    def members(self, step: int) -> tuple[tuple[Partition, ...], ...]:
        """The upstream partitions that a step reads, edge by edge in the node's order."""
        found = self._members.get(step)
        if found is None:
            one = self._plan.steps[step]
            own = self._keys.of_node(self.node(step))
            found = self._members[step] = tuple(
                tuple(
                    Partition(edge.asset, key) for key in edge.mapping.members(one.key, own, self._keys.of(edge.asset))
                )
                for edge in self.node(step).inputs
            )
        return found

    def optional(self, step: int) -> frozenset[Partition]:
        """Those of its members that the step can do without."""
        edges = zip(self.node(step).inputs, self.members(step), strict=True)
        return frozenset(member for edge, found in edges if edge.missing is Missing.SKIP for member in found)

    def reads(self, step: int) -> tuple[tuple[Partition, ...], ...]:
        """As :meth:`members`, without what the step does without, as it was when the step was asked about."""
        found, without = self.members(step), self._without.get(step)
        return tuple(tuple(p for p in edge if p not in without) for edge in found) if without else found

    def waits(self, step: int, missing: Partition) -> bool:
        """Whether it is no mistake that an input has no value."""
        edges = (edge for edge in self.node(step).inputs if edge.asset == missing.asset)
        return all(edge.missing is Missing.WAIT for edge in edges)

    def give_up(self, partitions: Iterable[Partition]) -> None:
        """These will have no value in this run, whatever is current."""
        self._given_up.update(partitions)

    def regain(self, partitions: Iterable[Partition]) -> None:
        """What was given up is open again."""
        self._given_up.difference_update(partitions)

    def read_by(self, step: int, check: Check) -> tuple[tuple[Partition, ...], ...]:
        """The partitions that a check of a step reads, edge by edge; the step's own outputs among them."""
        key, own = self._plan.steps[step].key, self._keys.of(check.asset)
        return tuple(
            tuple(Partition(edge.asset, member) for member in edge.mapping.members(key, own, self._keys.of(edge.asset)))
            for edge in check.inputs
        )

    def judging(self, step: int) -> tuple[Partition, ...]:
        """What the checks of a step read beside its own outputs."""
        found = self._judging.get(step)
        if found is None:
            outputs = set(self._plan.steps[step].outputs)
            read = (p for check in self.node(step).checks for edge in self.read_by(step, check) for p in edge)
            found = self._judging[step] = tuple(dict.fromkeys(p for p in read if p not in outputs))
        return found

    def claim(self, step: int) -> Claim:
        one = self._plan.steps[step]
        read = (partition for edge in self.members(step) for partition in edge)
        inputs = tuple(dict.fromkeys((*read, *self.judging(step))))
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

        if optional := self.optional(step):
            gone = self._given_up.union(one.without)
            self._without[step] = frozenset(
                each for each in optional if each in gone or self._memory.current(each, claimed) is None
            )
        without = self._without.get(step, frozenset())
        trace = trace_of(node, one.key, self._keys.of, version_of, lambda partition: partition not in without)
        empty = (read for read, edge in zip(node.inputs, trace.edges, strict=True) if read.required and not edge.count)
        missing += [Partition(read.asset, one.key) for read in empty]
        histories = tuple(claimed.histories.get(output, History()) for output in one.outputs)
        again = frozenset(SetbackKind) if anew else one.again
        decision = decide(
            node,
            trace,
            histories,
            age=age_of(node, one.key, self._keys.of_node(node), self._plan.as_of),
            demands=one.causes,
            again=again,
            passes=lambda found: not (node.checks and self.judged(step, claimed, found).failing),
        )
        return Question(
            claimed, trace, trace.digest or "", self._reads(step, claimed), histories, decision, tuple(missing)
        )

    def judged(self, step: int, claimed: Claimed, values: Sequence[Materialization]) -> Judged:
        """How the checks of a step stand to values, one per output."""
        one = self._plan.steps[step]
        histories = [claimed.histories.get(output, History()) for output in one.outputs]
        own = {output: value.data for output, value in zip(one.outputs, values, strict=True)}
        return judged(self.node(step), one.key, own, verdicts_of(histories), self._keys.of, self._version_of(claimed))

    def unmet(self, step: int, claimed: Claimed) -> Partition | None:
        """What a blocking check reads and has no value; None where all can be asked."""
        outputs = self._plan.steps[step].outputs
        for check in self.node(step).checks:
            if not check.blocking:
                continue
            for edge in self.read_by(step, check):
                for partition in edge:
                    if partition not in outputs and self._memory.current(partition, claimed) is None:
                        return partition
        return None

    def traced(
        self, step: int, claimed: Claimed, verdicts: Sequence[Verdict], values: Mapping[Partition, DataVersion]
    ) -> tuple[Verdict, ...]:
        """Verdicts with the digests of what they were given on; ``values`` are those of the step's outputs."""
        one, version_of = self._plan.steps[step], self._version_of(claimed)
        checks = {(check.asset, check.name): check for check in self.node(step).checks}
        found = []
        for verdict in verdicts:
            check = checks.get((verdict.partition.asset, verdict.check))
            if check is None:  # said of this version alone
                found.append(verdict)
                continue
            trace = trace_of(
                check,
                one.key,
                self._keys.of,
                lambda partition: values[partition] if partition in values else version_of(partition),
            )
            if trace.digest is not None:  # a check that warns may have been asked without all that it reads
                found.append(replace(verdict, trace=trace.digest))
        return tuple(found)

    def _version_of(self, claimed: Claimed) -> VersionOf:
        def version_of(partition: Partition) -> DataVersion | None:
            current = self._memory.current(partition, claimed)
            return None if current is None else current.data

        return version_of

    def _reads(self, step: int, claimed: Claimed) -> tuple[tuple[Read, ...], ...]:
        reads = []
        for edge in self.reads(step):
            found = ((partition, self._memory.current(partition, claimed)) for partition in edge)
            reads.append(
                tuple(
                    Read(partition=partition, materialization=current.id, attempt=current.attempt)
                    for partition, current in found
                    if current is not None
                )
            )
        return tuple(reads)


def steps_spared(steps: Sequence[Step], deciding: Deciding) -> list[set[int]]:
    """For each step, those of the steps upstream that it can do without."""
    makers: Mapping[Partition, int] = {output: number for number, one in enumerate(steps) for output in one.outputs}
    return [{makers[each] for each in deciding.optional(number) if each in makers} for number in range(len(steps))]


def steps_upstream(steps: Sequence[Step], deciding: Deciding) -> list[set[int]]:
    """For each step, the steps of the plan whose outputs it, or a check of it, reads."""
    makers: Mapping[Partition, int] = {output: number for number, one in enumerate(steps) for output in one.outputs}
    return [
        {
            makers[partition]
            for edge in (*deciding.members(number), deciding.judging(number))
            for partition in edge
            if partition in makers
        }
        for number in range(len(steps))
    ]
