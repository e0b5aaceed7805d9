"""Partition keys that are added and removed by hand and by code."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "dynamic_keys",
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("set_name", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("from_revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("to_revision", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("to_revision > from_revision", name=op.f("ck_dynamic_keys_forward")),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name=op.f("fk_dynamic_keys_environment_id")),
        sa.ForeignKeyConstraint(["from_revision"], ["revisions.id"], name=op.f("fk_dynamic_keys_from_revision")),
        sa.ForeignKeyConstraint(["key_id"], ["partition_keys.id"], name=op.f("fk_dynamic_keys_key_id")),
        sa.PrimaryKeyConstraint("environment_id", "set_name", "key_id", "from_revision", name=op.f("pk_dynamic_keys")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_dynamic_keys_open",
        "dynamic_keys",
        ["environment_id", "set_name", "key_id"],
        unique=True,
        sqlite_where=sa.text("to_revision IS NULL"),
        postgresql_where=sa.text("to_revision IS NULL"),
    )
