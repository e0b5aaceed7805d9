"""Why a step is not fresh: the differences between what a value was made from and what it would be made from today."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from assetflow.model.definition import Input
from assetflow.model.durations import duration_text
from assetflow.model.history import History, Materialization, Setback, SetbackKind
from assetflow.model.keys import AssetKey, Partition
from assetflow.model.plan import Cause, CauseKind
from assetflow.model.trace import Edge, Recipe, Trace, edge_digest
from assetflow.model.versions import CodePart, DataVersion
from assetflow.plan.ageing import Age

__all__ = [
    "blocked",
    "corrupt",
    "differences",
    "differences_of",
    "expired",
    "failing",
    "forced",
    "input_named",
    "missing",
    "passing",
    "stale_input",
    "unmet",
    "upstream",
]

#: Changed parts of the code that are named one by one.
_MOST_PARTS = 10
_MOST_TEXT = 60


def missing(output: AssetKey | None = None) -> Cause:
    """No value is current; of a step of several outputs, the one that lacks it is named."""
    return Cause(kind=CauseKind.MISSING, message=f"{output} has no value yet" if output else "no value yet")


def forced() -> Cause:
    return Cause(kind=CauseKind.FORCED, message="asked for by force")


def corrupt(lost: Materialization) -> Cause:
    """The current value's bytes are gone or known to be damaged."""
    return Cause(
        kind=CauseKind.CORRUPT,
        message=f"the stored value {lost.partition}:v{lost.version} is gone or damaged",
        old=f"v{lost.version}",
    )


def expired(old: Materialization, age: Age, lookback: int | None) -> Cause:
    """It is as old as its asset's ``max_age`` or older, or a window that may bring late data has ended since."""
    max_age = age.max_age
    if age.since is not None and old.began_at < age.since:
        ended = f"{age.since:%Y-%m-%d %H:%M} UTC"
        made = f"made before a window ended at {ended} (lookback={lookback})"
        message = made if lookback else f"made before its window ended at {ended}"
        return Cause(kind=CauseKind.EXPIRED, message=message, old=old.made_at.isoformat(), new=age.since.isoformat())
    if not max_age:
        return Cause(kind=CauseKind.EXPIRED, message="it is made anew in every run (max_age=0)")
    past = duration_text((age.as_of - old.made_at).total_seconds())
    limit = duration_text(max_age.total_seconds())
    return Cause(kind=CauseKind.EXPIRED, message=f"made {past} ago, max_age is {limit}", old=past, new=limit)


def upstream(asset: AssetKey) -> Cause:
    """An earlier step of the plan may change this input."""
    return Cause(kind=CauseKind.UPSTREAM, message=f"{asset} may change", input=asset)


def stale_input(asset: AssetKey) -> Cause:
    """An input is not fresh, though the version it will have, or is taken at, asks for nothing to be made."""
    return Cause(kind=CauseKind.UPSTREAM, message=f"{asset} is not fresh", input=asset)


def nothing_to_read(asset: AssetKey, key: str) -> Cause:
    """No key of an input exists for a key of its reader, before its start or while its window has not ended."""
    what = f"no partition of {asset} is there for {key} (yet)" if key else f"{asset} has no such partition (yet)"
    return Cause(kind=CauseKind.MISSING, message=what, input=asset)


def unmet(input: Partition) -> Cause:
    """An input has no value, and this plan makes none."""
    return Cause(kind=CauseKind.UPSTREAM, message=f"{input} has no value", input=input.asset)


def failing(input: Partition, check: str) -> Cause:
    """A source's content of today fails a blocking check: nobody is given it."""
    return Cause(kind=CauseKind.UPSTREAM, message=f"{input} fails the check {check}", input=input.asset)


def passing(held: Partition) -> Cause:
    """What was held back is not what today's checks object to."""
    return Cause(kind=CauseKind.CHECK, message=f"no check of today fails what was held back of {held}")


def blocked(by: Partition, setback: Setback) -> Cause:
    """An input, near or far, has no value for today, and is not tried again."""
    what = {
        SetbackKind.FAILED: "failed and is not tried again until something changes",
        SetbackKind.HELD: "is held back",
        SetbackKind.SKIPPED: "was skipped and has no value",
    }[setback.kind]
    detail = f": {_in_one_line(setback.message)}" if setback.message else ""
    return Cause(kind=CauseKind.UPSTREAM, message=f"{by} {what}{detail}", input=by.asset)


def _in_one_line(message: str) -> str:
    """The beginning of a message that may have several lines."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return ": ".join(lines[:2]) + (" …" if len(lines) > 2 else "")


def differences_of(trace: Trace, histories: Iterable[History], digest: str | None) -> tuple[Cause, ...]:
    """What differs between today's trace and those of the outputs' current values, and which inputs are pending."""
    found: list[Cause] = []
    seen: set[str] = set()
    for history in histories:
        current = history.current
        if current is not None and current.trace != digest and current.trace not in seen:
            seen.add(current.trace)
            found += differences(current, trace)
    if len(seen) > 1:
        found = list(dict.fromkeys(found))
    if digest is None:
        found += [upstream(asset) for asset in dict.fromkeys(edge.asset for edge in trace.edges if edge.digest is None)]
    return tuple(found)


def differences(recorded: Materialization, today: Trace) -> tuple[Cause, ...]:
    """Each difference as a cause: code part by part, parameters, resources, types, inputs.

    Pending inputs are left out, so that nothing at all may be found while one is; with every input known and unequal
    digests there is at least one cause.
    """
    found: list[Cause] = []
    edges = list(_edges(recorded.edges, today.edges))
    if recorded.recipe.digest != today.recipe.digest:
        others = any(cause.kind in _OTHER_INPUTS for cause in edges)
        found += _recipe(recorded.recipe, today.recipe, other_inputs=others)
    found += edges
    same_window = replace(today, recipe=recorded.recipe, edges=recorded.edges).digest == recorded.trace
    if not same_window and (today.window or not found):
        found.append(
            Cause(kind=CauseKind.TYPE, message="the partition stands for something else now", new=today.window)
        )
    return tuple(dict.fromkeys(found))


_OTHER_INPUTS = frozenset({CauseKind.DEPENDENCY_ADDED, CauseKind.DEPENDENCY_REMOVED})


def _recipe(old: Recipe, new: Recipe, *, other_inputs: bool) -> Iterator[Cause]:
    if old.code != new.code:
        yield from _code(old, new)
    for name, before, after in _changed(dict(old.parameters), dict(new.parameters)):
        yield _change(CauseKind.PARAMETER, f"parameter {name}", before, after)
    for name, before, after in _changed(dict(old.resources), dict(new.resources)):
        yield from _fields(CauseKind.RESOURCE, f"resource {name}", before, after)
    if old.type != new.type:
        yield from _declared(old.type, new.type, other_inputs=other_inputs)


def _declared(old: str, new: str, *, other_inputs: bool) -> Iterator[Cause]:
    before, after = _object(old), _object(new)
    if before is None or after is None:
        yield _change(CauseKind.TYPE, "declared", old, new)
        return
    for name, was, now in _changed(before, after):
        found: list[Cause] | None = None
        if name == "inputs" and was is not None and now is not None:
            with suppress(TypeError, ValueError):  # recorded in another form than today's
                found = _inputs(was, now, other_inputs=other_inputs)
        yield from [_change(CauseKind.TYPE, f"declared {name}", was, now)] if found is None else found


#: How an input is taken, as a trace has it.
_SHAPES = {
    "value": "one value",
    "dict": "a dict by key",
    "iterator": "one value after the other",
    "table": "one table of several partitions",
}


def _inputs(old: str, new: str, *, other_inputs: bool) -> list[Cause] | None:
    """What changed in how inputs are taken, one by one where these are the same as before; None where nobody can say.

    Where they are others, that is a cause of its own, and says enough.
    """
    before, after = json.loads(old), json.loads(new)
    if len(before) != len(after):
        return [] if other_inputs else None
    found: list[Cause] = []
    for (shape, kind, *rest), (new_shape, new_kind, *new_rest) in zip(before, after, strict=True):
        if shape != new_shape:
            message = f"an input is taken as {_SHAPES.get(new_shape, new_shape)}, not as {_SHAPES.get(shape, shape)}"
            found.append(Cause(kind=CauseKind.TYPE, message=message, old=shape, new=new_shape))
        if kind != new_kind:
            found.append(_change(CauseKind.TYPE, "the type of an input", kind or "none", new_kind or "none"))
        if rest != new_rest:
            found.append(_change(CauseKind.TYPE, "what is said of an input", json.dumps(rest), json.dumps(new_rest)))
    return found


def _code(old: Recipe, new: Recipe) -> Iterator[Cause]:
    if old.declared != new.declared:
        yield _change(CauseKind.CODE, "declared version", old.declared or "none", new.declared or "none")
        return
    before, after = ({part.name: part for part in recipe.parts} for recipe in (old, new))
    names = [name for name in sorted({*before, *after}) if _digest(before.get(name)) != _digest(after.get(name))]
    for name in names[:_MOST_PARTS]:
        yield _part(name, before.get(name), after.get(name))
    if len(names) > _MOST_PARTS:
        yield Cause(kind=CauseKind.CODE, message=f"and {len(names) - _MOST_PARTS} more parts of the code changed")
    if not names:
        yield Cause(kind=CauseKind.CODE, message="its code changed", old=old.code[:8], new=new.code[:8])


def _digest(part: CodePart | None) -> str:
    return part.digest if part else ""


def _part(name: str, was: CodePart | None, now: CodePart | None) -> Cause:
    if now is None:
        return Cause(kind=CauseKind.CODE, message=f"the code no longer uses {name}", old=was.text if was else "")
    where = f" ({now.where})" if now.where else ""
    if was is None:
        return Cause(kind=CauseKind.CODE, message=f"the code uses {name} now{where}", new=now.text)
    old, new = was.text, now.text
    if old != new:
        message = f"constant {name} changed: {_short(old)} → {_short(new)}{where}"
        return Cause(kind=CauseKind.CODE, message=message, old=old, new=new)
    return Cause(kind=CauseKind.CODE, message=f"{name} changed{where}", old=was.digest[:8], new=now.digest[:8])


def _fields(kind: CauseKind, what: str, old: str | None, new: str | None) -> Iterator[Cause]:
    """The fields that differ between two texts of JSON, or the texts as wholes where these are not objects."""
    before, after = _object(old), _object(new)
    if before is None or after is None:
        yield _change(kind, what, old, new)
        return
    for name, was, now in _changed(before, after):
        yield _change(kind, f"{what} {name}", was, now)


def _object(text: str | None) -> dict[str, str] | None:
    try:
        value = json.loads(text or "")
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    return {name: json.dumps(field, ensure_ascii=False) for name, field in value.items()}


def _changed(old: dict[str, str], new: dict[str, str]) -> list[tuple[str, str | None, str | None]]:
    names = sorted({*old, *new})
    return [(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]


def _change(kind: CauseKind, what: str, old: str | None, new: str | None) -> Cause:
    if old is None:
        message = f"{what} is new: {_short(new or '')}"
    elif new is None:
        message = f"{what} is gone, was {_short(old)}"
    else:
        message = f"{what} changed: {_short(old)} → {_short(new)}"
    return Cause(kind=kind, message=message, old=old or "", new=new or "")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MOST_TEXT else f"{text[: _MOST_TEXT - 1]}…"


def _edges(old: Sequence[Edge], new: Sequence[Edge]) -> Iterator[Cause]:
    """Compare inputs: first which there are, then how they are read, then what they hold."""
    if [(edge.asset, edge.mapping) for edge in old] == [(edge.asset, edge.mapping) for edge in new]:
        for was, edge in zip(old, new, strict=True):
            if edge.digest is not None and edge.digest != was.digest:
                yield _changed_input(edge, was)
        return
    before, after = _by_asset(old), _by_asset(new)
    for asset in sorted(after.keys() - before.keys()):
        yield Cause(kind=CauseKind.DEPENDENCY_ADDED, message=f"{asset} is a new input", input=asset)
    for asset in sorted(before.keys() - after.keys()):
        yield Cause(kind=CauseKind.DEPENDENCY_REMOVED, message=f"{asset} is no longer an input", input=asset)
    for asset in sorted(before.keys() & after.keys()):
        if [edge.mapping for edge in before[asset]] == [edge.mapping for edge in after[asset]]:
            yield from _edges(before[asset], after[asset])
        else:
            then, now = ("; ".join(edge.mapping for edge in edges[asset]) for edges in (before, after))
            message = f"how it reads {asset} changed: {then} → {now}"
            yield Cause(kind=CauseKind.TYPE, message=message, input=asset, old=then, new=now)


def _by_asset(edges: Sequence[Edge]) -> dict[AssetKey, list[Edge]]:
    found: dict[AssetKey, list[Edge]] = {}
    for edge in edges:
        found.setdefault(edge.asset, []).append(edge)
    return found


def _changed_input(edge: Edge, was: Edge) -> Cause:
    counts = f": {was.count} → {edge.count} partitions" if was.count != edge.count else ""
    old, new = (was.digest or "")[:8], (edge.digest or "")[:8]
    return Cause(kind=CauseKind.INPUT, message=f"{edge.asset} changed{counts}", input=edge.asset, old=old, new=new)


def input_named(
    cause: Cause, read: Input, member: str, was: Edge, today: tuple[DataVersion, str], past: Iterable[Materialization]
) -> Cause:
    """The same cause of an input of one member, with what is known of it: its versions, and the columns that differ.

    ``today`` is the version that it will have, with the name that people know it by (``v4``, or empty); ``past`` are
    recorded values of that partition, among which the one is looked for that was read then.
    """
    data, name = today
    for old in past:
        if edge_digest(((member, old.data.restricted(read.columns)),)) == was.digest:
            break
    else:
        return cause
    columns = _columns_changed(old.data, data, read.columns)
    versions = f": v{old.version} → {name}" if name else f" since v{old.version}"
    detail = f" ({', '.join(columns[:_MOST_PARTS])}{' …' if len(columns) > _MOST_PARTS else ''})" if columns else ""
    if old.data.rows is not None and data.rows is not None and old.data.rows != data.rows:
        detail += f", {old.data.rows:,} → {data.rows:,} rows"
    return replace(
        cause,
        message=f"{Partition(read.asset, member)} changed{versions}{detail}",
        columns=columns,
        old=f"v{old.version}",
        new=name or data.digest[:8],
    )


def _columns_changed(old: DataVersion, new: DataVersion, read: tuple[str, ...] | None) -> tuple[str, ...]:
    before, after = ({column.name: column for column in data.columns} for data in (old, new))
    return tuple(
        name for name in {**before, **after} if before.get(name) != after.get(name) and (read is None or name in read)
    )
