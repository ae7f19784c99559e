"""Reports of DTR clients on errors in forms (Da Vinci DTR 2.2.0, $log-questionnaire-errors).

What a report says in words may quote anything, so only its codes and our own canonicals leave its sealed body.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cds_service.dtr.parameters import Parameters, missing
from cds_service.hooks.errors import Issue, RefusedError
from coverage_policies.format.canonicals import questionnaire_url, questionnaire_version
from coverage_policies.format.model import Policy
from fhir_mappings.fhir_json import Json, Resource

OPERATION = "log-questionnaire-errors"
MOST_FORMS = 100
MOST_ISSUES = 100
"""How many forms and issues one report may have."""
_SEVERITIES = ("fatal", "error", "warning", "information")
_CODES = frozenset(
    (
        *("invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired"),
        *("forbidden", "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found"),
        *("deleted", "too-long", "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient"),
        *("lock-error", "no-store", "exception", "timeout", "incomplete", "throttled", "informational"),
    )
)
"""The codes of FHIR R4, IssueType."""


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """A report: the canonicals of ours that it names, how many others, and severity and code of each issue."""

    forms: tuple[str, ...]
    others: int
    issues: tuple[tuple[str, str], ...]

    def figures(self) -> dict[str, Json]:
        """Return what is kept of it without a key."""
        return {
            "questionnaires": list(self.forms),
            "other_questionnaires": self.others,
            "issues": [{"severity": severity, "code": code} for severity, code in self.issues],
        }

    def severities(self) -> dict[str, int]:
        """Return how many issues there are of each severity, the worst first."""
        counted = Counter(severity for severity, _ in self.issues)
        return {each: counted[each] for each in _SEVERITIES if counted[each]}


def read_error_report(parameters: Parameters, policies: Collection[Policy], canonical_base: str) -> ErrorReport:
    """Return the report in the parameters of a call.

    Raise RefusedError with the place: 400 for what is missing or faulty, 413 for too many forms or issues.
    """
    named = parameters.canonicals("questionnaire")
    if not named:
        raise missing("questionnaire", "Send the canonical of each form that has the errors.")
    if len(named) > MOST_FORMS:
        raise _too_many(f"Send at most {MOST_FORMS} forms.", parameters.place("questionnaire"))
    outcomes = parameters.all("operationOutcome", "OperationOutcome")
    if not outcomes:
        raise missing("operationOutcome", "Send an OperationOutcome with the errors.")
    issues: list[tuple[str, str]] = []
    for outcome, place in zip(outcomes, parameters.places("operationOutcome"), strict=True):
        issues += _issues(outcome, place)
        if len(issues) > MOST_ISSUES:
            raise _too_many(f"Send at most {MOST_ISSUES} issues.", f"{place}.issue")
    known = [_known(each, policies, canonical_base) for each in named]
    forms = dict.fromkeys(each for each in known if each)
    return ErrorReport(tuple(forms), known.count(""), tuple(issues))


def _issues(outcome: Resource, place: str) -> Sequence[tuple[str, str]]:
    sent = outcome.get("issue")
    if not isinstance(sent, list) or not sent:
        raise _faulty(f"{place}.issue", "Send a list of at least one issue.")
    if len(sent) > MOST_ISSUES:
        raise _too_many(f"Send at most {MOST_ISSUES} issues.", f"{place}.issue")
    found = []
    for number, each in enumerate(sent):
        where = f"{place}.issue[{number}]"
        issue = each if isinstance(each, Mapping) else {}
        severity, code = issue.get("severity"), issue.get("code")
        if severity not in _SEVERITIES:
            raise _faulty(f"{where}.severity", f"Send {', '.join(_SEVERITIES)}.")
        if not isinstance(code, str) or code not in _CODES:
            raise _faulty(f"{where}.code", "Send a code of http://hl7.org/fhir/issue-type.")
        found.append((severity, code))
    return found


def _known(canonical: str, policies: Collection[Policy], canonical_base: str) -> str:
    """Return a canonical of ours; without its version if no edition has it, and empty if no policy has its address."""
    url, _, version = canonical.partition("|")
    revisions = [each for each in policies if questionnaire_url(canonical_base, each.name) == url]
    versions = {
        questionnaire_version(each.revision, edition)
        for each in revisions
        for edition in (each.edition, *(known.number for known in each.editions))
    }
    if not revisions:
        return ""
    return canonical if version in versions else url


def _faulty(place: str, wanted: str) -> RefusedError:
    return RefusedError(400, Issue("value", f"{place} is not valid. {wanted}", place))


def _too_many(says: str, place: str) -> RefusedError:
    return RefusedError(413, Issue("too-long", says, place))
