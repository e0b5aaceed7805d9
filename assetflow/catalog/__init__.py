"""What is remembered: tables, journal, snapshots, memos and queries. The one room that knows SQLAlchemy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetflow.catalog.catalog import Catalog

__all__ = ["Catalog"]


def __getattr__(name: str) -> object:
    if name == "Catalog":
        from assetflow.catalog.catalog import Catalog  # noqa: PLC0415 - PEP 562: SQLAlchemy only when asked for

        return Catalog
    if name == "upgrading":
        import assetflow.catalog.upgrading as module  # noqa: PLC0415 - alembic only when a catalog is behind

        return module
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
