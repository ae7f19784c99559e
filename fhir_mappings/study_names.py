"""What an imaging study is by its name: how it images, and which region of the body.

Hospitals name studies in their own catalogs (`MRI LUMBAR SPINE W/O CONTRAST`, `XR SI JOINTS 3+ VIEWS`), and an
ImagingStudy has a DICOM modality and a body site instead of a code. Both become codes of the system STUDY, such as
`MR lumbar-spine`. A name with a word that makes it no plain study, such as an image-guided injection, names none.
"""

import re
from collections.abc import Iterable, Iterator

from fhir_mappings.codings import SNOMED, Coding

STUDY = "study"
"""The code system of studies by modality and region."""

MAX_NAME_LENGTH = 400
"""How many characters of a name are read."""

_MODALITIES = {
    "MR": "mr|mri|magnetic resonance",
    "CT": "ct|cat scan|computed tomography|computerized tomography",
    "XR": "xr|x ray|x rays|xray|xrays|radiograph|radiographs|radiography|plain film|plain films",
    "US": "us|ultrasound|sonogram|sonography",
    "NM": "nm|nuclear medicine|bone scan|pet|spect|scintigraphy",
}
_REGIONS = {
    "lumbar-spine": "lumbar|lumbosacral|l spine|lspine|ls spine|lsspine|l s spine|whole spine|entire spine|total spine",
    "thoracic-spine": "thoracic|t spine|tspine|whole spine|entire spine|total spine",
    "cervical-spine": "cervical|c spine|cspine|whole spine|entire spine|total spine",
    "si-joint": "sacroiliac|sacroiliacs|si joint|si joints|si jt|si jts|s i joint|s i joints|sij|sijs",
    "sacrum": "sacrum|coccyx",
    "pelvis": "pelvis|pelvic|pelv",
    "hip": "hip|hips",
    "knee": "knee|knees",
    "shoulder": "shoulder|shoulders",
    "abdomen": "abdomen|abdominal|abd",
    "chest": "chest|thorax|lung|lungs",
    "head": "head|brain",
}
_NO_PLAIN_STUDY = (
    "guided|guidance|guide|injection|inject|inj|biopsy|bx|aspiration|block|ablation|vertebroplasty|kyphoplasty|drain"
    "|drainage|placement|consult|consultation|second opinion|outside|interpretation|safety|screening|questionnaire"
    "|plexus|angiogram|angiography|obstetric|ob|fetal|transvaginal|not done|not performed|cancelled|canceled"
    "|when performed|if performed"
)
"""Words of procedures that are only guided by imaging, of readings of older images, and of what was not done."""

_DICOM = {"MR": "MR", "CT": "CT", "CR": "XR", "DX": "XR", "RG": "XR", "US": "US", "NM": "NM", "PT": "NM"}
"""Modalities of DICOM (CID 29) by what they are here; the others are no images, or no such study."""
_SITES = {
    "122494005": "cervical-spine",
    "122495006": "thoracic-spine",
    "122496007": "lumbar-spine",
    "1217253001": "lumbar-spine",
    "12921003": "pelvis",
}
"""SNOMED CT structures in which DICOM states a body part (CID 4031)."""


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z0-9])(?:{words})(?![a-z0-9])")


_IS_MODALITY = {name: _pattern(words) for name, words in _MODALITIES.items()}
_IS_REGION = {name: _pattern(words) for name, words in _REGIONS.items()}
_IS_NO_PLAIN_STUDY = _pattern(_NO_PLAIN_STUDY)


def _folded(name: str) -> str:
    return " ".join(re.split(r"[^a-z0-9]+", name[:MAX_NAME_LENGTH].lower()))


def modalities_named(name: str) -> frozenset[str]:
    """Return the modalities that a name states: MR, CT, XR, US, NM."""
    folded = _folded(name)
    return frozenset(modality for modality, words in _IS_MODALITY.items() if words.search(folded))


def regions_named(name: str) -> frozenset[str]:
    """Return the regions of the body that a name states, such as `lumbar-spine`."""
    folded = _folded(name)
    return frozenset(region for region, words in _IS_REGION.items() if words.search(folded))


def is_plain_study(name: str) -> bool:
    """Return whether a name has no word that makes it something other than a study."""
    return _IS_NO_PLAIN_STUDY.search(_folded(name)) is None


def studies_named(names: Iterable[str]) -> Iterator[Coding]:
    """Yield the studies that the names of one concept state; none if they state several modalities."""
    texts = [name for name in dict.fromkeys(names) if name]
    if texts and all(map(is_plain_study, texts)):
        modalities = frozenset(each for text in texts for each in modalities_named(text))
        regions = frozenset(each for text in texts for each in regions_named(text))
        yield from studies(modalities, regions, texts[0])


def studies(modalities: frozenset[str], regions: frozenset[str], label: str) -> Iterator[Coding]:
    """Yield a study of each region, if there is one modality."""
    # PET and SPECT come with a CT or MR that only locates their signal.
    kinds = frozenset({"NM"}) if "NM" in modalities else modalities
    if len(kinds) == 1:
        (modality,) = kinds
        yield from (Coding(STUDY, f"{modality} {region}", label) for region in sorted(regions))


def dicom_modalities(codings: Iterable[Coding]) -> frozenset[str]:
    """Return the modalities of DICOM codes that are images."""
    return frozenset(_DICOM[coding.code] for coding in codings if coding.code in _DICOM)


def regions_of(sites: Iterable[Coding]) -> frozenset[str]:
    """Return the regions of coded body sites."""
    return frozenset(_SITES[site.code] for site in sites if site.system == SNOMED and site.code in _SITES)


def is_study(code: str) -> bool:
    """Return whether a code is one of this system: a known modality and region."""
    modality, _, region = code.partition(" ")
    return modality in _MODALITIES and region in _REGIONS
