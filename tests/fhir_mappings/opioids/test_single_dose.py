from decimal import Decimal

import pytest

from fhir_mappings.opioids.single_dose import is_single_dose
from tests.support.opioid_chart import MORPHINE_INJECTION, OXYCODONE_5, during, mme, order, quantity, read, sig

ONCE = [
    {"timing": {"repeat": {"count": 1}}},
    {"timing": {"repeat": {"count": 1, "countMax": 1, "boundsPeriod": {"start": "2025-06-01"}}}},
    {"timing": {"repeat": {"count": Decimal(1), "frequency": 1, "period": 6, "periodUnit": "h"}}},
    {"timing": {"event": ["2025-06-01T10:00:00Z"]}},
    {"timing": {"code": {"text": "ONCE"}}},
    {"timing": {"code": {"text": "One time"}}},
    {"timing": {"code": {"text": "1 time only"}}},
    {"timing": {"code": {"text": "X1"}}},
    {"timing": {"code": {"text": "Once PRN"}}},
    {"timing": {"code": {"coding": [{"code": "STAT"}]}}},
    {"timing": {"code": {"coding": [{"code": "304", "display": "Once"}]}}},
    {"text": "4 mg, intravenous, once"},
    {"text": "4 mg, Intravenous, ONCE, 1 dose"},
    {"text": "1 mg IV x1"},
    {"text": "Give 1 tablet by mouth one time only."},
    {"text": "1 tablet for 1 dose"},
    {"timing": {}, "text": "2 tablets as a single dose"},
]

NOT_ONCE = [
    {},
    {"text": "Take 1 tablet once daily"},
    {"text": "Take 1 tablet once a day"},
    {"text": "Take two tablets at once"},
    {"text": "Take 1 tablet, may repeat once"},
    {"text": "no more than once"},
    {"text": "1 tablet daily x10"},
    {"timing": {"code": {"text": "Once daily"}}},
    {"timing": {"code": {"text": "BID"}}, "text": "once"},
    {"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}, "code": {"text": "ONCE"}}},
    {"timing": {"repeat": {"timeOfDay": ["08:00:00"]}}, "text": "once"},
    {"timing": {"repeat": {"count": 2}}},
    {"timing": {"repeat": {"count": 1, "countMax": 3}}},
    {"timing": {"repeat": {"count": 0}, "code": {"text": "ONCE"}}},
    {"timing": {"event": ["2025-06-01", "2025-06-02"]}},
    {"timing": "ONCE", "text": ["once"]},
]


@pytest.mark.parametrize("dosage", ONCE)
def test_one_dose_is_read_from_count_event_code_or_words(dosage):
    assert is_single_dose(dosage) is True


@pytest.mark.parametrize("dosage", NOT_ONCE)
def test_what_may_be_several_doses_is_no_single_dose(dosage):
    assert is_single_dose(dosage) is False


def test_an_injection_given_once_is_over_the_next_day():
    injected = {"route": {"coding": [{"code": "47625008"}]}, "text": "4 mg IV once", "timing": {"repeat": {"count": 1}}}
    given = order("iv", MORPHINE_INJECTION, injected, on="2025-06-05")
    regular = during("b", OXYCODONE_5, "2025-01-01", "2026-06-01", sig(1))
    assert read(given, regular).current == mme("7.5", "7.5")
    assert read({**given, "authoredOn": "2026-01-14"}, regular).current == mme("7.5", None)


def test_one_dose_is_given_on_the_day_of_its_event():
    dosage = {"timing": {"event": ["2026-01-14"]}, "doseAndRate": [{"doseQuantity": quantity(14)}]}
    assert read(order("a", OXYCODONE_5, dosage, on="2025-12-01")).current == mme(0, "7.5")  # 14 x 7.5 in 14 days
