"""Tables of the portal's database. `migrations/` makes them; a test proves that both say the same.

Times are text in UTC with microseconds and sort as they stand; days are ISO dates. What the rules of
`infra.domain` forbid is forbidden here again, by constraints that no program can forget.
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_ID = sa.String(36)
_PERSON = sa.String(255)
_AGENCY = sa.String(63)
_MOMENT = sa.String(32)
_DAY = sa.String(10)
_WORD = sa.String(32)

AUDIT = sa.Table(
    "audit_record",
    METADATA,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", _MOMENT, nullable=False),
    sa.Column("who", _PERSON, nullable=False),
    sa.Column("who_name", sa.Text, nullable=False),
    sa.Column("agency", _AGENCY, nullable=False),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("about", sa.String(255), nullable=False),
    sa.Column("told_vi", sa.Text, nullable=False),
    sa.Column("told_en", sa.Text, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Index("ix_audit_record_agency", "agency", "seq"),
    sa.Index("ix_audit_record_about", "about", "seq"),
)
AUDIT_HEAD = sa.Table(
    "audit_head",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("mac", sa.String(64), nullable=False),
    sa.CheckConstraint("id = 1", name="one"),
)
"""The last record, sealed with the key: who cuts the chain's end off cannot say so here."""

ACCOUNT = sa.Table(
    "quota_account",
    METADATA,
    sa.Column("agency", _AGENCY, primary_key=True),
    sa.Column("quota", sa.Text, nullable=False),
    sa.Column("base", sa.Text, nullable=False),
    sa.Column("changed_at", _MOMENT, nullable=False),
)
"""`quota` (limits) and `base` (what stands there beside the portal) are JSON of domain.quota.Quota."""
RESERVATION = sa.Table(
    "reservation",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("agency", _AGENCY, sa.ForeignKey("quota_account.agency"), nullable=False),
    sa.Column("request", _ID, sa.ForeignKey("request.id"), nullable=False),
    sa.Column("deployment", _ID, sa.ForeignKey("deployment.id"), nullable=True),
    sa.Column("state", _WORD, nullable=False),
    sa.Column("takes", sa.Text, nullable=False),
    sa.CheckConstraint("state IN ('held', 'taken', 'released')", name="state"),
    sa.CheckConstraint("state <> 'taken' OR deployment IS NOT NULL", name="taken_by"),
    sa.Index("ix_reservation_agency_state", "agency", "state"),
    sa.Index("ix_reservation_request", "request"),
    sa.Index("ix_reservation_deployment", "deployment"),
)

REQUEST = sa.Table(
    "request",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False, unique=True),
    sa.Column("agency", _AGENCY, sa.ForeignKey("quota_account.agency"), nullable=False),
    sa.Column("requester", _PERSON, nullable=False),
    sa.Column("requester_name", sa.Text, nullable=False),
    sa.Column("state", _WORD, nullable=False),
    sa.Column("items", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("end", _DAY, nullable=False),
    sa.Column("legal_basis", sa.Text, nullable=False),
    sa.Column("emergency", sa.Boolean, nullable=False),
    sa.Column("security_level", sa.Integer, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created", _MOMENT, nullable=False),
    sa.Column("submitted", _MOMENT, nullable=False),
    sa.Column("failure_vi", sa.Text, nullable=False),
    sa.Column("failure_en", sa.Text, nullable=False),
    sa.CheckConstraint(
        "state IN ('submitted', 'returned', 'approved', 'rejected', 'withdrawn', 'fulfilled', 'failed')",
        name="state",
    ),
    sa.CheckConstraint("security_level BETWEEN 1 AND 5", name="level"),
    sa.UniqueConstraint("id", "requester"),
    sa.Index("ix_request_agency_number", "agency", "number"),
    sa.Index("ix_request_state_number", "state", "number"),
    sa.Index("ix_request_requester_number", "requester", "number"),
)
"""`end` is "" where the item has none."""

SIGNATURE = sa.Table(
    "signature",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("request", _ID, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("requester", _PERSON, nullable=False),
    sa.Column("signer", _PERSON, nullable=False),
    sa.Column("signer_name", sa.Text, nullable=False),
    sa.Column("on_behalf_of", _PERSON, nullable=False),
    sa.Column("stage", _WORD, nullable=False),
    sa.Column("verdict", _WORD, nullable=False),
    sa.Column("review", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", _MOMENT, nullable=False),
    sa.ForeignKeyConstraint(["request", "requester"], ["request.id", "request.requester"]),
    sa.CheckConstraint("signer <> requester AND on_behalf_of <> requester", name="never_who_asked"),
    sa.CheckConstraint("signer <> on_behalf_of", name="for_another"),
    sa.CheckConstraint("stage IN ('agency', 'city')", name="stage"),
    sa.CheckConstraint("verdict IN ('approve', 'reject', 'return')", name="verdict"),
    sa.UniqueConstraint("request", "round", "place"),
    sa.UniqueConstraint("request", "round", "signer"),
    sa.UniqueConstraint("request", "round", "stage"),
)
"""`requester` is the request's, by a key of two columns: a signature of who asked cannot be stored. `place`
counts from 0 in a round."""

DELEGATION = sa.Table(
    "delegation",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("giver", _PERSON, nullable=False),
    sa.Column("giver_name", sa.Text, nullable=False),
    sa.Column("taker", _PERSON, nullable=False),
    sa.Column("agency", _AGENCY, nullable=False),
    sa.Column("stage", _WORD, nullable=False),
    sa.Column("start", _MOMENT, nullable=False),
    sa.Column("end", _MOMENT, nullable=False),
    sa.Column("taker_name", sa.Text, nullable=False, server_default=""),
    sa.Column("made", _MOMENT, nullable=False, server_default=""),
    sa.Column("revoked", _MOMENT, nullable=False, server_default=""),
    sa.CheckConstraint("giver <> taker", name="to_another"),
    sa.Index("ix_delegation_taker", "taker"),
    sa.Index("ix_delegation_giver", "giver"),
)
"""`revoked` is "" where it was not ended before its time."""

DEPLOYMENT = sa.Table(
    "deployment",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("name", sa.String(63), nullable=False),
    sa.Column("agency", _AGENCY, nullable=False),
    sa.Column("owner", _PERSON, nullable=False),
    sa.Column("request", _ID, sa.ForeignKey("request.id"), nullable=False),
    sa.Column("item", sa.String(63), nullable=False),
    sa.Column("blueprint", sa.String(127), nullable=False),
    sa.Column("values", sa.Text, nullable=False),
    sa.Column("state", _WORD, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created", _MOMENT, nullable=False),
    sa.Column("expires", _DAY, nullable=False),
    sa.Column("noticed", sa.Integer, nullable=True),
    sa.Column("noticed_on", _DAY, nullable=False),
    sa.Column("suspended_on", _DAY, nullable=False),
    sa.Column("archived", _DAY, nullable=False),
    sa.Column("legal_hold", sa.Boolean, nullable=False),
    sa.Column("power", _WORD, nullable=False),
    sa.Column("reboots", sa.Integer, nullable=False),
    sa.Column("outputs", sa.Text, nullable=False),
    sa.Column("openings", sa.Text, nullable=False, server_default="[]"),
    sa.Column("rebuilt", _ID, nullable=False, server_default=""),
    sa.CheckConstraint(
        "state IN ('provisioning', 'active', 'suspended', 'retiring', 'retired', 'failed')", name="state"
    ),
    sa.UniqueConstraint("agency", "name"),
    sa.Index("ix_deployment_state", "state"),
    sa.Index("ix_deployment_request", "request"),
)
"""`power` is what the owner wants of it, on or off, and `reboots` how often. `outputs` is JSON of what the
blueprint told: address, user and commands. Days are "" where they have not come. `openings` is JSON of
[service, source, port]; `rebuilt` the id of a rebuild."""
SNAPSHOT = sa.Table(
    "snapshot",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("deployment", _ID, sa.ForeignKey("deployment.id"), nullable=False),
    sa.Column("name", sa.String(63), nullable=False),
    sa.Column("state", _WORD, nullable=False),
    sa.Column("archive", sa.Boolean, nullable=False),
    sa.Column("who_name", sa.Text, nullable=False),
    sa.Column("created", _MOMENT, nullable=False),
    sa.Column("image", _ID, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("note_vi", sa.Text, nullable=False),
    sa.Column("note_en", sa.Text, nullable=False),
    sa.CheckConstraint("state IN ('wanted', 'ready', 'failed', 'leaving', 'gone')", name="state"),
    sa.Index("ix_snapshot_deployment", "deployment"),
    sa.Index("ix_snapshot_state", "state"),
)
"""`image` is "" until the cloud was asked for it."""
REBUILD = sa.Table(
    "rebuild",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("deployment", _ID, sa.ForeignKey("deployment.id"), nullable=False),
    sa.Column("snapshot", _ID, nullable=False),
    sa.Column("state", _WORD, nullable=False),
    sa.Column("created", _MOMENT, nullable=False),
    sa.Column("note_vi", sa.Text, nullable=False),
    sa.Column("note_en", sa.Text, nullable=False),
    sa.CheckConstraint("state IN ('wanted', 'done', 'failed')", name="state"),
    sa.Index("ix_rebuild_deployment", "deployment", "created"),
    sa.Index(
        "uq_rebuild_wanted", "deployment", unique=True,
        sqlite_where=sa.text("state = 'wanted'"), postgresql_where=sa.text("state = 'wanted'"),
    ),
)  # fmt: skip
"""`snapshot` is "" for the item's own image. A deployment has one at a time that is wanted."""
_RUNNING = sa.text("state <> 'ended'")
DEPLOYMENT_CHANGE = sa.Table(
    "deployment_change",
    METADATA,
    sa.Column("request", _ID, sa.ForeignKey("request.id"), primary_key=True),
    sa.Column("deployment", _ID, sa.ForeignKey("deployment.id"), nullable=False),
    sa.Column("state", _WORD, nullable=False),
    sa.CheckConstraint("state IN ('asked', 'making', 'undoing', 'ended')", name="state"),
    sa.Index(
        "ix_deployment_change_running", "deployment", unique=True, sqlite_where=_RUNNING,
        postgresql_where=_RUNNING,
    ),
)  # fmt: skip
"""A request that changes a deployment; no second one runs beside it."""

LEASE = sa.Table(
    "lease",
    METADATA,
    sa.Column("name", sa.String(127), primary_key=True),
    sa.Column("holder", sa.String(127), nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("until", _MOMENT, nullable=False),
)
"""`token` grows each time that the lease changes hands and never goes back."""


def _journal(name: str, owner: str) -> sa.Table:
    return sa.Table(
        name,
        METADATA,
        sa.Column(owner, _ID, sa.ForeignKey(f"{owner}.id"), primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("state", _WORD, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("started", _MOMENT, nullable=False),
        sa.Column("ended", _MOMENT, nullable=False),
        sa.Column("note_vi", sa.Text, nullable=False),
        sa.Column("note_en", sa.Text, nullable=False),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name="state"),
    )


STEP = _journal("step", "request")
"""The journal of a worker: what it began is written before it is done."""
REBUILD_STEP = _journal("rebuild_step", "rebuild")
"""The same of a rebuild."""
ANSWER = sa.Table(
    "answer",
    METADATA,
    sa.Column("person", _PERSON, primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("asked", sa.String(64), nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("at", _MOMENT, nullable=False),
)
"""What a call with this key has answered: `asked` is the digest of its name and arguments."""

PERSON = sa.Table(
    "person",
    METADATA,
    sa.Column("id", _PERSON, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("agency", _AGENCY, nullable=False),
    sa.Column("roles", sa.String(255), nullable=False),
    sa.Column("source", _WORD, nullable=False),
    sa.Column("language", sa.String(2), nullable=False),
    sa.Column("seen", _MOMENT, nullable=False),
    sa.Index("ix_person_agency", "agency"),
)
"""Who has signed in, as the directory last said; `language` is "" until they choose one."""
NOTICE = sa.Table(
    "notice",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("person", _PERSON, nullable=False),
    sa.Column("agency", _AGENCY, nullable=False),
    sa.Column("kind", _WORD, nullable=False),
    sa.Column("about", _ID, nullable=False),
    sa.Column("label", sa.String(127), nullable=False),
    sa.Column("occasion", sa.String(127), nullable=False),
    sa.Column("told_vi", sa.Text, nullable=False),
    sa.Column("told_en", sa.Text, nullable=False),
    sa.Column("created", _MOMENT, nullable=False),
    sa.Column("read", _MOMENT, nullable=False),
    sa.Column("mailed", _MOMENT, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_try", _MOMENT, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Index("ix_notice_person_created", "person", "created"),
    sa.Index("ix_notice_mailed_created", "mailed", "created"),
    sa.Index("ix_notice_about_kind", "about", "kind"),
)
"""See domain.notice.Notice. `read` and `mailed` are "" until then; `next_try` is when a mail is sent at the
earliest."""
