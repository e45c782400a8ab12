"""What Alembic runs: the steps on the connection that `infra.store.migration` gives."""

from __future__ import annotations

from alembic import context

from infra.store.portal_schema import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    version_table="portal_version",
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
