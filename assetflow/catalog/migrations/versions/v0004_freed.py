"""``v_materializations`` says of which values the bytes were freed. Views are made anew after each migration."""

from __future__ import annotations

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """The tables stay as they are."""
