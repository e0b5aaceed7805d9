"""A query's text, parsed by DuckDB: the tables and parameters that it names, and where."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import duckdb

from assetflow.model.versions import canonical_json
from assetflow.sql.engine import functions
from assetflow.sql.faults import SqlFault
from assetflow.sql.forms import CLOCK, plain
from assetflow.sql.query import Named, Statement, TableColumn
from assetflow.types.arrowtypes import column_type
from assetflow.types.engine import closed, connected, literal, quoted

__all__ = ["Reference", "created", "parsed", "references", "tree_of"]

#: Table functions that make rows of their arguments alone. Others read files or the engine itself, or make up while the
#: query runs what it reads.
_TABLE_FUNCTIONS = frozenset({"generate_series", "json_each", "json_tree", "range", "repeat", "repeat_row", "unnest"})
#: A semicolon, and comments after it.
_END = re.compile(r";(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*\Z", re.DOTALL)
#: Macros that look at the clock.
_AGES = frozenset({"ago"})


class Reference(NamedTuple):
    """One place in a query where a table is named."""

    name: str
    offset: int
    has_alias: bool


def references(text: str, tree: Any) -> tuple[Reference, ...]:  # JSON
    """Every place at which a query names a table that it does not define itself."""
    found = _Names(text)
    found.walk(tree, frozenset())
    return tuple(found.references)


def parsed(text: str) -> Statement:
    """The one query that a text is. Raises SqlFault ``bad-sql``."""
    connection = connected()
    closed(connection)
    try:
        document = _document(connection, text)
        bare = _bare(connection, text, document)
        statements = document["statements"]
        if len(statements) != 1:
            what = "holds no query" if not statements else f"holds {len(statements)} statements"
            raise SqlFault("bad-sql", f"it {what}", hint="an asset is one select")
        found = _Names(text)
        found.walk(statements[0]["node"], frozenset())
        (whole,) = connection.extract_statements(text)
    finally:
        connection.close()
    positional = [each for each in whole.named_parameters if each.isdigit()]
    if positional:
        hint = "write $name, and name it in parameters={…}"
        raise SqlFault("bad-sql", "its parameters have no names", offset=text.find("?"), hint=hint)
    return Statement(
        text=bare,
        tables=tuple(found.tables.values()),
        parameters=tuple(sorted(whole.named_parameters)),
        columns=tuple(sorted(found.columns, key=lambda each: each.offset)),
        volatile=tuple(sorted((found.functions & functions().volatile) | found.clock | found.samples)),
        single=_is_single(statements[0]["node"]),
        plain=canonical_json(plain(statements[0]["node"])),
    )


def _bare(connection: Any, text: str, document: Any) -> str:  # a DuckDB connection; JSON
    """The text without a semicolon at its end and what follows, so that more can be written around it."""
    while (cut := _END.sub("", text)) != text:
        try:
            if plain(_document(connection, cut)) != plain(document):
                break
        except SqlFault:  # it was the end of a text or of a comment
            break
        text = cut
    return text


def created(text: str) -> tuple[TableColumn, ...]:
    """The columns of the one table that a text creates. Raises SqlFault ``bad-sql``."""
    connection = connected()
    closed(connection)
    hint = "write create table orders (id bigint primary key, amount double)"
    try:
        statements = connection.extract_statements(text)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.CREATE:
            raise SqlFault("bad-sql", "it is no create table", hint=hint)
        (plan,) = (text for name, text in connection.execute(f"explain (format json) {text}").fetchall())
        if "CREATE_TABLE_AS" in plan:
            raise SqlFault("bad-sql", "it fills the table that it creates, and nothing is run here", hint=hint)
        connection.execute(statements[0])
        tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        if len(tables) != 1:
            raise SqlFault("bad-sql", "it creates no table", hint=hint)
        (schema, table) = tables[0]
        target = f"{quoted(schema)}.{quoted(table)}"
        types = connection.sql(f"from {target}").to_arrow_table().schema
        rows = connection.execute(f"pragma table_info({literal(target)})").fetchall()
        return tuple(
            TableColumn(name, column_type(types.field(name).type), not required and not key, bool(key))
            for _, name, _, required, _, key in rows
        )
    except duckdb.Error as error:
        kind, _, message = str(error).partition("\n")[0].partition(": ")
        raise SqlFault("bad-sql", message or kind, hint=hint) from None
    finally:
        connection.close()


def tree_of(connection: Any, text: str) -> Any:  # a DuckDB connection; JSON
    """A query's tree, as ``json_serialize_sql`` gives it. Raises SqlFault ``bad-sql``."""
    return _document(connection, text)["statements"][0]["node"]


def _is_single(tree: Any) -> bool:  # JSON
    source = tree.get("from_table") or {}
    return not (tree.get("cte_map") or {}).get("map") and source.get("type") == "BASE_TABLE"


def _document(connection: Any, text: str) -> dict[str, Any]:  # JSON
    (answer,) = connection.execute("select json_serialize_sql(?)", [text]).fetchall()[0]
    document: dict[str, Any] = json.loads(answer)
    if not document["error"]:
        return document
    if document["error_type"] == "parser":
        position = document.get("position")
        offset = None if position is None else _characters(text, int(position))
        raise SqlFault("bad-sql", str(document["error_message"]).partition("\n")[0], offset=offset)
    raise SqlFault("bad-sql", "it is no select", hint="an asset is one select: what it gives becomes the asset's value")


def _characters(text: str, position: int) -> int:
    """A place counted in bytes, counted in characters."""
    return len(text.encode()[:position].decode(errors="ignore"))


class _Names:
    """Collects what a parsed query names."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.tables: dict[str, Named] = {}
        self.references: list[Reference] = []
        self.columns: list[Named] = []
        self.functions: set[str] = set()
        self.samples: set[str] = set()
        self.clock: set[str] = set()

    def walk(self, node: Any, own: frozenset[str]) -> None:  # JSON; ``own`` are the tables that the query defines
        if isinstance(node, list):
            for each in node:
                self.walk(each, own)
            return
        if not isinstance(node, dict):
            return
        own = self._defined(node, own)
        if isinstance(sample := node.get("sample"), dict) and int(sample.get("seed", -1)) < 0:
            self.samples.add("a sample without a seed")
        match node.get("type"):
            case "BASE_TABLE":
                self._table(node, own)
            case "SHOW_REF":
                raise SqlFault("bad-sql", "it describes a table, and is no select", hint="an asset is one select")
            case "TABLE_FUNCTION" if (name := str(node["function"].get("function_name"))) not in _TABLE_FUNCTIONS:
                raise SqlFault(
                    "bad-sql",
                    f"a query reaches nothing but its tables, and {name}() is none",
                    offset=self._place(node["function"]),
                    hint="declare a file as a source, and name that",
                )
            case "COLUMN_REF":
                name = ".".join(node["column_names"])
                self.columns.append(Named(name, self._place(node) or 0))
                self.clock |= CLOCK & {name.lower()}
            case "FUNCTION":
                name = str(node["function_name"]).lower()
                self.functions.add(name)
                self.clock |= _AGES & {name}
        for key, value in node.items():
            if key != "cte_map":
                self.walk(value, own)

    def _defined(self, node: dict[str, Any], own: frozenset[str]) -> frozenset[str]:
        """What may be named below: each CTE sees those before it, a recursive one itself."""
        if node.get("type") == "RECURSIVE_CTE_NODE":
            own |= {str(node.get("cte_name", "")).lower()}
        for entry in (node.get("cte_map") or {}).get("map", ()):
            self.walk(entry["value"], own)
            own |= {str(entry["key"]).lower()}
        return own

    def _table(self, node: dict[str, Any], own: frozenset[str]) -> None:
        catalog, schema, table = (str(node.get(part) or "") for part in ("catalog_name", "schema_name", "table_name"))
        if not catalog and not schema and table.lower() in own:
            return
        name = ".".join(part for part in (catalog, schema, table) if part)
        place = self._place(node) or 0
        self.tables.setdefault(name, Named(name, place))
        self.references.append(Reference(name, place, bool(node.get("alias"))))

    def _place(self, node: dict[str, Any]) -> int | None:
        position = node.get("query_location")
        in_text = isinstance(position, int) and position <= len(self._text.encode())
        return _characters(self._text, position) if in_text and position is not None else None
