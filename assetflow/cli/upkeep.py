"""Keeping house: ``doctor``, ``catalog verify``, ``catalog backup``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from assetflow.cli.session import Session

__all__ = ["backup", "doctor", "verify"]


def verify(session: Session) -> int:
    """Read every record and every stored byte, and say what does not fit together."""
    problems = session.past().verify()
    return _tell(session, problems, "every record has its bytes and every value its record")


def doctor(session: Session) -> int:
    """Look at the machine, the settings, the catalog and the store, and say what is wrong."""
    from assetflow.upkeep.doctor import examined  # noqa: PLC0415 - a command body loads what it needs

    project = session.project()
    problems = examined(project.past, Path(project.settings.catalog), project.loaded.mistakes)
    return _tell(session, problems, "nothing is wrong")


def backup(
    session: Session, path: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")]
) -> None:
    """Copy the catalog safely, also while others write."""
    session.past().backup(path)
    if session.out.json:
        session.out.object(path=str(path))
    else:
        session.out.line(f"copied to {path}")


def _tell(session: Session, problems: tuple[Any, ...], well: str) -> int:
    out = session.out
    if out.json:
        fields = ("code", "key", "partition", "version", "message", "hint")
        out.object(ok=not problems, problems=[{name: getattr(p, name) for name in fields} for p in problems])
    elif not problems:
        out.line(well)
    for p in () if out.json else problems:
        where = (
            f"{p.key}{'@' + p.partition if p.partition else ''}{f':v{p.version}' if p.version else ''}: "
            if p.key
            else ""
        )
        out.line(f"{p.code}: {where}{p.message}" + (f"\n  hint: {p.hint}" if p.hint else ""))
    return 1 if problems else 0
