"""An open project."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from assetflow import load as room
from assetflow.catalog import Catalog
from assetflow.declare import Asset, SqlAsset
from assetflow.errors import AssetflowError, Mistakes, UsageError, nearest
from assetflow.graph import Graph
from assetflow.graph.classes import Holds, classified
from assetflow.graph.columns import ColumnAddress, ColumnLineage, between_columns, column_named, column_or_asset
from assetflow.graph.impact import Impact, impact_of
from assetflow.graph.lineage import Lineage, between_assets
from assetflow.graph.names import key_named
from assetflow.load.definitions import Loaded
from assetflow.load.file_versions import FileVersions
from assetflow.load.load import load
from assetflow.load.recorded import Recorded
from assetflow.load.settings import Settings, find_settings
from assetflow.model.contracts import Broken, Release
from assetflow.model.definition import Definition
from assetflow.model.event import Listener
from assetflow.model.journal import KeyEdit
from assetflow.model.keys import Address, AssetKey, Partition
from assetflow.model.lineage import ColumnEdge
from assetflow.model.partitioning import dynamic_of
from assetflow.model.plan import Plan
from assetflow.model.storage import Store
from assetflow.plan.checks import ask_all
from assetflow.plan.choosing import STATES
from assetflow.project.contracts import late, promised, promised_at, releases
from assetflow.project.deciding import Deciding
from assetflow.project.dynamic import Remembered
from assetflow.project.explaining import explained
from assetflow.project.partitions import by_dimension, listed
from assetflow.project.results import AssetStatus, DimensionStatus, Explanation, Named, PartitionStatus, Result
from assetflow.project.running import USUAL, Running, RunOptions
from assetflow.project.schemas import last_columns, refuse_misfits
from assetflow.project.viewing import is_a_view, viewed
from assetflow.run.world import REAL, World
from assetflow.store.local import LocalStore
from assetflow.store.values import Values
from assetflow.types.columns import ColumnType
from assetflow.types.promises import Promise
from assetflow.upkeep.gc import Collected, collected
from assetflow.upkeep.past import Past

__all__ = ["Project"]

T = TypeVar("T")

#: The one mistake that leaves the rest of a project meaningful.
_UNAVAILABLE = "module-does-not-import"


class Project:
    """Settings, definitions, catalog and store of one project, in one environment.

    Nothing is imported or opened before it is needed. ``resources`` are given instead of configured ones; ``sets``
    are run parameters, ``NAME=VALUE`` or ``group.asset.NAME=VALUE``.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        sets: Sequence[str] = (),
        resources: Mapping[str, object] | None = None,
        world: World = REAL,
        loader: Callable[[], Loaded] | None = None,
        store: Store | None = None,
        catalog: Catalog | None = None,
    ) -> None:
        self.settings = settings
        self.world = world
        self._loader = loader or (lambda: load(settings, sets=sets, resources=resources, recorded=self.recorded))
        self._store = store
        self._catalog = catalog
        self._sets = tuple(sets)
        #: What values of assets gave as keys, so that none is read twice.
        self.keys_of_values: Remembered = {}

    @classmethod
    def open(
        cls,
        *modules: str,
        directory: Path | str | None = None,
        environment: str | None = None,
        sets: Sequence[str] = (),
        resources: Mapping[str, object] | None = None,
        world: World = REAL,
    ) -> Self:
        """The project of a folder (the working one, or the nearest above it that has settings), or of modules.

        Raises UsageError ``no-project`` and what is wrong with the settings.
        """
        start = None if directory is None else Path(directory)
        settings = find_settings(start, modules=modules, environment=environment)
        return cls(settings, sets=sets, resources=resources, world=world)

    @property
    def environment(self) -> str:
        """The environment that is read and written."""
        return self.settings.environment

    @functools.cached_property
    def loaded(self) -> Loaded:
        """The project's code as it is today, with its mistakes."""
        return self._loader()

    @property
    def recorded(self) -> Recorded:
        """What is asked of the catalog while code is loaded."""
        return Recorded(self.last_columns, self.derivations)

    def last_columns(self, assets: Sequence[AssetKey]) -> Mapping[AssetKey, Mapping[str, ColumnType]]:
        """The columns of tables as they are now, of those of which these are known. A catalog that cannot be read knows
        none.
        """
        with suppress(AssetflowError):
            return last_columns(self.reading, self.environment, assets)
        return {}

    def derivations(self, asset: AssetKey) -> Mapping[str, tuple[ColumnEdge, ...]]:
        """What the columns of an asset are made of, where its values proved it: by version of its code. A catalog that
        cannot be read knows nothing.
        """
        with suppress(AssetflowError), self.reading.view(self.environment) as view:
            return view.derivations([asset]).get(asset, {})
        return {}

    @functools.cached_property
    def store(self) -> Store:
        """Where the blobs are."""
        return self._store or LocalStore(Path(self.settings.store))

    @property
    def state_folder(self) -> Path:
        """The folder that the store, logs, caches and scratch folders lie in."""
        return Path(self.settings.store).parent

    @functools.cached_property
    def files(self) -> FileVersions:
        """What is remembered of files that did not change."""
        return FileVersions(None if self._store else self.state_folder / "cache" / "files.json")

    def values(self) -> Values:
        """Saves and loads values; the codecs that the project's code declares may be read."""
        return Values(self.store, codecs=[o.codec for b in self.loaded.bound.values() for o in b.outputs if o.codec])

    @functools.cached_property
    def reading(self) -> Catalog:
        """The catalog, never written; read as empty where there is none."""
        return self._catalog or Catalog.open(self.settings.catalog, create=False, read_only=True)

    @functools.cached_property
    def writing(self) -> Catalog:
        """The catalog, made where there is none."""
        return self._catalog or Catalog.open(self.settings.catalog, create=True)

    @property
    def past(self) -> Past:
        """What catalog and store remember, without the code."""
        return Past(self.reading, self.store, self.environment, logs=self.state_folder / "logs")

    def close(self) -> None:
        """Close the catalog: what was written is folded into its one file. The project can be used again after."""
        for name in ("reading", "writing"):
            opened = self.__dict__.pop(name, None)
            if opened is not None and opened is not self._catalog:
                opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def reread(self) -> Project:
        """The same code over what catalog, store and sources hold now."""
        again = type(self)(self.settings, world=self.world, store=self._store, catalog=self._catalog)
        again._loader = lambda: self.loaded
        return again

    # Mistakes

    def mistakes(self) -> tuple[AssetflowError, ...]:
        """What is wrong with the code; the rest of the project goes on."""
        return self.loaded.mistakes

    def validated(self) -> tuple[AssetflowError, ...]:
        """What to warn of: code that cannot be followed, and what a second load of the project, made in a process of
        its own, reads differently. That one is skipped where there are mistakes.
        """
        with room.again.SecondLoad(self.settings) as second:
            loose = tuple(fault for fault, _ in self.loaded.loose.values())
            return self.loaded.warnings + loose + (() if self.loaded.mistakes else second.warnings(self.loaded))

    def refuse_mistakes(self, *, strict: bool) -> None:
        """Raise Mistakes if there are any; unless strict, modules that do not import only make assets unavailable."""
        found = [m for m in self.loaded.mistakes if strict or m.code != _UNAVAILABLE]
        if found:
            raise Mistakes(self.loaded.mistakes)

    # Declared

    def definitions(self, *selection: str) -> tuple[Definition, ...]:
        """The selected assets, in order of keys; recorded ones where the code is gone or does not load."""
        known = self._known()
        if not selection:
            return tuple(known[key] for key in sorted(known))
        graph = Graph(self.loaded.graph.nodes, known)
        return tuple(known[key] for key in sorted(self._deciding.selected(selection, graph)))

    def definition(self, name: str) -> Definition:
        """One asset, declared or recorded. Raises UsageError ``unknown-asset``."""
        known = self._known()
        return known[key_named(Address.parse(name).name, known)]

    def _known(self) -> dict[AssetKey, Definition]:
        known = dict(self.loaded.graph.definitions)
        if self.loaded.mistakes:
            known = {**self.past.definitions(), **known}
        return known

    def resolve(self, named: Named) -> AssetKey:
        """The key that a declaration or a name stands for. Raises UsageError ``unknown-asset``."""
        if isinstance(named, AssetKey):
            return named
        if isinstance(named, str):
            return self.loaded.graph.resolve(named)
        if isinstance(named, SqlAsset):
            group = named.options.group
            return self.loaded.graph.resolve(f"{group}.{named.name}" if group else named.name)
        for key, bound in self.loaded.bound.items():
            if bound.function is getattr(named, "function", None):
                return key
        for key, source in self.loaded.sources.items():
            if source.source is named:
                return key
        return self.loaded.graph.resolve(str(getattr(named, "name", named)))

    # Deciding

    def plan(
        self,
        *selection: Named,
        partitions: Sequence[str] | str | None = None,
        only: bool = False,
        force: bool = False,
        retry_failed: bool = False,
        accept_schema_changes: bool = False,
        strict: bool = False,
    ) -> Plan:
        """What would run and why. Writes nothing.

        Raises Mistakes where the project cannot be planned (``strict``: where anything at all is wrong), UsageError
        for selections, StorageError ``source-missing`` where a source that is needed is not there.
        """
        self.refuse_mistakes(strict=strict)
        keys = (partitions,) if isinstance(partitions, str) else partitions
        targets = self._deciding.targets(
            self._texts(selection), keys, only=only, force=force, retry_failed=retry_failed
        )
        targets = replace(targets, accept_schema_changes=accept_schema_changes)
        made, seen, snapshot = self._deciding.planned(targets)
        for error in seen.missing.values():
            raise error
        refuse_misfits(self.loaded, made, snapshot.histories)
        return made

    def status(self, *selection: Named) -> tuple[AssetStatus, ...]:
        """How the selected assets stand, in order of keys; by default all."""
        return self._deciding.status(self._texts(selection))

    def _texts(self, selection: Sequence[Named]) -> list[str]:
        return [each if isinstance(each, str) else str(self.resolve(each)) for each in selection]

    @property
    def _deciding(self) -> Deciding:
        return Deciding(self)

    def partitions(self, asset: Named, partitions: Sequence[str] | str | None = None) -> tuple[PartitionStatus, ...]:
        """How the partitions of an asset stand, in the order of their keys; ``partitions`` narrows them as it does for
        :meth:`plan`.
        """
        key = self.resolve(asset)
        keys = (partitions,) if isinstance(partitions, str) else partitions
        states = STATES & set(keys or ())
        plan = self._deciding.plan_of(key)
        texts = None if keys is None or states else keys
        found = listed(self.loaded.graph, plan, key, texts, self.reading)
        return tuple(each for each in found if not states or each.state in states)

    def partitions_by(self, asset: Named, dimension: str) -> tuple[DimensionStatus, ...]:
        """How the partitions of an asset stand, summed for each value of a dimension. Raises UsageError
        ``unknown-dimension``.
        """
        key = self.resolve(asset)
        return by_dimension(self.loaded.graph, self._deciding.plan_of(key), key, dimension)

    def explain(self, address: str) -> Explanation:
        """Why a partition is in its state, and what differs between its making and today."""
        self.refuse_mistakes(strict=False)
        read = Address.parse(address)
        partition = Partition(self.loaded.graph.resolve(read.name), read.partition or "")
        return explained(self.loaded.graph, self._deciding.plan_of(partition.asset), partition, self.reading)

    # Running

    def materialize(
        self,
        *selection: Named,
        partitions: Sequence[str] | str | None = None,
        only: bool = False,
        force: bool = False,
        retry_failed: bool = False,
        accept_schema_changes: bool = False,
        fail_fast: bool = False,
        jobs: int | None = None,
        executor: str | None = None,
        listeners: Sequence[Listener] = (),
    ) -> Result:
        """Make the selection up to date, and first whatever it needs; by default everything.

        Where steps fail because they find a stored value damaged, that one is made anew and they run once more; the
        result is the last run's.
        """
        plan = self.plan(
            *selection,
            partitions=partitions,
            only=only,
            force=force,
            retry_failed=retry_failed,
            accept_schema_changes=accept_schema_changes,
            strict=True,
        )
        names = tuple(self._texts(selection))
        options = RunOptions(
            targets=names, jobs=jobs, executor=executor, fail_fast=fail_fast, listeners=tuple(listeners)
        )
        result = self.run(plan, options)
        while again := self.healing(plan, result):
            plan = again
            result = self.run(plan, options)
        while again := self.following(plan, result):
            plan = again
            result = self.run(plan, options).after(result)
        return result

    def check(
        self, *selection: Named, partitions: Sequence[str] | str | None = None, options: RunOptions = USUAL
    ) -> Result:
        """Ask every check of the selection about what is there, whatever they said before; by default of everything.

        What was held back is published where nothing is wrong with it any more. ``step.verdicts`` of the result's steps
        tell what was said.
        """
        self.refuse_mistakes(strict=True)
        keys = (partitions,) if isinstance(partitions, str) else partitions
        targets = self._deciding.targets(self._texts(selection), keys, only=True, force=True, retry_failed=False)
        seen, snapshot = self._deciding.looked(targets)
        for error in seen.missing.values():
            raise error
        return self.run(ask_all(self.loaded.graph, snapshot, targets), options)

    def run(self, plan: Plan, options: RunOptions = USUAL) -> Result:
        """Carry out a plan of this project. Without steps nothing is run, and only memos are remembered."""
        return Running(self, self.read).carried_out(plan, options)

    def healing(self, plan: Plan, result: Result) -> Plan | None:
        """After a run that failed: the plan that makes anew what its steps found damaged; None where nothing was."""
        return self._deciding.healing(plan, result)

    def following(self, plan: Plan, result: Result) -> Plan | None:
        """After a run: the plan for partition keys that it brought with it; None where there are none."""
        return self._deciding.following(plan, result)

    def edit_keys(self, name: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> tuple[KeyEdit, ...]:
        """Add keys to a dynamic set, and take some out; gives what changed something.

        ``name`` is the set's, or that of an asset that has only one. Raises UsageError ``unknown-keys``.
        """
        named = self._set_named(name)
        edits = [KeyEdit(set=named, key=key, added=key in add) for key in (*remove, *add)]
        return self.writing.edit_keys(self.environment, edits)

    def gc(
        self,
        *,
        older: timedelta | None = None,
        keep: int = 0,
        unknown: bool = False,
        dry_run: bool = False,
    ) -> Collected:
        """Free the bytes of old versions, and of what failed and killed attempts left. Records stay.

        Never freed is what is current in any environment, what that was made from, and what a run that is going on may
        read. Of assets that say ``retain`` versions go that have not been current for so long; of others those that
        have not been for longer than ``older``, where it is given. The ``keep`` newest versions of each partition stay.
        In this environment partitions whose keys are gone, of assets that say ``retain``, are dropped: what they held
        is an old version from then on. Logs of runs that ended longer ago than ``older`` go, and files of which nobody
        knows whose they are where ``unknown`` is said. ``dry_run`` writes nothing. Raises UsageError ``no-catalog``.
        """
        return collected(
            self.reading if dry_run or not self.reading.found else self.writing,
            self.store,
            self.state_folder / "logs",
            retain={key: each.retain for key, each in self._known().items() if each.retain is not None},
            older=older,
            keep=keep,
            gone=self._deciding.gone(),
            environment=self.environment,
            unknown=unknown,
            at=self.world.now(),
            dry_run=dry_run,
        )

    def _set_named(self, name: str) -> str:
        graph = self.loaded.graph
        known = {each.name for node in graph.nodes.values() for each in dynamic_of(node.partitioning) if each.name}
        if name in known:
            return name
        with suppress(UsageError):
            own = {each.name for each in dynamic_of(graph.node_of(graph.resolve(name)).partitioning) if each.name}
            if len(own) == 1:
                return own.pop()
        hint = nearest(name, sorted(known)) or (f"there are {', '.join(sorted(known))}" if known else "")
        raise UsageError("unknown-keys", f"no asset is partitioned by Dynamic({name!r})", hint=hint)

    # Values

    @overload
    def load(
        self, asset: Asset[..., Coroutine[Any, Any, T]], *, partition: str = "", version: int | None = None
    ) -> T: ...

    @overload
    def load(self, asset: Asset[..., T], *, partition: str = "", version: int | None = None) -> T: ...

    @overload
    def load(self, asset: Named, *, partition: str = "", version: int | None = None, as_: type[T]) -> T: ...

    @overload
    def load(self, asset: Named, *, partition: str = "", version: int | None = None) -> Any: ...

    def load(self, asset: Named, *, partition: str = "", version: int | None = None, as_: object = None) -> Any:
        """A current value, or ``:vN`` of it; typed by the asset, or converted with ``as_``.

        Raises UsageError ``no-value`` where there is none, StorageError where its bytes are gone or damaged.
        """
        key = self.resolve(asset)
        if key in self.loaded.views:
            if partition or version is not None:
                raise is_a_view(key)
            known = self._deciding.keys(self.loaded.graph.nodes)
            now = self.world.now()
            return viewed(self.loaded, key, as_, self.past, self.values(), self.files, now, known)
        hint = as_
        if hint is None:
            node = self.loaded.graph.node_of(key)
            bound = self.loaded.bound.get(node.key)
            hint = next((o.hint for o in bound.outputs if o.key == key), None) if bound else None
        return self.past.load(Partition(key, partition), version, hint, self.values())

    def is_view(self, name: str) -> bool:
        """Whether a name is that of a view."""
        try:
            return self.loaded.graph.resolve(name) in self.loaded.views
        except UsageError:
            return False

    def read(self, asset: Named, key: str) -> Any:  # the value of a user's asset
        """The current value of one partition, as :meth:`load` gives it."""
        return self.load(asset, partition=key)

    def lineage(
        self, address: str | None = None, *, up: bool = True, down: bool = False, depth: int | None = None
    ) -> Lineage:
        """Between assets; with a version or a partition, between exact versions. Without an address: everything."""
        if address is not None and self.is_column(address):
            address = str(column_or_asset(address, self._known()).asset)
        if address is not None:
            read = Address.parse(address)
            if read.version is not None or read.partition is not None:
                return self.past.lineage(read, up=up, down=down, depth=depth)
        known = self._known()
        start = [] if address is None else [key_named(Address.parse(address).name, known)]
        return between_assets(known, start, up=up, down=down, depth=depth)

    def column_lineage(
        self, address: str | None = None, *, up: bool = True, down: bool = False, depth: int | None = None
    ) -> ColumnLineage:
        """Which columns a column (``shop.orders.amount``), or an asset, is made from, and goes into.

        Raises UsageError ``unknown-asset``, ``unknown-column``.
        """
        known = self._known()
        start = None if address is None else column_or_asset(address, known)
        return between_columns(known, start, up=up, down=down, depth=depth)

    def is_column(self, address: str) -> bool:
        """Whether a text names a column of an asset rather than an asset. Raises UsageError ``unknown-column``."""
        if {":", "@"} & set(address):
            return False
        known = self._known()
        named = any(address in {str(key), key.name} for key in known)
        return not named and column_named(address, known) is not None

    def impact(self, address: str) -> Impact:
        """What a change of an asset, or of a column, would reach. Raises as :meth:`column_lineage`."""
        known = self._known()
        return impact_of(known, column_or_asset(address, known))

    def holds(self, key: AssetKey) -> list[tuple[ColumnAddress, Holds]]:
        """Which kinds of secrets the columns of an asset hold, or may hold."""
        found = classified(self._known())
        return [(at, holds) for at, held in found.items() if at.asset == key for holds in held]

    # Promising

    def contracts(self) -> Mapping[str, Promise]:
        """What the contracts of the project's assets promise, by asset. Raises Mistakes where anything is wrong."""
        self.refuse_mistakes(strict=True)
        return promised(self.loaded)

    def contract_changes(self, base: str) -> tuple[Release, ...]:
        """What became of each contract since ``base``: a commit of the project's repository, or a file that ``contracts
        export`` wrote. Raises UsageError ``bad-base``.
        """
        after = self.contracts()
        return releases(promised_at(base, self.settings.root), after)

    def late_contracts(self) -> tuple[Broken, ...]:
        """The contracts whose freshness is not kept by what is stored."""
        contracts = self.contracts()
        with self.reading.view(self.environment) as view:
            found = view.materialized_at(key for key in self.loaded.graph.definitions if str(key) in contracts)
        return late(contracts.values(), {str(key): at for key, at in found.items()}, self.world.now())
