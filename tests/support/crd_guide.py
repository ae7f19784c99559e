"""What the published CRD guide says of coverage information: value sets, and invariants in an independent engine.

They are read from the folder of implementation guides that `CDS_IG_DATA` names; the FHIRPath engine is fhirpathpy.
"""

import csv
import json
import os
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from cards.coverage_rules import TEMPORARY_CODES
from cards.crd_versions import CrdVersion
from fhir_mappings.fhir_json import dumps

needs_guide = pytest.mark.skipif("CDS_IG_DATA" not in os.environ, reason="CDS_IG_DATA names no folder of guides")
needs_engine = pytest.mark.skipif(
    find_spec("fhirpathpy") is None, reason="fhirpathpy, a FHIRPath engine, is not installed"
)
FOLDERS = {CrdVersion.V2_2: "crd-2.2.1", CrdVersion.V2_0: "crd-2.0.1"}
REASONS = "http://hl7.org/fhir/us/davinci-crd/ValueSet/coverageAssertionReasons"
V2_2, V2_0 = CrdVersion.V2_2, CrdVersion.V2_0


def published(version: CrdVersion, name: str) -> Any:
    """A published resource."""
    path = Path(os.environ["CDS_IG_DATA"]) / FOLDERS[version] / name
    return json.loads(path.read_text(encoding="utf-8"))


def value_set(version: CrdVersion, name: str) -> Mapping[str, set[str]]:
    """The codes of a published value set by their system."""
    found: dict[str, set[str]] = {}
    for each in published(version, f"ValueSet-{name}.json")["compose"]["include"]:
        found.setdefault(each["system"], set()).update(code["code"] for code in each.get("concept", ()))
    return found


def invariants(version: CrdVersion) -> dict[str, str]:
    """The FHIRPath of each invariant by its key, as the engine can evaluate it."""
    if version is V2_2:
        path = Path(os.environ["CDS_IG_DATA"]) / FOLDERS[V2_2] / "coverage-information-invariants.csv"
        with path.open(encoding="utf-8", newline="") as lines:
            found = {row["key"]: row["fhirpath"] for row in csv.DictReader(lines)}
    else:
        definition = published(V2_0, "StructureDefinition-ext-coverage-information.json")
        stated = definition["differential"]["element"][0]["constraint"]
        found = {each["key"]: each["expression"] for each in stated}
    return {key: evaluable(key, expression, version) for key, expression in found.items()}


def evaluable(key: str, expression: str, version: CrdVersion) -> str:
    """An expression with what the engine refuses written out: extensions as booleans, and a value set."""
    if key == "crd-ci-q4":
        before = " and extension.where(url = 'doc-purpose').exists()"
        return replaced(expression, before, f".exists(){before}")
    if key == "crd-ci-q2" and version is V2_0:
        return replaced(expression, " implies", ".exists() implies")
    if key == "crd-ci-q7":
        codes = " or ".join(
            f"code = '{code}'" for code in sorted(value_set(version, "coverageAssertionReasons")[TEMPORARY_CODES])
        )
        return replaced(expression, f".memberOf('{REASONS}')", f".coding.where({codes}).exists()")
    return expression


def replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, text
    return text.replace(old, new)


@cache
def _rules(version: CrdVersion) -> Mapping[str, Callable[[Any], Any]]:
    """The invariants, compiled."""
    engine, model = import_module("fhirpathpy"), import_module("fhirpathpy.models").models["r4"]
    return {key: engine.compile(rule, model) for key, rule in invariants(version).items()}


def broken(found: Any, version: CrdVersion) -> set[str]:
    """The keys of the guide's invariants that an extension breaks."""
    plain = json.loads(dumps(found))
    return {key for key, holds in _rules(version).items() if holds(plain) != [True]}
