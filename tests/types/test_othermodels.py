"""Row models of pandera, dataframely and patito: they say what they say in their own library."""

from __future__ import annotations

from typing import Annotated, Any

import dataframely as dy
import hypothesis.strategies as st
import pandas as pd
import pandera.pandas as pandas_models
import pandera.polars as polars_models
import patito
import polars as pl
import pytest
from hypothesis import given
from pandera.errors import SchemaError, SchemaErrors

from assetflow import Rows, table
from assetflow.errors import DefinitionError
from assetflow.testing import tables
from assetflow.types.conforming import broken, conformed, shaped
from assetflow.types.rowmodels import row_model, row_model_of
from tests.conftest import Folder


class Frame(dy.Schema):
    id = dy.Int64(primary_key=True)
    amount = dy.Float64(min=0, max_exclusive=10)
    note = dy.String(nullable=True, regex="a+", min_length=1)
    level = dy.Int64(nullable=True, is_in=[1, 2])
    tags = dy.List(dy.String(min_length=2))


class Lazy(polars_models.DataFrameModel):
    id: int = polars_models.Field(unique=True, ge=0)
    amount: float = polars_models.Field(in_range={"min_value": 0, "max_value": 10, "include_max": False})
    note: str = polars_models.Field(nullable=True, str_length={"min_value": 1}, str_contains="a+")
    kind: str = polars_models.Field(isin=["a", "b"])

    class Config:
        strict = True
        unique = ("amount", "kind")


class Panda(pandas_models.DataFrameModel):
    id: int = pandas_models.Field(gt=0, lt=4)
    note: str = pandas_models.Field(nullable=True, str_matches="a")
    day: pandas_models.DateTime


class Model(patito.Model):
    id: int = patito.Field(unique=True)
    amount: float = patito.Field(ge=0)
    note: str | None


values = {
    "id": st.integers(-1, 4),
    "amount": st.sampled_from([0.0, 1.5, 9.5, 10.0, -1.0]),
    "note": st.sampled_from(["a", "ba", "b", "", None]),
    "level": st.sampled_from([1, 2, 3, None]),
    "kind": st.sampled_from(["a", "b", "c"]),
    "tags": st.lists(st.sampled_from(["ab", "a"]), max_size=2),
}
types = {
    "id": pl.Int64,
    "amount": pl.Float64,
    "note": pl.String,
    "level": pl.Int64,
    "kind": pl.String,
    "tags": pl.List(pl.String),
}


def frames(*names: str) -> st.SearchStrategy[pl.DataFrame]:
    rows = st.lists(st.fixed_dictionaries({name: values[name] for name in names}), max_size=4)
    return rows.map(lambda found: pl.DataFrame(found, {name: types[name] for name in names}))


def sound(model: Any, frame: Any) -> bool:
    rows = row_model(model)
    return not broken(shaped(frame, rows, what="t"), rows)


@given(frames("id", "amount", "note", "level", "tags"))
def test_dataframely_says_the_same(frame: pl.DataFrame) -> None:
    assert sound(Frame, frame) == Frame.is_valid(frame)


@given(frames("id", "amount", "note", "kind"))
def test_pandera_says_the_same_of_polars(frame: pl.DataFrame) -> None:
    try:
        Lazy.validate(frame)
        wanted = True
    except (SchemaError, SchemaErrors):
        wanted = False
    assert sound(Lazy, frame) == wanted


@given(frames("id", "note"))
def test_pandera_says_the_same_of_pandas(frame: pl.DataFrame) -> None:
    found = frame.to_pandas()
    found["day"] = pd.Timestamp("2026-01-01")
    found["day"] = found["day"].astype("datetime64[ns]")
    numbers, notes = found["id"].tolist(), found["note"].tolist()
    wanted = all(0 < number < 4 for number in numbers) and all(
        note is None or str(note).startswith("a") or pd.isna(note) for note in notes
    )
    assert sound(Panda, found) == wanted


@given(frames("id", "amount", "note"))
def test_patito_says_the_same(frame: pl.DataFrame) -> None:
    try:
        Model.validate(frame)
        wanted = True
    except patito.exceptions.DataFrameValidationError:
        wanted = False
    assert sound(Model, frame) == wanted


def test_what_is_read() -> None:
    frame, lazy, panda = row_model(Frame), row_model(Lazy), row_model(Panda)
    assert frame.primary_key == ("id",)
    assert lazy.unique == (("id",), ("amount", "kind"))
    assert (frame.policy.extra, lazy.policy.extra, panda.policy.extra) == ("refuse", "refuse", "keep")
    assert row_model_of(Annotated[pd.DataFrame, Panda, Rows(extra="drop")]).policy.extra == "drop"  # type: ignore[union-attr]
    schema = polars_models.DataFrameSchema({"a": polars_models.Column(pl.Int32), "b": polars_models.Column(pl.Date)})
    read = row_model_of(Annotated[pl.DataFrame, schema])
    assert read is not None
    assert [str(column.slot) for column in read.columns] == ["int32", "date32[day]"]


@given(tables(Frame, as_=pl.DataFrame))
def test_strategies_are_made_of_them(frame: pl.DataFrame) -> None:
    assert Frame.is_valid(frame)


class Ruled(dy.Schema):
    id = dy.Int64()

    @dy.rule()
    def later(cls) -> pl.Expr:
        return cls.id.col > 1


class Checked(polars_models.DataFrameModel):
    id: int

    @polars_models.dataframe_check
    def later(cls, data: Any) -> Any:
        return data.lazyframe.select(pl.col("id") > 1)


class Constrained(patito.Model):
    id: int = patito.Field(constraints=pl.col("id") > 1)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (Ruled, "Ruled: the rule later is in the library's own words"),
        (Checked, "Checked: the check later"),
        (Constrained, "Constrained: constraints= of id"),
        (polars_models.DataFrameSchema({"a": polars_models.Column()}), "the column 'a' has no type"),
        (polars_models.DataFrameSchema({}), "has no columns"),
        (
            polars_models.DataFrameSchema({"a": polars_models.Column(int, polars_models.Check.ne(1))}),
            "the check not_equal_to of a",
        ),
    ],
    ids=["dataframely", "pandera", "patito", "no type", "no columns", "a check"],
)
def test_what_cannot_be_followed_is_refused(model: Any, told: str) -> None:
    with pytest.raises(DefinitionError, match="bad-row-model") as caught:
        row_model_of(Annotated[pl.DataFrame, model])
    assert told in caught.value.message


def test_rules_in_the_librarys_words_may_be_left_out() -> None:
    for model in (Ruled, Checked, Constrained):
        found = row_model_of(Annotated[pl.DataFrame, model, Rows(validators="ignore")])
        assert found is not None
        assert conformed(pl.DataFrame({"id": [0]}), found, what="t").num_rows == 1


def test_table_makes_records_of_pydantic_models_alone() -> None:
    with pytest.raises(DefinitionError, match="Frame is no pydantic model"):
        table(Frame, [], as_=pl.DataFrame)


def test_a_project_of_them(folder: Folder) -> None:
    folder.write("assetflow.toml", 'modules = ["shop"]')
    folder.write(
        "shop.py",
        """
        from typing import Annotated
        import dataframely as dy
        import polars as pl
        import pandera.polars as pa
        from assetflow import asset

        class Order(dy.Schema):
            id = dy.Int64(primary_key=True)
            amount = dy.Float64(min=0)

        class Amount(pa.DataFrameModel):
            amount: float = pa.Field(ge=0)

        @asset(on_bad_rows="divert")
        def orders() -> Annotated[pl.DataFrame, Order]:
            return pl.DataFrame({"id": range(200), "amount": [-1.0] + [1.0] * 199})

        @asset
        def total(orders: Annotated[pl.DataFrame, Amount]) -> float:
            assert orders.columns == ["amount"]
            return orders["amount"].sum()
        """,
    )
    assert "1 of 200 rows are bad" in folder.run("materialize").err
    assert folder.json("cat", "total") == 199.0
    folder.edit("shop.py", "amount: float", "amont: float")
    told = folder.run("validate", code=2).err
    assert "edge-columns" in told
    assert "did you mean" in told
