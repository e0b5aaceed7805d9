"""What happened: ``runs``, ``runs show``, ``logs``. They read the catalog and the logs, never the code."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from assetflow.cli import shapes
from assetflow.cli.output import local_time
from assetflow.cli.session import Session
from assetflow.model.durations import duration_text
from assetflow.model.keys import Address

__all__ = ["logs", "runs", "show_run"]

#: Seconds between two looks for new lines.
_POLL = 0.2

RunNumber = Annotated[str, typer.Argument(metavar="RUN", help="The run's number, or last.")]


def runs(
    session: Session, limit: Annotated[int, typer.Option("--limit", "-n", help="At most this many, newest first.")] = 20
) -> None:
    """The runs, newest first."""
    rows = session.past().runs(limit=limit)
    if session.out.json:
        session.out.object(runs=[shapes.run(row) for row in rows])
        return
    if not rows:
        session.out.line("no runs yet")
        return
    session.out.table(
        ["run", "status", "started", "took", "what", "counts"],
        [
            [
                str(row.id),
                str(row.status),
                local_time(row.started_at),
                duration_text((row.finished_at - row.started_at).total_seconds()) if row.finished_at else "",
                (" ".join(row.targets) or "everything") + f" in {row.environment}",
                ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in row.counts.items() if n),
            ]
            for row in rows
        ],
    )


def show_run(
    session: Session,
    number: RunNumber = "last",
    attempts: Annotated[bool, typer.Option("--attempts", help="Every attempt with its error, wait and time.")] = False,
) -> None:
    """One run: what it did, and the first failure that explains the others."""
    past = session.past()
    row = past.run(number)
    tries = past.attempts(row.id)
    root = past.root_failure(row.id)
    if session.out.json:
        session.out.object(
            **shapes.run(row),
            facts=dict(row.facts),
            attempts=[shapes.attempt(a) for a in tries],
            root_failure=None if root is None else shapes.attempt(root),
        )
        return
    out = session.out
    took = f" in {duration_text((row.finished_at - row.started_at).total_seconds())}" if row.finished_at else ""
    out.line(
        f"run {row.id} {row.status}{took}: {' '.join(row.targets) or 'everything'} in {row.environment}", style="bold"
    )
    out.line("  " + ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in row.counts.items() if n))
    for name, fact in row.facts.items():
        out.line(f"  {name:<13} {fact}")
    if root is not None:
        out.line(f"first failure: {root.step}: {root.error_type}: {root.message}  ({root.failure}: {root.reason})")
        for line in root.traceback.rstrip().split("\n"):
            out.line(f"    {line}", style="dim")
    shown = tries if attempts else [a for a in tries if a.final]
    if shown:
        out.table(["step", "attempt", "outcome", "took", "because"], [_attempt_row(a) for a in shown])


def logs(
    session: Session,
    number: RunNumber,
    address: Annotated[str | None, typer.Argument(help="Only this asset's, or partition's.")] = None,
    attempt: Annotated[int | None, typer.Option("--attempt", help="Only the Nth attempt.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")] = False,
) -> None:
    """What the steps of a run logged and printed."""
    past = session.past()
    if address is not None:
        past.resolve(Address.parse(address).name)
    if follow:
        for line in past.followed_lines(number, address, attempt, pause=lambda: time.sleep(_POLL)):
            if session.out.json:
                session.out.object(**line)
            else:
                session.out.line(_shown(line))
            session.out.out.flush()
        return
    lines = past.log_lines(number, address, attempt)
    if session.out.json:
        session.out.object(lines=list(lines))
        return
    found = False
    for line in lines:
        found = True
        session.out.line(_shown(line))
    if not found:
        session.out.note("nothing was logged")


def _shown(line: dict[str, Any]) -> str:
    return f"{line['at'][11:23]} {line.get('level', ''):<7} {line.get('step', '')}  {line['text']}"


def _attempt_row(a: Any) -> list[str]:
    outcome = "did not end" if a.outcome is None else str(a.outcome)
    because = f"{a.error_type}: {a.message}" if a.error_type else a.reason
    return [
        str(a.step),
        str(a.number),
        outcome.replace("_", " "),
        duration_text(a.seconds) if a.seconds else "",
        because.split("\n")[0],
    ]
