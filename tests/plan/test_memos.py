"""Which nodes must be compared. That memos never change an answer is the matter of tests/laws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from assetflow.model.history import Memo
from assetflow.model.keys import AssetKey, Partition
from assetflow.plan.memos import advanced, scope


def key(name: str) -> AssetKey:
    return AssetKey("shop", name)


@pytest.fixture
def chain(shelf: Any) -> Any:
    """raw → a → b, and x, all made."""
    shelf.source("raw", None)
    shelf.source("raw", _version())
    shelf.node("a", "raw")
    shelf.node("b", "a")
    shelf.node("x")
    shelf.make("a b x")
    return shelf


def _version(text: str = "1") -> Any:
    from assetflow.model.versions import DataVersion

    return DataVersion(text)


def compared(shelf: Any, memos: Mapping[AssetKey, Memo] | None = None, **fields: Any) -> str:
    arguments = {"moved": {}, "keys": shelf.keys, "changed_sources": {}, "lost": (), "as_of": shelf.as_of, **fields}
    memos = shelf.plan().memos if memos is None else memos
    found = scope(shelf.graph, memos, **arguments)
    return " ".join(
        name.name if keys is None or keys == {""} else f"{name.name}@{'+'.join(sorted(keys))}"
        for name, keys in sorted(found.items())
    )


def test_without_memos_everything_made_is_compared(chain: Any) -> None:
    assert compared(chain, {}) == "a b x"


def test_what_was_proved_fresh_is_settled(chain: Any) -> None:
    assert compared(chain) == ""


def test_a_change_of_the_definition_is_compared_with_all_below(chain: Any) -> None:
    memos = chain.plan().memos
    chain.node("a", "raw", code="2")
    assert compared(chain, memos) == "a b"


def test_what_moved_since_the_snapshot_is_compared(chain: Any) -> None:
    assert compared(chain, moved={key("b"): 8}) == "b"
    assert compared(chain, moved={key("a"): 8}) == "a b"
    assert compared(chain, moved={key("b"): 7}) == ""


def test_an_input_that_moved_counts_though_its_own_memo_is_newer(chain: Any) -> None:
    memos = dict(chain.plan().memos)
    memos[key("a")] = replace(memos[key("a")], revision=9)
    assert compared(chain, memos, moved={key("a"): 8}) == "b"


def test_what_hides_from_revisions_counts_as_moved(chain: Any) -> None:
    assert compared(chain, changed_sources={key("raw"): None}) == "a b raw"
    assert compared(chain, lost={Partition(key("b"))}) == "b"
    assert compared(chain, also={key("x")}) == "x"


def test_what_has_expired_and_what_is_volatile_is_compared(shelf: Any) -> None:
    shelf.node("hourly", max_age=timedelta(hours=1))
    shelf.node("always", max_age=timedelta(0))
    shelf.make("hourly always")
    memos = shelf.plan().memos
    assert compared(shelf, memos) == "always"
    shelf.wait(hours=1)
    assert compared(shelf, memos) == "always hourly"


def test_other_keys_are_compared(shelf: Any) -> None:
    shelf.folder("inbox", {"a": "1"})
    shelf.node("text", "inbox", per="inbox")
    shelf.node("report", "text")
    shelf.make("text report")
    memos = shelf.plan().memos
    assert compared(shelf, memos) == ""
    shelf.folder("inbox", {"a": "1", "b": "1"})
    assert compared(shelf, memos) == "report text@b", "it was added at the end, and what reads all reads it"
    shelf.folder("inbox", {"0": "1", "a": "1"})
    assert compared(shelf, memos) == "report text", "any other change of the keys compares all of them"


def test_of_a_node_the_keys_are_compared_that_something_has_happened_to(shelf: Any) -> None:
    shelf.folder("inbox", dict.fromkeys("abcd", "1"))
    shelf.node("text", "inbox", per="inbox")
    shelf.node("words", "text", per="inbox")
    shelf.node("report", "words")
    shelf.make("text words report")
    memos = shelf.plan().memos
    assert compared(shelf, memos, changed_sources={key("inbox"): frozenset("b")}) == "inbox@b report text@b words@b"
    assert compared(shelf, memos, moved={key("text"): {"b": 9, "c": 8, "d": 7}}) == "report text@b+c words@b+c"
    assert compared(shelf, memos, moved={key("words"): 8}) == "report words"
    assert compared(shelf, memos, lost={Partition(key("words"), "d")}) == "report words@d"
    memos[key("text")] = replace(memos[key("text")], exceptions=frozenset("a"))
    assert compared(shelf, memos) == "report text@a words@a"


def test_a_memo_holds_the_keys_that_were_not_fresh_and_the_snapshots_revision(shelf: Any) -> None:
    shelf.folder("inbox", {"a": "1", "b": "1"})
    shelf.node("text", "inbox", per="inbox")
    shelf.make("text@a")
    memo = shelf.plan().memos[key("text")]
    assert (memo.exceptions, memo.revision) == ({"b"}, 7)
    assert compared(shelf) == "text@b"


def test_a_node_is_only_proved_where_all_its_keys_were_compared(shelf: Any) -> None:
    shelf.folder("inbox", {"a": "1", "b": "1"})
    shelf.node("text", "inbox", per="inbox")
    shelf.make("text")
    assert shelf.plan("text", keys=frozenset({"a"})).memos == {}
    assert shelf.plan("text").memos.keys() == {key("text")}


def test_a_change_that_is_not_recorded_proves_nothing_about_its_readers(chain: Any) -> None:
    """The run may find nothing to do and record nothing; then the file may change back, and nothing has moved."""
    chain.source("raw", _version("2"), recorded=False)
    chain.make("a", _version("b"))
    made = chain.plan()
    assert "a" not in chain.states()
    assert made.memos[key("a")].exceptions == {""}


def test_the_earliest_expiry_is_remembered(shelf: Any) -> None:
    shelf.folder("inbox", {"a": "1", "b": "1"})
    shelf.node("text", "inbox", per="inbox", max_age=timedelta(hours=1))
    shelf.make("text@a")
    first = shelf.as_of
    shelf.wait(minutes=10)
    shelf.make("text@b")
    assert shelf.plan().memos[key("text")].expires_at == first + timedelta(hours=1)


def test_settled_memos_can_be_carried_forward(chain: Any) -> None:
    memos = chain.plan().memos
    carried = advanced(memos, [key("a"), key("x")], 12)
    assert {name.name: memo.revision for name, memo in carried.items()} == {"a": 12, "x": 12}
    assert advanced(memos, [key("a")], 7) == {}
