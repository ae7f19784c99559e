"""The chart of a CRD call that names a form, and assertions by their order and Coverage."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column for the sealed chart, which no earlier call has, and the index."""
    op.add_column("crd_exchanges", sa.Column("sealed_chart", sa.LargeBinary))
    op.create_index("crd_assertions_order_coverage", "crd_assertions", ["order_hash", "coverage_hash"])
