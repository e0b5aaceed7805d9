"""Loops among assets that wait for each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from assetflow.errors import DefinitionError
from assetflow.model.keys import AssetKey

__all__ = ["cycle_error", "cycles", "loops"]

#: Edges looked at in one tangle before the shortest loop found so far is good enough to show.
_PATIENCE = 5_000_000


def cycles(edges: Iterable[tuple[AssetKey, AssetKey]]) -> list[tuple[AssetKey, ...]]:
    """One loop for each tangle (strongly connected component) of a graph given as (producer, consumer) pairs.

    It is a shortest loop of its tangle, written once, along the edges, from its smallest key, without repeating that
    key at the end: ``(a, b, c)`` stands for a → b → c → a. Loops are sorted. Empty where the graph has an order.
    In tangles of many thousands of edges the loop may be longer than the shortest.
    """
    after: dict[AssetKey, set[AssetKey]] = {}
    for producer, consumer in edges:
        after.setdefault(producer, set()).add(consumer)
        after.setdefault(consumer, set())
    return sorted(_shortest_loop(tangle, after) for tangle in _tangles({k: sorted(after[k]) for k in sorted(after)}))


def loops(edges: Iterable[tuple[AssetKey, AssetKey]]) -> Iterator[tuple[AssetKey, ...]]:
    """As :func:`cycles`, and one for each tangle that is left without the loops found before."""
    left = list(edges)
    while found := cycles(left):
        yield from found
        done = {key for loop in found for key in loop}
        left = [edge for edge in left if not done & set(edge)]


def cycle_error(loop: Sequence[AssetKey], places: Mapping[AssetKey, str]) -> DefinitionError:
    """The error that names a loop given by :func:`cycles`, with the place of each asset on it."""
    path = " → ".join(str(key) for key in (*loop, loop[0]))
    what = "this asset waits for itself" if len(loop) == 1 else "these assets wait for each other"
    return DefinitionError(
        "cyclic-assets",
        f"{what}: {path}",
        where=[f"{key}   {places[key]}" for key in loop if places.get(key)],
        hint="remove one of these inputs, or move what both sides need into an asset of its own",
    )


def _tangles(after: Mapping[AssetKey, Sequence[AssetKey]]) -> list[set[AssetKey]]:
    """Strongly connected components that hold a loop: Tarjan (1972), with a stack of its own instead of recursion."""
    index: dict[AssetKey, int] = {}
    low: dict[AssetKey, int] = {}
    open_: list[AssetKey] = []
    is_open: set[AssetKey] = set()
    found: list[set[AssetKey]] = []
    for root in after:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        open_.append(root)
        is_open.add(root)
        path = [(root, iter(after[root]))]
        while path:
            key, rest = path[-1]
            for child in rest:
                if child not in index:
                    index[child] = low[child] = len(index)
                    open_.append(child)
                    is_open.add(child)
                    path.append((child, iter(after[child])))
                    break
                if child in is_open:
                    low[key] = min(low[key], index[child])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[key])
                if low[key] == index[key]:
                    component = _closed(open_, is_open, key)
                    if len(component) > 1 or key in after[key]:
                        found.append(component)
    return found


def _closed(open_: list[AssetKey], is_open: set[AssetKey], root: AssetKey) -> set[AssetKey]:
    component: set[AssetKey] = set()
    while root not in component:
        key = open_.pop()
        is_open.discard(key)
        component.add(key)
    return component


def _shortest_loop(tangle: set[AssetKey], after: Mapping[AssetKey, set[AssetKey]]) -> tuple[AssetKey, ...]:
    """A shortest loop: for each key the shortest through it, and then without it, as long as anything loops."""
    inside = {key: after[key] & tangle for key in tangle}
    before: dict[AssetKey, set[AssetKey]] = {key: set() for key in tangle}
    for key, children in inside.items():
        for child in children:
            before[child].add(key)
    best: tuple[AssetKey, ...] = ()
    looked_at = 0
    for key in sorted(tangle):
        if key not in inside:
            continue
        loop, cost = _loop_through(key, inside, len(best))
        looked_at += cost
        if loop:
            best = loop
        if len(best) == 1 or looked_at > _PATIENCE:
            break
        _without(key, inside, before)
    start = best.index(min(best))
    return best[start:] + best[:start]


def _loop_through(
    key: AssetKey, after: Mapping[AssetKey, set[AssetKey]], shorter_than: int
) -> tuple[tuple[AssetKey, ...], int]:
    """The shortest loop through a key if it is shorter than that (0: any), and how many edges were looked at."""
    came_from: dict[AssetKey, AssetKey] = {}
    length = {key: 1}
    waiting = deque([key])
    looked_at = 0
    while waiting:
        here = waiting.popleft()
        if shorter_than and length[here] >= shorter_than:
            break
        for child in sorted(after[here]):
            looked_at += 1
            if child == key:
                loop = [here]
                while loop[-1] != key:
                    loop.append(came_from[loop[-1]])
                return tuple(reversed(loop)), looked_at
            if child not in length:
                length[child] = length[here] + 1
                came_from[child] = here
                waiting.append(child)
    return (), looked_at


def _without(key: AssetKey, after: dict[AssetKey, set[AssetKey]], before: dict[AssetKey, set[AssetKey]]) -> None:
    """Remove a key, and then all that no longer has both an edge in and an edge out: no loop leads through it."""
    gone = [key]
    while gone:
        here = gone.pop()
        if here not in after:
            continue
        children, parents = after.pop(here), before.pop(here)
        for child in children & before.keys():
            before[child].discard(here)
            if not before[child]:
                gone.append(child)
        for parent in parents & after.keys():
            after[parent].discard(here)
            if not after[parent]:
                gone.append(parent)
