"""Which step is next: the order of a plan's steps, and how far each one is. No clock, thread or journal.

Steps are numbered as in the plan. The order is by critical path, longest first: what most waits for begins first.
A step's path is longer than that of any step that reads it, so the order is topological too. Another order may be asked
for; what waits for others is then begun when these are over.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence, Set
from enum import Enum, auto

__all__ = ["Schedule", "Stage"]

#: Seconds that a step counts for which never ran, and the least that any counts.
_UNKNOWN_SECONDS, _LEAST_SECONDS = 1.0, 0.001


class Stage(Enum):
    """How far a step is."""

    #: Not claimed; perhaps put aside because another run holds it.
    OPEN = auto()
    CLAIMED = auto()
    #: Its inputs were known and it was begun: it runs, or waits for its next attempt.
    BEGUN = auto()
    #: Decided or run, failed, or given up. What reads it may begin, or never will.
    OVER = auto()


class Schedule:
    """The steps of one run.

    ``upstream`` holds, for each step, the steps whose results it reads; all stand before it. ``seconds`` is what
    each took the last time, None where unknown. ``spared`` are those upstream that a step can do without: it waits for
    them, and begins also where they have no usable end. ``first`` orders the steps before anything else, least first.
    """

    def __init__(
        self,
        upstream: Sequence[Iterable[int]],
        seconds: Sequence[float | None],
        spared: Sequence[Collection[int]] | None = None,
        first: Sequence[float] | None = None,
    ) -> None:
        self._upstream = [tuple(sorted(set(each))) for each in upstream]
        count = len(self._upstream)
        readers: list[list[int]] = [[] for _ in range(count)]
        for step, needed in enumerate(self._upstream):
            for producer in needed:
                readers[producer].append(step)
        self._readers = readers
        self._spared = {(producer, step) for step, some in enumerate(spared or ()) for producer in some}
        self._order = _by_critical_path(readers, seconds)
        if first is not None:
            self._order.sort(key=lambda step: first[step])
        self._rank = [0] * count
        for rank, step in enumerate(self._order):
            self._rank[step] = rank
        self._stages = [Stage.OPEN] * count
        self._missing = [len(needed) for needed in self._upstream]
        self._aside: dict[int, None] = {}
        self._dead: set[int] = set()
        self._left = count
        self._claimed = 0
        self._begun = 0
        #: Where in the order the first step may stand that is open and waits for others.
        self._from = 0
        #: Ranks of steps whose inputs are known: open ones, and claimed ones. Entries may be out of date.
        self._ready_open: list[int] = sorted(self._rank[step] for step in range(count) if not self._missing[step])
        self._ready_claimed: list[int] = []

    @property
    def unfinished(self) -> int:
        """How many steps are not over."""
        return self._left

    @property
    def begun(self) -> int:
        """How many steps run or wait for their next attempt."""
        return self._begun

    @property
    def aside(self) -> tuple[int, ...]:
        """The steps that another run holds, to be asked for again."""
        return tuple(self._aside)

    def stage(self, step: int) -> Stage:
        return self._stages[step]

    def readers(self, step: int) -> Sequence[int]:
        """The steps that read this one's results."""
        return self._readers[step]

    def remaining(self) -> tuple[int, ...]:
        """The steps that are not over, in plan order."""
        return tuple(step for step, stage in enumerate(self._stages) if stage is not Stage.OVER)

    def claims(self, ahead: int, at_least: int) -> list[int]:
        """The open steps to claim next: those that could begin first, then those next in order.

        Never so many that more than ``ahead`` are claimed and not begun, but for ``at_least`` that could begin.
        """
        room = max(ahead - self._claimed, 0)
        wanted: list[int] = []
        while self._ready_open and len(wanted) < max(room, at_least):
            step = self._order[heapq.heappop(self._ready_open)]
            if self._stages[step] is Stage.OPEN and step not in self._aside and not self._missing[step]:
                wanted.append(step)
        taken = set(wanted)
        rank = self._from
        while rank < len(self._order) and len(wanted) < room:
            step = self._order[rank]
            if self._stages[step] is Stage.OPEN and step not in self._aside and step not in taken:
                wanted.append(step)
            elif rank == self._from and self._stages[step] is not Stage.OPEN:
                self._from += 1
            rank += 1
        return wanted

    def has_startable(self) -> bool:
        """Whether a claimed step's inputs are all known."""
        heap = self._ready_claimed
        while heap:
            step = self._order[heap[0]]
            if self._stages[step] is Stage.CLAIMED and not self._missing[step]:
                return True
            heapq.heappop(heap)
        return False

    def next(self) -> int:
        """The claimed step to begin now; there must be one."""
        assert self.has_startable(), "no step can begin"
        return self._order[self._ready_claimed[0]]

    def is_ready(self, step: int) -> bool:
        """Whether a step can begin once it is claimed, if it is not."""
        ready = not self._missing[step] and step not in self._aside
        return ready and self._stages[step] in {Stage.OPEN, Stage.CLAIMED}

    def start(self, step: int) -> None:
        """A claimed step begins."""
        self._move(step, Stage.BEGUN)

    def claimed(self, step: int) -> None:
        """The step is ours."""
        self._aside.pop(step, None)
        self._move(step, Stage.CLAIMED)
        if not self._missing[step]:
            heapq.heappush(self._ready_claimed, self._rank[step])

    def put_aside(self, step: int) -> None:
        """Another run holds the step."""
        self._aside[step] = None

    def reopen(self, step: int) -> None:
        """A begun step has lost its claim and must be claimed anew."""
        self._move(step, Stage.OPEN)
        if not self._missing[step]:
            heapq.heappush(self._ready_open, self._rank[step])
        self._from = min(self._from, self._rank[step])

    def over(self, step: int) -> None:
        """The step has an end that its readers can use."""
        self._move(step, Stage.OVER)
        self._settle(self._readers[step])

    def _settle(self, readers: Iterable[int]) -> None:
        """These wait for one step less."""
        for reader in readers:
            self._missing[reader] -= 1
            if self._missing[reader]:
                continue
            if self._stages[reader] is Stage.CLAIMED:
                heapq.heappush(self._ready_claimed, self._rank[reader])
            elif self._stages[reader] is Stage.OPEN:
                heapq.heappush(self._ready_open, self._rank[reader])

    def give_up(self, step: int) -> tuple[int, ...]:
        """The step has no usable end: all that need it, directly or not, are over too. Gives these, in order."""
        self._move(step, Stage.OVER)
        self._dead.add(step)
        given_up = [reader for reader in self._needing([step]) if self._stages[reader] is not Stage.OVER]
        for reader in given_up:
            self._aside.pop(reader, None)
            self._move(reader, Stage.OVER)
        for one in (step, *given_up) if self._spared else ():
            self._settle(reader for reader in self._readers[one] if (one, reader) in self._spared)
        return tuple(given_up)

    def drop(self, step: int) -> None:
        """The step is over for good, and nothing follows from it: the run is being stopped."""
        self._aside.pop(step, None)
        self._move(step, Stage.OVER)

    def downstream(self, steps: Iterable[int]) -> list[int]:
        """All steps that read from one of these, directly or not, in plan order; not these themselves."""
        return self._reached(steps, frozenset())

    def _needing(self, steps: Iterable[int]) -> list[int]:
        """As :meth:`downstream`, without those that can do without."""
        return self._reached(steps, self._spared)

    def _reached(self, steps: Iterable[int], without: Set[tuple[int, int]]) -> list[int]:
        given = set(steps)
        found: set[int] = set()
        pending = list(given)
        while pending:
            step = pending.pop()
            for reader in self._readers[step]:
                if reader not in found and (step, reader) not in without:
                    found.add(reader)
                    pending.append(reader)
        return sorted(found - given)

    def undo(self, lost: Iterable[int]) -> tuple[frozenset[int], frozenset[int]]:
        """The results of these steps are void. Gives the steps that are open again, and those that run on them now.

        Open again are the lost ones and all that needed them, but for what cannot run anyway, because something else
        that it needs has no usable end. What the running ones give must be thrown away by the caller.
        """
        first = set(lost)
        touched = first | set(self.downstream(first))
        without_hope = set(self._needing(self._dead - touched))
        undone = frozenset(step for step in touched - without_hope if self._stages[step] is Stage.OVER)
        running = frozenset(step for step in touched if self._stages[step] is Stage.BEGUN)
        self._dead -= undone
        for step in undone:
            self._move(step, Stage.OPEN)
        stages = self._stages
        self._missing = [sum(stages[one] is not Stage.OVER for one in needed) for needed in self._upstream]
        ready = [step for step, missing in enumerate(self._missing) if not missing]
        self._ready_open = sorted(self._rank[step] for step in ready if stages[step] is Stage.OPEN)
        self._ready_claimed = sorted(self._rank[step] for step in ready if stages[step] is Stage.CLAIMED)
        self._from = 0
        return undone, running

    def _move(self, step: int, stage: Stage) -> None:
        before = self._stages[step]
        self._stages[step] = stage
        self._left += (before is Stage.OVER) - (stage is Stage.OVER)
        self._claimed += (stage is Stage.CLAIMED) - (before is Stage.CLAIMED)
        self._begun += (stage is Stage.BEGUN) - (before is Stage.BEGUN)


def _by_critical_path(readers: Sequence[Sequence[int]], seconds: Sequence[float | None]) -> list[int]:
    paths = [0.0] * len(readers)
    for step in reversed(range(len(readers))):
        own = seconds[step]
        longest = max((paths[reader] for reader in readers[step]), default=0.0)
        paths[step] = longest + max(_UNKNOWN_SECONDS if own is None else own, _LEAST_SECONDS)
    return sorted(range(len(readers)), key=lambda step: (-paths[step], step))
