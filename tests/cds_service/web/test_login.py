"""The login of operators: who gets in, what a forged answer or another site can do, and how it ends."""

import json
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha384
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from cds_service.login.login import HOME, own_page
from cds_service.login.sessions import LIFETIME, LOGIN_LIFETIME
from cds_service.records.database import Database, UnavailableError
from cds_service.wiring.records import database_in_memory
from tests.support.client_fakes import jwk, pem
from tests.support.clock import SetClock
from tests.support.hook_fakes import NOW
from tests.support.identity_provider import IdentityProvider, query_of, signed
from tests.support.operator_pages import ORIGIN, PUBLIC, OperatorPages, own_path, sent_back

PATIENT = "/sandbox?patient=sij-posterior"


@pytest.fixture(name="pages")
def _pages(provider: IdentityProvider, clock: SetClock) -> OperatorPages:
    return OperatorPages(provider, clock)


def test_a_page_for_operators_leads_through_the_login_and_back_to_itself(pages: OperatorPages) -> None:
    browser = pages.browser()
    asked = browser.get(PATIENT)
    assert (asked.status_code, asked.headers["Cache-Control"]) == (303, "no-store")
    signed_in = browser.sign_in(own_path(asked.headers["Location"]))
    assert (signed_in.status_code, signed_in.headers["Location"]) == (303, f"{PUBLIC}{PATIENT}")
    assert browser.get("/sandbox").status_code == 200


def test_the_request_to_the_provider_has_pkce_state_nonce_and_the_scope_of_the_claim(pages: OperatorPages) -> None:
    asked = query_of(pages.browser().to_provider())
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == f"{PUBLIC}/login/callback"
    assert asked["scope"] == "openid profile email groups"
    assert asked["code_challenge_method"] == "S256"
    assert all(len(asked[name]) == 43 for name in ("state", "nonce", "code_challenge"))


def test_a_scope_that_the_provider_does_not_offer_is_not_requested(
    pages: OperatorPages, provider: IdentityProvider
) -> None:
    provider.configuration = {"scopes_supported": ["openid"]}
    assert query_of(pages.browser().to_provider())["scope"] == "openid profile email"


def test_the_cookies_are_bound_to_the_host_and_hidden_from_scripts(pages: OperatorPages) -> None:
    browser = pages.browser()
    begun = browser.get("/login").headers["Set-Cookie"]
    ended, session = browser.sign_in().headers.getlist("Set-Cookie")
    assert ended.startswith("__Host-cds-login=;")
    assert session.startswith("__Host-cds-operator=")
    for each in (begun, session):
        assert each.startswith("__Host-")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} == set(each.split("; ")[1:])


def test_the_page_names_the_operator_and_signs_out_with_a_button(pages: OperatorPages) -> None:
    browser = pages.browser()
    browser.sign_in()
    text = browser.get("/sandbox").text
    assert "Signed in as Ada Example" in text
    assert 'action="login/sign-out"' in text


def test_what_the_name_contains_stays_text(pages: OperatorPages, provider: IdentityProvider) -> None:
    provider.user["name"] = "<script>alert(1)</script>"
    browser = pages.browser()
    browser.sign_in()
    assert "&lt;script&gt;alert(1)" in browser.get("/sandbox").text


def test_another_process_knows_who_signed_in(provider: IdentityProvider, clock: SetClock, pages: OperatorPages) -> None:
    browser, other = pages.browser(), OperatorPages(provider, clock, database=pages.database).browser()
    browser.sign_in()
    other.session = browser.session
    assert other.get("/sandbox").status_code == 200


def test_the_log_has_the_id_of_who_signed_in_and_not_the_name(pages: OperatorPages) -> None:
    pages.browser().sign_in()
    (line,) = (each for each in pages.lines() if each["event"] == "operator signed in")
    assert line["subject"] == "u-1"
    assert "Ada" not in pages.written.getvalue()


def test_the_store_has_neither_the_name_nor_the_cookie(pages: OperatorPages) -> None:
    browser = pages.browser()
    browser.sign_in()
    (row,) = pages.rows("smart_sessions")
    stored = row["name"].encode() + bytes(row["sealed"])
    assert b"Ada" not in stored
    assert browser.session.encode() not in stored


# How long it lasts


def test_a_session_lasts_eight_hours_and_not_longer(pages: OperatorPages, clock: SetClock) -> None:
    browser = pages.browser()
    browser.sign_in()
    clock.now += LIFETIME - timedelta(seconds=1)
    assert browser.get("/sandbox").status_code == 200
    clock.now += timedelta(seconds=1)
    assert browser.get("/sandbox").status_code == 303
    assert timedelta(hours=8) == LIFETIME


@pytest.mark.parametrize(("late", "status"), [(-1, 303), (0, 403)])
def test_a_user_has_ten_minutes_to_sign_in(pages: OperatorPages, clock: SetClock, late: int, status: int) -> None:
    browser = pages.browser()
    address = browser.to_provider()
    clock.now += LOGIN_LIFETIME + timedelta(seconds=late)
    assert browser.get(sent_back(address)).status_code == status


def test_signing_out_ends_the_session_for_every_copy_of_the_cookie(pages: OperatorPages) -> None:
    browser, thief = pages.browser(), pages.browser()
    browser.sign_in()
    thief.session = browser.session
    left = browser.post("/login/sign-out")
    assert left.status_code == 200
    assert "You are signed out" in left.text
    assert browser.session == ""
    assert thief.get("/sandbox").status_code == 303


def test_the_page_after_signing_out_links_to_the_sign_out_of_the_provider(
    pages: OperatorPages, provider: IdentityProvider
) -> None:
    browser = pages.browser()
    browser.sign_in()
    assert f'href="{provider.issuer}/end?client_id=cds-pages"' in browser.post("/login/sign-out").text


@pytest.mark.parametrize("address", [None, "javascript:alert(1)", "http://example.org/end"])
def test_it_links_to_nothing_that_is_no_protected_address(
    pages: OperatorPages, provider: IdentityProvider, address: str | None
) -> None:
    provider.configuration = {"end_session_endpoint": address}
    browser = pages.browser()
    browser.sign_in()
    assert "Sign out of the identity provider" not in browser.post("/login/sign-out").text


def test_signing_out_takes_a_post_of_our_own_page(pages: OperatorPages) -> None:
    browser = pages.browser()
    browser.sign_in()
    assert browser.get("/login/sign-out").status_code == 405
    assert browser.post("/login/sign-out", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert browser.get("/sandbox").status_code == 200


# Who is an operator


@pytest.mark.parametrize(
    ("settings", "user", "is_in"),
    [
        ({}, {"groups": ["others", "cds-operators"]}, True),
        ({}, {"groups": "cds-operators"}, True),
        ({}, {"groups": ["cds-operators-2"]}, False),
        ({}, {"groups": ["CDS-OPERATORS"]}, False),
        ({}, {"groups": None}, False),
        ({}, {"groups": [["cds-operators"], 3]}, False),
        ({"operator_values": ""}, {"groups": None}, True),
        ({"operator_claim": "roles", "operator_values": "a,b"}, {"roles": ["b"]}, True),
        ({"operator_claim": "email", "operator_values": "ada@example.org"}, {"email": "ada@example.org"}, True),
        (
            {"operator_claim": "email", "operator_values": "@example.org"},
            {"email": "ada@Example.org", "email_verified": True},
            True,
        ),
        ({"operator_claim": "email", "operator_values": "@example.org"}, {"email": "ada@example.org"}, False),
        (
            {"operator_claim": "email", "operator_values": "@example.org"},
            {"email": "ada@example.org", "email_verified": "true"},
            False,
        ),
        (
            {"operator_claim": "email", "operator_values": "@example.org"},
            {"email": "ada@sub.example.org", "email_verified": True},
            False,
        ),
        (
            {"operator_claim": "email", "operator_values": "@example.org"},
            {"email": "x@evil.example@example.org", "email_verified": True},
            False,
        ),
    ],
)
def test_the_claim_says_who_is_an_operator(
    provider: IdentityProvider, clock: SetClock, settings: dict[str, Any], user: dict[str, Any], is_in: bool
) -> None:
    browser = OperatorPages(provider, clock, **settings).browser()
    provider.user = {"sub": "u-2", **user}
    answer = browser.sign_in()
    assert answer.status_code == (303 if is_in else 403)
    assert ("You may not open these pages" in answer.text) is not is_in
    assert bool(browser.session) is is_in


# Forged answers of the provider


def _unsigned(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, None, "none", headers={"kid": "k1"})


def _signed_with_the_public_key(claims: dict[str, Any]) -> str:
    def part(value: Any) -> bytes:
        return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    signing = part({"alg": "HS256", "kid": "k1", "typ": "JWT"}) + b"." + part(claims)
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return (signing + b"." + urlsafe_b64encode(signature.sign(signing, pem())).rstrip(b"=")).decode()


@pytest.mark.parametrize(
    "sign",
    [
        _unsigned,
        _signed_with_the_public_key,
        lambda claims: signed(claims, name="second"),
        lambda claims: signed(claims, kid="k2"),
        lambda claims: signed(claims, algorithm="ES256"),
        lambda _claims: "no.jwt.here",
        lambda _claims: "",
    ],
    ids=["none", "HS256", "another key", "another kid", "another algorithm", "no JWT", "empty"],
)
def test_an_id_token_that_the_provider_did_not_sign_signs_nobody_in(
    pages: OperatorPages, provider: IdentityProvider, sign: Callable[[dict[str, Any]], str]
) -> None:
    provider.sign = sign
    browser = pages.browser()
    answer = browser.sign_in()
    assert answer.status_code == 403
    assert "No key of the provider has signed it." in answer.text
    assert browser.session == ""


SECONDS = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"iss": "https://other.example"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"aud": "other-app"}, "another application"),
        ({"aud": []}, "another application"),
        ({"aud": ["other-app"]}, "another application"),
        ({"aud": ["cds-pages", "other-app"]}, "issued to another application"),
        ({"azp": "other-app"}, "issued to another application"),
        ({"nonce": "other"}, "another login"),
        ({"nonce": None}, "another login"),
        ({"exp": SECONDS - 61}, "has expired"),
        ({"exp": None}, "has expired"),
        ({"exp": "soon"}, "expired"),
        ({"iat": None}, "missing or has the wrong form"),
        ({"iat": SECONDS + 61}, "missing or has the wrong form"),
        ({"nbf": SECONDS + 61}, "missing or has the wrong form"),
        ({"at_hash": "other"}, "access token beside it"),
        ({"sub": None}, "missing or has the wrong form"),
    ],
)
def test_a_claim_that_is_not_right_signs_nobody_in(
    pages: OperatorPages, provider: IdentityProvider, claims: dict[str, Any], says: str
) -> None:
    provider.claims = claims
    browser = pages.browser()
    answer = browser.sign_in()
    assert answer.status_code == 403
    assert says in answer.text
    assert browser.session == ""


ODD: tuple[Any, ...] = (7, True, 1.5, [], [7], {}, {"a": 1}, "", "\ud800", 2**70, "a" * 5000, [["a"]])


@pytest.mark.parametrize(
    "claim",
    ["iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce", "at_hash", "auth_time", "amr", "name", "groups"],
)
def test_an_odd_claim_never_gives_a_500(provider: IdentityProvider, pages: OperatorPages, claim: str) -> None:
    for value in ODD:
        provider.claims = {claim: value}
        browser = pages.browser()
        assert browser.sign_in().status_code in (303, 403), value
        assert browser.get("/sandbox").status_code == (200 if browser.session else 303)


def test_a_user_without_a_name_of_any_kind_is_still_an_operator(
    provider: IdentityProvider, pages: OperatorPages
) -> None:
    provider.user = {"sub": "u-1", "groups": "cds-operators"}
    browser = pages.browser()
    browser.sign_in()
    assert "Signed in as u-1" in browser.get("/sandbox").text


def _at_hash(token: str) -> str:
    return urlsafe_b64encode(sha384(token.encode()).digest()[:24]).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": SECONDS - 30},
        {"iat": SECONDS + 30},
        {"aud": ["cds-pages"]},
        {"aud": ["cds-pages", "other-app"], "azp": "cds-pages"},
        {"at_hash": _at_hash("access-1")},
    ],
)
def test_a_claim_that_is_right_within_the_skew_of_clocks_signs_in(
    pages: OperatorPages, provider: IdentityProvider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    assert pages.browser().sign_in().status_code == 303


def test_new_keys_of_the_provider_are_used_at_once(pages: OperatorPages, provider: IdentityProvider) -> None:
    provider.keys = [jwk("k2", "RS256", "rotated")]
    provider.sign = lambda claims: signed(claims, algorithm="RS256", name="rotated", kid="k2")
    assert pages.browser().sign_in().status_code == 303


def test_the_state_of_another_login_signs_nobody_in(pages: OperatorPages) -> None:
    browser = pages.browser()
    code = query_of(sent_back(browser.to_provider()))["code"]
    answer = browser.get(f"/login/callback?{urlencode({'code': code, 'state': 'other'})}")
    assert answer.status_code == 403
    assert "the state of another login" in answer.text
    assert browser.session == ""


def test_a_victim_cannot_be_signed_in_as_the_attacker(pages: OperatorPages) -> None:
    attacker, victim = pages.browser(), pages.browser()
    address = sent_back(attacker.to_provider())
    victim.to_provider()
    assert victim.get(address).status_code == 403
    assert victim.session == ""


def test_the_code_of_another_login_fails_its_proof(pages: OperatorPages) -> None:
    attacker, victim = pages.browser(), pages.browser()
    stolen = query_of(sent_back(victim.to_provider()))["code"]
    state = query_of(attacker.to_provider())["state"]
    answer = attacker.get(f"/login/callback?{urlencode({'code': stolen, 'state': state})}")
    assert answer.status_code == 502
    assert attacker.session == ""


def test_an_answer_of_the_provider_works_once(pages: OperatorPages) -> None:
    browser = pages.browser()
    address = sent_back(browser.to_provider())
    cookie = browser.client.get_cookie("__Host-cds-login", domain="cds.example.org")
    assert cookie is not None
    assert browser.get(address).status_code == 303
    browser.client.set_cookie("__Host-cds-login", cookie.value, domain="cds.example.org", secure=True)
    again = browser.get(address)
    assert again.status_code == 403
    assert "no open login in this browser" in again.text


@pytest.mark.parametrize(("iss", "status"), [("", 303), ("own", 303), ("https://other.example", 403)])
def test_an_answer_that_names_another_provider_is_refused(
    pages: OperatorPages, provider: IdentityProvider, iss: str, status: int
) -> None:
    browser = pages.browser()
    named = provider.issuer if iss == "own" else iss
    address = f"{sent_back(browser.to_provider())}&{urlencode({'iss': named})}"
    assert browser.get(address).status_code == status


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ({"error": "access_denied"}, 403, "You are not signed in"),
        ({"error": "server_error"}, 502, "without an authorization code"),
        ({}, 502, "without an authorization code"),
        ({"error": "<b>"}, 502, "without an authorization code"),
    ],
)
def test_an_error_of_the_provider_becomes_a_page_that_says_what_to_do(
    pages: OperatorPages, query: dict[str, str], status: int, says: str
) -> None:
    browser = pages.browser()
    state = query_of(browser.to_provider())["state"]
    answer = browser.get(f"/login/callback?{urlencode({'state': state, **query})}")
    assert answer.status_code == status
    assert says in answer.text
    assert "What to do:" in answer.text
    assert "<b>" not in answer.text


@pytest.mark.parametrize(
    "configuration",
    [
        {"issuer": "https://other.example"},
        {"issuer": None},
        {"token_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "http://example.org/authorize"},
    ],
)
def test_a_configuration_that_cannot_be_used_begins_no_login(
    pages: OperatorPages, provider: IdentityProvider, configuration: dict[str, Any]
) -> None:
    provider.configuration = configuration
    answer = pages.browser().get("/login")
    assert answer.status_code == 502
    assert "The identity provider did not answer as expected" in answer.text


@pytest.mark.parametrize("address", ["http://10.0.0.7/token", "https://169.254.169.254/token", "http://example.org/t"])
def test_an_endpoint_at_an_address_that_is_not_the_issuers_is_not_called_in_a_private_network(
    pages: OperatorPages, provider: IdentityProvider, address: str
) -> None:
    provider.configuration = {"token_endpoint": address}
    assert pages.browser().sign_in().status_code == 502


@pytest.mark.parametrize("answer", ["text", ("[]", 200), ({"id_token": 7}, 200), ({}, 200), ("", 500), ("{", 200)])
@pytest.mark.parametrize("endpoint", ["token", "configuration"])
def test_an_answer_of_the_provider_that_is_no_such_answer_never_gives_a_500(
    pages: OperatorPages, provider: IdentityProvider, endpoint: str, answer: Any
) -> None:
    provider.instead[endpoint] = lambda: answer
    browser = pages.browser()
    begun = browser.get("/login")
    if begun.status_code == 303:
        begun = browser.get(sent_back(begun.headers["Location"]))
    assert begun.status_code == 502


def test_a_provider_that_is_down_is_said_so(pages: OperatorPages, provider: IdentityProvider) -> None:
    provider.instead["configuration"] = lambda: ("", 503)
    assert "(503)" in pages.browser().get("/login").text


def test_a_provider_that_takes_no_basic_authentication_gets_the_secret_in_the_form(
    pages: OperatorPages, provider: IdentityProvider
) -> None:
    provider.configuration = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert pages.browser().sign_in().status_code == 303


# Where it leads back to


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/sandbox\r\nSet-Cookie: a=b",
        "/ sandbox",
        "javascript:alert(1)",
        "sandbox",
        "",
        "/é",
        "/" + 1001 * "a",
    ],
)
def test_a_login_never_leads_to_another_site(pages: OperatorPages, address: str) -> None:
    answer = pages.browser().sign_in(f"/login?{urlencode({'back': address})}")
    assert answer.headers["Location"] == f"{PUBLIC}{HOME}"


@pytest.mark.parametrize("address", ["/policies", PATIENT, "/insights?from=2026-01-01&q=%22a%22", "/" + 1000 * "a"])
def test_a_login_leads_back_to_a_page_of_ours(address: str) -> None:
    assert own_page(address) == address


# What other sites and other people can do


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 400),
        ({"Sec-Fetch-Site": "none"}, 400),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 400),
        ({"Origin": ORIGIN}, 400),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://cds.example.org"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 400),
    ],
)
def test_only_our_own_pages_post_to_the_pages_for_operators(
    pages: OperatorPages, headers: dict[str, str], status: int
) -> None:
    browser = pages.browser()
    browser.sign_in()
    answer = browser.post("/sandbox", {"case": "none"}, headers)
    assert answer.status_code == status
    assert ("Another web site sent this request" in answer.text) is (status == 403)


@pytest.mark.parametrize(
    ("mode", "status"), [("navigate", 200), ("cors", 403), ("no-cors", 403)], ids=["a link", "a script", "an image"]
)
def test_another_site_may_link_to_a_page_and_not_read_it(pages: OperatorPages, mode: str, status: int) -> None:
    browser = pages.browser()
    browser.sign_in()
    found = browser.get("/sandbox", **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode})
    assert found.status_code == status


def test_a_form_posted_after_the_session_ended_is_not_lost(pages: OperatorPages) -> None:
    answer = pages.browser().post("/sandbox", {"case": "{}"})
    assert answer.status_code == 403
    assert "Sign in again in another tab" in answer.text


def test_a_script_gets_that_message_for_the_page_that_it_is_on(pages: OperatorPages) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "HX-Request": "true"}
    answer = pages.browser().post("/sandbox", {"case": "{}"}, headers)
    assert answer.headers["HX-Reswap"] == "afterbegin"
    assert answer.text.startswith('<div class="alert" role="alert">')


@pytest.mark.parametrize("changed", ["", "x", "a.b", "é.é", "no dot"])
def test_a_cookie_that_is_no_session_opens_nothing(pages: OperatorPages, changed: str) -> None:
    browser = pages.browser()
    browser.client.set_cookie("__Host-cds-operator", changed, domain="cds.example.org", secure=True)
    assert browser.get("/sandbox").status_code == 303


def test_the_cookies_of_two_users_cannot_be_mixed(pages: OperatorPages, provider: IdentityProvider) -> None:
    ada, bob = pages.browser(), pages.browser()
    ada.sign_in()
    provider.user = {"sub": "u-2", "name": "Bob", "groups": ["cds-operators"]}
    bob.sign_in()
    bob.session = f"{ada.session.split('.')[0]}.{bob.session.split('.')[1]}"
    assert bob.get("/sandbox").status_code == 303
    assert "Ada Example" in ada.get("/sandbox").text


def test_the_cookie_of_a_pending_login_opens_nothing(pages: OperatorPages) -> None:
    browser = pages.browser()
    browser.to_provider()
    pending = browser.client.get_cookie("__Host-cds-login", domain="cds.example.org")
    assert pending is not None
    browser.session = pending.value
    assert browser.get("/sandbox").status_code == 303


def test_an_answer_never_sets_a_session_before_somebody_signed_in(pages: OperatorPages) -> None:
    browser = pages.browser()
    browser.session = "fixed.by-an-attacker"
    browser.sign_in()
    assert browser.session != "fixed.by-an-attacker"
    assert browser.get("/sandbox").status_code == 200


def test_sessions_are_of_one_database(provider: IdentityProvider, clock: SetClock, pages: OperatorPages) -> None:
    browser = pages.browser()
    browser.sign_in()
    other = OperatorPages(provider, clock, database=database_in_memory(pages.settings)).browser()
    other.session = browser.session
    assert other.get("/sandbox").status_code == 303


@pytest.mark.parametrize(
    ("method", "path", "site", "status", "says"),
    [
        ("GET", "/policies", "none", 200, "The policy revisions that this service checks orders against."),
        ("GET", "/sandbox", "none", 503, "The service cannot read now who is signed in"),
        ("POST", "/sandbox", "same-origin", 503, "The service cannot read now who is signed in"),
        ("POST", "/sandbox", "cross-site", 403, "Another web site sent this request"),
        ("GET", "/login", "none", 503, "The service cannot read now who is signed in"),
        ("POST", "/login/sign-out", "same-origin", 503, "The service cannot read now who is signed in"),
    ],
)
def test_a_database_that_fails_is_said_on_a_page_and_leaves_the_policies_open(
    pages: OperatorPages, monkeypatch: pytest.MonkeyPatch, method: str, path: str, site: str, status: int, says: str
) -> None:
    browser, tries = pages.browser(), Counter[str]()
    browser.sign_in()

    def fail(_database: Database, *_: object) -> None:
        tries[path] += 1
        raise UnavailableError("the database does not answer")

    monkeypatch.setattr(Database, "reading", fail)
    monkeypatch.setattr(Database, "write", fail)
    monkeypatch.setattr(Database, "writing", fail)
    answer = browser.client.open(path, method=method, base_url=ORIGIN, headers={"Sec-Fetch-Site": site})
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert says in answer.text
    assert "Sign out" not in answer.text
    assert tries[path] <= (2 if path.startswith("/login") else 1)
