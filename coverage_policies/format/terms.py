"""The words of documents and determinations: status, reason, outcome, kind of policy, line of business."""

from enum import Enum, StrEnum
from typing import NoReturn


class Status(Enum):
    """Whether a criterion is met. `met` always favors the order. A status has no boolean value."""

    MET = "met"
    NOT_MET = "not-met"
    UNKNOWN = "unknown"

    __hash__ = object.__hash__  # a member is one object; Enum hashes its name, in Python

    def __bool__(self) -> NoReturn:
        raise TypeError("a status has three values; compare it with `is` instead of testing it")


class Reason(Enum):
    """Why a criterion has its status: the gap codes of Da Vinci DEQM (care-gap-reason), then our own."""

    NOT_FOUND = "NotFound"
    MISSING = "Missing"
    PRESENT = "Present"
    INVALID_ATTRIBUTE = "InvalidAttribute"
    DATE_OUT_OF_RANGE = "DateOutOfRange"
    VALUE_OUT_OF_RANGE = "ValueOutOfRange"
    COUNT_OUT_OF_RANGE = "CountOutOfRange"
    ATTESTED = "attested"
    CONFLICT = "conflict"
    DATA_UNAVAILABLE = "data-unavailable"
    NONE_RECORDED = "none-recorded"
    UNCONVERTIBLE = "unconvertible"
    CASE_REVIEW = "case-review"
    OTHER_PATHWAY = "other-pathway"

    __hash__ = object.__hash__


class Outcome(Enum):
    """What a policy determines about an order, the worst first."""

    NOT_SUPPORTED = "not-supported"
    CRITERIA_NOT_MET = "criteria-not-met"
    NOT_EVALUATED = "not-evaluated"
    DOCUMENTATION_NEEDED = "documentation-needed"
    CASE_REVIEW = "case-review"
    SUPPORTED = "supported"
    NOT_APPLICABLE = "not-applicable"

    __hash__ = object.__hash__


class About(StrEnum):
    """What a question is about, which tells for which other orders an answer to it counts too."""

    ORDER = "order"
    """This very order: its purpose, approach, implant, drug, or guidance."""
    SITE = "site"
    """The joint or level that is to be treated: its tests, blocks, and imaging."""
    PATIENT = "patient"


class PolicyKind(StrEnum):
    """Who a policy comes from: a plan, or Medicare with a national or local coverage determination."""

    PLAN = "plan"
    NCD = "ncd"
    LCD = "lcd"


class LineOfBusiness(StrEnum):
    """The kind of coverage that a policy is for. `medicare` is original Medicare."""

    MEDICARE = "medicare"
    MEDICARE_ADVANTAGE = "medicare-advantage"
    MEDICAID = "medicaid"
    COMMERCIAL = "commercial"


class RequestType(StrEnum):
    """The resource type of an order that belongs to another one."""

    SERVICE = "ServiceRequest"
    DEVICE = "DeviceRequest"


class PriorAuthorization(StrEnum):
    """Whether the plan asks for prior authorization of the orders that a policy is about."""

    REQUIRED = "required"
    NOT_REQUIRED = "not-required"
