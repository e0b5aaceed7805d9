from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assetflow.load.code.reach import Reached, reached, settle

Edges = list[tuple[int, int]]


def web(size: int, edges: Edges, texts: list[str] | None = None) -> list[Reached]:
    members = [Reached(str(number), str(number)) for number in range(size)]
    for number, member in enumerate(members):
        member.alone = texts[number] if texts else str(number)
    for label, (one, other) in enumerate(edges):
        members[one].edges.append((str(label), members[other]))
    return members


def test_a_chain_of_ten_thousand_is_settled_without_recursion() -> None:
    members = web(10_000, [(n, n + 1) for n in range(9_999)])
    assert settle(members[0])
    assert len(reached(members[0])) == 10_000


def test_a_ring_of_ten_thousand_is_settled_in_bounded_time() -> None:
    members = web(10_000, [(n, (n + 1) % 10_000) for n in range(10_000)])
    assert settle(members[0])


edges = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=14)


@given(edges, st.permutations(range(6)))
def test_digests_do_not_depend_on_where_one_begins(edges: Edges, order: list[int]) -> None:
    plain, other = web(6, edges), web(6, edges)
    for number in order:
        settle(other[number])
    assert [settle(member) for member in plain] == [member.total for member in other]


@given(edges, st.integers(0, 5))
def test_a_change_reaches_exactly_those_that_use_it(edges: Edges, changed: int) -> None:
    texts = [str(number) for number in range(6)]
    old = web(6, edges, texts)
    new = web(6, edges, [text + "!" if number == changed else text for number, text in enumerate(texts)])
    for before, after in zip(old, new, strict=True):
        uses = any(member.name == str(changed) for member in reached(before))
        assert (settle(before) != settle(after)) == uses


def test_members_that_differ_only_by_what_they_use_are_told_apart() -> None:
    one = web(4, [(0, 1), (1, 0), (0, 2)], ["a", "a", "x", "y"])
    other = web(4, [(0, 1), (1, 0), (0, 3)], ["a", "a", "x", "y"])
    assert settle(one[1]) != settle(other[1])
