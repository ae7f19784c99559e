"""`$expand` and `$log-questionnaire-errors`."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.dtr_calls import EXPAND, LOG_ERRORS, Dtr, expect_error, parameters, resources_in
from cds_service.selfcheck.filling import all_items
from cds_service.selfcheck.json_shape import is_text, objects
from cds_service.selfcheck.outcomes import FailedError, Level, NotTriedError, expect
from cds_service.selfcheck.session import Session
from cds_service.selfcheck.web import Answer

_EXPAND = "the operation ValueSet/$expand"
_LOG = "the operation $log-questionnaire-errors"
_CLOCKS = timedelta(days=1)
_FORM = "https://example.com/Questionnaire/self-check|1"


def _value_set(session: Session) -> str:
    """Return the canonical of a value set of the server. Raise NotTriedError if none is known."""
    dtr = Dtr(session)
    if session.target.value_set:
        return session.target.value_set
    try:
        for form in dtr.forms():
            for item in all_items(form.questionnaire.get("item")):
                if not str(item.get("answerValueSet", "#")).startswith("#"):
                    return str(item["answerValueSet"])
    except NotTriedError:
        pass
    for url in _searched(dtr):
        return url
    raise NotTriedError("no value set of the server is known; give one with --value-set")


def _searched(dtr: Dtr) -> Iterator[str]:
    try:
        answer = dtr.get("ValueSet")
        found = resources_in(answer.resource("Bundle"), "ValueSet") if answer.status == 200 else []
    except (FailedError, NotTriedError):
        return
    yield from (each["url"] for each in found if is_text(each.get("url")))


def _expanded(session: Session) -> dict[str, Any]:
    """Return an expansion. Raise FailedError if there is none."""

    def make() -> dict[str, Any]:
        answer = Dtr(session).post(EXPAND, parameters(url={"valueUri": _value_set(session)}))
        expect(answer.status == 200, f"it is answered {answer.status}")
        found = answer.resource("ValueSet").get("expansion")
        if not isinstance(found, dict):
            raise FailedError("the value set has no expansion")
        return found

    return session.once("expansion", make)


def _codes(contains: Any) -> Iterator[dict[str, Any]]:
    for each in objects(contains):
        yield each
        yield from _codes(each.get("contains"))


def add_checks(area: Area) -> None:
    """Add the checks."""

    @area.check("expand", Level.SHALL, _EXPAND, "A value set is expanded by its canonical.")
    def _expand(session: Session) -> str:
        return f"{len(list(_codes(_expanded(session).get('contains'))))} codes"

    @area.check("expand-active", Level.SHALL, _EXPAND, "An expansion has active codes alone.")
    def _expand_active(session: Session) -> str:
        found = list(_codes(_expanded(session).get("contains")))
        inactive = [each for each in found if each.get("inactive") is True]
        expect(not inactive, f"{len(inactive)} of {len(found)} codes are inactive")
        return f"{len(found)} codes"

    @area.check("expand-today", Level.SHALL, _EXPAND, "An expansion is as of the current date.")
    def _expand_today(session: Session) -> str:
        stated = str(_expanded(session).get("timestamp", ""))
        try:
            moment = datetime.fromisoformat(stated)
        except ValueError:
            raise FailedError("its timestamp is absent or no moment") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        expect(abs(datetime.now(UTC) - moment) <= _CLOCKS, "its timestamp is of another day")
        return "today"

    @area.check(
        "expand-unknown", Level.SHALL, _EXPAND, "A value set that is not known is an error, with an OperationOutcome."
    )
    def _expand_unknown(session: Session) -> str:
        _expanded(session)
        url = "https://example.com/ValueSet/self-check"
        return expect_error(Dtr(session).post(EXPAND, parameters(url={"valueUri": url})))

    @area.check("log-errors", Level.SHALL, _LOG, "A report on a form is taken.")
    def _log_errors(session: Session) -> str:
        return str(_taken(session).status)

    @area.check("log-nothing", Level.SHOULD, _LOG, "A report without an OperationOutcome is refused.")
    def _log_nothing(session: Session) -> str:
        _taken(session)
        return expect_error(_reported(session))


def _taken(session: Session) -> Answer:
    """Return the answer to a report. Raise FailedError if it is refused."""

    def make() -> Answer:
        answer = _reported(session, operationOutcome=_outcome())
        expect(answer.is_success, f"it is answered {answer.status}")
        return answer

    return session.once("report", make)


def _reported(session: Session, **members: Any) -> Answer:
    dtr = Dtr(session)
    try:
        canonical = dtr.forms()[0].canonical
    except NotTriedError:
        canonical = _FORM
    return dtr.post(LOG_ERRORS, parameters(questionnaire={"valueCanonical": canonical}, **members))


def _outcome() -> dict[str, Any]:
    issue = {"severity": "warning", "code": "informational", "diagnostics": "A self-check reports nothing wrong."}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
