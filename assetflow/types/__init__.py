"""Types: what annotations mean, which edges fit, and the one canonical form in which values are handed on.

``adapters`` (pydantic) and what needs pyarrow are loaded when they are first needed: the other modules of this room
reach them through this package.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetflow.types import adapters as adapters
    from assetflow.types import arrowtypes as arrowtypes
    from assetflow.types import conforming as conforming
    from assetflow.types import dividing as dividing
    from assetflow.types import judgements as judgements
    from assetflow.types import lazily as lazily
    from assetflow.types import othermodels as othermodels
    from assetflow.types import splitting as splitting
    from assetflow.types import tables as tables

_HEAVY = frozenset(
    {"adapters", "arrowtypes", "conforming", "dividing", "judgements", "lazily", "othermodels", "splitting", "tables"}
)


def __getattr__(name: str) -> ModuleType:
    if name in _HEAVY:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
