"""What a view holds, over the current values of what it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from assetflow import types
from assetflow.errors import UsageError
from assetflow.load.definitions import BoundInput, Loaded
from assetflow.load.sources import FileVersions
from assetflow.model.keys import AssetKey
from assetflow.model.keysets import Keys
from assetflow.model.partitioning import SINGLE, KeySource, sources_of
from assetflow.plan import KeySets
from assetflow.project.snapshot import look
from assetflow.run.arguments import Argument, Lying, Member, Seen, loaded
from assetflow.store.values import Values
from assetflow.upkeep.past import Past

__all__ = ["is_a_view", "viewed"]


@dataclass(frozen=True, slots=True)
class _Step:
    scratch: Path


def is_a_view(key: AssetKey) -> UsageError:
    """The error for asking a view for what it does not have."""
    hint = f"assetflow cat {key} runs its query; {key}+ are those that read it"
    return UsageError("is-a-view", f"{key} is a view: it stores nothing, so nothing of it is ever made", hint=hint)


def viewed(
    project: Loaded,
    key: AssetKey,
    hint: object,
    past: Past,
    values: Values,
    files: FileVersions,
    as_of: datetime,
    known: Mapping[KeySource, tuple[str, ...]],
) -> Any:
    """A view's table, of the library that ``hint`` names; None: pyarrow's. ``known`` are the keys of dynamic sets.

    Raises UsageError ``no-value`` where something that it reads is not made yet, and as loading does.
    """
    bound = project.views[key]
    hints = {output.key: output.hint for each in project.bound.values() for output in each.outputs}
    arguments: dict[str, Any] = {}
    for each in bound.inputs:
        members = tuple(_members(project, key, each, past, files, as_of, known))
        whole = Argument(str(key), each, members, hints.get(each.edge.asset))
        arguments[each.parameter] = loaded(whole, values, lambda: None)
    with TemporaryDirectory(prefix="assetflow-", ignore_cleanup_errors=True) as folder:
        table = types.tables.to_arrow(bound.function(**arguments, **{bound.context: _Step(Path(folder))}))
    return table if hint is None else types.tables.from_arrow(table, hint)


def _members(
    project: Loaded,
    key: AssetKey,
    taken: BoundInput,
    past: Past,
    files: FileVersions,
    as_of: datetime,
    known: Mapping[KeySource, tuple[str, ...]],
) -> Iterator[Member]:
    asset = taken.edge.asset
    partitioning = project.graph.node_of(asset).partitioning
    seen = look(
        project,
        [each for each in dict.fromkeys((asset, *sources_of(partitioning))) if each in project.sources],
        files,
    )
    for error in seen.missing.values():
        raise error
    if asset in project.sources:
        yield from (
            Member(each.key, Seen(project.sources[asset])) for each in sorted(seen.stored) if each.asset == asset
        )
        return
    today: Keys | None = None
    if partitioning != SINGLE:
        today = KeySets(project.graph, {**seen.keys(project.graph), **known}, as_of).of(asset)
    found = [each for each in past.current(asset) if today is None or each.materialization.partition.key in today]
    if not found and today is None:
        hint = f"assetflow materialize {asset}"
        raise UsageError("no-value", f"{key} reads {asset}, which is not made yet", hint=hint)
    yield from (Member(each.materialization.partition.key, Lying(each.stored)) for each in found)
