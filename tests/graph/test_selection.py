from collections.abc import Callable

import pytest

from assetflow.errors import UsageError
from assetflow.graph import Graph
from assetflow.graph.selection import select, uses_status
from assetflow.model.keys import AssetKey
from assetflow.model.plan import State


@pytest.fixture(scope="module")
def graph(graph_of: Callable[..., Graph]) -> Graph:
    return graph_of(
        "source_raw",
        "a: source_raw",
        "b: a",
        "c: b",
        "d: c x",
        "x",
        "split=train,test: d",
        "fit: train",
        "lab.a2: a",
        a="daily pii",
        b="daily",
    )


CASES = [
    ("a", "a"),
    ("shop.a", "a"),
    ("+c", "a b c source_raw"),
    ("1+c", "b c"),
    ("2+c", "a b c"),
    ("b+1", "b c"),
    ("b+", "b c d fit test train"),
    ("1+b+1", "a b c"),
    ("+b+", "a b c d fit source_raw test train"),
    ("split", "test train"),
    ("train+", "fit train"),
    ("test+", "test"),
    ("1+fit", "fit train"),
    ("t*", "test train"),
    ("shop.?", "a b c d x"),
    ("lab.*", "a2"),
    ("[ab]", "a b"),
    ("spli*", "test train"),
    ("*", "a a2 b c d fit source_raw test train x"),
    ("group:lab", "a2"),
    ("group:lab or x", "a2 x"),
    ("tag:daily", "a b"),
    ("tag:daily and not tag:pii", "b"),
    ("not not a", "a"),
    ("owner:ann*", "a"),
    ("kind:source", "source_raw"),
    ("kind:multi", "test train"),
    ("status:failed", "c"),
    ("status:stale+1", "b c d"),
    ("a or b and c", "a"),
    ("(a or b) and b", "b"),
    ("+c and not (a or kind:source)", "b c"),
    ("1+tag:daily", "a b source_raw"),
    ("99999999999999999999+c", "a b c source_raw"),
]
STATES = {
    AssetKey("shop", "c"): State.FAILED,
    AssetKey("shop", "d"): State.STALE,
    AssetKey("shop", "b"): State.STALE,
}


@pytest.mark.parametrize(("text", "selected"), CASES)
def test_the_grammar_selects(graph: Graph, text: str, selected: str) -> None:
    found = select(text, graph, STATES)
    expected = set(selected.split())
    if text == "status:stale+1":
        expected |= {"test", "train"}
    assert {key.name for key in found} == expected


def test_several_arguments_mean_or(graph: Graph) -> None:
    assert {key.name for key in select(["a", "x", "tag:none"], graph)} == {"a", "x"}


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("a b", 2, "missing before 'b'"),
        ("a and", 5, "missing at the end"),
        ("a or or b", 5, "missing before 'or'"),
        ("(a or b", 0, "not closed"),
        ("a) or b", 1, "closes nothing"),
        ("a and kind:tabel", 6, "kind: is one of"),
        ("status:bad", 0, "status: is one of"),
        ("a or tga:x", 5, "tga: is not"),
        ("a++b", 0, "understood"),
        ("not", 3, "missing at the end"),
        ("", 0, "empty text"),
        ("a@2026-01-01", 0, "partition"),
        ("(" * 101 + "a" + ")" * 101, 100, "too deeply"),
    ],
)
def test_a_bad_selection_points_at_the_place(graph: Graph, text: str, place: int, word: str) -> None:
    with pytest.raises(UsageError) as refused:
        select(text, graph, STATES)
    assert refused.value.code == "bad-selection"
    assert refused.value.where == (text, " " * place + "^")
    assert word in refused.value.message


def test_an_unknown_name_is_answered_with_the_nearest(graph: Graph) -> None:
    with pytest.raises(UsageError) as refused:
        select("shop.trian", graph)
    assert refused.value.code == "unknown-asset"
    assert "shop.train" in refused.value.hint


def test_nothing_at_all_is_an_empty_selection_with_the_nearest(graph: Graph) -> None:
    with pytest.raises(UsageError) as refused:
        select("tag:dayly", graph)
    assert refused.value.code == "empty-selection"
    assert "daily" in refused.value.hint
    for nothing in ("zzz*", "a and b", []):
        with pytest.raises(UsageError):
            select(nothing, graph)


def test_states_are_asked_for_only_where_they_are_used(graph: Graph) -> None:
    assert uses_status(["a", "b and not (c or status:stale)"])
    assert not uses_status("+a or tag:status")
    with pytest.raises(UsageError):
        select("status:stale", graph)


def test_selecting_many_is_one_walk(graph_of: Callable[..., Graph]) -> None:
    many = graph_of("a0", *(f"a{place}: a{place - 1}" for place in range(1, 3000)))
    found = select([f"+a{place}" for place in range(3000)], many)
    assert len(found) == 3000
