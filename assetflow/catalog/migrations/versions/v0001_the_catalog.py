"""The first shape of the catalog. Never edited: catalogs of every age begin with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables of an empty catalog."""
    _names()
    _shared_rows()
    _running()
    _values()
    _pointers()
    _deciding()
    op.execute("INSERT INTO counters (name, value) VALUES ('revision', 0), ('run', 0)")


def _names() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "environments",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("base_id", sa.Integer(), nullable=True),
        sa.Column("base_revision", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["base_id"], ["environments.id"], name=op.f("fk_environments_base_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_environments")),
        sa.UniqueConstraint("name", name=op.f("uq_environments_name")),
    )
    op.create_table(
        "assets",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assets")),
    )
    op.create_table(
        "names",
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("from_revision", sa.BigInteger(), nullable=False),
        sa.Column("to_revision", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_names_asset_id")),
        sa.PrimaryKeyConstraint("asset_id", "from_revision", name=op.f("pk_names")),
    )
    op.create_index(
        "ix_names_open",
        "names",
        ["group_name", "name"],
        unique=True,
        sqlite_where=sa.text("to_revision IS NULL"),
        postgresql_where=sa.text("to_revision IS NULL"),
    )
    op.create_table(
        "partition_keys",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("dimensions", sa.SmallInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partition_keys")),
        sa.UniqueConstraint("text", "dimensions", name=op.f("uq_partition_keys_text_dimensions")),
    )
    op.create_table(
        "partition_key_values",
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("value_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["partition_keys.id"], name=op.f("fk_partition_key_values_key_id")),
        sa.ForeignKeyConstraint(["value_id"], ["partition_keys.id"], name=op.f("fk_partition_key_values_value_id")),
        sa.PrimaryKeyConstraint("key_id", "position", name=op.f("pk_partition_key_values")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_partition_key_values_value_id"), "partition_key_values", ["value_id"], unique=False)
    op.create_table(
        "partitions",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_partitions_asset_id")),
        sa.ForeignKeyConstraint(["key_id"], ["partition_keys.id"], name=op.f("fk_partitions_key_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partitions")),
        sa.UniqueConstraint("asset_id", "key_id", name=op.f("uq_partitions_asset_id_key_id")),
    )


def _shared_rows() -> None:
    op.create_table(
        "recipes",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("resources", sa.Text(), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("declared", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipes")),
        sa.UniqueConstraint("digest", name=op.f("uq_recipes_digest")),
    )
    op.create_table(
        "schemas",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("codec", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schemas")),
        sa.UniqueConstraint("digest", name=op.f("uq_schemas_digest")),
    )
    op.create_table(
        "mappings",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mappings")),
        sa.UniqueConstraint("text", name=op.f("uq_mappings_text")),
    )
    op.create_table(
        "blobs",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tag", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("chunks", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blobs")),
    )
    op.create_index(op.f("ix_blobs_tag"), "blobs", ["tag"], unique=False)


def _running() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("targets", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=True),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("boot", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("pid_started", sa.BigInteger(), nullable=False),
        sa.Column("alive_until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name=op.f("fk_runs_environment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index(
        "ix_runs_running",
        "runs",
        ["status"],
        unique=False,
        sqlite_where=sa.text("status = 0"),
        postgresql_where=sa.text("status = 0"),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("partition_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.SmallInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["partition_id"], ["partitions.id"], name=op.f("fk_attempts_partition_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_attempts_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_run_id"), "attempts", ["run_id"], unique=False)
    op.create_table(
        "failures",
        sa.Column(
            "attempt_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("traceback", sa.Text(), nullable=False),
        sa.Column("wait_micros", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name=op.f("fk_failures_attempt_id")),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_failures")),
    )
    op.create_table(
        "leases",
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("partition_id", sa.Integer(), nullable=False),
        sa.Column("attempt_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name=op.f("fk_leases_attempt_id")),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name=op.f("fk_leases_environment_id")),
        sa.ForeignKeyConstraint(["partition_id"], ["partitions.id"], name=op.f("fk_leases_partition_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_leases_run_id")),
        sa.PrimaryKeyConstraint("environment_id", "partition_id", name=op.f("pk_leases")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_leases_attempt_id"), "leases", ["attempt_id"], unique=False)
    op.create_table(
        "setbacks",
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("partition_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("trace", sa.LargeBinary(), nullable=True),
        sa.Column("failure", sa.SmallInteger(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name=op.f("fk_setbacks_environment_id")),
        sa.ForeignKeyConstraint(["partition_id"], ["partitions.id"], name=op.f("fk_setbacks_partition_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_setbacks_run_id")),
        sa.PrimaryKeyConstraint("environment_id", "partition_id", name=op.f("pk_setbacks")),
        sqlite_with_rowid=False,
    )


def _values() -> None:
    op.create_table(
        "materializations",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("partition_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("attempt_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("trace", sa.LargeBinary(), nullable=True),
        sa.Column("recipe_id", sa.Integer(), nullable=True),
        sa.Column("window_text", sa.Text(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=True),
        sa.Column("schema_id", sa.Integer(), nullable=False),
        sa.Column("column_digests", sa.LargeBinary(), nullable=True),
        sa.Column("blob_id", sa.Integer(), nullable=True),
        sa.Column("inline", sa.LargeBinary(), nullable=True),
        sa.Column("uri", sa.Text(), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name=op.f("fk_materializations_attempt_id")),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.id"], name=op.f("fk_materializations_blob_id")),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name=op.f("fk_materializations_environment_id")
        ),
        sa.ForeignKeyConstraint(["partition_id"], ["partitions.id"], name=op.f("fk_materializations_partition_id")),
        sa.ForeignKeyConstraint(["recipe_id"], ["recipes.id"], name=op.f("fk_materializations_recipe_id")),
        sa.ForeignKeyConstraint(["schema_id"], ["schemas.id"], name=op.f("fk_materializations_schema_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_materializations")),
        sa.UniqueConstraint("partition_id", "version", name=op.f("uq_materializations_partition_id_version")),
    )
    op.create_index(op.f("ix_materializations_attempt_id"), "materializations", ["attempt_id"], unique=False)
    op.create_index("ix_materializations_blob_id", "materializations", ["blob_id"], unique=False)
    op.create_index(
        op.f("ix_materializations_partition_id_trace_published"),
        "materializations",
        ["partition_id", "trace", "published"],
        unique=False,
    )
    op.create_table(
        "edges",
        sa.Column("materialization_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("mapping_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_edges_asset_id")),
        sa.ForeignKeyConstraint(["mapping_id"], ["mappings.id"], name=op.f("fk_edges_mapping_id")),
        sa.ForeignKeyConstraint(
            ["materialization_id"], ["materializations.id"], name=op.f("fk_edges_materialization_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["materializations.id"], name=op.f("fk_edges_member_id")),
        sa.PrimaryKeyConstraint("materialization_id", "position", name=op.f("pk_edges")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_edges_member_id",
        "edges",
        ["member_id"],
        unique=False,
        sqlite_where=sa.text("member_id IS NOT NULL"),
        postgresql_where=sa.text("member_id IS NOT NULL"),
    )
    op.create_index(
        "ix_edges_wide",
        "edges",
        ["asset_id"],
        unique=False,
        sqlite_where=sa.text("member_id IS NULL"),
        postgresql_where=sa.text("member_id IS NULL"),
    )
    op.create_table(
        "edge_members",
        sa.Column("materialization_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("partition_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["materialization_id"], ["materializations.id"], name=op.f("fk_edge_members_materialization_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["materializations.id"], name=op.f("fk_edge_members_member_id")),
        sa.ForeignKeyConstraint(["partition_id"], ["partitions.id"], name=op.f("fk_edge_members_partition_id")),
        sa.PrimaryKeyConstraint("materialization_id", "position", "partition_id", name=op.f("pk_edge_members")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_edge_members_member_id"), "edge_members", ["member_id"], unique=False)


def _pointers() -> None:
    op.create_table(
        "revisions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name=op.f("fk_revisions_environment_id")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_revisions_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
    )
    op.create_table(
        "pointers",
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("partition_id", sa.Integer(), nullable=False),
        sa.Column("from_revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("to_revision", sa.BigInteger(), nullable=True),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("materialization_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("to_revision > from_revision", name=op.f("ck_pointers_forward")),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_pointers_asset_id")),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name=op.f("fk_pointers_environment_id")),
        sa.ForeignKeyConstraint(["from_revision"], ["revisions.id"], name=op.f("fk_pointers_from_revision")),
        sa.ForeignKeyConstraint(
            ["materialization_id"], ["materializations.id"], name=op.f("fk_pointers_materialization_id")
        ),
        sa.ForeignKeyConstraint(["partition_id"], ["partitions.id"], name=op.f("fk_pointers_partition_id")),
        sa.PrimaryKeyConstraint("environment_id", "partition_id", "from_revision", name=op.f("pk_pointers")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_pointers_moves", "pointers", ["environment_id", "asset_id", "from_revision"], unique=False)
    op.create_index(
        "ix_pointers_open",
        "pointers",
        ["environment_id", "partition_id"],
        unique=True,
        sqlite_where=sa.text("to_revision IS NULL"),
        postgresql_where=sa.text("to_revision IS NULL"),
    )
    op.create_index("ix_pointers_revision", "pointers", ["environment_id", "from_revision"], unique=False)


def _deciding() -> None:
    op.create_table(
        "memos",
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("definition", sa.LargeBinary(), nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("exceptions", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_memos_asset_id")),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name=op.f("fk_memos_environment_id")),
        sa.PrimaryKeyConstraint("environment_id", "asset_id", name=op.f("pk_memos")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "definitions",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_definitions")),
        sa.UniqueConstraint("digest", name=op.f("uq_definitions_digest")),
    )
    op.create_table(
        "declarations",
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("to_at", sa.BigInteger(), nullable=True),
        sa.Column("definition_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_declarations_asset_id")),
        sa.ForeignKeyConstraint(["definition_id"], ["definitions.id"], name=op.f("fk_declarations_definition_id")),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name=op.f("fk_declarations_environment_id")),
        sa.PrimaryKeyConstraint("environment_id", "asset_id", "from_at", name=op.f("pk_declarations")),
    )
    op.create_index(
        "ix_declarations_open",
        "declarations",
        ["environment_id", "asset_id"],
        unique=True,
        sqlite_where=sa.text("to_at IS NULL"),
        postgresql_where=sa.text("to_at IS NULL"),
    )
