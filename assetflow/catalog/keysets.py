"""Sets of partition keys that are added and removed by hand and by code. What was of a set stays to be read."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select, update

from assetflow.catalog import tables
from assetflow.catalog.ids import Ids
from assetflow.catalog.moves import new_revision
from assetflow.catalog.statements import Prepared, inserted, key
from assetflow.model.journal import KeyEdit

__all__ = ["edit", "key_sets"]

_D, _K = tables.dynamic_keys.c, tables.partition_keys.c
_SETS = (
    select(_D.set_name, _K.text)
    .join(tables.partition_keys, _K.id == _D.key_id)
    .where(_D.environment_id == bindparam("environment"), _D.to_revision.is_(None))
    .order_by(_D.set_name, _D.from_revision, _D.key_id)
)
_ADD = inserted(tables.dynamic_keys, "environment_id", "set_name", "key_id", "from_revision")
_REMOVE = Prepared(
    update(tables.dynamic_keys)
    .where(
        _D.environment_id == key("environment"),
        _D.set_name == key("set"),
        _D.key_id == key("key"),
        _D.to_revision.is_(None),
    )
    .values(to_revision=bindparam("revision")),
    "revision",
    "k_environment",
    "k_set",
    "k_key",
)


def key_sets(connection: Connection, environment: int | None) -> dict[str, tuple[str, ...]]:
    """The keys of every set in an environment, in the order in which they were added."""
    found: dict[str, list[str]] = {}
    for name, text in connection.execute(_SETS, {"environment": environment}):
        found.setdefault(name, []).append(text)
    return {name: tuple(keys) for name, keys in found.items()}


def edit(
    connection: Connection, ids: Ids, environment: int, run: int | None, edits: Sequence[KeyEdit], *, at: int
) -> tuple[KeyEdit, ...]:
    """Make these edits, the last one of a key counts, and give those that changed something. It takes a revision.

    Raises UsageError ``bad-partition-key`` for what is no text.
    """
    there = {name: set(keys) for name, keys in key_sets(connection, environment).items()}
    last = {(each.set, each.key): each for each in edits}
    real = tuple(each for each in last.values() if (each.key in there.get(each.set, ())) != each.added)
    if not real:
        return ()
    keys = ids.keys(connection, [each.key for each in real])
    revision = new_revision(connection, environment, run, at=at)
    _ADD.run(connection, [(environment, each.set, keys[each.key], revision) for each in real if each.added])
    _REMOVE.run(connection, [(revision, environment, each.set, keys[each.key]) for each in real if not each.added])
    return real
