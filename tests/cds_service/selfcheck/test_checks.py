"""The framework of the self-check: how checks end, what a failure means for later ones, and what stays secret."""

from typing import Any

import pytest

from cds_service.selfcheck.checks import Area, Check, run_checks
from cds_service.selfcheck.outcomes import AreaResult, FailedError, Level, NotTriedError, Result, Status, expect
from cds_service.selfcheck.report import as_json, counted, failures
from cds_service.selfcheck.session import Session, Target
from cds_service.wiring.system import now


class NoEhr:
    """An EHR that nobody asks."""

    token = "token-of-the-ehr"
    base = "http://127.0.0.1:1/fhir"

    class charts:  # noqa: N801
        @staticmethod
        def write(*_: Any, **__: Any) -> None:
            """Keep nothing."""


def session() -> Session:
    return Session(Target("http://127.0.0.1:1"), None, NoEhr(), ())


def ended(run: Any) -> Result:
    return Check("area.name", Level.SHALL, "a source", "What is right.", run).tried(session())


def raising(error: Exception) -> Any:
    def run(_: Session) -> str:
        raise error

    return run


@pytest.mark.parametrize(
    ("run", "status", "seen", "right"),
    [
        (lambda _: "as it should be", Status.PASSED, "as it should be", "What is right."),
        (raising(FailedError("wrong")), Status.FAILED, "wrong", "What is right."),
        (raising(FailedError("wrong", "Better.")), Status.FAILED, "wrong", "Better."),
        (raising(NotTriedError("no order")), Status.NOT_TRIED, "no order", "What is right."),
        (
            raising(KeyError("resource")),
            Status.NOT_TRIED,
            "an answer has a shape that this check cannot read (KeyError)",
            "What is right.",
        ),
    ],
)
def test_a_check_passes_fails_or_is_not_tried(run: Any, status: Status, seen: str, right: str) -> None:
    found = ended(run)
    assert (found.status, found.seen, found.right) == (status, seen, right)


def test_a_result_has_no_token() -> None:
    asked = session()
    token = asked.secret("header.claims.signature")
    check = Check("a.b", Level.SHALL, "", "", raising(FailedError(f"it quotes {token} and {NoEhr.token}")))
    assert check.tried(asked).seen == "it quotes [token] and [token]"


def test_what_failed_once_fails_one_check_alone() -> None:
    asked, made = session(), []

    def make() -> str:
        made.append(1)
        raise FailedError("status 500")

    with pytest.raises(FailedError, match="status 500"):
        asked.once("package", make)
    for _ in range(2):
        with pytest.raises(NotTriedError, match="an earlier check failed: status 500"):
            asked.once("package", make)
    assert len(made) == 1


def test_what_was_found_once_is_kept() -> None:
    asked, made = session(), iter(range(9))
    assert [asked.once("form", lambda: next(made)) for _ in range(3)] == [0, 0, 0]


def test_an_area_that_is_not_offered_runs_no_check() -> None:
    area = Area("forms", "Forms", lambda _: "there are no forms")
    area.check("one", Level.SHALL, "", "")(raising(AssertionError()))
    (found,) = run_checks([area], session(), lambda _: None)
    assert (found.results, found.not_offered) == ((), "there are no forms")


def test_checks_run_in_their_order_and_are_announced() -> None:
    area, announced = Area("forms", "Forms"), []
    for name in ("b", "a"):
        area.check(name, Level.SHOULD, "", "")(lambda _: "seen")
    (found,) = run_checks([area], session(), lambda check: announced.append(check.id))
    assert announced == [each.id for each in found.results] == ["forms.b", "forms.a"]


def test_expect_fails_with_what_was_seen() -> None:
    expect(True, "nothing")
    with pytest.raises(FailedError) as caught:
        expect(False, "seen", "right")
    assert (caught.value.seen, caught.value.right) == ("seen", "right")


def result(level: Level, status: Status) -> Result:
    return Result("a.b", level, "a source", status, "seen", "right")


def test_a_server_passes_unless_a_shall_fails() -> None:
    areas = [
        AreaResult("a", "A", (result(Level.SHOULD, Status.FAILED), result(Level.SHALL, Status.PASSED))),
        AreaResult("b", "B", not_offered="nothing there"),
    ]
    report = as_json("https://cds.example.org", now(), areas)
    assert report["passes"]
    assert counted(areas) == report["counts"] == {"passed": 1, "failed": 1, "not tried": 0}
    assert [each["offered"] for each in report["areas"]] == [True, False]
    assert report["areas"][1]["why"] == "nothing there"
    broken = [*areas, AreaResult("c", "C", (result(Level.SHALL, Status.FAILED),))]
    assert not as_json("https://cds.example.org", now(), broken)["passes"]
    assert (len(failures(broken)), len(failures(broken, Level.SHALL))) == (2, 1)
