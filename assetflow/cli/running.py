"""``materialize``: make it so."""

from __future__ import annotations

import math
import signal
import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assetflow.cli import shapes
from assetflow.cli.deciding import Partition, Selection, show_plan, summary, tell_withheld
from assetflow.cli.output import Output
from assetflow.cli.session import Session
from assetflow.errors import UsageError
from assetflow.model.durations import duration_text
from assetflow.model.plan import Action, Alike, Plan, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assetflow.model.checks import Verdict
    from assetflow.model.event import StepFinished
    from assetflow.model.journal import Failure
    from assetflow.model.keys import AssetKey
    from assetflow.project import Project, Result
    from assetflow.project.running import RunOptions

__all__ = ["check", "materialize"]


def materialize(
    session: Session,
    selection: Selection = None,
    partition: Partition = None,
    only: Annotated[bool, typer.Option("--only", help="Exactly the selection, not what it needs.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Run the selection even where it is fresh.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try again what failed for good.")] = False,
    accept_schema_changes: Annotated[
        bool, typer.Option("--accept-schema-changes", help="Publish tables whose columns changed, this once.")
    ] = False,
    fail_fast: Annotated[bool, typer.Option("-x", "--fail-fast", help="Stop at the first failure.")] = False,
    jobs: Annotated[
        int | None, typer.Option("-j", "--jobs", "--parallel", help="How many steps at once; the cores by default.")
    ] = None,
    chunk: Annotated[
        int | None, typer.Option("--chunk", min=1, help="How many partitions one call makes at most, with batch=.")
    ] = None,
    newest_first: Annotated[
        bool, typer.Option("--newest-first", help="Begin with the partitions of the newest windows.")
    ] = False,
    executor: Annotated[str | None, typer.Option("--executor", help="inline or threads.")] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A run parameter, for this command only.")
    ] = None,
    log_format: Annotated[
        Literal["text", "json"],
        typer.Option("--log-format", help="json: a line on stderr for all that happens and all that steps log."),
    ] = "text",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before a large plan.")] = False,
) -> int:
    """Make the selection up to date, and first whatever it needs. Without a selection: everything."""
    from assetflow.model.journal import Outcome  # noqa: PLC0415 - a command body loads what it needs
    from assetflow.project.running import RunOptions  # noqa: PLC0415

    project = session.project(sets=tuple(sets or ()))
    if sets and not session.out.json:
        names = ", ".join(pair.split("=")[0] for pair in sets)
        table = "[tool.assetflow.parameters]" if project.settings.file == "pyproject.toml" else "[parameters]"
        session.out.note(f"--set is for this command only; {table} in {project.settings.file} keeps {names}")
    session.refuse_protected(project.settings, sets or ())
    plan = project.plan(
        *(selection or ()),
        partitions=partition,
        only=only,
        force=force,
        retry_failed=retry_failed,
        accept_schema_changes=accept_schema_changes,
        strict=True,
    )
    lines = log_format == "json"
    if partition is None and not yes:
        _confirm(session.out, project, plan)
    elif partition is not None and plan.steps and not (session.out.json or lines):
        show_plan(session.out, plan)
    if chunk is not None and not any(project.loaded.bound[part.node].batch for part in _made_by(plan)):
        session.out.note("--chunk says nothing here: no asset of this plan makes several partitions by one call")
    options = RunOptions(
        targets=tuple(selection or ()),
        jobs=jobs,
        executor=executor,
        fail_fast=fail_fast,
        chunk=chunk,
        newest_first=newest_first,
    )
    result = _run(session.out, project, plan, options, lines=lines)
    while again := project.healing(plan, result):
        if not (session.out.json or lines):
            _tell(session.out, plan, result)
        damaged = ", ".join(map(str, sorted(again.damaged - plan.damaged)))
        if not lines:
            session.out.note(f"damaged in the store, and now made anew: {damaged}", style="yellow")
        plan = again
        result = _run(session.out, project, plan, options, lines=lines)
    total = result
    while again := project.following(plan, result):
        if not (session.out.json or lines):
            _tell(session.out, plan, result)
            session.out.note("there are new partitions", style="yellow")
        plan = again
        result = _run(session.out, project, plan, options, lines=lines)
        total = result.after(total)
    if session.out.json:
        session.out.object(
            run=result.run,
            status=str(total.status),
            counts={str(o): total.counts.get(o, 0) for o in Outcome},
            steps=shapes.finished_steps(total.steps, project.loaded.graph.definitions),
        )
    elif result.run is None or not lines:
        _tell(session.out, plan, result)
    left = {str(s.state) for _, s, _ in plan.standings.summed()} & {"failed", "held", "degraded"}
    if result.run is None and left:
        return 1 if "failed" in left else 4
    return _exit_code(total)


def check(session: Session, selection: Selection = None, partition: Partition = None) -> int:
    """Ask the checks of the selection (by default all) about what is there. Nothing is made."""
    from assetflow.project.running import RunOptions  # noqa: PLC0415 - a command body loads what it needs

    project = session.project()
    session.refuse_protected(project.settings)
    options = RunOptions(targets=tuple(selection or ()))
    result = project.check(*(selection or ()), partitions=partition, options=options)
    verdicts = [verdict for step in result.steps for verdict in step.verdicts]
    if session.out.json:
        checks = [{"key": str(v.partition.asset), "partition": v.partition.key, **shapes.verdict(v)} for v in verdicts]
        session.out.object(run=result.run, status=str(result.status), checks=checks)
        return _exit_code(result)
    if not verdicts:
        session.out.line("no checks" if not result.steps else "nothing could be checked")
    else:
        rows = [
            [str(v.partition), v.check, session.out.mark(_word(v)), v.message.replace("\n", "; ")] for v in verdicts
        ]
        session.out.table(["asset", "check", "verdict", "because"], rows)
    counts: dict[str, int] = {}
    for verdict in verdicts:
        counts[_word(verdict)] = counts.get(_word(verdict), 0) + 1
    if verdicts:
        many = "" if len(verdicts) == 1 else "s"
        session.out.note(f"{len(verdicts)} check{many}: " + ", ".join(f"{n} {word}" for word, n in counts.items()))
    for step in result.steps:
        if step.failure is not None and not step.verdicts:  # what is there could not be read
            _tell_failure(session.out, result, step, step.failure)
    return _exit_code(result)


def _word(verdict: Verdict) -> str:
    failed = verdict.status == "failed"
    return "warned" if failed and not verdict.holds_back else str(verdict.status)


def _run(out: Output, project: Project, plan: Plan, options: RunOptions, *, lines: bool) -> Result:
    if lines:
        from assetflow.cli.jsonlog import JsonLog  # noqa: PLC0415 - a command body loads what it needs

        log = JsonLog(out.err)
        return project.run(plan, replace(options, listeners=(log,), log_lines=log.line))
    from assetflow.cli.progress import Progress  # noqa: PLC0415

    with Progress(out) as progress:
        return project.run(plan, replace(options, listeners=(progress,)))


def _confirm(out: Output, project: Project, plan: Plan) -> None:
    """Ask before a plan that is large, or that asks much of what is outside."""
    limit = project.settings.confirm_above
    calls = max(_calls_outside(project, plan), default=(0, ""))
    if len(plan.steps) > limit:
        why = f"this plan has {len(plan.steps):,} steps, more than confirm_above = {limit:,}"
    elif calls[0] * _OUTSIDE > limit:
        why = f"this plan calls {calls[1]}, which takes a resource, {calls[0]:,} times, more than {limit // _OUTSIDE:,}"
    else:
        return
    if not sys.stdin.isatty() or out.json:
        hint = "give --yes, name partitions, or raise confirm_above in the settings"
        raise UsageError("plan-too-large", why, hint=hint)
    out.note(why)
    out.note(summary(plan))
    if not typer.confirm("run all of it?", err=True):
        raise UsageError("not-confirmed", "nothing was run")


#: A call of an asset that takes a resource counts as so many steps.
_OUTSIDE = 100


def _calls_outside(project: Project, plan: Plan) -> Iterator[tuple[int, str]]:
    """How often each asset is called that takes a resource."""
    steps: Counter[AssetKey] = Counter()
    for part in _made_by(plan):
        steps[part.node] += 1 if isinstance(part, Step) else len(part.keys)
    for node, count in steps.items():
        bound = project.loaded.bound[node]
        if bound.resources:
            most = 1 if bound.batch is None else bound.batch.most or count
            yield math.ceil(count / most), str(node)


def _made_by(plan: Plan) -> Iterator[Step | Alike]:
    """The steps of a plan that may call a function."""
    return (part for part in plan.steps.parts if part.action in {Action.RUN, Action.MAYBE})


def _tell(out: Output, plan: Plan, result: Result) -> None:
    if result.run is None:
        tell_withheld(out, plan)
        out.line(summary(plan))
        return
    counts = {outcome: n for outcome, n in result.counts.items() if n}
    said = ", ".join(f"{n} {str(outcome).replace('_', ' ')}" for outcome, n in counts.items())
    spared = f", {duration_text(result.spared)} spared" if result.spared >= 0.01 else ""
    fresh = f" ({plan.fresh} {'was' if plan.fresh == 1 else 'were'} fresh)" if plan.fresh else ""
    out.line(f"run {result.run} {result.status} in {duration_text(result.seconds)}: {said}{spared}{fresh}")
    for step in result.steps:
        for verdict in step.verdicts:
            if not verdict.passed and not verdict.holds_back:
                how = "broke" if verdict.status == "broke" else "failed"
                said = f"{verdict.partition}: check {verdict.check} {how}: {verdict.message}"
                out.note(f"warning: {said}".rstrip(": "), style="yellow")
    alike: dict[tuple[object, ...], list[StepFinished]] = {}
    for step in result.steps:
        if (failure := step.failure) is not None:
            said = failure.message.replace(step.step.key, "…") if step.step.key else failure.message
            alike.setdefault((step.step.asset, step.outcome, failure.type, said), []).append(step)
    for first, *others in alike.values():
        assert first.failure is not None
        _tell_failure(out, result, first, first.failure)
        if others:
            shown = ", ".join(step.step.key for step in others[:_TOLD_ALIKE])
            more = f" and {len(others) - _TOLD_ALIKE:,} more" if len(others) > _TOLD_ALIKE else ""
            out.note(f"  so it is with {shown}{more}", style="dim")


#: Partitions that are named because the same was wrong with them.
_TOLD_ALIKE = 5
_SAID = {"held": "is held back: ", "degraded": "is current and does not pass: "}


def _tell_failure(out: Output, result: Result, step: StepFinished, failure: Failure) -> None:
    first, *rest = failure.message.split("\n")
    kind = f" ({failure.kind}: {failure.reason})" if failure.reason else f" ({failure.kind})"
    out.note("")
    said = _SAID.get(str(step.outcome), f"failed: {failure.type}: ")
    out.note(f"{step.step} {said}{first}{kind}", style="magenta" if str(step.outcome) in _SAID else "red")
    for line in rest[:20]:
        out.note(f"  {line}")
    if ' File "' in failure.traceback:  # else there is no frame of the user's to look at
        for line in failure.traceback.rstrip().split("\n")[-8:]:
            if line:
                out.note(f"  {line}", style="dim")
    more = f"assetflow logs {result.run} {step.outputs[0].asset} shows all of it"
    if step.outcome == "degraded":
        more = f"it stays current: assetflow materialize {step.outputs[0].asset} --force makes it anew"
    elif step.outcome == "held" and not step.attempts:
        more = f"what was made before serves on; assetflow check {step.outputs[0].asset} asks again"
    elif step.outcome == "held":
        more = f"assetflow history {step.outputs[0].asset} lists it as never current; assetflow cat shows it by its :vN"
        if step.versions and step.versions[0] > 1:
            more = (
                f"assetflow diff {step.outputs[0]} compares it with what is current; assetflow cat shows it by its :vN"
            )
    out.note(f"  {more}", style="dim")


def _exit_code(result: Result) -> int:
    if result.status == "cancelled":
        return 128 + (result.signal or signal.SIGINT)
    if result.status != "failed":
        return 0
    counts = {str(outcome): n for outcome, n in result.counts.items()}
    return 4 if (counts.get("held") or counts.get("degraded")) and not counts.get("failed") else 1
