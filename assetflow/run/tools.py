"""What all attempts of a run are given, in one process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assetflow.model.keys import Partition
from assetflow.run.loop import EventLoop
from assetflow.run.opened import OpenedResources
from assetflow.run.world import World
from assetflow.run.writer import Writer
from assetflow.store.values import Values

__all__ = ["Tools"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What attempts share in one process."""

    values: Values
    writer: Writer
    resources: OpenedResources
    #: Where coroutines run.
    loop: EventLoop
    world: World
    #: None: logs are dropped.
    logs: Path | None
    #: Given each line of each log too, from the steps' threads.
    also: Callable[[str], None] | None
    scratch: Path
    progressed: Callable[[Partition, float, float], None]
