"""A decision made again: the same by hash, or where it differs."""

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cds_service.cli.main import main
from cds_service.records.database import Database
from cds_service.records.pseudonyms import Pseudonymizer, key_in
from cds_service.records.schema import upgrade
from cds_service.sample_ehr.patients import SAMPLES
from coverage_policies.judging.assessment import Assessment, Assessor, OrderCandidates
from coverage_policies.judging.order_session import Session
from coverage_policies.judging.stopping import ShouldStop, never
from fhir_mappings.fhir_json import Json, dumps
from fhir_mappings.record import PatientRecord
from tests.support.policy_fakes import after
from tests.support.record_fakes import NOW, RecordedService, accepted, overridden, sample_call

SAMPLE_CALLS = [(each.id, n) for each in SAMPLES for n in range(len(each.orders))]


class Replayed:
    """A service whose database the command line finds, and `replay` on what it decided."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._env = monkeypatch
        database = Database(f"sqlite:///{folder}/records.db", wait_seconds=5)
        upgrade(database)
        monkeypatch.setenv("CDS_DATA_FOLDER", str(folder))
        self.service = RecordedService(database, key=Pseudonymizer(key_in(folder / "records.key")))

    def run(self, *arguments: str) -> Result:
        """A command."""
        return CliRunner().invoke(main, [*arguments], catch_exceptions=False)

    def replay(self, decision: str, request: Json, chart: Json | None, *options: str) -> Result:
        """`cds-service replay` with these files."""
        (self.folder / "request.json").write_text(dumps(request), encoding="utf-8")
        given = ["--request", str(self.folder / "request.json"), *options]
        if chart is not None:
            (self.folder / "chart.json").write_text(dumps(chart), encoding="utf-8")
            given += ["--chart", str(self.folder / "chart.json")]
        return self.run("replay", decision, *given)

    def setenv(self, name: str, value: str) -> None:
        """Change a setting from now on."""
        self._env.setenv(name, value)


@pytest.fixture(name="replayed")
def _replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Replayed:
    return Replayed(tmp_path, monkeypatch)


def differing(result: Result) -> list[str]:
    """What a replay says is not the same."""
    return [check["what"] for check in json.loads(result.stdout) if not check["same"]]


@pytest.mark.requirement("7.140")
@pytest.mark.parametrize(("name", "order"), SAMPLE_CALLS)
def test_every_decision_is_the_same_again(replayed: Replayed, name: str, order: int) -> None:
    body, replayed.service.chart = sample_call(name, order)
    decision = replayed.service.call(body).headers["X-Request-Id"]
    result = replayed.replay(decision, body, replayed.service.chart)
    assert result.exit_code == 0, result.output
    assert "Input, policy, and answer are the same." in result.stdout
    found = json.loads(replayed.replay(decision, body, replayed.service.chart, "--json").stdout)
    assert all(check["same"] and check["recorded"] == check["now"] for check in found)
    assert {"orders", "what was read of the chart"} <= {check["what"] for check in found}
    answers = [check for check in found if check["what"].startswith("answer")]
    assert len(answers) == len(replayed.service.rows("determinations"))


@pytest.mark.parametrize("urls", [("", ""), ("urn:uuid:1", "urn:uuid:2")])
def test_orders_under_one_id_are_replayed_each_for_itself(replayed: Replayed, urls: tuple[str, str]) -> None:
    body, replayed.service.chart = sample_call("sij-posterior", 0)
    entries = body["context"]["draftOrders"]["entry"]
    entries[:] = [deepcopy(entries[0]), deepcopy(entries[0])]
    entries[1]["resource"]["occurrenceDateTime"] = "2026-09-01"
    for entry, url in zip(entries, urls, strict=True):
        entry["fullUrl"] = url
    decision = replayed.service.call(body | {"hook": "order-sign"}).headers["X-Request-Id"]
    assert len(replayed.service.rows("determinations")) == 2
    result = replayed.replay(decision, body | {"hook": "order-sign"}, replayed.service.chart)
    assert "Input, policy, and answer are the same." in result.stdout, result.output


@pytest.mark.requirement("7.140")
def test_it_is_the_same_years_later_and_found_by_its_hook_instance(replayed: Replayed) -> None:
    replayed.service.clock.pass_days(-2000)
    body, replayed.service.chart = sample_call("trial-weaned")
    replayed.service.call(body)
    assert replayed.replay(body["hookInstance"], body, replayed.service.chart).exit_code == 0
    assert replayed.service.clock() < NOW


def changed_chart(chart: Json) -> None:
    chart["entry"] = [each for each in chart["entry"] if "M79.7" not in str(each["resource"].get("code"))]


def reworded_chart(chart: Json) -> None:
    chart["entry"][-1]["resource"]["meta"] = {"lastUpdated": "2026-03-04T00:00:00Z"}


@pytest.mark.requirement("7.140")
@pytest.mark.parametrize(
    ("change", "some", "criterion"),
    [
        (changed_chart, "what was read of the chart", "answer 1, CP.MP.126@2025-04, II.E"),
        (reworded_chart, "what was read of the chart", ""),
    ],
)
def test_another_chart_is_shown(replayed: Replayed, change: Callable[[Json], None], some: str, criterion: str) -> None:
    body, replayed.service.chart = sample_call("sij-fibromyalgia")
    decision = replayed.service.call(body).headers["X-Request-Id"]
    chart = deepcopy(replayed.service.chart)
    change(chart)
    result = replayed.replay(decision, body, chart, "--json")
    assert result.exit_code == 4
    assert some in differing(result)
    assert (criterion in differing(result)) == bool(criterion)
    assert "orders" not in differing(result)


@pytest.mark.requirement("7.140")
@pytest.mark.parametrize(
    ("members", "some"),
    [
        ({"userId": "Practitioner/other"}, {"user"}),
        ({"patientId": "other"}, {"patient", "what was read of the chart"}),
    ],
)
def test_another_request_is_shown(replayed: Replayed, members: Json, some: set[str]) -> None:
    body, replayed.service.chart = sample_call("sij-fibromyalgia")
    decision = replayed.service.call(body).headers["X-Request-Id"]
    other = deepcopy(body)
    other["context"] |= members
    for entry in other["context"]["draftOrders"]["entry"]:
        entry["resource"]["subject"] = {"reference": f"Patient/{other['context']['patientId']}"}
    result = replayed.replay(decision, other, replayed.service.chart, "--json")
    assert result.exit_code == 4
    assert some <= set(differing(result))


@pytest.mark.requirement("7.140")
def test_another_order_is_shown(replayed: Replayed) -> None:
    body, replayed.service.chart = sample_call("sij-posterior")
    decision = replayed.service.call(body).headers["X-Request-Id"]
    other = deepcopy(body)
    other["context"]["draftOrders"]["entry"][0]["resource"]["note"] = [{"text": "Xanthippe"}]
    result = replayed.replay(decision, other, replayed.service.chart)
    assert result.exit_code == 4
    assert "orders" in result.stdout
    assert "Xanthippe" not in result.output


TEXT = """\
policy: CP.OWN.1
revision: 2026-01
edition: {edition}
title: Own text
owner: Own plan
lines_of_business: [medicare, medicare-advantage, medicaid, commercial]
orders:
  - {{codes: own-orders, sections: [I]}}
sections:
  I:
    says: Everything
    all:
      - id: I.A
        says: {says}
        ask: Is it so?
"""


@pytest.mark.requirement("7.140")
@pytest.mark.parametrize(
    ("edition", "says", "differ"),
    [
        (1, "It is so", []),
        (2, "It is so", ["policy CP.OWN.1@2026-01", "answer 1, CP.OWN.1@2026-01"]),
        (1, "It is not so", ["policy CP.OWN.1@2026-01", "answer 1, CP.OWN.1@2026-01"]),
    ],
)
def test_another_policy_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edition: int, says: str, differ: list[str]
) -> None:
    own = tmp_path / "own"
    (own / "documents" / "CP.OWN.1").mkdir(parents=True)
    (own / "value_sets").mkdir()
    (own / "value_sets" / "own-orders.csv").write_text(
        "system,code,label,source,from,to,use\nhttp://www.ama-assn.org/go/cpt,99999,Own order,test,,,decides\n"
    )
    document = own / "documents" / "CP.OWN.1" / "2026-01.yaml"
    document.write_text(TEXT.format(edition=1, says="It is so"))
    replayed = Replayed(tmp_path, monkeypatch)
    replayed.service = RecordedService(
        replayed.service.database, key=Pseudonymizer(key_in(tmp_path / "records.key")), policy_folders=(own,)
    )
    body, replayed.service.chart = sample_call("sij-fibromyalgia")
    order = body["context"]["draftOrders"]["entry"][0]["resource"]
    order["code"] = {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "99999"}]}
    decision = replayed.service.call(body).headers["X-Request-Id"]
    replayed.setenv("CDS_POLICY_FOLDERS", str(own))
    document.write_text(TEXT.format(edition=edition, says=says))
    result = replayed.replay(decision, body, replayed.service.chart, "--json")
    assert differing(result) == differ
    assert result.exit_code == (4 if differ else 0)
    document.unlink()
    assert "policy CP.OWN.1@2026-01" in differing(replayed.replay(decision, body, replayed.service.chart, "--json"))


@pytest.mark.requirement("7.140")
def test_other_rules_of_the_operator_are_shown(replayed: Replayed) -> None:
    body, replayed.service.chart = sample_call("sij-fibromyalgia")
    decision = replayed.service.call(body).headers["X-Request-Id"]
    replayed.setenv("CDS_ANSWERS_VALID_DAYS", "10")
    result = replayed.replay(decision, body, replayed.service.chart, "--json")
    assert differing(result) == ["the operator's rules, time zone, validity of answers"]


@pytest.mark.requirement("7.140")
def test_what_could_not_be_read_then_is_not_read_now(replayed: Replayed) -> None:
    body, chart = sample_call("sij-fibromyalgia")
    del body["fhirServer"], body["fhirAuthorization"]
    body["prefetch"] = {"patient": next(each["resource"] for each in chart["entry"])}
    response = replayed.service.call(body)
    assert response.json == {"cards": []}
    assert replayed.replay(response.headers["X-Request-Id"], body, None).exit_code == 0
    assert replayed.replay(response.headers["X-Request-Id"], body, chart).exit_code == 0


def test_what_cannot_be_told_is_said(replayed: Replayed) -> None:
    body, replayed.service.chart = sample_call("sij-fibromyalgia")
    decision = replayed.service.call(body).headers["X-Request-Id"]
    refused = replayed.service.call({"hook": "order-sign"}).headers["X-Request-Id"]
    chart = replayed.service.chart
    for arguments, why in (
        (("no-such-decision", body, chart), "No decision no-such-decision is recorded."),
        ((refused, body, chart), "answered 400"),
        ((decision, body, None), "--chart"),
        ((decision, body, {"resourceType": "Patient"}), "Bundle"),
        ((decision, {"hook": "order-sign"}, chart), "required"),
    ):
        result = replayed.replay(*arguments)
        assert (result.exit_code, why in result.output) == (1, True), result.output
    replayed.setenv("CDS_PSEUDONYM_KEY", "another key, thirty-two characters long")
    result = replayed.replay(decision, body, chart)
    assert (result.exit_code, "another key" in result.output) == (1, True)


def test_the_log_is_read_on_the_command_line(replayed: Replayed) -> None:
    body, replayed.service.chart = sample_call("sij-fibromyalgia")
    decision = replayed.service.call(body).headers["X-Request-Id"]
    shown = json.loads(replayed.run("decisions", "show", decision).stdout)
    (exported,) = replayed.run("decisions", "export", "--since", "2026-03-05").stdout.splitlines()
    assert json.loads(exported) == shown
    assert shown["decision_id"] == decision
    assert replayed.run("decisions", "export", "--since", "2026-03-06").stdout == ""
    assert len(replayed.run("decisions", "export", "--tests").stdout.splitlines()) == 1
    assert replayed.run("decisions", "show", "nothing").exit_code == 1


def test_feedback_is_reported_per_policy_and_criterion(replayed: Replayed) -> None:
    service = replayed.service
    shown: dict[str, Any] = {}
    for name in ("sij-fibromyalgia", "sij-posterior", "sij-rich-chart"):
        body, service.chart = sample_call(name)
        (shown[name],) = service.cards(body)
    body, service.chart = sample_call("sij-fibromyalgia")
    body["context"]["userId"] = "Practitioner/other"
    (second,) = service.cards(body)
    service.send_feedback(
        overridden(shown["sij-fibromyalgia"]["uuid"], "urgent"),
        accepted(shown["sij-posterior"]["uuid"], shown["sij-posterior"]["suggestions"][0]["uuid"]),
        {**overridden(second["uuid"], "other"), "outcomeTimestamp": "2026-03-05T15:00:00Z"},
        accepted(second["uuid"]),
        overridden("00000000-0000-4000-8000-000000000000"),
    )
    lines = {line["criterion"]: line for line in json.loads(replayed.run("feedback", "report", "--json").stdout)}
    assert lines["II.E"] == {
        "policy": "CP.MP.126",
        "revision": "2025-04",
        "criterion": "II.E",
        "shown": 3,
        "accepted": 1,
        "overridden": 1,
        "reasons": {"urgent": 1},
        "acceptance": 0.5,
    }
    assert (lines["II.I"]["accepted"], lines["II.I"]["overridden"]) == (1, 0)
    assert all(line["shown"] and "acceptance" not in line for line in lines.values() if line["criterion"][-1] in "GH")
    header, *rest = replayed.run("feedback", "report", "--csv").stdout.splitlines()
    assert header == "policy,revision,criterion,shown,accepted,overridden,urgent"
    assert "CP.MP.126,2025-04,II.E,3,1,1,1" in rest
    table = replayed.run("feedback", "report").stdout
    assert "II.E" in table
    assert "1 pieces of feedback are about cards that are not stored here." in table
    assert json.loads(replayed.run("feedback", "report", "--json", "--since", "2026-03-06").stdout) == []


def test_a_card_shown_in_several_calls_is_reported_once(replayed: Replayed) -> None:
    service = replayed.service
    body, service.chart = sample_call("sij-fibromyalgia")
    (card,) = [service.cards(body) for _ in range(3)][-1]
    service.send_feedback(overridden(card["uuid"]))
    (line,) = json.loads(replayed.run("feedback", "report", "--json").stdout)
    assert (line["shown"], line["overridden"]) == (1, 1)


def test_cards_that_were_suppressed_are_not_reported_as_shown(replayed: Replayed) -> None:
    service = replayed.service
    body, service.chart = sample_call("sij-fibromyalgia")
    (card,) = service.cards(body)
    service.send_feedback(overridden(card["uuid"]))
    assert service.cards(body) == []
    (line,) = json.loads(replayed.run("feedback", "report", "--json").stdout)
    assert (line["shown"], line["overridden"]) == (1, 1)


def test_old_decisions_are_purged(replayed: Replayed) -> None:
    body, replayed.service.chart = sample_call("sij-fibromyalgia")
    replayed.service.clock.pass_days(-3000)
    replayed.service.call(body)
    result = replayed.run("db", "purge", "--older-than", "2000")
    assert result.stdout == "1 decisions deleted.\n"
    assert replayed.service.rows("decisions") == replayed.service.rows("determinations") == []
    assert replayed.run("db", "purge", "--older-than", "0").exit_code == 2


class _Hurried(Assessor):
    """Stops after the first criterion."""

    def assess(
        self,
        session: Session,
        orders: Sequence[OrderCandidates],
        record: PatientRecord,
        hook: str,
        should_stop: ShouldStop = never,  # noqa: ARG002
    ) -> tuple[Assessment, ...]:
        return super().assess(session, orders, record, hook, after(1))


@pytest.mark.requirement("7.140")
def test_a_decision_that_was_cut_short_is_not_replayed(replayed: Replayed) -> None:
    hurried = _Hurried(replayed.service.assessor.library, replayed.service.assessor.rules)
    service = RecordedService(
        replayed.service.database, assessor=hurried, key=Pseudonymizer(key_in(replayed.folder / "records.key"))
    )
    body, service.chart = sample_call("sij-fibromyalgia")
    decision = service.call(body).headers["X-Request-Id"]
    result = replayed.replay(decision, body, service.chart)
    assert result.exit_code == 1
    assert "cut its evaluation short" in result.output
    assert '"cut_short": true' in replayed.run("decisions", "show", decision).stdout
