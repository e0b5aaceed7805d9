"""Graphs written in one line: ``graph_of("a", "b: a", "c: a b")``."""

from collections.abc import Callable

import pytest

from assetflow.graph import Graph
from assetflow.model.definition import Definition, Input, Kind, Node
from assetflow.model.keys import AssetKey
from assetflow.model.mappings import All
from assetflow.model.trace import Recipe


def _key(text: str) -> AssetKey:
    return AssetKey.parse(text if "." in text else f"shop.{text}")


def _graph(*lines: str, **tags: str) -> Graph:
    """``name[=output,output][: input input]``; the group is shop where none is written; tags by bare name."""
    nodes, definitions = [], []
    for line in lines:
        name, _, reads = line.partition(":")
        name, _, written = name.strip().partition("=")
        key = _key(name)
        outputs = tuple(_key(output) for output in written.split(",")) if written else (key,)
        inputs = tuple(Input(parameter=read, asset=_key(read), mapping=All()) for read in reads.split())
        source = name.startswith("source_")
        nodes.append(Node(key=key, outputs=outputs, recipe=Recipe.of(code=""), inputs=inputs, observed=source))
        for output in outputs:
            kind = Kind.SOURCE if source else Kind.MULTI if written else Kind.ASSET
            definitions.append(
                Definition(
                    key=output,
                    kind=kind,
                    node=key,
                    tags=tuple(tags.get(output.name, "").split()),
                    owners=("ann@shop",) if output.name == "a" else (),
                    where=f"shop.py:{len(nodes)}",
                )
            )
    return Graph(nodes, definitions)


@pytest.fixture(scope="session")
def graph_of() -> Callable[..., Graph]:
    return _graph
