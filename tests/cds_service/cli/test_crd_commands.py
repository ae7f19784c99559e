"""`cds-service crd …`: who reads an exchange has to say why, and is recorded before anything is shown."""

import errno
import json
import os
import pwd
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cds_service.cli.main import main
from cds_service.records.database import Database
from cds_service.records.schema import upgrade
from tests.support.clock import SetClock
from tests.support.crd_records import INSTANCE, KEYS, PATH, assertion, call, crd_records, exchange, stored
from tests.support.record_fakes import rows

TODAY = datetime.now(UTC)
REQUEST = b'{"patient": "xanthippe",  "value": 1.00}'


@pytest.fixture(name="database")
def _database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database with an exchange of today, and one that has expired."""
    url = f"sqlite:///{tmp_path}/records.db"
    monkeypatch.setenv("CDS_DATABASE_URL", url)
    monkeypatch.setenv("CDS_ENCRYPTION_KEYS", ",".join(key.hex() for key in KEYS))
    monkeypatch.delenv("SUDO_USER", raising=False)
    database = Database(url, wait_seconds=5)
    upgrade(database)
    stored(crd_records(database, *KEYS, clock=SetClock(TODAY)), "c1", [assertion("a1")], request=REQUEST)
    old = crd_records(database, *KEYS, clock=SetClock(TODAY - timedelta(days=30)))
    old.store(call("old", hook_instance="old", client="south"), PATH, exchange(), [assertion("a0")])
    return database


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["crd", *arguments])


@pytest.mark.parametrize("name", ["c1", INSTANCE])
@pytest.mark.requirement("7.136")
def test_an_exchange_is_printed_with_its_call_and_the_access_is_recorded(database: Database, name: str) -> None:
    result = run("exchange", name, "--reason", " dispute 17 ")
    assert result.exit_code == 0
    said = json.loads(result.output)
    assert (said["request"], said["response"]) == ({"patient": "xanthippe", "value": 1.0}, {"cards": []})
    assert (said["exchange"], said["client"], said["status"]) == ("c1", "ehr", 200)
    assert said["metrics"] == {"source": "payer-src"}
    assert '"value": 1.00' in result.output
    (access,) = rows(database, "crd_accesses")
    assert (access["action"], access["subject"], access["reason"]) == ("exchange", "c1", "dispute 17")
    assert access["who"] == pwd.getpwuid(os.getuid()).pw_name
    assert datetime.now(UTC) - access["at"] < timedelta(minutes=5)


def test_one_body_alone_is_printed_byte_for_byte(database: Database) -> None:
    result = run("exchange", "c1", "--reason", "dispute 17", "--only", "request")
    assert result.stdout_bytes == REQUEST
    assert len(rows(database, "crd_accesses")) == 1


def test_a_body_that_is_no_json_is_printed_as_text(database: Database) -> None:
    stored(crd_records(database, *KEYS, clock=SetClock(TODAY)), "c2", request=b"\xffcut {")
    assert json.loads(run("exchange", "c2", "--reason", "dispute 17").output)["request"] == "\\xffcut {"


@pytest.mark.parametrize("reason", [(), ("--reason", ""), ("--reason", "  ")])
def test_without_a_reason_nothing_is_shown(database: Database, reason: tuple[str, ...]) -> None:
    result = run("exchange", "c1", *reason)
    assert (result.exit_code, "--reason" in result.output) == (2, True)
    assert "xanthippe" not in result.output
    assert rows(database, "crd_accesses") == []


@pytest.mark.parametrize("name", ["c3", "old"])
def test_an_exchange_that_is_unknown_or_expired_is_not_shown(database: Database, name: str) -> None:
    result = run("exchange", name, "--reason", "dispute 17")
    assert (result.exit_code, f"No exchange {name} is stored." in result.output) == (1, True)
    assert rows(database, "crd_accesses") == []


def test_nothing_is_shown_if_the_access_cannot_be_recorded(database: Database) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON crd_accesses BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    for command in (("exchange", "c1"), ("assertion", "a1")):
        result = run(*command, "--reason", "dispute 17")
        assert (result.exit_code, "the database failed" in result.output) == (1, True)
        assert "xanthippe" not in result.output


def test_a_lost_key_is_named_and_nothing_is_shown(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    (listed,) = [json.loads(line) for line in run("list", "--client", "ehr").output.splitlines()]
    monkeypatch.setenv("CDS_ENCRYPTION_KEYS", "0" * 64)
    result = run("exchange", "c1", "--reason", "dispute 17")
    assert result.exit_code == 1
    assert f"the key {listed['key']}, which CDS_ENCRYPTION_KEYS does not have" in result.output
    monkeypatch.setenv("CDS_ENCRYPTION_KEYS", "")
    result = run("assertion", "a1", "--reason", "dispute 17")
    assert (result.exit_code, "CDS_ENCRYPTION_KEYS is empty" in result.output) == (1, True)


def test_a_call_that_was_stored_without_keys_says_so(database: Database) -> None:
    stored(crd_records(database, clock=SetClock(TODAY)), "c2")
    result = run("exchange", "c2", "--reason", "dispute 17")
    assert (result.exit_code, "were not stored: CDS_ENCRYPTION_KEYS was empty" in result.output) == (1, True)
    assert rows(database, "crd_accesses") == []


CHART = {"searches": {"conditions Condition?patient=": {"note": "xanthippe"}}, "targets": {}}


def test_a_chart_is_said_to_be_stored_and_printed_alone_after_the_access_is_recorded(database: Database) -> None:
    records = crd_records(database, *KEYS, clock=SetClock(TODAY))
    stored(records, "c2", chart=CHART, chart_read_at=TODAY - timedelta(seconds=2))
    whole = run("exchange", "c2", "--reason", "appeal")
    assert json.loads(whole.output)["chart"] == "stored"
    assert "Condition?patient=" not in whole.output
    said = json.loads(run("exchange", "c2", "--reason", "appeal", "--only", "chart").output)
    assert said == {"read_at": (TODAY - timedelta(seconds=2)).isoformat(), **CHART}
    accesses = rows(database, "crd_accesses")
    assert sorted((each["action"], each["subject"], each["reason"]) for each in accesses) == [
        ("chart", "c2", "appeal"),
        ("exchange", "c2", "appeal"),
    ]


def test_a_call_without_a_chart_says_so(database: Database) -> None:
    result = run("exchange", "c1", "--reason", "appeal", "--only", "chart")
    assert (result.exit_code, "No chart was stored with it" in result.output) == (1, True)
    assert rows(database, "crd_accesses") == []


FORM_CALL = "/fhir/Questionnaire/$next-question"


def test_a_call_about_a_form_is_shown_without_bodies(database: Database) -> None:
    records = crd_records(database, *KEYS, clock=SetClock(TODAY))
    records.store(call("d1", hook_instance=""), FORM_CALL, exchange(b"", b"", metrics={"screens": 1}), [])
    said = json.loads(run("exchange", "d1", "--reason", "dispute 17").output)
    assert (said["path"], said["metrics"]) == ("fhir/Questionnaire/$next-question", {"screens": 1})
    assert not {"request", "response", "key"} & said.keys()
    result = run("exchange", "d1", "--reason", "dispute 17", "--only", "request")
    assert (result.exit_code, "few calls about forms have them" in result.output) == (1, True)
    assert rows(database, "crd_accesses") == []


@pytest.mark.parametrize("command", [("decisions", "show", "d1"), ("replay", "d1", "--request", __file__)])
def test_a_call_about_a_form_is_no_decision_to_show_or_to_replay(database: Database, command: tuple[str, ...]) -> None:
    records = crd_records(database, *KEYS, clock=SetClock(TODAY))
    records.store(call("d1", hook_instance=""), FORM_CALL, exchange(b"", b""), [])
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert "d1 is a call of fhir/Questionnaire/$next-question, and only calls of hooks make decisions" in result.output


def test_a_reader_that_has_enough_ends_a_command_quietly(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: object) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("cds_service.cli.crd.click.echo", closed)
    result = run("list")
    assert (result.exit_code, result.output) == (1, "")


def test_reported_errors_of_forms_are_printed_without_what_is_sealed(database: Database) -> None:
    report = {"questionnaires": ["https://cds.example.org/fhir/Questionnaire/CP.TEST|2025-01.1"], "issues": []}
    for name, at in (("e1", TODAY - timedelta(days=2)), ("e2", TODAY)):
        records = crd_records(database, *KEYS, clock=SetClock(at))
        path = "/fhir/Questionnaire/$log-questionnaire-errors"
        records.store(call(name, hook_instance=""), path, exchange(REQUEST, metrics=report), [])
    day = (TODAY - timedelta(days=1)).strftime("%Y-%m-%d")
    said = [json.loads(line) for line in run("form-errors").output.splitlines()]
    assert [(each["exchange"], each["questionnaires"]) for each in said] == [
        ("e1", report["questionnaires"]),
        ("e2", report["questionnaires"]),
    ]
    assert [json.loads(line)["exchange"] for line in run("form-errors", "--since", day).output.splitlines()] == ["e2"]
    assert "xanthippe" not in run("form-errors").output
    assert "xanthippe" in run("exchange", "e1", "--reason", "broken form").output


def test_an_assertion_is_shown_without_its_content_unless_a_reason_is_given(database: Database) -> None:
    said = json.loads(run("assertion", "a1").output)
    assert (said["assertion_id"], said["call_id"], said["policies"][0]["policy"]) == ("a1", "c1", "CP.TEST")
    assert "content" not in said
    assert rows(database, "crd_accesses") == []
    said = json.loads(run("assertion", "a1", "--reason", "appeal").output)
    assert said["content"]["patient_id"] == "xanthippe"
    assert said["content"]["determinations"][0]["criteria"][0]["id"] == "II.A"
    (access,) = rows(database, "crd_accesses")
    assert (access["action"], access["subject"], access["reason"]) == ("assertion", "a1", "appeal")


def test_an_assertion_that_is_unknown_or_expired_is_not_shown(database: Database) -> None:
    for name in ("a2", "a0"):
        result = run("assertion", name)
        assert (result.exit_code, f"No assertion {name} is stored." in result.output) == (1, True)


def test_list_metrics_and_accesses_print_a_line_each_and_nothing_of_a_patient(database: Database) -> None:
    run("exchange", "c1", "--reason", "dispute 17")
    day = (TODAY - timedelta(days=1)).strftime("%Y-%m-%d")
    assert [json.loads(line)["exchange"] for line in run("list").output.splitlines()] == ["old", "c1"]
    assert [json.loads(line)["exchange"] for line in run("list", "--since", day).output.splitlines()] == ["c1"]
    assert [json.loads(line)["exchange"] for line in run("list", "--client", "south").output.splitlines()] == ["old"]
    assert [json.loads(line) for line in run("metrics", "--since", day).output.splitlines()] == [
        {"source": "payer-src"}
    ]
    (access,) = [json.loads(line) for line in run("accesses").output.splitlines()]
    assert (access["subject"], access["reason"]) == ("c1", "dispute 17")
    assert all("xanthippe" not in run(command).output for command in ("list", "metrics", "accesses"))


def test_a_purge_deletes_what_has_expired(database: Database) -> None:
    assert run("purge").output == "1 exchanges deleted.\n"
    assert run("purge").output == "0 exchanges deleted.\n"
    assert [row["exchange"] for row in rows(database, "crd_exchanges")] == ["c1"]
    assert [row["action"] for row in rows(database, "crd_accesses")] == ["purge"]


def test_the_user_behind_sudo_is_recorded_too(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "ana")
    run("exchange", "c1", "--reason", "dispute 17")
    assert rows(database, "crd_accesses")[0]["who"].endswith(" (sudo by ana)")


def test_a_user_without_a_name_is_recorded_by_number(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_user: int) -> None:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    run("exchange", "c1", "--reason", "dispute 17")
    assert rows(database, "crd_accesses")[0]["who"] == str(os.getuid())
