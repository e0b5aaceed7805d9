"""What a step finds when it looks at its inputs, while a plan is being made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from assetflow.model.history import History, Materialization
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.plan import Cause
from assetflow.model.versions import DataVersion
from assetflow.plan import causes

__all__ = ["PENDING", "Expected", "Inputs", "Known", "Pending", "Unavailable"]


@dataclass(frozen=True, slots=True)
class Known:
    """It has this data already, or will have it when its readers' turn comes."""

    data: DataVersion
    #: Whether what is made from it can be fresh: it is not itself waiting for something.
    sound: bool
    #: ``v3`` for people; empty for what was only observed.
    version: str = ""
    #: The catalog has it as current. A source's change that is not recorded yet must not enter a memo.
    recorded: bool = True


@dataclass(frozen=True, slots=True)
class Pending:
    """A step of this plan may change it."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """There will be no value of today: it, or something it needs, failed for good or is missing."""

    cause: Cause


Expected: TypeAlias = Known | Pending | Unavailable

PENDING = Pending()


class Inputs:
    """What readers can expect of each partition, and notes about the inputs of the step at hand.

    :meth:`look` begins a step; the function that it gives is asked for the version of each input partition while the
    step's trace is computed, and fills the notes.
    """

    def __init__(self, histories: Mapping[Partition, History], outside: Callable[[Partition], bool] | None) -> None:
        self._histories = histories
        #: With ``only``: whether a partition is left as it is.
        self._outside = outside
        #: A partition that is neither here nor of a pending asset has its current value and is fresh.
        self.expected: dict[Partition, Expected] = {}
        #: Assets of which every partition that this plan is about is pending, but for those of these keys.
        self.pending: dict[AssetKey, frozenset[str]] = {}
        #: With ``only``: what is read as it is though it is not fresh.
        self.ignored: dict[Partition, None] = {}
        #: Why the step at hand cannot be made.
        self.unmet: list[Cause] = []
        #: Inputs of the step at hand that are known, but not fresh.
        self.unsound: list[AssetKey] = []
        #: What the step at hand does without.
        self.without: list[Partition] = []
        self._requested = False
        #: The step at hand reads a source's change that is not recorded yet.
        self.unrecorded = False

    def look(self, *, requested: bool) -> Callable[[Partition], DataVersion | None]:
        """Begin a step; a requested one reads as it is what ``only`` leaves out."""
        if self.unmet or self.unsound:
            self.unmet, self.unsound = [], []
        self.unrecorded = False
        self._requested = requested
        if self.without:
            self.without = []
        return self._as_it_is if requested and self._outside else self._version

    def _version(self, partition: Partition) -> DataVersion | None:
        known = self.known(partition)
        if known is None:
            history = self._histories.get(partition)
            if history is None or history.current is None:
                self.unmet.append(causes.unmet(partition))
                return None
            return history.current.data
        if isinstance(known, Known):
            if not known.sound:
                self.unsound.append(partition.asset)
            if not known.recorded:
                self.unrecorded = True
            return known.data
        if isinstance(known, Unavailable):
            self.unmet.append(known.cause)
        return None

    def _as_it_is(self, partition: Partition) -> DataVersion | None:
        known = self.known(partition)
        if known is None or not self._outside or not self._outside(partition):
            return self._version(partition)
        if not (isinstance(known, Known) and known.sound):
            self.ignored[partition] = None
            self.unsound.append(partition.asset)
        current = self.current(partition)
        if current is None:
            self.unmet.append(causes.unmet(partition))
            return None
        return current.data

    def known(self, partition: Partition) -> Expected | None:
        """What is expected of a partition; None where it has its current value and is fresh."""
        found = self.expected.get(partition)
        if found is not None or not self.pending:
            return found
        others = self.pending.get(partition.asset)
        return None if others is None or partition.key in others else PENDING

    def is_there(self, partition: Partition) -> bool:
        """Whether the step at hand will find a value; asked of what it can do without, and noted where not."""
        left = self._requested and self._outside is not None and self._outside(partition)
        known = None if left else self.known(partition)
        there = not isinstance(known, Unavailable) if known is not None else self.current(partition) is not None
        if not there:
            self.without.append(partition)
        return there

    def glance(self, partition: Partition, *, requested: bool) -> DataVersion | None:
        """The version that a check of the step at hand would read, without notes; None where there is none yet."""
        known = self.known(partition)
        left = requested and self._outside is not None and self._outside(partition)
        if known is None or left:
            current = self.current(partition)
            return None if current is None else current.data
        if not isinstance(known, Known):
            return None
        if not known.recorded:
            self.unrecorded = True
        return known.data

    def serves_as_it_is(self, partition: Partition) -> bool:
        """Whether ``only`` leaves it as it is, and there is something to read."""
        return self._outside is not None and self._outside(partition) and self.current(partition) is not None

    def will_change(self, partition: Partition) -> bool:
        """Whether a step of this plan may give it a value."""
        return self.known(partition) is PENDING

    def unmet_by(self, partition: Partition) -> Cause | None:
        """Why there will be no value to read; None where there will be one."""
        known = self.known(partition)
        if isinstance(known, Unavailable):
            return known.cause
        return causes.unmet(partition) if known is None and self.current(partition) is None else None

    def current(self, partition: Partition) -> Materialization | None:
        """The current value of a partition, if it can be read."""
        history = self._histories.get(partition)
        return None if history is None or history.lost else history.current

    def today(self, partition: Partition) -> DataVersion | None:
        """What a partition holds now, whatever will become of it: a source's observed version, a current value."""
        known = self.known(partition)
        if isinstance(known, Known) and not known.version:
            return known.data
        history = self._histories.get(partition)
        return history.current.data if history and history.current else None
