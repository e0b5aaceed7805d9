"""Alembic's scripts: how a catalog of one version becomes one of the next. Loaded only when one is behind."""
