"""Tables of all libraries through one canonical form: an Arrow table that holds what the digest covers.

``assetflow.types.canonical`` says what that form is. Here is the way into it and out again. A consumer's table is its
own: what it does to it reaches nobody else. Memory is shared with the canonical table where nothing can be written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assetflow.errors import ValueMismatch
from assetflow.types.canonical import DOMAIN, ORIGIN, Domain, canonical_column, canonical_type, domain_of
from assetflow.types.incoming import incoming
from assetflow.types.libraries import TableKind, is_table, is_table_hint, kind_of_hint, kind_of_value
from assetflow.types.outgoing import outgoing

__all__ = [
    "TableKind",
    "concat",
    "from_arrow",
    "is_table",
    "is_table_hint",
    "kind_of_hint",
    "kind_of_value",
    "to_arrow",
]


def to_arrow(value: object) -> pa.Table:
    """The canonical form of a table of any library; canonical already, it is the same columns.

    Lazy frames are collected, relations run and readers drained here: do it once, and go on with the result. Raises
    ValueMismatch ``table-columns`` for names that are not text or not unique, ``table-column`` for a column that has
    no canonical form, ``table-index`` for a pandas index that holds more than the rows' positions, ``not-a-table``.
    """
    table, domains = incoming(value)
    origin = _origin(value, table)
    _refuse_names(table.column_names)
    fields, columns = [], []
    for field, column in zip(table.schema, table.columns, strict=True):
        try:
            new, made = _column(field, column, domains.get(field.name))
        except (ValueMismatch, pa.ArrowException) as error:
            text = error.message if isinstance(error, ValueMismatch) else str(error)
            raise ValueMismatch(
                "table-column",
                f"column {field.name!r}: {text}",
                hint="cast it to a type that Arrow and all table libraries know",
            ) from error
        fields.append(new)
        columns.append(made)
    schema = pa.schema(fields, metadata=None if origin is TableKind.ARROW else {ORIGIN: origin.value})
    return pa.Table.from_arrays(columns, schema=schema) if columns else _without_columns(table.num_rows, schema)


def _without_columns(rows: int, schema: pa.Schema) -> pa.Table:
    # Whatever is done to a table without columns, it forgets how many rows it had.
    return pa.table({"": pa.nulls(rows)}).replace_schema_metadata(schema.metadata).select([])


def _origin(value: object, table: pa.Table) -> TableKind:
    """The kind of tables a value is, or was before it became an Arrow table."""
    mark = (table.schema.metadata or {}).get(ORIGIN) if kind_of_value(value) is TableKind.ARROW else None
    return kind_of_value(value) or TableKind.ARROW if mark is None else TableKind(mark.decode())


def from_arrow(table: pa.Table, hint: object, *, connection: Any = None) -> object:
    """A canonical table as the consumer's annotation asks for, a value of its own.

    Where the annotation names no table class, or several, the one decides from which the canonical table was made:
    its schema remembers it, in memory and in Parquet. ``connection`` is the DuckDB connection (not imported here, hence
    Any) that relations are made on; None: DuckDB's default one. Raises ValueMismatch ``table-column`` for a column that
    the library cannot hold.
    """
    origin = _origin(table, table)
    return outgoing(to_arrow(table), kind_of_hint(hint, origin) or origin, connection)


def concat(tables: Iterable[pa.Table]) -> pa.Table:
    """Canonical tables below each other, in order; columns by name, nulls where a table lacks one.

    Of no tables at all: a table without columns. Numbers are widened where tables differ, and unordered domains
    united. Raises ValueMismatch ``table-schemas``.
    """
    tables = list(tables)
    if not tables:
        return pa.table({})
    domains = _united([table.schema for table in tables])
    try:
        whole = pa.concat_tables([_decoded(table) for table in tables], promote_options="permissive")
    except pa.ArrowException as error:
        raise ValueMismatch(
            "table-schemas", f"these tables cannot be put below each other: {error}", hint="give them the same columns"
        ) from error
    fields = [
        field.with_metadata({DOMAIN: domains[field.name].text}) if field.name in domains else field
        for field in whole.schema
    ]
    return to_arrow(pa.Table.from_arrays(whole.columns, schema=pa.schema(fields))) if fields else whole


def _column(field: pa.Field, column: pa.ChunkedArray, named: Domain | None) -> tuple[pa.Field, pa.ChunkedArray]:
    """A column in canonical form; ``named``: the domain that its library says it has."""
    domain = named or domain_of(field) or _ordered_domain(column)
    if domain is None:
        plain = canonical_column(column)
        return pa.field(field.name, plain.type), plain
    values = canonical_type(column.type)
    dictionary = pa.array(domain.values, values)
    kind = pa.dictionary(pa.int32(), values, ordered=True)
    # At least one chunk, as the domain is to be seen in an empty column too.
    chunks = [_encoded(chunk, dictionary) for chunk in column.chunks or [pa.array([], values)]]
    return pa.field(field.name, kind, metadata={DOMAIN: domain.text}), pa.chunked_array(chunks, type=kind)


def _ordered_domain(column: pa.ChunkedArray) -> Domain | None:
    """The domain of a dictionary column that Arrow calls ordered; where chunks differ, of all of them."""
    if not pa.types.is_dictionary(column.type) or not column.type.ordered:
        return None
    values = canonical_type(column.type)
    if not (pa.types.is_integer(values) or pa.types.is_string(values)):
        return None
    known: dict[str | int, None] = {}
    for chunk in column.chunks:
        known.update(dict.fromkeys(chunk.dictionary.to_pylist()))
    return None if None in known else Domain(tuple(known), True)  # type: ignore[arg-type]  # of one type


def _encoded(chunk: pa.Array, dictionary: pa.Array) -> pa.Array:
    if isinstance(chunk, pa.DictionaryArray):
        values = canonical_column(pa.chunked_array([chunk.dictionary]))
        if values.num_chunks == 1 and values.chunk(0).equals(dictionary):
            indices = chunk.indices.cast(pa.int32())
            return pa.DictionaryArray.from_arrays(indices, dictionary, ordered=True)
    plain = canonical_column(pa.chunked_array([chunk])).combine_chunks()
    indices = pc.index_in(plain, value_set=dictionary)
    if indices.null_count != plain.null_count:
        stray = plain.filter(pc.and_(indices.is_null(), plain.is_valid()))[0].as_py()
        raise ValueMismatch("table-column", f"{stray!r} is not one of its enum's values")
    return pa.DictionaryArray.from_arrays(indices, dictionary, ordered=True)


def _refuse_names(names: list[str]) -> None:
    double = sorted(name for name, count in Counter(names).items() if count > 1)
    if double:
        raise ValueMismatch(
            "table-columns", f"column names must be unique; there are several {', '.join(double)}", hint="rename them"
        )


def _united(schemas: list[pa.Schema]) -> dict[str, Domain]:
    """The domain of each enum column over all tables."""
    domains: dict[str, Domain] = {}
    for field in (field for schema in schemas for field in schema):
        domain = domain_of(field)
        if domain is None:
            continue
        known = domains.setdefault(field.name, domain)
        if known == domain:
            continue
        if known.ordered or domain.ordered:
            raise ValueMismatch(
                "table-schemas",
                f"column {field.name!r} has the values {known.text} in one table and {domain.text} in another",
                hint="give the column one enum in all partitions",
            )
        merged = tuple(dict.fromkeys((*known.values, *domain.values)))
        domains[field.name] = Domain(merged, False)
    return domains


def _decoded(table: pa.Table) -> pa.Table:
    columns = [
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names) if columns else table
