"""The code that a command orders: one that a policy is about."""

from cds_service.cli.names import no_such
from coverage_policies.format.model import Policy
from coverage_policies.format.value_sets import TEXT, Row


def ordered_row(policy: Policy, code: str | None) -> Row:
    """Return the row of a code that the policy is about, or of its first one. Raises ClickException."""
    rows = [row for entry in policy.orders if entry.sections for row in entry.codes.rows if row.system != TEXT]
    rows = [row for row in rows if not row.code.endswith("*")]
    found = next((row for row in rows if code in (None, row.code)), None)
    if found is None:
        raise no_such("code of this policy", code or "", dict.fromkeys(row.code for row in rows))
    return found
