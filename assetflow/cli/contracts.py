"""``contracts``: what assets promise, what changed of it, and whether it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assetflow.cli.session import Session

if TYPE_CHECKING:
    from assetflow.model.contracts import Broken, Release

__all__ = ["check", "contracts", "export"]


def contracts(session: Session) -> None:
    """The assets with a contract, and what each promises."""
    promises = session.project().contracts()
    if session.out.json:
        from assetflow.types.written import written  # noqa: PLC0415 - only for --json

        session.out.object(contracts=[written(promise) for promise in promises.values()])
        return
    rows = [
        [
            promise.asset,
            promise.version,
            promise.owner,
            str(len(promise.columns)) if promise.columns else promise.type,
            "" if promise.freshness is None else f"{promise.freshness / 3600:g} h",
            str(len(promise.readers[""])),
        ]
        for promise in promises.values()
    ]
    session.out.table(["asset", "version", "owner", "columns", "freshness", "readers"], rows)


def export(
    session: Session,
    to: Annotated[Path | None, typer.Option("--to", help="A file; without it, standard output.")] = None,
) -> None:
    """Write down what is promised now, as JSON, for ``contracts check --base FILE``."""
    from assetflow.errors import UsageError  # noqa: PLC0415 - a command body loads what it needs
    from assetflow.project.contracts import exported  # noqa: PLC0415

    text = exported(session.project().contracts())
    if to is None:
        session.out.line(text.rstrip("\n"))
        return
    try:
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError("bad-option", f"{to} cannot be written: {error.strerror or error}") from None


def check(
    session: Session,
    base: Annotated[
        str | None, typer.Option("--base", help="A commit, or a file of contracts export, to compare with.")
    ] = None,
) -> int:
    """Whether contracts are kept: what is stored is as fresh as promised; with --base, nothing promised there is taken
    back without a new major version. Exits 4 where it is not so."""
    project = session.project()
    if base is None:
        broken = project.late_contracts()
        return _told_late(session, len(project.contracts()), broken)
    found: tuple[Release, ...] = project.contract_changes(base)
    if session.out.json:
        session.out.object(base=base, contracts=[_object(release) for release in found])
    else:
        for release in found:
            _tell(session, release)
        if not found:
            session.out.line(f"no contract changed since {base}")
    return 4 if any(release.problem for release in found) else 0


def _told_late(session: Session, number: int, broken: tuple[Broken, ...]) -> int:
    if session.out.json:
        session.out.object(contracts=number, broken=[{"key": each.asset, "problem": each.problem} for each in broken])
    else:
        for each in broken:
            session.out.line(f"{each.asset} is late: {each.problem}")
        if not broken:
            session.out.line(f"{number} contracts are kept" if number != 1 else "1 contract is kept")
    return 4 if broken else 0


def _tell(session: Session, release: Release) -> None:
    line = session.out.line
    if not release.before:
        line(f"{release.asset} {release.after}: new")
    elif not release.after:
        line(f"{release.asset} {release.before}: gone")
    else:
        how = "breaking" if release.breaking else "additive" if release.changes else "the same"
        same = release.before == release.after
        line(f"{release.asset} {release.before if same else f'{release.before} → {release.after}'}: {how}")
    for change in release.changes:
        line(f"  {'breaking' if change.breaking else 'additive'}  {change.text}")
    if release.hit:
        line(f"  hits      {', '.join(release.hit)}")
    if release.problem:
        line(f"  error     {release.problem}")


def _object(release: Release) -> dict[str, Any]:
    return {
        "key": release.asset,
        "before": release.before or None,
        "after": release.after or None,
        "changes": [
            {"breaking": change.breaking, "text": change.text, "column": change.column or None}
            for change in release.changes
        ],
        "hit": list(release.hit),
        "problem": release.problem or None,
    }
