"""How a project says which assets should exist: frozen values, made by thin decorators. Nothing happens at import."""

from __future__ import annotations

from assetflow.declare.arguments import EFFECTS, Effect, Options
from assetflow.declare.assets import Asset, AssetDecorator, asset
from assetflow.declare.checks import CheckFunction, check
from assetflow.declare.markers import In, Param
from assetflow.declare.multi import MultiAsset, Output, multi_asset
from assetflow.declare.places import Place
from assetflow.declare.products import Product, product
from assetflow.declare.sources import File, Files, Source, source
from assetflow.declare.sql import SQL_ARGUMENTS, SqlAsset, sql_asset

__all__ = [
    "EFFECTS",
    "SQL_ARGUMENTS",
    "Asset",
    "AssetDecorator",
    "CheckFunction",
    "Effect",
    "File",
    "Files",
    "In",
    "MultiAsset",
    "Options",
    "Output",
    "Param",
    "Place",
    "Product",
    "Source",
    "SqlAsset",
    "asset",
    "check",
    "multi_asset",
    "product",
    "source",
    "sql_asset",
]
