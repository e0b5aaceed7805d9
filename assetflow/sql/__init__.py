"""Queries as assets: what they read, what they give, what their columns come from, and how they are run.

DuckDB says what a query is: it parses, binds and runs it; ``resolving`` follows every name of what it parsed. DuckDB
and pyarrow are loaded when a query is met that is not known yet, or run: ``parsing``, ``binding``, ``inlining``,
``relations`` and ``running`` are reached through this package.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetflow.sql import binding as binding
    from assetflow.sql import inlining as inlining
    from assetflow.sql import parsing as parsing
    from assetflow.sql import relations as relations
    from assetflow.sql import running as running

_HEAVY = frozenset({"binding", "inlining", "parsing", "relations", "running"})


def __getattr__(name: str) -> ModuleType:
    if name in _HEAVY:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
