"""A file with the orders of each patient."""

import gzip
import json
from pathlib import Path

import pytest

from cds_service.population.export import UnreadableExportError
from cds_service.population.orders import OrderLine, orders_in
from fhir_mappings.codings import CPT, HCPCS
from tests.support.population_runs import ASSESSOR, FUSION


def orders(path: Path) -> list[OrderLine]:
    with path.open("rb") as file:
        return list(orders_in(path, file, ASSESSOR.library.policies[FUSION]))


def table(folder: Path, text: str) -> list[OrderLine]:
    path = folder / "orders.csv"
    path.write_bytes(text.encode())
    return orders(path)


def test_a_row_becomes_an_order_of_its_patient(tmp_path: Path) -> None:
    (only,) = table(tmp_path, "patient,code,date,id\nPatient/p-1,27279,2026-01-15,o-7\n")
    assert (only.number, only.patient, only.problem) == (2, "p-1", "")
    order = json.loads(only.content)
    assert order["subject"] == {"reference": "Patient/p-1"}
    assert order["code"]["coding"] == [{"system": CPT, "code": "27279"}]
    assert (order["id"], order["authoredOn"], order["resourceType"]) == ("o-7", "2026-01-15", "ServiceRequest")


def test_a_code_has_the_system_that_is_named_else_that_of_the_policy_else_cpt(tmp_path: Path) -> None:
    found = table(tmp_path, "\ufeffpatient,code,system\nb,G0260,hcpcs\nc,1234,urn:own\nd,99999,\n")
    systems = [json.loads(each.content)["code"]["coding"][0]["system"] for each in found]
    assert systems == [HCPCS, "urn:own", CPT]


def test_a_code_of_the_policy_needs_no_system(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("patient,code\np-1,G0260\n", encoding="utf-8")
    with path.open("rb") as file:
        (only,) = orders_in(path, file, ASSESSOR.library.policies["CP.MP.166@2019-08"])
    assert json.loads(only.content)["code"]["coding"] == [{"system": HCPCS, "code": "G0260"}]


def test_an_order_without_a_date_and_an_id_has_no_date_and_the_number_of_its_row(tmp_path: Path) -> None:
    (only,) = table(tmp_path, "code,patient\n27279,p-1\n")
    order = json.loads(only.content)
    assert (order["id"], "authoredOn" in order) == ("row-2", False)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("p-1", "the row has not as many values as there are columns"),
        ("p-1,27279,2026-01-15,more", "the row has not as many values as there are columns"),
        (",27279,2026-01-15", "a row needs a patient and a code"),
        ("p-1, ,2026-01-15", "a row needs a patient and a code"),
        ("p-1,27279,01/15/2026", "the date is not YYYY-MM-DD"),
    ],
)
def test_a_row_that_is_no_order_is_named_with_what_is_wrong(tmp_path: Path, row: str, problem: str) -> None:
    (only,) = table(tmp_path, f"patient,code,date\n{row}\n")
    assert (only.number, only.patient, only.problem) == (2, "", problem)


@pytest.mark.parametrize("header", ["patient,procedure", "code", "patient,code,payer", ""])
def test_a_table_with_other_columns_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(UnreadableExportError, match=r"orders\.csv:1: the columns are patient, code, system, date, id"):
        table(tmp_path, f"{header}\np-1,27279\n")


def test_a_table_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(b"patient,code\np-\xff,27279\n")
    with pytest.raises(UnreadableExportError, match=r"orders\.csv:2: this is not CSV in UTF-8"):
        orders(path)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "orders.xlsx").write_bytes(b"")
    with pytest.raises(UnreadableExportError, match=r"\.csv, \.ndjson, or \.ndjson\.gz"):
        orders(tmp_path / "orders.xlsx")


def test_fhir_orders_stay_as_they_are_and_need_a_patient(tmp_path: Path) -> None:
    order = b'{"resourceType":"ServiceRequest","subject":{"reference":"Patient/p-1"},"quantityQuantity":{"value":1.50}}'
    path = tmp_path / "ServiceRequest.ndjson.gz"
    path.write_bytes(
        gzip.compress(
            b"\n".join([order, b'{"resourceType":"ServiceRequest"}', b'{"resourceType":"Patient","id":"p"}', b"{"])
        )
    )
    assert orders(path) == [
        OrderLine(1, "p-1", order),
        OrderLine(2, "", b'{"resourceType":"ServiceRequest"}', "the order references no patient"),
        OrderLine(3, "", b'{"resourceType":"Patient","id":"p"}', "the order references no patient"),
        OrderLine(4, "", b"", "this is not one JSON object"),
    ]
