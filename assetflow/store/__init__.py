"""Where values lie: stores, codecs, digests. The modules that load pyarrow are loaded when they are first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # Not "from … import": within the cycle of a package and its own modules mypy does not find those.
    import assetflow.store.columns
    import assetflow.store.tablefile  # noqa: F401  seen by whoever says store.tablefile

_HEAVY = frozenset({"columns", "tablefile"})


def __getattr__(name: str) -> Any:  # a module: PEP 562
    if name in _HEAVY:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
