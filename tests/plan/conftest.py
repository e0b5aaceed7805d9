"""Builders for planner tests: a ``Shelf`` that nodes are put on and that remembers what was made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assetflow.graph import Graph
from assetflow.model.definition import Input, Node
from assetflow.model.history import History, Materialization, Setback, SetbackKind, Snapshot
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.mappings import All, Same
from assetflow.model.partitioning import SINGLE, KeysOf
from assetflow.model.plan import Plan, Targets
from assetflow.model.retry import FailureClass
from assetflow.model.trace import Recipe, Trace
from assetflow.model.versions import ColumnVersion, DataVersion, fingerprint
from assetflow.plan import KeySets, plan, trace_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def key(name: str) -> AssetKey:
    return AssetKey("shop", name)


def cell(text: str) -> Partition:
    name, _, partition = text.partition("@")
    return Partition(key(name), partition)


def data(text: str = "", **columns: str) -> DataVersion:
    if not columns:
        return DataVersion(fingerprint(text))
    return DataVersion.of_table(10, [ColumnVersion(name, "int", content) for name, content in columns.items()])


class Shelf:
    """Nodes, and a catalog of one environment in dicts."""

    def __init__(self) -> None:
        self.nodes: dict[AssetKey, Node] = {}
        self._graph: tuple[list[Node], Graph] = ([], Graph(()))
        self.histories: dict[Partition, History] = {}
        self.observed: dict[Partition, DataVersion] = {}
        self.keys: dict[AssetKey, tuple[str, ...]] = {}
        self.as_of = NOON
        self.count = 0
        self.newest = 0

    def source(self, name: str, content: DataVersion | None, *, recorded: bool = True) -> None:
        self.nodes[key(name)] = Node(key=key(name), outputs=(key(name),), recipe=Recipe.of(code=""), observed=True)
        self.observed.pop(cell(name), None)
        if content is not None:
            self.observed[cell(name)] = content
            if recorded:
                self._record(cell(name), content, Trace(Recipe.of(code="")), "")

    def folder(self, name: str, files: Mapping[str, str]) -> None:
        partitioning = KeysOf(key(name))
        self.nodes[key(name)] = Node(
            key=key(name), outputs=(key(name),), recipe=Recipe.of(code=""), observed=True, partitioning=partitioning
        )
        self.keys[key(name)] = tuple(files)
        for file, content in files.items():
            self.observed[Partition(key(name), file)] = data(content)
            self._record(Partition(key(name), file), data(content), Trace(Recipe.of(code="")), "")

    def node(
        self,
        name: str,
        reads: str = "",
        *,
        outputs: str = "",
        code: str = "1",
        per: str = "",
        columns: tuple[str, ...] | None = None,
        **fields: Any,
    ) -> Node:
        """``reads`` are names; ``per`` is the folder with a key for each partition, read key by key."""

        def reads_key_by_key(read: str) -> bool:
            return bool(per) and any(
                key(read) in node.outputs and node.partitioning is not SINGLE for node in self.nodes.values()
            )

        inputs = [
            Input(
                parameter=read,
                asset=key(read),
                columns=columns,
                mapping=Same() if reads_key_by_key(read) else All(),
            )
            for read in reads.split()
        ]
        made = Node(
            key=key(name),
            outputs=tuple(key(output) for output in outputs.split()) or (key(name),),
            recipe=fields.pop("recipe", None) or Recipe.of(code=code),
            inputs=tuple(sorted(inputs, key=lambda read: read.asset)),
            partitioning=KeysOf(key(per)) if per else SINGLE,
            **fields,
        )
        self.nodes[made.key] = replace(made, digest=fingerprint(repr(made)))
        return made

    def change(self, name: str, **fields: Any) -> None:
        changed = replace(self.nodes[key(name)], **fields)
        self.nodes[key(name)] = replace(changed, digest=fingerprint(repr(replace(changed, digest=""))))

    @property
    def graph(self) -> Graph:
        nodes = list(self.nodes.values())
        if nodes != self._graph[0]:
            self._graph = (nodes, Graph(nodes))
        return self._graph[1]

    def today(self, name: str, partition: str = "", keys: KeySets | None = None) -> Trace:
        def version_of(read: Partition) -> DataVersion | None:
            if read in self.observed:
                return self.observed[read]
            history = self.histories.get(read)
            return history.current.data if history and history.current else None

        return trace_of(
            self.nodes[key(name)], partition, (keys or KeySets(self.graph, self.keys, self.as_of)).of, version_of
        )

    def make(self, names: str, content: str | DataVersion = "", **fields: Any) -> None:
        """Make nodes as they are today, one after the other; ``name@key`` or all keys."""
        keys = KeySets(self.graph, self.keys, self.as_of)
        for text in names.split():
            name, at, partition = text.partition("@")
            node = self.nodes[key(name)]
            for one in [partition] if at else keys.of_node(node):
                trace = self.today(name, one, keys)
                self.count += 1
                for output in node.outputs:
                    version = content if isinstance(content, DataVersion) else data(content or f"{output} {one}")
                    self._record(Partition(output, one), version, trace, trace.digest or "", **fields)

    def _record(self, partition: Partition, version: DataVersion, trace: Trace, digest: str, **fields: Any) -> None:
        past = self.histories.get(partition, History())
        fields = {"attempt": self.count, "made_at": self.as_of, **fields}
        self.newest += 1
        one = Materialization(
            id=self.newest,
            partition=partition,
            version=len(past.by_trace) + 1,
            trace=digest,
            recipe=trace.recipe,
            edges=trace.edges,
            data=version,
            **fields,
        )
        self.histories[partition] = History(current=one, by_trace={**past.by_trace, digest: one})

    def fail(self, name: str, kind: FailureClass = FailureClass.PERMANENT) -> None:
        self.setback(name, SetbackKind.FAILED, kind)

    def setback(self, text: str, kind: SetbackKind, failure: FailureClass | None = None) -> None:
        name, _, partition = text.partition("@")
        trace = self.today(name, partition).digest or ""
        for output in self.nodes[key(name)].outputs:
            this = Setback(kind=kind, trace=trace, failure=failure, message="boom", at=self.as_of, run=1)
            where = Partition(output, partition)
            self.histories[where] = replace(self.histories.get(where, History()), setback=this)

    def mark(self, text: str, **fields: Any) -> None:
        self.histories[cell(text)] = replace(self.histories[cell(text)], **fields)

    def wait(self, **time: float) -> None:
        self.as_of += timedelta(**time)

    def snapshot(self, **fields: Any) -> Snapshot:
        return Snapshot(
            environment="main",
            revision=7,
            as_of=self.as_of,
            keys=self.keys,
            observed=self.observed,
            histories=self.histories,
            **fields,
        )

    def plan(self, selected: str = "", **fields: Any) -> Plan:
        assets = frozenset(key(name) for name in selected.split()) or None
        return plan(self.graph, self.snapshot(), Targets(assets=assets, **fields))

    def steps(self, selected: str = "", **fields: Any) -> list[str]:
        """The plan's steps as ``action name@key: cause cause``."""
        return [
            f"{step.action} {step.node.name}{'@' if step.key else ''}{step.key}: "
            + " ".join(cause.kind for cause in step.causes)
            for step in self.plan(selected, **fields).steps
        ]

    def states(self, selected: str = "", **fields: Any) -> dict[str, str]:
        """How what is not fresh stands."""
        standings = self.plan(selected, **fields).standings
        return {
            f"{partition.asset.name}{'@' if partition.key else ''}{partition.key}": standing.state.value
            for partition, standing in standings.items()
        }


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()
