"""The portal's first tables: audit, quota, requests, signatures, deployments, workers' leases and journal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "answer",
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("asked", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("person", "key", name=op.f("pk_answer")),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_record",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("who", sa.String(length=255), nullable=False),
        sa.Column("who_name", sa.Text(), nullable=False),
        sa.Column("agency", sa.String(length=63), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("about", sa.String(length=255), nullable=False),
        sa.Column("told_vi", sa.Text(), nullable=False),
        sa.Column("told_en", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_record")),
    )
    op.create_index("ix_audit_record_about", "audit_record", ["about", "seq"], unique=False)
    op.create_index("ix_audit_record_agency", "audit_record", ["agency", "seq"], unique=False)
    op.create_table(
        "delegation",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("giver", sa.String(length=255), nullable=False),
        sa.Column("giver_name", sa.Text(), nullable=False),
        sa.Column("taker", sa.String(length=255), nullable=False),
        sa.Column("agency", sa.String(length=63), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("start", sa.String(length=32), nullable=False),
        sa.Column("end", sa.String(length=32), nullable=False),
        sa.CheckConstraint("giver <> taker", name=op.f("ck_delegation_to_another")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegation")),
    )
    op.create_index("ix_delegation_taker", "delegation", ["taker"], unique=False)
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=127), nullable=False),
        sa.Column("holder", sa.String(length=127), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "quota_account",
        sa.Column("agency", sa.String(length=63), nullable=False),
        sa.Column("quota", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("agency", name=op.f("pk_quota_account")),
    )
    op.create_table(
        "request",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("agency", sa.String(length=63), nullable=False),
        sa.Column("requester", sa.String(length=255), nullable=False),
        sa.Column("requester_name", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("end", sa.String(length=10), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("emergency", sa.Boolean(), nullable=False),
        sa.Column("security_level", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created", sa.String(length=32), nullable=False),
        sa.Column("submitted", sa.String(length=32), nullable=False),
        sa.Column("failure_vi", sa.Text(), nullable=False),
        sa.Column("failure_en", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('submitted', 'returned', 'approved', 'rejected', 'withdrawn', 'fulfilled', 'failed')",
            name=op.f("ck_request_state"),
        ),
        sa.CheckConstraint("security_level BETWEEN 1 AND 5", name=op.f("ck_request_level")),
        sa.ForeignKeyConstraint(["agency"], ["quota_account.agency"], name=op.f("fk_request_agency")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
        sa.UniqueConstraint("id", "requester", name=op.f("uq_request_id_requester")),
        sa.UniqueConstraint("number", name=op.f("uq_request_number")),
    )
    op.create_index("ix_request_agency_number", "request", ["agency", "number"], unique=False)
    op.create_index("ix_request_requester_number", "request", ["requester", "number"], unique=False)
    op.create_index("ix_request_state_number", "request", ["state", "number"], unique=False)
    op.create_table(
        "deployment",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("agency", sa.String(length=63), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("request", sa.String(length=36), nullable=False),
        sa.Column("item", sa.String(length=63), nullable=False),
        sa.Column("blueprint", sa.String(length=127), nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created", sa.String(length=32), nullable=False),
        sa.Column("expires", sa.String(length=10), nullable=False),
        sa.Column("noticed", sa.Integer(), nullable=True),
        sa.Column("noticed_on", sa.String(length=10), nullable=False),
        sa.Column("suspended_on", sa.String(length=10), nullable=False),
        sa.Column("archived", sa.String(length=10), nullable=False),
        sa.Column("legal_hold", sa.Boolean(), nullable=False),
        sa.Column("power", sa.String(length=32), nullable=False),
        sa.Column("reboots", sa.Integer(), nullable=False),
        sa.Column("outputs", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('provisioning', 'active', 'suspended', 'retiring', 'retired', 'failed')",
            name=op.f("ck_deployment_state"),
        ),
        sa.ForeignKeyConstraint(["request"], ["request.id"], name=op.f("fk_deployment_request")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment")),
        sa.UniqueConstraint("agency", "name", name=op.f("uq_deployment_agency_name")),
    )
    op.create_index("ix_deployment_request", "deployment", ["request"], unique=False)
    op.create_index("ix_deployment_state", "deployment", ["state"], unique=False)
    op.create_table(
        "signature",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("request", sa.String(length=36), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("requester", sa.String(length=255), nullable=False),
        sa.Column("signer", sa.String(length=255), nullable=False),
        sa.Column("signer_name", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=255), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("verdict", sa.String(length=32), nullable=False),
        sa.Column("review", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("stage IN ('agency', 'city')", name=op.f("ck_signature_stage")),
        sa.CheckConstraint("verdict IN ('approve', 'reject', 'return')", name=op.f("ck_signature_verdict")),
        sa.CheckConstraint("signer <> on_behalf_of", name=op.f("ck_signature_for_another")),
        sa.CheckConstraint(
            "signer <> requester AND on_behalf_of <> requester", name=op.f("ck_signature_never_who_asked")
        ),
        sa.ForeignKeyConstraint(
            ["request", "requester"],
            ["request.id", "request.requester"],
            name=op.f("fk_signature_request_requester"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature")),
        sa.UniqueConstraint("request", "round", "place", name=op.f("uq_signature_request_round_place")),
        sa.UniqueConstraint("request", "round", "signer", name=op.f("uq_signature_request_round_signer")),
        sa.UniqueConstraint("request", "round", "stage", name=op.f("uq_signature_request_round_stage")),
    )
    op.create_table(
        "step",
        sa.Column("request", sa.String(length=36), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.String(length=32), nullable=False),
        sa.Column("ended", sa.String(length=32), nullable=False),
        sa.Column("note_vi", sa.Text(), nullable=False),
        sa.Column("note_en", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name=op.f("ck_step_state")),
        sa.ForeignKeyConstraint(["request"], ["request.id"], name=op.f("fk_step_request")),
        sa.PrimaryKeyConstraint("request", "attempt", "place", name=op.f("pk_step")),
    )
    op.create_table(
        "reservation",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("agency", sa.String(length=63), nullable=False),
        sa.Column("request", sa.String(length=36), nullable=False),
        sa.Column("deployment", sa.String(length=36), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("takes", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state <> 'taken' OR deployment IS NOT NULL", name=op.f("ck_reservation_taken_by")
        ),
        sa.CheckConstraint("state IN ('held', 'taken', 'released')", name=op.f("ck_reservation_state")),
        sa.ForeignKeyConstraint(["agency"], ["quota_account.agency"], name=op.f("fk_reservation_agency")),
        sa.ForeignKeyConstraint(["deployment"], ["deployment.id"], name=op.f("fk_reservation_deployment")),
        sa.ForeignKeyConstraint(["request"], ["request.id"], name=op.f("fk_reservation_request")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservation")),
    )
    op.create_index("ix_reservation_agency_state", "reservation", ["agency", "state"], unique=False)
    op.create_index("ix_reservation_deployment", "reservation", ["deployment"], unique=False)
    op.create_index("ix_reservation_request", "reservation", ["request"], unique=False)

    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in _POSTGRESQL if postgresql else _SQLITE:
        op.execute(statement)


_APPEND_ONLY = ("audit_record", "signature")
_SQLITE = (
    *(
        f"CREATE TRIGGER {table}_no_{word.lower()} BEFORE {word} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for table in _APPEND_ONLY
        for word in ("UPDATE", "DELETE")
    ),
    # INSERT OR REPLACE deletes without asking the trigger above.
    "CREATE TRIGGER audit_record_in_order BEFORE INSERT ON audit_record"
    " WHEN NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM audit_record)"
    " BEGIN SELECT RAISE(ABORT, 'audit_record is append-only'); END",
)
_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION citycloud_portal_append_only() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$",
    *(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION citycloud_portal_append_only()"
        for table in _APPEND_ONLY
    ),
)
