"""Sources, as a run sees them: recorded at its start, and looked at again around each step that reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from assetflow.load.definitions import BoundSource
from assetflow.model.journal import Journal
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.versions import Stored
from assetflow.run.arguments import Watched
from assetflow.run.memory import Memory

__all__ = ["Observing"]

#: How a source is looked at; see :func:`assetflow.load.sources.observe`.
Look = Callable[[BoundSource], Mapping[str, Stored]]


class Observing:
    """The sources of one run. Used by the coordinating thread, but for the looks that attempts are given."""

    def __init__(self, sources: Mapping[AssetKey, BoundSource], look: Look, memory: Memory) -> None:
        self._sources = sources
        self._look = look
        self._memory = memory
        self._stored: dict[Partition, Stored] = {}

    def see(self, assets: Iterable[AssetKey]) -> None:
        """Look at these sources now. Raises StorageError ``source-missing``."""
        for asset in assets:
            for key, stored in self._look(self._sources[asset]).items():
                self._stored[Partition(asset, key)] = stored

    def record(self, journal: Journal, run: int, assets: frozenset[AssetKey] | None = None) -> None:
        """Record what was seen (of these assets): from now on it is what steps read."""
        seen = {p: stored for p, stored in self._stored.items() if assets is None or p.asset in assets}
        if not seen:
            return
        for partition, materialization in journal.observe(run, seen).items():
            self._memory.seen(materialization, seen.get(partition))

    def see_again(self, journal: Journal, run: int, members: Iterable[Iterable[Partition]]) -> None:
        """One of the sources that a step reads has moved: look again and record what is there now."""
        assets = frozenset(p.asset for edge in members for p in edge if p.asset in self._sources)
        self.see(assets)
        self.record(journal, run, assets)

    def is_source(self, asset: AssetKey) -> bool:
        return asset in self._sources

    def source(self, asset: AssetKey) -> BoundSource:
        return self._sources[asset]

    def watched(self, partitions: Iterable[Partition]) -> tuple[Watched, ...]:
        """What an attempt that reads these has to look at, before and after."""
        versions: dict[AssetKey, dict[str, str]] = {}
        for partition in partitions:
            stored = self._stored.get(partition)
            if stored is not None:
                versions.setdefault(partition.asset, {})[partition.key] = stored.data.digest
        return tuple(
            Watched(str(asset), keys, lambda source=self._sources[asset]: self._look(source))  # type: ignore[misc]
            for asset, keys in versions.items()
        )
