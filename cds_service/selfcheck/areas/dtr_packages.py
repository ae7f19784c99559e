"""`$questionnaire-package`: which forms come, and what is refused."""

from datetime import UTC, datetime
from typing import Any

from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.dtr_calls import PACKAGE, Dtr, bundles_in, expect_error, forms_in, parameters, resources_in
from cds_service.selfcheck.filling import all_items
from cds_service.selfcheck.json_shape import objects
from cds_service.selfcheck.outcomes import Level, NotTriedError, expect
from cds_service.selfcheck.session import Session

_UNKNOWN = "https://example.com/Questionnaire/self-check|1"


def add_checks(area: Area) -> None:
    """Add the checks."""
    _add_answers(area)
    _add_refusals(area)


def _bundles(session: Session) -> tuple[Any, ...]:
    dtr = Dtr(session)
    dtr.forms()
    return bundles_in(dtr.package())


def _add_answers(area: Area) -> None:
    @area.check(
        "package",
        Level.SHALL,
        "oper-10",
        "By the coverage-assertion-id of an order that needs documentation, there are Parameters with a packagebundle.",
    )
    def _package(session: Session) -> str:
        return f"{len(bundles_in(Dtr(session).package()))} forms"

    @area.check(
        "package-bundle",
        Level.SHALL,
        "oper-12, dtrb-1",
        "Each Bundle is a collection, whose first resource is its only Questionnaire.",
    )
    def _package_bundle(session: Session) -> str:
        for bundle in _bundles(session):
            expect(bundle.get("type") == "collection", "a Bundle is no collection")
            first = (objects(bundle.get("entry")) or [{}])[0].get("resource")
            is_form = isinstance(first, dict) and first.get("resourceType") == "Questionnaire"
            expect(is_form, "the first resource of a Bundle is no Questionnaire")
            count = len(resources_in(bundle, "Questionnaire"))
            expect(count == 1, f"a Bundle has {count} Questionnaires")
        return f"{len(_bundles(session))} Bundles"

    @area.check("package-draft", Level.SHALL, "oper-18", "Each Bundle has exactly one QuestionnaireResponse, a draft.")
    def _package_draft(session: Session) -> str:
        for bundle in _bundles(session):
            count = len(resources_in(bundle, "QuestionnaireResponse"))
            expect(count == 1, f"a Bundle has {count} QuestionnaireResponses")
        return f"{len(_bundles(session))} drafts"

    @area.check(
        "package-value-sets",
        Level.SHALL,
        "oper-14, oper-16",
        "Every value set that a Questionnaire references is named with its version, and is in the Bundle.",
    )
    def _package_value_sets(session: Session) -> str:
        counted = 0
        for form in Dtr(session).forms():
            held = {f"{each.get('url')}|{each.get('version')}" for each in resources_in(form.bundle, "ValueSet")}
            for item in all_items(form.questionnaire.get("item")):
                named = str(item.get("answerValueSet", "#"))
                if not named.startswith("#"):
                    expect("|" in named, "a value set is named without its version")
                    expect(named in held, "a value set is not in the Bundle")
                    counted += 1
        if not counted:
            raise NotTriedError("no Questionnaire of the package references a value set")
        return f"{counted} references"

    @area.check(
        "package-named",
        Level.SHALL,
        "the operation $questionnaire-package",
        "The questionnaires that CRD named for the order are in the package, in their versions.",
    )
    def _package_named(session: Session) -> str:
        dtr = Dtr(session)
        named = set(dtr.documented().parts["questionnaire"])
        found = {each.canonical for each in dtr.forms()}
        without_version = {each.partition("|")[0] for each in found}
        missing = [each for each in named if each not in found | without_version]
        expect(not missing, f"{len(missing)} of {len(named)} are missing")
        return ", ".join(sorted(named))

    @area.check("package-by-order", Level.SHALL, "oper-6", "An order alone, without the context, gets its package.")
    def _package_by_order(session: Session) -> str:
        dtr = Dtr(session)
        dtr.forms()
        found = bundles_in(dtr.post(PACKAGE, dtr.package_request("order")))
        expect(bool(found), "there is no packagebundle")
        return f"{len(found)} forms"

    @area.check(
        "package-by-canonical",
        Level.SHALL,
        "oper-6",
        "A questionnaire that is asked for by its canonical comes in that version.",
    )
    def _package_by_canonical(session: Session) -> str:
        dtr = Dtr(session)
        wanted = {each.canonical for each in dtr.forms()}
        asked = [{"valueCanonical": each} for each in sorted(wanted)]
        body = parameters(coverage=dtr.documented().call.case.coverage, questionnaire=asked)
        found = {each.canonical for each in forms_in(dtr.post(PACKAGE, body))}
        expect(wanted <= found, f"{len(wanted - found)} of {len(wanted)} are missing")
        return f"{len(found)} forms"

    @area.check(
        "package-once",
        Level.SHALL,
        "the operation $questionnaire-package",
        "A questionnaire that is asked for in several ways comes once.",
    )
    def _package_once(session: Session) -> str:
        dtr = Dtr(session)
        dtr.forms()
        found = [
            each.canonical
            for each in forms_in(dtr.post(PACKAGE, dtr.package_request("context", "order", "questionnaire")))
        ]
        expect(len(found) == len(set(found)), f"{len(found)} forms, {len(set(found))} of them different")
        return f"{len(found)} forms"

    @area.check(
        "package-changed-order",
        Level.SHALL,
        "spec-128",
        "An order whose status has changed since, and that has a note, is still the same order.",
    )
    def _package_changed_order(session: Session) -> str:
        dtr = Dtr(session)
        dtr.forms()
        order = {**dtr.documented().call.case.order, "status": "active", "note": [{"text": "Signed."}]}
        found = bundles_in(dtr.post(PACKAGE, dtr.package_request("context", order=order)))
        expect(bool(found), "there is no packagebundle")
        return f"{len(found)} forms"

    @area.check(
        "package-unchanged",
        Level.SHOULD,
        "the operation $questionnaire-package",
        "If nothing has changed since changedsince, the answer is 200 without a packagebundle.",
    )
    def _package_unchanged(session: Session) -> str:
        dtr = Dtr(session)
        dtr.forms()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        body = dtr.package_request("questionnaire", changedsince={"valueInstant": now})
        answer = dtr.post(PACKAGE, body)
        expect(answer.status == 200, f"it is answered {answer.status}")
        expect(not bundles_in(answer) if answer.body else True, "there is a packagebundle")
        return "200"

    @area.check(
        "package-unknown-form",
        Level.SHALL,
        "oper-9",
        "A questionnaire that is not known gets a warning in outcome, and the others come.",
    )
    def _package_unknown_form(session: Session) -> str:
        dtr = Dtr(session)
        known = [{"valueCanonical": each.canonical} for each in dtr.forms()]
        body = parameters(
            coverage=dtr.documented().call.case.coverage, questionnaire=[*known, {"valueCanonical": _UNKNOWN}]
        )
        answer = dtr.post(PACKAGE, body)
        expect(bool(bundles_in(answer)), "the others do not come")
        names = [each.get("name") for each in objects(answer.object().get("parameter"))]
        expect(names.count("outcome") == 1, f"there are {names.count('outcome')} outcomes")
        return "a warning"


def _add_refusals(area: Area) -> None:
    def refusal(name: str, source: str, right: str, make: Any) -> None:
        def run(session: Session) -> str:
            dtr = Dtr(session)
            dtr.documented()
            return expect_error(dtr.post(PACKAGE, make(dtr)))

        area.check(name, Level.SHALL, source, f"{right} is refused with 400 to 499 and an OperationOutcome.")(run)

    refusal(
        "package-of-nothing",
        "dtr-1",
        "A request without context, order, and questionnaire",
        lambda dtr: dtr.package_request(),
    )
    refusal(
        "package-without-coverage",
        "spec-130, oper-6",
        "A request without coverage",
        lambda dtr: parameters(context={"valueString": dtr.documented().parts["coverage-assertion-id"][0]}),
    )
    refusal(
        "package-unknown-context",
        "spec-130",
        "A context that was never issued",
        lambda dtr: dtr.package_request(context={"valueString": "self-check-never-issued"}),
    )
    refusal(
        "package-not-parameters",
        "FHIR R4, operations",
        "A body that is no Parameters",
        lambda _: {"resourceType": "Patient"},
    )
