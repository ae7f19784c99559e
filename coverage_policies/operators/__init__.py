"""The words of the policy format, one file each."""

from collections.abc import Mapping

from coverage_policies.operators import (
    allergy,
    concurrent_order,
    condition,
    device,
    imaging,
    medication,
    observation,
    opioid_reduction,
    order,
    pain_relief,
    planned,
    procedure,
)
from coverage_policies.operators.base import Operator

OPERATORS: Mapping[str, Operator] = {
    module.OPERATOR.name: module.OPERATOR
    for module in (
        allergy,
        condition,
        device,
        imaging,
        medication,
        observation,
        opioid_reduction,
        order,
        pain_relief,
        planned,
        procedure,
        concurrent_order,
    )
}
"""Every operator by its name."""
