"""DuckDB's refusals of a query in our words, with the place in the text that each is about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from assetflow.errors import nearest
from assetflow.model.keys import AssetKey
from assetflow.sql.faults import SqlFault
from assetflow.sql.query import Statement

__all__ = ["refusal"]

_COLUMN = re.compile(r'(?:Referenced column|does not have a column named) "([^"]*)"')
_AMBIGUOUS = re.compile(r'Ambiguous reference to column name "([^"]*)" \(use: (.*)\)')
_TABLE = re.compile(r'Referenced table "([^"]*)" not found')
_FUNCTION = re.compile(r"Function with name (\S+) does not exist")
_CANDIDATES = re.compile(r"(?:Candidate bindings|Candidate tables|Did you mean):? (.*)")


def refusal(
    text: str, statement: Statement, tables: Mapping[str, AssetKey], columns: Mapping[AssetKey, Sequence[str]]
) -> SqlFault:
    """The fault that DuckDB's message is about: ``unknown-column``, or ``bad-sql``."""
    text = text.partition(": ")[2] or text
    names = sorted({name for has in columns.values() for name in has})
    if found := _COLUMN.search(text):
        return _unknown_column(found[1], statement, tables, columns, names)
    if found := _AMBIGUOUS.search(text):
        choices = found[2].replace("'", "")
        message = f"the column {found[1]!r} is in several tables"
        return SqlFault("bad-sql", message, offset=_place(statement, found[1], alone=True), hint=f"write {choices}")
    if found := _TABLE.search(text):
        start = f"{found[1]}.".lower()
        place = next((each.offset for each in statement.columns if each.name.lower().startswith(start)), None)
        hint = nearest(found[1], [*tables, *names]) or _candidates(text)
        return SqlFault("unknown-column", f"no table is called {found[1]!r} here", offset=place, hint=hint)
    if found := _FUNCTION.search(text):
        place = statement.text.lower().find(found[1].lower())
        offset = place if place >= 0 else None
        return SqlFault("bad-sql", f"there is no function {found[1]}", offset=offset, hint=_candidates(text))
    first = next((line.strip() for line in text.split("\n") if line.strip()), text)
    message = first.split(". You might")[0].rstrip(".!")
    place = _called(statement, message) if " argument types " in message else _quoted_place(statement, text)
    return SqlFault("bad-sql", message, offset=place, hint=_candidates(text))


def _unknown_column(
    name: str,
    statement: Statement,
    tables: Mapping[str, AssetKey],
    columns: Mapping[AssetKey, Sequence[str]],
    names: Sequence[str],
) -> SqlFault:
    place = _place(statement, name)
    written = next((each.name for each in statement.columns if each.offset == place), "")
    of = tables.get(written.rpartition(".")[0]) if "." in written else None
    if of is None and len(columns) == 1 and statement.single:
        (of,) = columns
    known = columns[of] if of is not None else names
    message = f"{of} has no column {name!r}" if of is not None else f"there is no column {name!r}"
    listed = f"there are {', '.join(known[:10])}{', …' if len(known) > 10 else ''}" if known else ""
    return SqlFault("unknown-column", message, offset=place, hint=nearest(name, known) or listed)


def _candidates(text: str) -> str:
    found = _CANDIDATES.search(text)
    return f"did you mean {found[1].replace(chr(34), '').rstrip('?')}?" if found else ""


def _place(statement: Statement, name: str, *, alone: bool = False) -> int | None:
    """Where a column of that name stands first; ``alone``: without a table before it."""
    for each in statement.columns:
        table, _, column = each.name.lower().rpartition(".")
        if column == name.lower() and not (alone and table):
            return each.offset
    return None


def _called(statement: Statement, message: str) -> int | None:
    """Where the function that a message names is called."""
    found = re.search(r"'([a-z_0-9]+)\(", message)
    called = re.search(rf"\b{found[1]}\s*\(", statement.text, re.IGNORECASE) if found else None
    return called.start() if called else None


def _quoted_place(statement: Statement, text: str) -> int | None:
    """Where the first column that a message names stands."""
    for word in re.findall(r'"([^"]+)"', text):
        if (place := _place(statement, word)) is not None:
            return place
    return None
