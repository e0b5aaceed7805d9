"""What is declared: ``validate``, ``list``, ``show``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from assetflow.cli import shapes
from assetflow.cli.deciding import Selection
from assetflow.cli.output import Output, as_json
from assetflow.cli.session import Session
from assetflow.errors import Mistakes
from assetflow.graph.columns import WHOLE

if TYPE_CHECKING:
    from assetflow.graph.classes import Holds
    from assetflow.graph.columns import ColumnAddress
    from assetflow.load.coverage import TypedEdge
    from assetflow.load.definitions import BoundProduct
    from assetflow.model.definition import DeclaredCheck, DeclaredColumn, Definition
    from assetflow.model.keys import AssetKey

__all__ = ["list_assets", "show", "validate"]


def validate(
    session: Session,
    types_coverage: Annotated[
        bool, typer.Option("--types-coverage", help="Show of each input whether its type is checked, and by what.")
    ] = False,
) -> int:
    """Load the project and check all of it: names, cycles, types, resources, parameters. Touches no data."""
    from assetflow.load.coverage import known_tables, typed_edges  # noqa: PLC0415 - a command body loads what it needs

    project = session.project()
    warnings, loaded = project.validated(), project.loaded
    edges = typed_edges(loaded) if types_coverage else ()
    if session.out.json:
        covered = [
            {"key": str(e.reader), "input": e.parameter, "from": str(e.asset), "level": str(e.level)} for e in edges
        ]
        session.out.object(
            ok=not loaded.mistakes,
            errors=[shape for error in loaded.mistakes for shape in as_json(error)],
            warnings=[shape for warning in warnings for shape in as_json(warning)],
            types_coverage=covered if types_coverage else None,
        )
        return Mistakes(loaded.mistakes).exit_code if loaded.mistakes else 0
    if types_coverage:
        _tell_coverage(session.out, edges, *known_tables(loaded))
    for warning in warnings:
        session.out.note(str(warning).replace("error[", "warning[", 1), style="yellow")
    for error in loaded.mistakes:
        session.out.error(error)
    if loaded.mistakes:
        many = len(loaded.mistakes)
        session.out.note(f"{many} mistake{'s' if many > 1 else ''}; nothing was run")
        return Mistakes(loaded.mistakes).exit_code
    many = len(loaded.graph.definitions)
    session.out.line(f"{many} asset{'' if many == 1 else 's'}, no mistakes")
    return 0


def _tell_coverage(out: Output, edges: Sequence[TypedEdge], known: int, tables: int) -> None:
    rows = [[str(e.reader), e.parameter, str(e.asset), str(e.level)] for e in edges]
    out.table(["reader", "input", "from", "checked by"], rows, prose=False)
    counts = Counter(str(e.level) for e in edges)
    told = ", ".join(f"{n} {level}" for level, n in counts.most_common())
    early = sum(counts[level] for level in ("columns", "type"))
    out.note(f"{_share(early, len(edges))} of {len(edges)} inputs are checked before anything runs: {told or 'none'}")
    out.note(f"{_share(known, tables)} of {tables} tables have columns that are known before")


def _share(part: int, whole: int) -> str:
    return f"{100 * part // whole} %" if whole else "0 %"


def list_assets(
    session: Session,
    selection: Selection = None,
    search: Annotated[str, typer.Option("--search", help="Only assets whose name, docs, owner or tag has this.")] = "",
) -> None:
    """What is declared."""
    project = session.project()
    chosen = [d for d in project.definitions(*(selection or ())) if _matches(d, search.lower())]
    session.tell_unavailable(project)
    if session.out.json:
        session.out.object(assets=[shapes.definition(d) for d in chosen])
        return
    if not chosen:
        session.out.line("no assets")
        return
    rows = [[str(d.key), str(d.kind), d.type, " ".join(d.tags), d.description.split("\n")[0]] for d in chosen]
    session.out.table(["asset", "kind", "type", "tags", "description"], rows)


def show(session: Session, address: Annotated[str, typer.Argument(help="An asset's name.")]) -> None:
    """All about one asset: where it is, what it takes, what it is today."""
    project = session.project()
    found = project.definition(address)
    session.tell_unavailable(project)
    known = project.loaded.graph.definitions
    latest = [shapes.materialization(version, known) for version in project.past.current(found.key)]
    held: list[tuple[ColumnAddress, Holds]] = project.holds(found.key)
    bound = project.loaded.products.get(found.key.group)
    if session.out.json:
        session.out.object(
            **shapes.definition(found),
            product=shapes.product(found.key, bound),
            holds=[shapes.holding(at, h) for at, h in held],
            current=latest,
        )
        return
    out = session.out
    out.line(str(found.key), style="bold")
    if found.description:
        out.line(f"  {found.description}")
    inputs = [
        f"{i.parameter or '(not loaded)'} ← {i.asset}"
        + (f" ({i.mapping.text})" if found.partitioning != "single" else "")
        for i in found.inputs
    ]
    facts: dict[str, str | list[str]] = {
        "kind": str(found.kind),
        "where": found.where,
        "type": found.type,
        "columns": [_column(c) for c in found.columns],
        "holds": [f"{'' if at.column == WHOLE else f'{at.column}  '}{holds}{_origin(at, holds)}" for at, holds in held],
        "checks": [_check(c) for c in found.checks],
        "partitions": "" if found.partitioning == "single" else found.partitioning,
        "inputs": inputs,
        "parameters": [f"{p.name} = {p.value} ({p.origin})" for p in found.parameters],
        "resources": [f"{r.parameter}: {r.type}" for r in found.resources],
        "product": "" if bound is None else _product(found.key, bound),
        "owners": ", ".join(found.owners),
        "tags": ", ".join(found.tags),
        "retain": "" if found.retain is None else str(found.retain),
        "code version": found.code_version[:12],
        "not tracked": [f"{u.what} at {u.where}" for u in found.untracked],
    }
    for name, fact in facts.items():
        for place, line in enumerate([fact] if isinstance(fact, str) else fact):
            if line:
                out.line(f"  {'' if place else name:<13} {line}")
    for m in latest[:5]:
        size = f", {m['bytes']:,} bytes" if m["bytes"] is not None else ""
        rows = f", {m['rows']:,} rows" if m["rows"] is not None else ""
        name = f"{found.key}{'@' + m['partition'] if m['partition'] else ''}:v{m['version']}"
        out.line(f"  {'current':<13} {name}, run {m['run']}{rows}{size}, data {m['data_version'][:12]}")


def _column(column: DeclaredColumn) -> str:
    said = [f"{column.type}{' or null' if column.nullable else ''}", *column.rules]
    return f"{column.name}  {', '.join(said)}"


def _origin(at: ColumnAddress, holds: Holds) -> str:
    return "" if holds.of == at else f" of {holds.of}"


def _product(key: AssetKey, bound: BoundProduct) -> str:
    told = [bound.product.name, "exposed" if key in bound.exposes else "private", bound.product.owner]
    return ", ".join(filter(None, told))


def _check(check: DeclaredCheck) -> str:
    said = f"  {check.description}" if check.description else ""
    reads = f", reads {', '.join(map(str, check.reads))}" if check.reads else ""
    return f"{check.name} ({check.severity}{reads}){said}"


def _matches(d: Definition, text: str) -> bool:
    return not text or any(text in part.lower() for part in (str(d.key), d.description, *d.owners, *d.tags))
