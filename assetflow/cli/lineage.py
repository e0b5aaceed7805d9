"""``lineage``: what a value was made from and what is made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from assetflow.cli.output import Output
from assetflow.cli.session import Session
from assetflow.errors import UsageError

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
    format: Annotated[str, typer.Option("--format", "-f", help="tree, json, mermaid or dot.")] = "tree",
) -> None:
    """What a value was made from, and what is made from it."""
    if format not in {"tree", "json", "mermaid", "dot"}:
        raise UsageError("bad-format", f"{format!r} is not a format of lineage", hint="use tree, json, mermaid or dot")
    project = session.project()
    found = project.lineage(address, up=up or not down, down=down, depth=depth)
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
        _tree(session.out, found)


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


def _tree(out: Output, found: Lineage) -> None:
    """From each root, a line a node; what was shown before is only named again."""
    if not found.nodes:
        out.line("nothing")
        return
    labels = {node.key: node.label for node in found.nodes}
    directions = [
        (title, step)
        for title, shown, step in (("made from:", found.up, found.above()), ("goes into:", found.down, found.below()))
        if shown
    ]
    for title, step in directions:
        if len(directions) > 1:
            out.line(title, style="dim")
        seen: set[str] = set()
        for root in found.roots:
            _branch(out, root, step, labels, seen)


def _branch(out: Output, root: str, step: dict[str, list[str]], labels: dict[str, str], seen: set[str]) -> None:
    stack = [(root, "", "")]
    while stack:
        key, lead, indent = stack.pop()
        below = step.get(key, [])
        again = key in seen and below
        out.line(f"{lead}{labels[key]}{'  (above)' if again else ''}")
        if again:
            continue
        seen.add(key)
        for place, child in reversed(list(enumerate(below))):
            last = place == len(below) - 1
            stack.append((child, f"{indent}{'└─ ' if last else '├─ '}", f"{indent}{'   ' if last else '│  '}"))
