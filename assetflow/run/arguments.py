"""What a function is called with: inputs from memory, store and sources, each as the digest covers it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Union, get_args, get_origin

from assetflow import types
from assetflow.errors import StorageError, ValueMismatch, nearest
from assetflow.load.definitions import BoundInput, BoundSource, BoundView
from assetflow.load.sources import read
from assetflow.model.rows import Rows
from assetflow.model.versions import Stored
from assetflow.store.values import Values
from assetflow.types.handover import handed, reading_hint
from assetflow.types.libraries import AnyScan, TableKind, kind_of_hint
from assetflow.types.rowmodels import RowModel
from assetflow.types.values import checked

__all__ = ["PLAIN", "Argument", "Held", "Lying", "Member", "Own", "Seen", "Watched", "loaded", "unmoved", "viewed"]

#: A value of exactly such a class is of the type that the class stands for; there is nothing to look into.
#: What a reader asks for, it is given; what else there is does not concern it.
_DROPPING = Rows(extra="drop")
PLAIN = frozenset({int, str, bool, float, bytes})


@dataclass(frozen=True, slots=True)
class Held:
    """A value that this run made and still has."""

    value: Any = field(repr=False)  # a value of the user


@dataclass(frozen=True, slots=True)
class Lying:
    """A value in the store or the catalog."""

    stored: Stored


@dataclass(frozen=True, slots=True)
class Seen:
    """One key of a source."""

    source: BoundSource


@dataclass(frozen=True, slots=True)
class Own:
    """What the step itself makes, while it is not there yet: the number of the output. Checks read it."""

    output: int


@dataclass(frozen=True, slots=True)
class Member:
    """One upstream key, and where its value is."""

    key: str
    place: Held | Lying | Seen | Own


@dataclass(frozen=True, slots=True)
class Argument:
    """One input of a call."""

    #: The step, for messages.
    reader: str
    bound: BoundInput
    members: tuple[Member, ...]
    #: The annotation of what makes the input; None where there is none.
    producer: object = None

    @property
    def parameter(self) -> str:
        return self.bound.parameter


@dataclass(frozen=True, slots=True)
class Watched:
    """A source that a step reads: the digests that its trace holds, and how to look again."""

    name: str
    versions: Mapping[str, str]
    look: Callable[[], Mapping[str, Stored]]


def unmoved(watched: tuple[Watched, ...]) -> None:
    """Raises StorageError ``source-moved``, which is transient, if a source is not what the trace says it is."""
    for one in watched:
        today = one.look()
        for key, digest in one.versions.items():
            stored = today.get(key)
            if stored is None or stored.data.digest != digest:
                what = f"{one.name}@{key}" if key else one.name
                raise StorageError(
                    "source-moved",
                    f"the source {what} changed while the step ran",
                    hint="run again; Retry(…) on the asset does so by itself",
                )


def loaded(argument: Argument, values: Values, connect: Callable[[], Any]) -> Any:  # what the user's function takes
    """The value for one parameter. ``connect`` gives the step's DuckDB connection, on which relations are made.

    Raises StorageError for bytes that are gone or damaged, ValueMismatch for a value that is not what the parameter's
    annotation says.
    """
    bound = argument.bound
    if bound.shape == "value" and not argument.members and bound.edge.optional:
        return bound.default
    reading = _Reading(argument, values, connect)
    match bound.shape:
        case "dict":
            hint = _element(bound.hint)
            value: Any = {bound.keyed.of(member.key): reading.value(member, hint) for member in argument.members}
        case "iterator":
            return reading.one_by_one(_element(bound.hint))
        case "table":
            value = reading.table()
        case _:
            (member,) = argument.members
            value = reading.value(member, bound.hint)
    if type(value) is bound.hint and bound.hint in PLAIN:
        return value
    return checked(value, bound.hint, what=f"input {bound.parameter} of {argument.reader}")


def viewed(
    views: Sequence[BoundView],
    arguments: dict[str, Any],  # users' values
    reader: str,
    step: object,
    values: Values,
    connect: Callable[[], Any],
) -> dict[str, Any]:  # users' values
    """The arguments with views in the place of what these are made of.

    ``step`` gives a place for what does not fit into memory. Raises as :func:`loaded`, and ValueMismatch
    ``query-failed``.
    """
    given = dict(arguments)
    for view in views:
        scans = {name: given.pop(name) for name in view.query.inputs}
        table = view.query(**scans, **{view.query.step: step})
        whole = Argument(reader, view.taken, (Member("", Held(table)),), view.hint)
        given[view.taken.parameter] = loaded(whole, values, connect)
    return given


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads the members of one argument."""

    argument: Argument
    values: Values
    connect: Callable[[], Any]

    def value(self, member: Member, hint: object) -> Any:
        """One member, as the annotation asks and the producer made it."""
        if self.argument.bound.rows is not None and not self._is_lazily_sound(member, hint):
            return self._as_asked(self._rows(member, self.argument.bound.rows), hint)
        hint, relation = _asked(self.argument.producer, hint)
        if not relation:
            return self._read(member, hint)
        if isinstance(member.place, Lying) and member.place.stored.data.columns:
            scan = self._read(member, AnyScan)
            if scan.path is not None:
                return self._scanned(scan)
            return types.tables.from_arrow(scan.read(), hint, connection=self.connect())
        table = self._read(member, _arrow_table())
        return types.tables.from_arrow(table, hint, connection=self.connect())

    def _scanned(self, scan: Any) -> Any:  # a Scan; a duckdb.DuckDBPyRelation
        """A relation over a stored file, of which is read what is asked of it."""
        listed = ", ".join('"' + name.replace('"', '""') + '"' for name in scan.schema.names)
        return self.connect().from_arrow(scan.dataset()).project(listed)

    def _is_lazily_sound(self, member: Member, hint: object) -> bool:
        """Whether a stored table can be read as it is asked for: what its maker makes sure of needs no look at all of
        it.
        """
        lazy = kind_of_hint(hint) in {TableKind.POLARS_LAZY, TableKind.DUCKDB}
        return lazy and self.argument.bound.guaranteed and isinstance(member.place, Lying)

    def table(self) -> Any:
        """All members as one table, one after the other."""
        if not self.argument.members and self.argument.bound.edge.optional:
            return self.argument.bound.default
        tables = [self._read(member, _arrow_table()) for member in self.argument.members]
        table = types.tables.concat(tables)
        if (rows := self.argument.bound.rows) is not None:
            table = self._held(table, rows)  # as a whole: keys may be repeated in another partition
        if (name := self.argument.bound.key_column) is not None:
            table = self._with_keys(table, name, [each.num_rows for each in tables])
        return self._as_asked(table, self.argument.bound.hint)

    def _with_keys(self, table: Any, name: str, rows: Sequence[int]) -> Any:  # Arrow tables
        """A table of the members' rows, with a column that holds the key of each."""
        if name in table.column_names:
            raise ValueMismatch(
                "table-columns",
                f"input {self.argument.parameter} of {self.argument.reader}: the table has a column {name!r} already",
                hint="name another key_column=",
            )
        keys = [member.key for member, count in zip(self.argument.members, rows, strict=True) for _ in range(count)]
        return types.tables.to_arrow(table.append_column(name, [keys]))

    def one_by_one(self, hint: object) -> Iterator[Any]:
        """The values of the members, each read when it is asked for."""
        what = f"input {self.argument.parameter} of {self.argument.reader}"
        for member in self.argument.members:
            yield checked(self.value(member, hint), hint, what=what)

    def _as_asked(self, table: Any, hint: object) -> Any:  # a canonical table; one as the hint says
        connection = self.connect() if kind_of_hint(hint) is TableKind.DUCKDB else None
        return types.tables.from_arrow(table, hint, connection=connection)

    def _rows(self, member: Member, rows: RowModel) -> Any:
        """One member as a canonical table of its row model. What this run made needs no second look."""
        table = self._read(member, _arrow_table())
        if self.argument.bound.guaranteed and isinstance(member.place, Held):
            return table.select(list(rows.names))
        return self._held(table, rows)

    def _held(self, table: Any, rows: RowModel) -> Any:
        what = f"input {self.argument.parameter} of {self.argument.reader}"
        return types.conforming.conformed(table, replace(rows, policy=_DROPPING), what=what)

    def _read(self, member: Member, hint: object) -> Any:
        columns = self.argument.bound.edge.columns
        match member.place:
            case Held(value):
                if columns is not None:
                    value = types.tables.to_arrow(value)
                    value = value.select(self._there(columns, value.column_names))
                return handed(value, hint)
            case Lying(stored):
                names = [column.name for column in stored.data.columns]
                return self.values.load(stored, hint, columns and self._there(columns, names))
            case Seen(source):
                if columns is None:
                    return read(source, member.key, hint)
                table = types.tables.to_arrow(read(source, member.key, _arrow_table()))
                return types.tables.from_arrow(table.select(self._there(columns, table.column_names)), hint)
            case Own():
                raise AssertionError("it is read before it was made")

    def _there(self, wanted: Sequence[str], names: Sequence[str]) -> list[str]:
        """The columns to read: of a row model those that are there, as it says itself what is missing."""
        rows = self.argument.bound.rows
        if rows is not None:
            return [name for name in wanted if name in names]
        missing = [name for name in wanted if name not in names]
        if missing:
            raise ValueMismatch(
                "table-columns",
                f"input {self.argument.parameter} of {self.argument.reader}: the table has no column "
                + ", ".join(map(repr, missing)),
                hint=nearest(missing[0], names),
            )
        return list(wanted)


def _asked(producer: object, hint: object) -> tuple[object, bool]:
    """How to read a value for a consumer, and whether that is as a DuckDB relation."""
    if producer is hint and isinstance(hint, type) and hint in PLAIN:
        return hint, False
    hint = reading_hint(producer, hint)
    return hint, kind_of_hint(hint) is TableKind.DUCKDB


def _arrow_table() -> object:
    import pyarrow as pa  # noqa: PLC0415  # heavy, and most steps need none

    return pa.Table


def _element(hint: object) -> object:
    """The value type of a ``dict[key, value]`` or ``Iterator[value]`` annotation; None where it says nothing."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) is Union:
        hint = next((each for each in get_args(hint) if each is not type(None)), None)
    arguments = get_args(hint)
    return arguments[-1] if arguments else None
