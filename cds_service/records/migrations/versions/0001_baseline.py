"""The baseline: used tokens, decisions, cards, determinations, and feedback."""

import sqlalchemy as sa
from alembic import op

from cds_service.records.append_only import guard

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_APPEND_ONLY = {
    "policy_snapshots": "",
    "decisions": "OLD.at < before",
    "cards": "(SELECT at FROM decisions WHERE decision = OLD.decision) < before",
    "determinations": "(SELECT at FROM decisions WHERE decision = OLD.decision) < before",
    "purges": "",
}
"""Per table the condition on `purges.before` under which a row may be deleted; none where it never may."""


def upgrade() -> None:
    """Create every table, index, and append-only trigger."""
    op.create_table(
        "used_tokens",
        sa.Column("issuer", sa.Text, primary_key=True),
        sa.Column("jti", sa.Text, primary_key=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("used_tokens_expires_at", "used_tokens", ["expires_at"])
    op.create_table(
        "policy_snapshots",
        sa.Column("snapshot", sa.Text, primary_key=True),
        sa.Column("content", sa.JSON, nullable=False),
    )
    op.create_table(
        "decisions",
        sa.Column("decision", sa.Text, primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("hook_instance", sa.Text, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("snapshot", sa.Text, sa.ForeignKey("policy_snapshots.snapshot")),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("input", sa.JSON, nullable=False),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("failure", sa.Text, nullable=False),
    )
    op.create_index("decisions_at", "decisions", ["at"])
    op.create_index("decisions_hook_instance", "decisions", ["hook_instance"])
    op.create_table(
        "cards",
        sa.Column("decision", sa.Text, sa.ForeignKey("decisions.decision"), primary_key=True),
        sa.Column("card", sa.Text, primary_key=True),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("indicator", sa.Text, nullable=False),
        sa.Column("suppressed", sa.Text, nullable=False),
        sa.Column("suggestions", sa.JSON, nullable=False),
    )
    op.create_index("cards_card", "cards", ["card"])
    op.create_table(
        "determinations",
        sa.Column("decision", sa.Text, sa.ForeignKey("decisions.decision"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("card", sa.Text),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("edition", sa.Integer, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("section", sa.Text, nullable=False),
        sa.Column("order_hash", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("pathway", sa.Text, nullable=False),
        sa.Column("criteria", sa.JSON, nullable=False),
        sa.Column("criteria_targeted", sa.JSON, nullable=False),
        sa.Column("facts_hash", sa.Text, nullable=False),
        sa.Column("answer_hash", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["decision", "card"], ["cards.decision", "cards.card"]),
    )
    op.create_index("determinations_card", "determinations", ["card"])
    op.create_table(
        "feedback",
        sa.Column("feedback", sa.Text, primary_key=True),
        sa.Column("card", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("suggestions", sa.JSON, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("outcome_at", _MOMENT, nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
    )
    op.create_index("feedback_card", "feedback", ["card"])
    op.create_table(
        "purges",
        sa.Column("at", _MOMENT, primary_key=True),
        sa.Column("before", _MOMENT, nullable=False),
    )
    for table, condition in _APPEND_ONLY.items():
        guard(table, condition and f"EXISTS (SELECT 1 FROM purges WHERE {condition})")  # noqa: S608
