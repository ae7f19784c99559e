"""A policy of an operator's own, as files alone: an invented one about a sleep test, and an order it speaks about."""

from pathlib import Path
from typing import Any

from cds_service.settings import Settings

LOINC_CODE = "90001-9"
"""The code of the score that only this policy asks for."""

_DOCUMENT = """\
policy: SLEEP.1
revision: 2026-01
edition: 1
title: Sleep test at home
owner: Lakeside Health Plan
lines_of_business: [medicare, medicare-advantage, medicaid, commercial]
orders:
  - {codes: home-sleep-test, sections: [I]}
sections:
  I:
    says: A sleep test at home
    all:
      - id: I.A
        says: Sleepiness was scored
        met_when: {observation: {in: sleepiness-score}}
        ask: Was sleepiness scored?
"""
_CASES = """\
- name: A score
  anchor: 2026-03-16
  order: {code: 95806}
  facts:
    - observation: {code: loinc 90001-9, value: 14, at: 2026-03-01}
  expect: {I.A: met, outcome: supported}
- name: Nothing
  anchor: 2026-03-16
  order: {code: 95806}
  expect: {I.A: unknown, outcome: documentation-needed}
"""
_HEADER = "system,code,label,source,from,to,use\n"
_SETS = {
    "home-sleep-test": "http://www.ama-assn.org/go/cpt,95806,Sleep test at home,Lakeside,,,decides\n",
    "sleepiness-score": f"http://loinc.org,{LOINC_CODE},Sleepiness score,Lakeside,,,decides\n",
}


class OwnPolicies:
    """A folder of policies, made below a directory."""

    def __init__(self, where: Path) -> None:
        self.folder = where / "own"
        self.document = self.folder / "documents" / "SLEEP.1" / "2026-01.yaml"
        self.cases = self.document.with_suffix(".cases.yaml")
        (self.folder / "value_sets").mkdir(parents=True)
        for name, rows in _SETS.items():
            self.value_set(name).write_text(_HEADER + rows, encoding="utf-8")

    @property
    def settings(self) -> Settings:
        """Settings that name the folder."""
        return Settings(policy_folders=(self.folder,))

    def value_set(self, name: str) -> Path:
        """The file of a value set."""
        return self.folder / "value_sets" / f"{name}.csv"

    def add(self, document: str = _DOCUMENT) -> None:
        """Put the text into the folder, and its cases."""
        self.document.parent.mkdir(parents=True, exist_ok=True)
        self.document.write_text(document, encoding="utf-8")
        self.cases.write_text(_CASES, encoding="utf-8")

    def change(self, old: str, new: str) -> None:
        """Change what the text says."""
        assert old in _DOCUMENT
        self.add(_DOCUMENT.replace(old, new))

    def remove(self) -> None:
        """Take the text out of the folder."""
        self.document.unlink()


def sign_sleep_test() -> dict[str, Any]:
    """An order-sign call for a sleep test, of a patient whose chart holds nothing."""
    order = {
        "resourceType": "ServiceRequest",
        "id": "sleep-1",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/1"},
        "occurrenceDateTime": "2026-03-16",
        "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "95806"}]},
    }
    nothing = {"resourceType": "Bundle", "type": "searchset", "entry": []}
    return {
        "hook": "order-sign",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {
            "userId": "Practitioner/1",
            "patientId": "1",
            "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]},
        },
        "prefetch": {"observations": nothing, "questionnaireResponses": nothing},
    }
