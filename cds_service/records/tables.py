"""The tables; `migrations/` creates them, and a test compares the two.

Whatever identifies a person, an order, or a chart is stored as a keyed hash. `decisions`, `cards`, `determinations`,
and `policy_snapshots` are append-only: triggers reject every change, and every deletion that no recorded purge covers.
So are `crd_exchanges`, `crd_assertions`, and `crd_accesses`. What is stored of a patient is in the columns whose names
begin with `sealed`, encrypted.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, on databases with and without time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; SQLite stores the moment without its zone."""
        if value is None:
            return None
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the moment in UTC, with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


METADATA = MetaData()

USED_TOKENS = Table(
    "used_tokens",
    METADATA,
    Column("issuer", Text, primary_key=True),
    Column("jti", Text, primary_key=True),
    Column("expires_at", Moment, nullable=False),
    Index("used_tokens_expires_at", "expires_at"),
)

POLICY_SNAPSHOTS = Table(
    "policy_snapshots",
    METADATA,
    Column("snapshot", Text, primary_key=True),
    Column("content", JSON, nullable=False),
)
"""The policies in force at one time, each with its edition and content hash, and the hash of the operator's rules."""

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("decision", Text, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("path", Text, nullable=False),
    Column("hook_instance", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("snapshot", Text, ForeignKey("policy_snapshots.snapshot")),
    Column("labels", JSON, nullable=False),
    Column("input", JSON, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("failure", Text, nullable=False),
    Index("decisions_at", "at"),
    Index("decisions_hook_instance", "hook_instance"),
)
"""One row per call. `at` is the moment the chart was read, or that of the refusal."""

CARDS = Table(
    "cards",
    METADATA,
    Column("decision", Text, ForeignKey("decisions.decision"), primary_key=True),
    Column("card", Text, primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("indicator", Text, nullable=False),
    Column("suppressed", Text, nullable=False),
    Column("suggestions", JSON, nullable=False),
    Index("cards_card", "card"),
)
"""One row per card of a call. A later call has the same `card` again for the same orders and facts; `suppressed` says
why a card was not sent."""

DETERMINATIONS = Table(
    "determinations",
    METADATA,
    Column("decision", Text, ForeignKey("decisions.decision"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("card", Text),
    Column("policy", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("edition", Integer, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("section", Text, nullable=False),
    Column("order_hash", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("pathway", Text, nullable=False),
    Column("criteria", JSON, nullable=False),
    Column("criteria_targeted", JSON, nullable=False),
    Column("facts_hash", Text, nullable=False),
    Column("answer_hash", Text, nullable=False),
    ForeignKeyConstraint(["decision", "card"], ["cards.decision", "cards.card"]),
    Index("determinations_card", "card"),
)
"""One row per determination. `criteria_targeted` are the criteria that its card is about."""

FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("feedback", Text, primary_key=True),
    Column("card", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("suggestions", JSON, nullable=False),
    Column("comment", Text, nullable=False),
    Column("outcome_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Index("feedback_card", "card"),
)
"""What became of cards, in whichever call they were shown. `feedback` is a keyed hash of what was sent; `card` need
not be one of ours."""

PURGES = Table(
    "purges",
    METADATA,
    Column("at", Moment, primary_key=True),
    Column("before", Moment, nullable=False),
)
"""What was deleted because it was old enough. `before` is the moment up to which the triggers let rows go."""

SMART_SESSIONS = Table(
    "smart_sessions",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index("smart_sessions_expires_at", "expires_at"),
)
"""Sessions of browsers: of the questionnaire app, and of operators. `name` is a hash of the id of a session; the key of
`sealed` is in the cookie of a browser and nowhere else."""

CRD_EXCHANGES = Table(
    "crd_exchanges",
    METADATA,
    Column("exchange", Text, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("path", Text, nullable=False),
    Column("hook_instance", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("sealed", LargeBinary),
    Column("expires_at", Moment, nullable=False),
    Column("sealed_chart", LargeBinary),
    Index("crd_exchanges_at", "at"),
    Index("crd_exchanges_hook_instance", "hook_instance"),
    Index("crd_exchanges_expires_at", "expires_at"),
)
"""One row per call of a CRD service or a DTR operation, refused ones included. `exchange` is the id of the call.

`sealed` are the bodies of request and response, None without keys or if they are not stored. `sealed_chart` is what the
FHIR server answered to a CRD call that names a form, None for any other and without keys."""

CRD_ASSERTIONS = Table(
    "crd_assertions",
    METADATA,
    Column("exchange", Text, ForeignKey("crd_exchanges.exchange"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("assertion", Text, nullable=False),
    Column("order_hash", Text, nullable=False),
    Column("coverage_hash", Text, nullable=False),
    Column("policies", JSON, nullable=False),
    Column("codes", JSON, nullable=False),
    Column("sealed", LargeBinary),
    Index("crd_assertions_assertion", "assertion"),
    Index("crd_assertions_order_coverage", "order_hash", "coverage_hash"),
)
"""One row per coverage assertion of a call. A later call may issue the same `assertion` again. `sealed` is the order,
the Coverage, the patient, and the determinations, None without keys."""

CRD_ACCESSES = Table(
    "crd_accesses",
    METADATA,
    Column("access", Text, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index("crd_accesses_at", "at"),
)
"""Who read sealed content or purged what had expired. `at` is the moment up to which the triggers let rows go after a
purge; `subject` is the id of what was read."""
