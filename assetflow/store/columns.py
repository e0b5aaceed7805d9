"""The digest of a table: one per column, of its logical content alone.

A column is taken apart into streams: the positions of its nulls; the fixed-width values that are not null; for
strings their lengths and their bytes; for lists their lengths, and recursively the items of all lists in a row; for
structs, recursively, their fields. Each stream is hashed from the first row to the last, so it makes no difference
where chunks, batches or slices begin; dictionaries, run-ends and views are taken as the plain values they stand for;
every NaN counts as one, and -0.0 as 0.0. Lengths and counts are part of each stream's frame, so that no two columns
of one type share their streams. Rows are taken 65,536 at a time: what is copied on the way stays in the cache.

Tables are to be in the canonical form of :mod:`assetflow.types.canonical`. A column that has a domain there (an enum,
a pandas categorical) has it in its type's text, because functions see it. Hashes are XXH3 of 128 bits: they find
changes and damage; they do not resist an attacker.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_128

from assetflow.errors import ValueMismatch
from assetflow.model.versions import ColumnVersion, DataVersion
from assetflow.types.canonical import Domain, domain_of

__all__ = ["TABLE_SCHEME", "TableDigest", "table_version", "type_text"]

#: Numbered: a later scheme must not take this one's digests for its own.
TABLE_SCHEME = b"assetflow column 1"

_ROWS = 65_536
#: Below this many bytes, threads cost more than they spare.
_THREADED = 4 << 20
_DOMAIN_SHOWN = 120


class _Node:
    """The streams of one column, or of one child of a nested one."""

    def __init__(self, type_: pa.DataType, children: tuple[_Node, ...] = ()) -> None:
        self.type = type_
        self.children = children
        self.rows = 0
        self.nulls = xxh3_128()
        self.streams: tuple[xxh3_128, ...] = (xxh3_128(),)

    def update(self, array: pa.Array) -> None:
        """Take the next rows."""
        for start in range(0, len(array), _ROWS):
            part = array.slice(start, _ROWS)
            if part.null_count:
                positions = pc.indices_nonzero(part.is_null())
                self.nulls.update(_values(pc.add(positions, pa.scalar(self.rows, pa.uint64()))))
            self.take(part)
            self.rows += len(part)

    def take(self, part: pa.Array) -> None:
        """Take at most 65,536 rows' values; fixed-width ones here."""
        self.streams[0].update(_values(_present(part)))

    def text(self) -> str:
        """The logical type."""
        return _NAMES.get(str(self.type), str(self.type))

    def digest(self) -> bytes:
        frame = xxh3_128(TABLE_SCHEME)
        frame.update(self.rows.to_bytes(8, "little"))
        for stream in (self.nulls, *self.streams):
            frame.update(stream.digest())
        for child in self.children:
            frame.update(child.digest())
        return frame.digest()


_NAMES = {"double": "float64", "float": "float32", "halffloat": "float16"}


class _Null(_Node):
    """Only the number of rows counts."""

    def update(self, array: pa.Array) -> None:
        self.rows += len(array)


class _Bool(_Node):
    def take(self, part: pa.Array) -> None:
        self.streams[0].update(_values(_present(part).cast(pa.uint8())))


class _Float(_Node):
    def take(self, part: pa.Array) -> None:
        part = _present(part)
        if pa.types.is_float16(part.type):
            part = part.cast(pa.float32())
        # Most columns have no NaN and no -0.0: two scans that write nothing are cheaper than a copy.
        bits = part.view(pa.int64() if part.type.bit_width == 64 else pa.int32())
        if pc.any(pc.equal(bits, pa.scalar(-(2 ** (part.type.bit_width - 1)), bits.type))).as_py():
            part = pc.add(part, pa.scalar(0.0, part.type))
        if pc.any(nan := pc.is_nan(part)).as_py():
            part = pc.if_else(nan, pa.scalar(float("nan"), part.type), part)
        self.streams[0].update(_values(part))


class _Bytes(_Node):
    """Strings and binaries: lengths and bytes."""

    def __init__(self, type_: pa.DataType, name: str, plain: pa.DataType) -> None:
        super().__init__(type_)
        self.name = name
        self.plain = plain
        self.streams = (xxh3_128(), xxh3_128())

    def take(self, part: pa.Array) -> None:
        if part.type != self.plain and not pa.types.is_string(part.type) and not pa.types.is_binary(part.type):
            part = part.cast(self.plain)
        lengths = _present(pc.binary_length(part))
        span = _span(part)
        if part.null_count and (pc.sum(lengths).as_py() or 0) != len(span):
            span = _span(part.drop_null())  # bytes lie behind nulls
        self.streams[0].update(_values(lengths.cast(pa.int64())))
        self.streams[1].update(span)

    def text(self) -> str:
        return self.name


class _List(_Node):
    """Lists and maps: lengths, and the items of all lists in a row."""

    def __init__(self, type_: pa.DataType, name: str, child: _Node) -> None:
        super().__init__(type_, (child,))
        self.name = name

    def take(self, part: pa.Array) -> None:
        if pa.types.is_map(part.type):
            part = _map_entries(part)
        self.streams[0].update(_values(_present(pc.list_value_length(part)).cast(pa.int64())))
        self.children[0].update(part.flatten())

    def text(self) -> str:
        size = f", {self.type.list_size}" if pa.types.is_fixed_size_list(self.type) else ""
        return f"{self.name}<{self.children[0].text()}{size}>"


class _Struct(_Node):
    def take(self, part: pa.Array) -> None:
        for child, values in zip(self.children, part.flatten(), strict=True):
            child.update(values)

    def text(self) -> str:
        names = (json.dumps(self.type.field(i).name, ensure_ascii=False) for i in range(self.type.num_fields))
        return f"struct<{', '.join(f'{n}: {c.text()}' for n, c in zip(names, self.children, strict=True))}>"


class _Decoded(_Node):
    """What stands for plain values: they are counted instead."""

    def __init__(self, type_: pa.DataType, child: _Node, decode: Callable[[pa.Array], pa.Array]) -> None:
        super().__init__(type_, (child,))
        self.decode = decode

    def update(self, array: pa.Array) -> None:
        for start in range(0, len(array), _ROWS):
            self.children[0].update(self.decode(array.slice(start, _ROWS)))

    def text(self) -> str:
        return self.children[0].text()

    def digest(self) -> bytes:
        return self.children[0].digest()


class _Enum(_Decoded):
    """A column with a domain, which is part of the type."""

    def __init__(self, type_: pa.DataType, child: _Node, domain: Domain) -> None:
        super().__init__(type_, child, pa.DictionaryArray.dictionary_decode)
        self.domain = domain

    def text(self) -> str:
        domain = self.domain.text
        if len(domain) > _DOMAIN_SHOWN:
            digest = xxh3_128(domain.encode("utf-8", "surrogatepass")).hexdigest()
            domain = f"{len(self.domain.values)} values {digest}"
        return f"enum<{self.children[0].text()}> {domain}"


class _Extension(_Decoded):
    def text(self) -> str:
        parameters = self.type.__arrow_ext_serialize__().hex()
        return f"extension<{self.type.extension_name}, {self.children[0].text()}, {parameters}>"


_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_list_view, pa.types.is_large_list_view)


def _node(type_: pa.DataType) -> _Node:
    """The streams of a type. Raises ValueMismatch ``no-digest`` for unions."""
    is_ = pa.types
    if is_.is_null(type_):
        return _Null(type_)
    if is_.is_boolean(type_):
        return _Bool(type_)
    if is_.is_floating(type_):
        return _Float(type_)
    if is_.is_string(type_) or is_.is_large_string(type_) or is_.is_string_view(type_):
        return _Bytes(type_, "string", pa.large_string())
    if is_.is_binary(type_) or is_.is_large_binary(type_) or is_.is_binary_view(type_):
        return _Bytes(type_, "binary", pa.large_binary())
    if is_.is_fixed_size_list(type_):
        return _List(type_, "array", _node(type_.value_type))
    if is_.is_map(type_):
        return _List(type_, "map", _node(_map_as_list(type_).value_type))
    if any(is_list(type_) for is_list in _LISTS):
        return _List(type_, "list", _node(type_.value_type))
    if is_.is_struct(type_):
        return _Struct(type_, tuple(_node(type_.field(i).type) for i in range(type_.num_fields)))
    if is_.is_dictionary(type_):
        return _Decoded(type_, _node(type_.value_type), pa.DictionaryArray.dictionary_decode)
    if is_.is_run_end_encoded(type_):
        return _Decoded(type_, _node(type_.value_type), pc.run_end_decode)
    if isinstance(type_, pa.BaseExtensionType):
        return _Extension(type_, _node(type_.storage_type), lambda part: part.storage)
    if is_.is_union(type_):
        raise ValueMismatch(
            "no-digest", f"a column of type {type_} cannot be compared", hint="make it one type, or a struct of several"
        )
    return _Node(type_)


def _column(field: pa.Field) -> _Node:
    domain = domain_of(field)
    if domain is None or not pa.types.is_dictionary(field.type):
        return _node(field.type)
    return _Enum(field.type, _node(field.type.value_type), domain)


def _map_as_list(type_: pa.MapType) -> pa.ListType:
    entries = pa.struct([pa.field("key", type_.key_type, nullable=False), pa.field("value", type_.item_type)])
    return pa.list_(pa.field("entries", entries, nullable=False))


def _map_entries(part: pa.MapArray) -> pa.ListArray:
    """A map as the list of structs that it is, in place: Arrow's own cast goes wrong where an item has children."""
    _, offsets = buffers = part.buffers()[:2]
    kind = _map_as_list(part.type)
    if offsets is None:
        return pa.array([], kind)
    return pa.Array.from_buffers(kind, len(part), buffers, part.null_count, part.offset, children=[part.values])


def _present(part: pa.Array) -> pa.Array:
    return part.drop_null() if part.null_count else part


def _values(array: pa.Array) -> memoryview:
    """The bytes of a fixed-width array without nulls, in place."""
    width = array.type.bit_width // 8
    data = array.buffers()[1]
    if not len(array) or data is None:
        return memoryview(b"")
    return memoryview(data)[array.offset * width : (array.offset + len(array)) * width]


def _span(array: pa.Array) -> memoryview:
    """The bytes of a string array from its first value to its last, in place, those behind nulls included."""
    _, offsets, data = array.buffers()
    if not len(array) or data is None:
        return memoryview(b"")
    large = pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)
    width = 8 if large else 4
    bounds = memoryview(offsets)[array.offset * width : (array.offset + len(array) + 1) * width].cast(
        "q" if large else "i"
    )
    return memoryview(data)[bounds[0] : bounds[-1]]


class TableDigest:
    """The version of a table that comes in parts of any size: tables, or record batches of one schema.

    Columns may be taken by several threads, ``threads`` at most (the default: one a core, eight at most).
    """

    def __init__(self, schema: pa.Schema, *, threads: int | None = None) -> None:
        self._names = tuple(schema.names)
        self._nodes = tuple(_column(field) for field in schema)
        self._threads = min(8, os.cpu_count() or 1) if threads is None else threads
        self._rows = 0

    def update(self, part: pa.Table | pa.RecordBatch) -> None:
        """Take the next rows."""
        self._rows += part.num_rows
        work = [partial(_take, node, _chunks(part, index)) for index, node in enumerate(self._nodes)]
        if self._threads > 1 and len(work) > 1 and part.nbytes >= _THREADED:
            with ThreadPoolExecutor(min(self._threads, len(work)), "assetflow-digest") as pool:
                for done in [pool.submit(each) for each in work]:
                    done.result()
        else:
            for each in work:
                each()

    def version(self) -> DataVersion:
        """The version of all rows taken so far."""
        return DataVersion.of_table(
            self._rows,
            (
                ColumnVersion(name, node.text(), node.digest().hex())
                for name, node in zip(self._names, self._nodes, strict=True)
            ),
        )


def _chunks(part: pa.Table | pa.RecordBatch, index: int) -> Iterable[pa.Array]:
    column = part.column(index)
    return column.chunks if isinstance(column, pa.ChunkedArray) else (column,)


def _take(node: _Node, chunks: Iterable[pa.Array]) -> None:
    for chunk in chunks:
        node.update(chunk)


def table_version(table: pa.Table) -> DataVersion:
    """The version of a canonical table: schema, row count, and a digest of each column's ordered values."""
    digest = TableDigest(table.schema)
    digest.update(table)
    return digest.version()


def type_text(type_: pa.DataType) -> str:
    """A logical type as :class:`ColumnVersion` has it; a domain is not in a type, so not here."""
    return _node(type_).text()
