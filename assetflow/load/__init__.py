"""From settings and modules to definitions and graph: scanned, read, bound, versioned and checked.

``parameters`` and ``resources`` bring pydantic: they are loaded where a function takes one or somebody sets one.
``again`` is for ``validate`` alone. All three are reached through this package.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetflow.load import again as again
    from assetflow.load import parameters as parameters
    from assetflow.load import resources as resources


def __getattr__(name: str) -> ModuleType:
    if name in ("again", "parameters", "resources"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
