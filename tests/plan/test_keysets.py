from __future__ import annotations

from typing import Any

from assetflow.model.keys import AssetKey
from assetflow.plan import KeySets
from assetflow.plan.keysets import Keys


def test_keys_are_a_tuple_with_quick_membership() -> None:
    keys = Keys(str(place) for place in range(1000))
    assert keys == tuple(str(place) for place in range(1000))
    assert "999" in keys
    assert "1000" not in keys


def test_the_keys_of_an_observed_source_are_those_seen(shelf: Any) -> None:
    shelf.folder("inbox", {"b": "1", "a": "1"})
    shelf.node("text", "inbox", per="inbox")
    keys = KeySets(shelf.graph, shelf.keys)
    assert keys.of(AssetKey("shop", "text")) == ("b", "a")
    assert KeySets(shelf.graph, {}).of(AssetKey("shop", "text")) == ()


def test_a_digest_covers_own_and_input_keys(shelf: Any) -> None:
    shelf.folder("inbox", {"a": "1"})
    shelf.node("text", "inbox", per="inbox")
    shelf.node("report", "text")
    shelf.node("alone")

    def digests() -> list[str]:
        keys = KeySets(shelf.graph, shelf.keys)
        return [keys.digest(shelf.nodes[AssetKey("shop", name)]) for name in ("text", "report", "alone")]

    before = digests()
    shelf.folder("inbox", {"a": "1", "b": "1"})
    after = digests()
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, False, True]
