"""What an imaging study is by its name."""

import pytest

from fhir_mappings.study_names import MAX_NAME_LENGTH, is_study, studies_named


def named(*names: str) -> list[str]:
    return [coding.code for coding in studies_named(names)]


@pytest.mark.parametrize(
    ("name", "studies"),
    [
        ("MRI LUMBAR SPINE WITHOUT CONTRAST", ["MR lumbar-spine"]),
        ("MR LUMBAR SPINE WO IV CONTRAST", ["MR lumbar-spine"]),
        ("MRI L-Spine w/ & w/o", ["MR lumbar-spine"]),
        ("MRI LUMBAR SPINE NO CONTRAST", ["MR lumbar-spine"]),
        ("Magnetic resonance imaging of lumbosacral spine", ["MR lumbar-spine"]),
        ("MRI Thoracic and Lumbar Spine", ["MR lumbar-spine", "MR thoracic-spine"]),
        ("MRI TOTAL SPINE", ["MR cervical-spine", "MR lumbar-spine", "MR thoracic-spine"]),
        ("CT L SPINE W/O", ["CT lumbar-spine"]),
        ("CT Lumbar Myelogram", ["CT lumbar-spine"]),
        ("CT ABD/PELVIS W CONTRAST", ["CT abdomen", "CT pelvis"]),
        ("XR SI JOINTS 3+ VIEWS", ["XR si-joint"]),
        ("X-RAY EXAM SACROILIAC JOINTS", ["XR si-joint"]),
        ("X-Ray SI Jts", ["XR si-joint"]),
        ("XR PELVIS 1-2 VIEWS", ["XR pelvis"]),
        ("Xray hip right with pelvis", ["XR hip", "XR pelvis"]),
        ("MRI SACROILIAC JOINTS", ["MR si-joint"]),
        ("MR SIJ", ["MR si-joint"]),
        ("MRI SACRUM AND COCCYX", ["MR sacrum"]),
        ("PET/CT PELVIS", ["NM pelvis"]),
        ("NM BONE SCAN PELVIS", ["NM pelvis"]),
        ("US PELVIS", ["US pelvis"]),
        ("MRI BRAIN", ["MR head"]),
    ],
)
def test_a_name_states_modality_and_regions(name: str, studies: list[str]) -> None:
    assert named(name) == studies


@pytest.mark.parametrize(
    "name",
    [
        "CT GUIDED INJECTION SI JOINT",
        "CT guidance sacroiliac joint",
        "Fluoroscopic SI joint injection",
        "MRI safety screening lumbar stimulator",
        "MRI LUMBAR OUTSIDE FILMS",
        "CT biopsy pelvis",
        "MRI lumbar plexus",
        "XR HIP W PELVIS WHEN PERFORMED",
        "MRI LUMBAR - CANCELLED",
        "US TRANSVAGINAL PELVIS",
        "Lumbar spine",
        "MRI",
        "CT/MRI LUMBAR",
        "Lumbarization CTX",
        "",
    ],
)
def test_what_is_no_plain_study_of_one_modality_states_none(name: str) -> None:
    assert named(name) == []


def test_a_word_that_doubts_counts_wherever_it_stands() -> None:
    assert named("MRI LUMBAR SPINE", "MRI lumbar spine, outside study") == []


def test_names_of_one_concept_are_read_together() -> None:
    assert named("IMG LUMBAR", "MRI") == ["MR lumbar-spine"]


def test_only_the_beginning_of_a_long_name_is_read() -> None:
    assert named("MRI " + " " * MAX_NAME_LENGTH + "lumbar") == []


@pytest.mark.parametrize(
    ("code", "known"), [("MR lumbar-spine", True), ("MRI lumbar-spine", False), ("MR back", False)]
)
def test_a_study_has_a_known_modality_and_region(code: str, known: bool) -> None:
    assert is_study(code) is known
