"""Types read back from what catalogs have of them."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import create_model

from assetflow.store.columns import table_version
from assetflow.types.arrowtypes import arrow_field, arrow_type, column_type
from assetflow.types.columns import Enumeration
from assetflow.types.recorded import recorded_misfits, recorded_type
from assetflow.types.rowmodels import row_model

scalars = st.sampled_from(
    [
        *(pa.int8(), pa.int64(), pa.uint32(), pa.float16(), pa.float32(), pa.float64(), pa.bool_(), pa.string()),
        *(pa.binary(), pa.date32(), pa.time32("s"), pa.time64("ns"), pa.duration("us"), pa.timestamp("us"), pa.null()),
        *(pa.timestamp("ns", "Europe/Berlin"), pa.timestamp("s", "UTC"), pa.decimal128(12, 2), pa.decimal256(50, 3)),
    ]
)
kinds = st.recursive(
    scalars,
    lambda inner: st.one_of(
        inner.map(pa.list_),
        st.tuples(st.sampled_from([pa.string(), pa.int64()]), inner).map(lambda pair: pa.map_(*pair)),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda each: pa.struct([(f'f{n} ">,', k) for n, k in enumerate(each)])
        ),
    ),
    max_leaves=5,
)


def written(field: pa.Field) -> str:
    """The text that is recorded of a column."""
    return table_version(pa.schema([field]).empty_table()).columns[0].type


@given(kinds)
def test_a_type_is_read_back_from_its_text(kind: pa.DataType) -> None:
    text = written(pa.field("a", kind))
    assert recorded_type(text) == column_type(kind)


def test_an_enum_is_read_back_with_its_domain() -> None:
    kind = Enumeration(("a, b", "c>"))
    text = written(arrow_field("a", kind))
    assert recorded_type(text) == kind


@pytest.mark.parametrize(
    "text",
    ['struct<"a", "b": c>', "map<string>", "union<a>", "struct<a: int64>", "", "Ünknown", "int64>", "list<int64"],
)
def test_what_cannot_be_read_back_is_unknown(text: str) -> None:
    assert recorded_type(text) is None


def test_a_reader_of_recorded_columns_is_told_what_is_surely_wrong_and_no_more() -> None:
    asked = row_model(create_model("Row", a=(int, ...), b=(float, ...), note=(str | None, None)))
    assert recorded_misfits({"a": "int64", "b": "float64"}, asked) == ()
    assert recorded_misfits({"a": "float64", "b": "int8", "note": "null"}, asked) == ()  # each value may be whole
    assert recorded_misfits({"a": "int64", "b": "union<x: y>"}, asked) == ()
    assert recorded_misfits({"a": "string", "bb": "float64"}, asked) == (
        "column 'a' is string, not int64",
        "it has no column 'b': did you mean bb?",
    )
    assert arrow_type(asked.columns[0].slot.type) == pa.int64()
