"""What is fresh, what would run, and why: ``status``, ``plan``, ``explain``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assetflow.cli import shapes
from assetflow.cli.output import Output, local_time
from assetflow.cli.session import Session, known_names
from assetflow.model.durations import duration_text
from assetflow.model.plan import Action, Alike, Plan, State, Step, Steps

if TYPE_CHECKING:
    from assetflow.project import AssetStatus, Project

__all__ = [
    "Selection",
    "explain",
    "plan",
    "show_plan",
    "status",
    "status_object",
    "status_summary",
    "summary",
    "tell_withheld",
    "told",
]

#: More that wait for the same reason are told in a line.
_TOLD_SINGLY = 3
#: More steps that do the same for the same reasons are told in a line.
_TOLD_TOGETHER = 20

Selection = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SEL]...",
        help="Assets: name, group.name, +x, x+, tag:t, group:g …",
        show_default=False,
        autocompletion=known_names,
    ),
]
Partition = Annotated[
    list[str] | None,
    typer.Option("--partition", "-p", help="Only these: a key, K1..K2, latest, last:7, missing …; repeatable."),
]

#: How many causes of one step are shown before "and N more".
CAUSES_SHOWN = 3


def status(
    session: Session,
    selection: Selection = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it as it changes, until Ctrl-C.")] = False,
) -> None:
    """What is fresh, stale (and why), missing or failed."""
    project = session.project()
    standing = project.status(*(selection or ()))
    session.tell_unavailable(project)
    if watch:
        from assetflow.cli.watching import watch as watching  # noqa: PLC0415 - only for this option

        watching(session.out, project, selection or ())
    if session.out.json:
        session.out.object(**status_object(project, standing))
        return
    if not standing:
        session.out.line("no assets")
        return
    rows = []
    for s in standing:
        cells = "" if s.total == 1 else f"{s.partitions.get(State.FRESH, 0)}/{s.total}"
        made = local_time(s.materialized_at)[:-3] if s.materialized_at else ""
        rows.append([str(s.key), session.out.mark(str(s.state)), cells, made, told(s)])
    if not any(row[2] for row in rows):
        session.out.table(["asset", "state", "made", "because"], [[r[0], r[1], r[3], r[4]] for r in rows])
    else:
        session.out.table(["asset", "state", "fresh", "made", "because"], rows)
    session.out.note(status_summary(project, standing))


def status_summary(project: Project, standing: Sequence[AssetStatus]) -> str:
    """``12 assets in main: 9 fresh, 3 stale``."""
    counts = {state: sum(1 for s in standing if s.state is state) for state in State}
    summary = ", ".join(f"{n} {state}" for state, n in counts.items() if n)
    return f"{_count(len(standing), 'asset')} in {project.environment}: {summary}"


def status_object(project: Project, standing: Sequence[AssetStatus]) -> dict[str, Any]:
    """The fields of ``status --json``."""
    return {
        "environment": project.environment,
        "assets": [
            {
                "key": str(s.key),
                "state": str(s.state),
                "partitions": {"total": s.total, **{str(state): s.partitions.get(state, 0) for state in State}},
                "causes": [shapes.cause(c) for c in s.causes],
                "materialized_at": shapes.time(s.materialized_at),
            }
            for s in standing
        ],
    }


def plan(
    session: Session,
    selection: Selection = None,
    partition: Partition = None,
    only: Annotated[bool, typer.Option("--only", help="Exactly the selection, not what it needs.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Run the selection even where it is fresh.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Plan again what failed for good.")] = False,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A run parameter, for this command only.")
    ] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 3 when the plan is not empty.")] = False,
    format: Annotated[
        Literal["text", "markdown"], typer.Option("--format", help="Markdown is for a pull request's comment.")
    ] = "text",
) -> int:
    """What would run and why. Nothing is run and nothing is written."""
    project = session.project(sets=tuple(sets or ()))
    session.tell_unavailable(project, quiet=True)
    made = project.plan(*(selection or ()), partitions=partition, only=only, force=force, retry_failed=retry_failed)
    if session.out.json:
        session.out.object(**shapes.plan_object(made, project.loaded.graph.definitions))
    elif format == "markdown":
        _markdown(session.out, made)
    else:
        show_plan(session.out, made)
    return 3 if exit_code and made.steps else 0


def show_plan(out: Output, plan: Plan) -> None:
    """A plan for a person: a line a step with its reasons, then the counts."""
    if plan.steps:
        out.table(["step", "will", "because"], _step_rows(plan))
    tell_withheld(out, plan)
    _tell_kept(out, plan)
    for asset, source in plan.awaited.items():
        out.line(f"maybe more: {asset} has the partitions that {source} gives, which may change")
    out.note(summary(plan))


def tell_withheld(out: Output, plan: Plan) -> None:
    """What is not up to date and yet not planned, and what ``--only`` leaves as it is."""
    several: dict[tuple[Any, str, str], list[tuple[Any, str]]] = {}
    for partition, standing in sorted(shapes.withheld_standings(plan).items()):
        reasons, state = told(standing), str(standing.state)
        said = reasons if reasons.startswith(state) else f"is {state}: {reasons}"
        alike = said.replace(partition.key, "…") if partition.key else said
        several.setdefault((partition.asset, alike, state), []).append((partition, said))
    for (asset, alike, _), found in several.items():
        if len(found) <= _TOLD_SINGLY:
            for partition, said in found:
                out.line(f"not planned: {partition} {said}", style="red")
        else:
            first, last = found[0][0].key, found[-1][0].key
            out.line(f"not planned: {len(found):,} partitions of {asset}, {first} to {last}: {alike}", style="red")
    for partition in plan.ignored:
        out.line(f"left as it is (--only): {partition} is not up to date")


def _tell_kept(out: Output, plan: Plan) -> None:
    """What changes of code and parameters leave as it is: ``kept: shop.prices@a to c (3): forward_only: …``."""
    several: dict[tuple[Any, str], list[str]] = {}
    for partition, causes in plan.forward.items():
        several.setdefault((partition.asset, _because(causes)), []).append(partition.key)
    for (asset, because), keys in several.items():
        name = f"{asset}@{keys[0]}" if keys[0] else str(asset)
        which = name if len(keys) == 1 else f"{name} to {keys[-1]} ({len(keys):,})"
        out.line(f"kept: {which}: forward_only: {because}")


def summary(plan: Plan) -> str:
    """``2 to run, 3 that may run, 1 to reuse, 9 fresh; about 41s``."""
    if not plan.steps:
        withheld = len(shapes.withheld_standings(plan))
        if withheld:
            waits = "it has" if withheld == 1 else "they have"
            return f"nothing to run: {withheld} not up to date until {waits} changed or been named, {plan.fresh} fresh"
        return f"nothing to do: {_count(plan.fresh, 'partition')} fresh"
    counts = plan.steps.counts
    words = {Action.RUN: "to run", Action.MAYBE: "may run", Action.REUSE: "to reuse", Action.CHECK: "to check"}
    said = [f"{n} {words[action]}" for action, n in counts.items() if n] + [f"{plan.fresh} fresh"]
    run = (part for part in plan.steps.parts if part.action not in {Action.REUSE, Action.CHECK})
    known = [s.seconds * (len(s.keys) if isinstance(s, Alike) else 1) for s in run if s.seconds is not None]
    return ", ".join(said) + (f"; about {duration_text(sum(known))} of work" if known else "")


def explain(
    session: Session, address: Annotated[str, typer.Argument(help="group.name[@partition]", autocompletion=known_names)]
) -> None:
    """Why an asset is in its state, why it last ran, and what differs between then and now."""
    project = session.project()
    found = project.explain(address)
    session.tell_unavailable(project, quiet=True)
    if session.out.json:
        session.out.object(
            key=str(found.partition.asset),
            partition=found.partition.key,
            state=str(found.state),
            kept="forward_only" if found.kept else None,
            causes=[shapes.cause(c) for c in found.causes],
            trace={"recorded": found.recorded, "today": found.today},
            differences=[
                {"part": d.part, "name": d.name, "old": d.old, "new": d.new, "where": d.where}
                for d in found.differences
            ],
            last_run=found.last_run,
        )
        return
    out = session.out
    out.line(f"{found.partition} is {found.state}")
    if found.kept:
        out.line("  kept: forward_only: what changed is for partitions that are not made yet")
    for each in found.causes:
        out.line(f"  {each.kind}: {each.message}")
    if last := found.last_run:
        out.line(f"last made in run {last['run']}, {local_time(last['at'])}, as :v{last['version']}")
    if found.differences:
        out.line("what differs between that and today:")
        out.table(
            ["part", "name", "then", "now", "where"],
            [[d.part, d.name, _short(d.old), _short(d.new), d.where] for d in found.differences],
        )
    elif found.recorded is not None:
        out.line("made from exactly today's code, types, parameters, resources and inputs" if not found.causes else "")


def _step_rows(plan: Plan) -> list[list[str]]:
    """A row a step; many in a row of one asset that do the same for the same reasons share one."""
    rows: list[list[str]] = []
    for _, group in groupby(plan.steps.parts, key=lambda each: (each.node, each.action, _because(each.causes))):
        parts = list(group)
        many = sum(len(part.keys) if isinstance(part, Alike) else 1 for part in parts)
        if many > _TOLD_TOGETHER:
            first, last = parts[0], parts[-1]
            begin = first.step(0) if isinstance(first, Alike) else first
            end = last.step(len(last.keys) - 1) if isinstance(last, Alike) else last
            rows.append(_shared_row(begin, end, many))
        else:
            rows += [_step_row(step) for step in Steps(parts)]
    return rows


def _shared_row(first: Step, last: Step, count: int) -> list[str]:
    name, will, reasons = _step_row(first)
    return [f"{name} to {last.key} ({count:,})", will, reasons]


def _step_row(step: Any) -> list[str]:
    words = {Action.RUN: "run", Action.MAYBE: "maybe", Action.REUSE: "reuse", Action.CHECK: "check"}
    name = ", ".join(str(output) for output in step.outputs)
    return [name, words[step.action], _because(step.causes)]


def _because(causes: Sequence[Any]) -> str:
    shown = "; ".join(c.message for c in causes[:CAUSES_SHOWN])
    more = len(causes) - CAUSES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def told(standing: Any) -> str:
    """The reasons of a Standing or an AssetStatus, and first how its last attempt ended."""
    setback = standing.setback
    reasons = _because(standing.causes)
    if setback is None:
        return reasons
    ended = f"{setback.kind} in run {setback.run}: {setback.message}".split("\n")[0]
    return f"{ended}; {reasons}" if reasons else ended


def _short(text: str) -> str:
    return text if len(text) <= 16 or not _is_digest(text) else text[:10]


def _is_digest(text: str) -> bool:
    return len(text) == 32 and all(c in "0123456789abcdef" for c in text)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _markdown(out: Output, plan: Plan) -> None:
    """The plan as a table for a pull request's comment."""
    out.line(f"**{summary(plan)}** (environment `{plan.environment}`)")
    if plan.steps:
        out.line()
        out.line("| step | will | because |")
        out.line("|---|---|---|")
        for step in plan.steps:
            cells = (cell.replace("|", "\\|").replace("\n", " ") for cell in _step_row(step))
            out.line(f"| {' | '.join(cells)} |")
