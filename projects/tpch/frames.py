"""Three of the questions again, asked of polars; a check holds each equal to what the query gave."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import polars as pl
from polars.testing import assert_frame_equal

from assetflow import In, asset, check


@asset
def q01_frame(
    lineitem: Annotated[
        pl.LazyFrame,
        In(
            columns=(
                *("l_returnflag", "l_linestatus", "l_quantity", "l_extendedprice"),
                *("l_discount", "l_tax", "l_shipdate"),
            )
        ),
    ],
) -> pl.LazyFrame:
    """How much was billed, shipped and returned."""
    price, discount, tax = pl.col("l_extendedprice"), pl.col("l_discount"), pl.col("l_tax")
    return (
        lineitem.filter(pl.col("l_shipdate") <= date(1998, 9, 2))
        .group_by("l_returnflag", "l_linestatus")
        .agg(
            sum_qty=pl.col("l_quantity").sum(),
            sum_base_price=price.sum(),
            sum_disc_price=(price.cast(pl.Float64) * (1 - discount.cast(pl.Float64))).sum(),
            sum_charge=(price.cast(pl.Float64) * (1 - discount.cast(pl.Float64)) * (1 + tax.cast(pl.Float64))).sum(),
            count_order=pl.len(),
        )
        .sort("l_returnflag", "l_linestatus")
    )


@asset
def q04_frame(
    orders: Annotated[pl.LazyFrame, In(columns=("o_orderkey", "o_orderdate", "o_orderpriority"))],
    lineitem: Annotated[pl.LazyFrame, In(columns=("l_orderkey", "l_commitdate", "l_receiptdate"))],
) -> pl.LazyFrame:
    """How well the order priority works."""
    late = lineitem.filter(pl.col("l_commitdate") < pl.col("l_receiptdate"))
    return (
        orders.filter(pl.col("o_orderdate").is_between(date(1993, 7, 1), date(1993, 10, 1), closed="left"))
        .join(late, left_on="o_orderkey", right_on="l_orderkey", how="semi")
        .group_by("o_orderpriority")
        .agg(order_count=pl.len())
        .sort("o_orderpriority")
    )


@asset
def q06_frame(
    lineitem: Annotated[pl.LazyFrame, In(columns=("l_shipdate", "l_discount", "l_quantity", "l_extendedprice"))],
) -> pl.LazyFrame:
    """What would have been earned without some discounts."""
    discount = pl.col("l_discount").cast(pl.Float64)
    return lineitem.filter(
        pl.col("l_shipdate").is_between(date(1994, 1, 1), date(1995, 1, 1), closed="left"),
        discount.is_between(0.05 - 1e-9, 0.07 + 1e-9),
        pl.col("l_quantity") < 24,
    ).select(revenue=(pl.col("l_extendedprice").cast(pl.Float64) * discount).sum())


def _same(frame: pl.DataFrame, answer: pl.DataFrame) -> None:
    """Equal in the frame's columns, as far as floats are."""
    numbers = pl.selectors.numeric()
    assert_frame_equal(
        frame.with_columns(numbers.cast(pl.Float64)),
        answer.select(frame.columns).with_columns(numbers.cast(pl.Float64)),
    )


@check(q01_frame)
def q01_is_the_same(q01_frame: pl.DataFrame, q01: pl.DataFrame) -> None:
    _same(q01_frame, q01)


@check(q04_frame)
def q04_is_the_same(q04_frame: pl.DataFrame, q04: pl.DataFrame) -> None:
    _same(q04_frame, q04)


@check(q06_frame)
def q06_is_the_same(q06_frame: pl.DataFrame, q06: pl.DataFrame) -> None:
    _same(q06_frame, q06)
