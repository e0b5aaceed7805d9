"""What a function needs from outside: typed configuration that opens and closes, and references to secrets.

``Resource`` brings pydantic with it, so it is loaded when it is asked for.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from assetflow.resource.secrets import Secret, masked
from assetflow.resource.untracked import Untracked

if TYPE_CHECKING:
    from assetflow.resource.configured import Resource as Resource
    from assetflow.resource.configured import opened as opened
    from assetflow.resource.configured import tracked as tracked

__all__ = ["Resource", "Secret", "Untracked", "is_resource", "masked", "opened", "tracked"]


def is_resource(cls: type) -> bool:
    """Whether a class is a Resource, asked without loading pydantic: before Resource is loaded, no class can be."""
    configured = sys.modules.get("assetflow.resource.configured")
    return configured is not None and issubclass(cls, configured.Resource)


def __getattr__(name: str) -> object:
    if name not in {"Resource", "opened", "tracked"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module("assetflow.resource.configured"), name)
    globals()[name] = value  # asked for once
    return value
