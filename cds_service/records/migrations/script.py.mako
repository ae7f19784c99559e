"""${message}."""

import sqlalchemy as sa
from alembic import op

from cds_service.records.tables import Moment

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this schema from the one before."""
    ${upgrades if upgrades else "pass"}
