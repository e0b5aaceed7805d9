"""``partitions``: the keys of an asset, what they stand for, and how they stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from assetflow.cli import shapes
from assetflow.cli.output import MARKS, Output, local_time
from assetflow.cli.session import Session, known_names
from assetflow.errors import UsageError
from assetflow.model.plan import State

if TYPE_CHECKING:  # so that --help need not load them
    from assetflow.project.results import DimensionStatus, PartitionStatus

__all__ = ["partitions"]

_EDITS = frozenset({"add", "remove"})
#: Keys in a line of a picture whose keys are no times.
_WIDTH = 50
#: How much of a key that is a time names the line it stands in: hours by day, days by month, months by year.
_LINES = {10: 7, 7: 4, 8: 4}


def partitions(
    session: Session,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="ASSET | add SET KEY... | remove SET KEY...",
            help="An asset's name; or keys that come into a dynamic set, or go.",
            autocompletion=known_names,
        ),
    ],
    partition: Annotated[
        list[str] | None,
        typer.Option("--partition", "-p", help="Only these: a key, K1..K2, latest, last:7, missing …; repeatable."),
    ] = None,
    since: Annotated[str, typer.Option("--from", help="Only from this time or key on.")] = "",
    until: Annotated[str, typer.Option("--to", help="Only up to this time or key, included.")] = "",
    by: Annotated[str, typer.Option("--by", metavar="DIMENSION", help="Sums for each value of a dimension.")] = "",
    picture: Annotated[bool, typer.Option("--picture", help="A mark a partition instead of a line.")] = False,
) -> int:
    """The partitions of an asset, with the time that they stand for in UTC, and how they stand."""
    address, *more = words
    if address in _EDITS and len(more) > 1:
        if partition or since or until or by or picture:
            raise UsageError("bad-option", f"partitions {address} takes a set and keys", hint="leave out the options")
        return _edit(session, address, *more)
    if more:
        raise UsageError(
            "bad-option",
            f"partitions takes one asset, or add or remove with a set and its keys, got {' '.join(words)}",
            hint="assetflow partitions add customers acme",
        )
    if by:
        return _by(session, address, by, narrowed=bool(partition or since or until or picture))
    wanted = list(partition or ())
    if since or until:
        if wanted:
            raise UsageError(
                "bad-partition", "--from and --to do not go with --partition", hint="write --partition A..B"
            )
        wanted = [f"{since or '0001-01-01'}..{until or '9999-12-30'}"]
    project = session.project()
    found: Sequence[PartitionStatus] = project.partitions(address, wanted or None)
    session.tell_unavailable(project)
    out = session.out
    if out.json:
        out.object(partitions=[shapes.partition(each) for each in found])
        return 0
    if picture:
        _picture(out, found)
    elif found:
        timed = any(each.start is not None for each in found)
        columns = ["partition", *(["from", "to"] if timed else []), "state", "made", "because"]
        out.table(columns, [_row(each, timed=timed) for each in found])
    counts = Counter(str(each.state) for each in found)
    said = ", ".join(f"{counts[name]:,} {name}" for name in MARKS if counts[name])
    out.note(f"{len(found):,} partition{'' if len(found) == 1 else 's'}{': ' if said else ''}{said}")
    return 0


def _by(session: Session, address: str, dimension: str, *, narrowed: bool) -> int:
    """How many partitions stand how, for each value of a dimension."""
    if narrowed:
        raise UsageError("bad-option", "--by sums all partitions", hint="leave out the other options")
    project, out = session.project(), session.out
    found: Sequence[DimensionStatus] = project.partitions_by(address, dimension)
    session.tell_unavailable(project)
    counts = [{str(state): count for state, count in each.partitions.items() if count} for each in found]
    if out.json:
        rows = zip(found, counts, strict=True)
        values = [
            {"value": each.value, "total": each.total, **{str(state): said.get(str(state), 0) for state in State}}
            for each, said in rows
        ]
        out.object(dimension=dimension, values=values)
        return 0
    states = [str(state) for state in reversed(State) if any(str(state) in said for said in counts)]
    rows_shown = [
        [each.value, f"{each.total:,}", *(f"{said[name]:,}" if name in said else "" for name in states)]
        for each, said in zip(found, counts, strict=True)
    ]
    out.table([dimension, "partitions", *states], rows_shown)
    return 0


def _edit(session: Session, verb: str, name: str, *keys: str) -> int:
    """Add keys to a dynamic set, or take them out."""
    project, out = session.project(), session.out
    session.refuse_protected(project.settings)
    changed = project.edit_keys(name, **{"add" if verb == "add" else "remove": keys})
    if out.json:
        out.object(changed=[{"set": each.set, "key": each.key, "added": each.added} for each in changed])
        return 0
    for each in changed:
        out.line(f"{'+' if each.added else '-'} {each.set} {each.key}")
    same = len(dict.fromkeys(keys)) - len(changed)
    if same:
        out.note(f"{same} of them {'is' if same == 1 else 'are'} {'there already' if verb == 'add' else 'not there'}")
    return 0


def _row(each: PartitionStatus, *, timed: bool) -> list[str]:
    bounds = [shapes.time_utc(each.start), shapes.time_utc(each.end)] if timed else []
    made = local_time(each.materialized_at)[:16] if each.materialized_at else ""
    mark, _ = MARKS[str(each.state)]
    reasons = "; ".join(cause.message for cause in each.causes[:2])
    return [each.partition.key, *bounds, f"{mark} {each.state}", made, reasons]


def _picture(out: Output, found: Sequence[PartitionStatus]) -> None:
    """A line a month of days, a day of hours or a year of months, and a mark a partition."""
    lines = list(_lines(found))
    width = max((len(name) for name, _ in lines), default=0)
    for name, members in lines:
        out.line(f"{name.ljust(width)}  {''.join(MARKS[str(each.state)][0] for each in members)}")
    shown = dict.fromkeys(str(each.state) for each in found)
    if shown:
        out.line("   ".join(f"{MARKS[name][0]} {name}" for name in MARKS if name in shown), style="dim")


def _lines(found: Iterable[PartitionStatus]) -> Iterator[tuple[str, list[PartitionStatus]]]:
    name = ""
    members: list[PartitionStatus] = []
    for each in found:
        key = each.partition.key
        line = key[: _LINES.get(len(key), 10)] if each.start is not None and not each.keys else ""
        others = ",".join(f"{n}={v}" for n, v in list(each.keys.items())[:-1])
        line = others or line
        if members and (line != name or (not line and len(members) == _WIDTH)):
            yield name or members[0].partition.key, members
            members = []
        name = line
        members.append(each)
    if members:
        yield name or members[0].partition.key, members
