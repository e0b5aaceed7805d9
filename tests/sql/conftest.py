"""Queries over two tables of a shop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from assetflow.model.keys import AssetKey
from assetflow.sql.queries import Queries
from assetflow.sql.query import Binding, Columns
from assetflow.types.columns import Enumeration, Plain, Slot, Struct, Timestamp

ORDERS, CUSTOMERS = AssetKey("shop", "orders"), AssetKey("shop", "customers")
TABLES: Mapping[AssetKey, Columns] = {
    ORDERS: {
        "id": Plain("int64"),
        "customer": Plain("int64"),
        "amount": Plain("double"),
        "placed": Plain("date32[day]"),
        "status": Enumeration(("placed", "shipped", "returned")),
        "note": Plain("string"),
        "seen": Timestamp("us", "UTC"),
    },
    CUSTOMERS: {
        "customer": Plain("int64"),
        "name": Plain("string"),
        "address": Struct((("city", Slot(Plain("string"))), ("zip", Slot(Plain("string"))))),
    },
}


class Bench:
    """Binds queries over the shop's tables."""

    def __init__(self) -> None:
        self.queries = Queries()

    def bound(
        self, text: str, columns: Mapping[AssetKey, Columns] | None = None, **parameters: Any
    ) -> Binding:  # JSON-able values
        statement = self.queries.statement(text)
        tables = {each.name: AssetKey("shop", each.name.rpartition(".")[2]) for each in statement.tables}
        known = columns or TABLES
        return self.queries.binding(statement, tables, {key: known[key] for key in tables.values()}, parameters)

    def sources(self, text: str) -> dict[str, list[str]]:
        """For each column that a query gives, where its values come from."""
        found = self.bound(text)
        assert not found.reason, found.reason
        return {
            name: sorted(_text(one.asset, one.column) for one in sources)
            for (name, _), sources in zip(found.columns, found.sources, strict=True)
        }

    def uses(self, text: str) -> list[str]:
        """What decides about its rows: ``filter orders.amount``."""
        found = self.bound(text)
        assert not found.reason, found.reason
        return sorted(f"{role} {_text(one.asset, one.column)}" for role, one in found.uses)

    def reads(self, text: str) -> dict[str, tuple[str, ...] | None]:
        return {key.name: read for key, read in self.bound(text).reads.items()}


def _text(key: AssetKey, column: str) -> str:
    return f"{key.name}.{column}" if column else key.name


@pytest.fixture(scope="session")
def bench() -> Bench:
    return Bench()
