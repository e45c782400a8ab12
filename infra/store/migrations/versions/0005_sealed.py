"""What a sign-in service gave for a session, sealed by the session's cookie."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("session", sa.Column("sealed", sa.Text(), nullable=False, server_default=""))
