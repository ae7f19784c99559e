"""Exchanges of Da Vinci CRD, the assertions issued in them, and who read them."""

import sqlalchemy as sa
from alembic import op

from cds_service.records.append_only import guard

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_PURGED_UNTIL = "(SELECT max(at) FROM crd_accesses WHERE action = 'purge')"
_EXCHANGE = "(SELECT expires_at FROM crd_exchanges WHERE exchange = OLD.exchange)"


def upgrade() -> None:
    """Create the tables, and triggers that let rows go only when they have expired and a purge is recorded."""
    op.create_table(
        "crd_exchanges",
        sa.Column("exchange", sa.Text, primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("hook_instance", sa.Text, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("expires_at", _MOMENT, nullable=False),
    )
    op.create_index("crd_exchanges_at", "crd_exchanges", ["at"])
    op.create_index("crd_exchanges_hook_instance", "crd_exchanges", ["hook_instance"])
    op.create_index("crd_exchanges_expires_at", "crd_exchanges", ["expires_at"])
    op.create_table(
        "crd_assertions",
        sa.Column("exchange", sa.Text, sa.ForeignKey("crd_exchanges.exchange"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("assertion", sa.Text, nullable=False),
        sa.Column("order_hash", sa.Text, nullable=False),
        sa.Column("coverage_hash", sa.Text, nullable=False),
        sa.Column("policies", sa.JSON, nullable=False),
        sa.Column("codes", sa.JSON, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
    )
    op.create_index("crd_assertions_assertion", "crd_assertions", ["assertion"])
    op.create_table(
        "crd_accesses",
        sa.Column("access", sa.Text, primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("crd_accesses_at", "crd_accesses", ["at"])
    guard("crd_exchanges", f"coalesce(OLD.expires_at <= {_PURGED_UNTIL}, 1 = 0)")
    guard("crd_assertions", f"coalesce({_EXCHANGE} <= {_PURGED_UNTIL}, 1 = 0)")
    guard("crd_accesses")
