"""Imaging: reports, studies, and procedures, by code, name, or modality and site; and what reports conclude."""

from collections.abc import Iterable
from datetime import date

import pytest

from fhir_mappings.codings import SNOMED, Coding, Match
from fhir_mappings.imaging import conclusions, imaging
from fhir_mappings.procedures import Progress
from fhir_mappings.study_names import STUDY
from tests.support.fhir_builders import KNOWN, concept, procedure, record, resource

FIFTH, SIXTH = (date(2026, 1, 5),) * 2, (date(2026, 1, 6),) * 2


def only(given, reading=imaging):
    (found,) = reading(record(given), KNOWN)
    return found


def days(found):
    start = found.start and (found.start.earliest, found.start.latest)
    return start, found.end and (found.end.earliest, found.end.latest)


def report(**members):
    return resource(
        "DiagnosticReport",
        **{"status": "final", "code": concept(), "effectiveDateTime": "2026-01-05", "issued": None, **members},
    )


def study(**members):
    return resource(
        "ImagingStudy",
        **{"status": "available", "procedureCode": [concept()], "started": "2026-01-05", **members},
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("final", Progress.DONE),
        ("amended", Progress.DONE),
        ("corrected", Progress.DONE),
        ("appended", Progress.DONE),
        ("preliminary", Progress.UNCLEAR),
        ("partial", Progress.UNCLEAR),
        ("registered", Progress.UNCLEAR),
        ("completed", Progress.UNCLEAR),
    ],
)
def test_only_a_final_report_is_done(status, expected):
    assert only(report(status=status)).progress is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [("available", Progress.DONE), ("registered", Progress.UNCLEAR), ("final", Progress.UNCLEAR)],
)
def test_only_an_available_study_is_done(status, expected):
    assert only(study(status=status)).progress is expected


@pytest.mark.parametrize("given", [report(status="cancelled"), report(status="entered-in-error")])
def test_a_cancelled_or_mistaken_report_is_left_out(given):
    assert imaging(record(given), KNOWN) == ()


def test_a_cancelled_study_is_left_out():
    assert imaging(record(study(status="cancelled")), KNOWN) == ()


def test_imaging_is_found_in_reports_studies_and_procedures():
    found = imaging(record(report(), study(), procedure()), KNOWN)
    assert [each.reference for each in found] == ["DiagnosticReport/x", "ImagingStudy/x", "Procedure/x"]


def test_a_report_is_dated_by_the_examination_and_not_by_its_issue():
    given = report(effectiveDateTime=None, issued="2026-01-05T10:00:00Z")
    assert days(only(given)) == (None, None)


def test_a_report_over_a_period_has_its_days():
    given = report(effectiveDateTime=None, effectivePeriod={"start": "2026-01-05", "end": "2026-01-06"})
    assert days(only(given)) == (FIFTH, SIXTH)


def test_a_study_is_dated_by_its_start():
    assert days(only(study())) == (FIFTH, FIFTH)


def test_any_procedure_code_of_a_study_counts():
    assert only(study(procedureCode=[concept("other"), concept()])).progress is Progress.DONE


def test_a_faulty_report_is_unclear_and_no_absence():
    assert only(report(effectiveDateTime="then")).progress is Progress.UNCLEAR


# --- by name, and by modality and site -------------------------------------------------------------------------------


def spine(known: Iterable[Coding]) -> Match | None:
    wanted = any(each.system == STUDY and each.code == "MR lumbar-spine" for each in known)
    return Match("MRI of the lumbar spine", True) if wanted else None


def is_spine(given) -> bool:
    return bool(imaging(record(given), spine))


LOCAL = [{"system": "urn:local", "code": "IMG1234", "display": "MRI LUMBAR SPINE WITHOUT CONTRAST"}]


@pytest.mark.parametrize(
    "code",
    [
        {"coding": LOCAL},
        {"text": "MR L-spine wo"},
        {"coding": [{"system": "urn:x", "code": "1"}], "text": "MRI Lumbar"},
    ],
)
def test_a_study_is_known_by_its_name(code):
    assert is_spine(report(code=code))


def test_the_label_of_a_billing_code_is_not_read():
    cpt = {"system": "http://www.ama-assn.org/go/cpt", "code": "99999", "display": "MRI lumbar spine"}
    assert not is_spine(report(code={"coding": [cpt]}))


def test_a_procedure_is_known_by_the_name_of_its_study():
    assert is_spine(procedure(code={"text": "MRI of the lumbar spine"}))


def dicom(image="MR", site="122496007", **members):
    series = [{"uid": "1", "modality": {"code": image}, "bodySite": {"system": SNOMED, "code": site}}]
    made = {"status": "available", "started": "2026-01-05", "series": series, **members}
    return resource("ImagingStudy", **made)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (dicom(), True),
        (dicom("CT"), False),
        (dicom("SR"), False),
        (dicom(site="12921003"), False),
        (dicom(site="1", description="MRI Lumbar Spine"), True),
        (dicom(series=[], modality=[{"code": "MR"}], description="L-SPINE"), True),
        (dicom(series=[], modality=[{"code": "MR"}, {"code": "SR"}], description="lumbar"), True),
        (dicom(series=[], modality=[{"code": "MR"}, {"code": "CT"}], description="lumbar"), False),
        (dicom(description="MR GUIDED INJECTION"), False),
        (dicom(series=[{"uid": "1", "modality": {"code": "MR"}, "bodySite": {"display": "Lumbar spine"}}]), True),
        (dicom(procedureCode=[{"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "70551"}]}]), False),
    ],
)
def test_a_study_is_known_by_modality_and_body_site(given, expected):
    assert is_spine(given) is expected


# --- what reports conclude -------------------------------------------------------------------------------------------


def concluded(*given, codes=KNOWN):
    return [(each.decides, each.evidence.value) for each in conclusions(record(*given), KNOWN, codes)]


def test_a_coded_conclusion_of_a_final_report_decides():
    assert concluded(report(conclusionCode=[concept("other"), concept()])) == [(True, "")]


def test_a_coded_conclusion_of_a_preliminary_report_does_not_decide():
    assert concluded(report(status="preliminary", conclusionCode=[concept()])) == [(False, "to be confirmed")]


def test_a_conclusion_by_a_code_that_only_asks_does_not_decide():
    asking = lambda known: Match("x", False) if any(each.code == "other" for each in known) else None  # noqa: E731
    assert concluded(report(conclusionCode=[concept("other")]), codes=asking) == [(False, "to be confirmed")]


def test_a_coded_conclusion_that_words_deny_does_not_decide():
    def codes(codings):
        return Match("Sacroiliitis", True) if list(codings) else None

    assert concluded(report(conclusionCode=[concept()], conclusion="No sacroiliitis."), codes=codes)[0][0] is False
    assert concluded(report(conclusionCode=[concept() | {"text": "Possible sacroiliitis"}]), codes=codes)[0][0] is False
    assert concluded(report(conclusionCode=[concept()], conclusion="Sacroiliitis, no fracture."), codes=codes)[0][0]


def test_a_conclusion_in_words_is_shown():
    assert concluded(report(conclusion="No  fracture.\n")) == [(False, "concludes: No fracture.")]


def test_a_coded_conclusion_without_a_known_code_is_shown_in_its_words():
    coded = [{"text": "Sacral fracture"}, concept("other", display="Sacroiliitis"), concept("bare")]
    assert concluded(report(conclusionCode=coded)) == [(False, "concludes: Sacral fracture; Sacroiliitis")]


def test_a_long_conclusion_is_cut_after_a_word():
    ((_, shown),) = concluded(report(conclusion="word " * 100))
    assert (len(shown) <= len("concludes: ") + 122, shown.endswith("word …")) == (True, True)


@pytest.mark.parametrize("conclusion", [None, "", "  ", 5])
def test_a_report_without_a_conclusion_has_none(conclusion):
    assert concluded(report(conclusion=conclusion, conclusionCode=[concept("other")])) == []
