"""What a materialization was made from: the rows of ``edges``, and the members that a row stands for.

A single member is named in its row, and few of many are listed. The members of a wider edge are those partitions of the
upstream asset that were current at the edge's revision, in the environment where it was made, with corrections in
``edge_members``; where these would be as many as the members, all members are listed there instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, or_, select

from assetflow.catalog import tables
from assetflow.catalog.encoding import packed
from assetflow.catalog.ids import Ids
from assetflow.catalog.statements import WANTED, chunks, inserted
from assetflow.model.history import Materialization
from assetflow.model.journal import Made
from assetflow.model.keys import Partition

__all__ = ["EdgeRows", "current_at", "members"]

#: So many members of a window are listed without a look at all that the upstream has.
_FEW = 100
_ALL = "all"
_NEW_EDGE = inserted(tables.edges)
_NEW_MEMBER = inserted(tables.edge_members)
_P, _E, _X = tables.pointers.c, tables.edges.c, tables.edge_members.c
_AT = select(_P.partition_id, _P.materialization_id).where(
    _P.environment_id == bindparam("environment"),
    _P.asset_id == bindparam("asset"),
    _P.from_revision <= bindparam("revision"),
    or_(_P.to_revision.is_(None), _P.to_revision > bindparam("revision")),
    _P.materialization_id.is_not(None),
)
_ROWS = (
    select(
        _E.materialization_id,
        _E.position,
        _E.asset_id,
        _E.revision,
        _E.count,
        _E.member_id,
        _E.listed,
        tables.materializations.c.environment_id,
    )
    .join(tables.materializations, tables.materializations.c.id == _E.materialization_id)
    .where(_E.materialization_id.in_(WANTED))
    .order_by(_E.materialization_id, _E.position)
)
_LISTED = select(_X.materialization_id, _X.position, _X.partition_id, _X.member_id).where(
    _X.materialization_id.in_(WANTED)
)


def current_at(connection: Connection, environment: int, asset: int, revision: int) -> dict[int, int]:
    """Partition to the materialization that was current at a revision."""
    given = {"environment": environment, "asset": asset, "revision": revision}
    return {row.partition_id: row.materialization_id for row in connection.execute(_AT, given)}


class EdgeRows:
    """Writes the edges of one commit, whose pointers have moved already."""

    def __init__(self, connection: Connection, ids: Ids, environment: int, revision: int) -> None:
        self._connection = connection
        self._ids = ids
        self._environment = environment
        self._revision = revision
        self._current: dict[int, dict[int, int]] = {}
        self._edges: list[tuple[object, ...]] = []
        self._members: list[tuple[int, int, int, int | None]] = []

    def write(
        self,
        made: Sequence[Made],
        materializations: Mapping[Partition, Materialization],
        read_here: Mapping[tuple[int, Partition], int],
    ) -> None:
        """Record each output's inputs. ``read_here`` names what was read before it had an id."""
        edges = [edge for step in made for edge in step.trace.edges]
        if not edges:
            return
        assets = self._ids.assets(self._connection, {edge.asset for edge in edges}, create=True)
        mappings = self._ids.mappings(self._connection, {edge.mapping for edge in edges})
        for step in made:
            owners = [materializations[output.partition].id for output in step.outputs]
            for position, edge in enumerate(step.trace.edges):
                reads = step.reads[position] if position < len(step.reads) else ()
                read = [(r.partition, r.materialization or read_here[r.attempt, r.partition]) for r in reads]
                asset = assets[edge.asset]
                single = read[0][1] if len(read) == 1 and edge.count == 1 else None
                listed = False
                if single is None and read:
                    few = len(read) <= _FEW and not edge.mapping.startswith(_ALL)
                    listed = self._listed(owners, position, read) if few else self._wide(owners, position, asset, read)
                head, tail = (
                    (position, asset, mappings[edge.mapping], self._revision),
                    (packed(edge.digest or ""), single, listed),
                )
                self._edges += [(owner, *head, edge.count, *tail) for owner in owners]
        _NEW_EDGE.run(self._connection, self._edges)
        _NEW_MEMBER.run(self._connection, self._members)

    def _listed(self, owners: Iterable[int], position: int, read: Sequence[tuple[Partition, int]]) -> bool:
        partitions = self._ids.partitions(self._connection, [partition for partition, _ in read])
        rows = [(partitions[partition], id) for partition, id in read]
        self._members += [(owner, position, partition, id) for owner in owners for partition, id in rows]
        return True

    def _wide(self, owners: Iterable[int], position: int, asset: int, read: Sequence[tuple[Partition, int]]) -> bool:
        """List what was read where it is not what is current now; whether all of it is listed."""
        if asset not in self._current:
            self._current[asset] = current_at(self._connection, self._environment, asset, self._revision)
        current = self._current[asset]
        partitions = self._ids.partitions(self._connection, [partition for partition, _ in read])
        members = {partitions[partition]: id for partition, id in read}
        rows: list[tuple[int, int | None]]
        rows = [(partition, id) for partition, id in members.items() if current.get(partition) != id]
        rows += [(partition, None) for partition in current if partition not in members]
        listed = len(rows) >= len(members)
        if listed:
            rows = list(members.items())
        self._members += [(owner, position, partition, id) for owner in owners for partition, id in rows]
        return listed


def members(connection: Connection, wanted: Collection[int]) -> dict[tuple[int, int], tuple[int, ...]]:
    """The materializations that each edge of these materializations read, by (materialization, position)."""
    found: dict[tuple[int, int], tuple[int, ...]] = {}
    current: dict[tuple[int, int, int], dict[int, int]] = {}
    for chunk in chunks(wanted):
        listed: dict[tuple[int, int], dict[int, int | None]] = {}
        for id, position, partition, member in connection.execute(_LISTED, {"wanted": chunk}):
            listed.setdefault((id, position), {})[partition] = member
        for id, position, asset, revision, count, member, whole, environment in connection.execute(
            _ROWS, {"wanted": chunk}
        ):
            if member is not None:
                found[id, position] = (member,)
                continue
            derived: dict[int, int | None] = {}
            if not whole and count:
                at = (environment, asset, revision)
                if at not in current:
                    current[at] = current_at(connection, *at)
                derived.update(current[at])
            derived.update(listed.get((id, position), {}))
            found[id, position] = tuple(read for _, read in sorted(derived.items()) if read is not None)
    return found


_NARROW = select(_E.materialization_id).where(_E.member_id.in_(WANTED))
_WHERE = select(tables.materializations.c.id, tables.partitions.c.asset_id).join(
    tables.partitions, tables.partitions.c.id == tables.materializations.c.partition_id
)
_WIDE = select(_E.materialization_id).where(_E.asset_id.in_(WANTED), _E.member_id.is_(None), _E.count > 0)


def readers(connection: Connection, wanted: Collection[int]) -> tuple[int, ...]:
    """The materializations that read any of these, in ascending order."""
    sought = set(wanted)
    found: set[int] = set()
    assets: set[int] = set()
    for chunk in chunks(sought):
        found.update(connection.execute(_NARROW, {"wanted": chunk}).scalars())
        where = _WHERE.where(tables.materializations.c.id.in_(WANTED))
        assets.update(row.asset_id for row in connection.execute(where, {"wanted": chunk}))
    wide = [id for chunk in chunks(assets) for id in connection.execute(_WIDE, {"wanted": chunk}).scalars()]
    found.update(id for (id, _), read in members(connection, list(dict.fromkeys(wide))).items() if sought & set(read))
    return tuple(sorted(found))
