"""The SQL views that ``assetflow query`` and other programs may rely on: columns are only ever added.

Instants are ISO 8601 text in UTC, durations seconds, digests lower-case hexadecimal, lists and objects JSON text. An
asset's ``key`` is its name today. A run whose process died stays ``running`` here until a writing command records it.
"""

from __future__ import annotations

from assetflow.catalog.codes import ATTEMPT_OUTCOMES, FAILURES, RUN_STATUSES, SETBACKS, SEVERITIES, VERDICTS

__all__ = ["VIEWS", "drop_statements", "view_statements"]

_NAMED = """names.group_name || '.' || names.name AS key, partition_keys.text AS "partition\""""
_JOINED = """JOIN partitions ON partitions.id = {0}.partition_id
JOIN partition_keys ON partition_keys.id = partitions.key_id
JOIN names ON names.asset_id = partitions.asset_id AND names.to_revision IS NULL"""

_ASSETS = """SELECT names.asset_id AS id, names.group_name || '.' || names.name AS key,
  names.group_name AS "group", names.name AS name
FROM names WHERE names.to_revision IS NULL"""

_RUNS = f"""SELECT runs.id AS run, environments.name AS environment, {RUN_STATUSES.sql("runs.status")} AS status,
  <iso runs.started_at> AS started_at, <iso runs.finished_at> AS finished_at,
  runs.targets AS targets, runs.counts AS counts, runs.facts AS facts
FROM runs JOIN environments ON environments.id = runs.environment_id"""

_ATTEMPTS = f"""SELECT attempts.id AS attempt, attempts.run_id AS run, {_NAMED}, attempts.number AS number,
  {ATTEMPT_OUTCOMES.sql("attempts.outcome")} AS outcome, <iso attempts.started_at> AS started_at,
  COALESCE(attempts.micros, (SELECT MAX(m.micros) FROM materializations AS m
    WHERE m.attempt_id = attempts.id)) / 1000000.0 AS seconds, {FAILURES.sql("failures.kind")} AS failure,
  failures.type AS error_type, failures.message AS message,
  COALESCE(failures.reason, attempts.reason) AS reason, failures.traceback AS traceback
FROM attempts {_JOINED.format("attempts")}
LEFT JOIN failures ON failures.attempt_id = attempts.id"""

_MATERIALIZATIONS = f"""SELECT m.id AS id, {_NAMED}, m.version AS version, environments.name AS environment,
  COALESCE(attempts.run_id, (SELECT revisions.run_id FROM pointers
    JOIN revisions ON revisions.id = pointers.from_revision
    WHERE pointers.environment_id = m.environment_id AND pointers.partition_id = m.partition_id
      AND pointers.materialization_id = m.id ORDER BY pointers.from_revision LIMIT 1)) AS run,
  m.attempt_id AS attempt, <hex m.trace> AS trace, recipes.code AS code_version, <hex m.data> AS data_version,
  m.row_count AS "rows", COALESCE(blobs.size, LENGTH(m.inline)) AS bytes, schemas.codec AS codec, blobs.name AS blob,
  <hex blobs.digest> AS digest, m.uri AS uri, m.published AS published, <iso m.made_at> AS created_at,
  m.micros / 1000000.0 AS seconds, m.metadata AS metadata, COALESCE(blobs.state, 0) <> 0 AS freed
FROM materializations AS m {_JOINED.format("m")}
JOIN environments ON environments.id = m.environment_id
JOIN schemas ON schemas.id = m.schema_id
LEFT JOIN attempts ON attempts.id = m.attempt_id
LEFT JOIN recipes ON recipes.id = m.recipe_id
LEFT JOIN blobs ON blobs.id = m.blob_id"""

_CURRENT = f"""SELECT environments.name AS environment, {_NAMED}, m.version AS version, m.id AS materialization,
  <hex m.data> AS data_version, pointers.from_revision AS revision, <iso revisions.at> AS since,
  <iso m.made_at> AS created_at
FROM pointers {_JOINED.format("pointers")}
JOIN environments ON environments.id = pointers.environment_id
JOIN materializations AS m ON m.id = pointers.materialization_id
JOIN revisions ON revisions.id = pointers.from_revision
WHERE pointers.to_revision IS NULL"""

_MEMBERS = """SELECT edges.materialization_id, edges.position, edges.mapping_id, edges.revision,
    edges.member_id AS read_id
  FROM edges WHERE edges.member_id IS NOT NULL
UNION ALL
SELECT edges.materialization_id, edges.position, edges.mapping_id, edges.revision, pointers.materialization_id
  FROM edges JOIN materializations AS m ON m.id = edges.materialization_id
  JOIN pointers ON pointers.environment_id = m.environment_id AND pointers.asset_id = edges.asset_id
    AND pointers.from_revision <= edges.revision
    AND (pointers.to_revision IS NULL OR pointers.to_revision > edges.revision)
    AND pointers.materialization_id IS NOT NULL
  WHERE edges.member_id IS NULL AND edges.count > 0 AND NOT edges.listed AND NOT EXISTS (
    SELECT 1 FROM edge_members AS x WHERE x.materialization_id = edges.materialization_id
      AND x.position = edges.position AND x.partition_id = pointers.partition_id)
UNION ALL
SELECT edges.materialization_id, edges.position, edges.mapping_id, edges.revision, x.member_id
  FROM edge_members AS x JOIN edges ON edges.materialization_id = x.materialization_id AND edges.position = x.position
  WHERE x.member_id IS NOT NULL"""

_LINEAGE = f"""SELECT made.id AS materialization, {_NAMED}, made.version AS version, reads.position AS position,
  mappings.text AS mapping, reads.revision AS revision, reads.read_id AS input_materialization,
  up.group_name || '.' || up.name AS input_key, up_keys.text AS input_partition, input.version AS input_version,
  <hex input.data> AS input_data_version
FROM ({_MEMBERS}) AS reads
JOIN materializations AS made ON made.id = reads.materialization_id {_JOINED.format("made")}
JOIN mappings ON mappings.id = reads.mapping_id
JOIN materializations AS input ON input.id = reads.read_id
JOIN partitions AS up_partitions ON up_partitions.id = input.partition_id
JOIN partition_keys AS up_keys ON up_keys.id = up_partitions.key_id
JOIN names AS up ON up.asset_id = up_partitions.asset_id AND up.to_revision IS NULL"""

_SETBACKS = f"""SELECT environments.name AS environment, {_NAMED}, {SETBACKS.sql("setbacks.kind")} AS kind,
  {FAILURES.sql("setbacks.failure")} AS failure, setbacks.message AS message, <iso setbacks.at> AS at,
  setbacks.run_id AS run, <hex setbacks.trace> AS trace
FROM setbacks {_JOINED.format("setbacks")}
JOIN environments ON environments.id = setbacks.environment_id"""

_VERDICTS = f"""SELECT verdicts.id AS id, {_NAMED}, m.version AS version, checks.name AS "check",
  {VERDICTS.sql("verdicts.status")} AS status, {SEVERITIES.sql("verdicts.severity")} AS severity,
  verdicts.message AS message, verdicts.metrics AS metrics, verdicts.sample AS sample,
  <iso verdicts.at> AS at, verdicts.micros / 1000000.0 AS seconds, verdicts.attempt_id AS attempt,
  <hex verdicts.trace> AS trace, verdicts.materialization_id AS materialization
FROM verdicts {_JOINED.format("verdicts")}
JOIN checks ON checks.id = verdicts.check_id
JOIN materializations AS m ON m.id = verdicts.materialization_id"""

_SOURCES = {
    "v_assets": _ASSETS,
    "v_runs": _RUNS,
    "v_attempts": _ATTEMPTS,
    "v_materializations": _MATERIALIZATIONS,
    "v_current": _CURRENT,
    "v_lineage": _LINEAGE,
    "v_setbacks": _SETBACKS,
    "v_verdicts": _VERDICTS,
}

#: The views' names.
VIEWS = tuple(_SOURCES)


def view_statements(*, iso: str, hex: str) -> list[str]:
    """``CREATE VIEW`` for each view; ``iso`` and ``hex`` spell an instant and a digest where ``{0}`` is the column."""
    return [f"CREATE VIEW {name} AS {_spelled(source, iso=iso, hex=hex)}" for name, source in _SOURCES.items()]


def drop_statements() -> list[str]:
    """``DROP VIEW`` for each view there may be, so that a migration can change what they are made of."""
    return [f"DROP VIEW IF EXISTS {name}" for name in reversed(VIEWS)]


def _spelled(source: str, **spellings: str) -> str:
    for name, spelling in spellings.items():
        head, *marks = source.split(f"<{name} ")
        source = head
        for mark in marks:
            column, rest = mark.split(">", 1)
            source += spelling.format(column) + rest
    return source
