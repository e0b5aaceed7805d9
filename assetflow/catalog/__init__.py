"""What is remembered: tables, journal, snapshots, memos and queries. The one room that knows SQLAlchemy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetflow.catalog import declared as declared
    from assetflow.catalog import garbage as garbage
    from assetflow.catalog import journal as journal
    from assetflow.catalog import keysets as keysets
    from assetflow.catalog import memos as memos
    from assetflow.catalog import upgrading as upgrading
    from assetflow.catalog import verify as verify
    from assetflow.catalog.catalog import Catalog

__all__ = ["Catalog"]

#: Modules that only some commands need; this room reaches them through the package. ``upgrading`` brings alembic.
_LATE = frozenset({"declared", "garbage", "journal", "keysets", "memos", "upgrading", "verify"})


def __getattr__(name: str) -> object:
    if name == "Catalog":  # SQLAlchemy comes with it
        return import_module("assetflow.catalog.catalog").Catalog
    if name in _LATE:
        return import_module(f"assetflow.catalog.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
