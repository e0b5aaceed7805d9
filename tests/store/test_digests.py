"""Versions of what is no table."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetflow.errors import ValueMismatch
from assetflow.store.digests import (
    bytes_version,
    canonical_text,
    content,
    file_version,
    json_version,
    path_version,
    text_version,
)

jsonable = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def spelled(value: Any) -> Any:
    """A value with its types and the order of its dicts, to be compared."""
    if isinstance(value, dict):
        return "dict", [(key, spelled(item)) for key, item in value.items()]
    if isinstance(value, list):
        return "list", [spelled(item) for item in value]
    return type(value).__name__, repr(value)


@given(jsonable, jsonable)
def test_json_values_have_equal_versions_exactly_when_a_function_sees_no_difference(one: Any, two: Any) -> None:
    assert (json_version(one) == json_version(two)) == (spelled(one) == spelled(two))


@given(jsonable)
def test_what_is_stored_is_read_back_as_it_was(value: Any) -> None:
    assert spelled(json.loads(canonical_text(value))) == spelled(value)


def test_a_dicts_order_counts_as_a_function_sees_it() -> None:
    assert json_version({"a": 1, "b": 2}) != json_version({"b": 2, "a": 1})


def test_numbers_of_different_types_and_signs_differ() -> None:
    values = [1, 1.0, True, "1", [1], None, 0.0, -0.0, float("nan"), float("inf")]
    assert len({json_version(value).digest for value in values}) == len(values)


def test_the_same_bytes_of_different_kinds_differ(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"1")
    versions = [bytes_version(b"1"), text_version("1"), json_version(1), file_version(tmp_path / "x")]
    assert len({version.digest for version in versions}) == 4


def test_digests_are_the_same_in_every_version_to_come(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert [
        bytes_version(b"abc").digest,
        text_version("é").digest,
        json_version({"a": [1, 2.5, None]}).digest,
        file_version(tmp_path / "x").digest,
        path_version(tmp_path).digest,
    ] == PINNED


PINNED = [
    "e2556a949fa3dbead7fe1504e7a7bb0c",
    "852252d8d92c50f5894b36e483b98614",
    "341ce739793dd5bc72ceb325eadf8428",
    "9b5c27955a19376f99d0c8903578da19",
    "c47cfd6727ebbc849d057a188ee550c5",
]


def test_a_files_bytes_count_and_not_its_name_or_time(tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.txt"
    one.write_bytes(b"abc" * 1_000_000)
    two.write_bytes(b"abc" * 1_000_000)
    os.utime(two, (1, 1))
    assert file_version(one) == file_version(two) == path_version(one)
    two.write_bytes(b"abc" * 999_999 + b"abd")
    assert file_version(one) != file_version(two)


def make(folder: Path, files: dict[str, bytes | None]) -> Path:
    folder.mkdir()
    for name, data in files.items():
        path = folder / name
        (path if data is None else path.parent).mkdir(parents=True, exist_ok=True)
        if data is not None:
            path.write_bytes(data)
    return folder


FOLDERS: list[dict[str, bytes | None]] = [
    {},
    {"a": b""},
    {"a": None},
    {"b": b""},
    {"a": b"x", "b": b""},
    {"a": b"", "b": b"x"},
    {"a/b": b"x"},
    {"a": None, "b": b"x"},
    {"ab": b"x"},
    {"a/b/c": b"x"},
    {"é": b"x"},
]


def test_folders_differ_by_relative_names_and_bytes(tmp_path: Path) -> None:
    folders = [make(tmp_path / f"one{i}", files) for i, files in enumerate(FOLDERS)]
    again = [make(tmp_path / f"two{i}", dict(reversed(files.items()))) for i, files in enumerate(FOLDERS)]
    versions = [path_version(folder) for folder in folders]
    assert len({version.digest for version in versions}) == len(FOLDERS)
    assert [path_version(folder) for folder in again] == versions


def test_content_counts_the_bytes_of_all_files(tmp_path: Path) -> None:
    folder = make(tmp_path / "x", {"a": b"123", "b/c": b"45"})
    assert content(folder).size == 5
    assert content(folder / "a").size == 3


def test_links_and_pipes_in_a_value_are_refused(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"x")
    for name, plant in (
        ("link", lambda path: path.symlink_to(tmp_path / "target")),
        ("folder link", lambda path: path.symlink_to(tmp_path)),
        ("dangling", lambda path: path.symlink_to("nowhere")),
        ("pipe", os.mkfifo),
    ):
        folder = make(tmp_path / name, {"a": b""})
        plant(folder / "x")
        with pytest.raises(ValueMismatch, match=r"x is (a link|neither a file nor a folder)"):
            path_version(folder)
        with pytest.raises(ValueMismatch):
            content(folder / "x")


def test_a_source_may_be_a_link_to_its_file(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    assert file_version(tmp_path / "link") == file_version(tmp_path / "target")
