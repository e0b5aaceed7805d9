"""Definitions as they were recorded, so that what reads the past works while the project's code is broken."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from assetflow.catalog import tables
from assetflow.catalog.derivations import as_edges, as_rows
from assetflow.catalog.encoding import json_text
from assetflow.catalog.ids import Ids, next_id
from assetflow.catalog.statements import WANTED, Prepared, chunks, inserted, key
from assetflow.model.definition import DeclaredCheck, DeclaredColumn, Definition, Input, Kind, Parameter, ResourceUse
from assetflow.model.keys import AssetKey
from assetflow.model.mappings import Recorded
from assetflow.model.versions import Untracked, fingerprint

__all__ = ["declared", "record_declarations"]

_D, _N = tables.definitions.c, tables.declarations.c
_OPEN = (
    select(_N.asset_id, _D.digest, _N.from_at)
    .join(tables.definitions, _D.id == _N.definition_id)
    .where(_N.environment_id == bindparam("environment"), _N.to_at.is_(None))
)
_BODIES = (
    select(_N.asset_id, _D.body)
    .join(tables.definitions, _D.id == _N.definition_id)
    .where(_N.environment_id == bindparam("environment"), _N.to_at.is_(None))
)
_KNOWN = select(_D.digest, _D.id).where(_D.digest.in_(WANTED))
_NEW_DEFINITION = inserted(tables.definitions)
_NEW_DECLARATION = inserted(tables.declarations, "environment_id", "asset_id", "from_at", "definition_id")
_CLOSE = Prepared(
    update(tables.declarations)
    .where(_N.environment_id == key("environment"), _N.asset_id == key("asset"), _N.to_at.is_(None))
    .values(to_at=bindparam("at")),
    "at",
    "k_environment",
    "k_asset",
)


def declared(
    connection: Connection, environment: int | None, assets: Mapping[int, AssetKey]
) -> dict[AssetKey, Definition]:
    """What an environment's project last declared, sorted by key."""
    rows = connection.execute(_BODIES, {"environment": environment})
    found = {assets[asset]: _definition(assets[asset], json.loads(body)) for asset, body in rows}
    return dict(sorted(found.items()))


def record_declarations(
    connection: Connection, ids: Ids, environment: int, definitions: Iterable[Definition], *, at: int
) -> int:
    """Make these the declared definitions; what is no longer among them ends. Gives how many changed."""
    today = {definition.key: _body(definition) for definition in definitions}
    assets = ids.assets(connection, today, create=True)
    digests = {key: bytes.fromhex(fingerprint(body)) for key, body in today.items()}
    before = {row.asset_id: row for row in connection.execute(_OPEN, {"environment": environment})}
    new = [key for key in today if (row := before.get(assets[key])) is None or row.digest != digests[key]]
    gone = before.keys() - assets.values()
    if not new and not gone:
        return 0
    known = _known(connection, {digests[key]: today[key] for key in new})
    # An interval that would be empty, or turned by a clock that was set back, ends a microsecond after it began.
    ends = {asset: max(at, row.from_at + 1) for asset, row in before.items()}
    closed = [*gone, *(assets[key] for key in new if assets[key] in before)]
    _CLOSE.run(connection, [(ends[asset], environment, asset) for asset in closed])
    starts = {key: ends.get(assets[key], at) for key in new}
    _NEW_DECLARATION.run(connection, [(environment, assets[key], starts[key], known[digests[key]]) for key in new])
    return len(new) + len(gone)


def _known(connection: Connection, bodies: Mapping[bytes, str]) -> dict[bytes, int]:
    known: dict[bytes, int] = {}
    for chunk in chunks(bodies):
        known.update((digest, id) for digest, id in connection.execute(_KNOWN, {"wanted": chunk}))
    new = list(enumerate((d for d in bodies if d not in known), next_id(connection, tables.definitions)))
    _NEW_DEFINITION.run(connection, [(id, digest, bodies[digest]) for id, digest in new])
    known.update((digest, id) for id, digest in new)
    return known


def _body(value: Definition) -> str:
    columns = [
        [c.name, c.type, c.nullable, c.rules, *([] if c.classes is None else [c.classes])] for c in value.columns
    ]
    checks = [[c.name, c.severity, c.description, [[*asset] for asset in c.reads], c.where] for c in value.checks]
    lineage = as_rows(value.lineage)
    return json_text(
        {
            **({"columns": columns} if columns else {}),
            **({"checks": checks} if checks else {}),
            **({"lineage": lineage} if lineage else {}),
            "kind": value.kind,
            "node": [*value.node],
            "type": value.type,
            "partitioning": value.partitioning,
            "inputs": [
                [i.parameter, [*i.asset], i.mapping.text, i.type, i.columns, i.loaded, i.optional] for i in value.inputs
            ],
            "parameters": [[p.name, p.type, p.value, p.origin] for p in value.parameters],
            "resources": [[r.parameter, r.name, r.type] for r in value.resources],
            "code_version": value.code_version,
            "untracked": [[u.what, u.where] for u in value.untracked],
            "description": value.description,
            "owners": value.owners,
            "tags": value.tags,
            "metadata": value.metadata,
            **({} if value.retain is None else {"retain": value.retain.total_seconds()}),
            "where": value.where,
        }
    )


def _definition(asset: AssetKey, body: dict[str, Any]) -> Definition:
    return Definition(
        key=asset,
        kind=Kind(body["kind"]),
        node=AssetKey(*body["node"]),
        type=body["type"],
        columns=tuple(
            DeclaredColumn(
                name=n,
                type=t,
                nullable=nullable,
                rules=tuple(rules),
                classes=tuple(classes[0]) if classes else None,
            )
            for n, t, nullable, rules, *classes in body.get("columns", ())
        ),
        checks=tuple(
            DeclaredCheck(
                name=n,
                severity=severity,
                description=description,
                reads=tuple(AssetKey(*asset) for asset in reads),
                where=where,
            )
            for n, severity, description, reads, where in body.get("checks", ())
        ),
        lineage=as_edges(asset, body.get("lineage", ())),
        partitioning=body["partitioning"],
        inputs=tuple(
            Input(
                parameter=parameter,
                asset=AssetKey(*upstream),
                mapping=Recorded(mapping),
                type=type,
                columns=None if columns is None else tuple(columns),
                loaded=loaded,
                optional=optional,
            )
            for parameter, upstream, mapping, type, columns, loaded, optional in body["inputs"]
        ),
        parameters=tuple(Parameter(name=n, type=t, value=v, origin=o) for n, t, v, o in body["parameters"]),
        resources=tuple(ResourceUse(parameter=p, name=n, type=t) for p, n, t in body["resources"]),
        code_version=body["code_version"],
        untracked=tuple(Untracked(what, where) for what, where in body["untracked"]),
        description=body["description"],
        owners=tuple(body["owners"]),
        tags=tuple(body["tags"]),
        metadata=tuple((name, value) for name, value in body["metadata"]),
        retain=timedelta(seconds=body["retain"]) if "retain" in body else None,
        where=body["where"],
    )
