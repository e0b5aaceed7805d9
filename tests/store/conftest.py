"""Stores to keep values in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assetflow.store.memory import MemoryStore
from assetflow.store.values import Values


@pytest.fixture
def values() -> Iterator[Values]:
    """Values over a store in memory."""
    with MemoryStore() as store:
        yield Values(store)
