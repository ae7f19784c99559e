"""One criterion: what its clauses make of it, why it is open, and what an answer changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations, product

import pytest

from coverage_policies.format.model import Clause, Criterion
from coverage_policies.format.operator import ClauseResult, Context
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Reason, Status
from coverage_policies.judging.criterion import CriterionStatus, judge, with_answer
from fhir_mappings.answers import Answer
from fhir_mappings.record import Availability, Evidence
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import COMPLETE, MET, NOT_MET, NOT_OFFERED, UNAVAILABLE, UNKNOWN, case

YES, NO, CANNOT_TELL = Truth.YES, Truth.NO, Truth.UNKNOWN
YES_SAID, NO_SAID = (
    Answer(value, Evidence("QuestionnaireResponse/1", "Answer", value=value)) for value in ("yes", "no")
)


@dataclass(frozen=True)
class Fixed:
    """A clause with a fixed result."""

    result: ClauseResult
    searches: tuple[Search, ...] = ()

    def evaluate(self, ctx: Context) -> ClauseResult:  # noqa: ARG002 - its result is fixed
        return self.result


def clause(holds: Truth, reason: Reason = Reason.PRESENT, name: str = "", note: str = "", headline: str = "") -> Clause:
    evidence = (Evidence(name, name),) if name else ()
    return Clause("fixed", {}, Fixed(ClauseResult(holds, reason, evidence, (note,) if note else (), headline)))


def searching(holds: Truth, kind: str = "Condition") -> Clause:
    found = ClauseResult(holds, Reason.INVALID_ATTRIBUTE, (Evidence(f"{kind}/1", kind),))
    return Clause("fixed", {}, Fixed(found, (Search(kind, kind),)))


def leaf(
    met: Sequence[Clause] = (), not_met: Sequence[Clause] = (), show: Sequence[Clause] = (), met_by: str = "yes"
) -> Criterion:
    return Criterion("I.A", "a", met_when=tuple(met), not_met_when=tuple(not_met), show=tuple(show), met_by=met_by)


def judged(criterion: Criterion) -> CriterionStatus:
    return judge(criterion, case())


def names(found: CriterionStatus) -> list[str]:
    return [item.reference for item in found.evidence]


# --- clauses ---------------------------------------------------------------------------------------------------------

TABLE = {
    (YES, YES): UNKNOWN,
    (YES, NO): MET,
    (YES, CANNOT_TELL): MET,
    (NO, YES): NOT_MET,
    (NO, NO): UNKNOWN,
    (NO, CANNOT_TELL): UNKNOWN,
    (CANNOT_TELL, YES): NOT_MET,
    (CANNOT_TELL, NO): UNKNOWN,
    (CANNOT_TELL, CANNOT_TELL): UNKNOWN,
}


@pytest.mark.parametrize(("holds", "status"), list(TABLE.items()))
def test_only_a_clause_that_holds_decides_and_two_that_contradict_do_not(
    holds: tuple[Truth, Truth], status: Status
) -> None:
    assert judged(leaf([clause(holds[0])], [clause(holds[1])])).status is status


# --- contradicting data that were not read ---------------------------------------------------------------------------

READ = {"Condition": COMPLETE, "Procedure": COMPLETE}
UNREAD = READ | {"Condition": UNAVAILABLE}
UNREADABLE = ClauseResult(CANNOT_TELL, Reason.DATA_UNAVAILABLE)
DATED_BY_CONDITION = (Search("Procedure", "procedures"), Search("Condition", "conditions", only_dates=True))


@pytest.mark.parametrize(
    ("against", "availability", "status"),
    [
        (CANNOT_TELL, UNREAD, UNKNOWN),
        (CANNOT_TELL, READ, MET),
        (CANNOT_TELL, READ | {"Condition": NOT_OFFERED}, MET),
        (CANNOT_TELL, READ | {"Procedure": UNAVAILABLE}, MET),
        (NO, UNREAD, MET),
    ],
)
def test_what_would_be_met_stays_open_where_contradicting_data_were_not_read(
    against: Truth, availability: dict[str, Availability], status: Status
) -> None:
    found = judge(leaf([clause(YES, name="a")], [searching(against)]), case(availability=availability))
    assert found.status is status
    assert found.may_fail is (status is UNKNOWN)
    assert found.reason is (Reason.DATA_UNAVAILABLE if status is UNKNOWN else None)
    assert "a" in names(found)


def test_what_only_dates_the_contradicting_data_may_be_unread() -> None:
    against = Clause("fixed", {}, Fixed(ClauseResult(CANNOT_TELL, Reason.INVALID_ATTRIBUTE), DATED_BY_CONDITION))
    criterion = leaf(not_met=[against])
    found = judge(criterion, case(availability=UNREAD))
    assert not found.may_fail
    assert with_answer(found, criterion, {"I.A": YES_SAID}).status is MET


@pytest.mark.parametrize(
    ("unasked", "reason"),
    [({"Condition"}, Reason.NOT_FOUND), (set(), Reason.DATA_UNAVAILABLE), ({"Device"}, Reason.DATA_UNAVAILABLE)],
)
def test_evidence_that_nobody_was_asked_for_is_not_found_rather_than_unreadable(
    unasked: set[str], reason: Reason
) -> None:
    unread = Clause("fixed", {}, Fixed(UNREADABLE, (Search("Condition", "c"), Search("Procedure", "p"))))
    for criterion in (leaf(met=[unread]), leaf(show=[unread])):
        assert judge(criterion, case(availability=UNREAD, unasked=unasked)).reason is reason


def test_evidence_is_unreadable_where_another_search_of_it_failed() -> None:
    unread = Clause("fixed", {}, Fixed(UNREADABLE, (Search("Condition", "c"), Search("Procedure", "p"))))
    availability = dict.fromkeys(READ, UNAVAILABLE)
    found = judge(leaf(met=[unread]), case(availability=availability, unasked={"Condition"}))
    assert found.reason is Reason.DATA_UNAVAILABLE


def test_contradicting_data_that_nobody_was_asked_for_are_unread() -> None:
    found = judge(leaf(not_met=[searching(CANNOT_TELL)]), case(availability=UNREAD, unasked={"Condition"}))
    assert found.may_fail


def test_what_is_not_met_stays_so_where_other_data_were_not_read() -> None:
    found = judge(leaf([searching(CANNOT_TELL)], [clause(YES)]), case(availability=UNREAD))
    assert (found.status, found.may_fail) == (NOT_MET, False)


@pytest.mark.parametrize(
    ("against", "availability", "status", "reason"),
    [
        (CANNOT_TELL, UNREAD, UNKNOWN, Reason.DATA_UNAVAILABLE),
        (CANNOT_TELL, READ, MET, Reason.ATTESTED),
        (NO, UNREAD, MET, Reason.ATTESTED),
    ],
)
def test_an_answer_in_favor_outranks_silence_and_no_unread_data(
    against: Truth, availability: dict[str, Availability], status: Status, reason: Reason
) -> None:
    criterion = leaf(not_met=[searching(against)])
    found = with_answer(judge(criterion, case(availability=availability)), criterion, {"I.A": YES_SAID})
    assert (found.status, found.reason) == (status, reason)
    assert found.evidence[0] == YES_SAID.evidence


def test_an_answer_against_decides_whatever_was_not_read() -> None:
    criterion = leaf(not_met=[searching(CANNOT_TELL)])
    found = with_answer(judge(criterion, case(availability=UNREAD)), criterion, {"I.A": NO_SAID})
    assert (found.status, found.reason) == (NOT_MET, Reason.ATTESTED)


@pytest.mark.parametrize("holds", list(product([YES, NO, CANNOT_TELL], repeat=3)))
def test_of_several_clauses_any_one_is_enough(holds: tuple[Truth, ...]) -> None:
    expected = YES in holds
    assert (judged(leaf(met=[clause(each) for each in holds])).status is MET) is expected
    assert (judged(leaf(not_met=[clause(each) for each in holds])).status is NOT_MET) is expected


def test_both_directions_at_once_are_a_conflict_with_the_evidence_of_both() -> None:
    found = judged(leaf([clause(YES, name="for")], [clause(YES, name="against")]))
    assert (found.status, found.reason, names(found)) == (UNKNOWN, Reason.CONFLICT, ["for", "against"])


@pytest.mark.parametrize("holds", list(Truth))
def test_what_is_only_shown_decides_nothing(holds: Truth) -> None:
    assert judged(leaf(show=[clause(holds)])).status is UNKNOWN


@pytest.mark.parametrize(
    "criterion",
    [
        leaf(met=[clause(YES, name="x")], show=[clause(YES, name="shown")]),
        leaf(not_met=[clause(YES, name="x")], show=[clause(YES, name="shown")]),
        leaf(met=[clause(NO, name="x")], show=[clause(YES, name="shown")]),
        leaf([clause(YES, name="x")], [clause(YES)], [clause(YES, name="shown")]),
    ],
)
def test_what_is_shown_is_evidence_whatever_the_status(criterion: Criterion) -> None:
    assert names(judged(criterion)) == ["x", "shown"]


def test_evidence_of_what_does_not_hold_is_not_evidence_of_a_status() -> None:
    found = judged(leaf(met=[clause(YES, name="holds"), clause(NO, name="other")], not_met=[clause(NO, name="no")]))
    assert names(found) == ["holds"]


def test_an_open_criterion_shows_all_that_was_looked_at_once() -> None:
    found = judged(leaf([clause(NO, name="a")], [clause(NO, name="b")], [clause(YES, name="a")]))
    assert names(found) == ["a", "b"]


def test_a_met_criterion_needs_no_reason() -> None:
    assert judged(leaf(met=[clause(YES, Reason.VALUE_OUT_OF_RANGE)])).reason is None


def test_a_criterion_that_is_not_met_has_the_reason_and_the_gist_of_the_first_clause_that_holds() -> None:
    found = judged(
        leaf(
            not_met=[
                clause(NO, Reason.NOT_FOUND),
                clause(YES, Reason.DATE_OUT_OF_RANGE, headline="young"),
                clause(YES, Reason.PRESENT, headline="there"),
            ]
        )
    )
    assert (found.reason, found.headline) == (Reason.DATE_OUT_OF_RANGE, "young")


@pytest.mark.parametrize(
    ("asked", "headline"),
    [
        ({"in": "spo2", "value": "at most 88 %"}, "SpO2 97 %; policy: at most 88 %"),
        ({"in": "po2", "value": "at most 55 mmHg"}, "SpO2 97 % is at least 89 %"),
        ({"in": "spo2"}, "SpO2 97 % is at least 89 %"),
    ],
)
def test_a_value_that_fails_is_told_with_the_limit_that_the_policy_asks_of_it(
    asked: dict[str, str], headline: str
) -> None:
    against = clause(YES, headline="SpO2 97 %")
    failing = Clause("fixed", {"in": "spo2", "value": "at least 89 %"}, against.check)
    asking = Clause("fixed", asked, clause(NO).check)
    assert judged(leaf(met=[asking], not_met=[failing])).headline == headline


@pytest.mark.parametrize(
    ("sentence", "headline"),
    [
        ("Policy requires 188% or lower", "SpO2 97 %; policy: at most 88 %"),
        ("Policy requires 88% or lower", "SpO2 97 %"),
    ],
)
def test_the_limit_is_left_out_where_the_sentence_beside_the_value_has_it(sentence: str, headline: str) -> None:
    against = clause(YES, headline="SpO2 97 %")
    failing = Clause("fixed", {"in": "spo2", "value": "at least 89 %"}, against.check)
    asking = Clause("fixed", {"in": "spo2", "value": "at most 88 %"}, clause(NO).check)
    criterion = replace(leaf(met=[asking], not_met=[failing]), says_when_not_met=sentence)
    assert judged(criterion).headline == headline


def test_a_digit_of_a_unit_is_no_number_of_the_limit() -> None:
    against = clause(YES, headline="BMI 34 kg/m2")
    failing = Clause("fixed", {"in": "bmi", "value": "under 35 kg/m2"}, against.check)
    criterion = replace(leaf(not_met=[failing]), says_when_not_met="Policy requires BMI of at least 35")
    assert judged(criterion).headline == "BMI 34 kg/m2"


def test_the_arithmetic_of_clauses_is_kept_once() -> None:
    assert judged(leaf(met=[clause(YES, note="8 to 2"), clause(YES, note="8 to 2")])).notes == ("8 to 2",)
    assert judged(leaf(met=[clause(NO, note="8 to 7")], not_met=[clause(NO, note="n")])).notes == ("8 to 7", "n")
    assert judged(leaf(not_met=[clause(YES, note="8 to 7")])).notes == ("8 to 7",)
    assert judged(leaf([clause(YES, note="a")], [clause(YES, note="b")])).notes == ("a", "b")


def test_a_criterion_without_clauses_is_unknown_because_nothing_was_found() -> None:
    assert judged(leaf()) == CriterionStatus(UNKNOWN, Reason.NOT_FOUND)


# --- why it is open --------------------------------------------------------------------------------------------------


def test_looked_for_in_vain_is_none_recorded_where_presence_would_speak_against_it() -> None:
    assert judged(leaf(not_met=[clause(NO, Reason.NOT_FOUND)])).reason is Reason.NONE_RECORDED


def test_looked_for_in_vain_is_not_found_where_presence_would_speak_for_it() -> None:
    assert judged(leaf(met=[clause(NO, Reason.NOT_FOUND)])).reason is Reason.NOT_FOUND


def test_not_found_comes_before_none_recorded() -> None:
    found = judged(leaf([clause(NO, Reason.NOT_FOUND)], [clause(NO, Reason.NOT_FOUND)]))
    assert found.reason is Reason.NOT_FOUND


@pytest.mark.parametrize("side", ["met", "not_met", "show"])
def test_data_that_could_not_be_read_are_told_wherever_they_would_have_stood(side: str) -> None:
    found = judged(leaf(**{side: [clause(CANNOT_TELL, Reason.DATA_UNAVAILABLE)]}))
    assert found.reason is Reason.DATA_UNAVAILABLE


def test_other_reasons_of_what_is_only_shown_are_none_of_an_open_criterion() -> None:
    found = judged(leaf(not_met=[clause(NO, Reason.NOT_FOUND)], show=[clause(YES, Reason.PRESENT)]))
    assert found.reason is Reason.NONE_RECORDED


def test_what_surely_does_not_speak_against_a_criterion_is_no_reason_why_it_is_open() -> None:
    assert judged(leaf(not_met=[clause(NO, Reason.DATE_OUT_OF_RANGE)])).reason is Reason.NOT_FOUND


def test_what_may_speak_against_a_criterion_is_a_reason_why_it_is_open() -> None:
    found = judged(leaf(not_met=[clause(CANNOT_TELL, Reason.INVALID_ATTRIBUTE)]))
    assert found.reason is Reason.INVALID_ATTRIBUTE


THE_MORE_HELPFUL_FIRST = [
    Reason.CONFLICT,
    Reason.DATA_UNAVAILABLE,
    Reason.UNCONVERTIBLE,
    Reason.VALUE_OUT_OF_RANGE,
    Reason.COUNT_OUT_OF_RANGE,
    Reason.DATE_OUT_OF_RANGE,
    Reason.INVALID_ATTRIBUTE,
    Reason.PRESENT,
    Reason.MISSING,
    Reason.NOT_FOUND,
]


@pytest.mark.parametrize("first", range(len(THE_MORE_HELPFUL_FIRST) - 1))
def test_of_two_reasons_the_one_that_helps_more_comes_first(first: int) -> None:
    pair = THE_MORE_HELPFUL_FIRST[first : first + 2]
    for reasons in permutations(pair):
        assert judged(leaf(met=[clause(CANNOT_TELL, reason) for reason in reasons])).reason is pair[0]


# --- answers ---------------------------------------------------------------------------------------------------------

SAID = Evidence("QuestionnaireResponse/1", "Answered")
FROM_DATA = Evidence("Condition/1", "Pain")


def answered(before: CriterionStatus, value: str, met_by: str = "yes", criterion: str = "I.A") -> CriterionStatus:
    return with_answer(before, leaf(met_by=met_by), {criterion: Answer(value, SAID)})


@pytest.mark.parametrize(
    ("met_by", "answer", "status"),
    [("yes", "yes", MET), ("yes", "no", NOT_MET), ("no", "no", MET), ("no", "yes", NOT_MET)],
)
def test_an_answer_speaks_for_or_against_as_the_question_is_put(met_by: str, answer: str, status: Status) -> None:
    before = CriterionStatus(UNKNOWN, Reason.NOT_FOUND, (FROM_DATA,), ("n",))
    assert answered(before, answer, met_by) == CriterionStatus(status, Reason.ATTESTED, (SAID, FROM_DATA), ("n",))


@pytest.mark.parametrize(("answer", "from_data"), [("yes", NOT_MET), ("no", MET)])
def test_an_answer_against_data_is_a_conflict_with_the_evidence_of_both(answer: str, from_data: Status) -> None:
    found = answered(CriterionStatus(from_data, Reason.PRESENT, (FROM_DATA,), ("n",)), answer)
    assert found == CriterionStatus(UNKNOWN, Reason.CONFLICT, (FROM_DATA, SAID), ("n",))


@pytest.mark.parametrize(("answer", "from_data"), [("yes", MET), ("no", NOT_MET)])
def test_an_answer_that_says_what_the_data_say_joins_their_evidence(answer: str, from_data: Status) -> None:
    before = CriterionStatus(from_data, Reason.PRESENT, (FROM_DATA,), ("n",), "gist")
    assert answered(before, answer) == CriterionStatus(from_data, Reason.PRESENT, (FROM_DATA, SAID), ("n",), "gist")


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_an_answer_does_not_settle_data_that_contradict_themselves(answer: str) -> None:
    found = answered(CriterionStatus(UNKNOWN, Reason.CONFLICT, (FROM_DATA,)), answer)
    assert (found.status, found.reason) == (UNKNOWN, Reason.CONFLICT)


@pytest.mark.parametrize("answer", ["", "malignant", "Yes, probably"])
def test_an_answer_that_is_neither_yes_nor_no_changes_nothing(answer: str) -> None:
    before = CriterionStatus(UNKNOWN, Reason.NOT_FOUND)
    assert answered(before, answer) is before


def test_an_answer_to_another_criterion_changes_nothing() -> None:
    before = CriterionStatus(UNKNOWN, Reason.NOT_FOUND)
    assert answered(before, "yes", criterion="I.B") is before
