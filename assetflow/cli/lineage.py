"""``lineage``: what a value was made from and what is made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assetflow.cli import shapes
from assetflow.cli.output import Output
from assetflow.cli.session import Session
from assetflow.errors import UsageError
from assetflow.graph.impact import HEADINGS

if TYPE_CHECKING:
    from assetflow.graph.lineage import Lineage

__all__ = ["impact", "lineage"]


def lineage(
    session: Session,
    address: Annotated[
        str | None,
        typer.Argument(help="An asset, or group.asset.column; with :vN or @partition, that exact value. Nothing: all."),
    ] = None,
    up: Annotated[bool, typer.Option("--up", help="What it is made from (the default).")] = False,
    down: Annotated[bool, typer.Option("--down", help="What is made from it.")] = False,
    depth: Annotated[int | None, typer.Option("--depth", min=1, help="At most this many steps away.")] = None,
    columns: Annotated[
        bool, typer.Option("--columns", help="Between columns; so it is for group.asset.column.")
    ] = False,
    format: Annotated[Literal["tree", "json", "mermaid", "dot"], typer.Option("--format", "-f")] = "tree",
) -> None:
    """What a value was made from, and what is made from it."""
    project = session.project()
    by_column = columns or (address is not None and project.is_column(address))
    if by_column and format in {"mermaid", "dot"}:
        raise UsageError("bad-option", f"columns are not drawn as {format}", hint="leave --columns out, or --format")
    found = project.lineage(address, up=up or not down, down=down, depth=depth)
    between = project.column_lineage(address, up=up or not down, down=down, depth=depth) if by_column else None
    if address is None or not {":", "@"} & set(address):
        session.tell_unavailable(project, quiet=True)
    if session.out.json or format == "json":
        session.out.object(
            nodes=[dict(n.fields) | {"key": n.key, "kind": n.kind} for n in found.nodes],
            edges=[dict(e.fields) | {"from": e.source, "to": e.target} for e in found.edges],
            **({} if between is None else {"columns": [shapes.column_edge(e) for e in between.edges]}),
        )
    elif between is not None:
        for line in between.tree():
            session.out.line(line)
    elif format == "mermaid":
        _mermaid(session.out, found)
    elif format == "dot":
        _dot(session.out, found)
    else:
        for line in found.tree():
            session.out.line(line)


def impact(
    session: Session,
    address: Annotated[str, typer.Argument(help="An asset, or a column: shop.orders.amount.")],
) -> None:
    """What a change of an asset, or of one of its columns, would reach: assets, columns, checks, owners."""
    project = session.project()
    found = project.impact(address)
    session.tell_unavailable(project, quiet=True)
    if session.out.json:
        session.out.object(
            of={"key": str(found.of.asset), "column": found.of.column if found.of.column != "*" else None},
            assets=[
                {
                    "key": str(each.asset),
                    "columns": list(each.columns) or None,
                    "evidence": "unknown" if each.unknown else "known",
                    "checks": list(each.checks),
                    "owners": list(each.owners),
                }
                for each in found.reached
            ],
            owners=list(found.owners),
        )
        return
    session.out.table(list(HEADINGS), found.rows())


def _mermaid(out: Output, found: Lineage) -> None:
    names = {node.key: f"n{place}" for place, node in enumerate(found.nodes)}
    out.line("flowchart LR")
    for node in found.nodes:
        left, right = ("[(", ")]") if node.kind == "source" else ("[", "]")
        label = node.key.replace('"', "#quot;")
        out.line(f'  {names[node.key]}{left}"{label}"{right}')
    for edge in found.edges:
        arrow = "-->" if edge.loaded else "-.->"
        out.line(f"  {names[edge.source]} {arrow} {names[edge.target]}")


def _dot(out: Output, found: Lineage) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    out.line("digraph assetflow {")
    out.line("  rankdir=LR; node [shape=box, fontname=sans-serif];")
    for node in found.nodes:
        shape = " [shape=cylinder]" if node.kind == "source" else ""
        out.line(f"  {quoted(node.key)}{shape};")
    for edge in found.edges:
        style = "" if edge.loaded else " [style=dashed]"
        out.line(f"  {quoted(edge.source)} -> {quoted(edge.target)}{style};")
    out.line("}")
