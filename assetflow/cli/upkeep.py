"""Keeping house: ``gc``, ``doctor``, ``catalog verify``, ``catalog backup``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assetflow.cli import shapes
from assetflow.cli.output import Output
from assetflow.cli.session import Session

if TYPE_CHECKING:  # so that --help need not load them
    from assetflow.upkeep.gc import Collected

__all__ = ["backup", "doctor", "gc", "verify"]


def gc(
    session: Session,
    keep: Annotated[
        int | None, typer.Option("--keep", min=0, help="Keep so many newest versions of each partition.")
    ] = None,
    older: Annotated[
        str,
        typer.Option(
            "--older", metavar="AGE", help="Free versions that have not been current for longer than this: 30d, 12h."
        ),
    ] = "",
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Remove stored files that nobody here wrote, too.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be freed.")] = False,
) -> None:
    """Free the bytes of old versions and of what failed runs left; never what is current or what that was made from."""
    from assetflow.model.durations import duration  # noqa: PLC0415 - a command body loads what it needs

    project, out = session.project(), session.out
    age = duration(older) if older else None if keep is None else duration(0)
    if not dry_run:
        session.refuse_protected(project.settings)
    found: Collected = project.gc(older=age, keep=keep or 0, unknown=unknown, dry_run=dry_run)
    session.tell_unavailable(project)
    if out.json:
        out.object(**shapes.collected(found))
        return
    _show_collected(out, found)
    if age is None and all(each.retain is None for each in project.definitions()):
        out.note("old versions are kept: no asset says retain=, and --older 30d or --keep 5 was not given")


def _show_collected(out: Output, found: Collected) -> None:
    """A line an asset, a line a kind of leftover, and the sum."""
    counts, sizes = Counter[str](), Counter[str]()
    for value in found.values:
        counts[asset := str(value.versions[0].partition.asset)] += len(value.versions)
        sizes[asset] += value.size
    rows = [[asset, _several(counts[asset], "version"), f"{sizes[asset]:,}"] for asset in sorted(sizes)]
    counts.clear()
    sizes.clear()
    for left in found.leftovers:
        counts[str(left.kind)] += 1
        sizes[str(left.kind)] += left.bytes
    for kind, (one, many) in _LEFTOVERS.items():
        if sizes[kind]:
            said = one if counts[kind] == 1 else f"{counts[kind]:,} {many}"
            rows.append([said, "", f"{sizes[kind]:,}"])
    if rows:
        out.table(["what", "", "bytes"], rows)
    out.line(f"{'would free' if found.dry_run else 'freed'} {found.bytes:,} bytes")
    if found.dropped:
        names = [str(each) for each in found.dropped]
        more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
        said = "to be dropped" if found.dry_run else "dropped"
        out.line(f"keys are gone: {_several(len(names), 'partition')} {said}: {', '.join(names[:3])}{more}")
    if found.unknown:
        size = sum(each.bytes for each in found.unknown)
        out.note(
            f"not written from here: {_several(len(found.unknown), 'stored file')} ({size:,} bytes), such as "
            f"{found.unknown[0].name}; --unknown removes them"
        )


def _several(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


#: How one leftover of a kind is told, and several; those that are summed are always one.
_LEFTOVERS = {
    "unrecorded": ("a file that was not recorded", "files that were not recorded"),
    "unknown": ("a file of unknown origin", "files of unknown origin"),
    "staged": ("half-written files", ""),
    "damaged": ("damaged files", ""),
    "log": ("the logs of a run", "logs of runs"),
}


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
