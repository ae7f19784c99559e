"""What reading a chart got, in words: for the log line of a call, and for a call of which nothing could be read."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from cds_service.fhir_client.server_answers import Failure, in_short
from cds_service.hooks.chart_reader import Origin, SearchReport
from cds_service.hooks.errors import Issue
from fhir_mappings.record import Availability

_NOT_ALLOWED = {Failure.ADDRESS_REFUSED.value, Failure.NOT_ALLOWED.value}
_UNANSWERED = Failure.TIMEOUT.value
_FAILURES = frozenset(failure.value for failure in Failure)
_ISSUES = {"401": "login", "403": "forbidden", "404": "not-found", _UNANSWERED: "timeout"}
_ADVICE = {
    "401": " Check the access token.",
    "403": " Check the scopes of the access token.",
    "404": " Check that fhirServer is the base address of the FHIR server.",
    Failure.NO_CONNECTION.value: " Check the address, and that the server is running.",
    Failure.UNKNOWN_HOST.value: " Check the address.",
}


def searches_in_short(reports: Iterable[SearchReport], answers: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return what each search got, by its prefetch key, and what other requests got; no data of a patient."""
    found = {report.search.key: _in_short(report, answers) for report in reports}
    return found | {key: in_short(of_key) for key, of_key in answers.items() if key not in found}


def _in_short(report: SearchReport, answers: Mapping[str, Sequence[str]]) -> str:
    if report.origin is Origin.NOT_READ:
        return report.origin.value
    got = [] if report.origin is Origin.QUERY else [Origin.PREFETCH.value]
    if report.origin is not Origin.PREFETCH:
        got.append(in_short(answers.get(report.search.key, ())) or _UNANSWERED)
    return ", ".join(got) + (" (incomplete)" if report.availability is Availability.UNAVAILABLE else "")


def nothing_read(server: str, reports: Iterable[SearchReport], answers: Mapping[str, Sequence[str]]) -> Issue | None:
    """Return the issue that says what a FHIR server answered to the queries of a call; None without queries.

    `server` is its origin. A server that may not be read has a note of its own.
    """
    queried = [report.search.key for report in reports if report.origin in (Origin.QUERY, Origin.BOTH)]
    first = Counter(next(iter(answers.get(key, ())), _UNANSWERED) for key in queried)
    if not server or not first or first.keys() <= _NOT_ALLOWED:
        return None
    commonest, count = first.most_common(1)[0]
    status = commonest.split()[0] if commonest not in _FAILURES else commonest
    return Issue(
        _ISSUES.get(status, "exception"),
        _sentence(server, first) + (_ADVICE.get(status, "") if count == len(queried) else ""),
        "fhirServer",
    )


def _sentence(server: str, first: Counter[str]) -> str:
    total = first.total()
    if len(first) > 1:
        parts = ", ".join(f"{count} got {answer}" for answer, count in first.most_common())
        return f"Of {total} queries to the FHIR server {server}, {parts}."
    (answer,) = first
    queries = f"all {total} queries" if total > 1 else "the only query"
    if answer in _FAILURES:
        return f"{queries.capitalize()} to the FHIR server {server} failed: {answer}."
    return f"The FHIR server {server} answered {answer} to {queries}."
