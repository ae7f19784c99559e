"""Replay a recorded decision from the request and the chart that the client kept, and list what differs."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cds_service.crd.payer_check import keep_possible_coverages
from cds_service.crd.services import service_at
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.fhir_client.source import FhirSource, SearchResult
from cds_service.hooks.request import HookRequest
from cds_service.hooks.review import Review, ReviewLimits, review
from cds_service.records.decision_log import Decision
from cds_service.records.order_keys import order_keys
from cds_service.records.policy_snapshot import PolicyVersion, policy_versions, rules_hash
from cds_service.records.pseudonyms import Pseudonymizer
from cds_service.records.rows import InputDigest, answer_hash
from cds_service.settings import Settings
from coverage_policies.format.library import Library
from coverage_policies.format.searches import Search
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.determination import Determination
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.fhir_json import Json
from fhir_mappings.record import Availability

_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_NONE = "none"
_REPLAY_SECONDS = 3_600.0
"""The time limit of a replay at the command line: long enough not to cut short what the call evaluated to the end."""


class NotReplayableError(Exception):
    """A decision that cannot be replayed; the message says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison: the recorded value and the value now."""

    what: str
    recorded: str
    now: str

    @property
    def is_same(self) -> bool:
        """Whether the two values are equal."""
        return self.recorded == self.now

    @property
    def values_in_short(self) -> tuple[str, str]:
        """Both values, with hashes cut short for a reader."""
        return _HASH.sub(r"\1…", self.recorded), _HASH.sub(r"\1…", self.now)

    def as_json(self) -> dict[str, object]:
        """Return the check as JSON."""
        return {"what": self.what, "recorded": self.recorded, "now": self.now, "same": self.is_same}


class _RecordedChart(ChartInMemory):
    """A chart whose searches fail for the resource types that could not be read at the time of the decision."""

    def __init__(self, chart: Store, address: str, input_then: Mapping[str, Any]) -> None:
        super().__init__(chart)
        self.address = address
        self._availability = {
            **dict.fromkeys(input_then["unavailable"], Availability.UNAVAILABLE),
            **dict.fromkeys(input_then["not_offered"], Availability.NOT_OFFERED),
        }

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Search the chart, unless the search failed at the time of the decision."""
        if search.resource_type in self._availability:
            return SearchResult((), self._availability[search.resource_type])
        return super().search(search, patient_id)


def replay(
    decision: Decision,
    request: HookRequest,
    chart: Json | None,
    assessor: Assessor,
    settings: Settings,
    pseudonym: Pseudonymizer,
    monotonic: Callable[[], float],
    *,
    open_source: Callable[[Deadline], FhirSource] | None = None,
    seconds: float = _REPLAY_SECONDS,
) -> tuple[Check, ...]:
    """Judge a request again, by the policies in force and at the time of the decision, and compare the results.

    `chart` is a Bundle with what was read from the FHIR server in addition to the prefetch; no server is called.
    Without one, `open_source` opens a server where the chart can be read once more, if there is one. Raises
    NotReplayableError for a decision without a recorded answer or under another key, and where the replay takes longer
    than `seconds`, and ValueError if `chart` is not a Bundle.
    """
    if not decision.row["input"]:
        raise NotReplayableError(f"the call was answered {decision.row['status']}; there is no answer to compare")
    if decision.row["input"].get("cut_short"):
        raise NotReplayableError(
            "the time limit cut its evaluation short, and where depends on the load of that moment"
        )
    if decision.row["labels"]["key"] != pseudonym.name:
        raise NotReplayableError("the decision was recorded under another key; set CDS_PSEUDONYM_KEY to that one")
    library = assessor.library
    then = Library(
        {name: policy for name, policy in library.policies.items() if name in decision.policies}, library.value_sets
    )
    judging = Assessor(then, assessor.rules, CalendarPeriod(settings.answers_valid_days, "days"))
    if chart is not None:
        open_source = _opener_of(decision, request, chart)
    limits = replace(ReviewLimits.of(settings), call_timeout_seconds=seconds)
    again = _reviewed_again(decision, request, judging, limits, open_source, pseudonym, monotonic)
    digest = InputDigest.of(pseudonym, decision.row["client"], request, again).as_json()
    rules = rules_hash(assessor.rules, settings.time_zone, settings.answers_valid_days, assessor.library.order_terms)
    return (
        *_inputs(decision.row["input"], digest),
        *_policies(decision, policy_versions(library)),
        Check("the operator's rules, time zone, validity of answers", decision.rules, rules),
        *_answers(decision.determinations, again.determinations, pseudonym),
    )


def _opener_of(decision: Decision, request: HookRequest, chart: Json) -> Callable[[Deadline], FhirSource] | None:
    """Return what opens a chart in memory; None for a call that named no FHIR server, and so read none."""
    if request.fhir is None:
        return None
    return _RecordedChart(Store.from_bundle(chart), request.fhir.server, decision.row["input"]).open


def _reviewed_again(
    decision: Decision,
    request: HookRequest,
    assessor: Assessor,
    limits: ReviewLimits,
    open_source: Callable[[Deadline], FhirSource] | None,
    pseudonym: Pseudonymizer,
    monotonic: Callable[[], float],
) -> Review:
    is_crd = service_at(decision.row["path"]) is not None
    found = review(
        replace(request, fhir=None),
        assessor,
        limits,
        open_source=open_source,
        clock=lambda: decision.row["at"],
        monotonic=monotonic,
        order_key=order_keys(pseudonym, request.patient_id),
        always_reads=is_crd,
        narrow=keep_possible_coverages if is_crd else lambda _: None,
    )
    if found.refusal is not None:
        raise NotReplayableError("nothing could be read; give the chart that was read (on the command line, --chart)")
    if any(each.is_cut_short for each in found.determinations):
        raise NotReplayableError("its evaluation takes longer than there is time for here; run `cds-service replay`")
    return found


def _inputs(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Check]:
    names = {"patient": "patient", "user": "user", "orders": "orders", "chart": "what was read of the chart"}
    for name, what in names.items():
        yield Check(what, then[name], now[name])
    yield Check("what could not be read", _listed(then["unavailable"]), _listed(now["unavailable"]))
    yield Check("what the server does not offer", _listed(then["not_offered"]), _listed(now["not_offered"]))


def _policies(decision: Decision, now: Mapping[str, PolicyVersion]) -> Iterator[Check]:
    used = dict.fromkeys(f"{each['policy']}@{each['revision']}" for each in decision.determinations)
    for name in used:
        yield Check(f"policy {name}", _edition(decision.policies[name]), _edition(now[name]) if name in now else _NONE)


def _answers(
    then: Sequence[Mapping[str, Any]], now: Sequence[Determination], pseudonym: Pseudonymizer
) -> Iterator[Check]:
    """Compare answers by policy and order; if their hashes differ, also compare each criterion."""
    found: dict[tuple[str, str], list[Determination]] = {}
    for each in now:
        found.setdefault((each.full_name, pseudonym("order", each.order)), []).append(each)
    for i, row in enumerate(then, start=1):
        revision = f"{row['policy']}@{row['revision']}"
        what = f"answer {i}, {revision}"
        same = found.get((revision, row["order_hash"]))
        if not same:
            yield Check(what, row["outcome"], _NONE)
            continue
        again = same.pop(0)  # orders of one name stay in their order
        check = Check(
            what, f"{row['outcome']} {row['answer_hash']}", f"{again.outcome.value} {answer_hash(pseudonym, again)}"
        )
        yield check
        if not check.is_same:
            yield from _criteria(what, row["criteria"], again)
    for (revision, _), left in found.items():
        for each in left:
            yield Check(f"answer by {revision}", _NONE, each.outcome.value)


def _criteria(what: str, then: Sequence[Mapping[str, str]], now: Determination) -> Iterator[Check]:
    was = {each["id"]: f"{each['status']} {each['reason']}".strip() for each in then}
    is_ = {each.id: f"{each.status.value} {each.reason.value if each.reason else ''}".strip() for each in now.criteria}
    for name in dict.fromkeys((*was, *is_)):
        check = Check(f"{what}, {name}", was.get(name, _NONE), is_.get(name, _NONE))
        if not check.is_same:
            yield check


def _edition(version: PolicyVersion) -> str:
    return f"edition {version.edition} {version.content}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or _NONE
