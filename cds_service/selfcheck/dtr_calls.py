"""The calls of a DTR client: where the forms of a server are, its access token, packages, and next questions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.selfcheck.crd_calls import CrdCalls, Information
from cds_service.selfcheck.json_shape import OUTCOME, expect_schema, is_absolute, is_text, objects
from cds_service.selfcheck.outcomes import FailedError, NotTriedError, expect
from cds_service.selfcheck.services import ORDER_SIGN, V2_0, V2_2
from cds_service.selfcheck.session import Session
from cds_service.selfcheck.web import Answer

PACKAGE = "Questionnaire/$questionnaire-package"
NEXT_QUESTION = "Questionnaire/$next-question"
LOG_ERRORS = "Questionnaire/$log-questionnaire-errors"
EXPAND = "ValueSet/$expand"
SMART_CONFIGURATION = ".well-known/smart-configuration"
_ENDPOINT = "davinci_dtr_qpackage_endpoint"
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_FHIR_JSON = "application/fhir+json"
_SCOPE = "system/Questionnaire.rs system/ValueSet.rs"


@dataclass(frozen=True, slots=True)
class Form:
    """A Questionnaire of a package with the draft of its response. The draft is empty if the package has none."""

    questionnaire: Mapping[str, Any]
    response: Mapping[str, Any]
    bundle: Mapping[str, Any]

    @property
    def canonical(self) -> str:
        """Return the canonical of the Questionnaire with its version."""
        return f"{self.questionnaire.get('url')}|{self.questionnaire.get('version')}"

    @property
    def is_adaptive(self) -> bool:
        """Return whether its questions come call by call."""
        found = objects(self.questionnaire.get("extension"))
        return any(str(each.get("url")).endswith("/sdc-questionnaire-questionnaireAdaptive") for each in found)


def parameters(**named: Any) -> dict[str, Any]:
    """Return a FHIR Parameters resource; each value is a resource, or a value[x] and its name; a list repeats."""
    listed: list[dict[str, Any]] = []
    for name, given in named.items():
        for value in given if isinstance(given, list) else [given]:
            member = value if "resourceType" not in value else {"resource": value}
            listed.append({"name": name, **member})
    return {"resourceType": "Parameters", "parameter": listed}


def forms_in(answer: Answer) -> tuple[Form, ...]:
    """Return the forms of a package. Raise FailedError if the answer is no package."""
    return tuple(_form(bundle) for bundle in bundles_in(answer))


def bundles_in(answer: Answer) -> tuple[Mapping[str, Any], ...]:
    """Return the Bundles of a package. Raise FailedError if the answer is no package."""
    expect(answer.status == 200, f"status {answer.status}")
    listed = objects(answer.resource("Parameters").get("parameter"))
    return tuple(each["resource"] for each in listed if each.get("name") == "packagebundle" and "resource" in each)


def resources_in(bundle: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the resources of a type in a Bundle."""
    found = (each.get("resource") for each in objects(bundle.get("entry")))
    return [each for each in found if isinstance(each, dict) and each.get("resourceType") == kind]


def _form(bundle: Mapping[str, Any]) -> Form:
    questionnaires = resources_in(bundle, "Questionnaire")
    responses = resources_in(bundle, "QuestionnaireResponse")
    return Form(questionnaires[0] if questionnaires else {}, responses[0] if responses else {}, bundle)


def expect_error(answer: Answer, *statuses: int) -> str:
    """Expect one of the statuses, or any of 400 to 499, with an OperationOutcome; return the status."""
    right = answer.status in statuses if statuses else answer.is_client_error
    expect(right, f"it is answered {answer.status}")
    expect(answer.is_json, f"it is answered {answer.status} as {answer.media_type or 'nothing'}")
    expect_schema(answer.object(), OUTCOME, f"the answer ({answer.status})")
    return str(answer.status)


class Dtr:
    """The DTR client of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def base(self) -> str:
        """Return the FHIR base of the forms. Raise NotTriedError if none is found."""
        return self._session.once("dtr base", self._find_base)

    def _find_base(self) -> str:
        if self._session.target.dtr_url:
            return self._session.target.dtr_url
        if found := self.endpoint_of_payer():
            return found
        usual = f"{self._session.target.url}/fhir"
        if {"questionnaire-package", "next-question"} & set(_operations(self._session, usual)):
            return usual
        raise NotTriedError(
            f"neither /.well-known/davinci-configuration nor {usual}/metadata names it; give its FHIR base by --dtr-url"
        )

    def endpoint_of_payer(self) -> str:
        """Return the address of packages by HRex's endpoint discovery; empty if it names none."""
        try:
            answer = self.configuration()
            found = answer.json() if answer.status == 200 else {}
        except (FailedError, NotTriedError):
            return ""
        endpoints = found.get("endpoints") if isinstance(found, dict) else None
        named = {**found, **endpoints} if isinstance(endpoints, dict) else found if isinstance(found, dict) else {}
        for name, value in named.items():
            if name.startswith(_ENDPOINT) and is_absolute(value):
                return str(value).removesuffix(f"/{PACKAGE}").rstrip("/")
        return ""

    def configuration(self) -> Answer:
        """Return the answer of HRex's endpoint discovery."""
        address = f"{self._session.target.url}/.well-known/davinci-configuration"
        return self._session.once("davinci-configuration", lambda: self._session.web.send("GET", address))

    def operations(self) -> list[str]:
        """Return the names of the operations in the CapabilityStatement."""
        return _operations(self._session, self.base())

    def metadata(self) -> Answer:
        """Return the answer with the CapabilityStatement."""
        return _metadata(self._session, self.base())

    def smart_configuration(self) -> dict[str, Any]:
        """Return the SMART configuration. Raise FailedError if there is none."""

        def make() -> dict[str, Any]:
            answer = self._session.web.send("GET", f"{self.base()}/{SMART_CONFIGURATION}")
            expect(answer.status == 200, f"it is answered {answer.status}")
            return answer.object()

        return self._session.once("smart configuration", make)

    def token_endpoint(self) -> str:
        """Return the address of the token endpoint. Raise NotTriedError without a client id."""
        if not self._session.credentials.client_id:
            raise NotTriedError("no client id was given; give one with --client-id")
        found = self.smart_configuration().get("token_endpoint")
        if not is_absolute(found):
            raise FailedError("the SMART configuration names no token_endpoint")
        return str(found)

    def request_token(self, assertion: str, **form: str) -> Answer:
        """Return the answer of the token endpoint to a client assertion."""
        sent = {
            "grant_type": "client_credentials",
            "scope": _SCOPE,
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": self._session.secret(assertion),
        }
        return self._session.web.send("POST", self.token_endpoint(), form=sent | form)

    def assertion(self, audience: str = "", claims: dict[str, Any] | None = None, *, key: Any = None) -> str:
        """Return a client assertion, by default a right one."""
        return self._session.credentials.assertion(audience or self.token_endpoint(), claims, key=key)

    def access(self) -> dict[str, Any]:
        """Return the answer that has the access token of the run. Raise FailedError if none is given."""

        def make() -> dict[str, Any]:
            answer = self.request_token(self.assertion())
            expect(answer.status == 200, f"the token endpoint answers {answer.status}")
            found = answer.object()
            expect(is_text(found.get("access_token")), "the answer has no access_token")
            self._session.secret(found["access_token"])
            return found

        return self._session.once("access token", make)

    def token(self) -> str:
        """Return the access token of the run; empty for a server that asks for none."""
        if self._session.target.credentials is None or not self._session.target.credentials.client_id:
            return ""
        try:
            return str(self.access()["access_token"])
        except FailedError as error:
            raise NotTriedError(f"there is no access token: {error}") from None

    def post(self, operation: str, body: Any, token: str | None = None) -> Answer:
        """Return the answer of an operation; `token` replaces the access token."""
        headers = {"Accept": _FHIR_JSON, "Content-Type": _FHIR_JSON}
        sent = self.token() if token is None else token
        return self._session.web.send("POST", f"{self.base()}/{operation}", token=sent, body=body, headers=headers)

    def get(self, path: str) -> Answer:
        """Return the answer to a read or search."""
        return self._session.web.send(
            "GET", f"{self.base()}/{path}", token=self.token(), headers={"Accept": _FHIR_JSON}
        )

    def documented(self) -> Information:
        """Return coverage information that asks for a form. Raise NotTriedError if CRD gave none."""
        for version in (V2_2, V2_0):
            try:
                found = CrdCalls(self._session, version).information(ORDER_SIGN)
            except (FailedError, NotTriedError):
                continue
            for each in found:
                if each.parts.get("questionnaire") and each.parts.get("coverage-assertion-id"):
                    return each
        raise NotTriedError(
            "no answer of order-sign (CRD) names a questionnaire and a coverage-assertion-id; give an order that needs "
            "documentation (--order, --patient)"
        )

    def package_request(self, *names: str, **others: Any) -> dict[str, Any]:
        """Return the parameters of `$questionnaire-package`: these of the order that CRD asked about."""
        found = self.documented()
        known = {
            "context": {"valueString": found.parts["coverage-assertion-id"][0]},
            "order": found.call.case.order,
            "questionnaire": [{"valueCanonical": each} for each in found.parts["questionnaire"]],
        }
        return parameters(coverage=found.call.case.coverage, **{name: known[name] for name in names}, **others)

    def package(self) -> Answer:
        """Return the answer with the package of the order that CRD asked about, by its context."""

        def make() -> Answer:
            answer = self.post(PACKAGE, self.package_request("context", "order"))
            expect(bool(bundles_in(answer)), "the answer has no packagebundle")
            return answer

        return self._session.once("package", make)

    def forms(self) -> tuple[Form, ...]:
        """Return the forms of the package. Raise NotTriedError if there is none."""
        try:
            return forms_in(self.package())
        except FailedError as error:
            raise NotTriedError(f"there is no package: {error}") from None

    def drafts(self) -> tuple[Form, ...]:
        """Return the forms of the package. Raise NotTriedError unless each has a draft."""
        found = self.forms()
        if not all(each.response for each in found):
            raise NotTriedError("a form has no draft; see dtr.package-draft")
        return found


def _metadata(session: Session, base: str) -> Answer:
    return session.once(
        ("metadata", base), lambda: session.web.send("GET", f"{base}/metadata", headers={"Accept": _FHIR_JSON})
    )


def _operations(session: Session, base: str) -> list[str]:
    try:
        answer = _metadata(session, base)
        rest = objects(answer.resource("CapabilityStatement").get("rest")) if answer.status == 200 else []
    except (FailedError, NotTriedError):
        return []
    places = [*rest, *(each for server in rest for each in objects(server.get("resource")))]
    return [str(each.get("name")).lstrip("$") for place in places for each in objects(place.get("operation"))]
