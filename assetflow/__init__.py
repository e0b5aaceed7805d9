"""assetflow: a build system for data.

The names here are what a project's modules need; everything else is imported from its own module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetflow.declare import Asset as Asset
    from assetflow.declare import File as File
    from assetflow.declare import Files as Files
    from assetflow.declare import In as In
    from assetflow.declare import MultiAsset as MultiAsset
    from assetflow.declare import Param as Param
    from assetflow.declare import Source as Source
    from assetflow.declare import asset as asset
    from assetflow.declare import multi_asset as multi_asset
    from assetflow.declare import product as product
    from assetflow.declare import source as source
    from assetflow.declare import sql_asset as sql_asset
    from assetflow.declare.checks import check as check
    from assetflow.declare.cron import Cron as Cron
    from assetflow.declare.ready import distribution as distribution
    from assetflow.declare.ready import expression as expression
    from assetflow.declare.ready import foreign_key as foreign_key
    from assetflow.declare.ready import freshness as freshness
    from assetflow.declare.ready import in_range as in_range
    from assetflow.declare.ready import in_set as in_set
    from assetflow.declare.ready import not_null as not_null
    from assetflow.declare.ready import row_count as row_count
    from assetflow.declare.ready import schema as schema
    from assetflow.declare.ready import unique as unique
    from assetflow.declare.ready import volume as volume
    from assetflow.load.code.includes import package as package
    from assetflow.model.calendars import Daily as Daily
    from assetflow.model.calendars import Hourly as Hourly
    from assetflow.model.calendars import Monthly as Monthly
    from assetflow.model.calendars import Weekly as Weekly
    from assetflow.model.checks import CheckResult as CheckResult
    from assetflow.model.context import Context as Context
    from assetflow.model.context import Skip as Skip
    from assetflow.model.contracts import Contract as Contract
    from assetflow.model.mappings import All as All
    from assetflow.model.mappings import Last as Last
    from assetflow.model.mappings import Only as Only
    from assetflow.model.mappings import PerDimension as PerDimension
    from assetflow.model.mappings import Previous as Previous
    from assetflow.model.mappings import Rolling as Rolling
    from assetflow.model.mappings import Same as Same
    from assetflow.model.partitioning import Dynamic as Dynamic
    from assetflow.model.partitioning import Product as Product
    from assetflow.model.partitioning import Static as Static
    from assetflow.model.retry import TRANSIENT as TRANSIENT
    from assetflow.model.retry import Retry as Retry
    from assetflow.model.rows import Classified as Classified
    from assetflow.model.rows import Divert as Divert
    from assetflow.model.rows import Expect as Expect
    from assetflow.model.rows import ForeignKey as ForeignKey
    from assetflow.model.rows import PrimaryKey as PrimaryKey
    from assetflow.model.rows import Rows as Rows
    from assetflow.model.rows import Unique as Unique
    from assetflow.resource import Resource as Resource
    from assetflow.resource import Secret as Secret
    from assetflow.resource import Untracked as Untracked
    from assetflow.store.codecs import Bytes as Bytes
    from assetflow.store.codecs import Figure as Figure
    from assetflow.store.codecs import Json as Json
    from assetflow.store.codecs import Numpy as Numpy
    from assetflow.store.codecs import Parquet as Parquet
    from assetflow.store.codecs import Pickle as Pickle
    from assetflow.store.codecs import Text as Text
    from assetflow.types.making import table as table

__version__ = "0.1.0"

_HOMES = {
    "assetflow.declare": (
        "Asset",
        "File",
        "Files",
        "In",
        "MultiAsset",
        "Param",
        "Source",
        "asset",
        "multi_asset",
        "product",
        "source",
        "sql_asset",
    ),
    "assetflow.declare.checks": ("check",),
    "assetflow.declare.ready": (
        "distribution",
        "expression",
        "foreign_key",
        "freshness",
        "in_range",
        "in_set",
        "not_null",
        "row_count",
        "schema",
        "unique",
        "volume",
    ),
    "assetflow.model.checks": ("CheckResult",),
    "assetflow.model.context": ("Context", "Skip"),
    "assetflow.model.contracts": ("Contract",),
    "assetflow.declare.cron": ("Cron",),
    "assetflow.model.calendars": ("Daily", "Hourly", "Monthly", "Weekly"),
    "assetflow.model.mappings": ("All", "Last", "Only", "PerDimension", "Previous", "Rolling", "Same"),
    "assetflow.model.partitioning": ("Dynamic", "Product", "Static"),
    "assetflow.model.retry": ("TRANSIENT", "Retry"),
    "assetflow.model.rows": ("Classified", "Divert", "Expect", "ForeignKey", "PrimaryKey", "Rows", "Unique"),
    "assetflow.resource": ("Resource", "Secret", "Untracked"),
    "assetflow.store.codecs": ("Bytes", "Figure", "Json", "Numpy", "Parquet", "Pickle", "Text"),
    "assetflow.load.code.includes": ("package",),
    "assetflow.types.making": ("table",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "TRANSIENT",
    "All",
    "Asset",
    "Bytes",
    "CheckResult",
    "Classified",
    "Context",
    "Contract",
    "Cron",
    "Daily",
    "Divert",
    "Dynamic",
    "Expect",
    "Figure",
    "File",
    "Files",
    "ForeignKey",
    "Hourly",
    "In",
    "Json",
    "Last",
    "Monthly",
    "MultiAsset",
    "Numpy",
    "Only",
    "Param",
    "Parquet",
    "PerDimension",
    "Pickle",
    "Previous",
    "PrimaryKey",
    "Product",
    "Resource",
    "Retry",
    "Rolling",
    "Rows",
    "Same",
    "Secret",
    "Skip",
    "Source",
    "Static",
    "Text",
    "Unique",
    "Untracked",
    "Weekly",
    "asset",
    "check",
    "distribution",
    "expression",
    "foreign_key",
    "freshness",
    "in_range",
    "in_set",
    "multi_asset",
    "not_null",
    "package",
    "product",
    "row_count",
    "schema",
    "source",
    "sql_asset",
    "table",
    "unique",
    "volume",
]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value  # asked for once
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
