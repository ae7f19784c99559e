"""The status of a criterion, and the reason for it, in the words of the pages."""

from types import MappingProxyType

from cds_service.web.form_view import Badge
from coverage_policies.authoring.reference import reasons
from coverage_policies.format.terms import Reason, Status

STATUSES = MappingProxyType(
    {
        Status.MET: Badge("Met", "good"),
        Status.NOT_MET: Badge("Not met", "bad"),
        Status.UNKNOWN: Badge("Not documented", "open"),
    }
)
REASONS = MappingProxyType({Reason(each.name): f"{each.says[:1].upper()}{each.says[1:]}." for each in reasons()})
"""Each reason in the words of `policies reasons`, which hold for every status."""
