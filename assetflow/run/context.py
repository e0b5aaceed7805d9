"""The ``Context`` that a running step is given."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from assetflow.errors import UsageError, ValueMismatch
from assetflow.model.context import Batch, Context, KeyEdits, PartitionContext, RunContext
from assetflow.model.journal import KeyEdit
from assetflow.model.lineage import ColumnEdge
from assetflow.model.versions import canonical_json
from assetflow.resource import masked

__all__ = ["MOST_METADATA", "StepContext"]

#: Bytes of metadata, as JSON, that are recorded with one materialization.
MOST_METADATA = 1_000_000

_DUCKDB = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


class StepContext(Context):
    """One attempt's context. Nothing is made before it is asked for; :meth:`close` ends what was.

    ``together`` says that the asset is one of which several partitions may be made by one call.
    """

    def __init__(
        self,
        *,
        step: str,
        partitions: Batch,
        together: bool,
        run: RunContext,
        scratch: Callable[[], Path],
        state: str | None,
        progressed: Callable[[float, float], None],
    ) -> None:
        self._step = step
        self._partitions = partitions
        self._together = together
        self._run = run
        self._scratch = scratch
        self._state_before = state
        self._progressed = progressed
        self._metadata: dict[str, Any] = {}  # JSON-able values of the user
        self._state: dict[str, Any] | None = None
        self._duckdb: Any = None
        self._edits = KeyEdits()
        #: What :meth:`record` was told: uri and hash.
        self.recorded: tuple[str, str] | None = None
        #: What the columns of the value are made of, where the value itself proves it.
        self.lineage: tuple[ColumnEdge, ...] = ()

    @property
    def partition(self) -> PartitionContext:
        if self._together:
            raise _several("ctx.partition is one partition", "ctx.batch has all that are to be made")
        return self._partitions[0]

    @property
    def batch(self) -> Batch:
        return self._partitions

    @property
    def run(self) -> RunContext:
        return self._run

    @property
    def log(self) -> logging.Logger:
        logger = logging.getLogger(f"assetflow.step.{self._step}")
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.DEBUG)
        return logger

    @property
    def metadata(self) -> MutableMapping[str, Any]:
        return self._metadata

    @property
    def scratch(self) -> Path:
        folder = self._scratch()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    @property
    def duckdb(self) -> Any:  # a duckdb.DuckDBPyConnection
        if self._duckdb is None:
            import duckdb  # noqa: PLC0415 - heavy, and most steps do not ask for it

            self._duckdb = duckdb.connect(":memory:", config=dict(_DUCKDB))
        return self._duckdb

    @property
    def state(self) -> MutableMapping[str, Any]:
        if self._together:
            raise _several("ctx.state belongs to one partition", "leave out batch=")
        if self._state is None:
            self._state = json.loads(self._state_before) if self._state_before else {}
        return self._state

    @property
    def partitions(self) -> KeyEdits:
        return self._edits

    def record(self, uri: str, hash: str) -> None:
        told: tuple[object, ...] = (uri, hash)
        if not all(isinstance(each, str) and each for each in told):
            raise UsageError("bad-record", "ctx.record takes where it is and a hash of its content, both as text")
        self.recorded = (masked(uri), hash)

    def progress(self, done: float, total: float) -> None:
        self._progressed(done, total)

    def state_after(self) -> str | None:
        """The state to commit, as canonical JSON; None when it was never asked for.

        Raises ValueMismatch ``bad-state`` for what is not JSON.
        """
        if self._state is None:
            return None
        return _json(self._state, "bad-state", "ctx.state")

    def keys_after(self) -> tuple[KeyEdit, ...]:
        """The keys to add to sets, and to take out."""
        return tuple(KeyEdit(set=name, key=key, added=added) for name, key, added in self._edits.made)

    def metadata_after(self) -> tuple[tuple[str, str], ...]:
        """The metadata to record: names with values as JSON, sorted by name, cut with a note at 1 MB in all.

        Values that are not JSON are recorded as their text. Raises ValueMismatch ``bad-metadata`` where that fails.
        """
        return metadata_texts(self._metadata)

    def close(self) -> None:
        """Close the DuckDB connection. The scratch folder outlives the attempt."""
        connection, self._duckdb = self._duckdb, None
        if connection is not None:
            connection.close()


def _several(what: str, hint: str) -> UsageError:
    return UsageError("several-partitions", f"{what}, and with batch= one call makes several", hint=hint)


def metadata_texts(metadata: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Names and values as JSON texts, sorted by name, without secrets; see :meth:`StepContext.metadata_after`."""
    texts: list[tuple[str, str]] = []
    left = MOST_METADATA
    for name in sorted(metadata, key=str):
        text = masked(_json(metadata[name], "bad-metadata", f"ctx.metadata[{name!r}]", default=str))
        size = len(text.encode("utf-8", "replace"))
        if size > left:
            kept = text.encode("utf-8", "replace")[: max(0, left // 2)].decode("utf-8", "ignore")
            text = canonical_json(f"{kept} … (cut: {size:,} bytes, 1 MB of metadata is the limit)")
        left = max(0, left - size)
        texts.append((masked(str(name)), text))
    return tuple(texts)


def _json(value: object, code: str, what: str, default: Callable[[object], str] | None = None) -> str:
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=default)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueMismatch(code, f"{what} cannot be written as JSON: {error}") from error
