"""The past of a project: what its catalog and its store remember, without importing any of its code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from assetflow.catalog import Catalog
from assetflow.errors import StorageError, UsageError, nearest
from assetflow.graph.lineage import Edge, Lineage, Node
from assetflow.model.keys import Address, AssetKey, Partition
from assetflow.model.storage import Store
from assetflow.store.values import Values
