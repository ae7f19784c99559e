"""The status of a criterion, and the reason for it, in the words of the pages."""

from types import MappingProxyType

from cds_service.web.form_view import Badge
from coverage_policies.format.terms import Reason, Status

STATUSES = MappingProxyType(
    {
        Status.MET: Badge("Met", "good"),
        Status.NOT_MET: Badge("Not met", "bad"),
        Status.UNKNOWN: Badge("Not documented", "open"),
    }
)
REASONS = MappingProxyType(
    {
        Reason.NOT_FOUND: "Nothing in the chart fulfills it.",
        Reason.MISSING: "A record lacks a detail that the policy asks for.",
        Reason.PRESENT: "The chart has what the policy rules out.",
        Reason.INVALID_ATTRIBUTE: "A record differs from what the policy asks for.",
        Reason.DATE_OUT_OF_RANGE: "The date is outside the time that counts.",
        Reason.VALUE_OUT_OF_RANGE: "The value is outside the range that counts.",
        Reason.COUNT_OUT_OF_RANGE: "There are too few or too many records.",
        Reason.ATTESTED: "A clinician answered it.",
        Reason.CONFLICT: "Records contradict each other.",
        Reason.DATA_UNAVAILABLE: "The data could not be read.",
        Reason.NONE_RECORDED: "Nothing is recorded about it.",
        Reason.UNCONVERTIBLE: "A value could not be converted.",
        Reason.CASE_REVIEW: "The plan decides case by case.",
        Reason.OTHER_PATHWAY: "It counts for another purpose only.",
    }
)
