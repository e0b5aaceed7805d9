"""Which steps are made by one call: those of an asset with ``batch=`` whose partitions follow each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from assetflow.load.definitions import Bound
from assetflow.model.keys import AssetKey
from assetflow.model.keysets import Keys
from assetflow.model.plan import Step

__all__ = ["Batching"]


class _Place(NamedTuple):
    """Where a step stands: steps of one line that have numbers in a row can be made by one call."""

    line: tuple[object, ...]
    number: int


class Batching:
    """The steps of one run that can be made together.

    Windows of time must follow each other, of a product those of equal other dimensions, so that a call is for a range.
    Other partitions can be made together as they are. ``chunk`` is the most that one call makes, whatever the asset
    says.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        bound: Mapping[AssetKey, Bound],
        keys_of: Callable[[AssetKey], Keys],
        chunk: int | None = None,
    ) -> None:
        self._places: dict[int, _Place] = {}
        self._at: dict[_Place, int] = {}
        self._most: dict[int, int] = {}
        for number, step in enumerate(steps):
            batch = bound[step.node].batch if step.node in bound else None
            if batch is not None:
                place = _place(step, keys_of(step.node), number)
                self._places[number] = place
                self._at[place] = number
                self._most[number] = min(batch.most or len(steps), chunk or len(steps))

    def is_for(self, step: int) -> bool:
        """Whether the step can be made together with others."""
        return step in self._places

    def even(self, seconds: Sequence[float | None]) -> list[float | None]:
        """What steps take, where those that can be made together take equal parts: so they stay in order."""
        found, total, counts = list(seconds), dict[tuple[object, ...], float](), Counter[tuple[object, ...]]()
        for step, place in self._places.items():
            if (known := seconds[step]) is not None:
                total[place.line] = total.get(place.line, 0.0) + known
                counts[place.line] += 1
        for step, place in self._places.items():
            found[step] = total[place.line] / counts[place.line] if counts[place.line] else None
        return found

    def mates(self, step: int, may: Callable[[int], bool]) -> list[int]:
        """The steps that can be made together with this one, itself among them, in order; of the others only such that
        may.
        """
        place = self._places.get(step)
        if place is None:
            return [step]
        found = [step]
        while len(found) < self._most[step] and (after := self._beside(found[-1], 1)) is not None and may(after):
            found.append(after)
        before = [step]
        while len(found) + len(before) - 1 < self._most[step]:
            if (next_before := self._beside(before[-1], -1)) is None or not may(next_before):
                break
            before.append(next_before)
        return [*reversed(before[1:]), *found]

    def calls(self, steps: Iterable[int]) -> list[list[int]]:
        """These steps, each list of them to be made by one call."""
        found: list[list[int]] = []
        for step in sorted(steps, key=lambda each: (repr(self._places[each].line), self._places[each].number)):
            if found and len(found[-1]) < self._most[step] and self._beside(found[-1][-1], 1) == step:
                found[-1].append(step)
            else:
                found.append([step])
        return found

    def _beside(self, step: int, way: int) -> int | None:
        line, number = self._places[step]
        return self._at.get(_Place(line, number + way))


def _place(step: Step, keys: Keys, number: int) -> _Place:
    dimensions = keys.dimensions or {"": keys}
    values = keys.values(step.key) or {"": step.key}
    times = [name for name, each in dimensions.items() if each.windows is not None]
    if len(times) != 1:
        return _Place((step.node,), number)
    position = dimensions[times[0]].position(values[times[0]])
    assert position is not None, f"there is no partition {step.key}"
    return _Place((step.node, *(value for name, value in values.items() if name != times[0])), position)
