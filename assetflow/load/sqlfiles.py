"""``.sql`` files as declarations: a header of comments says what a decorator's arguments would.

A file with a query is an asset; one with a ``create table``, whose header names a ``file``, is a source of that shape.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from assetflow.declare import SQL_ARGUMENTS, File, Options, Place, Source, SqlAsset
from assetflow.declare import ready as ready_made
from assetflow.errors import AssetflowError, DefinitionError, nearest
from assetflow.load.faults import Faults, relative_place
from assetflow.load.scan import Found
from assetflow.model.contracts import Contract
from assetflow.sql.faults import SqlFault, excerpt, line_and_column
from assetflow.sql.queries import Queries
from assetflow.types.columns import Slot
from assetflow.types.libraries import AnyTable
from assetflow.types.rowmodels import Column, RowModel

__all__ = ["sql_files"]

_LINE = re.compile(r"--\s*([a-z_]+)\s*:\s*(.*?)\s*$")
_COMMENT = re.compile(r"\s*(--.*)?$")
_KEYS = (
    *("asset", "check", "contract", "description", "file", "max_age", "metadata"),
    *("on_bad_rows", "on_schema_change", "owner", "parameter", "rows", "tag", "version", "view"),
)
_CHECKS = frozenset(ready_made.__all__) - {"foreign_key"}


class _Said(NamedTuple):
    value: str
    line: int


@dataclass(slots=True)
class _Header:
    """What the comments at the top of a file say."""

    said: dict[str, list[_Said]] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)

    def one(self, key: str) -> str:
        return self.said[key][-1].value if key in self.said else ""

    def several(self, key: str) -> tuple[str, ...]:
        return tuple(part.strip() for each in self.said.get(key, ()) for part in each.value.split(",") if part.strip())


def sql_files(places: Sequence[str], root: Path, queries: Queries, faults: Faults) -> tuple[Found, ...]:
    """What the ``.sql`` files of these folders declare, in order of path; every mistake is told."""
    found: dict[Path, None] = {}
    for place in places:
        path = root / place
        if path.is_dir():
            found.update(dict.fromkeys(sorted(path.rglob("*.sql"))))
        elif path.is_file():
            found[path] = None
        else:
            message = f"the setting sql names {place}, and there is no such folder or file"
            faults.add(DefinitionError("bad-setting", message, hint="paths are relative to the project's folder"))
    return tuple(one for path in found for one in _declared(path, root, queries, faults))


def _declared(path: Path, root: Path, queries: Queries, faults: Faults) -> Iterator[Found]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        where = [relative_place(str(path), 1, root)]
        faults.add(DefinitionError("bad-sql", f"{path.name} cannot be read: {reason}", where=where))
        return
    reading = _Reading(path, text, root)
    try:
        value = reading.source(queries) if "file" in reading.header.said else reading.asset()
        yield Found(value, "")
    except SqlFault as fault:
        faults.add(reading.fault(fault))
    except AssetflowError as error:
        faults.add(error)


class _Reading:
    """One file being read."""

    def __init__(self, path: Path, text: str, root: Path) -> None:
        self.path = path
        self.text = text
        self._root = root
        self.header = _header(text)

    def asset(self) -> SqlAsset:
        group, name = self._key()
        header = self.header
        self._refuse_unknown()
        options = {
            "group": group,
            "checks": [self._check(each) for each in header.said.get("check", ())],
            "description": header.one("description") or "\n".join(header.text),
            "owners": header.several("owner"),
            "tags": header.several("tag"),
            "metadata": self._metadata(),
            **({"max_age": header.one("max_age")} if "max_age" in header.said else {}),
            **({"contract": Contract(header.one("contract"))} if "contract" in header.said else {}),
            **({"version": header.one("version")} if "version" in header.said else {}),
            **({"on_bad_rows": header.one("on_bad_rows")} if "on_bad_rows" in header.said else {}),
            **({"on_schema_change": header.one("on_schema_change")} if "on_schema_change" in header.said else {}),
        }
        assert options.keys() <= SQL_ARGUMENTS
        return SqlAsset(
            name=name,
            query=self.path.relative_to(self._root) if self.path.is_relative_to(self._root) else self.path,
            rows=self._rows(),
            view=self._is_view(),
            parameters=dict(self._parameter(each) for each in header.said.get("parameter", ())),
            options=Options(**options),  # type: ignore[arg-type]  # as the arguments of sql_asset
            place=self._place(),
        )

    def source(self, queries: Queries) -> Source:
        group, name = self._key()
        header = self.header
        self._refuse_unknown(
            frozenset(
                {"contract", "max_age", "on_bad_rows", "on_schema_change", "parameter", "rows", "version", "view"}
            )
        )
        columns = queries.table(self.text) if _body(self.text) else None
        rows = (
            None
            if columns is None
            else RowModel(
                name=name,
                columns=tuple(
                    Column(name=each.name, field=each.name, slot=Slot(each.type, each.nullable)) for each in columns
                ),
                primary_key=tuple(each.name for each in columns if each.key),
            )
        )
        return Source(
            name=name,
            at=File(header.one("file")),
            observe=None,
            type=AnyTable if rows is None else Annotated[AnyTable, rows],
            group=group,
            place=self._place(),
            checks=[self._check(each) for each in header.said.get("check", ())],
            description=header.one("description") or "\n".join(header.text),
            tags=header.several("tag"),
            owners=header.several("owner"),
            metadata=self._metadata(),
        )

    def fault(self, fault: SqlFault) -> DefinitionError:
        """A fault of the text, with its place."""
        line, column = line_and_column(self.text, fault.offset or 0)
        where = f"{relative_place(str(self.path), line, self._root)}:{column}"
        shown = () if fault.offset is None else excerpt(self.text, fault.offset)
        return DefinitionError(
            fault.code, f"{self.path.name}: {fault.message}", where=[where], hint=fault.hint, excerpt=shown
        )

    def _key(self) -> tuple[str, str]:
        """The group and name: as the header says, else of the folder and the file."""
        group, _, name = self.header.one("asset").rpartition(".")
        return group or self.path.parent.name, name or self.path.stem

    def _place(self) -> Place:
        line = self.header.said["asset"][-1].line if "asset" in self.header.said else 1
        return Place("", str(self.path), line)

    def _bad(self, said: _Said, message: str, hint: str = "") -> DefinitionError:
        where = relative_place(str(self.path), said.line, self._root)
        return DefinitionError("bad-header", f"{self.path.name}: {message}", where=[where], hint=hint)

    def _refuse_unknown(self, others: frozenset[str] = frozenset()) -> None:
        for key, said in self.header.said.items():
            if key not in _KEYS:
                hint = nearest(key, _KEYS) or f"the keys are {', '.join(_KEYS)}"
                raise self._bad(said[0], f"the header has no key {key!r}", hint)
            if key in others:
                raise self._bad(said[0], f"a source has no {key}")

    def _is_view(self) -> bool:
        if (said := self.header.one("view")) not in {"", "true", "false"}:
            raise self._bad(self.header.said["view"][0], f"{said!r} is neither true nor false", "write view: true")
        return said == "true"

    def _parameter(self, said: _Said) -> tuple[str, Any]:
        """``limit = 10.0``, or ``limit: float`` without a default."""
        name, equals, value = said.value.partition("=")
        if not equals:
            name, _, kind = (part.strip() for part in said.value.partition(":"))
            if (found := _TYPES.get(kind)) is not None and name.isidentifier():
                return name, found
        elif name.strip().isidentifier():
            try:
                return name.strip(), ast.literal_eval(value.strip())
            except (ValueError, SyntaxError):
                return name.strip(), value.strip()
        hint = f"write limit = 10.0, or limit: float for one without a default ({', '.join(_TYPES)})"
        raise self._bad(said, f"{said.value!r} is no parameter", hint)

    def _check(self, said: _Said) -> Any:  # a ready-made check
        """``unique(id)``: the call as Python writes it; a bare word is a text."""
        try:
            call = ast.parse(said.value, mode="eval").body
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                raise ValueError
            name = call.func.id
            arguments = [_value(each) for each in call.args]
            named = {str(each.arg): _value(each.value) for each in call.keywords}
        except (ValueError, SyntaxError):
            raise self._bad(said, f"{said.value!r} is no check", "write unique(id), row_count(min=1)") from None
        if name not in _CHECKS:
            hint = nearest(name, _CHECKS) or f"there are {', '.join(sorted(_CHECKS))}"
            raise self._bad(said, f"there is no ready-made check {name}", hint)
        make: Callable[..., Any] = getattr(ready_made, name)
        try:
            return make(*arguments, **named)
        except (AssetflowError, TypeError) as error:
            message = error.message if isinstance(error, AssetflowError) else str(error)
            raise self._bad(said, f"{said.value}: {message}") from None

    def _metadata(self) -> Mapping[str, Any]:
        if "metadata" not in self.header.said:
            return {}
        said = self.header.said["metadata"][-1]
        try:
            found = json.loads(said.value)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self._bad(said, "metadata must be a JSON object", 'write metadata: {"refresh": "daily"}')
        return found

    def _rows(self) -> Any:  # a pydantic model
        """``package.module:Class``."""
        if "rows" not in self.header.said:
            return None
        said = self.header.said["rows"][-1]
        module, _, name = said.value.partition(":")
        try:
            return getattr(import_module(module), name)
        except Exception as error:  # whatever the user's module raises
            message = f"rows: {said.value} cannot be had: {type(error).__name__}: {error}"
            raise self._bad(said, message.partition("\n")[0], "write rows: package.module:Class") from error


_TYPES: Mapping[str, type] = {"bool": bool, "float": float, "int": int, "str": str}


def _value(node: ast.expr) -> Any:  # a plain value
    return node.id if isinstance(node, ast.Name) else ast.literal_eval(node)


def _header(text: str) -> _Header:
    """The comments before the first line of SQL. ``key: value`` says something; the others describe."""
    found = _Header()
    for number, line in enumerate(text.split("\n"), 1):
        if not _COMMENT.fullmatch(line):
            break
        if match := _LINE.match(line.strip()):
            found.said.setdefault(match[1], []).append(_Said(match[2], number))
        elif written := line.strip().removeprefix("--").strip():
            found.text.append(written)
    return found


def _body(text: str) -> bool:
    """Whether there is more than comments."""
    return not all(_COMMENT.fullmatch(line) for line in text.split("\n"))
