"""What an attempt is given: arguments and where they lie, older values with equal data, the state to begin with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from assetflow.errors import StorageError
from assetflow.load.definitions import Bound, BoundCheck, BoundInput, Loaded
from assetflow.model.checks import Check
from assetflow.model.context import PartitionContext, RunContext
from assetflow.model.history import History, Materialization
from assetflow.model.journal import Claimed, Journal
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.plan import Action, Step
from assetflow.model.versions import ColumnVersion, Stored
from assetflow.run.arguments import Argument, Held, Lying, Member, Own, Seen, Watched
from assetflow.run.attempt import Work
from assetflow.run.checking import Asked, Audit, Place
from assetflow.run.deciding import Deciding, Question
from assetflow.run.memory import ABSENT, Memory
from assetflow.run.observing import Observing
from assetflow.types.changes import column_changes

__all__ = ["Preparing"]


class Preparing:
    """Makes the work orders of one run. Used by the coordinating thread alone."""

    def __init__(
        self,
        loaded: Loaded,
        *,
        deciding: Deciding,
        memory: Memory,
        observing: Observing,
        journal: Journal,
        run: RunContext,
        accept_changes: bool = False,
    ) -> None:
        self._loaded = loaded
        self._deciding = deciding
        self._memory = memory
        self._observing = observing
        self._journal = journal
        self._run = run
        self._hints = {output.key: output.hint for bound in loaded.bound.values() for output in bound.outputs}
        self._accepted = accept_changes
        self._edges: dict[AssetKey, tuple[tuple[BoundInput, int], ...]] = {}

    def bound(self, step: Step) -> Bound:
        return self._loaded.bound[step.node]

    def loads(self, number: int, step: Step) -> list[Partition]:
        """The upstream partitions that the step, or a check of it, will load."""
        members = self._deciding.members(number)
        read = [partition for _, edge in self._loaded_edges(number, step) for partition in members[edge]]
        return [*read, *self._deciding.judging(number)]

    def fetch(self, steps: Iterable[tuple[int, Step, Claimed]]) -> None:
        """Read at once where older values lie that these steps, which will run, read or may share."""
        wanted: list[int] = []
        for number, step, claimed in steps:
            if step.action is not Action.RUN:
                continue
            wanted += (m.id for p in self.loads(number, step) if (m := claimed.inputs.get(p)) is not None)
            wanted += (id for history in claimed.histories.values() for id in _candidates(history).values())
        self._memory.fetch(wanted)

    def work(self, number: int, step: Step, question: Question, *, attempt_number: int, share: bool) -> Work:
        """The order for one attempt. Raises StorageError ``blob-missing`` where an input's record has no place.

        With ``share``, equal older data may lend its bytes, and large values may be stored beside.
        """
        members = self._deciding.reads(number)
        edges = self._loaded_edges(number, step)
        arguments = tuple(
            Argument(
                str(step.node),
                bound,
                tuple(self._member(partition, question.claimed) for partition in members[edge]),
                self._hints.get(bound.edge.asset),
            )
            for bound, edge in edges
        )
        return Work(
            step=step.id,
            attempt=question.claimed.attempt,
            number=attempt_number,
            bound=self.bound(step),
            outputs=step.outputs,
            partition=PartitionContext(step.key, self._deciding.node(number).partitioning),
            run=self._run,
            scratch=str(number),
            arguments=arguments,
            watched=self._watched(number),
            older=tuple(self._older(history) for history in question.histories) if share else (),
            later=share,
            state=self._state(step, question.histories),
            checks=self._asked(number, step, question.claimed, self._loaded.checks.get(step.node, ())),
            columns=tuple(self.columns_before(step, place) for place in range(len(step.outputs))),
        )

    def columns_before(self, step: Step, place: int) -> Sequence[ColumnVersion]:
        """The columns that an output's are compared with; none where every change is let pass."""
        output = self.bound(step).outputs[place]
        if self._accepted or output.changes.lets_all_pass:
            return ()
        return self._journal.last_columns(output.key)

    def refuses(self, step: Step, older: Sequence[Materialization]) -> bool:
        """Whether older values may not simply become current again, as their columns are not today's."""
        return any(
            column_changes(before, value.data.columns)
            for place, value in enumerate(older)
            if (before := self.columns_before(step, place))
        )

    def audit(
        self,
        number: int,
        step: Step,
        claimed: Claimed,
        values: Sequence[Materialization],
        checks: Collection[Check] | None,
        *,
        verify: bool = False,
    ) -> Audit:
        """The order to judge values that are there, one per output, by these checks (None: by all)."""
        bound = self._loaded.checks.get(step.node, ())
        asked = [each for each in bound if checks is None or each.check in checks]
        self._memory.fetch(value.id for value in values)
        stored = [self._memory.known(value.id) for value in values]
        places: list[Place] = []
        for value, where in zip(values, stored, strict=True):
            if self._observing.is_source(value.partition.asset):
                places.append(Seen(self._observing.source(value.partition.asset)))
            elif where is None:
                message = f"the value of {value.partition} has no place any more"
                raise StorageError("blob-missing", message, hint="run it again")
            else:
                places.append(Lying(where))
        return Audit(
            step=step.id,
            attempt=claimed.attempt,
            partition=PartitionContext(step.key, self._deciding.node(number).partitioning),
            run=self._run,
            places=tuple(places),
            rows=tuple(value.data.rows for value in values),
            questions=self._asked(number, step, claimed, asked),
            verified=tuple(stored) if verify else (),
            watched=self._watched(number),
        )

    def _watched(self, number: int) -> tuple[Watched, ...]:
        read = [partition for edge in self._deciding.reads(number) for partition in edge]
        own = self._deciding.step(number).outputs  # of a source's checks: what is judged is what was seen
        return self._observing.watched([*read, *self._deciding.judging(number), *own])

    def _asked(self, number: int, step: Step, claimed: Claimed, checks: Iterable[BoundCheck]) -> tuple[Asked, ...]:
        """The checks with what they take. One of which something has no value yet is left out: it warns only."""
        outputs = {output: place for place, output in enumerate(step.outputs)}
        found: list[Asked] = []
        for bound in checks:
            members = dict(zip(bound.check.inputs, self._deciding.read_by(number, bound.check), strict=True))
            read = [partition for edge in members.values() for partition in edge if partition not in outputs]
            if any(self._memory.current(partition, claimed) is None for partition in read):
                continue
            arguments = tuple(
                Argument(
                    str(bound.call.key),
                    taken,
                    tuple(
                        Member(partition.key, Own(outputs[partition]))
                        if partition in outputs
                        else self._member(partition, claimed)
                        for partition in members[taken.edge]
                    ),
                    self._hints.get(taken.edge.asset),
                )
                for taken in bound.call.inputs
            )
            partition = Partition(bound.check.asset, step.key)
            past = self._journal.measured(bound.check.asset, bound.check.name, bound.history) if bound.history else ()
            found.append(
                Asked(bound=bound, partition=partition, output=outputs[partition], arguments=arguments, past=past)
            )
        return tuple(found)

    def _loaded_edges(self, number: int, step: Step) -> tuple[tuple[BoundInput, int], ...]:
        found = self._edges.get(step.node)
        if found is None:
            node = self._deciding.node(number)
            taken = () if node.observed else self.bound(step).inputs
            found = tuple((bound, node.inputs.index(bound.edge)) for bound in taken)
            self._edges[step.node] = found
        return found

    def _member(self, partition: Partition, claimed: Claimed) -> Member:
        if self._observing.is_source(partition.asset):
            return Member(partition.key, Seen(self._observing.source(partition.asset)))
        value = self._memory.value(partition)
        if value is not ABSENT:
            return Member(partition.key, Held(value))
        current = self._memory.current(partition, claimed)
        stored = None if current is None else self._memory.stored(partition, current)
        if stored is None:
            raise StorageError("blob-missing", f"the value of {partition} has no place any more", hint="run it again")
        return Member(partition.key, Lying(stored))

    def _older(self, history: History) -> Mapping[str, Stored]:
        candidates = _candidates(history)
        if not candidates:
            return {}
        self._memory.fetch(candidates.values())
        found = ((digest, self._memory.known(id)) for digest, id in candidates.items())
        return {digest: stored for digest, stored in found if stored is not None}

    def _state(self, step: Step, histories: tuple[History, ...]) -> str | None:
        current = histories[0].current
        if current is None or not current.stateful or not self.bound(step).context:
            return None
        return self._journal.state(current.id)


def _candidates(history: History) -> dict[str, int]:
    """Data digests of older values of a partition, and the materialization of each; the current one wins."""
    found = {each.data.digest: each.id for each in history.by_trace.values() if not each.freed}
    if history.current is not None:
        found[history.current.data.digest] = history.current.id
    return found
