"""The shape of the catalog. What each column means is said here; ``views`` spells it out for people.

Facts are only ever added: a row of ``materializations`` never changes, but that what was held back may be published
after all. What is current stands in ``pointers`` alone.
Instants are microseconds since 1970 in UTC, durations microseconds, digests 16 raw bytes, enumerations small numbers
(``codes``). Ids are numbered by the writer, which is alone while it writes.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

__all__ = [
    "REVISION",
    "RUN",
    "assets",
    "attempts",
    "blobs",
    "checks",
    "counters",
    "declarations",
    "definitions",
    "dynamic_keys",
    "edge_members",
    "edges",
    "environments",
    "failures",
    "leases",
    "mappings",
    "materializations",
    "memos",
    "metadata",
    "names",
    "partition_key_values",
    "partition_keys",
    "partitions",
    "pointers",
    "recipes",
    "revisions",
    "runs",
    "schemas",
    "setbacks",
    "verdicts",
]

#: Names of the rows of ``counters``.
REVISION, RUN = "revision", "run"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=False)


def _partial(name: str, *columns: str, where: str, unique: bool = True) -> Index:
    """An index of the rows that meet a condition, which ``info`` keeps for other databases.

    Only SQLite's option is written here: SQLAlchemy loads each dialect that an index has an option for, also where it
    is not used, and PostgreSQL's would cost every command 35 ms.
    """
    return Index(name, *columns, unique=unique, sqlite_where=text(where), info={"where": where})


def _open(*columns: str, table: str) -> Index:
    """At most one open interval for these columns."""
    return _partial(f"ix_{table}_open", *columns, where="to_revision IS NULL")


counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

environments = Table(
    "environments",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    # A branch shows its base's pointers as of a revision, but for its own.
    Column("base_id", ForeignKey("environments.id")),
    Column("base_revision", BigInteger),
)

assets = Table("assets", metadata, _id())

# Names are dated aliases, so that a rename keeps everything.
names = Table(
    "names",
    metadata,
    Column("asset_id", ForeignKey("assets.id"), nullable=False),
    Column("group_name", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("from_revision", BigInteger, nullable=False),
    Column("to_revision", BigInteger),
    PrimaryKeyConstraint("asset_id", "from_revision"),
    _open("group_name", "name", table="names"),
)

# A key of one dimension is its text, and so that dimension's value; of several, the JSON array of their texts.
partition_keys = Table(
    "partition_keys",
    metadata,
    _id(),
    Column("dimensions", SmallInteger, nullable=False),
    Column("text", Text, nullable=False),
    UniqueConstraint("text", "dimensions"),
)

# The values of a key of several dimensions, each a key of one dimension.
partition_key_values = Table(
    "partition_key_values",
    metadata,
    Column("key_id", ForeignKey("partition_keys.id"), nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("value_id", ForeignKey("partition_keys.id"), nullable=False),
    PrimaryKeyConstraint("key_id", "position"),
    Index(None, "value_id"),
    sqlite_with_rowid=False,
)

partitions = Table(
    "partitions",
    metadata,
    _id(),
    Column("asset_id", ForeignKey("assets.id"), nullable=False),
    Column("key_id", ForeignKey("partition_keys.id"), nullable=False),
    UniqueConstraint("asset_id", "key_id"),
)

recipes = Table(
    "recipes",
    metadata,
    _id(),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("code", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("parameters", Text, nullable=False),  # JSON: [[name, value], …]
    Column("resources", Text, nullable=False),  # JSON: [[name, value], …]
    Column("parts", Text, nullable=False),  # JSON: [[name, digest, where, text], …]
    Column("declared", Text, nullable=False),
)

# What many values have in common: how they are encoded, and the names and types of their columns.
schemas = Table(
    "schemas",
    metadata,
    _id(),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("codec", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("columns", Text, nullable=False),  # JSON: [[name, type], …]
)

mappings = Table("mappings", metadata, _id(), Column("text", Text, nullable=False, unique=True))

blobs = Table(
    "blobs",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    # A 63-bit hash of the name: names are long, and an index of them would be a tenth of the catalog.
    Column("tag", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("chunks", LargeBinary),
    Column("state", SmallInteger, nullable=False),
    Index(None, "tag"),
)

runs = Table(
    "runs",
    metadata,
    _id(),
    Column("environment_id", ForeignKey("environments.id"), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("targets", Text, nullable=False),  # JSON: [text, …]
    Column("facts", Text, nullable=False),  # JSON: {name: text}
    Column("counts", Text),  # JSON: {outcome: number}
    # Who runs it: enough to see on the same machine that the process is gone, and elsewhere that it is silent.
    Column("host", Text, nullable=False),
    Column("boot", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("pid_started", BigInteger, nullable=False),
    Column("alive_until", BigInteger, nullable=False),
    _partial("ix_runs_running", "status", where="status = 0", unique=False),
)

# The id is the fencing token. ``partition_id`` is the step's: of a multi-asset, the node's and not an output's.
attempts = Table(
    "attempts",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    Column("partition_id", ForeignKey("partitions.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("outcome", SmallInteger),
    # When it was claimed, until it ends: then when its function was called. A row keeps its length when a step
    # succeeds, so that full pages need not be split; how long that took is in its materializations.
    Column("started_at", BigInteger, nullable=False),
    Column("micros", BigInteger),
    Column("reason", Text),
    Index(None, "run_id"),
)

failures = Table(
    "failures",
    metadata,
    Column("attempt_id", ForeignKey("attempts.id"), primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("traceback", Text, nullable=False),
    # How long the next attempt waited; null where none followed.
    Column("wait_micros", BigInteger),
)

materializations = Table(
    "materializations",
    metadata,
    _id(),
    Column("partition_id", ForeignKey("partitions.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("environment_id", ForeignKey("environments.id"), nullable=False),
    # Null for what was observed, not made; so are trace and recipe.
    Column("attempt_id", ForeignKey("attempts.id")),
    Column("trace", LargeBinary),
    Column("recipe_id", ForeignKey("recipes.id")),
    Column("window_text", Text),
    Column("data", LargeBinary, nullable=False),
    Column("row_count", BigInteger),
    Column("schema_id", ForeignKey("schemas.id"), nullable=False),
    # 16 bytes a column, in the schema's order.
    Column("column_digests", LargeBinary),
    Column("blob_id", ForeignKey("blobs.id")),
    Column("inline", LargeBinary),
    Column("uri", Text),
    Column("metadata", Text),  # JSON: {name: value as JSON text}
    Column("state", Text),
    # False for what never was current: it was held back.
    Column("published", Boolean(create_constraint=False), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("micros", BigInteger, nullable=False),
    UniqueConstraint("partition_id", "version"),
    Index(None, "partition_id", "trace", "published"),
    Index(None, "attempt_id"),
    Index("ix_materializations_blob_id", "blob_id"),
)

# One input of a materialization. A single member stands here; the members of a wide edge are what was current at
# ``revision`` in the materialization's environment, corrected by ``edge_members`` (or all there, where listed).
edges = Table(
    "edges",
    metadata,
    Column("materialization_id", ForeignKey("materializations.id"), nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("asset_id", ForeignKey("assets.id"), nullable=False),
    Column("mapping_id", ForeignKey("mappings.id"), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("member_id", ForeignKey("materializations.id")),
    Column("listed", Boolean(create_constraint=False), nullable=False),
    PrimaryKeyConstraint("materialization_id", "position"),
    _partial("ix_edges_member_id", "member_id", where="member_id IS NOT NULL", unique=False),
    _partial("ix_edges_wide", "asset_id", where="member_id IS NULL", unique=False),
    sqlite_with_rowid=False,
)

edge_members = Table(
    "edge_members",
    metadata,
    Column("materialization_id", ForeignKey("materializations.id"), nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("partition_id", ForeignKey("partitions.id"), nullable=False),
    # Null: it was current and yet not read.
    Column("member_id", ForeignKey("materializations.id")),
    PrimaryKeyConstraint("materialization_id", "position", "partition_id"),
    Index(None, "member_id"),
    sqlite_with_rowid=False,
)

# What moved pointers, one row a transaction. Its number is commit order.
revisions = Table(
    "revisions",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("environment_id", ForeignKey("environments.id"), nullable=False),
    Column("run_id", ForeignKey("runs.id")),
    Column("at", BigInteger, nullable=False),
)

# Current is the open interval. A null materialization means: dropped.
pointers = Table(
    "pointers",
    metadata,
    Column("environment_id", ForeignKey("environments.id"), nullable=False),
    Column("partition_id", ForeignKey("partitions.id"), nullable=False),
    Column("from_revision", ForeignKey("revisions.id"), nullable=False),
    Column("to_revision", BigInteger),
    Column("asset_id", ForeignKey("assets.id"), nullable=False),
    Column("materialization_id", ForeignKey("materializations.id")),
    PrimaryKeyConstraint("environment_id", "partition_id", "from_revision"),
    CheckConstraint("to_revision > from_revision", name="forward"),
    _open("environment_id", "partition_id", table="pointers"),
    Index("ix_pointers_moves", "environment_id", "asset_id", "from_revision"),
    Index("ix_pointers_revision", "environment_id", "from_revision"),
    sqlite_with_rowid=False,
)

# Keys that are added and removed by hand and by code: the open intervals of a set are its keys.
dynamic_keys = Table(
    "dynamic_keys",
    metadata,
    Column("environment_id", ForeignKey("environments.id"), nullable=False),
    Column("set_name", Text, nullable=False),
    Column("key_id", ForeignKey("partition_keys.id"), nullable=False),
    Column("from_revision", ForeignKey("revisions.id"), nullable=False),
    Column("to_revision", BigInteger),
    PrimaryKeyConstraint("environment_id", "set_name", "key_id", "from_revision"),
    CheckConstraint("to_revision > from_revision", name="forward"),
    _open("environment_id", "set_name", "key_id", table="dynamic_keys"),
    sqlite_with_rowid=False,
)

# Who makes a partition now. How long it is good for stands in the run, which is renewed as a whole.
leases = Table(
    "leases",
    metadata,
    Column("environment_id", ForeignKey("environments.id"), nullable=False),
    Column("partition_id", ForeignKey("partitions.id"), nullable=False),
    Column("attempt_id", ForeignKey("attempts.id"), nullable=False),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    PrimaryKeyConstraint("environment_id", "partition_id"),
    Index(None, "attempt_id"),
    sqlite_with_rowid=False,
)

setbacks = Table(
    "setbacks",
    metadata,
    Column("environment_id", ForeignKey("environments.id"), nullable=False),
    Column("partition_id", ForeignKey("partitions.id"), nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("trace", LargeBinary),
    Column("failure", SmallInteger),
    Column("message", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    PrimaryKeyConstraint("environment_id", "partition_id"),
    sqlite_with_rowid=False,
)

checks = Table(
    "checks",
    metadata,
    _id(),
    Column("asset_id", ForeignKey("assets.id"), nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("asset_id", "name"),
)

# What a check said of a version. It holds for every version of the partition on which the check has this trace.
verdicts = Table(
    "verdicts",
    metadata,
    _id(),
    Column("check_id", ForeignKey("checks.id"), nullable=False),
    Column("partition_id", ForeignKey("partitions.id"), nullable=False),
    Column("trace", LargeBinary, nullable=False),
    Column("materialization_id", ForeignKey("materializations.id"), nullable=False),
    Column("attempt_id", ForeignKey("attempts.id")),
    Column("status", SmallInteger, nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("message", Text),
    Column("metrics", Text),  # JSON: {name: number}
    Column("sample", Text),  # JSON: [{column: value}, …]
    # Where nothing but verdicts was recorded: the revision at which they were, so that memos see it.
    Column("revision", BigInteger),
    Column("at", BigInteger, nullable=False),
    Column("micros", BigInteger, nullable=False),
    Index(None, "partition_id", "check_id", "trace"),
    Index(None, "materialization_id"),
    Index(None, "check_id"),
    _partial("ix_verdicts_revision", "revision", where="revision IS NOT NULL", unique=False),
)

memos = Table(
    "memos",
    metadata,
    Column("environment_id", ForeignKey("environments.id"), nullable=False),
    Column("asset_id", ForeignKey("assets.id"), nullable=False),
    Column("definition", LargeBinary, nullable=False),
    Column("keys", LargeBinary, nullable=False),
    Column("expires_at", BigInteger),
    Column("revision", BigInteger, nullable=False),
    Column("exceptions", Text),  # JSON: [key, …]
    PrimaryKeyConstraint("environment_id", "asset_id"),
    sqlite_with_rowid=False,
)

definitions = Table(
    "definitions",
    metadata,
    _id(),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("body", Text, nullable=False),  # JSON
)

# What the columns of an asset's values are made of, where the values prove it: of each version of its code.
derivations = Table(
    "derivations",
    metadata,
    Column("asset_id", ForeignKey("assets.id"), nullable=False),
    Column("code", Text, nullable=False),
    Column("edges", Text, nullable=False),  # JSON: [[source, column, into, role, evidence, reason], …]
    PrimaryKeyConstraint("asset_id", "code"),
    sqlite_with_rowid=False,
)

# Which definition an asset had, from one instant to another; open where it still has.
declarations = Table(
    "declarations",
    metadata,
    Column("environment_id", ForeignKey("environments.id"), nullable=False),
    Column("asset_id", ForeignKey("assets.id"), nullable=False),
    Column("from_at", BigInteger, nullable=False),
    Column("to_at", BigInteger),
    Column("definition_id", ForeignKey("definitions.id"), nullable=False),
    PrimaryKeyConstraint("environment_id", "asset_id", "from_at"),
    _partial("ix_declarations_open", "environment_id", "asset_id", where="to_at IS NULL"),
)
