"""The canonical form of Arrow columns: what a table's digest covers, and nothing else.

Values are kept, encodings are not. Text and bytes have 32-bit offsets (not large, not views); lists likewise; inner
fields have standard names; dictionaries, run-end encoding and extension types are decoded; decimals have at least 128
bits; date64 is date32; the names of UTC are ``UTC``; -0.0 is 0.0 and every NaN has the same bits; nothing is marked
non-null; there is no metadata. Units of time, widths of numbers, fixed sizes of lists and zones are types and stay.

**Domains.** A column of an enum is a dictionary column that Arrow calls ordered, whose dictionary is the enum's
domain, in order: unlike an encoding it is part of the type, as it decides how the values sort and group. The domain
stands in the field's metadata too (:data:`DOMAIN`), which survives Parquet, while dictionaries lose values that no
row has. It is recognised by that mark, by the ordered flag, or named by the library it comes from: polars Enum,
DuckDB ENUM, and every pandas category, as an unordered one decides how groups are listed. Other dictionaries, polars
Categoricals among them, whose order depends on what else the process has seen, are an encoding and are decoded. Only
top-level columns of text or integers have domains: inside lists and structs they are decoded.

A table that pyarrow did not make has one mark in its schema (:data:`ORIGIN`): the class of its library, by which a
consumer without annotation gets it back. It says nothing about the content.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from assetflow.errors import ValueMismatch

__all__ = ["DOMAIN", "ORIGIN", "Domain", "canonical_column", "canonical_type", "domain_of"]

#: The key of the field metadata that holds a column's domain, as JSON.
DOMAIN = b"assetflow.domain"

#: The key of the schema metadata that names the class of tables it was made from.
ORIGIN = b"assetflow.table"

_UTC = frozenset({"UTC", "Etc/UTC", "Etc/UCT", "UCT", "Etc/Universal", "Universal", "Etc/Zulu", "Zulu", "Z", "+00:00"})
_MAXIMUM = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Domain:
    """The values that an enum's column may hold, in their order."""

    values: tuple[str, ...] | tuple[int, ...]
    #: Whether pandas may compare values by that order; without it the order only decides how groups are listed.
    ordered: bool

    @property
    def text(self) -> str:
        """Canonical text: two columns with equal values and equal texts behave alike."""
        return json.dumps({"ordered": self.ordered, "values": self.values}, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def read(cls, text: bytes) -> Domain:
        """The domain with that text."""
        found = json.loads(text)
        return cls(tuple(found["values"]), found["ordered"])


def domain_of(field: pa.Field) -> Domain | None:
    """The domain of a canonical column, or None for one that is not an enum's."""
    text = (field.metadata or {}).get(DOMAIN)
    return None if text is None else Domain.read(text)


def canonical_type(kind: pa.DataType) -> pa.DataType:
    """The type that values of a type have in canonical form. Raises ValueMismatch ``table-column``."""
    if isinstance(kind, pa.BaseExtensionType):
        return canonical_type(_storage(kind))
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return canonical_type(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.binary()
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(canonical_type(kind.value_type), kind.list_size)
    if _is_list(kind):
        return pa.list_(canonical_type(kind.value_type))
    if pa.types.is_map(kind):
        return pa.map_(canonical_type(kind.key_type), canonical_type(kind.item_type))
    if pa.types.is_struct(kind):
        return pa.struct([(child.name, canonical_type(child.type)) for child in kind])
    return _canonical_scalar(kind)


def _canonical_scalar(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_date64(kind):
        return pa.date32()
    if pa.types.is_decimal(kind) and kind.bit_width < 128:
        return pa.decimal128(kind.precision, kind.scale)
    if pa.types.is_timestamp(kind) and kind.tz in _UTC:
        return pa.timestamp(kind.unit, "UTC")
    if pa.types.is_interval(kind):
        return pa.duration("us")
    if pa.types.is_union(kind):
        raise ValueMismatch("table-column", f"{kind} has no form that every table library can read")
    return kind


def _storage(kind: pa.BaseExtensionType) -> pa.DataType:
    name = kind.extension_name
    if name.startswith(("pandas.", "arrow.parquet.variant", "arrow.opaque")):
        shown = name if "opaque" not in name else str(kind)
        raise ValueMismatch("table-column", f"{shown} has no form that every table library can read")
    return kind.storage_type


def _is_list(kind: pa.DataType) -> bool:
    small = pa.types.is_list(kind) or pa.types.is_list_view(kind)
    return bool(small or pa.types.is_large_list(kind) or pa.types.is_large_list_view(kind))


def canonical_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column in canonical form, without a domain. What is canonical already is not copied.

    Raises ValueMismatch ``table-column`` for types and values that have no such form.
    """
    wanted = canonical_type(column.type)
    chunks = [piece for chunk in column.chunks for piece in _canonical(chunk, wanted)]
    return pa.chunked_array(chunks, type=wanted)


def _canonical(array: pa.Array, wanted: pa.DataType) -> Iterator[pa.Array]:
    """An array in canonical form, in pieces where 32-bit offsets ask for it."""
    if array.type != wanted or not array.type.equals(wanted, check_metadata=True):
        if len(array) > 1 and _is_wide(array.type) and array.nbytes > _MAXIMUM:
            half = len(array) // 2
            yield from _canonical(array.slice(0, half), wanted)
            yield from _canonical(array.slice(half), wanted)
            return
        array = _cast(array, wanted)
    yield _normalised(array)


def _is_wide(kind: pa.DataType) -> bool:
    """Whether casting may run out of 32-bit offsets."""
    if kind.num_fields:
        return _is_list(kind) or any(_is_wide(kind.field(i).type) for i in range(kind.num_fields))
    return not (pa.types.is_primitive(kind) or pa.types.is_string(kind) or pa.types.is_binary(kind))


def _cast(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return _cast(array.storage, wanted)
    if pa.types.is_run_end_encoded(kind):
        return _cast(pc.run_end_decode(array), wanted)
    if pa.types.is_dictionary(kind):
        return _cast(array.dictionary, wanted).take(array.indices)
    if pa.types.is_interval(kind):
        return _durations(array)
    if kind == wanted and not kind.num_fields:
        return array
    if kind.num_fields and _has_encoding(kind):
        return _recast(array, wanted)
    return array.cast(wanted)


def _has_encoding(kind: pa.DataType) -> bool:
    """Whether a type holds, below its top, what Arrow's own cast does not decode."""
    encoded = isinstance(kind, pa.BaseExtensionType) or pa.types.is_dictionary(kind) or pa.types.is_interval(kind)
    if encoded or pa.types.is_run_end_encoded(kind):
        return True
    return any(_has_encoding(kind.field(i).type) for i in range(kind.num_fields))


def _recast(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    """A nested array with its children cast one by one."""
    kind = array.type
    mask = array.is_null() if array.null_count else None
    if pa.types.is_struct(kind):
        children = [_cast(array.field(i), wanted.field(i).type) for i in range(kind.num_fields)]
        return pa.StructArray.from_arrays(children, fields=list(wanted), mask=mask)
    if pa.types.is_fixed_size_list(kind):
        values = _cast(_fixed_values(array), wanted.value_type)
        return pa.FixedSizeListArray.from_arrays(values, type=wanted, mask=mask)
    if pa.types.is_map(kind):
        array = _compact(array)
        keys, items = _cast(array.keys, wanted.key_type), _cast(array.items, wanted.item_type)
        return pa.MapArray.from_arrays(array.offsets, keys, items, type=wanted, mask=mask)
    array = _compact(array.cast(pa.list_(kind.value_type)))
    return pa.ListArray.from_arrays(array.offsets, _cast(array.values, wanted.value_type), type=wanted, mask=mask)


def _compact(array: pa.Array) -> pa.Array:
    """An array without an offset of its own, as arrays with a mask must be."""
    return pa.concat_arrays([array]) if not array.offset else pa.concat_arrays([array, array.slice(0, 0)])


def _fixed_values(array: pa.Array) -> pa.Array:
    """The elements of a fixed-size list, those below nulls included."""
    return array.values.slice(array.offset * array.type.list_size, len(array) * array.type.list_size)


def _durations(array: pa.Array) -> pa.Array:
    """DuckDB's INTERVAL as microseconds; a day has 24 hours, a month has no length and is refused."""
    if not pa.types.is_interval(array.type):
        return array
    values = [_microseconds(value) for value in array.to_pylist()]
    return pa.array(values, pa.int64()).cast(pa.duration("us"))


def _microseconds(value: pa.MonthDayNano | None) -> int | None:
    if value is None:
        return None
    if value.months:
        raise ValueMismatch("table-column", "an interval of months has no fixed length; use days, or two dates")
    return int(value.days * 86_400_000_000 + value.nanoseconds // 1000)


#: Per width: its bits as signed and unsigned numbers, and the bits of infinity and of the canonical NaN.
_FLOATS = {
    pa.float16(): (pa.int16(), pa.uint16(), 0x7C00, 0x7E00),
    pa.float32(): (pa.int32(), pa.uint32(), 0x7F800000, 0x7FC00000),
    pa.float64(): (pa.int64(), pa.uint64(), 0x7FF0000000000000, 0x7FF8000000000000),
}


def _normalised(array: pa.Array) -> pa.Array:
    """The array with every -0.0 made 0.0 and every NaN the one NaN; the same object where there are none."""
    kind = array.type
    if kind in _FLOATS:
        return _normalised_floats(array)
    if not _has_floats(kind):
        return array
    if pa.types.is_struct(kind):
        # field() keeps the slice, but not the struct's own nulls.
        children = [array.field(i) for i in range(kind.num_fields)]
        new = [_normalised(child) for child in children]
        if all(a is b for a, b in zip(children, new, strict=True)):
            return array
        return pa.StructArray.from_arrays(new, fields=list(kind), mask=_nulls(array))
    if pa.types.is_fixed_size_list(kind):
        values = _fixed_values(array)
        normal = _normalised(values)
        if normal is values:
            return array
        return pa.FixedSizeListArray.from_arrays(normal, type=kind, mask=_nulls(array))
    if pa.types.is_map(kind):
        whole = _compact(array) if array.offset else array
        keys, items = _normalised(whole.keys), _normalised(whole.items)
        return pa.MapArray.from_arrays(whole.offsets, keys, items, type=kind, mask=_nulls(array))
    whole = _compact(array) if array.offset else array
    values = whole.values
    normal = _normalised(values)
    if normal is values:
        return array
    return pa.ListArray.from_arrays(whole.offsets, normal, type=kind, mask=_nulls(array))


def _nulls(array: pa.Array) -> pa.Array | None:
    return array.is_null() if array.null_count else None


def _has_floats(kind: pa.DataType) -> bool:
    return kind in _FLOATS or any(_has_floats(kind.field(i).type) for i in range(kind.num_fields))


def _normalised_floats(array: pa.Array) -> pa.Array:
    signed, _, _, nan = _FLOATS[array.type]
    if not _is_odd(array):
        return array
    bits = array.view(signed)
    zero = pc.equal(bits, pa.scalar(-(2 ** (signed.bit_width - 1)), signed))
    mended = pc.if_else(zero, pa.scalar(0, signed), bits)
    mended = pc.if_else(_is_nan(array), pa.scalar(nan, signed), mended)
    return mended.view(array.type)


def _is_odd(array: pa.Array) -> bool:
    """Whether there is a -0.0 or a NaN of other bits, by two passes over the bits.

    As signed numbers -0.0 is the least and NaNs without a sign the greatest of all; as unsigned ones NaNs with a
    sign are the greatest.
    """
    signed, unsigned, infinity, nan = _FLOATS[array.type]
    sign = 2 ** (signed.bit_width - 1)
    ends = pc.min_max(array.view(signed))
    least, greatest = ends["min"].as_py(), ends["max"].as_py()
    if least is None:
        return False
    if least == -sign or pc.max(array.view(unsigned)).as_py() > sign + infinity:
        return True
    if greatest <= infinity:
        return False
    nans = array.filter(_is_nan(array)).view(signed)
    return bool(pc.any(pc.not_equal(nans, pa.scalar(nan, signed))).as_py())


def _is_nan(array: pa.Array) -> pa.Array:
    # Arrow has no is_nan for halves; widening keeps what is NaN.
    return pc.is_nan(array.cast(pa.float32()) if array.type == pa.float16() else array)
