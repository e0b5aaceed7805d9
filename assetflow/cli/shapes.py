"""Values as the JSON objects that docs/reference/json.md describes."""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

from assetflow.graph.columns import WHOLE
from assetflow.model.plan import State

if TYPE_CHECKING:  # so that --help need not load them
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from assetflow.catalog.records import Attempt, Run, Version
    from assetflow.graph.classes import Holds
    from assetflow.graph.columns import ColumnAddress
    from assetflow.load.definitions import BoundProduct
    from assetflow.model.checks import Verdict
    from assetflow.model.definition import Definition
    from assetflow.model.event import StepFinished
    from assetflow.model.keys import AssetKey, Partition
    from assetflow.model.lineage import ColumnEdge
    from assetflow.model.plan import Cause, Plan
    from assetflow.project.results import PartitionStatus
    from assetflow.upkeep.diff import Diff
    from assetflow.upkeep.gc import Collected

__all__ = [
    "attempt",
    "cause",
    "collected",
    "column_edge",
    "definition",
    "difference",
    "finished_steps",
    "holding",
    "materialization",
    "partition",
    "plan_object",
    "product",
    "run",
    "time",
    "time_utc",
    "verdict",
    "version",
    "withheld_standings",
]


def time(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, or null."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def time_utc(moment: datetime | None) -> str:
    """ISO 8601 in UTC for a person, to the minute where nothing is lost; empty for None."""
    if moment is None:
        return ""
    at = moment.astimezone(UTC)
    return at.isoformat(timespec="seconds" if at.second else "minutes").replace("+00:00", "Z")


def partition(value: PartitionStatus) -> dict[str, Any]:
    """``{key, keys, start, end, state, version, materialized_at}``."""
    return {
        "key": value.partition.key,
        "keys": dict(value.keys),
        "start": None if value.start is None else time(value.start.astimezone(UTC)),
        "end": None if value.end is None else time(value.end.astimezone(UTC)),
        "state": str(value.state),
        "causes": [cause(each) for each in value.causes],
        "version": value.version,
        "materialized_at": time(value.materialized_at),
    }


def _cell(value: Partition, known: Mapping[AssetKey, Definition]) -> dict[str, Any]:
    """``{key, partition, keys}`` of a partition of an asset that is known."""
    from assetflow.model.partitioning import dimension_values  # noqa: PLC0415 - a command body loads what it needs

    definition = known.get(value.asset)
    keys = {} if definition is None else dimension_values(definition.partitioning, value.key)
    return {"key": str(value.asset), "partition": value.key, "keys": dict(keys)}


def column_edge(value: ColumnEdge) -> dict[str, Any]:
    """``{from, to, evidence, role, reason}``; an asset's key stands for all of it, or for its rows."""
    return {
        "from": f"{value.source}.{value.column}" if value.column else str(value.source),
        "to": f"{value.target}.{value.into}" if value.into else str(value.target),
        "evidence": value.evidence.value,
        "role": value.role.value,
        "reason": value.reason or None,
    }


def cause(value: Cause) -> dict[str, Any]:
    """``{kind, message, input, columns, old, new}``."""
    return {
        "kind": str(value.kind),
        "message": value.message,
        "input": str(value.input) if value.input else None,
        "columns": list(value.columns),
        "old": value.old or None,
        "new": value.new or None,
    }


def plan_object(plan: Plan, known: Mapping[AssetKey, Definition]) -> dict[str, Any]:
    """``{environment, steps, fresh}``: one step object per partition, never a range."""
    steps = [
        {
            **_cell(output, known),
            "action": str(step.action),
            "requested": step.requested,
            "causes": [cause(c) for c in step.causes],
            "estimated_seconds": step.seconds,
        }
        for step in plan.steps
        for output in step.outputs
    ]
    withheld = [
        {**_cell(p, known), "state": str(s.state), "causes": [cause(c) for c in s.causes]}
        for p, s in sorted(withheld_standings(plan).items())
    ]
    return {
        "environment": plan.environment,
        "steps": steps,
        "fresh": plan.fresh,
        "withheld": withheld,
        "ignored": [str(p) for p in plan.ignored],
        "awaited": [{"key": str(asset), "source": str(source)} for asset, source in plan.awaited.items()],
        "kept": [
            {**_cell(p, known), "because": "forward_only", "causes": [cause(c) for c in causes]}
            for p, causes in plan.forward.items()
        ],
    }


def withheld_standings(plan: Plan) -> dict[Any, Any]:
    """What is not fresh and yet has no step: it failed for good, is made by someone else, or waits for such."""
    planned = {output for step in plan.steps.singly for output in step.outputs}
    singly = plan.standings.singly.items()  # those that stand alike are planned
    return {p: s for p, s in singly if p not in planned and s.state not in {State.SKIPPED, State.FRESH}}


def finished_steps(events: Sequence[StepFinished], known: Mapping[AssetKey, Definition]) -> list[dict[str, Any]]:
    """The steps of a run, one object per partition, in the order in which they were committed."""
    return [
        {
            **_cell(output, known),
            "outcome": str(event.outcome),
            "version": event.versions[place] if place < len(event.versions) else None,
            "seconds": round(event.seconds, 6),
            "attempts": event.attempts,
            "causes": [cause(c) for c in event.causes],
            "reason": event.reason or None,
            "error": None
            if event.failure is None
            else {"class": str(event.failure.kind), "type": event.failure.type, "message": event.failure.message},
            "checks": [verdict(v) for v in event.verdicts if v.partition == output],
        }
        for event in events
        for place, output in enumerate(event.outputs)
    ]


def verdict(value: Verdict) -> dict[str, Any]:
    """What one check said."""
    return {
        "check": value.check,
        "status": str(value.status),
        "severity": str(value.severity),
        "message": value.message or None,
        "metrics": dict(value.metrics),
        "sample": json.loads(value.sample) if value.sample else [],
        "seconds": round(value.seconds, 6),
    }


def holding(at: ColumnAddress, value: Holds) -> dict[str, Any]:
    """A kind of secret that a column holds."""
    return {
        "column": None if at.column == WHOLE else at.column,
        "name": value.name,
        "of": str(value.of),
        "sure": value.sure,
    }


def product(key: AssetKey, bound: BoundProduct | None) -> dict[str, Any] | None:
    """The product that an asset belongs to, and whether others may use it there."""
    if bound is None:
        return None
    return {"name": bound.product.name, "owner": bound.product.owner or None, "exposed": key in bound.exposes}


def definition(value: Definition) -> dict[str, Any]:
    """One asset as ``list`` shows it."""
    return {
        "key": str(value.key),
        "group": value.key.group,
        "name": value.key.name,
        "kind": str(value.kind),
        "type": value.type or None,
        "columns": [
            {"name": c.name, "type": c.type, "nullable": c.nullable, "rules": list(c.rules)} for c in value.columns
        ]
        or None,
        "checks": [
            {
                "name": c.name,
                "severity": c.severity,
                "description": c.description,
                "reads": [str(asset) for asset in c.reads],
                "where": c.where,
            }
            for c in value.checks
        ],
        "partitioning": value.partitioning,
        "inputs": [
            {
                "name": i.parameter or None,
                "key": str(i.asset),
                "mapping": i.mapping.text,
                "columns": list(i.columns) if i.columns is not None else None,
            }
            for i in value.inputs
        ],
        "parameters": [
            {"name": p.name, "type": p.type, "value": p.value, "origin": p.origin} for p in value.parameters
        ],
        "resources": [{"parameter": r.parameter, "name": r.name, "type": r.type} for r in value.resources],
        "code_version": value.code_version or None,
        "untracked": [{"what": u.what, "where": u.where} for u in value.untracked],
        "owners": list(value.owners),
        "tags": list(value.tags),
        "description": value.description,
        "metadata": dict(value.metadata),
        "retain": None if value.retain is None else value.retain.total_seconds(),
        "where": value.where,
    }


def materialization(version: Version, known: Mapping[AssetKey, Definition]) -> dict[str, Any]:
    """One version of a value as ``history`` shows it."""
    m, stored = version.materialization, version.stored
    size = stored.blob.size if stored.blob else len(stored.inline) if stored.inline is not None else None
    return {
        **_cell(m.partition, known),
        "version": m.version,
        "run": version.run,
        "attempt": version.attempt_number,
        "environment": version.environment,
        "code_version": m.recipe.code or None,
        "data_version": m.data.digest,
        "created_at": time(m.made_at),
        "seconds": m.seconds,
        "rows": m.data.rows,
        "bytes": size,
        "freed": m.freed,
        "uri": stored.blob.name if stored.blob else stored.uri or None,
        "digest": stored.blob.digest if stored.blob else None,
        "codec": stored.codec,
        "published": version.published,
        "inputs": [
            {
                **_cell(read.partition, known),
                "version": read.version,
                "data_version": read.data_version,
                "columns": None if read.columns is None else list(read.columns),
            }
            for read in version.inputs
        ],
        "metadata": {name: json.loads(text) for name, text in stored.metadata},
    }


def collected(value: Collected) -> dict[str, Any]:
    """``{dry_run, bytes, values, leftovers, unknown, dropped}``: what was freed, or would be."""
    return {
        "dry_run": value.dry_run,
        "bytes": value.bytes,
        "values": [
            {
                "uri": each.name,
                "bytes": each.size,
                "versions": [
                    {
                        "key": str(v.partition.asset),
                        "partition": v.partition.key,
                        "version": v.version,
                        "until": time(v.until),
                    }
                    for v in each.versions
                ],
            }
            for each in value.values
        ],
        "leftovers": [{"kind": str(e.kind), "name": e.name or None, "bytes": e.bytes} for e in value.leftovers],
        "unknown": [{"name": e.name, "bytes": e.bytes} for e in value.unknown],
        "dropped": [{"key": str(p.asset), "partition": p.key} for p in value.dropped],
    }


def version(value: Version) -> dict[str, Any]:
    """Which version it is: ``{key, partition, version, rows, data_version, published}``."""
    m = value.materialization
    return {
        "key": str(m.partition.asset),
        "partition": m.partition.key,
        "version": m.version,
        "rows": m.data.rows,
        "data_version": m.data.digest,
        "published": value.published,
    }


def difference(value: Diff) -> dict[str, Any]:
    """In what two versions differ."""
    rows = value.rows
    return {
        "before": version(value.before),
        "after": version(value.after),
        "equal": value.equal,
        "columns": {
            "added": [{"name": name, "type": kind} for name, kind in value.added.items()],
            "removed": [{"name": name, "type": kind} for name, kind in value.removed.items()],
            "changed": [{"name": name, "old": old, "new": new} for name, (old, new) in value.retyped.items()],
        },
        "key_columns": list(value.key),
        "rows": None
        if rows is None
        else {"added": rows.added, "removed": rows.removed, "changed": rows.changed, "equal": rows.equal},
        "changed": [{"column": name, "rows": count} for name, count in value.changed.items()],
        "sample": {
            "added": [dict(row) for row in value.new_rows],
            "removed": [dict(row) for row in value.old_rows],
            "changed": [{"row": dict(c.key), "column": c.column, "old": c.old, "new": c.new} for c in value.changes],
        },
        "lines": None if value.rows is not None or value.lines is None else list(value.lines),
    }


def run(value: Run) -> dict[str, Any]:
    """One run as ``runs`` shows it."""
    return {
        "id": value.id,
        "status": str(value.status),
        "started_at": time(value.started_at),
        "finished_at": time(value.finished_at),
        "environment": value.environment,
        "targets": list(value.targets),
        "counts": dict(value.counts),
    }


def attempt(value: Attempt) -> dict[str, Any]:
    """One attempt as ``runs show`` shows it."""
    return {
        "id": value.id,
        "key": str(value.step.asset),
        "partition": value.step.key,
        "number": value.number,
        "outcome": None if value.outcome is None else str(value.outcome),
        "started_at": time(value.started_at),
        "seconds": value.seconds,
        "wait": value.wait,
        "reason": value.reason or None,
        "error": {"class": str(value.failure), "type": value.error_type, "message": value.message}
        if value.error_type
        else None,
    }
