"""How a visit took place, and the specialty of those who saw the patient."""

import pytest

from fhir_mappings.attendance import MAX_MEMBERS, is_by_specialty, is_in_person
from fhir_mappings.codings import CPT, HCPCS, NUCC, SNOMED, Match
from fhir_mappings.truth import Truth
from fhir_mappings.visits import Visit, recorded_visits
from tests.fhir_mappings.test_visits import charge, claim, encounter, item
from tests.support.fhir_builders import record, resource

YES, NO, OPEN = Truth.YES, Truth.NO, Truth.UNKNOWN
CMS = "https://bluebutton.cms.gov/resources/variables/prvdr_spclty"


def coded(code, system=SNOMED, **more):
    return {"coding": [{"system": system, "code": code, **more}]}


def of_class(code, **more):
    return encounter(**{"class": {"code": code}, **more})


def only(*given) -> tuple[object, Visit]:
    chart = record(*given)
    return chart, recorded_visits(chart, None)[0]


# --- in person -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        *((kind, YES) for kind in ("AMB", "IMP", "ACUTE", "NONAC", "EMER", "HH", "FLD", "OBSENC", "SS")),
        ("VR", NO),
        *((kind, OPEN) for kind in ("PRENC", "13", "amb")),
    ],
)
def test_the_class_of_an_encounter_says_whether_the_patient_was_there(kind, found):
    assert is_in_person(*only(of_class(kind))) is found


@pytest.mark.parametrize(
    ("service", "found"),
    [
        (coded("99213", CPT), YES),
        (coded("99213-95", CPT), NO),
        (coded("99213 GT", CPT), NO),
        (coded("99213-25", CPT), YES),
        (coded("98000", CPT), NO),
        (coded("98016", CPT), NO),
        (coded("98017", CPT), YES),
        (coded("97999", CPT), YES),
        (coded("99441", CPT), NO),
        (coded("99444", CPT), YES),
        (coded("98966", CPT), NO),
        (coded("99423", CPT), NO),
        (coded("G2012", HCPCS), NO),
        (coded("448337001"), NO),
        (coded("185317003"), NO),
        (coded("185349003"), YES),
        ({"text": "Telemedicine"}, OPEN),
        ({"text": "Video visit"}, OPEN),
        (coded("1", "urn:local", display="MyChart message"), OPEN),
        (coded("95", "urn:local"), YES),
        ({"text": "Office visit"}, YES),
    ],
)
def test_a_service_from_afar_outweighs_the_class(service, found):
    assert is_in_person(*only(encounter(type=[service]))) is found
    assert is_in_person(*only(encounter(type=None, serviceType=service))) is found


def test_a_class_that_does_not_follow_fhir_tells_nothing():
    assert is_in_person(*only(encounter(**{"class": {"code": "AMB", "userSelected": "maybe"}}))) is OPEN


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({}, OPEN),
        ({"locationCodeableConcept": coded("11", "urn:pos")}, YES),
        ({"locationCodeableConcept": coded("12", "urn:pos")}, YES),
        ({"locationCodeableConcept": coded("02", "urn:pos")}, NO),
        ({"locationCodeableConcept": coded("10", "urn:pos")}, NO),
        ({"locationCodeableConcept": coded("81", "urn:pos")}, OPEN),
        ({"locationCodeableConcept": coded("11", "urn:pos"), "modifier": [coded("93", CPT)]}, NO),
        ({"locationCodeableConcept": coded("11", "urn:pos"), "modifier": [coded("95", CPT)]}, NO),
        ({"locationCodeableConcept": coded("11", "urn:pos"), "modifier": [coded("GT", HCPCS)]}, NO),
        ({"locationCodeableConcept": coded("11", "urn:pos"), "modifier": [coded("RT", HCPCS)]}, YES),
    ],
)
def test_a_claim_says_it_by_its_place_and_its_modifiers(members, found):
    assert is_in_person(*only(claim(item(**members)))) is found


@pytest.mark.parametrize(("kind", "found"), [("AMB", YES), ("VR", NO), ("other", OPEN)])
def test_a_charge_and_a_claim_are_as_the_encounter_that_they_name(kind, found):
    named = {"reference": "Encounter/e"}
    visited = of_class(kind, id="e")
    for given in (charge(context=named), claim(item(encounter=[named]))):
        chart = record(visited, given)
        billed = next(each for each in recorded_visits(chart, None) if each.resource is not visited)
        assert is_in_person(chart, billed) is found
    assert is_in_person(*only(charge(context=named))) is OPEN


# --- by whom ---------------------------------------------------------------------------------------------------------


def lungs(found):
    """The value set of pulmonology: a code of NUCC, one of Medicare, and one that only asks."""
    codes = {(each.system, each.code) for each in found}
    if codes & {(NUCC, "207RP1001X"), (CMS, "29"), (SNOMED, "418112009")}:
        return Match("Pulmonology", True)
    return Match("Sleep", False) if (NUCC, "207RS0012X") in codes else None


def by(*given):
    return is_by_specialty(*only(*given), lungs)


def role(code, system=NUCC, **more):
    return resource("PractitionerRole", subject=None, id="r", specialty=[coded(code, system)], **more)


def seen_by(reference, kind=None):
    part = {"individual": {"reference": reference}}
    return encounter(type=None, participant=[part | ({"type": [coded(kind, "urn:part")]} if kind else {})])


def test_the_service_of_an_encounter_tells_the_specialty():
    assert by(encounter(type=None, serviceType=coded("418112009"))) is YES
    assert by(encounter(type=None, serviceType=coded("207RS0012X", NUCC))) is OPEN
    assert by(encounter(type=[coded("185349003")])) is OPEN


@pytest.mark.parametrize(
    ("code", "system", "found"),
    [
        ("207RP1001X", NUCC, YES),
        ("207RP1001X", "urn:oid:2.16.840.1.113883.6.101", YES),
        ("29", CMS, YES),
        ("99", CMS, OPEN),
        ("207RC0000X", NUCC, NO),
        ("207RS0012X", NUCC, OPEN),
        ("77", "urn:local", OPEN),
    ],
)
def test_the_role_of_one_who_took_part_tells_it(code, system, found):
    assert by(seen_by("PractitionerRole/r"), role(code, system)) is found


def test_a_role_that_was_not_read_cannot_tell():
    assert by(seen_by("PractitionerRole/r")) is OPEN
    assert by(seen_by("Practitioner/d")) is OPEN
    assert by(encounter(type=None)) is OPEN


@pytest.mark.parametrize(("kind", "found"), [("ATND", YES), ("PPRF", YES), (None, YES), ("REF", OPEN), ("ESC", OPEN)])
def test_who_refers_or_escorts_the_patient_does_not_see_them(kind, found):
    assert by(seen_by("PractitionerRole/r", kind), role("207RP1001X")) is found


def test_a_practitioner_has_their_qualifications_and_the_roles_that_were_read():
    doctor = resource("Practitioner", subject=None, id="d")
    assert by(seen_by("Practitioner/d"), doctor) is OPEN
    qualified = {**doctor, "qualification": [{"code": coded("207RP1001X", NUCC)}]}
    assert by(seen_by("Practitioner/d"), qualified) is YES
    theirs = role("207RP1001X", practitioner={"reference": "Practitioner/d"})
    assert by(seen_by("Practitioner/d"), doctor, theirs) is YES
    another = role("207RP1001X", practitioner={"reference": "Practitioner/x"})
    assert by(seen_by("Practitioner/d"), doctor, another) is OPEN


def test_one_of_several_is_enough_and_each_must_be_known_to_rule_it_out():
    both = encounter(type=None, participant=[{"individual": {"reference": f"PractitionerRole/{n}"}} for n in "rs"])
    heart = {**role("207RC0000X"), "id": "s"}
    assert by(both, role("207RP1001X"), heart) is YES
    assert by(both, heart) is OPEN
    assert by(both, role("207RC0000X"), heart) is NO


def test_who_performed_a_charge_tells_it():
    charged = charge(performer=[{"actor": {"reference": "PractitionerRole/r"}}])
    assert by(charged, role("207RP1001X")) is YES
    assert by(charged) is OPEN


def member(number=1, code="207RP1001X", said="rendering", system=NUCC):
    role_of = {"role": coded(said, "urn:role")} if said else {}
    return {"sequence": number, "provider": {"display": "x"}, "qualification": coded(code, system)} | role_of


@pytest.mark.parametrize(
    ("team", "named", "found"),
    [
        ([member()], [1], YES),
        ([member(code="29", system=CMS)], [1], YES),
        ([member(said="performing")], [1], YES),
        ([member(code="207RC0000X")], [1], NO),
        ([member(said="referring")], [1], OPEN),
        ([member(said="referring"), member(2, "207RC0000X")], [1, 2], NO),
        ([member(said="primary")], [1], OPEN),
        ([member(said="")], [1], OPEN),
        ([member()], None, OPEN),
        ([member(code="207RC0000X"), member(2)], [1], NO),
        ([], None, OPEN),
        ([*(member(n, "207RC0000X") for n in range(1, MAX_MEMBERS + 1)), member(99)], [1, 99], OPEN),
    ],
)
def test_the_care_team_of_the_item_of_a_claim_tells_it(team, named, found):
    billed = item(careTeamSequence=named) if named else item()
    assert by(claim(billed, **({"careTeam": team} if team else {}))) is found
