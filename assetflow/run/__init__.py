"""Running: ``execute(plan, loaded, journal, values, …)`` carries out a plan and tells what happens as events.

One thread coordinates: it alone claims, commits and tells. Executors only run what it hands them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetflow.run.executing import execute
    from assetflow.run.signals import Stop
    from assetflow.run.world import World

__all__ = ["Stop", "World", "execute"]

_HOMES = {
    "execute": "assetflow.run.executing",
    "Stop": "assetflow.run.signals",
    "World": "assetflow.run.world",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415 - PEP 562: a name is loaded when it is asked for

    return getattr(importlib.import_module(_HOMES[name]), name)
