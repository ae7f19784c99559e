"""The words of orders that ship with the service."""

from coverage_policies.format.library import BUILT_IN
from coverage_policies.format.order_terms import load_order_terms

TERMS = load_order_terms([BUILT_IN / "order_terms"])
