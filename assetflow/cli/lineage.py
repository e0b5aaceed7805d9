"""``lineage``: what a value was made from and what is made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assetflow.cli.output import Output
from assetflow.cli.session import Session

if TYPE_CHECKING:
    from assetflow.graph.lineage import Lineage

__all__ = ["lineage"]


def lineage(
    session: Session,
    address: Annotated[
        str | None, typer.Argument(help="An asset; with :vN or @partition, that exact value. Nothing: the whole graph.")
    ] = None,
    up: Annotated[bool, typer.Option("--up", help="What it is made from (the default).")] = False,
    down: Annotated[bool, typer.Option("--down", help="What is made from it.")] = False,
    depth: Annotated[int | None, typer.Option("--depth", min=1, help="At most this many steps away.")] = None,
    format: Annotated[Literal["tree", "json", "mermaid", "dot"], typer.Option("--format", "-f")] = "tree",
) -> None:
    """What a value was made from, and what is made from it."""
    project = session.project()
    found = project.lineage(address, up=up or not down, down=down, depth=depth)
    if address is None or not {":", "@"} & set(address):
        session.tell_unavailable(project, quiet=True)
    if session.out.json or format == "json":
        session.out.object(
            nodes=[dict(n.fields) | {"key": n.key, "kind": n.kind} for n in found.nodes],
            edges=[dict(e.fields) | {"from": e.source, "to": e.target} for e in found.edges],
        )
    elif format == "mermaid":
        _mermaid(session.out, found)
    elif format == "dot":
        _dot(session.out, found)
    else:
        for line in found.tree():
            session.out.line(line)


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
