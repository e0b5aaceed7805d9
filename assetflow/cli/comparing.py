"""``diff``: in what two versions of a value differ. It reads the catalog and the store, never the code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assetflow.cli import shapes
from assetflow.cli.output import Output
from assetflow.cli.session import Session, known_names

if TYPE_CHECKING:  # so that --help need not load them
    from assetflow.catalog.records import Version
    from assetflow.upkeep.diff import Diff

__all__ = ["diff"]

#: Characters of one value in a table.
_CELL = 40


def diff(
    session: Session,
    before: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS",
            help="A version, such as orders:v2; without one, what is current is compared with what was held back "
            "since, or with the version before.",
            autocompletion=known_names,
        ),
    ],
    after: Annotated[
        str | None, typer.Argument(metavar="[ADDRESS]", help="Another one; :v3 is of the same partition.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", help="The columns that tell rows apart, by default the primary key; repeatable."),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", "-n", min=0, help="How many rows and changes to show.")] = 5,
) -> None:
    """In what two versions of a value differ: columns, rows, and what changed in them."""
    from assetflow.upkeep.diff import difference, pair  # noqa: PLC0415 - it brings DuckDB

    past, out = session.past(), session.out
    names = [name.strip() for each in key or () for name in each.split(",") if name.strip()]
    found = difference(past, *pair(past, before, after), key=names, sample=rows)
    if out.json:
        out.object(**shapes.difference(found))
        return
    out.line(f"{_named(found.before)} → {_named(found.after)}", style="bold")
    for line in _told(found):
        out.line(line)
    _show_rows(out, found)


def _named(version: Version) -> str:
    return version.address if version.published else f"{version.address} (never current)"


def _told(found: Diff) -> Iterator[str]:
    if found.equal:
        yield "equal data"
        return
    changes = [f"+ {name} {kind}" for name, kind in found.added.items()]
    changes += [f"- {name} {kind}" for name, kind in found.removed.items()]
    changes += [f"~ {name} {old} → {new}" for name, (old, new) in found.retyped.items()]
    yield from (f"  {'' if place else 'columns':<8} {line}" for place, line in enumerate(changes))
    rows = found.rows
    if rows is None:
        yield from ["  it is no text, and differs"] if found.lines is None else found.lines
        return
    if found.reordered:
        yield f"  the same {rows.equal:,} rows, in another order"
        return
    counts = [(rows.added, "added"), (rows.removed, "removed"), (rows.changed, "changed"), (rows.equal, "equal")]
    yield f"  {'rows':<8} {', '.join(f'{count:,} {what}' for count, what in counts if count) or 'none'}"
    if found.changed:
        told = ", ".join(f"{name} in {count:,}" for name, count in found.changed.items())
        yield f"  {'changed':<8} {told}"
    if not found.key and (rows.added or rows.removed):
        yield "  --key names the columns that tell which rows belong together"


def _show_rows(out: Output, found: Diff) -> None:
    """Some of the changes, and of the rows that came and went."""
    from assetflow.cli.showing import show_columns  # noqa: PLC0415 - it brings the table libraries

    if found.changes:
        out.line()
        cells = [[*map(_cell, c.key.values()), c.column, _cell(c.old), _cell(c.new)] for c in found.changes]
        out.table([*found.key, "column", "before", "after"], cells, prose=False)
    for title, rows in (("added", found.new_rows), ("removed", found.old_rows)):
        if rows:
            out.line()
            out.line(title, style="dim")
            names = list(rows[0])
            show_columns(names, [[_cell(row[name]) for row in rows] for name in names], out)


def _cell(value: Any) -> str:  # as JSON has it
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _CELL else f"{text[: _CELL - 1]}…"
