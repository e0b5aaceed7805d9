import random
import subprocess
import sys
from collections.abc import Callable

import pytest

from assetflow.errors import DefinitionError, UsageError
from assetflow.graph import Graph
from assetflow.model.definition import Input, Node
from assetflow.model.keys import AssetKey
from assetflow.model.mappings import All
from assetflow.model.trace import Recipe

Make = Callable[..., Graph]


def names(keys: object) -> list[str]:
    return sorted(key.name for key in keys)  # type: ignore[attr-defined]


def chain(length: int) -> list[Node]:
    keys = [AssetKey("g", f"a{place:06d}") for place in range(length)]
    return [
        Node(
            key=key,
            outputs=(key,),
            recipe=Recipe.of(code=""),
            inputs=(Input(parameter="p", asset=keys[place - 1], mapping=All()),) if place else (),
        )
        for place, key in enumerate(keys)
    ]


def test_every_input_comes_before_its_readers_and_ties_go_by_key(graph_of: Make) -> None:
    graph = graph_of("d: c a", "b", "c: b", "a", "e")
    assert [key.name for key in graph.order] == ["a", "b", "c", "d", "e"]


def test_equal_graphs_have_equal_orders_however_they_were_given() -> None:
    nodes = chain(50)
    shuffled = random.Random(1).sample(nodes, len(nodes))
    assert Graph(nodes).order == Graph(shuffled).order == Graph({node.key: node for node in nodes}).order


def test_what_is_up_and_down_is_told_to_any_depth(graph_of: Make) -> None:
    graph = graph_of("a", "b: a", "c: b", "d: c", "x")
    b, c = (AssetKey("shop", name) for name in "bc")
    assert names(graph.upstream([c])) == ["a", "b", "c"]
    assert names(graph.upstream([c], 1)) == ["b", "c"]
    assert names(graph.downstream([b], 1)) == ["b", "c"]
    assert names(graph.downstream([b], 0)) == ["b"]
    assert graph.producers(c) == (b,)
    assert graph.consumers(b) == (c,)


def test_a_multi_asset_is_one_node_with_readers_for_each_output(graph_of: Make) -> None:
    graph = graph_of("split=train,test", "fit: train", "score: test")
    split = AssetKey("shop", "split")
    assert graph.node_of(AssetKey("shop", "train")).key == split
    assert names(graph.consumers(split)) == ["fit", "score"]
    assert names(graph.readers(AssetKey("shop", "train"))) == ["fit"]
    assert names(graph.downstream_assets([AssetKey("shop", "train")])) == ["fit", "train"]
    assert names(graph.resolve_all("split")) == ["test", "train"]


def test_a_bare_name_serves_where_it_is_unambiguous(graph_of: Make) -> None:
    graph = graph_of("shop.orders", "lab.orders", "lab.flights")
    assert graph.resolve("flights") == AssetKey("lab", "flights")
    assert graph.resolve("lab.orders") == AssetKey("lab", "orders")
    with pytest.raises(UsageError) as refused:
        graph.resolve("orders")
    assert refused.value.code == "ambiguous-asset"
    assert "lab.orders, shop.orders" in refused.value.message


@pytest.mark.parametrize(("written", "hint"), [("flihgts", "flights"), ("lab.flihgts", "lab.flights")])
def test_an_unknown_name_is_answered_with_the_nearest(graph_of: Make, written: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        graph_of("lab.flights", "lab.planes").resolve(written)
    assert refused.value.code == "unknown-asset"
    assert hint in refused.value.hint


def test_resolving_a_multi_asset_to_one_asset_is_ambiguous(graph_of: Make) -> None:
    with pytest.raises(UsageError) as refused:
        graph_of("split=train,test").resolve("split")
    assert refused.value.code == "ambiguous-asset"


def test_a_loop_is_refused_with_its_path_and_places(graph_of: Make) -> None:
    with pytest.raises(DefinitionError) as refused:
        graph_of("a: c", "b: a", "c: b", "d: c")
    assert refused.value.code == "cyclic-assets"
    assert refused.value.message.endswith("shop.a → shop.b → shop.c → shop.a")
    assert refused.value.where == ("shop.a   shop.py:1", "shop.b   shop.py:2", "shop.c   shop.py:3")


@pytest.mark.parametrize(("lines", "code"), [(("a: b",), "unknown-input"), (("a", "b=a,c"), "duplicate-asset")])
def test_nodes_that_make_no_graph_are_refused(graph_of: Make, lines: tuple[str, ...], code: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        graph_of(*lines)
    assert refused.value.code == code


def test_a_chain_of_a_hundred_thousand_does_not_overflow() -> None:
    graph = Graph(chain(100_000))
    assert len(graph.upstream([graph.order[-1]])) == 100_000
    assert len(graph.downstream([graph.order[0]])) == 100_000


def test_the_room_loads_nothing_heavy() -> None:
    heavy = "pyarrow pydantic sqlalchemy networkx duckdb pandas polars numpy"
    rooms = "assetflow.graph.selection, assetflow.plan"
    code = f"import sys, {rooms}; print([name for name in {heavy.split()} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
