"""Names of blobs."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetflow.errors import StorageError
from assetflow.model.keys import AssetKey, Partition
from assetflow.store.names import blob_name, checked_name, encoded, partition_folder

texts = st.text(alphabet=st.characters(codec=None), max_size=80) | st.text(alphabet="aAbB./_%-~ \0é", max_size=90)


def folded(name: str) -> str:
    """What a file system that folds case and normalizes Unicode makes of a name."""
    return unicodedata.normalize("NFKC", name).casefold()


@given(texts, texts)
def test_two_texts_never_share_a_name_also_where_case_and_unicode_forms_are_folded(one: str, two: str) -> None:
    assert (folded(encoded(one)) == folded(encoded(two))) == (one == two)


@given(st.text(alphabet="aA/é", min_size=60, max_size=70), st.text(alphabet="aA/é", min_size=60, max_size=70))
def test_long_texts_that_begin_alike_have_different_names(one: str, two: str) -> None:
    one, two = "/" * 60 + one, "/" * 60 + two
    assert (folded(encoded(one)) == folded(encoded(two))) == (one == two)


@given(texts | st.text(min_size=200, max_size=2000))
def test_every_name_is_one_harmless_part_of_a_path(text: str) -> None:
    name = encoded(text)
    assert 1 <= len(name.encode("ascii")) <= 200
    assert not name.startswith(".")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.%~")
    assert checked_name(name) == (name,)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "_"),
        ("_", "%5f"),
        ("2026-01-05", "2026-01-05"),
        ("eu/west", "eu%2fwest"),
        ("A", "%41"),
        (".", "%2e"),
        ("..", "%2e."),
        (".staging", "%2estaging"),
        ("%41", "%2541"),
        ("é", "%c3%a9"),
        ("a~b", "a%7eb"),
        ("x.folder", "x.folder"),
        ("\udc80", "%ed%b2%80"),
    ],
)
def test_names_are_spelled_like_this_for_ever(text: str, name: str) -> None:
    assert encoded(text) == name


def test_a_long_text_keeps_its_beginning_and_gets_a_digest() -> None:
    name = encoded("x" * 201)
    assert name == "x" * 150 + "~" + name[151:]
    assert len(name) == 183
    assert encoded("x" * 200) == "x" * 200


def test_a_blob_is_named_by_asset_key_and_attempt() -> None:
    orders = AssetKey("shop", "orders")
    assert blob_name(Partition(orders), 1, ".parquet") == "shop/orders/_/1.parquet"
    assert blob_name(Partition(orders, "2026-01-05"), 33, "") == "shop/orders/2026-01-05/11"
    assert blob_name(Partition(AssetKey("shop", "Orders"), "a/b"), 2**62, ".tar.gz") == (
        "shop/%4frders/a%2fb/4000000000000.tar.gz"
    )
    assert partition_folder(Partition(orders)) == "shop/orders/_"


@given(st.integers(0, 2**63), st.integers(0, 2**63))
def test_two_attempts_never_share_a_name(one: int, two: int) -> None:
    partition = Partition(AssetKey("a", "b"))
    assert (blob_name(partition, one, ".x") == blob_name(partition, two, ".x")) == (one == two)


@pytest.mark.parametrize("suffix", ["/../x", "x", ".", "..", ".a/b", ".a\0", "." + "x" * 17])
def test_a_suffix_that_is_more_than_an_ending_is_refused(suffix: str) -> None:
    with pytest.raises(StorageError, match="a blob's name cannot end in"):
        blob_name(Partition(AssetKey("a", "b")), 1, suffix)
