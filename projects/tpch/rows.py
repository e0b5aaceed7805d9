"""The rows of the eight tables, by the names that TPC-H gives them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

import pyarrow as pa
from pydantic import BaseModel, Field

from assetflow import PrimaryKey

Money: TypeAlias = Annotated[Decimal, Field(max_digits=15, decimal_places=2)]
Small: TypeAlias = Annotated[int, pa.int32()]


class Region(BaseModel):
    r_regionkey: Annotated[int, PrimaryKey()]
    r_name: str
    r_comment: str


class Nation(BaseModel):
    n_nationkey: Annotated[int, PrimaryKey()]
    n_name: str
    n_regionkey: int
    n_comment: str


class Supplier(BaseModel):
    s_suppkey: Annotated[int, PrimaryKey()]
    s_name: str
    s_address: str
    s_nationkey: int
    s_phone: str
    s_acctbal: Money
    s_comment: str


class Part(BaseModel):
    p_partkey: Annotated[int, PrimaryKey()]
    p_name: str
    p_mfgr: str
    p_brand: str
    p_type: str
    p_size: Annotated[Small, Field(ge=1, le=50)]
    p_container: str
    p_retailprice: Money
    p_comment: str


class PartSupp(BaseModel):
    ps_partkey: Annotated[int, PrimaryKey()]
    ps_suppkey: Annotated[int, PrimaryKey()]
    ps_availqty: Annotated[Small, Field(ge=1)]
    ps_supplycost: Annotated[Money, Field(gt=0)]
    ps_comment: str


class Customer(BaseModel):
    c_custkey: Annotated[int, PrimaryKey()]
    c_name: str
    c_address: str
    c_nationkey: int
    c_phone: str
    c_acctbal: Money
    c_mktsegment: Literal["AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY"]
    c_comment: str


class Order(BaseModel):
    o_orderkey: Annotated[int, PrimaryKey()]
    o_custkey: int
    o_orderstatus: Literal["F", "O", "P"]
    o_totalprice: Money
    o_orderdate: date
    o_orderpriority: Literal["1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"]
    o_clerk: str
    o_shippriority: Small
    o_comment: str


class LineItem(BaseModel):
    l_orderkey: Annotated[int, PrimaryKey()]
    l_partkey: int
    l_suppkey: int
    l_linenumber: Annotated[Small, PrimaryKey()]
    l_quantity: Annotated[Money, Field(ge=1, le=50)]
    l_extendedprice: Annotated[Money, Field(gt=0)]
    l_discount: Annotated[Money, Field(ge=0, le=1)]
    l_tax: Annotated[Money, Field(ge=0, le=1)]
    l_returnflag: Literal["A", "N", "R"]
    l_linestatus: Literal["F", "O"]
    l_shipdate: date
    l_commitdate: date
    l_receiptdate: date
    l_shipinstruct: str
    l_shipmode: str
    l_comment: str
