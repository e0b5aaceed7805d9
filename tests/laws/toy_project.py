"""A project of the toy world: how its functions are written today, as plain values, and the graph that they make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from assetflow.graph import Graph
from assetflow.model.definition import Input, Node
from assetflow.model.keys import AssetKey
from assetflow.model.mappings import All, Same
from assetflow.model.partitioning import SINGLE, KeysOf
from assetflow.model.trace import Recipe
from assetflow.model.versions import ColumnVersion, DataVersion, fingerprint

#: (rows, content of column a, content of column b)
Value = tuple[int, int, int]
#: There is no value, or it cannot be told.
UNKNOWN = object()

INBOX = AssetKey("toy", "inbox")
FILE = AssetKey("toy", "file")


@dataclass(frozen=True)
class Read:
    asset: AssetKey
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Spec:
    """How one function is written today."""

    key: AssetKey
    outputs: tuple[AssetKey, ...]
    reads: tuple[Read, ...] = ()
    partitioned: bool = False
    code: int = 0
    parameter: int = 0
    resource: int = 0
    type: int = 0
    max_age: timedelta | None = None
    #: The value depends on the weather, which no trace knows.
    outside: bool = False
    deterministic: bool = False
    #: It fails for good whenever the ingredients' hash is a multiple of five: a bug that some inputs hit.
    fragile: bool = False
    stateful: bool = False


Project = dict[AssetKey, Spec]


def version(value: Value) -> DataVersion:
    columns = [ColumnVersion(name, "int", str(content)) for name, content in zip("ab", value[1:], strict=True)]
    return DataVersion.of_table(value[0], columns)


def number(*what: Any) -> int:
    return int(fingerprint(repr(what))[:8], 16)


_graphs: dict[int, tuple[Project, Graph]] = {}


def graph_of(project: Project) -> Graph:
    """The graph of a project, built once for each state of it."""
    if id(project) not in _graphs:
        if len(_graphs) > 100:
            _graphs.clear()
        _graphs[id(project)] = (project, _graph(project))
    return _graphs[id(project)][1]


def _graph(project: Project) -> Graph:
    nodes = [
        Node(key=FILE, outputs=(FILE,), recipe=Recipe.of(code=""), observed=True, digest="file"),
        Node(
            key=INBOX,
            outputs=(INBOX,),
            recipe=Recipe.of(code=""),
            observed=True,
            partitioning=KeysOf(INBOX),
            digest="inbox",
        ),
    ]
    is_partitioned = {INBOX: True, FILE: False}
    for spec in project.values():
        is_partitioned |= dict.fromkeys(spec.outputs, spec.partitioned)
    for spec in project.values():
        recipe = Recipe.of(
            code=f"code {spec.code} fragile {spec.fragile}",
            type=f'{{"type": {spec.type}}}',
            parameters=(("p", str(spec.parameter)),),
            resources=(("r", f'{{"url": {spec.resource}}}'),),
        )
        inputs = [
            Input(
                parameter=f"p{place}",
                asset=read.asset,
                columns=read.columns,
                mapping=Same() if spec.partitioned and is_partitioned[read.asset] else All(),
            )
            for place, read in enumerate(spec.reads)
        ]
        node = Node(
            key=spec.key,
            outputs=spec.outputs,
            recipe=recipe,
            inputs=tuple(sorted(inputs, key=lambda i: (i.asset, i.mapping.text, i.columns or ()))),
            partitioning=KeysOf(INBOX) if spec.partitioned else SINGLE,
            max_age=spec.max_age,
            reads_outside=spec.outside or spec.max_age is not None,
            deterministic=spec.deterministic,
        )
        nodes.append(replace(node, digest=fingerprint(repr(node))))
    return Graph(nodes)


def is_free(spec: Spec) -> bool:
    """Whether its value is not a function of its ingredients."""
    return spec.stateful or (spec.outside and not spec.deterministic)


def maker(project: Project, asset: AssetKey) -> Spec:
    if asset == FILE:
        return Spec(key=FILE, outputs=(FILE,))
    return next(spec for spec in project.values() if asset in spec.outputs)
