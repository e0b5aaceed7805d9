"""Queries on their way to nodes: read, their tables found, bound to what these have, and their types made known."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from assetflow.declare import In, Param, SqlAsset
from assetflow.errors import AssetflowError, DefinitionError, nearest
from assetflow.graph import cycle_error, loops
from assetflow.load.batches import is_batch
from assetflow.load.binding import Roles
from assetflow.load.definitions import BoundInput, BoundOutput
from assetflow.load.edges import Project, View, bound_inputs, deps_of
from assetflow.load.faults import Faults, relative_place
from assetflow.load.naming import Declared
from assetflow.load.options import changes_of, contract_of, divert_of
from assetflow.load.partitions import inferred, unfollowed
from assetflow.load.recorded import Recorded
from assetflow.load.rejects import with_rejects
from assetflow.load.signatures import Taken
from assetflow.load.views import STEP, columns_of, through_views
from assetflow.model.keys import AssetKey
from assetflow.model.mappings import All, PerDimension
from assetflow.model.partitioning import SINGLE, Product
from assetflow.model.versions import CodePart, CodeVersion, Untracked, fingerprint
from assetflow.sql.bounds import bounds_of
from assetflow.sql.faults import SqlFault, excerpt, line_and_column
from assetflow.sql.queries import SCHEME, Queries
from assetflow.sql.query import Binding, Columns, Query, Statement
from assetflow.types.columns import Slot
from assetflow.types.libraries import AnyScan, AnyTable
from assetflow.types.rowfits import misfits
from assetflow.types.rowmodels import Column, RowModel, row_model

__all__ = ["ReadQuery", "read_queries"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadQuery:
    """A query whose text can be parsed and whose tables are known."""

    roles: Roles
    #: Its tables as written, and ``deps``.
    asked: tuple[BoundInput, ...]
    #: As its node has them: of views what these are made of.
    inputs: tuple[BoundInput, ...]
    #: The tables as written.
    tables: Mapping[str, AssetKey]
    output: BoundOutput
    query: Query
    code: CodeVersion
    #: None where a table's columns are not known before it is made.
    binding: Binding | None
    #: The tables whose columns nothing declares: they are those of the last time, or not known.
    loose: tuple[AssetKey, ...] = ()
    #: What is wrong with it over the columns that these had the last time.
    fault: DefinitionError | None = None


def read_queries(
    declarations: Iterable[Declared],
    project: Project,
    queries: Queries,
    root: Path,
    recorded: Recorded,
    faults: Faults,
) -> tuple[dict[AssetKey, ReadQuery], Project]:
    """The sound queries by key, and the project with the types of what they give; every mistake is told.

    ``recorded`` says which columns tables had when they were last made. By these a query is checked and followed
    where nothing declares others; what it is counts as it is written then, as nobody knows what the table will have.
    """
    written = {each.key: each for each in declarations if isinstance(each.value, SqlAsset)}
    reading = {key: _Reading(each, project, queries, root) for key, each in written.items()}
    owners = project.names.assets
    needs = {
        key: {owners[each].key for each in (*one.parsed(faults), *one.deps())} & written.keys()
        for key, one in reading.items()
    }
    if any(one.is_view for one in reading.values()):  # loops without views are told with the functions
        for loop in loops([(producer, key) for key, read in needs.items() for producer in read]):
            if any(reading[key].is_view for key in loop):
                faults.add(cycle_error(loop, {key: written[key].where for key in loop}))
    types, views = dict(project.types), dict(project.views)
    found: dict[AssetKey, ReadQuery] = {}
    read = {key for one in reading.values() for key in one.reads if owners[key].key not in written}
    last = dict(recorded.columns(sorted(key for key in read if key not in columns_of([key], project))))
    for key in _after_what_they_read(needs):
        now = replace(project, types=types, views=views)
        one = reading[key].bound(now, last, faults)
        if one is None:
            types.pop(key, None)
        else:
            found[key] = one
            types[key] = one.output.hint
            types |= {other.key: other.hint for other in with_rejects(one.output)[1:]}
            if one.loose and one.binding is not None:
                last[key] = dict(one.binding.columns)
            if reading[key].is_view:
                views[key] = reading[key].view(one)
    return found, replace(project, types=types, views=views)


def _after_what_they_read(needs: Mapping[AssetKey, AbstractSet[AssetKey]]) -> Iterator[AssetKey]:
    """Each query after those that it reads. Those in a loop, which is told elsewhere, come last."""
    waiting = {key: set(read) for key, read in needs.items()}
    readers: dict[AssetKey, list[AssetKey]] = {}
    for key, read in needs.items():
        for each in read:
            readers.setdefault(each, []).append(key)
    ready = deque(sorted(key for key, read in waiting.items() if not read))
    while ready:
        key = ready.popleft()
        del waiting[key]
        yield key
        for reader in readers.get(key, ()):
            waiting[reader].discard(key)
            if not waiting[reader]:
                ready.append(reader)
    yield from sorted(waiting)


class _Reading:
    """One query being read."""

    def __init__(self, declared: Declared, project: Project, queries: Queries, root: Path) -> None:
        assert isinstance(declared.value, SqlAsset)
        self._declared = declared
        self._asset = declared.value
        self._project = project
        self._queries = queries
        self._root = root
        self._text = ""
        self._statement: Statement | None = None
        self._tables: dict[str, AssetKey] = {}

    def parsed(self, faults: Faults) -> AbstractSet[AssetKey]:
        """Parse it and find its tables. Gives the assets that it reads."""
        try:
            self._text = self._written()
            self._statement = self._queries.statement(self._text)
        except SqlFault as fault:
            faults.add(self._told(fault))
            return frozenset()
        except AssetflowError as error:
            faults.add(error)
            return frozenset()
        sound = True
        for table in self._statement.tables:
            try:
                self._tables[table.name] = self._project.names.resolve(table.name, self._declared)
            except AssetflowError as error:
                message = error.message.replace(" takes ", " reads ", 1)
                unknown = SqlFault(error.code, message, offset=table.offset, hint=error.hint)
                faults.add(self._told(unknown, whole=True))
                sound = False
        if not sound:
            self._statement = None
        return frozenset(self._tables.values())

    def deps(self) -> Iterator[AssetKey]:
        """What it waits for without reading it; what means nothing is told with its inputs."""
        for wanted in deps_of(self._declared):
            with suppress(AssetflowError):
                yield from self._project.names.resolve_object(wanted, self._declared)

    @property
    def is_view(self) -> bool:
        """Whether it stores nothing."""
        return self._asset.view is True

    @property
    def reads(self) -> Iterable[AssetKey]:
        """The assets that it reads, once it is parsed."""
        return self._tables.values()

    def bound(self, project: Project, last: Mapping[AssetKey, Columns], faults: Faults) -> ReadQuery | None:
        """Bind it to what its tables have, or had the last time."""
        statement = self._statement
        if statement is None:
            return None
        parameters = self._parameters(statement, faults)
        taken = self._taken(self._tables, frozenset())
        asked = bound_inputs(self._declared, Roles(inputs=taken), project, faults)
        if parameters is None or asked is None or not all(key in project.types for key in self._tables.values()):
            return None
        if self.is_view and statement.volatile:
            message = (
                f"a view is read by each of its readers, and {_call(statement.volatile[0])} gives each another value"
            )
            faults.add(self._told(SqlFault("bad-sql", message, hint="make it a table: leave view= out")))
            return None
        try:
            shown, loose = self._bound_to(statement, self._tables, project, last, parameters)
            wrong = None
        except SqlFault as fault:
            shown, loose, wrong = None, self._loose(self._tables, project), self._told(fault)
            if not loose:
                faults.add(wrong)
                return None
        output = self._output(None if loose else shown, faults)
        if output is None:
            return None
        tables: Mapping[str, AssetKey] = self._tables
        run, inputs, binding = statement, asked, shown
        views = [project.views[key] for key in dict.fromkeys(tables.values()) if key in project.views]
        parts = [part for view in views for part in view.code.parts]
        if views:
            try:
                run, tables, taken = self._with_views(statement, project)
                binding = None if wrong else self._bound_to(run, tables, project, last, parameters)[0]
            except SqlFault as fault:
                # Its text stands nowhere, so there is no place to show.
                hint = fault.hint or "give the view another name here: from … as v"
                wrong, binding = self._told(SqlFault(fault.code, fault.message, hint=hint)), None
                if run is statement or not self._loose(tables, project):
                    faults.add(wrong)
                    return None
            own = bound_inputs(self._declared, Roles(inputs=taken), project, faults)
            if own is None:
                return None
            inputs, loose = own, self._loose(tables, project)
        read = through_views(self._declared, inputs, project, self._queries, faults)  # of ``deps``
        if read is None:
            return None
        sure = None if loose else binding
        reads = sure.reads if sure is not None else {}
        return ReadQuery(
            roles=Roles(inputs=taken, parameters=parameters, context=STEP),
            asked=asked,
            inputs=tuple(
                replace(each, edge=replace(each.edge, columns=reads.get(each.edge.asset), type=""))
                if each.edge.loaded
                else each
                for each in read.inputs
            ),
            tables=dict(self._tables),
            output=output,
            query=Query(
                name=str(self._declared.key),
                text=run.text,
                tables=dict(tables),
                inputs={each.name: tables[each.name] for each in taken},
                step=STEP,
                columns=None if sure is None else columns_of(tables.values(), project),
                bounds=tuple(self._bounds(run)),
            ),
            code=self._code(run, sure, None if loose else shown, parts, read.code),
            binding=shown,
            loose=loose,
            fault=wrong,
        )

    def view(self, read: ReadQuery) -> View:
        """What stands where it is read."""
        whole = {name: _whole(key) for name, key in read.query.tables.items()}
        text = self._queries.inlined(read.query.text, {}, whole)
        return View(key=self._declared.key, text=text, code=read.code)

    def _taken(self, tables: Mapping[str, AssetKey], whole: AbstractSet[AssetKey]) -> tuple[Taken, ...]:
        """A query's tables as inputs, each once; of those in ``whole`` all partitions."""
        names: dict[AssetKey, str] = {}
        for name, key in tables.items():
            names.setdefault(key, name)
        return tuple(
            Taken(
                name=name,
                hint=AnyScan,
                marker=In(str(key), partitions=All() if key in whole else self._partitions(key)),
            )
            for key, name in names.items()
        )

    def _with_views(
        self, statement: Statement, project: Project
    ) -> tuple[Statement, Mapping[str, AssetKey], tuple[Taken, ...]]:
        """The query with those of its views in their places, its tables, and these as inputs. Raises SqlFault."""
        views = {name: project.views[key] for name, key in self._tables.items() if key in project.views}
        written = self._queries.inlined(statement.text, {name: view.text for name, view in views.items()}, {})
        run = self._queries.statement(written)
        names, cuts = project.names, project.partitionings
        tables = {each.name: names.resolve(each.name, self._declared) for each in run.tables}
        inside = {
            names.resolve(each.name, self._declared)
            for view in views.values()
            for each in self._queries.statement(view.text).tables
        }
        for key in sorted(inside & set(self._tables.values())):
            if cuts[key] != SINGLE and self._partitions(key) is None:
                message = f"it reads one partition of {key}, and all of them in a view"
                raise SqlFault("not-there-yet", message, hint="make the view a table: leave view= out")
        return run, tables, self._taken(tables, {key for key in inside if cuts[key] != SINGLE})

    def _loose(self, tables: Mapping[str, AssetKey], project: Project) -> tuple[AssetKey, ...]:
        """Those of its tables of which the columns are not known before they are made."""
        return tuple(sorted(set(tables.values()) - columns_of(tables.values(), project).keys()))

    def _bound_to(
        self,
        statement: Statement,
        tables: Mapping[str, AssetKey],
        project: Project,
        last: Mapping[AssetKey, Columns],
        parameters: Iterable[Taken],
    ) -> tuple[Binding | None, tuple[AssetKey, ...]]:
        """The query bound, None where columns are not known; and the tables of which they are not declared. Raises
        SqlFault.
        """
        declared = columns_of(tables.values(), project)
        loose = tuple(sorted(set(tables.values()) - declared.keys()))
        known = {**{key: last[key] for key in loose if key in last}, **declared}
        if known.keys() != set(tables.values()):
            return None, loose
        values = {each.name: each.default if each.has_default else _any_of(each.hint) for each in parameters}
        values = {**{name: some for name, some in self._bounds(statement).items() if name not in values}, **values}
        return self._queries.binding(statement, tables, known, values), loose

    def _bounds(self, statement: Statement) -> Mapping[str, Any]:  # plain values
        """Those of a query's parameters that stand for its partition, each with some value."""
        known = bounds_of(self._project.partitionings[self._declared.key], together=is_batch(self._declared))
        declared: Any = self._asset.parameters  # anything the user wrote
        return {name: known[name] for name in statement.parameters if name in known and name not in declared}

    def _partitions(self, key: AssetKey) -> All | PerDimension | None:
        """What of a table is read that is cut otherwise than this one, where that does not follow from the two: all of
        it, or of the dimensions that this one does not have. Below each other they are one table.
        """
        own, upstream = self._project.partitionings[self._declared.key], self._project.partitionings[key]
        if inferred(own, upstream) is not None:
            return None
        loose = unfollowed(own, upstream)
        followed = isinstance(upstream, Product) and len(loose) < len(upstream.dimensions)
        return PerDimension(**{name: All() for name in loose}) if followed else All()

    def _written(self) -> str:
        query: Any = self._asset.query  # anything the user wrote
        if isinstance(query, str):
            return query
        if not isinstance(query, Path):
            message = f"{self._declared.key}: the query is neither a text nor a Path, but {query!r}"
            raise DefinitionError("bad-sql", message, where=[self._declared.line])
        try:
            return (self._root / query).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            raise DefinitionError(
                "bad-sql",
                f"{self._declared.key}: {query} cannot be read: {reason}",
                where=[self._declared.line],
                hint="paths are relative to the project's folder",
            ) from None

    def _told(self, fault: SqlFault, *, whole: bool = False) -> DefinitionError:
        """A fault with its place: in a file the line, and in any text the line itself with a mark."""
        declared, offset = self._declared, fault.offset
        where = declared.line
        shown: tuple[str, ...] = ()
        if offset is not None:
            line, column = line_and_column(self._text, offset)
            shown = excerpt(self._text, offset)
            if isinstance(self._asset.query, Path):
                place = relative_place(str(self._root / self._asset.query), line, self._root)
                where = f"{declared.key}   {place}:{column}"
        message = fault.message if whole else f"{declared.key}: {fault.message}"
        return DefinitionError(fault.code, message, where=[where], hint=fault.hint, excerpt=shown)

    def _parameters(self, statement: Statement, faults: Faults) -> tuple[Taken, ...] | None:
        """The run parameters: each that the query names is declared, and the other way round."""
        declared: Any = self._asset.parameters  # anything the user wrote
        if not isinstance(declared, Mapping):
            message = f"{self._declared.key}: parameters= must be a dict, got {declared!r}"
            hint = 'write parameters={"limit": 10.0}'
            faults.add(DefinitionError("bad-argument", message, where=[self._declared.line], hint=hint))
            return None
        sound = True
        bounds = self._bounds(statement)
        for name in statement.parameters:
            if name not in declared and name not in bounds:
                offset = self._text.find(f"${name}")
                known = bounds_of(self._project.partitionings[self._declared.key], together=is_batch(self._declared))
                hint = nearest(name, [*map(str, declared), *known])
                hint = hint or f'name it with its default: parameters={{"{name}": …}}'
                faults.add(self._told(SqlFault("bad-sql", f"${name} is no parameter of it", offset=offset, hint=hint)))
                sound = False
        for name in declared:
            if name not in statement.parameters:
                message = f"{self._declared.key}: the query has no ${name}"
                hint = nearest(str(name), statement.parameters) or "leave it out of parameters="
                faults.add(DefinitionError("bad-argument", message, where=[self._declared.line], hint=hint))
                sound = False
            elif name in self._tables:
                message = f"{self._declared.key}: {name} names both a table and a parameter"
                hint = "give the parameter another name"
                faults.add(DefinitionError("bad-argument", message, where=[self._declared.line], hint=hint))
                sound = False
        return tuple(_parameter(name, value) for name, value in declared.items()) if sound else None

    def _output(self, binding: Binding | None, faults: Faults) -> BoundOutput | None:
        """The table that it gives: of its row model, else of the columns that it is known to have."""
        declared, wanted = self._declared, self._asset.rows
        options = self._asset.options
        changes, contract = changes_of(options), contract_of(options, declared.key.name)
        made = None if binding is None else _gives(declared.key, binding)
        if wanted is None:
            kind: object = AnyTable if made is None else Annotated[AnyTable, made]
            return BoundOutput(key=declared.key, hint=kind, codec=None, rows=made, changes=changes, contract=contract)
        try:
            rows = _row_model(wanted)
        except AssetflowError as error:
            message = f"{declared.key}: {error.message}"
            faults.add(type(error)(error.code, message, where=[declared.line], hint=error.hint))
            return None
        found = () if made is None else misfits(made, rows)
        if found:
            more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
            message = f"{declared.key} does not give rows of {rows.name}: {'; '.join(found[:3])}{more}"
            hint = "select what the row model says, or change the model"
            faults.add(DefinitionError("edge-columns", message, where=[declared.line], hint=hint))
            return None
        return BoundOutput(
            key=declared.key,
            hint=Annotated[AnyTable, wanted],
            codec=None,
            rows=rows,
            changes=changes,
            contract=contract,
            divert=divert_of(options),
        )

    def _code(
        self,
        run: Statement,
        sure: Binding | None,
        shown: Binding | None,
        views: Sequence[CodePart],
        deps: Sequence[CodePart],
    ) -> CodeVersion:
        """The code version: of the query that is run; told by the parts that are written, of which views are some.

        Those in ``deps`` are not in what is run, and count beside it.
        """
        options, key, where = self._asset.options, self._declared.key, self._declared.where
        others = tuple(dict.fromkeys([*views, *deps]))
        if options.version is not None:
            said = fingerprint("declared sql", SCHEME, options.version, *(part.digest for part in others))
            return CodeVersion(said, others, (), options.version)
        digest = fingerprint("sql", SCHEME, run.plain if sure is None else sure.canonical)
        own = digest
        if deps:
            digest = fingerprint("sql after views", digest, *(part.digest for part in deps))
        if views:
            assert self._statement is not None
            own = fingerprint("sql", SCHEME, self._statement.plain if shown is None else shown.canonical)
        untracked = tuple(Untracked(f"what {_call(name)} gives", where) for name in run.volatile)
        return CodeVersion(digest, (CodePart(f"the query of {key}", own, where), *others), untracked)


def _call(name: str) -> str:
    return name if " " in name else f"{name}()"


def _any_of(hint: object) -> Any:  # a plain value
    """Some value of a type, in the place of one that settings give."""
    return hint() if isinstance(hint, type) and hint in {bool, float, int, str} else None


def _parameter(name: str, value: object) -> Taken:
    if isinstance(value, type):
        return Taken(name=name, hint=value, marker=Param())
    return Taken(name=name, hint=type(value), marker=Param(), default=value)


def _whole(key: AssetKey) -> str:
    return f'"{key.group}"."{key.name}"'


def _gives(key: AssetKey, binding: Binding) -> RowModel:
    columns = tuple(Column(name=name, field=name, slot=Slot(kind)) for name, kind in binding.columns)
    return RowModel(name=str(key), columns=columns, loose=True)


def _row_model(wanted: Any) -> RowModel:  # anything the user wrote
    if not isinstance(wanted, type):
        raise DefinitionError(
            "bad-row-model", f"rows={wanted!r} is no class", hint="name the pydantic model of a row: rows=Revenue"
        )
    return row_model(wanted)
