"""What an attempt is given: arguments and where they lie, older values with equal data, the state to begin with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assetflow.errors import StorageError
from assetflow.load.definitions import Bound, BoundInput, Loaded
from assetflow.model.context import RunContext
from assetflow.model.history import History
from assetflow.model.journal import Claimed, Journal
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.plan import Action, Step
from assetflow.model.versions import Stored
from assetflow.run.arguments import Argument, Held, Lying, Member, Seen
from assetflow.run.attempt import Work
from assetflow.run.deciding import Deciding, Question
from assetflow.run.memory import ABSENT, Memory
from assetflow.run.observing import Observing

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
    ) -> None:
        self._loaded = loaded
        self._deciding = deciding
        self._memory = memory
        self._observing = observing
        self._journal = journal
        self._run = run
        self._hints = {output.key: output.hint for bound in loaded.bound.values() for output in bound.outputs}
        self._edges: dict[AssetKey, tuple[tuple[BoundInput, int], ...]] = {}

    def bound(self, step: Step) -> Bound:
        return self._loaded.bound[step.node]

    def loads(self, number: int, step: Step) -> list[Partition]:
        """The upstream partitions that the step will load."""
        members = self._deciding.members(number)
        return [partition for _, edge in self._loaded_edges(number, step) for partition in members[edge]]

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

        With ``share``, equal older data may lend its bytes.
        """
        members = self._deciding.members(number)
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
            run=self._run,
            scratch=str(number),
            arguments=arguments,
            watched=self._observing.watched(partition for edge in members for partition in edge),
            older=tuple(self._older(history) for history in question.histories) if share else (),
            state=self._state(step, question.histories),
        )

    def _loaded_edges(self, number: int, step: Step) -> tuple[tuple[BoundInput, int], ...]:
        found = self._edges.get(step.node)
        if found is None:
            inputs = self._deciding.node(number).inputs
            found = tuple((bound, inputs.index(bound.edge)) for bound in self.bound(step).inputs)
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
    found = {each.data.digest: each.id for each in history.by_trace.values()}
    if history.current is not None:
        found[history.current.data.digest] = history.current.id
    return found
