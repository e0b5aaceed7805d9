"""What columns are made of, as values prove it; and ``v_materializations`` says of which values the bytes were freed.

Views are made anew after each migration.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "derivations",
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("edges", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_derivations_asset_id")),
        sa.PrimaryKeyConstraint("asset_id", "code", name=op.f("pk_derivations")),
        sqlite_with_rowid=False,
    )
