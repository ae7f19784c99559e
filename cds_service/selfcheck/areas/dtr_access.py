"""What a service of forms says of itself, and the access tokens for it (SMART Backend Services)."""

import time
from collections.abc import Callable

from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.credentials import tampered
from cds_service.selfcheck.dtr_calls import PACKAGE, Dtr
from cds_service.selfcheck.json_shape import is_absolute, is_text
from cds_service.selfcheck.outcomes import Level, NotTriedError, expect
from cds_service.selfcheck.session import Session
from cds_service.selfcheck.web import Answer

_BACKEND = "SMART App Launch 2.2, Backend Services"
_OPERATIONS = ("questionnaire-package", "next-question", "log-questionnaire-errors", "expand")
_LONGEST = 300
_PAST = 7200


def add_checks(area: Area) -> None:
    """Add the checks."""
    _add_discovery(area)
    _add_tokens(area)


def _add_discovery(area: Area) -> None:
    @area.check(
        "metadata",
        Level.SHALL,
        "FHIR R4, capabilities",
        "GET /metadata answers 200 with a CapabilityStatement of FHIR R4.",
    )
    def _metadata(session: Session) -> str:
        found = Dtr(session).metadata()
        expect(found.status == 200, f"it is answered {found.status}")
        version = str(found.resource("CapabilityStatement").get("fhirVersion"))
        expect(version.startswith("4.0"), "it states another version of FHIR")
        return version

    @area.check(
        "operations",
        Level.SHALL,
        "CapabilityStatement dtr-payer-service",
        "The CapabilityStatement lists $questionnaire-package, $next-question, $log-questionnaire-errors, and $expand.",
    )
    def _operations(session: Session) -> str:
        found = set(Dtr(session).operations())
        names = {each for each in _OPERATIONS for name in found if name.lower().endswith(each)}
        missing = [each for each in _OPERATIONS if each not in names]
        expect(not missing, f"it does not list {', '.join(missing)}")
        return ", ".join(_OPERATIONS)

    @area.check(
        "endpoint-discovery",
        Level.SHOULD,
        "spec-8; HRex 1.2.0",
        "GET /.well-known/davinci-configuration answers JSON with the endpoints of the payer.",
    )
    def _endpoint_discovery(session: Session) -> str:
        dtr = Dtr(session)
        if dtr.configuration().status == 404:
            raise NotTriedError("there is none at this address; a payer may have it below a base of its own")
        expect(dtr.configuration().status == 200, f"it is answered {dtr.configuration().status}")
        dtr.configuration().object()
        expect(bool(dtr.endpoint_of_payer()), "it names no endpoint of packages (davinci_dtr_qpackage_endpoint)")
        return "named"

    @area.check(
        "smart-configuration",
        Level.SHALL,
        "spec-120; SMART App Launch 2.2, conformance",
        "The SMART configuration names the token endpoint, private_key_jwt, and ES384 or RS384.",
    )
    def _smart_configuration(session: Session) -> str:
        _needs_tokens(session)
        found = Dtr(session).smart_configuration()
        expect(is_absolute(found.get("token_endpoint")), "it names no token_endpoint")
        methods = found.get("token_endpoint_auth_methods_supported") or ()
        expect("private_key_jwt" in methods, "it does not list private_key_jwt")
        algorithms = set(found.get("token_endpoint_auth_signing_alg_values_supported") or ())
        expect(bool(algorithms & {"ES384", "RS384"}), "it lists neither ES384 nor RS384")
        return ", ".join(sorted(algorithms))


def _needs_tokens(session: Session) -> None:
    if not session.credentials.client_id:
        raise NotTriedError("no client id was given; give one with --client-id")


def _add_tokens(area: Area) -> None:
    @area.check("token", Level.SHALL, _BACKEND, "A right client assertion gets an access token, of the type bearer.")
    def _token(session: Session) -> str:
        found = Dtr(session).access()
        expect(str(found.get("token_type")).lower() == "bearer", "token_type is not bearer")
        expect(isinstance(found.get("expires_in"), int), "expires_in is absent or no number")
        expect(is_text(found.get("scope")), "scope is absent")
        return f"{found['expires_in']} s"

    @area.check("token-lifetime", Level.SHOULD, _BACKEND, f"An access token is valid for at most {_LONGEST} s.")
    def _token_lifetime(session: Session) -> str:
        seconds = Dtr(session).access()["expires_in"]
        expect(seconds <= _LONGEST, f"{seconds} s")
        return f"{seconds} s"

    @area.check(
        "token-not-cached", Level.SHALL, "RFC 6749, 5.1", "The answer with a token has Cache-Control: no-store."
    )
    def _token_not_cached(session: Session) -> str:
        dtr = Dtr(session)
        dtr.access()
        found = dtr.request_token(dtr.assertion())
        expect("no-store" in found.headers.get("cache-control", ""), "it has not")
        return "no-store"

    def refused(name: str, level: Level, right: str, make: Callable[[Dtr], str]) -> None:
        def run(session: Session) -> str:
            dtr = Dtr(session)
            dtr.access()
            return _refused(dtr.request_token(make(dtr)))

        area.check(name, level, _BACKEND, right)(run)

    def aged(dtr: Dtr) -> str:
        now = int(time.time())
        return dtr.assertion(claims={"iat": now - _PAST - _LONGEST, "exp": now - _PAST})

    def long_lived(dtr: Dtr) -> str:
        return dtr.assertion(claims={"exp": int(time.time()) + _PAST})

    def used(dtr: Dtr) -> str:
        found = dtr.assertion()
        dtr.request_token(found)
        return found

    refused("assertion-expired", Level.SHALL, "An assertion that has expired is refused.", aged)
    refused("assertion-lifetime", Level.SHALL, "An assertion that is valid for hours is refused.", long_lived)
    refused(
        "assertion-audience",
        Level.SHALL,
        "An assertion for another address is refused.",
        lambda dtr: dtr.assertion("https://another.example.org/token"),
    )
    refused(
        "assertion-signature",
        Level.SHALL,
        "An assertion whose claims were changed after signing is refused.",
        lambda dtr: tampered(dtr.assertion()),
    )
    refused(
        "assertion-client",
        Level.SHALL,
        "An assertion of a client that is not registered is refused.",
        lambda dtr: dtr.assertion(claims={"iss": "unregistered-self-check", "sub": "unregistered-self-check"}),
    )
    refused("assertion-replayed", Level.SHALL, "An assertion that was used before is refused.", used)

    @area.check("assertion-key", Level.SHALL, _BACKEND, "An assertion that another key has signed is refused.")
    def _assertion_key(session: Session) -> str:
        dtr = Dtr(session)
        dtr.access()
        return _refused(dtr.request_token(dtr.assertion(key=session.credentials.foreign_key())))

    @area.check(
        "token-error", Level.SHALL, "RFC 6749, 5.2", "A request that is refused gets JSON with an error code of OAuth."
    )
    def _token_error(session: Session) -> str:
        dtr = Dtr(session)
        dtr.access()
        found = dtr.request_token("no.client.assertion")
        expect(found.status in (400, 401), f"it is answered {found.status}")
        expect(is_text(found.object().get("error")), "the answer has no member error")
        return f"{found.status}, {found.object()['error']}"

    @area.check("token-needed", Level.SHALL, "spec-120", "An operation without an access token is refused.")
    def _token_needed(session: Session) -> str:
        dtr = Dtr(session)
        dtr.access()
        return _refused(dtr.post(PACKAGE, {"resourceType": "Parameters"}, token=""), 401, 403)

    @area.check("token-tampered", Level.SHALL, "spec-120", "An access token that was changed is refused.")
    def _token_tampered(session: Session) -> str:
        dtr = Dtr(session)
        token = str(dtr.access()["access_token"])
        middle = len(token) // 2
        other = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
        changed = session.secret(other)
        return _refused(dtr.post(PACKAGE, {"resourceType": "Parameters"}, token=changed), 401, 403)


def _refused(answer: Answer, *statuses: int) -> str:
    expect(answer.status in (statuses or (400, 401, 403)), f"it is answered {answer.status}")
    return str(answer.status)
