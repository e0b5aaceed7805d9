"""What code reaches: a web of functions, classes, modules and constants, and the digest of each with all it reaches.

Digests are computed per strongly connected component (Tarjan, "Depth-First Search and Linear Graph Algorithms", 1972),
and within one by refining the members' own digests with those of their neighbours until no more members can be told
apart (the naive bisimulation of Kanellakis and Smolka, 1983). Everything is iterative: chains may be long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from assetflow.load.code.canonical import digest
from assetflow.model.versions import CodePart, Untracked

__all__ = ["Reached", "reached", "settle"]

#: Members that only differ by what lies further away than this are not told apart by position alone.
ROUNDS: Final = 64


class Reached:
    """One function, class, module or constant of the project, and what it uses.

    ``alone`` is the digest of it without what it reaches; ``total`` the digest with it, once settled.
    """

    __slots__ = ("alone", "docstring", "edges", "name", "reads", "short", "text", "total", "untracked", "where")

    def __init__(self, name: str, short: str, where: str = "", text: str = "") -> None:
        self.name = name
        #: The name by which users' digests mention it: without its module, so that moving code changes nothing.
        self.short = short
        self.where = where
        self.text = text
        self.alone = ""
        self.edges: list[tuple[str, Reached]] = []
        self.total: str | None = None
        #: Which names or docstrings of code it reads.
        self.reads: frozenset[str] = frozenset()
        self.docstring = ""
        self.untracked: tuple[Untracked, ...] = ()

    @property
    def part(self) -> CodePart:
        """How it is told to people."""
        return CodePart(self.name, self.alone, self.where, self.text)


def reached(root: Reached) -> list[Reached]:
    """Everything from the root on, each once, in order of first reach."""
    seen = {id(root)}
    found = [root]
    for member in found:
        for _, target in member.edges:
            if id(target) not in seen:
                seen.add(id(target))
                found.append(target)
    return found


def settle(root: Reached) -> str:
    """The root's total digest; those of everything it reaches are computed on the way."""
    if root.total is not None:
        return root.total
    settled = True
    for _, target in root.edges:
        if target.total is None:
            if target.edges:
                settled = False
            else:
                target.total = _total(target)
    if settled:
        root.total = _total(root)
    else:
        for component in _components(root):
            _settle(component)
    assert root.total is not None
    return root.total


def _total(member: Reached) -> str:
    return digest([member.alone, *(text for label, target in member.edges for text in (label, target.total or ""))])


def _settle(component: Sequence[Reached]) -> None:
    if len(component) == 1 and all(target is not component[0] for _, target in component[0].edges):
        component[0].total = _total(component[0])
        return
    colours = {id(member): member.alone for member in component}
    kinds = len(set(colours.values()))
    for _ in range(ROUNDS):
        colours = {id(member): _colour(member, colours) for member in component}
        finer = len(set(colours.values()))
        if finer == kinds:
            break
        kinds = finer
    whole = digest(sorted(colours.values()))
    for member in component:
        member.total = digest([whole, colours[id(member)]])


def _colour(member: Reached, colours: dict[int, str]) -> str:
    parts = [colours[id(member)]]
    for label, target in member.edges:
        parts += [label, target.total or colours[id(target)]]
    return digest(parts)


def _components(root: Reached) -> Iterator[list[Reached]]:
    """Strongly connected components that are not settled yet, each after those it reaches."""
    index: dict[int, int] = {id(root): 0}
    low: dict[int, int] = {id(root): 0}
    waiting = [root]
    on_stack = {id(root)}
    path = [(root, iter(root.edges))]
    while path:
        member, edges = path[-1]
        me = id(member)
        for _, target in edges:
            it = id(target)
            if target.total is not None:
                continue
            if it not in index:
                index[it] = low[it] = len(index)
                waiting.append(target)
                on_stack.add(it)
                path.append((target, iter(target.edges)))
                break
            if it in on_stack:
                low[me] = min(low[me], index[it])
        else:
            path.pop()
            if path:
                above = id(path[-1][0])
                low[above] = min(low[above], low[me])
            if low[me] == index[me]:
                component = _popped(waiting, on_stack, member)
                yield component


def _popped(waiting: list[Reached], on_stack: set[int], last: Reached) -> list[Reached]:
    component: list[Reached] = []
    while True:
        member = waiting.pop()
        on_stack.discard(id(member))
        component.append(member)
        if member is last:
            return component
