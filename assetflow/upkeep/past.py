"""The past of a project: what its catalog and its store remember, without importing any of its code."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from assetflow.catalog import Catalog, queries, versions
from assetflow.catalog.records import Ancestry, Attempt, Problem, Run, Version
from assetflow.errors import StorageError, UsageError
from assetflow.graph.lineage import Edge, Lineage, Node
from assetflow.graph.names import key_named
from assetflow.model.definition import Definition
from assetflow.model.journal import RunStatus
from assetflow.model.keys import Address, AssetKey, Partition
from assetflow.model.storage import Store
from assetflow.model.versions import DataVersion, Stored
from assetflow.store.values import Values

__all__ = ["Past", "plain_hint"]

_OLDER = "it is an older version: nothing makes it again"


class Past:
    """What is remembered, seen from one environment."""

    def __init__(self, catalog: Catalog, store: Store, environment: str, *, logs: Path) -> None:
        self.catalog = catalog
        self.store = store
        self.environment = environment
        self._logs = logs

    def definitions(self) -> dict[AssetKey, Definition]:
        """What was declared when it was last recorded."""
        with self.catalog.view(self.environment) as view:
            return view.definitions()

    def resolve(self, name: str) -> AssetKey:
        """The recorded asset of a bare or full name. Raises UsageError ``unknown-asset``, ``ambiguous-asset``."""
        known = self.definitions()
        if not known:
            raise UsageError(
                "unknown-asset", "nothing was ever materialized here", hint="assetflow materialize does it"
            )
        return key_named(name, known)

    # Values

    def history(self, address: str, *, limit: int | None = None) -> tuple[Version, ...]:
        """The versions of an asset, or of one partition, newest first. Raises UsageError ``no-value`` for one that is
        named and not there.
        """
        read = Address.parse(address)
        asset = self.resolve(read.name)
        if read.version is not None:
            return (self._version(Partition(asset, read.partition or ""), read.version),)
        return tuple(versions.history(self.catalog, asset, read.partition, limit=limit))

    def version(self, address: str | Address) -> Version:
        """One value's record. Raises UsageError ``no-value``."""
        read = Address.parse(address) if isinstance(address, str) else address
        partition = Partition(self.resolve(read.name), read.partition or "")
        return self._version(partition, read.version)

    def _version(self, partition: Partition, number: int | None) -> Version:
        found = versions.find(self.catalog, self.environment, partition, number)
        if found is None:
            what = (
                f"{partition}:v{number} does not exist" if number else f"{partition} has no value in {self.environment}"
            )
            raise UsageError("no-value", what, hint=f"assetflow history {partition.asset} lists what there is")
        return found

    def load(self, partition: Partition, number: int | None, hint: object, values: Values) -> Any:  # a user's value
        """A value as an annotation asks for it; None: as its codec gives it."""
        found = self._version(partition, number)
        if found.stored.codec == "source":
            raise UsageError(
                "no-value",
                f"{partition} is a source: it is observed, its value is not kept",
                hint=f"look at {found.stored.uri}",
            )
        self.refuse_freed(found)
        try:
            return values.load(found.stored, hint)
        except StorageError as error:
            current = versions.find(self.catalog, self.environment, partition, None)
            if number is None or (current is not None and current.materialization.version == number):
                raise
            raise StorageError(error.code, error.message, where=error.where, hint=_OLDER) from error

    def value(self, address: str) -> Any:  # a user's value, in the store's own form
        """A value without the project's code: tables as Arrow, JSON as plain data."""
        read = Address.parse(address)
        partition = Partition(self.resolve(read.name), read.partition or "")
        found = self._version(partition, read.version)
        return self.load(partition, read.version, plain_hint(found.stored), Values(self.store))

    def path(self, address: str) -> Path:
        """Where a value's file lies. Raises UsageError ``not-a-file`` for a value inside the catalog."""
        found = self.version(address)
        if found.stored.blob is None:
            hint = f"it lies at {found.stored.uri}" if found.stored.uri else f"assetflow cat {address} prints it"
            raise UsageError("not-a-file", f"{address} is no file of the store", hint=hint)
        self.refuse_freed(found)
        return self.store.local(found.stored.blob.name)

    @staticmethod
    def refuse_freed(version: Version) -> None:
        """Raise UsageError ``value-freed`` for a version whose bytes are no longer kept."""
        if version.materialization.freed:
            raise UsageError(
                "value-freed",
                f"the bytes of {version.address} were freed by assetflow gc",
                hint=f"assetflow history {version.materialization.partition.asset} lists what there is",
            )

    def current(self, asset: AssetKey) -> list[Version]:
        """The current values of an asset, by partition."""
        found = versions.current_versions(self.catalog, self.environment, [asset])
        return [self._version(partition, None) for partition in sorted(found)]

    def query(self, sql: str) -> Any:  # a pyarrow.Table
        """What DuckDB answers over the current values and the catalog's views."""
        from assetflow.upkeep.query import answer  # noqa: PLC0415 - it brings DuckDB

        return answer(sql, self)

    # Runs

    def runs(self, *, limit: int | None) -> tuple[Run, ...]:
        """The runs, newest first."""
        return queries.runs(self.catalog, limit=limit)

    def run(self, number: str) -> Run:
        """A run by its number, or the last. Raises UsageError ``unknown-run``."""
        wanted = queries.last_run(self.catalog) if number == "last" else int(number) if number.isdigit() else None
        found = None if wanted is None else queries.run(self.catalog, wanted)
        if found is None:
            what = "there are no runs yet" if number == "last" else f"there is no run {number}"
            raise UsageError("unknown-run", what, hint="assetflow runs lists them")
        return found

    def attempts(self, run: int) -> tuple[Attempt, ...]:
        """The attempts of a run, in order."""
        return queries.attempts(self.catalog, run)

    def root_failure(self, run: int) -> Attempt | None:
        """The first failure of a run, which explains the rest."""
        return queries.root_failure(self.catalog, run)

    def log_lines(self, number: str, address: str | None, attempt: int | None) -> Iterator[dict[str, Any]]:
        """What a run's steps logged and printed: ``{at, level, text, asset, key, attempt …}``, in order of attempts."""
        return self._new_lines(self.run(number).id, address, attempt, {}, whole=False)

    def followed_lines(
        self, number: str, address: str | None, attempt: int | None, *, pause: Callable[[], None]
    ) -> Iterator[dict[str, Any]]:
        """As :meth:`log_lines`, and then each line as it comes, until the run has ended."""
        run, read = self.run(number), dict[int, int]()
        while True:
            now = queries.run(self.catalog, run.id)
            running = now is not None and now.status is RunStatus.RUNNING
            yield from self._new_lines(run.id, address, attempt, read, whole=running)
            if not running:
                return
            pause()

    def _new_lines(
        self, run: int, address: str | None, attempt: int | None, read: dict[int, int], *, whole: bool
    ) -> Iterator[dict[str, Any]]:
        """Lines (``whole`` ones only) that were not ``read`` yet, which holds how many bytes of each log were."""
        from assetflow.run.logs import log_path  # noqa: PLC0415

        wanted = None if address is None else Address.parse(address)
        asset = None if wanted is None else self.resolve(wanted.name)
        nodes = {asset} if asset is None else {asset, self.definitions()[asset].node}
        shared: set[int] = set()
        for each in self.attempts(run):
            if (asset is not None and each.step.asset not in nodes) or (attempt is not None and each.number != attempt):
                continue
            if wanted is not None and wanted.partition not in {None, each.step.key}:
                continue
            path = log_path(self._logs, run, each.id)
            if path.exists() and path.stat().st_nlink > 1:  # partitions that were made by one call have one log
                if path.stat().st_ino in shared:
                    continue
                shared.add(path.stat().st_ino)
            data = _after(path, read.get(each.id, 0), whole=whole)
            read[each.id] = read.get(each.id, 0) + len(data)
            yield from _lines(data, each)

    # Lineage

    def lineage(self, address: Address, *, up: bool, down: bool, depth: int | None) -> Lineage:
        """Between exact versions: what one value was made from, and what was made from it."""
        start = self.version(address).materialization.id
        found: list[Ancestry] = []
        if up:
            found.append(versions.ancestry(self.catalog, [start], depth=depth))
        if down:
            found.append(versions.progeny(self.catalog, [start], depth=depth))
        nodes: dict[int, Version] = {}
        links: dict[tuple[int, int, int], Edge] = {}
        for each in found:
            nodes.update(each.versions)
            for link in each.links:
                source, target = each.versions.get(link.read), each.versions.get(link.reader)
                if source is not None and target is not None:
                    fields = {"input": None, "type": None, "columns": None, "mapping": link.mapping}
                    edge = Edge(source=source.address, target=target.address, fields=fields)
                    links[link.read, link.reader, link.position] = edge
        ordered = [nodes[id] for id in sorted(nodes, reverse=True)]
        order = sorted(links, key=lambda link: (link[1], link[2], link[0]))
        return Lineage(
            nodes=tuple(_node(version) for version in ordered),
            edges=tuple(links[key] for key in order),
            roots=(nodes[start].address,),
            up=up,
            down=down,
        )

    # Upkeep

    def verify(self) -> tuple[Problem, ...]:
        """Every record against itself, and every stored byte against its record."""
        if not self.catalog.found:
            some = next(iter(self.store.names()), None)
            if some is None:
                return ()
            message = f"there is no catalog, and the store has values such as {some}"
            hint = "restore the catalog from a backup; without it assetflow materialize makes everything anew"
            return (Problem(code="no-catalog", message=message, hint=hint),)
        problems = list(self.catalog.verify())
        values = Values(self.store)
        for used in self.catalog.blobs():
            stored = Stored(data=DataVersion(used.blob.digest), codec=used.codec, blob=used.blob)
            try:
                values.verify(stored)
            except StorageError as error:
                partition, version = used.uses[-1]
                hint = "assetflow materialize makes it anew" if used.current else _OLDER
                problems.append(
                    Problem(
                        code=error.code,
                        key=str(partition.asset),
                        partition=partition.key,
                        version=version,
                        message=error.message,
                        hint=hint,
                    )
                )
        return tuple(problems)

    def backup(self, path: Path) -> None:
        """Copy the catalog to a new file, also while others write it. Raises UsageError ``no-catalog``."""
        if not self.catalog.found:
            raise UsageError(
                "no-catalog", "there is no catalog yet to be copied", hint="assetflow materialize makes it"
            )
        self.catalog.backup(path)


def plain_hint(stored: Stored) -> object:
    """What to ask for where no annotation says it: tables as Arrow, whatever library made them."""
    if stored.codec.startswith("parquet"):
        import pyarrow as pa  # noqa: PLC0415 - heavy, and only for tables

        return pa.Table
    return None


def _node(version: Version) -> Node:
    m, stored = version.materialization, version.stored
    where = f"  {stored.uri}" if stored.uri else ""
    fields = {
        "asset": str(m.partition.asset),
        "partition": m.partition.key,
        "version": m.version,
        "run": version.run,
        "data_version": m.data.digest,
        "code_version": m.recipe.code or None,
        "digest": None if stored.blob is None else stored.blob.digest,
        "uri": stored.uri or None,
        "made_at": m.made_at.isoformat().replace("+00:00", "Z"),
    }
    label = f"{version.address}  data {m.data.digest[:12]}{where}"
    return Node(key=version.address, kind="source" if stored.codec == "source" else "asset", label=label, fields=fields)


def _after(path: Path, start: int, *, whole: bool) -> bytes:
    """The lines of a file from a place on."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            data = file.read()
    except OSError:
        return b""
    return data[: data.rfind(b"\n") + 1] if whole else data


def _lines(data: bytes, attempt: Attempt) -> Iterator[dict[str, Any]]:
    for line in filter(None, data.decode("utf-8", "replace").split("\n")):
        try:
            yield {"step": str(attempt.step), "logger": "", **json.loads(line)}
        except ValueError:
            yield {"step": str(attempt.step), "logger": "", "at": "", "level": "", "text": line}
