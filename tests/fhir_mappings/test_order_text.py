"""The words by which orders state approach, implant, side, guidance, purpose, and kind of request."""

import pytest

from fhir_mappings.order_text import ATTRIBUTES, is_unambiguous, read_phrase


def readings(text, attribute):
    return {(each.value, "stated" if each.is_stated else "hinted") for each in read_phrase(text, (attribute,))}


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
        ("Lateral approach declined", hinted(LATERAL)),
        ("cannot use the lateral approach", hinted(LATERAL)),
        ("non-lateral approach", hinted(LATERAL)),
    ],
)
def test_an_approach_in_doubt_is_a_hint(text, expected):
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
        ("diagnostic injection", stated("diagnostic")),
        ("confirmatory block", stated("diagnostic")),
        ("therapeutic injection", stated("therapeutic")),
        ("diagnostic and therapeutic", hinted("diagnostic", "therapeutic")),
        ("non-diagnostic", hinted("diagnostic")),
        ("intrathecal trial", stated("pump-trial")),
        ("trial of epidural morphine", stated("pump-trial")),
        ("pump trial", stated("pump-trial")),
        ("pump refill", stated("pump")),
        ("drug delivery system", stated("pump")),
        ("labor analgesia", stated("obstetric")),
        ("labour", stated("obstetric")),  # codespell:ignore labour
        ("caesarean", stated("obstetric")),
        ("cesarean delivery", stated("obstetric")),
        ("laboratory", set()),
        ("post-operative pain", stated("post-operative")),
        ("postop", stated("post-operative")),
        ("post surgical analgesia", stated("post-operative")),
        ("perioperative", stated("post-operative")),
        ("chronic post-operative pain", set()),
        ("Persistent postsurgical pain", set()),
        ("post-surgical pain syndrome", set()),
        ("trial", set()),
    ],
)
def test_a_purpose_is_read(text, expected):
    assert readings(text, "purpose") == expected


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
        ("removal and replacement", hinted("removal", "replacement")),
        ("no replacement", hinted("replacement")),
        ("pump", set()),
    ],
)
def test_a_kind_of_request_is_read(text, expected):
    assert readings(text, "request") == expected


def test_a_phrase_may_state_several_attributes():
    found = {(each.attribute, each.value) for each in read_phrase("Left lateral approach, transfixing, fluoroscopy")}
    assert found == {
        ("side", "left"),
        ("approach", LATERAL),
        ("implant", CROSSES),
        ("guidance", "fluoroscopy"),
    }


def test_only_the_attributes_asked_for_are_read():
    assert [each.attribute for each in read_phrase("Left lateral approach", ("side",))] == ["side"]


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
    assert [each for each in read_phrase(text, ATTRIBUTES) if each.is_stated] == []
