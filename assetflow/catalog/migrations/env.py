"""What alembic runs: the scripts, in the transaction and on the connection that ``upgrading`` has begun."""

from __future__ import annotations

from alembic import context

from assetflow.catalog.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
