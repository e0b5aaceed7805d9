"""The eight tables, as tpchgen-cli makes them: the same for a scale, whenever and wherever they are made."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path
from typing import Annotated, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from assetflow import Context, multi_asset, package
from projects.tpch import rows

Stream: TypeAlias = pa.RecordBatchReader


class Tables(NamedTuple):
    """One asset a table."""

    region: Annotated[Stream, rows.Region]
    nation: Annotated[Stream, rows.Nation]
    supplier: Annotated[Stream, rows.Supplier]
    part: Annotated[Stream, rows.Part]
    partsupp: Annotated[Stream, rows.PartSupp]
    customer: Annotated[Stream, rows.Customer]
    orders: Annotated[Stream, rows.Order]
    lineitem: Annotated[Stream, rows.LineItem]


@multi_asset(version_includes=[package("tpchgen-cli")])
def tables(ctx: Context, scale: float = 0.01) -> Tables:
    """All tables at a scale: 1 is 6,001,215 lines of orders. They are read a batch at a time."""
    folder = ctx.scratch / "tpch"
    generate = Path(sysconfig.get_path("scripts")) / "tpchgen-cli"
    subprocess.run([generate, "parquet", "-s", str(scale), f"--output-dir={folder}"], check=True, capture_output=True)
    return Tables(*(stream(folder / f"{name}.parquet") for name in Tables._fields))


def stream(path: Path) -> Stream:
    """The rows of a Parquet file as they are read."""
    file = pq.ParquetFile(path)
    return Stream.from_batches(file.schema_arrow, file.iter_batches())
