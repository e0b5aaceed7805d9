"""Selections: ``shop.*``, ``+report``, ``tag:daily and not kind:source``; several arguments mean *or*."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from fnmatch import translate
from typing import assert_never

from assetflow.errors import UsageError, nearest
from assetflow.graph.grammar import All, Any, Expression, Not, Term, bad, parsed
from assetflow.graph.topology import Graph
from assetflow.model.definition import Definition, Kind
from assetflow.model.keys import AssetKey
from assetflow.model.plan import State

__all__ = ["select", "uses_status"]

_GLOB = re.compile(r"[*?\[]")
#: What ``method:`` looks at.
_METHODS: Mapping[str, Callable[[Definition], Sequence[str]]] = {
    "group": lambda definition: (definition.key.group,),
    "tag": lambda definition: definition.tags,
    "owner": lambda definition: definition.owners,
    "kind": lambda definition: (definition.kind.value,),
}
#: Methods whose words are known beforehand.
_WORDS: Mapping[str, tuple[str, ...]] = {
    "kind": tuple(kind.value for kind in Kind),
    "status": tuple(state.value for state in State),
}


def select(
    expressions: str | Iterable[str], graph: Graph, states: Mapping[AssetKey, State] | None = None
) -> frozenset[AssetKey]:
    """The assets that any of the expressions selects.

    ``states`` is what ``status:`` compares with: each asset's state, the worst of its partitions'. A multi-asset's own
    name selects all its outputs; ``+x`` and ``x+`` follow edges between assets, so that of a multi-asset only the
    outputs that are read count. No expression selects nothing.

    Raises UsageError ``bad-selection`` (pointing at the place), ``unknown-asset`` and ``ambiguous-asset`` for names,
    ``empty-selection`` where nothing at all is selected.
    """
    texts = (expressions,) if isinstance(expressions, str) else tuple(expressions)
    selector = _Selector(graph, states)
    found = selector.of(Any(tuple(parsed(text) for text in texts)))
    if not found:
        raise UsageError(
            "empty-selection",
            f"nothing is selected by {' '.join(texts) or 'nothing'}",
            hint="; ".join(selector.advice) or 'see "assetflow list" for what there is',
        )
    return frozenset(found)


def uses_status(expressions: str | Iterable[str]) -> bool:
    """Whether a selection asks for states, so that these must be found out first."""
    waiting: list[Expression] = [
        parsed(text) for text in ((expressions,) if isinstance(expressions, str) else expressions)
    ]
    while waiting:
        match waiting.pop():
            case Term(method=method):
                if method == "status":
                    return True
            case Not(part):
                waiting.append(part)
            case All(parts) | Any(parts):
                waiting += parts
            case expression:
                assert_never(expression)
    return False


class _Selector:
    """Evaluates trees over one graph."""

    def __init__(self, graph: Graph, states: Mapping[AssetKey, State] | None) -> None:
        self._graph = graph
        self._states = states
        self._everything = frozenset(graph.assets) | graph.views
        #: What to tell if nothing at all is found.
        self.advice: list[str] = []

    def of(self, expression: Expression) -> AbstractSet[AssetKey]:
        match expression:
            case Term():
                return self._spread([expression])
            case Not(part):
                return self._everything - self.of(part)
            case All(parts):
                return frozenset.intersection(*(frozenset(self.of(part)) for part in parts))
            case Any(parts):
                # Thousands of names are one walk over the graph, not thousands.
                terms = [part for part in parts if isinstance(part, Term)]
                others = [self.of(part) for part in parts if not isinstance(part, Term)]
                return self._spread(terms).union(*others)
            case _:
                assert_never(expression)

    def _spread(self, terms: Sequence[Term]) -> set[AssetKey]:
        seeds: dict[tuple[int | None, int | None], set[AssetKey]] = {}
        for term in terms:
            seeds.setdefault((term.up, term.down), set()).update(self._matches(term))
        found: set[AssetKey] = set()
        for (up, down), assets in seeds.items():
            found |= assets
            if up != 0:
                found |= self._graph.upstream_assets(assets, up)
            if down != 0:
                found |= self._graph.downstream_assets(assets, down)
        return found

    def _matches(self, term: Term) -> Iterable[AssetKey]:
        if term.method:
            return self._by_method(term)
        if not _GLOB.search(term.word):
            return self._graph.resolve_all(term.word)
        matches = re.compile(translate(term.word)).match
        full = "." in term.word
        names = {key: key for key in self._everything} if full else {}
        return {
            output
            for key in (*(names or self._everything), *self._graph.nodes)
            if matches(str(key) if full else key.name)
            for output in ((key,) if key in self._everything else self._graph.nodes[key].outputs)
        }

    def _by_method(self, term: Term) -> Iterable[AssetKey]:
        word, method = term.word, term.method
        known = _WORDS.get(method)
        if known and word not in known:
            raise bad(
                term.text, term.place, f"{method}: is one of {', '.join(known)}, not {word!r}", nearest(word, known)
            )
        if method == "status":
            if self._states is None:
                raise bad(term.text, term.place, "status: cannot be told here", "leave it out")
            return {asset for asset in self._everything if self._states.get(asset) == word}
        told = _METHODS.get(method)
        if told is None:
            methods = [*_METHODS, "status"]
            hint = nearest(method, methods) or f"there are {', '.join(f'{name}:' for name in methods)}"
            raise bad(term.text, term.place, f"{method}: is not a way to select", hint)
        matches = re.compile(translate(word)).match
        definitions = self._graph.definitions.values()
        found = {one.key for one in definitions if any(matches(value) for value in told(one))}
        if not found and (close := nearest(word, {value for one in definitions for value in told(one)})):
            self.advice.append(f"{method}:{word}: {close}")
        return found
