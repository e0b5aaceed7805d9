from hypothesis import given
from hypothesis import strategies as st

from assetflow.graph import cycle_error, cycles
from assetflow.model.keys import AssetKey


def keys(text: str) -> list[AssetKey]:
    return [AssetKey("g", name) for name in text.split()]


def edges(*pairs: str) -> list[tuple[AssetKey, AssetKey]]:
    return [(AssetKey("g", pair[0]), AssetKey("g", pair[1])) for pair in pairs]


def written(loops: list[tuple[AssetKey, ...]]) -> list[str]:
    return ["".join(key.name for key in loop) for loop in loops]


def test_a_graph_with_an_order_has_no_loop() -> None:
    assert cycles(edges("ab", "bc", "ac")) == []


def test_a_loop_is_named_once_from_its_smallest_key_along_its_edges() -> None:
    assert written(cycles(edges("cb", "ba", "ac"))) == ["acb"]


def test_what_waits_for_itself_is_a_loop_of_one() -> None:
    loops = cycles(edges("aa", "ab"))
    assert written(loops) == ["a"]
    assert cycle_error(loops[0], {}).message == "this asset waits for itself: g.a → g.a"


def test_of_a_tangle_the_shortest_loop_is_named() -> None:
    assert written(cycles(edges("ab", "bc", "cd", "da", "dc"))) == ["cd"]


def test_each_tangle_is_named_by_itself() -> None:
    assert written(cycles(edges("ab", "ba", "bx", "xy", "yx"))) == ["ab", "xy"]


def test_a_loop_of_three_thousand_is_found_quickly() -> None:
    ring = [AssetKey("g", f"a{place:04d}") for place in range(3000)]
    (loop,) = cycles(zip(ring, [*ring[1:], ring[0]], strict=True))
    assert loop == tuple(ring)


@given(st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6))))
def test_a_loop_is_found_exactly_where_there_is_one_and_none_is_shorter(pairs: set[tuple[int, int]]) -> None:
    """Against brute force: the shortest walk from a node back to itself, by powers of the edge relation."""
    walks, shortest = set(pairs), {}
    for length in range(1, 8):
        for start, end in walks:
            if start == end:
                shortest.setdefault(start, length)
        walks = {(a, d) for a, b in walks for c, d in pairs if b == c}
    loops = cycles((AssetKey("g", str(a)), AssetKey("g", str(b))) for a, b in pairs)
    assert bool(loops) == bool(shortest)
    for loop in loops:
        places = [int(key.name) for key in loop]
        assert all(pair in pairs for pair in zip(places, [*places[1:], places[0]], strict=True))
        assert len(loop) == shortest[places[0]]
    if loops:
        assert min(map(len, loops)) == min(shortest.values())
