"""A project of the toy world: how its functions are written today, as plain values, and the graph that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from assetflow.declare.cron import Cron
from assetflow.graph import Graph
from assetflow.model.calendars import Hourly
from assetflow.model.definition import Input, Node
from assetflow.model.keys import AssetKey
from assetflow.model.mappings import All, Last, Mapping, Overlap, Previous, Rolling, Same
from assetflow.model.partitioning import SINGLE, KeysOf, Partitioning
from assetflow.model.trace import Recipe
from assetflow.model.versions import ColumnVersion, DataVersion, fingerprint

#: (rows, content of column a, content of column b)
Value = tuple[int, int, int]
#: There is no value, or it cannot be told.
UNKNOWN = object()

INBOX = AssetKey("toy", "inbox")
FILE = AssetKey("toy", "file")


@dataclass(frozen=True)
class Read:
    asset: AssetKey
    columns: tuple[str, ...] | None = None
    #: How partitions are read where there is a choice: ``rolling``, ``previous``, ``last``, ``all``; else as usual.
    mapping: str = ""


@dataclass(frozen=True)
class Spec:
    """How one function is written today."""

    key: AssetKey
    outputs: tuple[AssetKey, ...]
    reads: tuple[Read, ...] = ()
    #: What it is cut by: nothing, the files of the inbox, hours, hours that may be made before they end, or windows of
    #: three hours.
    cut: str = ""
    code: int = 0
    parameter: int = 0
    resource: int = 0
    type: int = 0
    max_age: timedelta | None = None
    #: Of what is cut by time.
    lookback: int | None = None
    #: Code and parameters are only for what is not made yet.
    forward: bool = False
    #: The value depends on the weather, which no trace knows.
    outside: bool = False
    deterministic: bool = False
    #: It fails for good whenever the ingredients' hash is a multiple of five: a bug that some inputs hit.
    fragile: bool = False
    stateful: bool = False


Project = dict[AssetKey, Spec]


#: How many seconds the windows have of what is cut by time.
UNITS = {"hour": 3600, "open": 3600, "three": 10_800}
_SPAN: Any = {"start": "2025-12-31T21:00", "end": "2026-01-01T06:00"}
CUTS: dict[str, Partitioning] = {
    "": SINGLE,
    "inbox": KeysOf(INBOX),
    "hour": Hourly(**_SPAN),
    "open": Hourly(**_SPAN, open=True),
    "three": Cron("0 */3 * * *", **_SPAN),
}
MAPPINGS: dict[str, Mapping] = {
    "all": All(),
    "last": Last(2),
    "overlap": Overlap(),
    "previous": Previous(),
    "rolling": Rolling(2),
    "same": Same(),
}


def mapping_of(read: Read, own: str, upstream: str) -> str:
    """Which mapping it is that a function cut in one way reads with what is cut in another."""
    if upstream == "":
        return "all"
    timed = own in UNITS and upstream in UNITS
    possible = {"all": True, "last": own == "" and upstream in UNITS, "previous": timed, "rolling": timed}
    if possible.get(read.mapping):
        return read.mapping
    return "same" if own == upstream else "overlap" if timed else "all"


def members_of(mapping: str, key: str, own: str, upstream: str, keys: Sequence[str]) -> list[str]:
    """The keys that are read, found by looking at every one. Windows are counted from 1970, as if there were no end."""
    match mapping:
        case "all":
            return list(keys)
        case "same":
            return [each for each in keys if each == key]
        case "last":
            return list(keys)[-2:]
    begin, unit = int(datetime.fromisoformat(key).timestamp()), UNITS[upstream]
    end = begin + UNITS[own]
    newest = (end - 1) // unit
    wanted = {"previous": {newest - 1}, "rolling": {newest, newest - 1}}.get(mapping, range(begin // unit, newest + 1))
    return [each for each in keys if int(datetime.fromisoformat(each).timestamp()) // unit in wanted]


def version(value: Value) -> DataVersion:
    columns = [ColumnVersion(name, "int", str(content)) for name, content in zip("ab", value[1:], strict=True)]
    return DataVersion.of_table(value[0], columns)


def number(*what: Any) -> int:
    return int(fingerprint(repr(what))[:8], 16)


_graphs: dict[int, tuple[Project, Graph]] = {}


def graph_of(project: Project) -> Graph:
    """The graph of a project, built once for each state of it."""
    if id(project) not in _graphs:
        if len(_graphs) > 100:
            _graphs.clear()
        _graphs[id(project)] = (project, _graph(project))
    return _graphs[id(project)][1]


def _graph(project: Project) -> Graph:
    nodes = [
        Node(key=FILE, outputs=(FILE,), recipe=Recipe.of(code=""), observed=True, digest="file"),
        Node(
            key=INBOX,
            outputs=(INBOX,),
            recipe=Recipe.of(code=""),
            observed=True,
            partitioning=KeysOf(INBOX),
            digest="inbox",
        ),
    ]
    cuts = {INBOX: "inbox", FILE: ""}
    for spec in project.values():
        cuts |= dict.fromkeys(spec.outputs, spec.cut)
    for spec in project.values():
        recipe = Recipe.of(
            code=f"code {spec.code} fragile {spec.fragile}",
            type=f'{{"type": {spec.type}}}',
            parameters=(("p", str(spec.parameter)),),
            resources=(("r", f'{{"url": {spec.resource}}}'),),
        )
        inputs = [
            Input(
                parameter=f"p{place}",
                asset=read.asset,
                columns=read.columns,
                mapping=MAPPINGS[mapping_of(read, spec.cut, cuts[read.asset])],
            )
            for place, read in enumerate(spec.reads)
        ]
        node = Node(
            key=spec.key,
            outputs=spec.outputs,
            recipe=recipe,
            inputs=tuple(sorted(inputs, key=lambda i: (i.asset, i.mapping.text, i.columns or ()))),
            partitioning=CUTS[spec.cut],
            max_age=spec.max_age,
            lookback=lookback_of(spec),
            forward_only=spec.forward,
            reads_outside=reads_outside(spec),
            deterministic=spec.deterministic,
        )
        nodes.append(replace(node, digest=fingerprint(repr(node))))
    return Graph(nodes)


def lookback_of(spec: Spec) -> int | None:
    if spec.cut not in UNITS:
        return None
    return spec.lookback if spec.lookback is not None or spec.cut != "open" else 0


def reads_outside(spec: Spec) -> bool:
    return spec.outside or spec.max_age is not None or lookback_of(spec) is not None


def has_missed(spec: Spec, key: str, at: datetime, as_of: datetime) -> bool:
    """Whether the own window, or one that counts as late for it, has ended since; found window by window."""
    if (lookback := lookback_of(spec)) is None:
        return False
    begin, unit = datetime.fromisoformat(key).replace(tzinfo=UTC), timedelta(seconds=UNITS[spec.cut])
    ends = [begin + unit * (late + 1) for late in range(lookback + 1)]
    last = datetime.fromisoformat(_SPAN["end"]).replace(tzinfo=UTC)
    return any(at < end <= min(as_of, last) for end in ends)


def is_free(spec: Spec) -> bool:
    """Whether its value is not a function of its ingredients."""
    return spec.stateful or (spec.outside and not spec.deterministic)


def maker(project: Project, asset: AssetKey) -> Spec:
    if asset == FILE:
        return Spec(key=FILE, outputs=(FILE,))
    if asset == INBOX:
        return Spec(key=INBOX, outputs=(INBOX,), cut="inbox")
    return next(spec for spec in project.values() if asset in spec.outputs)
