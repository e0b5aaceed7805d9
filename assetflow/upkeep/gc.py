"""``gc``: freeing the bytes that nobody needs any more.

What is freed: old versions, as far as the rules of retention let go of them; files that failed and killed attempts
left; what was set aside as damaged; logs of old runs. Records stay, so that history and lineage are whole.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from pathlib import Path

from assetflow import catalog as room
from assetflow.catalog import Catalog, queries
from assetflow.catalog.records import GivenUp
from assetflow.errors import UsageError
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.storage import Store
from assetflow.store.names import attempt_of

__all__ = ["Collected", "Leftover", "LeftoverKind", "collected", "leftover_files"]

_AT_ONCE = 500


class LeftoverKind(StrEnum):
    """What is no version of anything."""

    #: A stored file that no record names, written by an attempt that is over.
    UNRECORDED = "unrecorded"
    #: A stored file that no attempt of this catalog wrote: somebody else's, or of a catalog that is gone.
    UNKNOWN = "unknown"
    #: What killed processes were writing.
    STAGED = "staged"
    #: What was found damaged and set aside.
    DAMAGED = "damaged"
    #: The logs of a run.
    LOG = "log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """Bytes that belong to no version."""

    kind: LeftoverKind
    #: A blob's name, or a run's number; empty for what is staged and damaged, which is summed.
    name: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What was freed, or would be."""

    dry_run: bool
    #: Blobs with the versions whose value they were.
    values: tuple[GivenUp, ...]
    leftovers: tuple[Leftover, ...]
    #: What was left alone, as nobody here wrote it.
    unknown: tuple[Leftover, ...]
    #: Partitions whose keys are gone: nothing is current there any more.
    dropped: tuple[Partition, ...]

    @property
    def bytes(self) -> int:
        """How many bytes were freed."""
        return sum(each.size for each in self.values) + sum(each.bytes for each in self.leftovers)


def collected(
    catalog: Catalog,
    store: Store,
    logs: Path,
    *,
    retain: Mapping[AssetKey, timedelta],
    older: timedelta | None,
    keep: int,
    gone: Mapping[AssetKey, Callable[[str], bool]],
    environment: str,
    unknown: bool,
    at: datetime,
    dry_run: bool,
) -> Collected:
    """Free what may be freed at this time.

    A version may be freed that has not been current for longer than ``retain`` says of its asset, else for longer than
    ``older`` (None: never), and that is not among the ``keep`` newest ones of its partition. Logs of runs that ended
    longer ago than ``older`` go. ``gone`` tells, by asset, whether a key is there no more: in ``environment`` its
    partition is dropped, and what it held is an old version from then on. Files of ``unknown`` origin go only if that
    is asked for.

    Raises UsageError ``no-catalog`` where there are values and no catalog, which alone knows whose they are.
    """
    if not catalog.found and next(iter(store.names()), None) is None:
        return Collected(dry_run=dry_run, values=(), leftovers=(), unknown=(), dropped=())
    if not catalog.found:
        raise UsageError(
            "no-catalog",
            "there is no catalog, and so nobody knows which of the stored values are needed",
            hint="restore the catalog from a backup",
        )
    values: list[GivenUp] = []
    rules = {asset: room.garbage.Retention(each, keep) for asset, each in retain.items()}
    usual = room.garbage.Retention(older, keep)
    for group in room.garbage.give_up(catalog, lambda asset: rules.get(asset, usual), at=at, dry_run=dry_run):
        values += group
        for each in () if dry_run else group:
            store.delete(each.name)
    kept: list[Leftover] = []
    left: list[Leftover] = []
    for found in leftover_files(catalog, store):
        if found.kind is LeftoverKind.UNKNOWN and not unknown:
            kept.append(found)
            continue
        left.append(found)
        if not dry_run:
            store.delete(found.name)
    for kind, damaged in ((LeftoverKind.STAGED, False), (LeftoverKind.DAMAGED, True)):
        if size := store.sweep(damaged=damaged, dry_run=dry_run):
            left.append(Leftover(kind=kind, name="", bytes=size))
    if older is not None:
        left += _old_logs(catalog, logs, before=at - older, dry_run=dry_run)
    dropped = [
        Partition(asset, key)
        for asset, is_gone in gone.items()
        for key in room.garbage.current_keys(catalog, environment, asset)
        if is_gone(key)
    ]
    if dropped and not dry_run:
        room.garbage.drop(catalog, environment, dropped, at=at)
    return Collected(
        dry_run=dry_run,
        values=tuple(values),
        leftovers=tuple(left),
        unknown=tuple(kept),
        dropped=tuple(dropped),
    )


def leftover_files(catalog: Catalog, store: Store) -> list[Leftover]:
    """The stored files that no record names, and that nobody who is at work may still record."""
    found: list[Leftover] = []
    for names in _some_at_a_time(store.names()):
        for each in room.garbage.loose(catalog, {name: attempt_of(name) for name in names}):
            size = store.size(each.name)
            if size is not None:
                kind = LeftoverKind.UNRECORDED if each.known else LeftoverKind.UNKNOWN
                found.append(Leftover(kind=kind, name=each.name, bytes=size))
    return found


def _some_at_a_time(names: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while some := list(islice(rest, _AT_ONCE)):
        yield some


def _old_logs(catalog: Catalog, logs: Path, *, before: datetime, dry_run: bool) -> Iterator[Leftover]:
    """The logs of runs that ended before a time."""
    folders = {path.name: path for path in logs.iterdir()} if logs.is_dir() else {}
    for run in queries.runs(catalog) if folders else ():
        path = folders.get(str(run.id))
        if path is None or run.finished_at is None or run.finished_at >= before or path.is_symlink():
            continue
        sizes = {status.st_ino: status.st_size for status in (each.lstat() for each in path.iterdir())}
        yield Leftover(kind=LeftoverKind.LOG, name=str(run.id), bytes=sum(sizes.values()))
        if not dry_run:
            shutil.rmtree(path, ignore_errors=True)
