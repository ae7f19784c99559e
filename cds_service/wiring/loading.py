"""Load the policies and plan rules that the settings name."""

from cds_service.crd.services import HOOKS
from cds_service.settings import Settings
from coverage_policies.format.library import load_library
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from coverage_policies.judging.plan_rules_file import load_plan_rules
from fhir_mappings.dates import CalendarPeriod


def load_assessor(settings: Settings) -> Assessor:
    """Return an assessor with the policies and plan rules of these settings.

    Raise DocumentError with every problem, each with file and line.
    """
    library = load_library(settings.policy_folders)
    rules = PlanRules()
    if settings.plan_rules:
        rules = load_plan_rules(settings.plan_rules, library.policies, HOOKS)
    return Assessor(library, rules, CalendarPeriod(settings.answers_valid_days, "days"))
