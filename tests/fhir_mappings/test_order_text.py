"""The words by which orders state approach, implant, side, guidance, purpose, kind of request, and the like."""

import pytest

from fhir_mappings.order_text import is_unambiguous, names_an_operation, read_phrase, without_history
from tests.support.terms import TERMS


def readings(text, attribute):
    return {(each.value, "stated" if each.is_stated else "hinted") for each in read_phrase(text, TERMS, (attribute,))}


def stated(value):
    return {(value, "stated")}


def hinted(*values):
    return {(value, "hinted") for value in values}


LATERAL, POSTERIOR, OBLIQUE = "lateral-transarticular", "posterior", "posterior-oblique"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Lateral transarticular approach", stated(LATERAL)),
        ("LATERAL TRANS-ARTICULAR", stated(LATERAL)),
        ("lateral, transarticular route", stated(LATERAL)),
        ("Transarticular lateral fixation", stated(LATERAL)),
        ("lateral approach", stated(LATERAL)),
        ("Lateral percutaneous fusion", stated(LATERAL)),
        ("Lateral", stated(LATERAL)),
        ("Approach: lateral", stated(LATERAL)),
        ("Posterior approach", stated(POSTERIOR)),
        ("posterior minimally invasive SI fusion", set()),
        ("posterior minimally invasive fusion", stated(POSTERIOR)),
        ("via a posterior incision", stated(POSTERIOR)),
        ("Posterior", stated(POSTERIOR)),
        ("Approach: posterior", stated(POSTERIOR)),
        ("Posterior oblique approach", stated(OBLIQUE)),
        ("posterior-oblique", stated(OBLIQUE)),
        ("Approach: posterior oblique", stated(OBLIQUE)),
        ("Posterolateral approach", stated(OBLIQUE)),
        ("postero-lateral access", stated(OBLIQUE)),
        ("posterior lateral technique", stated(OBLIQUE)),
        ("oblique approach", stated(OBLIQUE)),
        ("bilateral posterior approach", stated(POSTERIOR)),
    ],
)
def test_an_approach_is_stated(text, expected):
    assert readings(text, "approach") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lateral rather than posterior approach", hinted(POSTERIOR)),
        ("lateral approach rather than posterior", hinted(LATERAL)),
        ("not posterior approach", hinted(POSTERIOR)),
        ("Posterior approach is not planned", hinted(POSTERIOR)),
        ("Posterior approach isn't planned", hinted(POSTERIOR)),
        ("Posterior approach isn’t planned", hinted(POSTERIOR)),
        ("lateral approach or posterior approach", hinted(LATERAL, POSTERIOR)),
        ("lateral approach and posterior approach", hinted(LATERAL, POSTERIOR)),
        ("posterior/lateral approach", hinted(LATERAL)),
        ("lateral oblique approach", hinted(OBLIQUE)),
        ("antero-lateral approach", hinted(LATERAL)),
        ("Posterior approach, left lateral decubitus", hinted(POSTERIOR)),
        ("Posterior approach?", hinted(POSTERIOR)),
        ("avoid lateral approach", hinted(LATERAL)),
        ("lateral approach versus dorsal", hinted(LATERAL)),
        ("if possible lateral approach", hinted(LATERAL)),
        ("previous lateral fusion", hinted(LATERAL)),
        ("failed posterior fusion", hinted(POSTERIOR)),
        ("after posterior fusion", hinted(POSTERIOR)),
        ("Lateral approach after posterior fusion", {(LATERAL, "stated"), (POSTERIOR, "hinted")}),
        ("Lateral approach declined", hinted(LATERAL)),
        ("cannot use the lateral approach", hinted(LATERAL)),
        ("non-lateral approach", hinted(LATERAL)),
    ],
)
def test_an_approach_in_doubt_or_of_the_past_is_a_hint(text, expected):
    assert readings(text, "approach") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Fusion of the sacroiliac joint",
        "contralateral pain",
        "lateral view",
        "posterior pelvic pain",
        "Minimally invasive",
    ],
)
def test_other_words_say_nothing_of_the_approach(text):
    assert readings(text, "approach") == set()


CROSSES, STAYS = "transfixing", "not-transfixing"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CornerLoc", stated(STAYS)),
        ("Corner Loc", stated(STAYS)),
        ("corner-loc™ system", stated(STAYS)),
        ("TransFasten", stated(STAYS)),
        ("Trans Fasten SI implant", stated(STAYS)),
        ("LinQ", stated(STAYS)),
        ("LinQ SI joint system", stated(STAYS)),
        ("Lin-Q", stated(STAYS)),
        ("non-transfixing implant", stated(STAYS)),
        ("implant does not cross the joint", stated(STAYS)),
        ("implant does not cross the SI joint", stated(STAYS)),
        ("without crossing the sacroiliac joint", stated(STAYS)),
        ("not fully transfixing", stated(STAYS)),
        ("intra-articular allograft", stated(STAYS)),
        ("intraarticular implants", stated(STAYS)),
        ("transfixing device", stated(CROSSES)),
        ("screws transfix the joint", stated(CROSSES)),
        ("across the sacroiliac joint", stated(CROSSES)),
        ("crosses the SI joint", stated(CROSSES)),
        ("doesn't cross the joint", hinted(CROSSES)),
        ("the implant fails to cross the joint", hinted(CROSSES)),
        ("transfixing device or CornerLoc", hinted(CROSSES, STAYS)),
        ("consider CornerLoc", hinted(STAYS)),
        ("Reveal LINQ", set()),
        ("Reveal  LINQ", set()),
        ("Reveal™ LINQ™ insertable monitor", set()),
        ("Medtronic LINQ", set()),
        ("LINQ II", set()),
        ("LINQ cardiac monitor", set()),
        ("CornerLoc, patient has a Reveal LINQ", stated(STAYS)),
        ("intra-articular injection", set()),
        ("cornerstone", set()),
        ("", set()),
    ],
)
def test_an_implant_is_known_by_its_name_or_by_what_it_does(text, expected):
    assert readings(text, "implant") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("left sacroiliac joint", stated("left")),
        ("Right side", stated("right")),
        ("LT", stated("left")),
        ("L SI joint", stated("left")),
        ("R. SIJ", stated("right")),
        ("r sacroiliac joint", stated("right")),
        ("SI joint (R)", stated("right")),
        ("L", stated("left")),
        ("L spine", set()),
        ("L5-S1, L 5", set()),
        ("bilat SI joints", stated("bilateral")),
        ("B/L SIJ injection", stated("bilateral")),
        ("both SI joints", stated("bilateral")),
        ("both joints of the hand", set()),
        ("RT", stated("right")),
        ("bilateral", stated("bilateral")),
        ("both sides", stated("bilateral")),
        ("left and right", stated("bilateral")),
        ("right and left", stated("bilateral")),
        ("left or right", hinted("left", "right")),
        ("left, then right", hinted("left", "right")),
        ("not left", hinted("left")),
        ("leftover bright alt", set()),
    ],
)
def test_a_side_is_read(text, expected):
    assert readings(text, "side") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("under fluoroscopy", stated("fluoroscopy")),
        ("fluoroscopic guidance", stated("fluoroscopy")),
        ("CT guided", stated("ct")),
        ("computed tomography", stated("ct")),
        ("ultrasound guidance", stated("ultrasound")),
        ("ultrasonic", stated("ultrasound")),
        ("without image guidance", stated("none")),
        ("no imaging", stated("none")),
        ("unguided", stated("none")),
        ("blind injection", stated("none")),
        ("fluoroscopy or CT", hinted("fluoroscopy", "ct")),
        ("without fluoroscopy", hinted("fluoroscopy")),
        ("activated", set()),
    ],
)
def test_guidance_is_read(text, expected):
    assert readings(text, "guidance") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("intrathecal trial", stated("pump-trial")),
        ("trial of epidural morphine", stated("pump-trial")),
        ("pump trial", stated("pump-trial")),
        ("Opioid trial", stated("pump-trial")),
        ("Intrathecal opioid trial prior to pump", stated("pump-trial")),
        ("Screening trial for a pump", stated("pump-trial")),
        ("prior pump trial", hinted("pump-trial")),
        ("Successful pump trial", hinted("pump-trial")),
        ("Pain after an intrathecal trial", hinted("pump-trial")),
        ("trial", set()),
        ("Epidural steroid trial", stated("epidural-injection")),
        ("Trial of epidural injection", set()),
        ("Oral opioid trial", set()),
        ("Clinical trial of an intrathecal drug", set()),
        ("Spinal cord stimulator trial, pump declined", set()),
        ("Trial of physical therapy, then intrathecal pump", set()),
        ("Trial of NSAIDs. Intrathecal pump.", set()),
        ("Permanent pump after successful trial", set()),
        ("labor analgesia", stated("obstetric")),
        ("labour", stated("obstetric")),  # codespell:ignore labour
        ("caesarean", stated("obstetric")),
        ("cesarean delivery", stated("obstetric")),
        ("Trial of labor", stated("obstetric")),
        ("Epidural analgesia after cesarean section", stated("obstetric")),
        ("Pain control following vaginal delivery", stated("obstetric")),
        ("Pain after cesarean section", hinted("obstetric")),
        ("Catheter after failed drug delivery", set()),
        ("laboratory", set()),
        ("post-operative pain", stated("post-operative")),
        ("postop", stated("post-operative")),
        ("post surgical analgesia", stated("post-operative")),
        ("perioperative", stated("post-operative")),
        ("Analgesia after thoracotomy", stated("post-operative")),
        ("Epidural catheter, postoperative", stated("post-operative")),
        ("Other acute postprocedural pain", stated("post-operative")),
        ("Post-surgical back pain", set()),
        ("Postoperative neck and arm pain", set()),
        ("chronic post-operative pain", set()),
        ("Persistent postsurgical pain", set()),
        ("post-surgical pain syndrome", set()),
        ("Caudal epidural", stated("epidural-injection")),
        ("Interlaminar epidural injection L4-L5", stated("epidural-injection")),
        ("LESI", stated("epidural-injection")),
        ("Interlaminar epidural catheter", set()),
    ],
)
def test_a_purpose_is_read(text, expected):
    assert readings(text, "purpose") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("diagnostic injection", stated("diagnostic")),
        ("Diagnostic, CT-guided sacroiliac joint injection", stated("diagnostic")),
        ("SI joint injection, diagnostic", stated("diagnostic")),
        ("Diagnostic", stated("diagnostic")),
        ("For diagnostic purposes", stated("diagnostic")),
        ("confirmatory block", stated("diagnostic")),
        ("therapeutic injection", stated("therapeutic")),
        ("Therapeutic injection for pain relief", stated("therapeutic")),
        ("diagnostic and therapeutic injection", hinted("diagnostic", "therapeutic")),
        ("non-diagnostic", hinted("diagnostic")),
        ("75% relief from the diagnostic block", hinted("diagnostic")),
        ("Positive diagnostic block", hinted("diagnostic")),
        ("Sacroiliitis on diagnostic MRI", set()),
        ("Joint pain on diagnostic examination of the hip", set()),
        ("Sacroiliitis on diagnostic MRI; injection", set()),
        ("Confirmatory X-ray", set()),
        ("Therapeutic exercise", set()),
        ("Exercise in physical therapy, therapeutic", set()),
        ("The findings meet the diagnostic criteria of arthritis", set()),
        ("Pain of unclear cause with a diagnostic delay", set()),
    ],
)
def test_diagnostic_and_therapeutic_count_next_to_the_procedure(text, expected):
    assert readings(text, "purpose") == expected


def test_what_came_before_is_only_a_hint_and_makes_the_rest_not_doubtful():
    assert readings("Therapeutic injection after failed diagnostic block", "purpose") == {
        ("therapeutic", "stated"),
        ("diagnostic", "hinted"),
    }
    assert readings("Left fusion, s/p right fusion, no pain", "side") == hinted("left", "right")
    assert readings("Left fusion s/p right fusion", "side") == {("left", "stated"), ("right", "hinted")}
    assert readings("Give the following on the left", "side") == stated("left")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("First diagnostic injection", stated("first")),
        ("initial right sacroiliac joint block", stated("first")),
        ("2nd diagnostic block", stated("second")),
        ("confirmatory injection", stated("second")),
        ("Repeat therapeutic injection", stated("later")),
        ("another SI joint injection", stated("later")),
        ("first or second injection", hinted("second")),
        ("First available appointment", set()),
    ],
)
def test_an_occasion_is_read(text, expected):
    assert readings(text, "occasion") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Spasticity of both legs", stated("spasticity")),
        ("spastic diplegia", stated("spasticity")),
        ("no spasticity", hinted("spasticity")),
        ("On-Q pump", stated("other-infusion")),
        ("Hepatic artery infusion", stated("other-infusion")),
        ("Insulin pump", stated("other-infusion")),
        ("Elastomeric pump for the wound", stated("other-infusion")),
        ("Pain pump", set()),
    ],
)
def test_another_indication_of_an_infusion_is_read(text, expected):
    assert readings(text, "indication") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Intrathecal pump refill", stated("pain-pump")),
        ("Pain pump", stated("pain-pump")),
        ("pump for chronic pain", stated("pain-pump")),
        ("intrathecal drug delivery system", stated("pain-pump")),
        ("pump", set()),
        ("insulin pump", set()),
    ],
)
def test_a_pain_pump_is_read(text, expected):
    assert readings(text, "device") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Intrathecal morphine", stated("intrathecal")),
        ("subarachnoid", stated("intrathecal")),
        ("lumbar epidural", stated("epidural")),
        ("epidural or intrathecal", hinted("epidural", "intrathecal")),
        ("oral", set()),
    ],
)
def test_a_route_is_read(text, expected):
    assert readings(text, "route") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("replacement of the pump", stated("replacement")),
        ("battery depletion", stated("replacement")),
        ("end of battery life", stated("replacement")),
        ("end of service", stated("replacement")),
        ("revision", stated("revision")),
        ("reposition the catheter", stated("revision")),
        ("removal", stated("removal")),
        ("explantation", stated("removal")),
        ("new implant", stated("new")),
        ("initial placement", stated("new")),
        ("first pump", stated("new")),
        ("New permanent pump after successful trial", stated("new")),
        ("Permanent intrathecal pump following a good trial", stated("new")),
        ("Permanent pump", set()),
        ("New pump after removal of the old one", {("new", "stated"), ("removal", "hinted")}),
        ("removal and replacement", hinted("removal", "replacement")),
        ("no replacement", hinted("replacement")),
        ("pump", set()),
    ],
)
def test_a_kind_of_request_is_read(text, expected):
    assert readings(text, "request") == expected


def test_a_phrase_may_state_several_attributes():
    found = {
        (each.attribute, each.value) for each in read_phrase("Left lateral approach, transfixing, fluoroscopy", TERMS)
    }
    assert found == {
        ("side", "left"),
        ("approach", LATERAL),
        ("implant", CROSSES),
        ("guidance", "fluoroscopy"),
    }


def test_only_the_attributes_asked_for_are_read():
    assert [each.attribute for each in read_phrase("Left lateral approach", TERMS, ("side",))] == ["side"]


@pytest.mark.parametrize(
    "text",
    [
        "Lateral approach",
        "Nothing to say of it: known",
        "normal",
        "orthopaedic",  # codespell:ignore orthopaedic
    ],
)
def test_a_phrase_without_a_doubtful_word_is_plain(text):
    assert is_unambiguous(text)


@pytest.mark.parametrize(
    "text",
    [
        *("not", "no", "never", "without", "avoid", "rather", "instead", "versus", "vs", "or", "if", "unless"),
        *("considering", "possibly", "discussed", "previously", "prior", "failure", "history", "s/p", "after"),
        *("?", "non-x", "cannot", "don't", "won’t", "neither", "nor", "either", "except", "unlikely", "unable"),
        *("might", "maybe", "perhaps", "probably", "contraindicated", "contra-indicated", "declined"),
        *("refuses", "allergic", "intolerant"),
    ],
)
def test_a_doubtful_word_makes_a_phrase_doubtful(text):
    assert not is_unambiguous(f"lateral {text} approach")


# Wordings of our own, of the kind in which billing codes are described.
@pytest.mark.parametrize(
    "text",
    [
        "Joining of two pelvic bones by a small cut, guided by any imaging, one or both sides",
        "Joint injection under fluoroscopy or CT, with contrast where given",
        "Implanting, revising or repositioning of a spinal catheter, with or without opening of the spine",
    ],
)
def test_a_description_that_covers_alternatives_states_nothing(text):
    assert [each for each in read_phrase(text, TERMS, TERMS.names) if each.is_stated] == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Intrathecal pain pump implantation", True),
        ("CT-guided sacroiliac joint injection", True),
        ("CT of the sacroiliac joint", False),
        ("Open adjustable gastric banding", True),
        ("Adjustment of a gastric band", False),
        ("Pain pump check", False),
        ("Pain pump reprogramming", False),
        ("Referral for a pain pump", False),
    ],
)
def test_a_visit_or_a_check_is_no_operation(text, names):
    assert names_an_operation(text) is names


def test_history_is_left_out():
    assert without_history("SI joint fusion after failed injections, left") == "SI joint fusion , left"
    assert without_history("Pain following 0.5 mg of a drug. Pump") == "Pain . Pump"
