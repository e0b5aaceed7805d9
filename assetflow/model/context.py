"""What a running step can ask and say, through a parameter annotated ``Context``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Context", "PartitionContext", "RunContext", "Skip"]


class Skip(Exception):
    """``raise Skip("no new files")``: there is nothing to make. The old value stays current; the run exits 0."""


class PartitionContext(NamedTuple):
    """The partition that is being made."""

    #: ``""`` for an unpartitioned asset.
    key: str


class RunContext(NamedTuple):
    """The run that a step belongs to."""

    id: int
    environment: str


class Context(ABC):
    """The running step, given to a parameter annotated ``Context``. For plain calls: ``testing.context()``."""

    @property
    @abstractmethod
    def partition(self) -> PartitionContext:
        """The partition that is being made."""

    @property
    @abstractmethod
    def run(self) -> RunContext:
        """The run this belongs to."""

    @property
    @abstractmethod
    def log(self) -> Any:  # a logging.Logger; the pure rooms know no logging
        """A ``logging.Logger`` whose lines go to the attempt's log."""

    @property
    @abstractmethod
    def metadata(self) -> MutableMapping[str, Any]:  # JSON-able values of the user
        """Facts to record with the materialization: JSON-able values by name, 1 MB at most."""

    @property
    @abstractmethod
    def scratch(self) -> Path:
        """An empty folder, kept over the step's attempts and removed after."""

    @property
    @abstractmethod
    def duckdb(self) -> Any:  # a duckdb.DuckDBPyConnection; loaded only when asked for
        """The step's one DuckDB connection: in memory, without network or extensions."""

    @property
    @abstractmethod
    def state(self) -> MutableMapping[str, Any]:  # JSON-able values of the user
        """JSON-able values that belong to the materialization: they commit with it, and start as its last ones."""

    @abstractmethod
    def record(self, uri: str, hash: str) -> None:
        """Record what the step made elsewhere, for an asset that returns None: where, and a hash of its content."""

    @abstractmethod
    def progress(self, done: float, total: float) -> None:
        """Say how far the step is."""
