"""The composition root: opens a project and wires declaring, deciding, running and remembering together.

It has no opinion about assets. The way of the data is the whole of its job::

    load → targets(selection) → catalog view → snapshot → plan → execute(plan, journal) → events → listeners
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from assetflow.catalog import Catalog
from assetflow.errors import AssetflowError, Mistakes, UsageError
from assetflow.graph.selection import select
from assetflow.load.definitions import Loaded
from assetflow.load.load import load as load_project
from assetflow.load.settings import Settings, find_settings
from assetflow.load.sources import observe
from assetflow.model.event import Event, Listener, RunFinished, StepFinished
from assetflow.model.history import Snapshot
from assetflow.model.journal import RunStatus
from assetflow.model.keys import Address, AssetKey, Partition
from assetflow.model.plan import Plan, State, Targets
from assetflow.model.storage import Store
from assetflow.model.versions import Stored
from assetflow.plan import plan as decide_plan
from assetflow.plan.memos import scope
from assetflow.run import World, execute
from assetflow.store.local import LocalStore
from assetflow.store.values import Values

__all__ = ["Project", "Result", "materialize"]
