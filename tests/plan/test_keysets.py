from __future__ import annotations

from typing import Any

from assetflow.model.keys import AssetKey
from assetflow.plan import KeySets


def test_the_keys_of_an_observed_source_are_those_seen(shelf: Any) -> None:
    shelf.folder("inbox", {"b": "1", "a": "1"})
    shelf.node("text", "inbox", per="inbox")
    keys = KeySets(shelf.graph, shelf.keys, shelf.as_of)
    assert keys.of(AssetKey("shop", "text")) == ("b", "a")
    assert KeySets(shelf.graph, {}, shelf.as_of).of(AssetKey("shop", "text")) == ()


def test_a_summary_covers_own_and_input_keys(shelf: Any) -> None:
    shelf.folder("inbox", {"a": "1"})
    shelf.node("text", "inbox", per="inbox")
    shelf.node("report", "text")
    shelf.node("alone")

    def digests() -> list[Any]:
        keys = KeySets(shelf.graph, shelf.keys, shelf.as_of)
        return [keys.summary(shelf.nodes[AssetKey("shop", name)]) for name in ("text", "report", "alone")]

    before = digests()
    shelf.folder("inbox", {"a": "1", "b": "1"})
    after = digests()
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, False, True]
