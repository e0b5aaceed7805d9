"""How a source's file becomes a value: by its declared type, and for tables by the file's suffix. Brings pyarrow."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
from pyarrow import csv, parquet
from pyarrow import json as json_lines

from assetflow.errors import StorageError
from assetflow.types.arrowtypes import arrow_type
from assetflow.types.conforming import conformed
from assetflow.types.jsonable import from_jsonable
from assetflow.types.libraries import is_table_hint
from assetflow.types.making import table
from assetflow.types.rowmodels import row_model_of
from assetflow.types.spelling import is_open
from assetflow.types.tables import from_arrow, to_arrow

__all__ = ["value"]


def value(path: Path, declared: object, hint: object, nulls: tuple[str, ...] | None) -> Any:  # of the hint's type
    """The file's content. ``declared`` is the source's type, ``hint`` what the reader asks for (None: the same).

    Raises FileNotFoundError, StorageError ``source-unreadable``, and whatever the parsers raise.
    """
    wanted = declared if is_open(hint) else hint
    if is_table_hint(declared):
        rows = row_model_of(declared)
        if rows is None:
            return from_arrow(to_arrow(_table(path, nulls, {})), wanted)
        if path.suffix.lower() == ".json" and (data := path.read_bytes()).lstrip().startswith(b"["):
            return from_arrow(table(rows.model, json.loads(data), as_=pa.Table), wanted)
        kinds = {column.name: arrow_type(column.slot.type) for column in rows.columns}
        return from_arrow(conformed(_table(path, nulls, kinds), rows, what=path.name), wanted)
    data = path.read_bytes()
    if declared is bytes:
        return data
    if declared is str:
        return data.decode("utf-8")
    return from_jsonable(json.loads(data), wanted if not is_table_hint(wanted) else declared)


def _table(path: Path, nulls: tuple[str, ...] | None, kinds: Mapping[str, pa.DataType]) -> pa.Table:
    name = path.name.lower()
    for ending, unpacked in ((".gz", _gunzipped), (".zip", _unzipped)):
        if name.endswith(ending):
            name, data = name.removesuffix(ending), unpacked(path)
            break
    else:
        data = path.read_bytes()
    suffix = Path(name).suffix
    parse = _PARSERS.get(suffix)
    if parse is None:
        raise StorageError(
            "source-unreadable",
            f"{path.name} is not of a format that is read as a table",
            hint=f"the suffixes are {', '.join(_PARSERS)}, also with .gz or .zip; without a type the Path is given",
        )
    return parse(data, nulls, kinds)


def _gunzipped(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def _unzipped(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
        if len(names) != 1:
            raise StorageError(
                "source-unreadable",
                f"{path.name} holds {len(names)} files, and a table is read of one",
                hint="unpack it",
            )
        return archive.read(names[0])


#: Parses a file's bytes: which texts are nulls (None: the parser's own), and the types of columns that are known.
_Parser: TypeAlias = Callable[[bytes, tuple[str, ...] | None, Mapping[str, pa.DataType]], pa.Table]


def _csv(delimiter: str) -> _Parser:
    def parse(data: bytes, nulls: tuple[str, ...] | None, kinds: Mapping[str, pa.DataType]) -> pa.Table:
        if not data.strip():
            return pa.table({})
        known = {name: kind for name, kind in kinds.items() if not kind.num_fields}
        convert = csv.ConvertOptions(column_types=known)
        if nulls is not None:
            convert = csv.ConvertOptions(null_values=list(nulls), strings_can_be_null=True, column_types=known)
        options = csv.ParseOptions(delimiter=delimiter, newlines_in_values=b'"' in data)
        try:
            return csv.read_csv(io.BytesIO(data), parse_options=options, convert_options=convert)
        except pa.ArrowInvalid:
            # Types are guessed from the first megabyte; where a later one does not fit, guess from all of it.
            whole = csv.ReadOptions(block_size=len(data) + 1)
            return csv.read_csv(io.BytesIO(data), read_options=whole, parse_options=options, convert_options=convert)

    return parse


def _parquet(data: bytes, nulls: tuple[str, ...] | None, kinds: Mapping[str, pa.DataType]) -> pa.Table:
    return parquet.read_table(pa.BufferReader(data))


def _arrow(data: bytes, nulls: tuple[str, ...] | None, kinds: Mapping[str, pa.DataType]) -> pa.Table:
    try:
        return pa.ipc.open_file(pa.BufferReader(data)).read_all()
    except pa.ArrowInvalid:
        return pa.ipc.open_stream(pa.BufferReader(data)).read_all()


def _json_lines(data: bytes, nulls: tuple[str, ...] | None, kinds: Mapping[str, pa.DataType]) -> pa.Table:
    parse = json_lines.ParseOptions(explicit_schema=pa.schema(list(kinds.items())) if kinds else None)
    return json_lines.read_json(io.BytesIO(data), json_lines.ReadOptions(block_size=len(data) + 1), parse)


def _json(data: bytes, nulls: tuple[str, ...] | None, kinds: Mapping[str, pa.DataType]) -> pa.Table:
    if not data.lstrip().startswith(b"["):
        return _json_lines(data, nulls, kinds)
    return pa.Table.from_pylist(json.loads(data))


_PARSERS: Mapping[str, _Parser] = {
    ".csv": _csv(","),
    ".tsv": _csv("\t"),
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".feather": _arrow,
    ".json": _json,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
}
